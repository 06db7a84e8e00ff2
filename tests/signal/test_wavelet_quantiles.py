"""WaveletQuantileFeatures: intervals by hand, quantiles against NumPy, bands against definitions, awkward input."""

from __future__ import annotations

import numpy as np
import pytest

from neuroloom.core import InputError
from neuroloom.signal import WaveletQuantileFeatures, modwt
from neuroloom.signal.wavelet_quantiles import dyadic_intervals, quantile_levels


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def test_intervals_by_hand():
    assert dyadic_intervals(8, 3, 4).tolist() == [
        [0, 8, 2],
        *([0, 4, 1], [4, 8, 1], [2, 6, 1]),
        *([a, a + 2, 1] for a in (0, 2, 4, 6, 1, 3, 5)),
    ]
    assert dyadic_intervals(3, 6, 1).tolist() == [[0, 3, 3], [0, 1, 1], [1, 3, 2]]


@pytest.mark.parametrize("length", [1, 2, 3, 5, 17, 33, 64, 99])
def test_no_interval_is_empty_or_reaches_out_or_comes_twice(length):
    parts = dyadic_intervals(length, 6, 4)
    assert len(np.unique(parts, axis=0)) == len(parts)
    assert all(0 <= start < stop <= length and count >= 1 for start, stop, count in parts.tolist())


@pytest.mark.parametrize(("channels", "length"), [(1, 2), (1, 37), (2, 50)])
def test_features_are_quantiles_of_the_named_values(channels, length):
    X = noise(4, channels, length) + 2
    features = WaveletQuantileFeatures(level=1).fit(X)
    got, names = features.transform(X), features.get_feature_names_out()
    assert got.shape == (4, len(names))
    for k in range(0, len(names), 5):
        channel, source, place, level = names[k].split("__")
        values = X[:, int(channel[2:])]
        if source == "db2_d1":
            values = modwt(values, "db2", 1, "symmetric")[:, 0]
        elif source == "spectrum":
            values = np.abs(np.fft.rfft(values))
        start, stop = map(int, place.split("_"))
        part = values[:, start:stop]
        levels = quantile_levels(1 + (stop - start - 1) // 4)
        at = int(np.argmin(np.abs(levels - float(level.removeprefix("quantile")))))
        expected = np.quantile(part, levels[at], axis=1) - (at % 2) * part.mean(axis=1)
        np.testing.assert_allclose(got[:, k], expected, atol=2e-5, err_msg=names[k])


def test_the_envelope_of_a_tone_is_its_amplitude_in_its_own_band():
    tone = 2 * np.cos(2 * np.pi * 0.25 * np.arange(256))
    features = WaveletQuantileFeatures("envelopes", level=3, depth=3).fit(tone[None])
    found = dict(zip(features.get_feature_names_out(), features.transform(tone[None])[0], strict=True))
    medians = [found[f"ch0__envelope{f}__96_160__quantile{0.533}"] for f in (0.25, 0.125, 0.0625)]
    # levels run 0, 1/15, …: .533 is the eighth, from which no mean is subtracted
    assert medians[0] == pytest.approx(2, rel=1e-3)
    # exp(-(5 (0.25 / 0.125 - 1))² / 2) of the amplitude is left an octave below
    assert medians[1] == pytest.approx(2 * np.exp(-12.5), abs=1e-3)
    assert medians[2] == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("bands", ["details", "envelopes"])
def test_level_is_kept_and_samples_do_not_matter_to_each_other(bands):
    X = noise(30, 1, 40)
    features = WaveletQuantileFeatures(bands).fit(X)
    together = features.transform(X)
    np.testing.assert_allclose(features.transform(X[7:8]), together[7:8], atol=1e-6)
    names = features.get_feature_names_out()
    least = list(names).index("ch0__signal__0_40__quantile0")
    np.testing.assert_allclose(features.transform(X + 3)[:, least], together[:, least] + 3, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: WaveletQuantileFeatures().fit(np.ones((3, 1))), "at least 2 values"),
        (lambda: WaveletQuantileFeatures("phases").fit(np.ones((3, 9))), "`bands` must be one of"),
        (
            lambda: WaveletQuantileFeatures(level=4).fit(np.ones((3, 9))),
            "`level` must be a whole number from 1 to 3",
        ),
        (lambda: WaveletQuantileFeatures(divisor=0).fit(np.ones((3, 9))), "`divisor`"),
        (lambda: WaveletQuantileFeatures().fit([[1.0, np.nan, 2.0]]), "missing"),
        (
            lambda: WaveletQuantileFeatures().fit(np.ones((3, 9))).transform(np.ones((3, 8))),
            "fitted on samples of shape",
        ),
        (lambda: WaveletQuantileFeatures().fit(np.ones((3, 9))).transform(np.full((3, 9), 1e39)), "rescale"),
    ],
)
def test_bad_input_is_told(make, words):
    with pytest.raises(InputError, match=words):
        make()


@pytest.mark.parametrize("bands", ["details", "envelopes"])
def test_values_too_large_for_single_precision_are_told_without_a_warning(bands):
    X = np.full((2, 1, 16), 1e39)
    made = WaveletQuantileFeatures(bands).fit(X)
    with pytest.raises(InputError, match=r"values up to 1e\+39 are too large; rescale"):
        made.transform(X)
