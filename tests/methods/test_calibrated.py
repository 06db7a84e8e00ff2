"""Corrected probabilities: the temperature by search, the wrapper by name, and what it must not change."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC

from neuroloom.core.calibration import calibration_error
from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.core.seeding import derive
from neuroloom.methods import Skip, build, make, recipe
from neuroloom.methods.calibrated import CalibratedClassifier
from neuroloom.methods.saving import load_estimator, save_estimator
from tests.conformance.cases import samples


class TooSure(LogisticRegression):
    """Logits four times what they ought to be."""

    def decision_function(self, X):
        return 4 * super().decision_function(X)


def test_the_temperature_is_that_of_least_log_loss():
    draw = np.random.default_rng(0)
    X = draw.normal(size=(600, 2))
    y = draw.integers(0, 3, 600) * (X[:, 0] > -0.5) + (X[:, 1] > 0.3)
    model = CalibratedClassifier(TooSure(), random_state=3).fit(X, y)
    folds = StratifiedKFold(5, shuffle=True, random_state=derive(3, "calibrated") % 2**31)
    z = cross_val_predict(TooSure(), X, y, cv=folds, method="decision_function")
    rows, grid = np.arange(600), np.linspace(1, 9, 1601)

    def loss(t):
        s = z / t
        return np.mean(np.log(np.exp(s - s.max(1, keepdims=True)).sum(1)) + s.max(1) - s[rows, y])

    assert model.temperature_ == pytest.approx(grid[np.argmin([loss(t) for t in grid])], abs=0.01)
    assert model.temperature_ > 3
    plain = TooSure().fit(X, y)
    assert (model.predict(X) == plain.predict(X)).all()  # one number moves no class past another
    logits = plain.decision_function(X) / model.temperature_
    made = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert model.predict_proba(X) == pytest.approx(made)


@pytest.mark.parametrize("method", ["temperature", "sigmoid", "isotonic"])
def test_naive_bayes_is_too_sure_until_it_is_corrected(method):
    X, y = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(1).permutation(len(y))
    train, test = order[:350], order[350:]
    errors = []
    for model in (GaussianNB(), CalibratedClassifier(GaussianNB(), method, random_state=0)):
        p = model.fit(X[train], y[train]).predict_proba(X[test])
        errors.append(-np.log(np.clip(p[np.arange(len(test)), y[test]], 1e-15, 1)).mean())
        assert calibration_error(p.max(1), p.argmax(1) == y[test]) < 0.2
    assert errors[1] < 0.5 * errors[0]


def test_by_name_over_every_kind_of_composition():
    X, y = load_iris(return_X_y=True)
    model, _ = build("svm+temperature", "table", "classification", {"temperature__folds": 3}, random_state=5)
    assert isinstance(model, CalibratedClassifier)
    assert (model.method, model.folds) == ("temperature", 3)
    assert isinstance(model.estimator[-1], SVC)
    proba = model.fit(X, y).predict_proba(X)
    assert proba.sum(1) == pytest.approx(np.ones(150))
    assert clone(model).fit(X, y).predict_proba(X).tolist() == proba.tolist()
    series, labels = samples("series", "classification")
    headed = make("fourier+isotonic", "series", "classification")  # features get a head, then the correction
    assert headed.fit(series, labels).predict_proba(series).shape == (60, 2)
    nodes, clubs = samples("nodes", "classification")
    assert make("prone+logreg+sigmoid", "nodes", "classification", prone__dimensions=8).fit(
        nodes, clubs
    ).classes_.tolist() == sorted(set(clubs))


@pytest.mark.parametrize("name", ["rbfn+temperature", "svm+isotonic", "knn+sigmoid"])
def test_a_saved_model_says_the_same(name, tmp_path):
    X, y = load_iris(return_X_y=True)
    model, _ = build(name, "table", "classification", {}, random_state=0)
    model.fit(X, y)
    save_estimator(model, tmp_path / "model", {})
    loaded, _ = load_estimator(tmp_path / "model")
    assert loaded.predict_proba(X).tolist() == model.predict_proba(X).tolist()


def test_what_does_not_fit_says_why():
    assert recipe("temperature", "table", "classification") == Skip(
        "temperature corrects the answers of a classifier, as svm+temperature"
    )
    with pytest.raises(NotSupportedError, match="of a classifier, and this is regression"):
        make("svm+sigmoid", "table", "regression")
    with pytest.raises(NotSupportedError, match="temperature gives answers, not features"):
        make("temperature+svm", "table", "classification")
    with pytest.raises(InputError, match="at least 2 samples each, but got 3 of 0, 1 of 1"):
        CalibratedClassifier(SVC()).fit(np.eye(4), [0, 0, 0, 1])
    with pytest.raises(InputError, match="`method` must be one of"):
        CalibratedClassifier(SVC(), "platt").fit(np.eye(4), [0, 0, 1, 1])


def test_params_survive_cloning():
    model = CalibratedClassifier(SVC(C=3), folds=4, random_state=1)
    assert clone(model).get_params()["estimator__C"] == 3
    assert clone(model).folds == 4
    assert clone(model).method == "temperature"
