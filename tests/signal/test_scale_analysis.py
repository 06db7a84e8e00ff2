"""Variance by scale, ridges, synchrosqueezing, transients and edges, against closed forms and what was put in."""

import math

import numpy as np
import pytest
import pywt
from scipy.stats import chi2

from neuroloom.core import InputError
from neuroloom.signal import (
    cwt,
    edges,
    modwt,
    ridges,
    synchrosqueeze,
    transients,
    wavelet_correlation,
    wavelet_variance,
)
from neuroloom.signal.edge_maxima import _mirrored
from neuroloom.signal.noise_fields import highest_of_noise


def _filters(name: str, level: int) -> list[np.ndarray]:
    """Return the cascaded maximal-overlap wavelet filters of each level, by convolution."""
    wavelet = pywt.Wavelet(name)
    low, high = (np.array(taps) / math.sqrt(2) for taps in (wavelet.dec_lo, wavelet.dec_hi))

    def holes(taps: np.ndarray, step: int) -> np.ndarray:
        out = np.zeros((len(taps) - 1) * step + 1)
        out[::step] = taps
        return out

    found, smooth = [], np.ones(1)
    for j in range(level):
        found.append(np.convolve(smooth, holes(high, 2**j)))
        smooth = np.convolve(smooth, holes(low, 2**j))
    return found


# -- variance and correlation -----------------------------------------------------------------------------------


@pytest.mark.parametrize("wavelet", ["haar", "sym4", "db2"])
def test_only_coefficients_count_that_the_ends_do_not_reach(wavelet):
    x = np.random.default_rng(0).standard_normal(300).cumsum()
    found = wavelet_variance(x, wavelet, 4)
    plain = [np.convolve(x, taps, mode="valid") for taps in _filters(wavelet, 4)]
    np.testing.assert_array_equal(found.counts, [len(one) for one in plain])
    np.testing.assert_allclose(found.values, [(one**2).mean() for one in plain], rtol=1e-10)
    assert found.scales.tolist() == [1, 2, 4, 8]


@pytest.mark.parametrize("phi", [0.0, 0.7])
def test_the_variance_of_red_noise_is_its_spectrum_under_the_filters(phi):
    """AR(1) with lag-1 autocorrelation φ: the integral of its spectrum times each filter's squared gain."""
    f = (np.arange(4096) + 0.5) / 8192
    spectrum = 2 / np.abs(1 - phi * np.exp(-2j * np.pi * f)) ** 2  # one-sided
    expected = []
    for taps in _filters("sym4", 5):
        gain = np.abs(np.exp(-2j * np.pi * np.outer(f, np.arange(len(taps)))) @ taps) ** 2
        expected.append((spectrum * gain).mean() / 2)
    if phi == 0:
        np.testing.assert_allclose(expected, 0.5 ** np.arange(1, 6), rtol=1e-6)
    rng, inside, means = np.random.default_rng(1), np.zeros((2, 5)), np.zeros(5)
    for _ in range(150):
        x = np.empty(600)
        noise = rng.standard_normal(600)
        x[0] = noise[0] / math.sqrt(1 - phi**2)
        for t in range(1, 600):
            x[t] = phi * x[t - 1] + noise[t]
        for k, freedom in enumerate(("band-pass", "estimated")):
            found = wavelet_variance(x, level=5, freedom=freedom)
            inside[k] += (found.low < expected) & (expected < found.high)
        means += found.values
    np.testing.assert_allclose(means / 150, expected, rtol=0.06)
    assert (inside[0] / 150).min() > 0.94  # right or wide
    assert (inside[1, :3] / 150).min() > 0.89
    assert (inside[1, :3] / 150).max() < 0.995


def test_the_interval_is_that_of_chi_squared():
    x = np.random.default_rng(2).standard_normal(256)
    found = wavelet_variance(x, "haar", 3, confidence=0.9, fs=4)
    eta = max(found.counts[2] / 8, 1)
    assert found.low[2] == pytest.approx(eta * found.values[2] / chi2.ppf(0.95, eta))
    assert found.high[2] == pytest.approx(eta * found.values[2] / chi2.ppf(0.05, eta))
    assert found.periods.tolist() == [[0.5, 1], [1, 2], [2, 4]]
    # the variance of all scales and of the smooth rest is that of the series
    whole = modwt(x, "haar", 8)
    assert (whole**2).sum() == pytest.approx((x**2).sum())


