"""One trial, or one batch of trials, carried out and measured in the process that calls."""

from __future__ import annotations

import contextlib
import functools
import inspect
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.core.fitting import Job
from neuroloom.core.samples import take
from neuroloom.core.seeding import derive
from neuroloom.runner.blackbox import FITTING, PREDICTING, PREPARING, SCORING, BlackBox
from neuroloom.runner.imports import ImportMeter
from neuroloom.runner.measure import Housekeeping, Memory, Stopwatch
from neuroloom.runner.outcome import (
    FRONT_POINTS,
    FRONT_POLICIES,
    attention_of,
    beliefs_of,
    beside_of,
    confusion_of,
    curve_of,
    describe_error,
    one_line,
    parameters_of,
    plain,
    row_of,
    settings_of,
    trace_of,
)
from neuroloom.runner.row import Row
from neuroloom.runner.shared import read
from neuroloom.runner.surroundings import Surroundings, isolated
from neuroloom.runner.trial import Trial
from neuroloom.runner.workbench import DEFAULT, Workbench, load
from neuroloom.tasks.task import Data, Split, Task

_DATA_KEPT = 3  # data sets a process holds on to
_SPLITS_KEPT = 256


@dataclass
class Prepared:
    """A trial that is ready to be fitted."""

    trial: Trial
    data: Data
    split: Split
    estimator: Any
    X_train: Any
    y_train: Any
    eval_set: tuple[Any, Any] | None


