"""Scores of a task as a matrix of splits and methods, with one stated policy for trials that failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuroloom.core.checks import check_choice
from neuroloom.runner.results import Results
from neuroloom.runner.statistics.corrected_t import CorrectedT, corrected_t_test

Unit = Literal["splits", "draws", "seeds"]
Floats = NDArray[np.float64]
Failures = Literal["worst", "left out"]
FAILURES: tuple[Failures, ...] = ("worst", "left out")
FAILED = ("failed", "timeout", "memory", "killed")
POLICY = {
    "worst": "A trial that failed, was killed or passed a limit counts as the worst score that any method reached on "
    "the task.",
    "left out": "A trial that failed, was killed or passed a limit is left out; differences are taken on the splits "
    "that both methods finished.",
}


@dataclass(frozen=True, eq=False)
class TaskScores:
    """Main scores of one task.

    Args:
        task: its name.
        metric: its main metric.
        greater_is_better: the metric's direction.
        bounds: the metric's lowest and highest value.
        unit: what the rows differ in: ``"splits"`` of the data, ``"draws"`` of it anew, or ``"seeds"`` of the
            methods on one published split.
        methods: the columns: methods with a trial that was not skipped.
        cells: the rows: ``(seed, fold)``.
        values: ``(cells, methods)`` scores, NaN where there is none.
        filled: ``(cells, methods)`` whether the score stands for a failed trial.
        ratios: ``(cells,)`` ``n_test / n_train``; 0 for seeds, NaN where unknown.
        n_test: ``(cells,)`` test samples, NaN where unknown.
    """

    task: str
    metric: str
    greater_is_better: bool
    bounds: tuple[float, float]
    unit: Unit
    methods: tuple[str, ...]
    cells: tuple[tuple[int, int], ...]
    values: Floats
    filled: NDArray[np.bool_]
    ratios: Floats
    n_test: Floats

    @property
    def gains(self) -> Floats:
        """The scores turned so that greater is better."""
        return self.values if self.greater_is_better else -self.values

    @property
    def sign(self) -> float:
        """1 where greater is better, else -1."""
        return 1.0 if self.greater_is_better else -1.0

    def describe(self) -> CorrectedT:
        """Return mean, spread and corrected error of each method's score."""
        size = np.where(np.isnan(self.values), 0.0, np.abs(self.values)).max(axis=0, initial=0.0)
        return corrected_t_test(self.values, _mean_where(self.ratios, ~np.isnan(self.values)), scale=size)

    def test(self, columns: Floats, scale: Floats) -> CorrectedT:
        """Return the corrected t-test of differences on this task.

        Args:
            columns: ``(cells, K)`` differences, NaN where missing.
            scale: ``(K,)`` size of the scores behind each column.
        """
        used = ~np.isnan(columns)
        ratio = _mean_where(self.ratios, used)
        step = (self.bounds[1] - self.bounds[0]) / _mean_where(self.n_test, used)
        # Two scores in steps of 1/n differ by rounding with a standard deviation of at least step / sqrt(6).
        grain = step / np.sqrt(6.0) if np.isfinite(self.bounds).all() else np.zeros(columns.shape[1])
        return corrected_t_test(columns, ratio, scale=scale, grain=grain)


def _mean_where(row: Floats, used: NDArray[np.bool_]) -> Floats:
    """Return for each column of ``used`` the mean of ``row`` over its cells; NaN without any known."""
    known = used & ~np.isnan(row)[:, None]
    count = known.sum(axis=0)
    total = np.where(known, row[:, None], 0.0).sum(axis=0)
    result: Floats = np.divide(total, count, out=np.full(used.shape[1], np.nan), where=count > 0)
    return result