def test_correlation_by_scale_tells_where_series_move_together():
    rng = np.random.default_rng(3)
    shared = np.repeat(rng.standard_normal(128), 8)  # slow
    x, y = shared + rng.standard_normal((2, 1024))
    found = wavelet_correlation(x, y, "haar", 6)
    bands = [[np.convolve(s, taps, mode="valid") for taps in _filters("haar", 6)] for s in (x, y)]
    expected = [a @ b / math.sqrt((a @ a) * (b @ b)) for a, b in zip(*bands, strict=True)]
    np.testing.assert_allclose(found.values, expected, rtol=1e-10)
    assert found.low[0] < 0.15
    assert found.low[3] > 0.3
    assert found.values[3] > 3 * abs(found.values[0])
    n = 1024 // 16  # haar: no coefficient of the decimated transform reaches over the ends
    assert found.high[3] == pytest.approx(
        math.tanh(math.atanh(expected[3]) + 1.959963984540054 / math.sqrt(n - 3))
    )
    short = wavelet_correlation(x[:40], y[:40], "haar", 5)
    assert np.isnan(short.low[3:]).all()
    assert np.isfinite(short.values).all()


def test_intervals_of_correlation_cover():
    rng, inside = np.random.default_rng(4), np.zeros(3)
    for _ in range(150):
        a, b = rng.standard_normal((2, 400))
        found = wavelet_correlation(a, 0.6 * a + 0.8 * b, level=3)
        inside += (found.low < 0.6) & (found.high > 0.6)
    assert (inside / 150).min() > 0.91


# -- ridges and synchrosqueezing --------------------------------------------------------------------------------

FS = 200.0
T = np.arange(1600) / FS
FIRST, SECOND = 5 + 2 * T, 50 - 1.5 * T  # frequencies of two chirps
WAVES = np.stack([1.5 * np.cos(2 * np.pi * (5 * T + T**2)), 0.6 * np.cos(2 * np.pi * (50 * T - 0.75 * T**2))])
INNER = slice(200, -200)


@pytest.mark.parametrize(("wavelet", "normalization"), [("morlet", "L2"), ("morse", "L1")])
def test_ridges_recover_two_chirps(wavelet, normalization):
    found = ridges(cwt(WAVES.sum(0), wavelet, fs=FS, normalization=normalization), 2)
    for k, true in enumerate((FIRST, SECOND)):
        assert np.abs(found.frequencies[k] / true - 1)[INNER].max() < 0.01
        assert np.abs(found.amplitudes[k] / (1.5, 0.6)[k] - 1)[INNER].max() < 0.04
        assert np.abs(found.signals[k] - WAVES[k])[INNER].max() < 0.3


def test_a_ridge_of_a_tone_is_exact():
    tone = 2.5 * np.cos(2 * np.pi * 11.3 * T + 0.4)
    found = ridges(cwt(tone, fs=FS, boundary="periodic"))
    np.testing.assert_allclose(found.frequencies[0, INNER], 11.3, rtol=1e-4)
    np.testing.assert_allclose(found.amplitudes[0, INNER], 2.5, rtol=1e-3)
    with pytest.raises(InputError, match="analytic wavelet"):
        ridges(cwt(tone, "dog2", fs=FS))
    with pytest.raises(InputError, match="one signal"):
        ridges(cwt(WAVES, fs=FS))


def test_synchrosqueezing_is_thin_and_gives_each_wave_back():
    x = WAVES.sum(0) + 3
    found = synchrosqueeze(x, fs=FS)
    rows, size = found.frequencies[:, None], np.abs(found.values[:, INNER]) ** 2
    near = sum((np.abs(np.log2(rows / f)) < 0.06).astype(int) for f in (FIRST[INNER], SECOND[INNER])) > 0
    plain = cwt(x, fs=FS, voices=32).power(corrected=True)[:, INNER]
    assert size[near].sum() / size.sum() > 0.97 > 0.6 > plain[near].sum() / plain.sum()
    assert np.abs(found.inverse() - x)[INNER].max() < 0.02
    for wave, f in zip(WAVES, (FIRST, SECOND), strict=True):
        assert np.abs(found.inverse(0.8 * f, 1.25 * f) - wave)[INNER].max() < 0.06
    with pytest.raises(InputError, match="analytic wavelet"):
        synchrosqueeze(x, "dog2")


# -- transients -------------------------------------------------------------------------------------------------


def test_transients_are_found_at_their_place_and_period():
    x, t = np.random.default_rng(5).standard_normal(2048), np.arange(2048)
    put = ((300, 8, 6), (900, 30, 4), (1500, 60, 4))
    for at, period, size in put:
        x += size * np.exp(-2 * ((t - at) / period) ** 2) * np.cos(2 * np.pi * (t - at) / period)
    found = transients(x, fs=2.0, significance=0.001)
    assert len(found) == 3
    for k, (at, period, _) in enumerate(put):
        assert abs(found.positions[k] - at) <= period / 8
        assert found.periods[k] == pytest.approx(period / 2, rel=0.25)  # at two samples a unit of time
        assert found.starts[k] <= at < found.ends[k]
        assert found.ends[k] - found.starts[k] < 5 * period
    assert found.strengths.min() > 1


