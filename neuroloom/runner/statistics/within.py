"""Comparison within one task: means with intervals, paired differences, and the winner with its tied group.

Family and error: all pairs of methods are tested by the corrected resampled t-test (``corrected_t.py``) and adjusted
together by Holm, so the chance that *any* two equal methods are told apart is ``alpha`` at most. The winner is the method
with the best mean, chosen from the same data; since every pair is in the family, comparing the others with it needs no
further correction for that choice.
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
        ends = {"low": -self.high, "high": -self.low, "joint_low": -self.joint_high, "joint_high": -self.joint_low}
        return replace(self, a=self.b, b=self.a, mean=-self.mean, **ends)


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