class Executor:
    """Runs trials one after the other and keeps what they share: data sets and splits.

    Args:
        workbench: how tasks are opened, methods built and predictions scored.
        data_dir: the data folder, or None.
        keep_predictions: whether rows carry the answers for every test sample.
        box: where a worker notes how far it is; None in a process of the user's.
        own_process: whether this process is ours alone, as a worker is: then memory is handed back after big trials
            and the global random generators need no restoring.
        searches: folder in which searches for parameters are kept while they go on, or None.

    Attributes:
        shared: of the trials to come, the file with the data of each seed (:mod:`neuroloom.runner.shared`); data of
            seeds that are not in it are loaded.
    """

    def __init__(
        self,
        workbench: Workbench | str = DEFAULT,
        data_dir: str | None = None,
        keep_predictions: bool = False,
        box: BlackBox | None = None,
        own_process: bool = False,
        searches: str | None = None,
    ) -> None:
        self._searches = None if searches is None else Path(searches)
        self._workbench = load(workbench) if isinstance(workbench, str) else workbench
        self._data_dir = data_dir
        self._keep_predictions = keep_predictions
        self._box = box
        self._own = own_process
        self._memory = Memory()
        self._surroundings_before = Surroundings(keep_random=not own_process)
        self._housekeeping = Housekeeping() if own_process else None
        self._tasks: OrderedDict[Hashable, Task] = OrderedDict()
        self._data: OrderedDict[Hashable, Data] = OrderedDict()
        self._splits: OrderedDict[Hashable, tuple[Split, str]] = OrderedDict()
        self._mapped: OrderedDict[Hashable, tuple[Task, Data]] = OrderedDict()
        self.shared: Mapping[int, str] = {}
        self._takes_eval_set: dict[type, bool] = {}
        self._wanted: dict[tuple[str, ...], bool] = {}
        self._warm: set[tuple[str, str, str]] = set()
        self._imports = ImportMeter(lambda: 0.0, lambda _: None)
        self._before = 0.0, 0.0
        self._began = False
        self._peak_mb = 0.0
        self._before = 0.0, 0.0
        self._prepare_seconds = self._imported_seconds = self._modules_mb = 0.0

    def held_mb(self) -> float:
        """Return the resident memory of this process less that of modules imported in the trials so far, in MB."""
        return self._memory.resident.mb() - self._modules_mb

    def cold_seconds(self) -> float:
        """Return what preparing and importing took in the last unit."""
        return self._prepare_seconds + self._imported_seconds

    def close(self) -> None:
        """Let go of the files behind the memory meter."""
        self._memory.close()

    # -- one trial ----------------------------------------------------------------------------------------------

    def run_trial(self, trial: Trial) -> Row:
        """Run a trial and return its row; whatever it raises is in the row.

        ``KeyboardInterrupt`` passes through, except in a worker, where it can only come from the method itself.
        """
        row = row_of(trial, "done")
        if trial.skip is not None:
            row.status, row.reason = "skipped", trial.skip
            return row
        row.started = time.time()
        try:
            with self._surroundings([trial]) as warned:
                self._run(trial, row)
                if not trial.batch:  # a batch's warnings belong to no member, and its rows equal single ones
                    row.notes += warned
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and not self._own:
                raise
            describe_error(row, error)
            if self._began:
                row.peak_memory_mb = self._peak_mb = self._memory.peak_mb()
        finally:
            self._after()
        return row

    def _run(self, trial: Trial, row: Row) -> None:
        ready = self._prepare(trial, row)
        fit = self._fit_call(ready)
        self._begin(trial)
        with self._workbench.searching(trial, self._searches), Stopwatch(self._imports) as watch:
            fit()
        row.fit_seconds, row.fit_cpu_seconds = watch.seconds, watch.cpu
        self._finish(ready, row)
        row.peak_memory_mb = self._peak_mb = self._memory.peak_mb()
        if trial.confidence is not None:  # after all that is measured: it fits once more
            self._cover(ready, row, trial.confidence)
        if trial.explain:
            self._explain(ready, row)

    def _fit_call(self, ready: Prepared) -> Callable[[], Any]:
        """Return the call that fits, made ready so that nothing but fitting is timed."""
        given = {} if ready.eval_set is None else {"eval_set": ready.eval_set}
        estimator, X, y = ready.estimator, ready.X_train, ready.y_train
        if y is None or ready.trial.problem == "detection":  # a detector learns from samples alone
            return lambda: estimator.fit(X, **given)
        return lambda: estimator.fit(X, y, **given)

    # -- a batch ------------------------------------------------------------------------------------------------

    def run_batch(self, trials: Sequence[Trial]) -> list[Row]:
        """Fit trials of one task together and return their rows; each carries its share of the time of the fit.

        Raises:
            NotSupportedError: their estimators are not of one class with ``fit_many``.
            Exception: whatever fitting or predicting raised; run the trials one by one then.
        """
        rows = [row_of(trial, "done") for trial in trials]
        started = time.time()
        for row in rows:
            row.started = started
        try:
            with self._surroundings(trials):
                self._run_batch(trials, rows)
        finally:
            self._after()
        return rows

    def _run_batch(self, trials: Sequence[Trial], rows: Sequence[Row]) -> None:
        ready = [self._prepare(trial, row) for trial, row in zip(trials, rows, strict=True)]
        classes = {type(r.estimator) for r in ready}
        fit_many = getattr(ready[0].estimator, "fit_many", None)
        if len(classes) > 1 or fit_many is None:
            names = ", ".join(sorted(cls.__name__ for cls in classes))
            raise NotSupportedError(
                f"a batch needs estimators of one class with `fit_many`, but got {names}."
            )
        jobs = [Job(r.estimator, r.X_train, r.y_train, r.eval_set) for r in ready]
        self._begin(trials[0])
        with Stopwatch(self._imports) as watch:
            fitted = fit_many(jobs)
        if len(fitted) != len(jobs):
            raise ValueError(f"fit_many must return {len(jobs)} estimators, but returned {len(fitted)}.")
        for r, row, estimator in zip(ready, rows, fitted, strict=True):
            r.estimator = estimator
            row.fit_seconds, row.fit_cpu_seconds = watch.seconds / len(jobs), watch.cpu / len(jobs)
            row.batched = len(jobs)
            self._finish(r, row)
        self._peak_mb = self._memory.peak_mb()
        for row in rows:
            row.peak_memory_mb = self._peak_mb

    # -- steps --------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _surroundings(self, trials: Sequence[Trial]) -> Iterator[list[str]]:
        if self._box is not None:
            self._box.begin(PREPARING, self._memory.resident.mb())
        if self._housekeeping is not None:
            self._housekeeping.before()
        self._began = False
        self._peak_mb = 0.0
        self._before = 0.0, 0.0
        self._prepare_seconds = self._imported_seconds = 0.0
        if not self._own:
            self._surroundings_before = Surroundings(keep_random=True)
        before, seed = self._surroundings_before, method_seed(trials[0])
        with isolated(before, seed, self._memory.resident.mb, self._note_imports) as (self._imports, warned):
            try:
                yield warned
            finally:
                self._modules_mb += self._imports.mb
                self._imported_seconds = self._imports.seconds - self._before[0]

    def _prepare(self, trial: Trial, row: Row) -> Prepared:
        began = time.perf_counter()
        data, split, row.split = self._open(trial)
        X, y = data.X, data.y
        X_train = take(X, split.train)
        estimator, notes = self._workbench.build(
            trial.expression, trial.kind, trial.problem, trial.params, X_train, method_seed(trial)
        )
        self._warm_up(trial)
        eval_set = None
        if split.valid is not None and y is not None and self._accepts_eval_set(estimator):
            eval_set = take(X, split.valid), y[split.valid]
        row.n_train, row.n_test = len(split.train), len(split.test)
        row.notes = [*data.notes, *notes]
        row.settings = settings_of(estimator)
        self._prepare_seconds += time.perf_counter() - began
        return Prepared(
            trial, data, split, estimator, X_train, None if y is None else y[split.train], eval_set
        )

    def _warm_up(self, trial: Trial) -> None:
        """Have kernels compiled before the clock runs, once for each method in this process."""
        which = trial.expression, trial.kind, trial.problem
        if which not in self._warm:
            self._workbench.warm_up(*which)
            self._warm.add(which)

    def _open(self, trial: Trial) -> tuple[Data, Split, str]:
        name = repr(trial.task), trial.task_version, trial.data
        task, data = self._mapping(trial) or self._loading(trial, name)
        which = (*name, trial.seed if task.drawn else None)

        def divide() -> tuple[Split, str]:
            split = task.split(data, trial.seed, trial.fold, trial.folds)
            return split, split.fingerprint()

        place = *which, trial.seed, trial.fold, trial.folds
        split, fingerprint = _kept(self._splits, place, _SPLITS_KEPT, divide)
        return data, split, fingerprint

    def _mapping(self, trial: Trial) -> tuple[Task, Data] | None:
        """Return a task and its data from the file that all workers of this machine map, if there is one."""
        if trial.seed not in self.shared:
            return None
        path = self.shared[trial.seed]
        try:
            found: tuple[Task, Data] = _kept(self._mapped, path, _DATA_KEPT, lambda: read(path))
        except OSError:  # removed by hand
            return None
        return found

    def _loading(self, trial: Trial, name: Hashable) -> tuple[Task, Data]:
        task = _kept(self._tasks, name, 64, lambda: self._workbench.open_task(trial.task, self._data_dir))
        which = (name, trial.seed if task.drawn else None)
        return task, _kept(self._data, which, _DATA_KEPT, lambda: load_data(task, trial))

    def _accepts_eval_set(self, estimator: Any) -> bool:
        steps = getattr(estimator, "steps", None)
        last = steps[-1][1] if isinstance(steps, list) and steps else estimator
        return all(self._has_eval_set(part) for part in (estimator, last))

    def _has_eval_set(self, estimator: Any) -> bool:
        cls = type(estimator)
        if cls not in self._takes_eval_set:
            self._takes_eval_set[cls] = "eval_set" in inspect.signature(estimator.fit).parameters
        return self._takes_eval_set[cls]

    def _begin(self, trial: Trial) -> None:
        """From here on time and memory are the trial's own."""
        if self._housekeeping is not None:
            self._housekeeping.settle()
        base = self._memory.begin()
        self._before = self._imports.seconds, self._imports.mb
        self._began = True
        if self._box is not None:
            self._box.begin(FITTING, base)
        if self._housekeeping is not None:
            self._housekeeping.set_ceiling(self._memory.resident, trial.memory_mb)

    def _note_imports(self, imports: ImportMeter) -> None:
        if self._began:
            (self._memory.pause if imports.active else self._memory.resume)()
        if self._box is not None:
            self._box.imports(imports.active, imports.seconds - self._before[0], imports.mb - self._before[1])

    def _finish(self, ready: Prepared, row: Row) -> None:
        """Predict the test part and score it."""
        trial, estimator, rows = ready.trial, ready.estimator, ready.split.test
        X_test = take(ready.data.X, rows)
        y_test = None if ready.data.y is None else ready.data.y[rows]
        self._enter(PREDICTING)
        with Stopwatch(self._imports) as watch:
            if trial.problem == "control":
                prediction = self._workbench.rollout(estimator, X_test)
            else:
                prediction = estimator.predict(X_test)
        if trial.problem == "detection":
            prediction = (np.asarray(prediction) < 0).astype(np.int64)
        row.predict_seconds, row.predict_cpu_seconds = watch.seconds, watch.cpu
        given = self._beliefs(trial, estimator, X_test)
        rivals = ready.split.rivals
        if rivals is not None and any(self._workbench.needs(m) == "ranks" for m in trial.metrics):
            given["ranks"] = self._workbench.ranks(estimator, X_test, rivals)
        self._enter(SCORING)
        known = self._known(ready, bool(given))
        row.scores = self._workbench.evaluate(trial.metrics, y_test, prediction, **known, **given)
        if trial.problem == "classification" and "probability" in given and y_test is not None:
            row.beliefs = beliefs_of(rows, y_test, given["probability"], known["classes"])
            if row.beliefs is not None:
                row.scores.setdefault("brier", float(row.beliefs["square"].mean(dtype=np.float64)))
        row.parameters = parameters_of(estimator)
        if hasattr(estimator, "best_params_"):  # what a search chose belongs to the settings
            row.settings["best_params"] = plain(estimator.best_params_)
        row.curve = curve_of(estimator)
        most = FRONT_POLICIES if trial.problem == "control" else FRONT_POINTS
        row.front = beside_of(estimator, X_test, lambda e, X: self._main_score(ready, e, X, y_test), most)
        if trial.problem == "classification" and trial.seed == 0 and y_test is not None:
            confused = confusion_of(y_test, prediction)
            row.front |= {"confusion": confused} if confused else {}
        moments = ready.data.extra.get("moments")  # of windows of one series, in order of time
        if trial.seed == trial.fold == 0 and moments is not None and "score" in given:
            row.front |= trace_of(X_test, y_test, given["score"], np.asarray(moments)[rows])
        if trial.seed == trial.fold == 0 and trial.problem != "control":
            try:
                row.front |= attention_of(estimator, X_test)
            except Exception as error:  # the answers themselves are there
                row.notes.append(f"what {trial.label} attends to cannot be told: {one_line(error)}")
        if self._keep_predictions:
            row.predictions = {"test": rows, "y": y_test, "prediction": np.asarray(prediction), **given}

    def _cover(self, ready: Prepared, row: Row, confidence: float) -> None:
        """Report how conformal intervals or sets of the method do, or note why it has none."""
        from neuroloom.tasks.metrics import COVERAGE

        trial, rows = ready.trial, ready.split.test
        if trial.problem == "classification" and not hasattr(ready.estimator, "predict_proba"):
            corrected = f"{trial.expression}+temperature"
            row.notes.append(
                f"{trial.label} has no sets of classes, since it gives no probabilities; {corrected} gives some"
            )
            return
        X, y, X_test = ready.X_train, ready.y_train, take(ready.data.X, rows)
        seed = derive(method_seed(trial), "confidence")
        try:
            given = self._workbench.cover(ready.estimator, trial.problem, confidence, X, y, X_test, seed)
        except Exception as error:  # the answers themselves are there, so the trial is done
            what = "intervals" if trial.problem == "regression" else "sets of classes"
            row.notes.append(f"{trial.label} has no {what}: {one_line(error)}")
            return
        names, y_test = COVERAGE[trial.problem], np.asarray(ready.data.y)[rows]
        row.scores |= self._workbench.evaluate(names, y_test, None, confidence=confidence, **given)

    def _explain(self, ready: Prepared, row: Row) -> None:
        """Report how far the score falls when a part of the samples is shuffled, or note why that cannot be told."""
        trial, rows = ready.trial, ready.split.test
        X_test, y_test = take(ready.data.X, rows), np.asarray(ready.data.y)[rows]

        def score(estimator: Any, X: Any, y: Any) -> float:
            return self._main_score(ready, estimator, X, y)

        seed = derive(method_seed(trial), "explain")
        try:
            row.importance = self._workbench.importance(
                ready.estimator, X_test, y_test, trial.metrics[0], score, seed
            )
        except Exception as error:
            row.notes.append(f"what {trial.label} rests on cannot be told: {one_line(error)}")

    def _known(self, ready: Prepared, classes: bool) -> dict[str, Any]:
        """Return what metrics are told besides the answers; the classes where beliefs in them are scored."""
        found: dict[str, Any] = {
            "classes": getattr(ready.estimator, "classes_", None) if classes else None,
            "y_train": ready.y_train,
        }
        if ready.trial.problem == "forecast":
            found["scale"] = ready.X_train.naive_error(ready.y_train)
        if ready.trial.problem == "detection" and ready.trial.kind == "series":
            found["buffer"] = int(ready.X_train.shape[-1])
        return found

    def _main_score(self, ready: Prepared, estimator: Any, X: Any, y: Any) -> float:
        """Return the main metric of an estimator's answers for some samples."""
        main = ready.trial.metrics[:1]
        if ready.trial.problem == "control":
            return self._workbench.evaluate(main, y, self._workbench.rollout(estimator, X))[main[0]]
        given = self._beliefs(ready.trial, estimator, X)
        known = self._known(ready, bool(given))
        return self._workbench.evaluate(main, y, estimator.predict(X), **known, **given)[main[0]]

    def _beliefs(self, trial: Trial, estimator: Any, X: Any) -> dict[str, Any]:
        """Return probabilities or, where there are none, decision values, if a metric looks at them; or quantiles."""
        if trial.metrics not in self._wanted:
            self._wanted[trial.metrics] = any(self._workbench.needs(m) != "prediction" for m in trial.metrics)
        if not self._wanted[trial.metrics]:
            return {}
        if trial.problem == "forecast":
            quantiles = getattr(estimator, "predict_quantiles", None)
            return {} if quantiles is None else {"quantiles": quantiles(X)}
        if (
            trial.problem == "detection"
        ):  # label 1 is an outlier here, and scikit-learn's detectors score those low
            return {"score": -np.asarray(estimator.decision_function(X))}
        if hasattr(estimator, "predict_proba"):
            return {"probability": estimator.predict_proba(X)}
        if hasattr(estimator, "decision_function"):
            return {"score": estimator.decision_function(X)}
        return {}

    def _enter(self, phase: int) -> None:
        if self._box is not None:
            self._box.enter(phase)

    def _after(self) -> None:
        if self._housekeeping is not None:
            self._housekeeping.after(self._peak_mb)
        self._memory.stop()


