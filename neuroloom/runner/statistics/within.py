"""Comparison within one task: means with intervals, ranks, paired differences and the winner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuroloom.core.errors import unknown
from neuroloom.runner.results import MEASURED, Results
from neuroloom.runner.statistics.corrected_t import CorrectedT
from neuroloom.runner.statistics.differences import Difference, paired_table
from neuroloom.runner.statistics.ranks import average_ranks, rounded
from neuroloom.runner.statistics.scores import FAILED, Failures, TaskScores, Unit, task_scores
from neuroloom.runner.statistics.winner import Winner, find_winner

Floats = NDArray[np.float64]
SEEDS_NOTE = (
    "One published split: the repetitions vary the methods' seeds only, so intervals and tests are over seeds and say "
    "nothing about other splits of the data."
)

DRAWS_NOTE = (
    "Each repetition draws its data anew: intervals and tests are over draws of data and methods' seeds."
)


@dataclass(frozen=True, eq=False)
class TaskStatistics:
    """All comparisons within one task.

    Args:
        scores: the scores behind them.
        failures: the failure policy.
        alpha: level of the tests; intervals have ``1 - alpha``.
        over: what intervals are over: ``"splits"``, ``"draws"`` or ``"seeds"``.
        methods: one row a method, best mean first: ``method, mean, low, high, sd, trials, done, failed, rank`` (mean
            rank over the splits that all methods with a score have), ``tied`` (with the winner, itself included),
            medians over finished trials of ``fit_seconds, predict_seconds, fit_cpu_seconds, predict_cpu_seconds,
            peak_memory_mb, parameters``, and ``note``.
        pairs: one row a pair, fields as in :class:`Difference`; ``a`` has the better mean.
        winner: None when no trial was done.
        notes: remarks to print.
    """

    scores: TaskScores
    failures: Failures
    alpha: float
    over: Unit
    methods: pd.DataFrame
    pairs: pd.DataFrame
    winner: Winner | None
    notes: tuple[str, ...]

    @property
    def task(self) -> str:
        """The task's name."""
        return self.scores.task

    @property
    def metric(self) -> str:
        """The task's main metric."""
        return self.scores.metric

    def between(self, a: str, b: str) -> Difference:
        """Return the difference of two of the task's methods, seen from ``a``.

        Raises:
            InputError: one of them has no score on the task.
        """
        for row in self.pairs.itertuples(index=False):
            if {row.a, row.b} == {a, b}:
                found = Difference(**row._asdict())
                return found if found.a == a else found.turned()
        known = list(self.methods["method"])
        raise unknown(f"method of task {self.task!r}", b if a in known else a, known)


def within_task(
    results: Results, task: str, failures: Failures = "worst", *, alpha: float = 0.05
) -> TaskStatistics:
    """Compare the methods on one task.

    Args:
        results: the run.
        task: one of its tasks.
        failures: policy for failed trials, see :func:`task_scores`.
        alpha: level of the tests.

    Raises:
        InputError: the task is not in the results.
    """
    scores = task_scores(results, task, failures)
    methods = _methods(results.main_of(task), scores, alpha)
    order = [scores.methods.index(name) for name in methods["method"] if _finished(scores, name)]
    pairs = paired_table(scores, order, alpha)
    winner, tied = None, set[str]()
    if order:
        winner = find_winner(scores, methods, pairs)
        tied = {winner.method, *winner.tied}
    methods["tied"] = methods["method"].isin(tied)
    return TaskStatistics(
        scores=scores,
        failures=failures,
        alpha=alpha,
        over=scores.unit,
        methods=methods,
        pairs=pairs,
        winner=winner,
        notes=_notes(scores, pairs),
    )


def _finished(scores: TaskScores, method: str) -> bool:
    """Whether the method finished a trial: one that only failed cannot win, nor be compared."""
    column = scores.methods.index(method)
    return bool((~np.isnan(scores.values[:, column]) & ~scores.filled[:, column]).any())


