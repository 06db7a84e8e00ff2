"""Comparison within one task: means with intervals, paired differences, and the winner with its tied group.

Family and error: all pairs of methods are tested by the corrected resampled t-test (``corrected_t.py``) and adjusted
together by Holm, so the chance that *any* two equal methods are told apart is ``alpha`` at most. The winner is the
method with the best mean, chosen from the same data; since every pair is in the family, comparing the others with it
needs no further correction for that choice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuroloom.core.errors import unknown
from neuroloom.runner.results import MEASURED, Results
from neuroloom.runner.statistics.corrected_t import CorrectedT
from neuroloom.runner.statistics.holm import holm_adjust
from neuroloom.runner.statistics.ranks import average_ranks, rounded
from neuroloom.runner.statistics.scores import FAILED, Failures, TaskScores, task_scores

Floats = NDArray[np.float64]
SEEDS_NOTE = (
    "One published split: the repetitions vary the methods' seeds only, so intervals and tests are over seeds and say "
    "nothing about other splits of the data."
)


@dataclass(frozen=True)
class Difference:
    """How much better ``a`` is than ``b`` on a task.

    Args:
        a: a method.
        b: another.
        n: splits (or seeds) that both have.
        mean: mean difference, turned so that above 0 ``a`` is better, whichever way the metric points.
        low, high: its 95 % interval on its own.
        joint_low, joint_high: interval such that those of all pairs of the task hold together (Bonferroni); use it for
            methods that were picked for their scores.
        p: p-value of the corrected t-test, NaN where ``why`` says that there is none.
        p_holm: adjusted by Holm over all pairs of the task.
        apart: whether ``p_holm`` is at or below ``alpha``.
        why: why there is no p-value, else empty.
    """

    a: str
    b: str
    n: int
    mean: float
    low: float
    high: float
    joint_low: float
    joint_high: float
    p: float
    p_holm: float
    apart: bool
    why: str = ""

    def turned(self) -> Difference:
        """Return the same seen from ``b``."""
        return replace(
            self,
            a=self.b,
            b=self.a,
            mean=-self.mean,
            low=-self.high,
            high=-self.low,
            joint_low=-self.joint_high,
            joint_high=-self.joint_low,
        )


@dataclass(frozen=True)
class Winner:
    """The method with the best mean on a task.

    Args:
        method: its label.
        mean, low, high: its mean score and interval.
        tied: methods that were not told apart from it, best first, without itself.
        second: the method with the next best mean, None when there is no other.
        margin: its difference from ``second``.
        next_outside: the best method that *was* told apart from it, None when there is none.
        outside_margin: its difference from that one.
        fit_seconds: its median wall-clock seconds for a fit, NaN if unknown.
        predict_seconds: likewise for predicting the test part.
        sentence: all this in words.
    """

    method: str
    mean: float
    low: float
    high: float
    tied: tuple[str, ...]
    second: str | None
    margin: Difference | None
    next_outside: str | None
    outside_margin: Difference | None
    fit_seconds: float
    predict_seconds: float
    sentence: str


@dataclass(frozen=True, eq=False)
class TaskStatistics:
    """All comparisons within one task.

    Args:
        scores: the scores behind them.
        failures: the failure policy.
        alpha: level of the tests; intervals have ``1 - alpha``.
        over: what intervals are over: ``"splits"`` or ``"seeds"``.
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
    over: Literal["splits", "seeds"]
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
    methods = _methods(results, scores, alpha)
    order = [scores.methods.index(name) for name in methods["method"] if _has_score(scores, name)]
    pairs = _pairs(scores, order, alpha)
    winner, tied = None, set[str]()
    if order:
        winner = _winner(scores, methods, pairs, results)
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


def _has_score(scores: TaskScores, method: str) -> bool:
    """Whether the method finished a trial: one that only failed cannot win, nor be compared."""
    column = scores.methods.index(method)
    return bool((~np.isnan(scores.values[:, column]) & ~scores.filled[:, column]).any())


