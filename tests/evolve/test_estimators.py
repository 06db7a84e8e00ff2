"""NEATClassifier and NEATRegressor: scikit-learn's contract, and that they learn."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine, make_friedman1
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.utils.estimator_checks import parametrize_with_checks

from neuroloom.core import InputError
from neuroloom.evolve import Genome, HyperNEATClassifier, HyperNEATRegressor, NEATClassifier, NEATRegressor

SMALL = {"population": 30, "generations": 10, "random_state": 0}


@parametrize_with_checks(
    [
        NEATClassifier(**SMALL),
        NEATRegressor(**SMALL),
        HyperNEATClassifier(**{**SMALL, "population": 60, "generations": 40}),
        HyperNEATRegressor(**{**SMALL, "population": 60, "generations": 40}),
    ]
)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize(("load", "least"), [(load_iris, 0.88), (load_wine, 0.9), (load_breast_cancer, 0.92)])
def test_classifies_real_tables(load, least):
    X, y = load(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
    model = NEATClassifier(generations=60, random_state=0).fit(X_train, y_train)
    assert accuracy_score(y_test, model.predict(X_test)) >= least
    proba = model.predict_proba(X_test)
    assert proba.shape == (len(X_test), len(model.classes_))
    assert proba.sum(axis=1) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("data", "least"),
    [(load_diabetes(return_X_y=True), 0.25), (make_friedman1(400, noise=1.0, random_state=0), 0.6)],
)
def test_regresses(data, least):
    X_train, X_test, y_train, y_test = train_test_split(*data, random_state=0)
    assert NEATRegressor(generations=60, random_state=0).fit(X_train, y_train).score(X_test, y_test) >= least


def spirals(n=97):
    i = np.arange(n)
    r, angle = 6.5 * (104 - i) / 104, i * np.pi / 16
    arm = np.column_stack([r * np.sin(angle), r * np.cos(angle)])
    return np.vstack([arm, -arm]), np.repeat([0, 1], n)


def test_bends_around_the_two_spirals():
    X, y = spirals()
    assert NEATClassifier(random_state=0).fit(X, y).score(X, y) > 0.65


def test_fitted_attributes_and_what_decides_a_run():
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    model = NEATClassifier(**SMALL).fit(X, names)
    assert set(model.predict(X)) <= set(names)
    assert isinstance(model.best_genome_, Genome)
    assert model.best_genome_.outputs == 3
    assert model.n_parameters_ == model.best_genome_.n_parameters > 10
    assert [entry["step"] for entry in model.history_] == list(range(1, 11))
    assert model.history_[-1]["evaluations"] == 300
    scores = [entry["score"] for entry in model.history_]
    assert scores == sorted(scores)
    assert scores[-1] == pytest.approx(np.log(model.predict_proba(X)[np.arange(150), y]).mean(), abs=1e-4)
    again = clone(model).fit(X, names)
    assert np.array_equal(model.predict_proba(X), again.predict_proba(X))
    other = clone(model).set_params(random_state=1).fit(X, names)
    assert not np.array_equal(model.predict_proba(X), other.predict_proba(X))
    assert np.array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), model.predict_proba(X))
    assert np.array_equal(model.predict_proba(X)[7:9], model.predict_proba(X[7:9]))


def test_two_classes_need_one_output():
    X, y = load_breast_cancer(return_X_y=True)
    model = NEATClassifier(**SMALL).fit(X, y)
    assert model.best_genome_.outputs == 1
    chance = model.predict_proba(X)
    assert np.array_equal(chance.argmax(axis=1), model.predict(X))
    assert model.history_[-1]["score"] == pytest.approx(np.log(chance[np.arange(len(y)), y]).mean(), abs=1e-4)


def test_units_do_not_matter():
    X, y = load_wine(return_X_y=True)
    plain = NEATClassifier(**SMALL).fit(X, y)
    moved = NEATClassifier(**SMALL).fit(X * 1e6 + 3e6, y)
    assert (plain.predict(X) == moved.predict(X * 1e6 + 3e6)).mean() > 0.97
    X, y = load_diabetes(return_X_y=True)
    plain = NEATRegressor(**SMALL).fit(X, y).predict(X)
    assert NEATRegressor(**SMALL).fit(X, 100 * y - 7).predict(X) == pytest.approx(100 * plain - 7, rel=1e-3)


def test_early_stopping_on_rows_held_out_and_on_an_eval_set():
    X, y = load_breast_cancer(return_X_y=True)
    model = NEATClassifier(
        population=40, generations=300, early_stopping=True, patience=4, random_state=0
    ).fit(X, y)
    assert len(model.history_) < 300
    assert model.history_[-1]["valid_loss"] <= model.history_[0]["valid_loss"]
    X_train, X_val, y_train, y_val = train_test_split(X, y, random_state=0)
    chosen = NEATClassifier(**SMALL).fit(X_train, y_train, eval_set=(X_val, y_val))
    assert len(chosen.history_) == 10
    chance = chosen.predict_proba(X_val)[np.arange(len(y_val)), y_val]
    assert -np.log(chance).mean() == pytest.approx(chosen.history_[-1]["valid_loss"], abs=1e-9)
    with pytest.raises(InputError, match="`eval_set` holds the label 7, which `y` does not"):
        NEATClassifier(**SMALL).fit(X_train, y_train, eval_set=(X_val, y_val * 7))


def test_regressors_stop_early_too():
    X, y = load_diabetes(return_X_y=True)
    model = NEATRegressor(
        population=40, generations=200, early_stopping=True, patience=3, random_state=0
    ).fit(X, y)
    assert len(model.history_) < 200
    chosen = NEATRegressor(**SMALL).fit(X[:300], y[:300], eval_set=(X[300:], y[300:]))
    error = np.mean((chosen.predict(X[300:]) - y[300:]) ** 2) / chosen.target_scale_**2
    assert error == pytest.approx(chosen.history_[-1]["valid_loss"], rel=1e-9)


def test_neat_python_as_the_engine():
    import random

    X, y = load_iris(return_X_y=True)
    before = random.getstate()
    model = NEATClassifier(engine="neat-python", population=40, generations=12, random_state=0).fit(X, y)
    assert random.getstate() == before
    assert model.score(X, y) > 0.5
    assert len(model.history_) == 12
    again = clone(model).fit(X, y)
    assert np.array_equal(model.predict_proba(X), again.predict_proba(X))


def test_torch_as_the_backend_agrees():
    X, y = load_iris(return_X_y=True)
    fused = NEATClassifier(population=20, generations=3, random_state=0).fit(X, y)
    torch_ = NEATClassifier(population=20, generations=3, random_state=0, device="cpu:0").fit(X, y)
    assert torch_.history_[0]["score"] == pytest.approx(fused.history_[0]["score"], abs=1e-5)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"population": 1}, "`population` must be a whole number of at least 2"),
        ({"generations": 0}, "`generations` must be a whole number of at least 1"),
        (
            {"learning": "lamarkian"},
            r"`learning` must be one of baldwinian, lamarckian.*'lamarkian'",
        ),
        ({"engine": "tensorneat"}, "`engine` must be one of array, neat-python"),
        ({"device": "abacus"}, "`device` is 'abacus', which torch cannot use here"),
        ({"activations": "tahn"}, "did you mean 'tanh'"),
        ({"settings": {"elitsm": 1}}, "setting 'elitsm' is not known; did you mean 'elitism'"),
    ],
)
def test_wrong_parameters_are_named(changes, match):
    X, y = load_iris(return_X_y=True)
    with pytest.raises(InputError, match=match):
        NEATClassifier(**{**SMALL, **changes}).fit(X, y)


def test_one_class_is_named():
    with pytest.raises(InputError, match="samples of at least 2 classes, but got 1 class"):
        NEATClassifier(**SMALL).fit(np.eye(4), np.ones(4))
