"""What holds for every method of the registry; a new registry line is tested here without a new test file."""

import pickle
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

from neuroloom.core import InputError
from neuroloom.methods import build, recipe, registry
from neuroloom.methods.make import Recipe
from neuroloom.methods.method import TO_GRAPHS, TRANSFORM
from neuroloom.methods.saving import load_estimator, save_estimator
from tests.conformance.cases import pairings, quick, samples

# a generator that has learned for two epochs draws nothing worth having, and says so
pytestmark = pytest.mark.filterwarnings("ignore::neuroloom.nets.gan.CollapseWarning")
ALL = pytest.mark.parametrize(("key", "kind", "problem"), pairings(), ids=lambda v: str(v))


def _built(key: str, kind: str, problem: str) -> Any:
    params = quick(key)
    found = recipe(key, kind, problem)
    assert isinstance(found, Recipe)
    if len(found.steps) > 1:
        params = {found.steps[0].name: params}
    return build(key, kind, problem, params, random_state=3)[0]


def _fitted(key: str, kind: str, problem: str) -> Any:
    X, y = samples(kind, problem)
    return _built(key, kind, problem).fit(X, y)


@cache
def _kept(key: str, kind: str, problem: str) -> Any:
    """Return a fitted estimator that several tests ask, and none changes."""
    return _fitted(key, kind, problem)


def _answers(estimator: Any, X: Any, problem: str) -> np.ndarray:
    if problem == "classification" and hasattr(estimator, "predict_proba"):
        return np.asarray(estimator.predict_proba(X))
    if problem == "detection":
        return np.asarray(estimator.decision_function(X))
    return np.asarray(estimator.predict(X))


@ALL
def test_fit_predict_and_same_seed_same_result(key: str, kind: str, problem: str) -> None:
    X, y = samples(kind, problem)
    first, again = _kept(key, kind, problem), _fitted(key, kind, problem)
    answers = _answers(first, X, problem)
    np.testing.assert_array_equal(answers, _answers(again, X, problem))
    prediction = np.asarray(first.predict(X))
    assert prediction.shape == (y.shape if problem == "forecast" else (len(X),))
    if problem == "classification":
        assert set(prediction.tolist()) <= set(np.unique(y).tolist())
        if answers.ndim == 2:
            assert answers.shape == (len(X), len(first.classes_))
            np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-6)
            assert answers.min() >= 0
    elif problem == "detection":
        np.testing.assert_array_equal(prediction, np.where(answers < 0, -1, 1))
    else:
        assert np.isfinite(prediction).all()


@ALL
def test_clone_forgets_and_pickle_remembers(key: str, kind: str, problem: str) -> None:
    X, _ = samples(kind, problem)
    fitted = _kept(key, kind, problem)
    fresh = clone(fitted)
    assert str(fresh.get_params()) == str(clone(_built(key, kind, problem)).get_params())
    assert not [name for name in vars(fresh) if name.endswith("_") and not name.startswith("_")]
    kept = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(_answers(kept, X, problem), _answers(fitted, X, problem))


@ALL
def test_a_saved_model_answers_the_same(key: str, kind: str, problem: str, tmp_path: Path) -> None:
    X, _ = samples(kind, problem)
    fitted = _kept(key, kind, problem)
    save_estimator(fitted, tmp_path / "model", {"method": key})
    loaded, about = load_estimator(tmp_path / "model")
    assert about == {"method": key}
    np.testing.assert_array_equal(_answers(loaded, X, problem), _answers(fitted, X, problem))


@ALL
def test_a_subset_is_answered_as_in_the_whole(key: str, kind: str, problem: str) -> None:
    X, _ = samples(kind, problem)
    fitted = _kept(key, kind, problem)
    rows = np.array([len(X) - 1, 0, 2])
    whole, part = _answers(fitted, X, problem)[rows], _answers(fitted, X[rows], problem)
    if whole.dtype.kind in "US":
        assert part.tolist() == whole.tolist()
    else:
        np.testing.assert_allclose(part, whole, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("key", "kind", "problem"),
    [p for p in pairings() if p[1] != "episodes" and p[0] != "dummy"],
    ids=lambda v: str(v),
)
def test_bad_input_gets_a_value_error_with_words(key: str, kind: str, problem: str) -> None:
    X, y = samples(kind, problem)
    if problem != "detection":  # which looks at no answers
        with pytest.raises(ValueError, match=r"\w+ \w+ \w+"):
            _built(key, kind, problem).fit(X, y[:-1])
    arrays = kind in ("table", "series", "image") and problem != "forecast"
    if arrays and registry()[key].room != "baseline":
        holed = np.array(X, dtype=float)
        holed[3, ..., 0] = np.nan
        with pytest.raises(ValueError, match=r"(?i)nan|missing|finite"):
            _built(key, kind, problem).fit(holed, y)


@pytest.mark.parametrize(
    ("key", "kind"),
    [(m.key, kind) for m in registry().values() for kind, p in m.classes if p == TRANSFORM],
    ids=lambda v: str(v),
)
def test_features_have_names_and_finite_values(key: str, kind: str) -> None:
    X, y = samples(kind, "classification")
    made = registry()[key].load(kind, TRANSFORM)(**quick(key)).fit(X, y)
    values = np.asarray(made.transform(X))
    names = list(made.get_feature_names_out())
    assert values.shape == (len(X), len(names))
    assert len(set(names)) == len(names)
    assert np.isfinite(values).all()


@pytest.mark.parametrize("key", [m.key for m in registry().values() if m.room not in ("baseline", "other")])
def test_a_wrong_parameter_is_named(key: str) -> None:
    method = registry()[key]
    (kind, problem), _ = next(iter(method.classes.items()))
    cls = method.load(kind, problem)
    X, y = samples(kind, "classification" if problem in (TRANSFORM, TO_GRAPHS) else problem)
    for name, default in (item for item in _defaults(cls).items() if isinstance(item[1], int)):
        if isinstance(default, bool):
            continue
        with pytest.raises(InputError, match=f"`{name}` must be"):
            cls(**{name: -5}).fit(X, y)


def _defaults(cls: type[Any]) -> dict[str, Any]:
    from neuroloom.methods import parameters

    return parameters(cls)


@pytest.mark.parametrize("key", [m.key for m in registry().values() if m.room not in ("baseline", "other")])
def test_our_estimators_count_their_numbers(key: str) -> None:
    method = registry()[key]
    for kind, problem in method.classes:
        X, y = samples(kind, "classification" if problem in (TRANSFORM, TO_GRAPHS) else problem)
        made = method.load(kind, problem)(**quick(key)).fit(X, y)
        if problem not in (TRANSFORM, TO_GRAPHS):
            assert made.n_parameters_ > 0
        for point in getattr(made, "history_", []):
            assert {"step", "seconds"} <= set(point)
