"""All statistics of a run at once, under both failure policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from neuroloom.core.checks import check_choice, check_float
from neuroloom.core.errors import unknown
from neuroloom.runner.results import Results
from neuroloom.runner.statistics.across import Across, across_tasks
from neuroloom.runner.statistics.board import leaderboard
from neuroloom.runner.statistics.pareto import pareto_table
from neuroloom.runner.statistics.scores import FAILED, FAILURES, POLICY, Failures, coverage
from neuroloom.runner.statistics.within import TaskStatistics, within_task


@dataclass(frozen=True, eq=False)
class PolicyCheck:
    """Whether it matters how failed trials count.

    Args:
        failed: number of trials that failed, were killed or passed a limit.
        differs: whether any conclusion depends on the policy.
        table: one row a conclusion that does: ``where`` (a task, or ``"across tasks"``), ``what`` (``winner``,
            ``tied group``, ``order``), then a column for each policy of ``FAILURES``.
        note: the policy, and what depends on it, in words.
    """

    failed: int
    differs: bool
    table: pd.DataFrame
    note: str


@dataclass(frozen=True, eq=False)
class Statistics:
    """Everything that a report says about a run, or about some of its tasks.

    Args:
        tasks: name -> comparison within that task.
        across: comparison across the tasks.
        leaderboard: one row a method, see :func:`leaderboard`.
        pareto: score against cost, see :func:`pareto_table`.
        coverage: who ran where, see :func:`coverage`.
        policy: whether it matters how failures count.
        failures: the policy behind all the other values.
        answer: the answer in a sentence.
    """

    tasks: Mapping[str, TaskStatistics]
    across: Across
    leaderboard: pd.DataFrame
    pareto: pd.DataFrame
    coverage: pd.DataFrame
    policy: PolicyCheck
    failures: Failures
    answer: str


def analyse(
    results: Results,
    tasks: Sequence[str] | None = None,
    failures: Failures = "worst",
    *,
    alpha: float = 0.05,
    rope: float = 0.01,
    seed: int = 0,
) -> Statistics:
    """Return all statistics of a run.

    Args:
        results: the run.
        tasks: the tasks to look at, for example those of one kind; None takes all.
        failures: how failed trials count in all values but ``policy``, see :func:`task_scores`.
        alpha: level of the tests; intervals have ``1 - alpha``.
        rope: half-width of the region of practical equivalence, in units of the metric.
        seed: of the Bayesian test's draws.

    Raises:
        InputError: a task is not in the results, or a parameter is out of its range.
    """
    check_choice("failures", failures, FAILURES)
    check_float("alpha", alpha, 0.0, 1.0, open_low=True, open_high=True)
    check_float("rope", rope, 0.0)
    chosen = results.tasks if tasks is None else tuple(tasks)
    for task in chosen:
        if task not in results.tasks:
            raise unknown("task", task, results.tasks)
    within, across = _compared(results, chosen, failures, alpha, rope, seed)
    return Statistics(
        tasks=within,
        across=across,
        leaderboard=leaderboard(results, across, within),
        pareto=pareto_table(results, list(within.values())),
        coverage=coverage(results, chosen),
        policy=_policy(results, chosen, failures, within, across),
        failures=failures,
        answer=_answer(within, across),
    )


def _compared(
    results: Results, tasks: Sequence[str], failures: Failures, alpha: float, rope: float, seed: int
) -> tuple[dict[str, TaskStatistics], Across]:
    within = {task: within_task(results, task, failures, alpha=alpha) for task in tasks}
    return within, across_tasks(results, tasks, failures, alpha=alpha, rope=rope, seed=seed)


def _policy(
    results: Results,
    tasks: Sequence[str],
    failures: Failures,
    within: Mapping[str, TaskStatistics],
    across: Across,
) -> PolicyCheck:
    """Return which conclusions change under the other failure policy."""
    rows = results.main()
    failed = int((rows["task"].isin(list(tasks)) & rows["status"].isin(FAILED)).sum())
    columns = ["where", "what", *FAILURES]
    if not failed:
        return PolicyCheck(0, False, pd.DataFrame(columns=columns), "No trial failed.")
    other: Failures = "left out" if failures == "worst" else "worst"
    within_other, across_other = _compared(results, tasks, other, across.alpha, across.rope, 0)
    sides = {failures: _conclusions(within, across), other: _conclusions(within_other, across_other)}
    records = [
        {
            "where": where,
            "what": what,
            **{policy: sides[policy].get((where, what), "none") for policy in FAILURES},
        }
        for where, what in dict.fromkeys([*sides["worst"], *sides["left out"]])
    ]
    changed = [record for record in records if record["worst"] != record["left out"]]
    table = pd.DataFrame(changed, columns=columns)
    note = f"{failed} trials failed. {POLICY[failures]} "
    if changed:
        places = ", ".join(dict.fromkeys(record["where"] for record in changed))
        note += f"Under the other policy ({other}) conclusions change: {places}."
    else:
        note += f"Under the other policy ({other}) no winner, tied group or order across tasks changes."
    return PolicyCheck(failed, bool(changed), table, note)


def _conclusions(within: Mapping[str, TaskStatistics], across: Across) -> dict[tuple[str, str], str]:
    """Return what a reader would take away, as text."""
    found: dict[tuple[str, str], str] = {}
    for task, statistics in within.items():
        if statistics.winner is not None:
            found[task, "winner"] = statistics.winner.method
            found[task, "tied group"] = ", ".join(sorted(statistics.winner.tied)) or "none"
    if across.winner is not None and len(across.common.tasks) > 1:
        found["across tasks", "tied group"] = ", ".join(sorted(across.winner.tied)) or "none"
        found["across tasks", "order"] = ", ".join(across.ranks["method"])
    return found


def _answer(within: Mapping[str, TaskStatistics], across: Across) -> str:
    """Return the answer in a sentence: of the only task, or across tasks."""
    if len(within) == 1:
        winner = next(iter(within.values())).winner
        return "No trial was done." if winner is None else winner.sentence
    return "No trial was done." if across.winner is None else across.winner.sentence