def task_scores(results: Results, task: str, failures: Failures = "worst") -> TaskScores:
    """Return the main scores of a task.

    Args:
        results: the run.
        task: one of its tasks.
        failures: ``"worst"`` puts the worst score that any method reached on the task in place of a failed trial,
            ``"left out"`` puts nothing. Skipped and missing trials have no score either way, nor has a finished trial
            whose metric is undefined on its split.

    Raises:
        InputError: the task is not in the results, or ``failures`` is neither.
    """
    check_choice("failures", failures, FAILURES)
    rows = results.main_of(task)
    metric = results.metric(task)
    methods = tuple(dict.fromkeys(rows["method"]))
    cells = tuple(sorted({(int(s), int(f)) for s, f in zip(rows["seed"], rows["fold"], strict=True)}))
    place, column = {cell: i for i, cell in enumerate(cells)}, {name: j for j, name in enumerate(methods)}
    at = [place[int(s), int(f)] for s, f in zip(rows["seed"], rows["fold"], strict=True)]
    to = [column[name] for name in rows["method"]]
    values = np.full((len(cells), len(methods)), np.nan)
    failed = np.zeros(values.shape, dtype=bool)
    done = (rows["status"] == "done").to_numpy()
    values[at, to] = np.where(done, rows["value"].to_numpy(dtype=np.float64), np.nan)
    failed[at, to] = rows["status"].isin(FAILED).to_numpy()
    reached = values[~np.isnan(values)]
    if failures == "worst" and len(reached):
        values[failed] = reached.min() if metric["greater_is_better"] else reached.max()
    unit = _unit(results, task, rows)
    sizes = rows.assign(_at=at)[["_at", "n_train", "n_test"]].astype("float64").groupby("_at").mean()
    sizes = sizes.reindex(range(len(cells)))
    return TaskScores(
        task=task,
        metric=metric["name"],
        greater_is_better=metric["greater_is_better"],
        bounds=metric["bounds"],
        unit=unit,
        methods=methods,
        cells=cells,
        values=values,
        filled=failed & ~np.isnan(values),
        ratios=_ratios(results, sizes) if unit == "splits" else np.zeros(len(cells)),
        n_test=sizes["n_test"].to_numpy(dtype=np.float64),
    )


def _unit(results: Results, task: str, rows: pd.DataFrame) -> Unit:
    """Return what repetitions of a task vary: splits, the data, or only the methods' seeds on one published split."""
    about = results.meta.get("tasks", {}).get(task, {})
    if about.get("protocol") == "published" and about.get("published_splits") is not None:
        one = int(about["published_splits"]) <= 1
        return "splits" if not one else "draws" if about.get("drawn") else "seeds"
    prints = set(rows["split"]) - {""}
    if about.get("protocol", "published") == "published" and len(prints) == 1 and set(rows["fold"]) == {0}:
        return "seeds"
    return "splits"


def _ratios(results: Results, sizes: pd.DataFrame) -> Floats:
    """Return ``n_test / n_train`` of each cell; where the rows do not tell, that of the run's number of folds."""
    folds = results.meta.get("folds")
    otherwise = 1.0 / (int(folds) - 1) if folds is not None and int(folds) > 1 else np.nan
    train, test = sizes["n_train"].to_numpy(dtype=np.float64), sizes["n_test"].to_numpy(dtype=np.float64)
    known = np.where(train > 0, test / np.where(train > 0, train, 1.0), np.nan)
    result: Floats = np.where(np.isnan(known), otherwise, known)
    return result


def coverage(results: Results, tasks: Sequence[str] | None = None) -> pd.DataFrame:
    """Return a row per task and method: ``trials`` and how many of them ended in each status, and the reasons.

    ``reasons`` joins the different reasons of trials that were not done; a pairing without any trial has ``trials`` 0.
    """
    rows = results.main()
    chosen = list(results.tasks if tasks is None else tasks)
    counts = rows.groupby(["task", "method", "status"], sort=False).size().unstack(fill_value=0)
    table = counts.reindex(
        index=pd.MultiIndex.from_product([chosen, results.methods], names=["task", "method"]),
        columns=["done", *FAILED, "skipped"],
        fill_value=0,
    ).astype(int)
    table.insert(0, "trials", table.sum(axis=1))
    bad = rows[(rows["status"] != "done") & (rows["reason"] != "")]
    reasons = bad.groupby(["task", "method"])["reason"].agg(lambda texts: " · ".join(dict.fromkeys(texts)))
    table["reasons"] = reasons.reindex(table.index).fillna("").astype(str)
    table.columns.name = None
    return table.reset_index()