def _methods(results: Results, scores: TaskScores, alpha: float) -> pd.DataFrame:
    """Return the table of methods, best mean first; those without a finished trial last."""
    rows = results.main()
    rows = rows[(rows["task"] == scores.task) & (rows["status"] != "skipped")]
    done = rows[rows["status"] == "done"]
    costs = done.astype({"parameters": "float64"}).groupby("method")[[*MEASURED, "parameters"]].median()
    by_method = rows.groupby("method")["status"]
    test = scores.test(scores.values, np.nanmax(np.abs(scores.values), axis=0, initial=0.0))
    low, high = test.interval(1 - alpha)
    table = pd.DataFrame(
        {"method": scores.methods, "mean": test.mean, "low": low, "high": high, "sd": test.sd}
    )
    table[["low", "high"]] = table[["low", "high"]].clip(*scores.bounds)
    table["trials"] = table["method"].map(by_method.size()).astype(int)
    table["done"] = table["method"].map(by_method.agg(lambda s: (s == "done").sum())).astype(int)
    table["failed"] = table["method"].map(by_method.agg(lambda s: s.isin(FAILED).sum())).astype(int)
    table["rank"] = _ranks(scores)
    table["tied"] = False
    table = table.join(costs.reindex(table["method"]).reset_index(drop=True))
    table["note"] = [_note(scores, j, test, rows) for j in range(len(table))]
    alive = np.array([_has_score(scores, name) for name in scores.methods], dtype=bool)
    key = np.where(alive, -scores.sign * rounded(table["mean"].to_numpy(dtype=np.float64)), np.inf)
    return table.iloc[np.lexsort((table["method"], key))].reset_index(drop=True)


def _ranks(scores: TaskScores) -> Floats:
    """Return each method's rank, averaged over the cells that all methods with a score have, else over its own."""
    some = ~np.isnan(scores.values).all(axis=0)
    whole = ~np.isnan(scores.values[:, some]).any(axis=1)
    ranks = average_ranks(scores.gains[whole] if whole.any() else scores.gains)
    there = ~np.isnan(ranks)
    total, count = np.where(there, ranks, 0.0).sum(axis=0), there.sum(axis=0)
    result: Floats = np.divide(total, count, out=np.full(ranks.shape[1], np.nan), where=count > 0)
    return result


def _note(scores: TaskScores, column: int, test: CorrectedT, rows: pd.DataFrame) -> str:
    """Return what a reader should know of one method's row."""
    name, n, filled = scores.methods[column], int(test.n[column]), int(scores.filled[:, column].sum())
    own = rows[(rows["method"] == name) & (rows["status"] == "done")]
    notes = []
    if not len(own):
        notes.append("no trial was done")
    elif filled:
        notes.append(
            f"{filled} failed of {len(rows[rows['method'] == name])}, each counted as the worst score"
        )
    undefined = int(own["value"].isna().sum())
    if undefined:
        notes.append(f"{scores.metric} is undefined on {undefined} of its {scores.unit}")
    if n == 1:
        notes.append(f"one {scores.unit[:-1]} only, so no interval")
    elif n > 1 and test.sd[column] == 0:
        notes.append(f"the same score on all {n} {scores.unit}")
    elif n > 1 and np.isnan(test.error[column]):
        notes.append("sizes of the training and test parts are unknown, so no interval")
    return "; ".join(notes)


