"""The statistics of comparison: within a task, across tasks, and what they cannot say.

``analyse(results)`` gives everything a report prints; the parts are usable one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuroloom.runner.statistics.across import Across, across_tasks
    from neuroloom.runner.statistics.analysis import PolicyCheck, Statistics, analyse
    from neuroloom.runner.statistics.bayes import SignedRankPosterior, bayesian_signed_rank
    from neuroloom.runner.statistics.best import BestOfAll
    from neuroloom.runner.statistics.board import leaderboard
    from neuroloom.runner.statistics.cliques import maximal_cliques
    from neuroloom.runner.statistics.common_set import CommonSet, find_common_set
    from neuroloom.runner.statistics.corrected_t import CorrectedT, corrected_t_test
    from neuroloom.runner.statistics.corrected_welch import Welch, corrected_welch_test
    from neuroloom.runner.statistics.differences import Difference
    from neuroloom.runner.statistics.friedman import Friedman, friedman_test, nemenyi_distance
    from neuroloom.runner.statistics.holm import holm_adjust, smallest_p, tasks_needed
    from neuroloom.runner.statistics.pareto import pareto_front, pareto_table
    from neuroloom.runner.statistics.ranks import average_ranks
    from neuroloom.runner.statistics.scores import TaskScores, coverage, task_scores
    from neuroloom.runner.statistics.sensitivity import leave_one_task_out
    from neuroloom.runner.statistics.sign_test import sign_test_p
    from neuroloom.runner.statistics.signed_rank import signed_rank_p
    from neuroloom.runner.statistics.speed import Speed, compare_seconds
    from neuroloom.runner.statistics.winner import Winner
    from neuroloom.runner.statistics.within import TaskStatistics, within_task

_HOMES = {
    "Across": "across",
    "BestOfAll": "best",
    "across_tasks": "across",
    "PolicyCheck": "analysis",
    "Statistics": "analysis",
    "analyse": "analysis",
    "SignedRankPosterior": "bayes",
    "bayesian_signed_rank": "bayes",
    "leaderboard": "board",
    "maximal_cliques": "cliques",
    "CommonSet": "common_set",
    "find_common_set": "common_set",
    "CorrectedT": "corrected_t",
    "corrected_t_test": "corrected_t",
    "Friedman": "friedman",
    "friedman_test": "friedman",
    "nemenyi_distance": "friedman",
    "holm_adjust": "holm",
    "smallest_p": "holm",
    "tasks_needed": "holm",
    "pareto_front": "pareto",
    "pareto_table": "pareto",
    "average_ranks": "ranks",
    "TaskScores": "scores",
    "coverage": "scores",
    "task_scores": "scores",
    "leave_one_task_out": "sensitivity",
    "sign_test_p": "sign_test",
    "signed_rank_p": "signed_rank",
    "Welch": "corrected_welch",
    "corrected_welch_test": "corrected_welch",
    "Speed": "speed",
    "compare_seconds": "speed",
    "Difference": "differences",
    "TaskStatistics": "within",
    "Winner": "winner",
    "within_task": "within",
}

__all__ = [
    "Across",
    "BestOfAll",
    "CommonSet",
    "CorrectedT",
    "Difference",
    "Friedman",
    "PolicyCheck",
    "SignedRankPosterior",
    "Speed",
    "Statistics",
    "TaskScores",
    "TaskStatistics",
    "Welch",
    "Winner",
    "across_tasks",
    "analyse",
    "average_ranks",
    "bayesian_signed_rank",
    "compare_seconds",
    "corrected_t_test",
    "corrected_welch_test",
    "coverage",
    "find_common_set",
    "friedman_test",
    "holm_adjust",
    "leaderboard",
    "leave_one_task_out",
    "maximal_cliques",
    "nemenyi_distance",
    "pareto_front",
    "pareto_table",
    "sign_test_p",
    "signed_rank_p",
    "smallest_p",
    "task_scores",
    "tasks_needed",
    "within_task",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that SciPy and pandas load only where statistics are wanted."""
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