def method_seed(trial: Trial) -> int:
    """Return the seed that a trial's method draws from."""
    return _seed(trial.seed, trial.task_name, trial.label, trial.fold)


@functools.lru_cache(maxsize=1024)
def _seed(seed: int, task: str, label: str, fold: int) -> int:
    return derive(seed, "method", task, label, fold)


def run_trial(
    trial: Trial, data_dir: str | None = None, keep_predictions: bool = False, workbench: str = DEFAULT
) -> Row:
    """Run one trial in this process, without limits, and return its row."""
    executor = Executor(workbench, data_dir, keep_predictions)
    try:
        return executor.run_trial(trial)
    finally:
        executor.close()


def run_batch(
    trials: Sequence[Trial],
    data_dir: str | None = None,
    keep_predictions: bool = False,
    workbench: str = DEFAULT,
) -> list[Row]:
    """Fit trials of one task together in this process and return their rows."""
    executor = Executor(workbench, data_dir, keep_predictions)
    try:
        return executor.run_batch(trials)
    finally:
        executor.close()


def _kept(store: OrderedDict[Hashable, Any], key: Hashable, most: int, make: Callable[[], Any]) -> Any:
    """Return ``store[key]``, made if need be; the least recently used leave first."""
    if key in store:
        store.move_to_end(key)
        return store[key]
    while len(store) >= most:
        store.popitem(last=False)
    store[key] = made = make()
    return made


def load_data(task: Task, trial: Trial) -> Data:
    """Return a trial's data, which must be those that it was planned with.

    Raises:
        InputError: the files have changed since.
    """
    data = _locked(task.load(trial.seed))
    if task.fingerprint() != trial.data:  # asked afterwards, so that a change amid reading is noticed too
        raise InputError(
            f"the data of {trial.task_name} have changed since the run began; run it again to learn from them as they "
            "are now."
        )
    return data


def _locked(data: Data) -> Data:
    """Make the arrays of a data set read-only: every trial of the process uses the same."""
    for array in (data.X, data.y):
        if isinstance(array, np.ndarray) and array.flags.owndata:
            array.flags.writeable = False
    return data
