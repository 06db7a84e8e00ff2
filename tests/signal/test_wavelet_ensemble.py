"""WaveletEnsembleClassifier: left-out answers by fitting again, weights and sharpness by hand, behaviour as a whole."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.linear_model import Ridge, RidgeClassifierCV
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from neuroloom.core import InputError
from neuroloom.signal import WaveletEnsembleClassifier
from neuroloom.signal.leave_one_out import ALPHAS, LeaveOneOutRidge
from neuroloom.signal.wavelet_ensemble import sharpness


def tones(n, seed=0, spread=1.0):
    """Return noisy tones of two pitches and their names."""
    random = np.random.default_rng(seed)
    y = np.arange(n) % 2
    t = np.arange(48) / 48
    pitch = np.where(y, 6.0, 4.0) + random.normal(0, spread, n)
    X = np.sin(2 * np.pi * (pitch[:, None] * t + random.random((n, 1)))) + random.normal(0, 0.5, (n, 48))
    return X, np.array(["low", "high"])[y]


def small(**params):
    return WaveletEnsembleClassifier(
        **{"features": 300, "groups": 1, "trees": 20, "random_state": 0, **params}
    )


@pytest.mark.parametrize(("n", "p"), [(20, 50), (40, 7), (12, 12)])
def test_left_out_answers_are_those_of_a_fit_without_the_sample(n, p):
    random = np.random.default_rng(n)
    table, y = random.normal(size=(n, p)) * 3 + 2, np.arange(n) % 3
    own = LeaveOneOutRidge().fit(table, y)
    scaled = StandardScaler().fit_transform(table)
    indicators = np.where(y[:, None] == np.arange(3), 1.0, -1.0)
    for k in (0, 5, n - 1):
        kept = np.arange(n) != k
        expected = Ridge(own.alpha_).fit(scaled[kept], indicators[kept]).predict(scaled[[k]])
        np.testing.assert_allclose(own.left_out_[k], expected[0], atol=1e-9)
    same = RidgeClassifierCV(ALPHAS).fit(scaled, y)
    assert own.alpha_ == same.alpha_
    np.testing.assert_allclose(own.decision_function(table), same.decision_function(scaled), atol=1e-9)


def test_constant_columns_do_no_harm():
    table = np.random.default_rng(0).normal(size=(10, 4))
    y = np.arange(10) % 2
    wide = np.concatenate([table, np.full((10, 1), 7.0)], axis=1)
    np.testing.assert_allclose(
        LeaveOneOutRidge().fit(wide, y).decision_function(wide),
        LeaveOneOutRidge().fit(table, y).decision_function(table),
        atol=1e-10,
    )


def test_sharpness_of_three_right_in_four():
    # logits ±1 and 30 of 40 right: σ(2β) = the smoothed share, (1 - s) 0.75 + s / 2, s = 1 / 42
    z = np.tile([[1.0, -1.0]], (40, 1))
    labels = (np.arange(40) % 4 == 0).astype(int)
    share = 0.75 * (1 - 1 / 42) + 0.5 / 42
    assert sharpness(z, labels) == pytest.approx(0.5 * np.log(share / (1 - share)), abs=1e-4)
    certain = sharpness(z, np.zeros(40, dtype=int))
    assert np.exp(log_softmax(certain * z, axis=-1))[0, 0] == pytest.approx(1 - 0.5 / 42, abs=1e-4)


def test_weights_and_answers_are_those_of_the_formula():
    X, y = tones(40)
    model = small().fit(X, y)
    weights = np.exp(-5 * model.held_out_loss_)
    np.testing.assert_allclose(model.weights_, weights / weights.sum())
    told = [
        ridge.decision_function(features.transform(X))
        for features, ridge in zip(model.kernels_, model.ridges_, strict=True)
    ]
    for features, forest in zip(model.quantiles_, model.forests_, strict=True):
        told.append(np.log(np.clip(forest.predict_proba(features.transform(X)), 1e-3, 1)))
    pooled = sum(
        w * log_softmax(b * z, axis=-1)
        for w, b, z in zip(model.weights_, model.sharpness_, told, strict=False)
    )
    expected = np.exp(model.sharpness_[4] * pooled)
    np.testing.assert_allclose(model.predict_proba(X), expected / expected.sum(1, keepdims=True), atol=1e-12)
    labels = np.searchsorted(model.classes_, y)
    spread = 1 / (len(y) + 2)  # smoothed targets
    targets = np.where(labels[:, None] == np.arange(2), 1 - spread / 2, spread / 2)
    held_out = (model.ridges_[1].left_out_, np.log(np.clip(model.forests_[1].out_of_bag_, 1e-3, 1)))
    for member, z in zip((1, 3), held_out, strict=True):
        logs = log_softmax(model.sharpness_[member] * z, axis=-1)
        assert model.held_out_loss_[member] == pytest.approx(-(targets * logs).sum(axis=1).mean())


def test_probabilities_hold_on_new_series():
    X, y = tones(60)
    new, truth = tones(200, seed=1)
    model = small().fit(X, y)
    told = model.predict_proba(new)
    right = np.mean(model.predict(new) == truth)
    assert right > 0.75
    assert abs(told.max(axis=1).mean() - right) < 0.1
    columns = np.searchsorted(model.classes_, truth)
    kernels = model.ridges_[0].decision_function(model.kernels_[0].transform(new))
    alone = np.exp(log_softmax(kernels, axis=-1))
    assert log_loss(columns, told) < log_loss(columns, alone)


def test_seed_threads_pickle_and_channels():
    X, y = tones(24)
    X = np.stack([X, X[:, ::-1]], axis=1)
    model = small().fit(X, y)
    for other in (small(n_jobs=2).fit(X, y), pickle.loads(pickle.dumps(model))):
        np.testing.assert_allclose(other.predict_proba(X), model.predict_proba(X), atol=1e-12)
    assert set(model.predict(X)) <= {"low", "high"}
    assert not np.array_equal(small(random_state=1).fit(X, y).predict_proba(X), model.predict_proba(X))


def test_three_samples_are_enough_and_warn_of_nothing():
    model = small(trees=10).fit(np.arange(12.0).reshape(3, 4) ** 2, ["a", "b", "a"])
    told = model.predict_proba(np.ones((2, 4)))
    np.testing.assert_allclose(told.sum(axis=1), 1)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: small().fit(np.ones((3, 8)), ["a"] * 3), "at least two classes, but all samples are 'a'"),
        (lambda: small(trees=3).fit(np.ones((3, 8)), ["a", "b", "a"]), "`trees`"),
        (lambda: small().fit(np.ones((3, 8)), ["a", "b"]), "3"),
        (lambda: small().fit(*tones(6)).predict(np.ones((2, 5))), "fitted on samples of shape"),
    ],
)
def test_bad_input_is_told(make, words):
    with pytest.raises(InputError, match=words):
        make()


def test_members_that_know_more_weigh_more():
    # level alone tells the classes apart, and competing kernels see it at the ends of a series only
    def levels(seed):
        random, y = np.random.default_rng(seed), np.arange(60) % 2
        return random.normal(size=(60, 48)) + np.where(y, 0.8, 0.0)[:, None], y

    model = small().fit(*levels(0))
    assert model.weights_.argmin() == 1
    assert model.held_out_loss_.argmax() == 1
    assert model.weights_.max() > 1.2 * model.weights_[1]
    X, y = levels(1)
    assert np.mean(model.predict(X) == y) > 0.9
