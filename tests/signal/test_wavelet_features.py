"""WaveletFeatures: names, values, metamorphic relations, awkward input."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest
import pywt
from sklearn.base import clone
from sklearn.linear_model import RidgeClassifierCV
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from neuroloom.core import InputError
from neuroloom.signal import WaveletFeatures, modwt
from tests.reference import wavelet_reference as reference

DECOMPOSITIONS = ["swt", "dwt", "wp"]


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def column(features, X, name):
    return features.transform(X)[:, list(features.get_feature_names_out()).index(name)]


def test_columns_hold_what_their_names_say():
    X = noise(4, 2, 50)
    features = WaveletFeatures("db4", level=3).fit(X)
    bands = modwt(X, "db4", 3, "symmetric")
    d3, d1 = bands[:, 1, 2], bands[:, 0, 0]
    for row in range(4):
        expected = reference.statistics(list(d3[row]), (bands[row, 1] ** 2).sum())
        for name, value in expected.items():
            assert column(features, X, f"ch1__swt_db4__d3__{name}")[row] == pytest.approx(value, abs=1e-9), (
                name
            )
    np.testing.assert_allclose(
        column(features, X, "ch0__swt_db4__d1__part2of4__mean"), d1[:, 12:25].mean(1), atol=1e-14
    )
    np.testing.assert_allclose(column(features, X, "ch1__signal__median"), np.median(X[:, 1], axis=1))
    together = [np.corrcoef(bands[i, 0, 3], bands[i, 1, 3])[0, 1] for i in range(4)]
    np.testing.assert_allclose(column(features, X, "ch0_ch1__swt_db4__a3__correlation"), together)
    variance = np.log2((bands[:, 0, :3] ** 2).mean(-1))
    np.testing.assert_allclose(
        column(features, X, "ch0__swt_db4__slope"), np.polyfit([1, 2, 3], variance.T, 1)[0]
    )


def test_relative_energies_of_the_bands_sum_to_one():
    for X in (noise(5, 1, 43), noise(5, 1, 9, 12)):
        for kind in DECOMPOSITIONS:
            F = WaveletFeatures(decomposition=kind, statistics=["relative_energy"], segments=1).fit_transform(
                X
            )
            np.testing.assert_allclose(F.sum(1), 1.0)


@pytest.mark.parametrize("length", [29, 64])
def test_features_of_a_circularly_shifted_signal_are_equal(length):
    X = noise(3, 2, length)
    features = WaveletFeatures(segments=1, boundary="periodic").fit(X)
    seams = [not name.endswith(("crossings", "permutation_entropy")) for name in features.feature_names_]
    before, after = features.transform(X), features.transform(np.roll(X, 11, axis=-1))
    np.testing.assert_allclose(after[:, seams], before[:, seams], atol=1e-9)
    # Patterns and crossings are not counted over the seam, which moves: two patterns of length - 2 may change.
    assert np.abs(after - before).max() < 3 * np.log(length) / (length - 2)


def test_scaled_signals():
    X = noise(3, 1, 40)
    features = WaveletFeatures().fit(X)
    small, large = features.transform(X), features.transform(4.0 * X)
    for i, name in enumerate(features.feature_names_):
        statistic = name.rsplit("__", 1)[1]
        factor = {"energy": 16.0}.get(statistic, 4.0)
        if statistic == "log_energy":
            np.testing.assert_allclose(large[:, i], small[:, i] + np.log(16.0), atol=1e-9)
        elif "entropy" in statistic or "crossings" in statistic or statistic in {
            "relative_energy", "skewness", "kurtosis", "slope", "hurst",
        }:  # fmt: skip
            np.testing.assert_allclose(large[:, i], small[:, i], atol=1e-9)
        else:
            np.testing.assert_allclose(large[:, i], factor * small[:, i], atol=1e-12)


@pytest.mark.parametrize("shape", [(41, 2, 900), (50, 1, 30, 31)])
def test_batch_single_and_permuted_samples_agree(shape):
    X = noise(*shape)
    features = WaveletFeatures().fit(X[:2])
    F = features.transform(X)
    order = np.random.default_rng(1).permutation(len(X))
    np.testing.assert_array_equal(features.transform(X[order]), F[order])
    np.testing.assert_array_equal(features.transform(X[17:18]), F[17:18])


@pytest.mark.parametrize("kind", DECOMPOSITIONS)
@pytest.mark.parametrize("boundary", ["symmetric", "periodic"])
@pytest.mark.parametrize("shape", [(3, 1, 2), (2, 3, 3), (2, 2, 5), (2, 1, 2, 3), (2, 3, 17, 9)])
def test_short_and_constant_samples(kind, boundary, shape):
    features = WaveletFeatures(decomposition=kind, boundary=boundary).fit(noise(*shape))
    names = features.get_feature_names_out()
    assert features.transform(noise(*shape)).shape == (shape[0], len(names))
    assert len(set(names)) == len(names)
    for value in (0.0, 0.1, -3e5, 1e-200):
        F = features.transform(np.full(shape, value))
        assert np.isfinite(F).all()
        quiet = [
            name.endswith(("kurtosis", "crossings", "permutation_entropy", "correlation")) for name in names
        ]
        assert not F[:, quiet].any()


def test_details_of_a_constant_hold_no_energy():
    features = WaveletFeatures(statistics=["energy", "entropy"], segments=1).fit(noise(2, 1, 30))
    F = features.transform(np.full((2, 1, 30), 0.1))
    named = dict(zip(features.feature_names_, F[0], strict=True))
    assert all(value == 0.0 for name, value in named.items() if "__d" in name)
    assert named["ch0__signal__energy"] == pytest.approx(0.01)


def test_float32_is_near_float64_and_stays_float32():
    X = noise(20, 2, 120)
    features = WaveletFeatures().fit(X)
    single, double = features.transform(X.astype(np.float32)), features.transform(X)
    assert single.dtype == np.float32
    assert double.dtype == np.float64
    np.testing.assert_allclose(single, double, rtol=1e-3, atol=1e-4)


def test_two_dimensions_are_one_channel():
    X = noise(4, 33)
    features = WaveletFeatures()
    np.testing.assert_array_equal(features.fit_transform(X), features.fit_transform(X[:, None]))


def test_images_hold_their_orientations():
    X = np.zeros((1, 1, 16, 16))
    X[..., 8:, :] = 1.0  # a horizontal edge
    features = WaveletFeatures("haar", statistics=["energy"], segments=1).fit(X)
    named = dict(zip(features.feature_names_, features.transform(X)[0], strict=True))
    assert named["ch0__swt_haar__d1h__energy"] == pytest.approx(0.25 / 16)  # half a step in one row of 16
    assert named["ch0__swt_haar__d1v__energy"] == named["ch0__swt_haar__d1d__energy"] == 0.0
    flipped = features.transform(X.swapaxes(-1, -2))[0]
    swapped = [
        features.feature_names_.index(n) for n in ("ch0__swt_haar__d2v__energy", "ch0__swt_haar__d2h__energy")
    ]
    assert flipped[swapped[0]] == pytest.approx(features.transform(X)[0][swapped[1]])


def test_hurst_of_brownian_motion_and_of_noise():
    steps = noise(40, 1, 4096)
    features = WaveletFeatures("db2", level=6, statistics=["slope", "hurst"], segments=1).fit(steps)
    of_noise, of_walk = features.transform(steps).mean(0), features.transform(np.cumsum(steps, -1)).mean(0)
    assert of_noise == pytest.approx([-1.0, -0.5], abs=0.05)
    # Of a random walk W_j has variance sum(cumsum(h_j)^2): H = 1/2 but for the finest scales.
    filters = modwt(np.eye(1, 4096, 2048)[0], "db2", 6)[:6]
    exact = np.log2((np.cumsum(filters, axis=-1) ** 2).sum(-1))
    assert of_walk[0] == pytest.approx(np.polyfit(np.arange(1, 7), exact, 1)[0], abs=0.05)
    assert of_walk[1] == pytest.approx(
        np.polyfit(np.arange(1, 7), exact, 1, w=2.0 ** (-np.arange(1, 7) / 2))[0] / 2, abs=0.02
    )
    assert exact[5] - exact[4] == pytest.approx(1.0, abs=0.02)


def test_pandas_output_clone_pickle_and_wavelet_object():
    X = noise(5, 2, 40)
    features = WaveletFeatures("haar", segments=2).set_output(transform="pandas")
    frame = features.fit_transform(X)
    assert list(frame.columns) == list(features.get_feature_names_out())
    assert frame.columns[0] == "ch0__signal__energy"
    again = pickle.loads(pickle.dumps(features))
    assert again.transform(X).equals(frame)
    assert clone(features).get_params() == features.get_params()
    named = WaveletFeatures(pywt.Wavelet("db3")).fit(X)
    assert "ch1__swt_db3__d1__energy" in named.feature_names_


def test_learns_frequency_in_a_pipeline():
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=80)
    t = np.arange(60)
    X = np.sin(t / np.where(y, 2.0, 2.6)[:, None] + rng.uniform(0, 6, (80, 1))) + 0.7 * rng.normal(
        size=(80, 60)
    )
    model = make_pipeline(WaveletFeatures(), StandardScaler(), RidgeClassifierCV(np.logspace(-3, 3, 10)))
    assert cross_val_score(model, X[:, None], y, cv=4).mean() > 0.9


@pytest.mark.parametrize(
    ("params", "X", "message"),
    [
        ({}, noise(3, 1, 1), "at least 2 values along each axis"),
        ({}, np.where(np.eye(6) > 0, np.nan, 1.0), "6 of 36 values are missing"),
        ({}, [[1.0, 2.0], [1.0, 2.0, 3.0]], "all series of one length"),
        ({}, [["a", "b"]], "expected numbers of shape"),
        ({}, noise(4), "expected an array of shape"),
        ({}, np.empty((0, 1, 9)), "at least one sample"),
        ({"level": 4}, noise(2, 9), "`level` must be at most 3"),
        ({"level": 0}, noise(2, 9), "`level` must be a whole number of at least 1"),
        ({"wavelet": "dbb4"}, noise(2, 9), "did you mean 'db4'"),
        ({"wavelet": "morl"}, noise(2, 9), "discrete wavelet"),
        ({"decomposition": "wpt"}, noise(2, 9), "`decomposition`.*did you mean 'wp'"),
        ({"boundary": "zero"}, noise(2, 9), "`boundary` must be one of"),
        ({"statistics": ["entropi"]}, noise(2, 9), "did you mean 'entropy'"),
        ({"statistics": "entropy"}, noise(2, 9), r"pass \['entropy'\]"),
        ({"segment_statistics": ["hurst"]}, noise(2, 9), "segment_statistics"),
        ({"segments": 0}, noise(2, 9), "`segments` must be a whole number of at least 1"),
        ({"statistics": ["correlation"], "segments": 1}, noise(2, 9), "give no feature for 1 channel"),
    ],
)
def test_errors_of_fit(params, X, message):
    with pytest.raises(InputError, match=message):
        WaveletFeatures(**params).fit(X)


def test_errors_of_transform():
    features = WaveletFeatures().fit(noise(3, 2, 20))
    with pytest.raises(
        InputError, match=r"fitted on samples of shape \(2, 20\), but got samples of shape \(2, 21\)"
    ):
        features.transform(noise(3, 2, 21))
    with pytest.raises(InputError, match="too large"):
        features.transform(1e200 * noise(3, 2, 20))


def test_importing_the_class_is_light():
    code = (
        "import sys; from neuroloom.signal import WaveletFeatures;"
        "print([m for m in ('pywt', 'torch', 'numba', 'sklearn.linear_model') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
