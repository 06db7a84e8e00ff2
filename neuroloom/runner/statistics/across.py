"""Comparison across tasks: the task is the unit, its mean over splits and seeds the one observation.

Friedman's test over mean ranks; for each pair Wilcoxon's signed-rank test over the tasks (the sign test where the tasks
have different metrics, since sizes of differences cannot be ranked then), adjusted together by Holm's step-down
procedure, which needs no Friedman test before it to hold its error; Nemenyi's critical difference beside it. Below six
tasks no p-value is given.

Source: J. Demšar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7, 2006; A. Benavoli,
G. Corani and F. Mangili, "Should we really use post-hoc tests based on mean-ranks?", JMLR 17, 2016; the pairwise matrix
after A. Ismail-Fawaz et al., "An approach to multiple comparison benchmark evaluations that is stable under manipulation
of the comparate set", arXiv:2305.11921, 2023.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from neuroloom.runner.results import Results
from neuroloom.runner.statistics.common_set import CommonSet
from neuroloom.runner.statistics.friedman import Friedman
from neuroloom.runner.statistics.scores import Failures

MINIMUM_TASKS = 6


@dataclass(frozen=True)
class BestOfAll:
    """The method with the best mean rank across tasks.

    Args:
        method: its label.
        mean_rank: over the common tasks.
        tied: methods that were not told apart from it (Wilcoxon, Holm), by mean rank; all others where no test is made.
        second: the next by mean rank, None when there is no other.
        difference: mean difference of scores from ``second``, above 0 being better; NaN where metrics differ.
        low, high: its interval over tasks, NaN where metrics differ or tasks are fewer than two.
        fit_seconds: its median seconds for a fit, averaged over the common tasks.
        predict_seconds: likewise for predicting.
        sentence: all this in words.
    """

    method: str
    mean_rank: float
    tied: tuple[str, ...]
    second: str | None
    difference: float
    low: float
    high: float
    fit_seconds: float
    predict_seconds: float
    sentence: str


@dataclass(frozen=True, eq=False)
class Across:
    """All comparisons across tasks.

    Args:
        common: the methods and the tasks that all of them ran on.
        failures: the failure policy.
        alpha: level of the tests.
        rope: half-width of the region of practical equivalence.
        tested: whether p-values are given: six common tasks or more and two methods.
        why: why not, else empty.
        metric: the common tasks' metric, None when they differ.
        smallest_p: the smallest p-value that this number of tasks and Holm over all pairs can reach; NaN if not tested.
        table: mean scores, a row a common task, a column a method; in the metric's own direction.
        ranks: one row a method, best first: ``method, mean_rank, low_rank, high_rank`` (range over the tasks),
            ``mean`` (score, NaN where metrics differ), ``win_percent`` (of all comparisons with another method on a
            task, ties as half), ``best_on`` (tasks on which it is best or shares that place).
        friedman: None if not tested.
        matrix: one row a pair: ``a, b, tasks, difference, low, high, wins, ties, losses, p, test, why``, over all the
            tasks that the *two* ran on, unadjusted: it does not change when a method is added.
        holm: one row a pair: ``a, b, p, p_holm, apart``, over the common tasks.
        cliques: runs of methods by rank between which Holm found no difference (bars of the diagram).
        nemenyi: critical difference of mean ranks, NaN if not tested.
        nemenyi_cliques: bars by that.
        bayes: the best method against each other: ``a, b, p_better, p_same, p_worse, why``.
        sensitivity: mean ranks with one task left out: ``left_out`` (empty: none), ``best``, then a column a method.
        winner: None when nothing was done.
        notes: remarks to print.
    """

    common: CommonSet
    failures: Failures
    alpha: float
    rope: float
    tested: bool
    why: str
    metric: str | None
    smallest_p: float
    table: pd.DataFrame
    ranks: pd.DataFrame
    friedman: Friedman | None
    matrix: pd.DataFrame
    holm: pd.DataFrame
    cliques: tuple[tuple[str, ...], ...]
    nemenyi: float
    nemenyi_cliques: tuple[tuple[str, ...], ...]
    bayes: pd.DataFrame
    sensitivity: pd.DataFrame
    winner: BestOfAll | None
    notes: tuple[str, ...]


def across_tasks(
    results: Results,
    tasks: Sequence[str] | None = None,
    failures: Failures = "worst",
    *,
    alpha: float = 0.05,
    rope: float = 0.01,
    seed: int = 0,
) -> Across:
    """Compare the methods across tasks."""
    raise NotImplementedError