def _methods(rows: pd.DataFrame, scores: TaskScores, alpha: float) -> pd.DataFrame:
    """Return the table of methods, best mean first; those without a finished trial last."""
    done = rows[rows["status"] == "done"]
    costs = done.astype({"parameters": "float64"}).groupby("method")[[*MEASURED, "parameters"]].median()
    test = scores.describe()
    low, high = test.interval(1 - alpha)
    low, high = np.clip(low, *scores.bounds), np.clip(high, *scores.bounds)
    names = pd.Index(scores.methods)
    counts = pd.DataFrame(
        {
            "trials": rows["method"].value_counts(),
            "done": done["method"].value_counts(),
            "failed": rows["method"][rows["status"].isin(FAILED)].value_counts(),
            "undefined": done["method"][done["value"].isna()].value_counts(),
        }
    )
    counts = counts.reindex(names).fillna(0).astype(int).reset_index(drop=True)
    table = pd.DataFrame({"method": names, "mean": test.mean, "low": low, "high": high, "sd": test.sd})
    table = table.join(counts[["trials", "done", "failed"]]).assign(rank=_ranks(scores), tied=False)
    table = table.join(costs.reindex(names).reset_index(drop=True))
    table["note"] = [_note(scores, test, j, counts.loc[j]) for j in range(len(table))]
    alive = np.array([_finished(scores, name) for name in scores.methods], dtype=bool)
    key = np.where(alive, -scores.sign * rounded(test.mean), np.inf)
    return table.iloc[np.lexsort((names, key))].reset_index(drop=True)


def _ranks(scores: TaskScores) -> Floats:
    """Return each method's rank, averaged over the cells that all methods with a score have, else over its own."""
    some = ~np.isnan(scores.values).all(axis=0)
    whole = ~np.isnan(scores.values[:, some]).any(axis=1)
    ranks = average_ranks(scores.gains[whole] if whole.any() else scores.gains)
    there = ~np.isnan(ranks)
    total, count = np.where(there, ranks, 0.0).sum(axis=0), there.sum(axis=0)
    result: Floats = np.divide(total, count, out=np.full(ranks.shape[1], np.nan), where=count > 0)
    return result


def _note(scores: TaskScores, test: CorrectedT, column: int, counts: pd.Series) -> str:
    """Return what a reader should know of one method's row."""
    n, filled = int(test.n[column]), int(scores.filled[:, column].sum())
    notes = []
    if not counts["done"]:
        notes.append("no trial was done")
    elif filled:
        notes.append(f"{filled} of {counts['trials']} trials failed, each counted as the worst score")
    if counts["undefined"]:
        notes.append(f"{scores.metric} is undefined on {counts['undefined']} of its {scores.unit}")
    if n == 1:
        notes.append(f"one {scores.unit[:-1]} only, so no interval")
    elif n > 1 and test.sd[column] == 0 and counts["done"]:
        notes.append(f"the same score on all {n} {scores.unit}")
    elif n > 1 and np.isnan(test.error[column]):
        notes.append("sizes of the training and test parts are unknown, so no interval")
    return "; ".join(notes)


def _notes(scores: TaskScores, pairs: pd.DataFrame) -> tuple[str, ...]:
    """Return the remarks on a task's comparison."""
    notes = []
    if scores.unit == "seeds":
        notes.append(SEEDS_NOTE)
    if scores.unit == "draws":
        notes.append(DRAWS_NOTE)
    why = [text for text in dict.fromkeys(pairs["why"]) if text]
    if why:
        count = int((pairs["why"] != "").sum())
        notes.append(
            f"{count} of {len(pairs)} pairs have no p-value: {'; '.join(why)}. They count as not told apart."
        )
    missing = int(np.isnan(scores.values).sum())
    if missing and scores.values.size:
        notes.append(
            f"{missing} of {scores.values.size} trials have no score; differences are over the {scores.unit} that "
            "both methods have."
        )
    return tuple(notes)
