"""Score against cost: which methods are beaten by none in both."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from neuroloom.runner.results import Results
from neuroloom.runner.statistics.within import TaskStatistics

COSTS = ("fit_seconds", "predict_seconds", "parameters", "peak_memory_mb")


def pareto_front(gain: ArrayLike, cost: ArrayLike) -> NDArray[np.bool_]:
    """Return which points no other dominates: as good and as cheap, and better in one of the two.

    Args:
        gain: ``(n,)`` scores, greater being better.
        cost: ``(n,)`` costs. A point with NaN in either is on no front.
    """
    g, c = np.asarray(gain, dtype=np.float64), np.asarray(cost, dtype=np.float64)
    at_least = (g[:, None] >= g[None, :]) & (c[:, None] <= c[None, :])
    strictly = (g[:, None] > g[None, :]) | (c[:, None] < c[None, :])
    result: NDArray[np.bool_] = ~(at_least & strictly).any(axis=0) & ~np.isnan(g) & ~np.isnan(c)
    return result


def pareto_table(
    results: Results, within: Sequence[TaskStatistics], costs: Sequence[str] = COSTS
) -> pd.DataFrame:
    """Return a row per task, cost and method with finished trials.

    Columns: ``task, cost`` (one of ``COSTS``), ``method, score, low, high`` (the mean and its interval, as in the
    comparison within the task), ``value`` (median cost over finished trials), ``value_low, value_high`` (its quartiles)
    and ``front``.
    """
    rows = results.main()
    done = rows[rows["status"] == "done"].astype({"parameters": "float64"})
    quartiles = done.groupby(["task", "method"])[list(costs)].quantile([0.25, 0.5, 0.75])
    parts = []
    for task in within:
        finished = task.methods[task.methods["done"] > 0]
        for cost in costs:
            part = finished[["method", "mean", "low", "high"]].rename(columns={"mean": "score"})
            part.insert(0, "task", task.task)
            part.insert(1, "cost", cost)
            spread = np.array(
                [quartiles.loc[(task.task, name), cost].to_numpy(dtype=np.float64) for name in part["method"]]
            ).reshape(-1, 3)
            part["value"], part["value_low"], part["value_high"] = spread[:, 1], spread[:, 0], spread[:, 2]
            part["front"] = pareto_front(
                task.scores.sign * part["score"].to_numpy(dtype=np.float64), spread[:, 1]
            )
            parts.append(part[part["value"].notna()])
    columns = ["task", "cost", "method", "score", "low", "high", "value", "value_low", "value_high", "front"]
    kept = [part for part in parts if len(part)]
    return pd.concat(kept, ignore_index=True)[columns] if kept else pd.DataFrame(columns=columns)
