"""Tuned methods: what is searched, on which samples, and that the choice is what a plain search would choose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_diabetes, load_wine
from sklearn.model_selection import StratifiedKFold, cross_val_score

from neuroloom.core.episodes import PolicyMixin, rollout
from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.core.origins import OriginSet
from neuroloom.core.samples import EnvSet
from neuroloom.core.seeding import derive
from neuroloom.methods import Recipe, Skip, build, make, parameters, recipe, registry
from neuroloom.methods.parameter_search import Search, kept_search
from neuroloom.methods.ranges import RANGES, RESOURCES, Choices, Numbers, read_range
from neuroloom.methods.saving import load_estimator, save_estimator
from neuroloom.methods.search_space import search_space
from neuroloom.methods.tuned import TunedClassifier, TunedForecaster, TunedPolicy
from tests.conformance.cases import samples

pytest.importorskip("optuna")
X, Y = load_wine(return_X_y=True)
TRAIN, TEST = np.arange(178) % 3 > 0, np.arange(178) % 3 == 0
SEEN: list[tuple[str, frozenset[int]]] = []


class Recorder(ClassifierMixin, BaseEstimator):
    """Remembers the rows, named by column 0, that it learns from and that it is asked about."""

    def __init__(self, shift: float = 0.0) -> None:
        self.shift = shift

    def fit(self, X: Any, y: Any) -> Recorder:
        SEEN.append(("fit", frozenset(X[:, 0].astype(int).tolist())))
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        SEEN.append(("predict", frozenset(X[:, 0].astype(int).tolist())))
        return np.where(X[:, 1] + self.shift > 0, *self.classes_[::-1])


def tuned(expression: str, problem: str = "classification", seed: int = 0, **own: Any) -> Any:
    return build(f"{expression}+tuned", "table", problem, {"tuned": own}, random_state=seed)[0]


@pytest.fixture(scope="module")
def svm() -> Any:
    return tuned("svm", trials=12, incumbents=True).fit(X[TRAIN], Y[TRAIN])


def test_every_trial_scores_as_scikit_learn_scores_it(svm: Any) -> None:
    folds = StratifiedKFold(3, shuffle=True, random_state=derive(svm.random_state, "tuned") % 2**31)
    for trial in svm.trials_:
        plain = clone(svm.estimator).set_params(**trial["params"])
        assert trial["score"] == pytest.approx(cross_val_score(plain, X[TRAIN], Y[TRAIN], cv=folds).mean())
    best = max(trial["score"] for trial in svm.trials_)
    assert svm.best_score_ == best
    assert svm.trials_[0]["params"] == {}
    assert {tuple(trial["params"]) for trial in svm.trials_[1:]} == {("svm__C", "svm__gamma")}
    assert len({trial["params"]["svm__C"] for trial in svm.trials_[1:]}) == 11
    chosen = clone(svm.estimator).set_params(**svm.best_params_).fit(X[TRAIN], Y[TRAIN])
    np.testing.assert_array_equal(svm.predict(X[TEST]), chosen.predict(X[TEST]))
    np.testing.assert_array_equal(svm.decision_function(X[TEST]), chosen.decision_function(X[TEST]))


def test_the_curve_of_score_against_budget_is_of_what_would_have_been_chosen(svm: Any) -> None:
    what, found = svm.alternatives()
    assert what == "tuning trials"
    assert [after for after, _ in found] == [1, 2, 4, 8, 12]
    assert found[0][1].get_params()["svm__C"] == 1.0  # as it is
    for after, model in found:
        first = svm.trials_[:after]
        best = max(first, key=lambda trial: (trial["score"], -trial["number"]))
        given = model.get_params()
        assert {path: given[path] for path in best["params"]} == best["params"]
    assert found[-1][1] is svm.estimator_
    assert not hasattr(tuned("svm"), "alternatives")


def test_the_test_part_is_not_looked_at() -> None:
    SEEN.clear()
    rng = np.random.default_rng(0)
    rows = np.c_[np.arange(90), rng.normal(size=90)]
    y = (rows[:, 1] > 0.4).astype(int)
    model = TunedClassifier(Recorder(), 8, ranges={"shift": {"low": -1.0, "high": 1.0}}, random_state=1)
    model.fit(rows[:60], y[:60])
    assert len(SEEN) == 8 * 3 * 2 + 1
    training = frozenset(range(60))
    for trial in range(8):
        calls = SEEN[6 * trial : 6 * trial + 6]
        assert [what for what, _ in calls] == ["fit"] * 3 + ["predict"] * 3
        for (_, seen), (_, asked) in zip(calls[:3], calls[3:], strict=True):
            assert seen | asked == training
            assert not seen & asked  # a configuration is scored on rows that it has not learned from
    assert SEEN[-1] == ("fit", training)
    assert model.best_params_["shift"] == pytest.approx(-0.4, abs=0.25)
    assert model.score(rows[60:], y[60:]) > Recorder().fit(rows, y).score(rows[60:], y[60:])


def test_the_same_seed_chooses_the_same_and_another_seed_does_not(svm: Any) -> None:
    again = clone(svm).fit(X[TRAIN], Y[TRAIN])
    assert [t["params"] for t in again.trials_] == [t["params"] for t in svm.trials_]
    other = tuned("svm", trials=3, seed=1).fit(X[TRAIN], Y[TRAIN])
    assert [t["params"] for t in other.trials_] != [t["params"] for t in svm.trials_[:3]]
    assert len(other.trials_) == 3


def test_what_the_user_set_stays() -> None:
    model = build(
        "svm+tuned", "table", "classification", {"svm__C": 7.0, "tuned__trials": 4}, random_state=0
    )[0]
    assert set(search_space(model.estimator).ranges) == {"svm__gamma"}
    model.fit(X[TRAIN], Y[TRAIN])
    assert all(set(trial["params"]) <= {"svm__gamma"} for trial in model.trials_)
    assert model.estimator_.get_params()["svm__C"] == 7.0


@pytest.mark.parametrize(
    ("expression", "paths"),
    [
        ("random-forest", {"max_features", "min_samples_leaf", "max_depth"}),
        ("smote+svm", {"estimator__svm__C", "estimator__svm__gamma"}),
        ("logreg+isotonic", {"estimator__logreg__C"}),
        ("pca+ridge", set()),
    ],
)
def test_the_parts_of_a_composition_are_searched(expression: str, paths: set[str]) -> None:
    made = make(expression, "table", "classification")
    assert set(search_space(made).ranges) == paths


def test_features_and_their_head_are_searched_together() -> None:
    made = make("wavelets+svm", "series", "classification")
    assert set(search_space(made).ranges) == {
        "wavelets__wavelet", "wavelets__level", "wavelets__segments", "wavelets__decomposition", "svm__C", "svm__gamma",
    }  # fmt: skip


def test_a_plain_method_of_several_names_keeps_its_own_ranges() -> None:
    made = make("l-bfgs", "table", "classification")  # the class of cma-es, with nothing declared
    assert not search_space(made).ranges
    assert search_space(make("cma-es", "table", "classification")).resources == {"generations": 100}


def test_hyperband_gives_up_what_does_badly() -> None:
    own = {"ranges": {"hist-gradient-boosting": {"learning_rate": [1e-6, 0.1, 0.2, 0.3]}}, "trials": 10}
    counted = []
    for pruning in (True, False):
        model = tuned("hist-gradient-boosting", **own, pruning=pruning)
        model.set_params(estimator__max_iter=45)
        model.estimator.max_leaf_nodes, model.estimator.min_samples_leaf = 5, 5  # so these stay
        model.estimator.l2_regularization = 0.1
        assert set(search_space(model.estimator, own["ranges"]).ranges) == {"learning_rate"}
        model.fit(X[TRAIN & (Y < 2)], Y[TRAIN & (Y < 2)])
        counted.append(sum(trial["state"] == "pruned" for trial in model.trials_))
        assert model.best_params_.get("learning_rate", 0.1) > 1e-6
        assert model.estimator_.n_iter_ == 45  # the winner learned for all of its resource
    assert counted[0] > 0
    assert counted[1] == 0


def test_a_configuration_that_fails_is_noted_and_the_search_goes_on() -> None:
    own = {"ranges": {"logreg": {"C": [-1.0, 0.5]}}}
    model = tuned("logreg", trials=8, **own).fit(X[TRAIN], Y[TRAIN])
    failed = [trial for trial in model.trials_ if trial["state"] == "failed"]
    assert failed
    assert all(t["score"] is None and "'C' parameter" in t["reason"] for t in failed)
    bad = tuned("logreg", trials=4, metric="roc_auc").set_params(estimator__logreg__max_iter=-5)
    with pytest.raises(
        InputError, match="none of the 4 configurations could be fitted and scored; the first failed"
    ):
        bad.fit(X[TRAIN], Y[TRAIN])


def test_a_published_validation_part_takes_the_place_of_folds() -> None:
    model = tuned("knn", trials=5)
    model.fit(X[TRAIN], Y[TRAIN], eval_set=(X[TEST], Y[TEST]))
    for trial in model.trials_:
        plain = clone(model.estimator).set_params(**trial["params"]).fit(X[TRAIN], Y[TRAIN])
        assert trial["score"] == pytest.approx(plain.score(X[TEST], Y[TEST]))


def test_time_ends_the_search() -> None:
    assert len(tuned("knn", seconds=1e-9).fit(X, Y).trials_) == 1
    assert len(tuned("knn", seconds=1e9, trials=2).fit(X, Y).trials_) == 2


def test_numbers_and_their_metrics() -> None:
    rows, y = load_diabetes(return_X_y=True)
    model = tuned("knn", "regression", trials=8, metric="mae").fit(rows[:200], y[:200])
    assert -80 < model.best_score_ < -30  # greater is better
    assert model.best_score_ >= model.trials_[0]["score"]
    with pytest.raises(InputError, match="`metric` must be one of mae, r2, rmse; value 'accuracy'"):
        tuned("knn", "regression", metric="accuracy").fit(rows, y)


@pytest.mark.parametrize("kind", ["nodes", "tokens"])
def test_every_kind_of_samples(kind: str) -> None:
    expression = {"nodes": "prone+logreg", "tokens": "ngrams+logreg"}[kind]
    rows, y = samples(kind, "classification")
    model = build(f"{expression}+tuned", kind, "classification", {"tuned": {"trials": 3}}, random_state=0)[0]
    assert set(model.fit(rows, y).predict(rows)) == set(np.unique(y))
    assert len(model.best_params_) in (0, len(search_space(model.estimator).ranges))


def test_a_saved_model_answers_the_same(svm: Any, tmp_path: Path) -> None:
    save_estimator(svm, tmp_path / "model", {})
    loaded, _ = load_estimator(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(X), svm.predict(X))
    assert loaded.best_params_ == svm.best_params_


def test_what_cannot_be_tuned_is_told() -> None:
    with pytest.raises(
        NotSupportedError, match="there is nothing to tune in Pipeline: it declares no ranges"
    ):
        tuned("ridge").fit(X, Y)
    with pytest.raises(InputError, match="tuning by 3 folds needs at least 6 samples, but there are 4"):
        tuned("knn").fit(X[:4], Y[:4])
    with pytest.raises(
        InputError, match=r"the range of parameter 'knn__n_neighbours' is not known; did you mean"
    ):
        tuned("knn", ranges={"knn": {"n_neighbours": [1, 2]}}).fit(X, Y)
    for expression, kind, problem, why in (
        ("lof+tuned", "tokens", "detection", "has no way to score parameters for detection on tokens"),
        ("tuned", "table", "classification", "chooses the parameters of a method before it, as svm"),
    ):
        found = recipe(expression, kind, problem)
        assert isinstance(found, Skip)
        assert why in found.reason


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"low": 2, "high": 1}, "needs low < high, but got 2 and 1"),
        ({"low": 0.0, "high": 1.0, "log": True}, "both above 0, but got 0.0 and 1.0"),
        ([3], "needs two values or more"),
        ({"low": "a", "high": "b"}, "the range of 'C' must be"),
        (7, "the range of 'C' must be"),
    ],
)
def test_ranges_that_are_none(given: Any, why: str) -> None:
    with pytest.raises(InputError, match=why):
        read_range(given, "C")
    assert read_range({"low": 1, "high": 9}, "C") == Numbers(1, 9, whole=True)
    assert read_range([[64], [32, 32]], "C") == Choices(((64,), (32, 32)))


@pytest.mark.parametrize("key", sorted(RANGES))
def test_declared_ranges_are_of_parameters_that_exist_and_hold_the_default(key: str) -> None:
    method = registry()[key]
    for pair in method.classes:
        if pair[1] in ("control", "detection"):
            continue
        known = {**parameters(method.load(*pair)), **method.fixed}
        if key == "neat" and pair[0] == "series":
            continue
        assert set(method.ranges) <= set(known), pair
        assert method.resource is None or method.resource in known
        for name, found in method.ranges.items():
            usual = known[name]
            if isinstance(usual, int | float) and not isinstance(usual, bool):
                assert usual in found or usual in (0, 0.0), (key, name, usual)


def test_resources_are_of_methods_with_ranges() -> None:
    assert set(RESOURCES) <= set(RANGES)


# -- forecasts, policies, detectors ------------------------------------------------------------------------------------


def _waves() -> tuple[OriginSet, Any]:
    t = np.arange(140)
    rng = np.random.default_rng(4)
    return OriginSet.of(10 + 0.05 * t + np.sin(2 * np.pi * t / 12) + 0.1 * rng.normal(size=140), 6, season=12)


def test_a_forecaster_is_tuned_forward_in_time() -> None:
    origins, values = _waves()
    model = build("theta+tuned", "series", "forecast", {"tuned": {"trials": 5}}, random_state=1)[0]
    parts = model._parts(origins, values, None, 0)
    assert len(parts) == 3
    for learned, y, asked, y_asked, _ in parts:
        assert learned.origins.max() + 6 <= asked.origins.min()  # no answer learned from is one asked for
        assert (len(y), len(y_asked)) == (len(learned), len(asked))
    model.fit(origins, values)
    naive = origins.naive_error(values)
    for trial in model.trials_:
        errors = []
        for learned, y, asked, y_asked, _ in parts:
            plain = clone(model.estimator).set_params(**trial["params"]).fit(learned, y)
            errors.append(np.abs(plain.predict(asked) - y_asked).mean() / naive)
        assert trial["score"] == pytest.approx(-np.mean(errors))
    assert model.best_score_ == max(trial["score"] for trial in model.trials_)
    np.testing.assert_array_equal(model.predict(origins[-3:]), model.estimator_.predict(origins[-3:]))
    assert model.predict_interval(origins[-3:]).shape == (3, 6, 2)
    with pytest.raises(InputError, match="needs more than 4 origins with a horizon of 6; lower `folds`"):
        clone(model).fit(origins[:4], values[:4])


def test_what_windows_feed_is_tuned_as_a_forecaster() -> None:
    origins, values = _waves()
    model = build("knn+tuned", "series", "forecast", {"tuned": {"trials": 3}}, random_state=1)[0]
    model.fit(origins, values)
    assert isinstance(model, TunedForecaster)
    assert set(model.trials_[1]["params"]) == {
        f"estimator__knn__{name}" for name in ("n_neighbors", "p", "weights")
    }
    assert model.predict(origins[-2:]).shape == (2, 6)


class Pushes(PolicyMixin, BaseEstimator):
    """Pushes the cart the way that the pole leans, the more so the larger ``gain`` of its speed."""

    def __init__(self, gain: float = -1.0) -> None:
        self.gain = gain

    def fit(self, X: Any) -> Pushes:
        self.fitted_ = len(X)
        return self

    def act(self, observations: Any) -> Any:
        return (observations[:, 2] + self.gain * observations[:, 3] > 0).astype(int)


def test_a_policy_is_tuned_by_its_returns() -> None:
    starts = EnvSet("CartPole-v1", np.arange(9))
    model = TunedPolicy(Pushes(), trials=6, ranges={"gain": {"low": -1.0, "high": 1.0}}, random_state=0)
    model.fit(starts)
    assert model.best_params_["gain"] > 0
    assert model.best_score_ > 5 * model.trials_[0]["score"]
    assert model.estimator_.fitted_ == 9
    assert rollout(model, starts).mean() == rollout(model.estimator_, starts).mean()
    assert isinstance(recipe("neat+tuned", "episodes", "control"), Recipe)


def test_a_detector_is_tuned_against_strangers_made_of_the_usual() -> None:
    rng = np.random.default_rng(0)
    usual = rng.normal(size=(120, 4)) @ np.array(
        [[1, 1, 1, 1], [0, 0.3, 0, 0], [0, 0, 0.3, 0], [0, 0, 0, 0.3]]
    )
    model = build("lof+tuned", "table", "detection", {"tuned": {"trials": 6}}, random_state=0)[0]
    _, _, held, strangers, _ = model._parts(usual, None, None, 0)[0]
    assert (strangers != held).any(axis=1).all()
    for column in range(4):  # each value is one of that column
        assert set(strangers[:, column]) <= set(held[:, column])
    model.fit(usual)
    assert model.best_score_ > 0.7
    assert model.best_score_ == max(trial["score"] for trial in model.trials_)
    odd = usual[:20] * [1, -1, 1, -1]
    assert np.median(model.decision_function(odd)) < np.median(model.decision_function(usual))
    np.testing.assert_array_equal(model.predict(odd), np.where(model.decision_function(odd) < 0, -1, 1))
    with pytest.raises(NotSupportedError, match="tables of two columns or more, on series and on pictures"):
        clone(model).fit(usual[:, :1])


# -- a search that was killed ------------------------------------------------------------------------------------------


class Killed(ClassifierMixin, BaseEstimator):
    """Counts its fits, and is interrupted at one of them."""

    fits = 0
    last: int | None = None

    def __init__(self, shift: float = 0.0, rounds: int = 45) -> None:
        self.shift, self.rounds = shift, rounds

    def fit(self, X: Any, y: Any) -> Killed:
        if Killed.fits == Killed.last:
            raise KeyboardInterrupt
        Killed.fits += 1
        if self.shift > 1.5:
            raise ValueError("not there")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        return np.where(X[:, 0] + self.shift > 13, *self.classes_[:2])


@pytest.mark.parametrize("after", [1, 7, 22, 30])
def test_a_search_that_was_killed_goes_on(
    after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def search() -> TunedClassifier:
        return TunedClassifier(
            Killed(), trials=12, ranges={"shift": {"low": -3.0, "high": 3.0}}, random_state=5
        )

    monkeypatch.setattr(Killed, "fits", 0)
    whole = search().fit(X, Y)
    total = Killed.fits
    monkeypatch.setattr(Killed, "fits", 0)
    monkeypatch.setattr(Killed, "last", after)
    path = tmp_path / "kept" / "search.jsonl"
    with pytest.raises(KeyboardInterrupt), kept_search(path):
        search().fit(X, Y)
    text = path.read_text()
    path.write_text(text[: len(text) - 3] if after == 22 else text)  # torn by the kill
    monkeypatch.setattr(Killed, "last", None)
    with kept_search(path):
        again = search().fit(X, Y)
    redone = Killed.fits - total
    assert redone <= (6 if after == 22 else 3)  # the folds of what was being tried
    assert [[t[n] for n in ("params", "score", "state", "reason")] for t in again.trials_] == [
        [t[n] for n in ("params", "score", "state", "reason")] for t in whole.trials_
    ]
    assert {"complete", "failed"} <= {t["state"] for t in again.trials_}
    assert again.best_params_ == whole.best_params_
    assert not path.exists()


def test_several_searches_in_one_fit_are_kept_apart(tmp_path: Path, monkeypatch: Any) -> None:
    def corrected() -> Any:
        params = {"tuned": {"trials": 4}, "temperature": {"folds": 3}}
        return build("knn+tuned+temperature", "table", "classification", params, random_state=0)[0]

    scored: list[Any] = []
    score = Search._score

    def counted(self: Any, params: dict[str, Any]) -> float:
        scored.append(score(self, params))
        if len(scored) == stop:
            raise KeyboardInterrupt
        return float(scored[-1])

    monkeypatch.setattr(Search, "_score", counted)
    stop = 0
    whole = corrected().fit(X, Y).predict_proba(X)
    total, stop = (
        len(scored),
        len(scored) + 10,
    )  # amid the third of four searches, those on the folds and the last
    path = tmp_path / "search.jsonl"
    with pytest.raises(KeyboardInterrupt), kept_search(path):
        corrected().fit(X, Y)
    before, stop = len(scored), 0
    with kept_search(path):
        again = corrected().fit(X, Y).predict_proba(X)
    np.testing.assert_array_equal(again, whole)
    assert len(scored) - before == total - 9
    assert list(tmp_path.iterdir()) == []


def test_what_was_kept_of_another_search_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "search.jsonl"
    path.write_text('{"of": "another"}\n')
    with (
        pytest.raises(InputError, match=r"search\.jsonl was kept of another search; remove it"),
        kept_search(path),
    ):
        tuned("knn", trials=2).fit(X, Y)
