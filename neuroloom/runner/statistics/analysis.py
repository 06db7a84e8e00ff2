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
