"""Score against time, parameters and memory: the points of the figures, for a task and for a group of tasks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from neuroloom.runner.report import numbers
from neuroloom.runner.report.model import CostPlot, MethodView
from neuroloom.runner.report.scatter import Point

if TYPE_CHECKING:
    import pandas as pd

COSTS = {
    "fit_seconds": ("Fit time", numbers.seconds),
    "parameters": ("Parameters", numbers.count),
    "peak_memory_mb": ("Peak memory", numbers.megabytes),
}
LEAST_MEMORY = 0.05


def of_task(
    table: pd.DataFrame, metric: str, greater: bool, decimals: int, methods: Mapping[str, MethodView]
) -> tuple[CostPlot, ...]:
    """Return the plots of one task from its rows of the statistics' ``pareto``: medians and quartiles over trials."""
    return _plots(table, f"Mean {metric}", greater, decimals, methods)


def of_group(
    board: pd.DataFrame,
    pareto: pd.DataFrame,
    metric: str | None,
    greater: bool,
    decimals: int,
    methods: Mapping[str, MethodView],
) -> tuple[CostPlot, ...]:
    """Return the plots of several tasks: the leaderboard's score and cost, the cost's range over tasks.

    Where the tasks' metrics differ, mean ranks stand for scores.
    """
    import pandas as pd

    parts = []
    for cost in COSTS:
        ends = pareto[pareto["cost"] == cost].groupby("method")["value"]
        part = board[["method", "score" if metric else "rank", cost]].copy()
        part.columns = ["method", "score", "value"]
        part["low"] = board["low"] if metric else math.nan
        part["high"] = board["high"] if metric else math.nan
        part["value_low"] = part["method"].map(ends.min())
        part["value_high"] = part["method"].map(ends.max())
        parts.append(part.assign(cost=cost))
    title = f"Mean {metric}" if metric else "Mean rank"
    return _plots(pd.concat(parts), title, greater if metric else False, decimals if metric else 2, methods)


def _plots(
    table: pd.DataFrame, title: str, greater: bool, decimals: int, methods: Mapping[str, MethodView]
) -> tuple[CostPlot, ...]:
    out = []
    for cost, (name, write) in COSTS.items():
        rows = table[(table["cost"] == cost)].itertuples(index=False)
        points = tuple(_points(rows, cost, title, greater, decimals, methods))
        if len(points) > 1:
            out.append(CostPlot(f"{name}, logarithmic", title, greater, write, points))
    return tuple(out)


def _points(
    rows: Iterable[Any],
    cost: str,
    title: str,
    greater: bool,
    decimals: int,
    methods: Mapping[str, MethodView],
) -> Iterable[Point]:
    name, write = COSTS[cost]
    sign = 1.0 if greater else -1.0
    for r in rows:
        x, y = float(r.value), sign * float(r.score)
        if cost == "peak_memory_mb":
            x = max(x, LEAST_MEMORY)
        if not (math.isfinite(x) and math.isfinite(y) and x > 0):
            continue
        y_low, y_high = sorted((sign * float(r.low), sign * float(r.high)))
        method = methods[str(r.method)]
        wide = numbers.interval(r.low, r.high, decimals)
        tip = f"{method.name}\n{title} {numbers.fixed(r.score, decimals)} {wide}\n{name} {write(x)}"
        if float(r.value_high) > float(r.value_low):
            tip += f" ({write(r.value_low)} to {write(r.value_high)})"
        low, high = max(float(r.value_low), x * 1e-3), float(r.value_high)
        yield Point(method.name, method.number, method.room, x, low, high, y, y_low, y_high, tip)
