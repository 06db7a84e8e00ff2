"""Score against cost: which methods are beaten by none in both."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from neuroloom.runner.results import Results
from neuroloom.runner.statistics.within import TaskStatistics

COSTS = ("fit_seconds", "predict_seconds", "parameters", "peak_memory_mb")
COLUMNS = ("task", "cost", "method", "score", "low", "high", "value", "value_low", "value_high", "front")


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
    done = (
        rows[rows["status"] == "done"]
        .astype({"parameters": "float64"})
        .groupby(["task", "method"])[list(costs)]
    )
    spread = pd.concat(
        {
            name: done.quantile(share)
            .melt(var_name="cost", ignore_index=False)
            .set_index("cost", append=True)["value"]
            for name, share in (("value", 0.5), ("value_low", 0.25), ("value_high", 0.75))
        },
        axis=1,
    )
    means = [task.methods.assign(task=task.task, sign=task.scores.sign) for task in within]
    columns = ["task", "method", "mean", "low", "high", "sign"]
    table = pd.concat([part[columns] for part in means if len(part)] or [pd.DataFrame(columns=columns)])
    table = table.merge(pd.DataFrame({"cost": list(costs)}), how="cross").rename(columns={"mean": "score"})
    table = table.join(spread, on=["task", "method", "cost"]).dropna(subset=["score", "value"])
    table["front"] = False
    for _, part in table.groupby(["task", "cost"], sort=False):
        table.loc[part.index, "front"] = pareto_front(part["score"] * part["sign"], part["value"])
    return table[list(COLUMNS)].reset_index(drop=True)