def _pairs(scores: TaskScores, order: Sequence[int], alpha: float) -> pd.DataFrame:
    """Return one row a pair of the columns ``order`` (best first), tested and adjusted together."""
    fields = list(Difference.__dataclass_fields__)
    couples = [(i, j) for place, i in enumerate(order) for j in order[place + 1 :]]
    if not couples:
        return pd.DataFrame(columns=fields)
    left, right = (np.array(side) for side in zip(*couples, strict=True))
    gains = scores.gains
    columns = gains[:, left] - gains[:, right]
    size = np.fmax(np.abs(gains[:, left]), np.abs(gains[:, right]))
    test = scores.test(columns, np.nanmax(np.where(np.isnan(columns), 0.0, size), axis=0, initial=0.0))
    low, high = test.interval(1 - alpha)
    adjusted = holm_adjust(test.p)
    joint_low, joint_high = test.interval(1 - alpha / max(1, int((~np.isnan(test.p)).sum())))
    return pd.DataFrame(
        {
            "a": [scores.methods[i] for i in left],
            "b": [scores.methods[j] for j in right],
            "n": test.n,
            "mean": test.mean,
            "low": low,
            "high": high,
            "joint_low": joint_low,
            "joint_high": joint_high,
            "p": test.p,
            "p_holm": adjusted,
            "apart": adjusted <= alpha,
            "why": [_why(scores, test, k) for k in range(len(couples))],
        },
        columns=fields,
    )


def _why(scores: TaskScores, test: CorrectedT, k: int) -> str:
    """Return why pair ``k`` has no p-value, or an empty text."""
    if not np.isnan(test.p[k]):
        return ""
    if test.n[k] == 0:
        return f"they share none of the {scores.unit}"
    if test.n[k] == 1:
        one = "split" if scores.unit == "splits" else "seed"
        return f"one {one} in common: at least two are needed to see how much differences vary"
    if test.sd[k] == 0:
        return f"the same difference on all {test.n[k]} {scores.unit}, so there is no variance to test it against"
    return "sizes of the training and test parts are unknown, so the variance cannot be corrected"


def _winner(scores: TaskScores, methods: pd.DataFrame, pairs: pd.DataFrame, results: Results) -> Winner:
    """Return the best method with what can be said of its lead."""
    best = methods.iloc[0]
    name = str(best["method"])
    against = [Difference(**row._asdict()) for row in pairs.itertuples(index=False) if row.a == name]
    outside = next((d for d in against if d.apart), None)
    winner = Winner(
        method=name,
        mean=float(best["mean"]),
        low=float(best["low"]),
        high=float(best["high"]),
        tied=tuple(d.b for d in against if not d.apart),
        second=against[0].b if against else None,
        margin=against[0] if against else None,
        next_outside=outside.b if outside else None,
        outside_margin=outside,
        fit_seconds=float(best["fit_seconds"]),
        predict_seconds=float(best["predict_seconds"]),
        sentence="",
    )
    return replace(winner, sentence=_sentence(scores, winner))


def _sentence(scores: TaskScores, winner: Winner) -> str:
    """Return the winner, its group, margin and cost in words."""
    text = f"{winner.method} has the best mean {scores.metric} on {scores.task}: {_number(winner.mean)}"
    if not math.isnan(winner.low):
        text += f" ({_number(winner.low)} to {_number(winner.high)} over {scores.unit})"
    if winner.margin is not None:
        tied = list(winner.tied)
        if not tied:
            text += "; it was told apart from every other method"
        elif winner.outside_margin is None:
            text += "; no other method was told apart from it"
        else:
            text += f"; not told apart from it: {', '.join(tied)}"
        margin = winner.outside_margin if winner.outside_margin is not None else winner.margin
        text += f". Its lead over {margin.b} is {_number(margin.mean)}"
        if not math.isnan(margin.joint_low):
            text += f" ({_number(margin.joint_low)} to {_number(margin.joint_high)})"
    if not math.isnan(winner.fit_seconds):
        text += f". A fit takes {winner.fit_seconds:.3g} s"
    return text + "."


def _number(value: float) -> str:
    return f"{value:.3f}" if 1e-3 <= abs(value) < 1e3 or value == 0 else f"{value:.3g}"


def _notes(scores: TaskScores, pairs: pd.DataFrame) -> tuple[str, ...]:
    """Return the remarks on a task's comparison."""
    notes = []
    if scores.unit == "seeds":
        notes.append(SEEDS_NOTE)
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
