"""Statistics of bands by hand and against the slow reference."""

from __future__ import annotations

import numpy as np
import pytest

from neuroloom.signal.statistics import (
    BAND_STATISTICS,
    band_statistics,
    correlation,
    crossings,
    permutation_entropy,
    shannon_entropy,
    slopes,
)
from tests.reference import wavelet_reference as reference

FLOOR = 1e-12


@pytest.mark.parametrize("length", [1, 2, 3, 10, 101])
def test_all_equal_the_slow_reference(length):
    c = np.random.default_rng(length).normal(0.3, 1.0, size=(4, length))
    total = (c**2).sum(1) * 1.7
    got = band_statistics(c, BAND_STATISTICS, total, np.full(4, FLOOR))
    for row in range(4):
        expected = reference.statistics(list(c[row]), total[row])
        if length == 1:
            expected["skewness"] = expected["kurtosis"] = 0.0
        for name in BAND_STATISTICS:
            assert got[name][row] == pytest.approx(expected[name], abs=1e-11), name


def test_shannon_entropy_by_hand():
    # p = (1/2, 1/4, 1/4, 0): H = 1.5 bits of at most 2.
    assert shannon_entropy(np.array([[2.0, 1.0, 1.0, 0.0]])) == pytest.approx([0.75])
    assert shannon_entropy(np.array([[5.0, 5.0, 5.0]])) == pytest.approx([1.0])
    assert shannon_entropy(np.array([[0.0, 9.0, 0.0], [0.0, 0.0, 0.0]])).tolist() == [0.0, 0.0]


def test_permutation_entropy_by_hand():
    # Bandt and Pompe's example 4 7 9 10 6 11 3: patterns 012 twice, 201 twice, 120 once: 1.522 bits of log2(6).
    assert permutation_entropy(np.array([[4.0, 7, 9, 10, 6, 11, 3]])) == pytest.approx(
        [1.5219 / np.log2(6)], abs=1e-4
    )
    assert permutation_entropy(np.arange(9.0)[None]).tolist() == [0.0]


def test_crossings_by_hand():
    lines = np.array([[1.0, -1, 2, 3, -4], [1, 0, -1, 0, 1], [0, 0, 1, 0, 2], [0, 0, 0, 0, 0]])
    assert crossings(lines).tolist() == [0.75, 0.5, 0.0, 0.0]


def test_log_energy_stops_at_the_floor():
    got = band_statistics(np.array([[np.e, 0.0]]), ["log_energy"], np.ones(1), np.array([np.exp(-3.0)]))
    assert got["log_energy"] == pytest.approx([(2 - 6) / 2])


def test_constant_band_gives_zeros_and_its_level():
    got = band_statistics(np.full((1, 7), 0.1), BAND_STATISTICS, np.ones(1), np.array([1e-15]))
    for name in ("std", "skewness", "kurtosis", "zero_crossings", "mean_crossings", "permutation_entropy"):
        assert got[name][0] == 0.0, name
    assert got["median"][0] == 0.1


def test_slope_of_a_power_law():
    levels = np.arange(1, 6)[:, None]
    found = slopes(4.0 * 2.0 ** (0.6 * levels) * np.ones((1, 3)), 1, False)
    np.testing.assert_allclose(found["slope"], 0.6)
    np.testing.assert_allclose(found["hurst"], 0.3)
    np.testing.assert_allclose(slopes(2.0 ** (1.6 * levels), 1, True)["slope"], 0.6)
    np.testing.assert_allclose(slopes(2.0 ** (2.6 * levels), 2, True)["slope"], 0.6)
    assert slopes(np.zeros((4, 2)), 1, False)["slope"].tolist() == [0.0, 0.0]
    assert slopes(np.ones((1, 2)), 1, False)["hurst"].tolist() == [0.0, 0.0]


def test_correlation():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 5, 30))
    expected = [np.corrcoef(a[i], b[i])[0, 1] for i in range(5)]
    np.testing.assert_allclose(correlation(a, b), expected)
    assert correlation(a, np.full((5, 30), 0.1)).tolist() == [0.0] * 5
