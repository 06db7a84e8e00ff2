"""One score per task and method: the observations of every comparison across tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuroloom.runner.statistics.scores import TaskScores

Floats = NDArray[np.float64]


def finished(scores: TaskScores, method: str) -> bool:
    """Return whether the method has a score on the task; failed trials give one only where others finished."""
    return method in scores.methods and bool(
        (~np.isnan(scores.values[:, scores.methods.index(method)])).any()
    )


def common_means(scores: TaskScores, methods: Sequence[str]) -> tuple[Floats, bool]:
    """Return the mean scores of methods over the splits that all of them have.

    Returns:
        ``(m,)`` means, and whether there were such splits; without them each mean is over the method's own splits.
    """
    values = scores.values[:, [scores.methods.index(name) for name in methods]]
    whole = ~np.isnan(values).any(axis=1)
    if whole.any():
        means: Floats = values[whole].mean(axis=0)
        return means, True
    there = ~np.isnan(values)
    return np.where(there, values, 0.0).sum(axis=0) / there.sum(axis=0), False


def mean_table(
    scores: Mapping[str, TaskScores], tasks: Sequence[str], methods: Sequence[str]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return mean scores, a row a task and a column a method, and the tasks without a split that all have."""
    found = {task: common_means(scores[task], methods) for task in tasks}
    table = pd.DataFrame(
        [means for means, _ in found.values()], index=list(tasks), columns=list(methods), dtype=float
    )
    return table, tuple(task for task, (_, shared) in found.items() if not shared)


def turned(table: pd.DataFrame, scores: Mapping[str, TaskScores]) -> pd.DataFrame:
    """Return the table with greater being better on every task."""
    return table.mul([scores[task].sign for task in table.index], axis=0)