def test_coloured_noise_alone_raises_few_alarms():
    rng, alarms = np.random.default_rng(6), 0
    for k in range(40):
        x = rng.standard_normal(600)
        alarms += (
            len(transients(np.convolve(x, 0.6 ** np.arange(8))[:600] if k % 2 else x, significance=0.05)) > 0
        )
    assert alarms <= 7  # 2 expected


def test_the_height_of_noise_solves_its_equation():
    for places, significance in ((50.0, 0.05), (5e4, 0.001)):
        t = highest_of_noise(places, significance)
        assert places * (t - 1) * math.exp(-t / 2) == pytest.approx(significance, rel=1e-9)


# -- edges ------------------------------------------------------------------------------------------------------


def test_edges_of_a_disc_are_where_they_are_and_point_inwards():
    y, x = np.mgrid[:96, :96]
    away, inwards = np.hypot(y - 48, x - 48), np.arctan2(48 - y, 48 - x)
    image = (away < 28) + 0.1 * np.random.default_rng(7).standard_normal((96, 96))
    found = edges(image, (1, 2, 4))
    assert found.noise == pytest.approx(0.1, rel=0.1)
    for marked, turned, strength in zip(found.marked, found.orientation, found.strength, strict=True):
        assert np.abs(away[marked] - 28).max() <= 1.6
        assert 0.9 < marked.sum() / (2 * math.pi * 28 * 2**1.5 / math.pi) < 1.4  # pixels of a digital circle
        off = np.abs(np.angle(np.exp(1j * (turned - inwards))))[marked]
        assert np.median(off) < 0.12
        assert np.median(strength[marked]) == pytest.approx(1 / math.sqrt(2 * math.pi), rel=0.06)


def test_noise_alone_has_few_edges_at_any_scale():
    rng = np.random.default_rng(8)
    marked = [
        edges(rng.standard_normal((48, 48)), (1, 3), significance=0.05).marked.any((1, 2)) for _ in range(60)
    ]
    assert np.sum(marked, axis=0).max() <= 9  # 3 expected at each scale
    assert not edges(np.ones((10, 12))).marked.any()


def test_mirrored_ends_double_the_noise_along_them():
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(9)
    made = np.stack([gaussian_filter(rng.standard_normal((40, 24)), 2.0, order=(1, 0)) for _ in range(300)])
    spread = made[:, 12:28].var(axis=(0, 1))
    np.testing.assert_allclose(spread / spread[12], 1 + _mirrored(24, 2.0), rtol=0.15)


def test_regularity_tells_steps_from_lines_and_ramps():
    x = np.arange(128)
    profiles = {"step": 1.0 * (x >= 64), "line": 1.0 * (x == 64), "ramp": np.clip((x - 48) / 32, 0, 1)}
    slope = {}
    for name, profile in profiles.items():
        found = edges(np.tile(profile, (40, 1)), (1, 1.5, 2, 3, 4), noise=0)
        slope[name] = np.nanmedian(found.regularity())
    assert abs(slope["step"]) < 0.1
    assert slope["line"] == pytest.approx(-1, abs=0.15)
    assert slope["ramp"] > 0.7
    with pytest.raises(InputError, match="at least two"):
        edges(np.eye(10), (1,)).regularity()


# -- pictures and bad input -------------------------------------------------------------------------------------


def test_each_result_plots_itself():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    x = WAVES.sum(0)[:600]
    results = [
        wavelet_variance(x, fs=FS), wavelet_correlation(x, x[::-1]), ridges(cwt(x, fs=FS), 2),
        synchrosqueeze(x, fs=FS), transients(x, fs=FS),
    ]  # fmt: skip
    for one in results:
        ax = one.plot()
        assert ax.has_data()
    panels = edges(np.eye(24)).plot()
    assert [p.get_title() for p in panels][:2] == ["given", "edges at scale 1"]
    pyplot.close("all")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: wavelet_variance(np.ones(10), "sym8"), "shorter than the 16 taps"),
        (lambda: wavelet_variance(np.ones(50), "bior2.2"), "orthogonal wavelet"),
        (lambda: wavelet_variance(np.ones((2, 50))), "one series"),
        (lambda: wavelet_correlation(np.ones(50), np.ones(60)), "of one length, but have 50 and 60"),
        (lambda: transients(np.ones(20)), "at least 64 values"),
        (lambda: transients(np.ones(200), "dog2"), "analytic wavelet"),
        (lambda: edges(np.ones((4, 20))), "at least 8 x 8"),
        (lambda: edges(np.ones((20, 20)), [0.1]), "`scales` must be"),
    ],
)
def test_bad_input_is_told(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_what_leaves_nothing_to_tell_is_refused():
    with pytest.raises(InputError, match="leave no scale"):
        ridges(cwt(np.sin(np.arange(128.0))), 30, width=2.0)
    with pytest.raises(InputError, match="at least two that differ"):
        edges(np.eye(10), (2, 2)).regularity()
