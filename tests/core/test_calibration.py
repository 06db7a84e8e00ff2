"""Calibration error, reliability and interval scores: by hand, by closed forms, and on data whose truth is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from neuroloom.core.calibration import (
    calibration_error,
    calibration_interval,
    equal_mass_bins,
    interval_covers,
    interval_score,
    reliability,
    wilson_interval,
)
from neuroloom.core.errors import InputError


def test_worked_by_hand():
    confidence = [0.6, 0.6, 0.6, 0.6, 0.9, 0.9, 0.9, 0.9]
    right = [1, 0, 0, 0, 1, 1, 1, 0]  # shares 1/4 and 3/4: gaps 0.35 and 0.15
    assert calibration_error(confidence, right, 2, norm=1, debiased=False) == pytest.approx(0.25)
    plain = calibration_error(confidence, right, 2, debiased=False)
    assert plain == pytest.approx(np.sqrt((0.35**2 + 0.15**2) / 2))
    debiased = (0.35**2 - 0.1875 / 3 + 0.15**2 - 0.1875 / 3) / 2
    assert calibration_error(confidence, right, 2) == pytest.approx(np.sqrt(debiased))


def slow_error(confidence, right, bins):
    """The library of Kumar et al., step by step: bins between the middles of neighbours, squares less the variance."""
    parts = np.array_split(np.sort(confidence), bins)
    ends = [(a[-1] + b[0]) / 2 for a, b in itertools.pairwise(parts)]
    total = 0.0
    for b in range(bins):
        inside = [i for i, c in enumerate(confidence) if sum(c > e for e in ends) == b]
        share = sum(right[i] for i in inside) / len(inside)
        gap = sum(confidence[i] for i in inside) / len(inside) - share
        total += len(inside) / len(confidence) * (gap**2 - share * (1 - share) / (len(inside) - 1))
    return max(total, 0.0) ** 0.5


def test_equals_the_reference():
    draw = np.random.default_rng(1)
    for n, bins in ((60, 5), (210, 7), (300, 15)):
        confidence = draw.uniform(0.4, 1, n)
        right = draw.random(n) < confidence - 0.15
        assert calibration_error(confidence, right, bins) == pytest.approx(
            slow_error(confidence, right, bins)
        )


@pytest.mark.parametrize("off", [0.0, 0.1])
def test_the_truth_is_found_and_covered(off):
    draw = np.random.default_rng(2)
    found, biased, covered = [], [], 0
    for k in range(60):
        confidence = draw.uniform(0.55, 1, 450)
        right = draw.random(450) < confidence - off
        found.append(calibration_error(confidence, right) ** 2)
        biased.append(calibration_error(confidence, right, debiased=False) ** 2)
        low, high = calibration_interval(confidence, right, resamples=200, seed=k)
        covered += low <= off <= high
    assert np.mean(found) == pytest.approx(off**2, abs=0.0015)
    assert np.mean(biased) > off**2 + 0.003
    assert covered >= 54


def test_repetitions_are_averaged_and_their_samples_drawn_together():
    draw = np.random.default_rng(3)
    confidence, samples = draw.uniform(0.5, 1, 200), np.arange(200)
    right = draw.random(200) < confidence - 0.1
    once = calibration_error(confidence, right), calibration_interval(confidence, right, samples=samples)
    four = [np.tile(v, 4) for v in (confidence, right, samples)]
    seeds = np.repeat([3, 1, 0, 2], 200)
    assert calibration_error(*four[:2], groups=seeds) == pytest.approx(once[0])
    assert calibration_interval(*four[:2], groups=seeds, samples=four[2]) == pytest.approx(once[1])


def test_reliability_by_hand():
    confidence, right = [0.5, 0.5, 0.7, 0.9, 0.9, 1.0], [0, 1, 1, 1, 1, 1]
    found = reliability(confidence, right, 3)
    assert found.count.tolist() == [2, 3, 1]  # equal confidences share a bin
    assert found.confidence == pytest.approx([0.5, 2.5 / 3, 1.0])
    assert found.accuracy == pytest.approx([0.5, 1, 1])
    twice = reliability(confidence * 2, right * 2, 3, samples=[*range(6)] * 2)
    assert twice.count.tolist() == [4, 6, 2]
    assert twice.low == pytest.approx(found.low)


def test_wilson_interval_as_published():
    low, high = wilson_interval([81 / 263, 0.0], [263, 20])  # Newcombe (1998), table I: method 3
    assert (low[0], high[0]) == (pytest.approx(0.2553, abs=5e-5), pytest.approx(0.3662, abs=5e-5))
    assert (low[1], high[1]) == (0, pytest.approx(0.1611, abs=5e-5))


def test_bins_hold_as_many():
    values = np.random.default_rng(4).permutation(100) / 100
    assert np.bincount(equal_mass_bins(values, 10)).tolist() == [10] * 10
    assert equal_mass_bins([1.0, 1.0, 0.5], 15).tolist() == [1, 1, 0]


def test_interval_score_by_hand_and_least_at_the_quantiles():
    ends = [[1, 3], [1, 3], [1, 3]]
    assert interval_score([2, 0.5, 4], ends, 0.8) == pytest.approx([2, 2 + 10 * 0.5, 2 + 10])
    assert interval_covers([1, 3, 3.1], ends).tolist() == [True, True, False]
    y = np.random.default_rng(5).normal(size=20_000)
    means = [interval_score(y, np.tile([-z, z], (len(y), 1)), 0.9).mean() for z in (1.2, 1.645, 2.2)]
    assert means[1] == min(means)
    assert means[1] == pytest.approx(2 * 2.0627, rel=0.02)  # 2 φ(z) / (α/2)


def test_wrong_input():
    with pytest.raises(
        InputError, match=r"must lie in \[0, 1\], but goes from -1 to 0.5; pass probabilities"
    ):
        calibration_error([-1, 0.5], [0, 1])
    with pytest.raises(InputError, match="of one length, but have shapes"):
        calibration_error([0.5, 0.5], [1])
    with pytest.raises(InputError, match="at least one number"):
        reliability([], [])
    with pytest.raises(InputError, match="`norm` must be 1 or 2"):
        calibration_error([0.5], [1], norm=3)
    with pytest.raises(InputError, match=r"must have shape \(2, 2\)"):
        interval_score([1, 2], [[1, 2]], 0.9)
    with pytest.raises(InputError, match="`samples` must hold 2 values"):
        calibration_interval([0.5, 0.6], [1, 0], samples=[1])
