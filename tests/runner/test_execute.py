"""One trial in this process: what it measures, what it passes on, what its row says."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from neuroloom.core.errors import NotSupportedError
from neuroloom.core.samples import take
from neuroloom.core.seeding import derive
from neuroloom.methods.calibrated import CalibratedClassifier
from neuroloom.runner import outcome
from neuroloom.runner.execute import Executor, run_batch, run_trial
from neuroloom.runner.imports import ImportMeter
from neuroloom.runner.trial import Trial
from tests.runner.bad_methods import NAME, WORKBENCH, TinyTask, trial


def run(expression: str, **changes: Any) -> Any:
    return run_trial(trial(expression, **changes), workbench=NAME)


def test_a_row_says_what_was_done() -> None:
    t = trial("Good", seed=2, fold=1, label="good[rate=0.5]", params={"rate": 0.5})
    row = run_trial(t, workbench=NAME)
    task = TinyTask({})
    split = task.split(task.load(), 2, 1, 4)
    assert (row.key, row.task, row.method, row.expression, row.seed, row.fold) == (
        t.key,
        "tiny",
        "good[rate=0.5]",
        "Good",
        2,
        1,
    )
    assert (row.status, row.reason, row.metric, row.batched) == ("done", "", "accuracy", 1)
    assert (row.n_train, row.n_test, row.split) == (60, 20, split.fingerprint())
    assert row.settings == {"random_state": derive(2, "method", "tiny", "good[rate=0.5]", 1), "rate": 0.5}
    assert row.notes == ["a note on the data", "a note on the method"]
    assert row.parameters == 3
    assert 0 <= row.scores["accuracy"] <= 1
    assert row.predictions is None


def test_times_are_of_fit_and_predict_alone() -> None:
    row = run("Batched")
    assert 0.03 <= row.fit_seconds < 0.3
    assert row.fit_cpu_seconds < 0.03  # it slept
    assert row.predict_seconds < 0.03


def test_cpu_seconds_of_child_processes_count() -> None:
    class Spender:
        def fit(self, X: Any, y: Any) -> None:
            import subprocess
            import sys

            code = "import time\nwhile time.process_time() < 0.3: pass"
            subprocess.run([sys.executable, "-S", "-c", code], check=True)

        def predict(self, X: Any) -> Any:
            return np.full(len(X), "yes")

    class Bench(type(WORKBENCH)):  # type: ignore[misc]
        def build(self, *_: Any, **__: Any) -> Any:
            return Spender(), []

    row = Executor(Bench()).run_trial(trial("Spender"))
    assert row.status == "done"
    assert row.fit_cpu_seconds >= 0.3
    assert row.predict_cpu_seconds < 0.1


def test_eval_set_goes_to_those_who_take_it_and_nobody_trains_on_it() -> None:
    published = {"name": "tiny", "valid": True}
    assert run("EarlyStopper", task=published).parameters == 1000 * 50 + 10
    assert run("EarlyStopper").parameters == 1000 * 60
    plain = run("Good", task=published)
    assert (plain.status, plain.n_train) == ("done", 50)


def test_probabilities_are_asked_for_only_where_a_metric_needs_them() -> None:
    row = run("Proba", metrics=("accuracy", "log_loss"))
    assert 0 < row.scores["log_loss"] < 1
    asked = run("Good", metrics=("log_loss",))
    assert asked.status == "failed"
    assert "probability" in asked.reason


def test_predictions_on_request() -> None:
    t = trial("Proba", metrics=("accuracy", "log_loss"))
    row = run_trial(t, keep_predictions=True, workbench=NAME)
    assert row.predictions is not None
    assert set(row.predictions) == {"test", "y", "prediction", "probability"}
    assert row.predictions["probability"].shape == (20, 2)
    kept = float(np.mean(row.predictions["prediction"] == row.predictions["y"]))
    assert kept == row.scores["accuracy"]


def test_a_policy_is_rolled_out() -> None:
    class Bench(type(WORKBENCH)):  # type: ignore[misc]
        def open_task(self, spec: Any, data_dir: str | None) -> Any:
            task = TinyTask(dict(spec))
            load = task.load
            task.load = lambda seed=0: _without_answers(load(seed))  # type: ignore[method-assign,misc]
            return task

    row = Executor(Bench()).run_trial(trial("Policy", problem="control", metrics=("return",)))
    task = TinyTask({})
    data = task.load()
    expected = float(np.mean(2 * data.X[task.split(data, 0, 0, 4).test, 0]))
    assert row.scores == {"return": pytest.approx(expected)}


def _without_answers(data: Any) -> Any:
    return type(data)(data.X, None, (), data.extra)


def test_the_curve_is_thinned_and_free_of_nan() -> None:
    curve = run("Curved").curve
    assert len(curve) == 200
    assert curve[0] == {"step": 0, "seconds": 0.0}
    assert curve[-1] == {"step": 999, "seconds": pytest.approx(99.9), "loss": 1 / 999}
    assert [point["step"] for point in curve] == sorted({point["step"] for point in curve})


def test_smaller_answers_are_scored_on_the_test_part() -> None:
    row = run("Fronted")
    points = row.front["points"]
    assert row.front["measure"] == "things"
    assert len(points) == outcome.FRONT_POINTS
    assert [points[0][0], points[-1][0]] == [1.0, 100.0]
    task = TinyTask({})
    data = task.load()
    y = data.y[task.split(data, 0, 0, 4).test]
    classes = np.unique(data.y)
    for size, score in points:
        assert score == pytest.approx(np.mean(y == classes[int(size) % 2]))
    assert run("Good", seed=1).front == {}


def test_which_class_was_answered_for_which_is_kept_of_the_first_repetition() -> None:
    row = run("Good")
    task = TinyTask({})
    data = task.load()
    y = data.y[task.split(data, 0, 0, 4).test]
    assert set(row.front) == {"confusion"}
    told = row.front["confusion"]
    assert told["classes"] == ["no", "yes"]
    assert np.sum(told["counts"], axis=1).tolist() == [np.sum(y == "no"), np.sum(y == "yes")]
    assert np.trace(told["counts"]) / len(y) == row.scores["accuracy"]


def test_what_samples_attend_to_is_told_through_a_pipeline_and_of_samples_that_suit() -> None:
    class Doubled:
        def transform(self, X: Any) -> Any:
            return 2 * X

    class Looks:
        def attended(self, X: Any) -> list[Any]:
            return [("first", [("part", float(X[0, 0])), ("other", 1 / 3)])]

    class Both:
        steps = (("a", Doubled()), ("b", Looks()))

        def __getitem__(self, which: Any) -> Any:
            return Doubled()

    both = Both()
    both.steps = list(both.steps)
    told = [["first", [["part", 0.5], ["other", 0.333]]]]
    assert outcome.attention_of(Looks(), np.array([[0.5]])) == {"attention": told}
    assert outcome.attention_of(both, np.array([[0.25]])) == {"attention": told}
    assert outcome.attention_of(Doubled(), np.zeros((1, 1))) == {}


def test_a_confusion_counts_true_classes_downwards_and_answers_across() -> None:
    told = outcome.confusion_of(np.array([3, 10, 10, 3]), np.array([3, 3, 3, 7]))
    assert told == {"classes": ["10", "3", "7"], "counts": [[0, 2, 0], [0, 1, 1], [0, 0, 0]]}
    many = np.arange(outcome.MOST_CLASSES + 1)
    assert outcome.confusion_of(many, many) == {}


def test_scores_over_time_keep_peaks_and_marks() -> None:
    n = 10 * outcome.TRACE_POINTS
    X = np.zeros((n, 1, 5))
    X[777, 0, 2], X[778, 0, 3], X[779, 0, 2] = 4.0, 9.0, -2.0
    y, score = np.zeros(n, int), np.linspace(0, 1, n)
    y[[5, 6, 7, 100]], score[321] = 1, 50.0
    told = outcome.trace_of(X, y, score, 1000 + np.arange(n))["trace"]
    assert told["step"] == list(range(1000, 1000 + n, 10))
    assert (told["high"][77], told["low"][77], max(told["high"])) == (4.0, -2.0, 4.0)
    assert told["score"][32] == 50.0
    assert told["score"][0] == pytest.approx(9 / (n - 1), rel=1e-3)
    assert told["marked"] == [[1005, 1007], [1100, 1100]]
    short = outcome.trace_of(X[:3], None, np.array([0.0, np.inf, 1.0]), np.arange(3))["trace"]
    assert (short["step"], short["score"], short["marked"]) == ([0, 1, 2], [0.0, None, 1.0], [])


def test_an_evolved_network_stands_beside_the_answer() -> None:
    class Drawn:
        def drawing(self) -> dict[str, Any]:
            return {"layers": [[-1], [0]], "edges": [[-1, 0, 2.0]]}

    class Evolved:
        best_genome_ = Drawn()

    class Written(Evolved):
        drawn_as = "pattern"

    for made, what in ((Evolved(), "network"), (Written(), "pattern")):
        front = outcome.beside_of(made, np.zeros((2, 1)), lambda e, X: 0.0)
        assert front == {"network": {"what": what, "layers": [[-1], [0]], "edges": [[-1, 0, 2.0]]}}


def test_a_map_of_elites_is_kept_coarse_enough_for_the_report() -> None:
    held = run("Mapped").front["map"]
    assert held["axes"] == ["size"]
    assert held["ranges"] == [[0.0, 5.0]]
    # of 100 cells three make one: the best of cells 0 to 2, and cell 99 alone
    assert held["fitness"] == [[2.0], *[[None]] * 32, [0.333333]]
    assert (held["coverage"], held["qd_score"]) == (0.25, 7.5)


def test_warnings_of_a_librarys_own_kind_become_notes_once() -> None:
    assert run("Warns").notes[2:] == ["EndlessWarning: did not converge"]
    assert run("Warns", batch=True).notes[2:] == []


def test_data_that_cannot_be_read_fail_the_trial() -> None:
    row = run("Good", task={"name": "tiny", "broken": True})
    assert (row.status, row.reason, row.scores) == ("failed", "ValueError: the file is torn", {})
    assert row.fit_seconds is None


def test_a_skipped_trial_is_not_run() -> None:
    row = run("Segfault", skip="it takes nodes, and the data are a table")
    assert (row.status, row.reason) == ("skipped", "it takes nodes, and the data are a table")


def test_data_and_splits_are_read_once_and_drawn_data_once_a_seed() -> None:
    opened: list[TinyTask] = []

    class Bench(type(WORKBENCH)):  # type: ignore[misc]
        def open_task(self, spec: Any, data_dir: str | None) -> Any:
            opened.append(TinyTask(dict(spec)))
            return opened[-1]

    executor = Executor(Bench())
    for seed in range(3):
        for fold in range(4):
            executor.run_trial(trial("Good", seed=seed, fold=fold))
            executor.run_trial(trial("Good", seed=seed, fold=fold, task={"name": "tiny", "drawn": True}))
    assert [task.loads for task in opened] == [1, 3]


def test_a_method_gets_copies_of_the_data() -> None:
    executor = Executor(WORKBENCH)
    before = executor.run_trial(trial("Good", seed=3))
    assert executor.run_trial(trial("ReportsGlobals", seed=3)).status == "done"  # it writes zeros into X
    assert executor.run_trial(trial("Good", seed=3)).scores == before.scores


def test_a_batch_of_different_classes_is_refused() -> None:
    with pytest.raises(NotSupportedError, match="one class with `fit_many`, but got Batched, Good"):
        run_batch([trial("Batched"), trial("Good")], workbench=NAME)
    with pytest.raises(NotSupportedError, match="but got Good"):
        run_batch([trial("Good"), trial("Good", seed=1)], workbench=NAME)


def test_take_copies_rows_of_arrays_and_frames() -> None:
    import pandas as pd

    rows = np.array([2, 0])
    array = np.arange(6).reshape(3, 2)
    taken = take(array, rows)
    taken[:] = 9
    assert array.max() == 5
    frame = pd.DataFrame(array, index=["a", "b", "c"])
    assert list(take(frame, rows).index) == ["c", "a"]


def test_settings_hold_what_json_can() -> None:
    class Inner:
        def get_params(self, deep: bool = True) -> dict[str, Any]:
            return {"a": 1}

    class Outer:
        def get_params(self, deep: bool = True) -> dict[str, Any]:
            return {
                "steps": [("inner", Inner())],
                "inner": Inner(),
                "inner__a": np.int64(1),
                "rate": math.inf,
                "function": math.tanh,
                "kind": Inner,
                "sizes": (3, np.float32(0.5)),
                "array": np.arange(3),
                "object": object(),
                "none": None,
            }

    assert outcome.settings_of(Outer()) == {
        "inner": "Inner",
        "inner__a": 1,
        "rate": "inf",
        "function": "math.tanh",
        "kind": f"{__name__}.test_settings_hold_what_json_can.<locals>.Inner",
        "sizes": [3, 0.5],
        "array": [0, 1, 2],
        "object": "object",
        "none": None,
    }


def test_parameters_are_counted_by_hand() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    X = np.random.default_rng(0).normal(size=(30, 4))
    y = np.arange(30) % 3
    assert outcome.parameters_of(LogisticRegression().fit(X, y)) == 3 * 4 + 3
    assert outcome.parameters_of(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)) == 15
    corrected = CalibratedClassifier(LogisticRegression(), random_state=0).fit(X, y)
    assert outcome.parameters_of(corrected) == 15
    forest = RandomForestClassifier(5, random_state=0).fit(X, y)
    assert outcome.parameters_of(forest) == sum(tree.tree_.node_count for tree in forest.estimators_)
    machine = SVC().fit(X, y)
    n = len(machine.support_)
    assert outcome.parameters_of(machine) == n * 4 + 2 * n + 3
    assert outcome.parameters_of(KNeighborsClassifier().fit(X, y)) == 30 * 4  # the rows it keeps
    boosting = HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=5).fit(X, y)
    assert outcome.parameters_of(boosting) == sum(
        len(t.nodes) for stage in boosting._predictors for t in stage
    )
    assert outcome.parameters_of(StandardScaler().fit(X)) is None


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MemoryError(), "memory"),
        (OSError(12, "Cannot allocate memory"), "memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "memory"),
        (OSError(2, "No such file"), "failed"),
        (ValueError("out of memory of the past"), "failed"),
    ],
)
def test_errors_of_memory_are_told_from_others(error: BaseException, status: str) -> None:
    row = outcome.row_of(trial("Good"), "done")
    outcome.describe_error(row, error)
    assert row.status == status
    try:
        raise ValueError("wrapped") from error
    except ValueError as wrapped:
        outcome.describe_error(row, wrapped)
    assert row.status == status


def test_a_long_message_is_cut() -> None:
    assert len(outcome.one_line(ValueError("x" * 10_000))) == 500


def test_the_import_meter_sees_imports_of_its_own_thread_only() -> None:
    import importlib
    import sys
    import threading

    def elsewhere() -> None:
        sys.modules.pop("colorsys", None)
        importlib.import_module("colorsys")

    seen: list[bool] = []
    with ImportMeter(lambda: 0.0, lambda meter: seen.append(meter.active)) as meter:
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        assert seen == []
        sys.modules.pop("this_is_not_there", None)
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("this_is_not_there")
        sys.modules.pop("colorsys", None)
        import colorsys  # noqa: F401
    assert seen == [True, False, True, False]
    assert meter.seconds > 0
    sys.modules.pop("colorsys", None)
    importlib.import_module("colorsys")
    assert len(seen) == 4


def test_a_trials_key_ignores_how_it_is_grouped() -> None:
    one: Trial = trial("Good")
    assert one.key == trial("Good", batch=True).key != trial("Good", seconds=21.0).key
