"""An answer at each step: learned, from what came before alone, over padded series, and as a stream."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone

from neuroloom import nets
from neuroloom.core import InputError
from neuroloom.methods.saving import load_estimator, save_estimator
from neuroloom.nets import (
    LSTMClassifier,
    LSTMStepClassifier,
    RNNStepRegressor,
    TCNStepClassifier,
    TCNStepRegressor,
)

KEYS = ("GRU", "LSTM", "MGU", "QRNN", "RNN", "RWA", "SRU", "TCN")


def steps_up(n, length, seed=0):
    """Return walks, and at each step whether the walk now stands above where it stood two steps ago."""
    X = np.random.default_rng(seed).normal(size=(n, 1, length))
    sums = np.pad(X[:, 0], ((0, 0), (1, 0)))[:, :-1] + X[:, 0]
    return X, np.where(sums > 0, "up", "down")


def copied(n, delay, seed):
    words = np.random.default_rng(seed).integers(1, 9, (n, 10))
    read, written = np.zeros((2, n, delay + 20), int)
    read[:, :10], read[:, delay + 9 :], written[:, -10:] = words, 9, words
    return np.eye(10)[read].transpose(0, 2, 1), written


@pytest.fixture(scope="module")
def fitted():
    X, y = steps_up(150, 16)
    return LSTMStepClassifier(units=16, epochs=25, random_state=0).fit(X, y)


def test_steps_are_answered(fitted):
    X, y = steps_up(50, 16, 1)
    odds = fitted.predict_proba(X)
    assert odds.shape == (50, 16, 2)
    np.testing.assert_allclose(odds.sum(2), 1, rtol=1e-6)
    assert fitted.predict(X).shape == (50, 16)
    assert fitted.score(X, y) > 0.9
    np.testing.assert_array_equal(fitted.predict(X), fitted.classes_[odds.argmax(2)])
    assert fitted.score(X, y, sample_weight=(fitted.predict(X) == y) * 1.0) == 1.0


@pytest.mark.parametrize("key", KEYS)
def test_nothing_is_known_before_it_is_read(key):
    X, y = steps_up(24, 12)
    small = {"filters": 4} if key == "TCN" else {"units": 4}
    made = getattr(nets, f"{key}StepClassifier")(**small, epochs=1, random_state=0).fit(X, y)
    changed = X.copy()
    changed[:, :, 7:] += 5
    before, after = made.predict_proba(X), made.predict_proba(changed)
    np.testing.assert_allclose(before[:, :7], after[:, :7], atol=1e-6)
    assert np.abs(before[:, 7:] - after[:, 7:]).max() > 1e-3
    assert made.transform(X).shape == (24, 12, 4)
    numbers = getattr(nets, f"{key}StepRegressor")(**small, epochs=1, random_state=0).fit(X, X[:, 0])
    assert numbers.predict(X).shape == (24, 12)


def test_both_ways_know_what_comes():
    X, y = steps_up(24, 12)
    made = LSTMStepClassifier(units=4, bidirectional="sum", epochs=1, random_state=0).fit(X, y)
    changed = X.copy()
    changed[:, :, 7:] += 5
    assert np.abs(made.predict_proba(X) - made.predict_proba(changed))[:, :7].max() > 1e-3


@pytest.mark.parametrize("cls", [LSTMStepClassifier, TCNStepClassifier])
def test_what_is_padded_counts_for_nothing(cls):
    X, y = steps_up(40, 14)
    short = np.arange(40) % 3 == 0
    X[short, :, 9:] = np.nan
    odd = y.copy()
    odd[short, 9:] = "up"
    small = {"epochs": 3, "random_state": 0, "normalize": "none", "early_stopping": True, "members": 2}
    first, second = cls(**small).fit(X, y), cls(**small).fit(X, odd)
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    beyond = X[short].copy()
    beyond[:, :, 9:] = 7.0  # the steps before are the same, whatever comes
    np.testing.assert_allclose(
        first.predict_proba(X)[short][:, :9], first.predict_proba(beyond)[:, :9], atol=1e-6
    )
    assert first.score(X, y) == first.score(X, odd)


def test_numbers_at_each_step():
    X, _ = steps_up(150, 16)
    y = 3 + 10 * np.cumsum(X[:, 0], axis=1) / np.sqrt(np.arange(1, 17))
    made = RNNStepRegressor(units=16, epochs=30, random_state=0).fit(
        X[:120], y[:120], eval_set=(X[120:], y[120:])
    )
    assert made.score(X[120:], y[120:]) > 0.8
    missed = made.predict(X[120:]) - y[120:]
    assert made.score(X[120:], y[120:]) == pytest.approx(
        1 - (missed**2).sum() / ((y[120:] - y[120:].mean()) ** 2).sum()
    )


def test_a_stream_is_answered_as_the_whole(fitted):
    X, _ = steps_up(1, 16, 2)
    stream = fitted.stream()
    said = np.concatenate([stream.push(X[0, :, :5]), stream.push(X[0, :, 5:])])
    odds = np.exp(said) / np.exp(said).sum(1, keepdims=True)
    np.testing.assert_allclose(odds, fitted.predict_proba(X)[0], atol=1e-6)


def test_the_copy_memory_task_at_a_short_delay():
    X, y = copied(1200, 20, 0)
    made = TCNStepClassifier(filters=16, epochs=7, normalize="none", random_state=0).fit(X, y)
    V, w = copied(200, 20, 1)
    odds = np.take_along_axis(made.predict_proba(V), w[..., None], 2)
    assert -np.log(odds).mean() < 0.01 < 10 * np.log(8) / 40  # who remembers nothing has the latter


def test_kept_cloned_and_saved(fitted, tmp_path):
    X, _ = steps_up(5, 16, 3)
    assert clone(fitted).get_params() == fitted.get_params()
    assert not {"pooling", "patch"} & set(fitted.get_params())
    save_estimator(fitted, tmp_path / "model", {})
    for other in (pickle.loads(pickle.dumps(fitted)), load_estimator(tmp_path / "model")[0]):
        np.testing.assert_array_equal(other.predict(X), fitted.predict(X))
    again = clone(fitted).fit(*steps_up(150, 16))
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))


def test_what_does_not_fit_is_named():
    X, y = steps_up(8, 6)
    with pytest.raises(InputError, match=r"an answer for each step, shape \(8, 6\), but has \(8,\)"):
        LSTMStepClassifier().fit(X, y[:, 0])
    with pytest.raises(InputError, match="augment 'flip' moves steps away from their answers"):
        LSTMStepClassifier(augment=["flip"]).fit(X, y)
    with pytest.raises(InputError, match="at least two classes"):
        LSTMStepClassifier().fit(X, np.full(y.shape, "up"))
    with pytest.raises(InputError, match="finite at every step"):
        TCNStepRegressor().fit(X, np.where(y == "up", 1.0, np.nan))
    with pytest.raises(InputError, match="needs numbers"):
        TCNStepRegressor().fit(X, y)
    with pytest.raises(InputError, match="`pooling` must be one of"):
        LSTMClassifier(pooling="steps").fit(X, y[:, 0])
    labels = (y == "up").astype(float)
    labels[0, 3] = np.nan
    with pytest.raises(InputError, match="holds missing or infinite"):
        LSTMStepClassifier().fit(X, labels)
