"""The pairwise comparison matrix: each cell from the two methods alone.

Source: A. Ismail-Fawaz et al., "An approach to multiple comparison benchmark evaluations that is stable under
manipulation of the comparate set", arXiv:2305.11921, 2023. **Differences**: where tasks have different metrics there is
no mean difference and the sign test takes Wilcoxon's place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuroloom.runner.statistics.ranks import rounded
from neuroloom.runner.statistics.scores import TaskScores
from neuroloom.runner.statistics.sign_test import sign_test_p
from neuroloom.runner.statistics.signed_rank import signed_rank_p
from neuroloom.runner.statistics.task_means import common_means, finished

COLUMNS = ("a", "b", "tasks", "difference", "low", "high", "wins", "ties", "losses", "p", "test", "why")
WILCOXON, SIGN = "Wilcoxon signed-rank", "sign test"


def paired_differences(
    scores: Mapping[str, TaskScores], tasks: Sequence[str], a: str, b: str
) -> NDArray[np.float64]:
    """Return how much better ``a`` is than ``b`` on each task, over the splits that both have; rounding is 0."""
    differences = np.empty(len(tasks))
    for k, task in enumerate(tasks):
        (first, second), _ = common_means(scores[task], (a, b))
        first, second = rounded([first, second])
        differences[k] = scores[task].sign * (first - second)
    return differences


def pair_p(differences: NDArray[np.float64], one_metric: bool) -> float:
    """Return the p-value of one pair: Wilcoxon's within one metric, else that of the sign test."""
    if one_metric:
        return signed_rank_p(differences)
    return sign_test_p(int((differences > 0).sum()), int((differences < 0).sum()))


def mean_interval(differences: NDArray[np.float64], alpha: float) -> tuple[float, float]:
    """Return the t-interval of the mean over tasks; NaN for fewer than two."""
    from scipy.special import stdtrit

    n = len(differences)
    if n < 2:
        return np.nan, np.nan
    half = float(stdtrit(n - 1, 1 - alpha / 2) * differences.std(ddof=1) / np.sqrt(n))
    return float(differences.mean()) - half, float(differences.mean()) + half


def pairwise_matrix(
    scores: Mapping[str, TaskScores], methods: Sequence[str], minimum: int, alpha: float
) -> pd.DataFrame:
    """Return one row a pair of methods, over all the tasks that the two ran on.

    Args:
        scores: the tasks' scores.
        methods: the methods, in the order of the rows.
        minimum: tasks below which there is no p-value.
        alpha: the intervals have level ``1 - alpha``.

    Returns:
        Columns ``COLUMNS``; ``difference`` (above 0: ``a`` is better), ``low`` and ``high`` (its t-interval over tasks)
        are NaN where the metrics differ, ``p`` where ``why`` says so. ``p`` is of this pair alone, not adjusted.
    """
    records = []
    for a, b in combinations(methods, 2):
        tasks = [task for task in scores if finished(scores[task], a) and finished(scores[task], b)]
        d = paired_differences(scores, tasks, a, b)
        one = len({scores[task].metric for task in tasks}) == 1
        low, high = mean_interval(d, alpha) if one else (np.nan, np.nan)
        enough = len(tasks) >= minimum
        why = "" if enough else f"{len(tasks)} tasks in common; a p-value needs {minimum}"
        records.append(
            {
                "a": a,
                "b": b,
                "tasks": len(tasks),
                "difference": float(d.mean()) if one else np.nan,
                "low": low,
                "high": high,
                "wins": int((d > 0).sum()),
                "ties": int((d == 0).sum()),
                "losses": int((d < 0).sum()),
                "p": pair_p(d, one) if enough else np.nan,
                "test": WILCOXON if one else SIGN,
                "why": why,
            }
        )
    return pd.DataFrame(records, columns=list(COLUMNS))
