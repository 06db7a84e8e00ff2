"""WaveletPPVFeatures: values by a slow reference, determinism, metamorphic relations, awkward input."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import RidgeClassifierCV
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from neuroloom.core import InputError
from neuroloom.signal import WaveletPPVFeatures
from neuroloom.signal.wavelet_ppv import kernel_bank
from tests.reference import wavelet_reference as reference


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def small(**params):
    return WaveletPPVFeatures(**{"features": 300, "dilations": 4, "random_state": 0, **params})


def test_bank_holds_29_different_kernels_of_unit_energy():
    bank = kernel_bank()
    taps = np.array(list(bank.values()))
    assert taps.shape == (29, 9)
    np.testing.assert_allclose((taps**2).sum(1), 1.0)
    gram = taps @ taps.T - np.eye(29)
    assert np.abs(gram).max() < 0.999
    for name in ("haar_high", "db4_high", "gauss1_1.0", "morlet0.25_imag"):
        assert taps[list(bank).index(name)].sum() == pytest.approx(0.0, abs=1e-9), name
    # the second derivative of a Gaussian of width 1 is (t^2 - 1) exp(-t^2 / 2): nought at t = 1
    assert bank["gauss2_1.0"][[3, 5]] == pytest.approx([0.0, 0.0])


@pytest.mark.parametrize(("channels", "length"), [(1, 2), (1, 9), (1, 57), (3, 40)])
def test_values_equal_the_slow_reference(channels, length):
    X = noise(6, channels, length)
    X[:, 0] += 3.0
    features = small().fit(X)
    got = features.transform(X)
    kernels = list(kernel_bank().values())
    scaled = (X - X.mean((0, 2), keepdims=True)) / X.std((0, 2), keepdims=True)
    per = features.thresholds_.shape[1]
    differing = 0
    for k in range(0, len(features.bands_), 7):
        kernel, dilation, differenced = features.bands_[k]
        own = features.channels_[features.channel_start_[k] : features.channel_start_[k + 1]]
        start, end = features.windows_[k]
        for i in range(len(X)):
            expected = reference.positive_shares(
                scaled[i, own].sum(0),
                kernels[kernel],
                dilation,
                differenced,
                start == 0,
                features.thresholds_[k],
            )
            error = np.abs(got[i, k * per : (k + 1) * per] - expected)
            assert error.max() <= 1 / (end - start) + 1e-6  # a value on its threshold may round either way
            differing += (error > 1e-6).sum()
    assert differing <= 0.02 * got.size


def test_layout():
    features = WaveletPPVFeatures(random_state=0).fit(noise(4, 1, 200))
    dilations = np.unique(features.bands_[:, 1])
    assert dilations[0] == 1
    assert dilations[-1] == (200 - 1) // 8
    assert 0.9e4 < features.thresholds_.size < 1.1e4
    unpadded = features.windows_[:, 0] > 0
    assert 0.4 < unpadded.mean() <= 0.5
    reach = 4 * features.bands_[:, 1]
    length = 200 - features.bands_[:, 2]
    np.testing.assert_array_equal(features.windows_[unpadded, 0], reach[unpadded])
    np.testing.assert_array_equal(features.windows_[unpadded, 1], (length - reach)[unpadded])
    np.testing.assert_array_equal(features.windows_[~unpadded, 1], length[~unpadded])
    both = {tuple(band) for band in features.bands_[unpadded][:, [0]]} & {
        tuple(b) for b in features.bands_[~unpadded][:, [0]]
    }
    assert len(both) == 29  # every kernel is seen with and without its ends


def test_thresholds_split_the_training_part_evenly():
    X = noise(40, 1, 64)
    F = small(features=3000, samples=40).fit(X).transform(X)
    assert F.mean() == pytest.approx(0.5, abs=0.01)
    # shares over all training values are 1 - level, and levels fill (0, 1) evenly
    shares = np.sort(F.mean(0))
    assert np.abs(shares - np.linspace(0, 1, len(shares))).max() < 0.05


def test_seed_threads_batches_and_order():
    X = noise(23, 3, 50)
    features = small().fit(X)
    F = features.transform(X)
    np.testing.assert_array_equal(small().fit(X).transform(X), F)
    np.testing.assert_array_equal(small(n_jobs=3).fit(X).transform(X), F)
    np.testing.assert_array_equal(features.transform(X[7:8]), F[7:8])
    order = np.random.default_rng(0).permutation(23)
    np.testing.assert_array_equal(features.transform(X[order]), F[order])
    other = small(random_state=1).fit(X)
    assert not np.array_equal(other.channels_, features.channels_)
    assert not np.array_equal(other.thresholds_, features.thresholds_)


def test_an_affine_change_of_all_series_changes_nothing():
    X = noise(12, 1, 60)
    F = small().fit(X).transform(X)
    G = small().fit(5.0 * X - 100.0).transform(5.0 * X - 100.0)
    assert np.abs(F - G).max() <= 1 / 8 + 1e-6  # only values on their own threshold round differently
    assert (F != G).mean() < 0.05


def test_level_informs_and_is_not_normalised_away():
    y = np.arange(30) % 2
    X = np.random.default_rng(0).normal(size=(30, 1, 40)) * 0.1 + y[:, None, None]
    model = make_pipeline(small(), StandardScaler(), RidgeClassifierCV())
    assert cross_val_score(model, X, y, cv=3).mean() == 1.0


def test_learns_order_in_time():
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=60)
    saw = (np.arange(80) % 10) / 10
    X = np.where(y[:, None] == 1, saw, saw[::-1]) + 0.3 * rng.normal(size=(60, 80))  # same values, reversed
    model = make_pipeline(small(features=2000), StandardScaler(), RidgeClassifierCV(np.logspace(-3, 3, 10)))
    assert cross_val_score(model, X, y, cv=4).mean() > 0.9


def test_names_pandas_clone_and_pickle():
    X = noise(5, 2, 30)
    features = small().set_output(transform="pandas")
    frame = features.fit_transform(X)
    names = features.get_feature_names_out()
    assert list(frame.columns) == list(names)
    assert len(set(names)) == len(names) == features.n_parameters_
    assert names[0].endswith("gauss__x1__signal__ppv0")
    assert {name.split("_gauss__")[0] for name in names if "_gauss__" in name} <= {"ch0_", "ch1_", "ch0_ch1_"}
    assert pickle.loads(pickle.dumps(features)).transform(X).equals(frame)
    assert clone(features).get_params() == features.get_params()
    assert frame.to_numpy().dtype == np.float32


@pytest.mark.parametrize("length", [2, 3, 15])
def test_short_and_constant_series(length):
    X = np.full((4, 2, length), 7.0)
    F = small().fit(X).transform(X)
    assert F.shape[1] > 100
    assert not F.any()  # nothing lies above the only value there is
    assert np.isfinite(small().fit(noise(1, 1, length)).transform(noise(3, 1, length))).all()


def test_two_dimensions_and_float32():
    X = noise(6, 30)
    F = small().fit(X).transform(X)
    np.testing.assert_array_equal(small().fit(X[:, None]).transform(X[:, None]), F)
    single = small().fit(X.astype(np.float32)).transform(X.astype(np.float32))
    assert (single != F).mean() < 0.05


@pytest.mark.parametrize(
    ("params", "X", "message"),
    [
        ({}, noise(3, 1, 1), "at least 2 values"),
        ({}, np.array([[1.0, np.nan]]), "1 of 2 values are missing"),
        ({}, [[1.0], [1.0, 2.0]], "all series of one length"),
        ({}, noise(2, 1, 8, 8), "expected an array of shape"),
        ({"features": 0}, noise(2, 9), "`features` must be a whole number of at least 1"),
        ({"dilations": 0}, noise(2, 9), "`dilations`"),
        ({"samples": 1.5}, noise(2, 9), "`samples`"),
        ({"n_jobs": -1}, noise(2, 9), "`n_jobs`"),
    ],
)
def test_errors(params, X, message):
    with pytest.raises(InputError, match=message):
        small(**params).fit(X)


def test_another_shape_than_fitted():
    with pytest.raises(InputError, match=r"fitted on samples of shape \(1, 20\)"):
        small().fit(noise(3, 20)).transform(noise(3, 2, 20))


def test_thresholds_of_long_series_are_near_the_quantiles_of_the_whole_band():
    X = noise(3, 1, 3000).cumsum(axis=2)
    features = small().fit(X)
    per = features.thresholds_.shape[1]
    shares = features.transform(X).mean(axis=0)
    levels = ((5**0.5 - 1) / 2 * np.arange(1, per * len(features.bands_) + 1)) % 1.0
    assert np.abs(shares - (1 - levels)).max() < 0.05
