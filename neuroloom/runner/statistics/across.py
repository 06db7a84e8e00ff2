"""Comparison across tasks: the task is the unit, its mean over splits and seeds the one observation.

Friedman's test over mean ranks; for each pair Wilcoxon's signed-rank test over the tasks (the sign test where the tasks
have different metrics, since sizes of differences cannot be ranked then), adjusted together by Holm's step-down
procedure, which needs no Friedman test before it to hold its error; Nemenyi's critical difference beside it. Below six
tasks no p-value is given.

Source: J. Demšar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7, 2006; A. Benavoli,
G. Corani and F. Mangili, "Should we really use post-hoc tests based on mean-ranks?", JMLR 17, 2016 (why pairs are not
tested by mean ranks).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from neuroloom.runner.results import Results
from neuroloom.runner.statistics.bayes import bayesian_signed_rank
from neuroloom.runner.statistics.best import BestOfAll, best_of_all
from neuroloom.runner.statistics.cliques import maximal_cliques
from neuroloom.runner.statistics.common_set import CommonSet, find_common_set
from neuroloom.runner.statistics.friedman import Friedman, friedman_test, nemenyi_distance
from neuroloom.runner.statistics.holm import holm_adjust, smallest_p, tasks_needed
from neuroloom.runner.statistics.matrix import pair_p, paired_differences, pairwise_matrix
from neuroloom.runner.statistics.ranks import average_ranks
from neuroloom.runner.statistics.scores import Failures, TaskScores, task_scores
from neuroloom.runner.statistics.sensitivity import leave_one_task_out
from neuroloom.runner.statistics.task_means import finished, mean_table, turned

MINIMUM_TASKS = 6


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
        bounds: that metric's bounds, infinite when they differ.
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
    bounds: tuple[float, float]
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
    """Compare the methods across tasks.

    Args:
        results: the run.
        tasks: the tasks to compare over; None takes all.
        failures: policy for failed trials, see :func:`task_scores`.
        alpha: level of the tests.
        rope: half-width of the region of practical equivalence, in units of the metric.
        seed: of the Bayesian test's draws.
    """
    chosen = results.tasks if tasks is None else tuple(tasks)
    scores = {task: task_scores(results, task, failures) for task in chosen}
    common = _common(scores)
    table, apart_splits = mean_table(scores, common.tasks, common.methods)
    task_ranks = pd.DataFrame(
        average_ranks(turned(table, scores)), index=table.index, columns=table.columns
    ).reindex(columns=_by_rank(table, scores))
    order = tuple(task_ranks.columns)
    n, m = len(common.tasks), len(order)
    tested = n >= MINIMUM_TASKS and m >= 2
    metrics = {scores[task].metric for task in common.tasks}
    metric = metrics.pop() if len(metrics) == 1 else None
    matrix = pairwise_matrix(scores, order, MINIMUM_TASKS, alpha)
    holm = _holm(scores, common.tasks, order, metric is not None, tested, alpha)
    told = {frozenset((row.a, row.b)) for row in holm.itertuples(index=False) if row.apart}
    mean_ranks = task_ranks.mean()
    distance = nemenyi_distance(n, m, alpha) if tested else math.nan
    ranks = _rank_table(task_ranks, table, metric)
    return Across(
        common=common,
        failures=failures,
        alpha=alpha,
        rope=rope,
        tested=tested,
        why=_why(n, m),
        metric=metric,
        bounds=scores[common.tasks[0]].bounds if metric is not None else (-math.inf, math.inf),
        smallest_p=smallest_p(n, m) if tested else math.nan,
        table=table[list(order)],
        ranks=ranks,
        friedman=friedman_test(task_ranks) if tested else None,
        matrix=matrix,
        holm=holm,
        cliques=maximal_cliques(order, lambda a, b: frozenset((a, b)) in told) if tested else (),
        nemenyi=distance,
        nemenyi_cliques=(
            maximal_cliques(order, lambda a, b: bool(abs(mean_ranks[a] - mean_ranks[b]) >= distance))
            if tested
            else ()
        ),
        bayes=_bayes(scores, common.tasks, order, tested, rope, seed),
        sensitivity=leave_one_task_out(task_ranks),
        winner=best_of_all(results, scores, ranks, common.tasks, metric, tested, told, alpha),
        notes=_notes(common, order, metric, tested, alpha, apart_splits),
    )


def _common(scores: Mapping[str, TaskScores]) -> CommonSet:
    """Return the methods to rank: on six common tasks or more, or, without tests, on as many as there are."""
    names = sorted({name for task in scores.values() for name in task.methods})
    ran = {name: [task for task in scores if finished(scores[task], name)] for name in names}
    ran = {name: tasks for name, tasks in ran.items() if tasks}
    least = min(2, len(ran))
    for minimum in range(MINIMUM_TASKS, 0, -1):
        found = find_common_set(ran, minimum)
        if len(found.methods) >= least:
            return found
    return find_common_set(ran, 1)


def _by_rank(table: pd.DataFrame, scores: Mapping[str, TaskScores]) -> list[str]:
    """Return the methods by mean rank, then by name."""
    if table.empty:
        return []
    mean = average_ranks(turned(table, scores)).mean(axis=0)
    return [name for _, name in sorted(zip(np.round(mean, 9), table.columns, strict=True))]


def _rank_table(task_ranks: pd.DataFrame, table: pd.DataFrame, metric: str | None) -> pd.DataFrame:
    """Return the table of mean ranks, best first."""
    m = len(task_ranks.columns)
    opponents = max(m - 1, 1)
    best = task_ranks.eq(task_ranks.min(axis=1), axis=0)
    return pd.DataFrame(
        {
            "method": list(task_ranks.columns),
            "mean_rank": task_ranks.mean().to_numpy(),
            "low_rank": task_ranks.min().to_numpy(),
            "high_rank": task_ranks.max().to_numpy(),
            "mean": [float(table[name].mean()) if metric else math.nan for name in task_ranks.columns],
            # rank r of m methods means m - r comparisons won, ties as half
            "win_percent": (100 * (m - task_ranks.mean()) / opponents).to_numpy()
            if m > 1
            else [math.nan] * m,
            "best_on": best.sum().to_numpy(),
        }
    )


def _holm(
    scores: Mapping[str, TaskScores],
    tasks: Sequence[str],
    order: Sequence[str],
    one_metric: bool,
    tested: bool,
    alpha: float,
) -> pd.DataFrame:
    """Return all pairs over the common tasks, adjusted together by Holm."""
    pairs = list(combinations(order, 2))
    p = [
        pair_p(paired_differences(scores, tasks, a, b), one_metric) if tested else math.nan for a, b in pairs
    ]
    adjusted = holm_adjust(p)
    return pd.DataFrame(
        {
            "a": [a for a, _ in pairs],
            "b": [b for _, b in pairs],
            "p": np.asarray(p, dtype=np.float64),
            "p_holm": adjusted,
            "apart": adjusted <= alpha,
        }
    )


def _bayes(
    scores: Mapping[str, TaskScores],
    tasks: Sequence[str],
    order: Sequence[str],
    tested: bool,
    rope: float,
    seed: int,
) -> pd.DataFrame:
    """Return the Bayesian signed-rank test of the best method by rank against each other."""
    why = ""
    if not tested:
        why = f"below {MINIMUM_TASKS} common tasks the prior would decide"
    elif len({scores[task].metric for task in tasks}) > 1:
        why = "the tasks have different metrics, so no one region of practical equivalence fits them"
    elif not np.isfinite(scores[tasks[0]].bounds).all():
        why = f"{scores[tasks[0]].metric} is not bounded, so {rope:g} has no fixed meaning as practically equivalent"
    records = []
    for other in order[1:]:
        record: dict[str, object] = {"a": order[0], "b": other}
        if not why:
            found = bayesian_signed_rank(paired_differences(scores, tasks, order[0], other), rope, seed=seed)
            record |= {"p_better": found.better, "p_same": found.same, "p_worse": found.worse}
        records.append({**record, "why": why})
    columns = ["a", "b", "p_better", "p_same", "p_worse", "why"]
    return pd.DataFrame(records).reindex(columns=columns)


def _why(tasks: int, methods: int) -> str:
    """Return why there is no p-value across tasks, or an empty text."""
    if methods < 2:
        return "Fewer than two methods can be compared across tasks."
    if tasks < MINIMUM_TASKS:
        count = f"{tasks} task{'' if tasks == 1 else 's'}"
        return (
            f"No p-value across tasks: {methods} methods share {count} and {MINIMUM_TASKS} are needed. The task is the "
            f"unit of such a test, and the smallest two-sided p-value of Wilcoxon's test at {count} is "
            f"{smallest_p(tasks):.3g}."
        )
    return ""


def _notes(
    common: CommonSet,
    order: Sequence[str],
    metric: str | None,
    tested: bool,
    alpha: float,
    apart_splits: Sequence[str],
) -> tuple[str, ...]:
    """Return the remarks on a comparison across tasks."""
    n, m = len(common.tasks), len(order)
    if not n:
        return ("No trial was done.",)
    notes = [f"Methods ({m}): {', '.join(order)}. Common tasks ({n}): {', '.join(common.tasks)}."]
    if common.others:
        listed = ", ".join(f"{name} ({count} of {n})" for name, count in common.others.items())
        notes.append(f"Not ranked, since they did not run on all of these tasks: {listed}.")
    if not common.exact:
        notes.append("The search for the largest common set met its limit; a larger one may exist.")
    if metric is None and n:
        notes.append(
            "The tasks have different metrics, so there is no mean difference over them, and pairs are compared by the "
            "sign test: sizes of differences cannot be ranked across metrics."
        )
    if tested:
        reach = smallest_p(n, m)
        text = f"With {n} tasks and {m} methods, the smallest p-value that Holm over all pairs can reach is {reach:.3g}"
        if reach > alpha:
            text += f", above {alpha:g}: no pair can be told apart; {tasks_needed(m, alpha)} tasks would be needed"
        notes.append(text + ".")
    if apart_splits:
        notes.append(
            f"On {', '.join(apart_splits)} no split was finished by all, so each mean is over the method's own splits."
        )
    return tuple(notes)
