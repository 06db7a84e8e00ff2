"""EvolvedWaveletFeatures: fitness by scikit-learn, orthogonal filters, progress, both objectives, every search."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.preprocessing import StandardScaler

from neuroloom.core import InputError
from neuroloom.methods.evolved_wavelet import SEARCHES, EvolvedWaveletFeatures
from neuroloom.signal import modwt
from neuroloom.signal.lattice import wavelet_of
from neuroloom.signal.leave_one_out import fit_ridge


def tones(n=24, seed=0):
    random = np.random.default_rng(seed)
    y = np.arange(n) % 2
    t = np.arange(40) / 40
    pitch = np.where(y, 7.0, 5.0) + random.normal(0, 0.8, n)
    X = np.sin(2 * np.pi * (pitch[:, None] * t + random.random((n, 1)))) + random.normal(0, 0.4, (n, 40))
    return X, np.array(["low", "high"])[y]


def small(**params):
    given = {"wavelets": 2, "population": 8, "generations": 4, "level": 2, "segments": 2, "random_state": 0}
    return EvolvedWaveletFeatures(**{**given, **params})


def test_fitness_is_the_error_of_left_out_samples():
    X, y = tones()
    made = small().fit(X, y)
    table = StandardScaler().fit_transform(made.transform(X))
    targets = np.where(y[:, None] == np.unique(y), 1.0, -1.0)
    alpha = fit_ridge(table, targets)[2]
    told = cross_val_predict(Ridge(alpha), table, targets, cv=LeaveOneOut())
    assert made.history_[-1]["score"] == pytest.approx(-((told - targets) ** 2).mean(), rel=1e-6)


def test_filters_are_orthogonal_and_the_best_only_gets_better():
    X, y = tones()
    made = small(generations=8).fit(X, y)
    scores = [entry["score"] for entry in made.history_]
    assert len(scores) == 8
    assert scores == sorted(scores)
    assert scores[-1] > made.history_[0]["generation_score"]
    for low, high in made.filters_:
        for lag in range(4):
            assert low[2 * lag :] @ low[: 8 - 2 * lag] == pytest.approx(float(lag == 0), abs=1e-12)
        assert low @ high == pytest.approx(0, abs=1e-12)
        x = np.random.default_rng(1).normal(size=32)
        bands = modwt(x, wavelet_of(low, high), 2)
        assert (bands**2).sum() == pytest.approx((x**2).sum())


def test_steps_want_short_wavelets():
    # among four taps the sparsest for steps is Haar's, padded: the free angle is π / 4 or 0 up to a turn
    steps = np.repeat(np.random.default_rng(3).normal(size=(12, 4)), 16, axis=1)
    made = small(wavelets=1, taps=4, generations=25, optimizer="hill-climbing").fit(steps)
    assert np.sort(np.abs(made.filters_[0, 0]))[-2:] == pytest.approx([0.5**0.5] * 2, abs=0.02)


@pytest.mark.parametrize("optimizer", SEARCHES)
def test_every_search_goes_and_repeats(optimizer):
    X, y = tones(12)
    first, again = (small(optimizer=optimizer, generations=2).fit(X, y).transform(X) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert np.isfinite(first).all()


def test_numbers_are_learned_too():
    X, _ = tones(30)
    y = X.std(axis=1) + np.arange(30) * 1e-3
    made = small().fit(X, y)
    assert made.history_[-1]["score"] > -0.7


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"optimizer": "l-bfgs"}, "`optimizer` must be one of"),
        ({"optimizer": "cma-me"}, "`optimizer` must be one of"),
        ({"population": 3}, "`population`"),
        ({"sigma": 0.0}, "`sigma`"),
        ({"taps": 5}, "`taps` must be an even number"),
        ({"objective": "task"}, "needs answers"),
    ],
)
def test_bad_input_is_told(params, words):
    with pytest.raises(InputError, match=words):
        small(**params).fit(tones(6)[0])
