"""benchmarks.signal.members: draws of a training part, and its pooling beside that of the classifier."""

from __future__ import annotations

import numpy as np

from benchmarks.signal.members import CHOSEN, RULES, pooled, thirds
from neuroloom.signal import WaveletEnsembleClassifier


def test_two_thirds_of_each_class_learn():
    labels = np.repeat([0, 1, 2], [9, 4, 1])
    learn = thirds(labels, 0)
    assert np.bincount(labels[learn]).tolist() == [6, 3, 1]
    assert not np.array_equal(learn, thirds(labels, 1))


def test_the_chosen_rule_is_the_classifiers():
    random, y = np.random.default_rng(0), np.arange(40) % 2
    X = random.normal(size=(40, 1, 32)) + np.where(y, 0.4, 0.0)[:, None, None]
    new = random.normal(size=(10, 1, 32))
    params = {"features": 300, "groups": 1, "trees": 20, "random_state": 5}
    model = WaveletEnsembleClassifier(**params).fit(X, y)
    other = WaveletEnsembleClassifier(**params)
    held_out = other._fit_members(X, y, 5)
    told = pooled(held_out, other._answers(new), y, RULES[CHOSEN])
    np.testing.assert_allclose(np.exp(told), model.predict_proba(new), atol=1e-12)
    even = pooled(held_out, other._answers(new), y, RULES["equal"])
    assert np.abs(even - told).max() > 1e-3
