"""Learning curves of a task: which quantities there are, and the mean of each method's trials."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from neuroloom.runner.report import lines
from neuroloom.runner.report.model import Panel

if TYPE_CHECKING:
    import pandas as pd

QUANTITIES = (
    ("score", "Score"),
    ("valid_loss", "Validation loss"),
    ("loss", "Training loss"),
    ("qd_score", "QD-score"),
    ("coverage", "Coverage"),
)
OF_A_MAP = ("qd_score", "coverage")  # of what some methods alone have, drawn against work only
MANY_SECONDS = 30.0


def panels(curves: pd.DataFrame, methods: Mapping[str, int], points: int) -> tuple[Panel, ...]:
    """Return the panels of one task: each recorded quantity against seconds and against evaluations.

    Steps of the environment stand for evaluations where a method counted them, and mere steps where none counted
    either; a method that did not count is left out of that panel when others did.

    Args:
        curves: the task's rows of ``Results.curves``.
        methods: label -> number.
        points: how many points a mean curve is drawn with.
    """
    out = []
    for column, title in QUANTITIES:
        rows = curves[curves[column].notna()]
        if rows.empty:
            continue
        if column not in OF_A_MAP:
            runs = _runs(rows, column, "seconds")
            out.append(_panel(runs, methods, points, "Seconds of fitting", title, _wide(runs), True))
        counted = rows[rows["evaluations"].notna()]
        played = rows[rows["env_steps"].notna()]
        name, below = ("evaluations", "Evaluations") if not counted.empty else ("step", "Steps")
        if not played.empty:
            name, below, counted = "env_steps", "Environment steps", played
        against = _runs(counted if not counted.empty else rows, column, name)
        out.append(_panel(against, methods, points, below, title, _wide(against), False))
    return tuple(p for p in out if p.curves)


TUNING = "tuning trials"  # the measure of a search's budget; the others are sizes


def fronts(points: pd.DataFrame, methods: Mapping[str, int], metric: str) -> tuple[Panel, ...]:
    """Return, for each measure of size, the mean score of the best network up to each size.

    The mean begins at the size at which every trial has a network.

    Args:
        points: the task's rows of ``Results.fronts``.
        methods: label -> number.
        metric: what the score is.
    """
    out = []
    for measure, part in points.groupby("measure", sort=False):
        drawn = []
        for method, rows in part.groupby("method", sort=False):
            runs = [
                (run["size"].to_numpy(np.float64), run["score"].to_numpy(np.float64))
                for _, run in rows.sort_values("size", kind="stable").groupby(["seed", "fold"], sort=False)
            ]
            first = max(sizes[0] for sizes, _ in runs)
            grid = np.unique(np.concatenate([sizes[sizes >= first] for sizes, _ in runs]))
            values = np.array([s[np.searchsorted(sizes, grid, side="right") - 1] for sizes, s in runs])
            curve = lines.Curve(
                str(method), methods[str(method)], grid, values.mean(0), values.std(0), len(runs)
            )
            drawn.append(curve)
        title = str(measure)
        out.append(
            Panel(
                title[:1].upper() + title[1:],
                metric,
                tuple(sorted(drawn, key=lambda c: c.number)),
                measure == TUNING,
                False,
            )
        )
    return tuple(out)


Runs = dict[str, list[tuple[lines.Floats, lines.Floats]]]


def _runs(rows: pd.DataFrame, column: str, against: str) -> Runs:
    out: Runs = {}
    part = rows.groupby(["method", "seed", "fold"], sort=False).ngroup().to_numpy()
    order = np.argsort(part, kind="stable")
    starts = np.flatnonzero(np.diff(part[order], prepend=-1))
    xs, ys = (np.split(rows[c].to_numpy(dtype=np.float64)[order], starts[1:]) for c in (against, column))
    names = rows["method"].to_numpy()[order[starts]]
    for method, x, y in zip(names, xs, ys, strict=True):
        out.setdefault(str(method), []).append((x, y))
    return out


def _wide(runs: Runs) -> bool:
    """Return whether the methods' curves end so far apart that only a logarithmic axis shows them all."""
    ends = [float(np.nanmax(x)) for method in runs.values() for x, _ in method if np.isfinite(x).any()]
    positive = [v for v in ends if v > 0]
    return bool(positive) and max(positive) / min(positive) > MANY_SECONDS


def _panel(
    runs: Runs, methods: Mapping[str, int], points: int, x: str, y: str, log: bool, is_time: bool
) -> Panel:
    found = (lines.average(m, methods[m], of, points, log) for m, of in runs.items() if m in methods)
    drawn = sorted((c for c in found if c is not None), key=lambda c: c.number)
    scale = ", logarithmic" if log else ""
    return Panel(f"{x}{scale}", y, tuple(drawn), log, is_time)


def points_for(curves: pd.DataFrame) -> int:
    """Return how many points a curve gets so that all of them fit into the page."""
    if curves.empty:
        return 2
    many = len(curves[["task", "method"]].drop_duplicates())
    return int(min(max(4000 // max(many, 1), 14), 64))


def finite(value: Any) -> float | None:
    """Return a number as a float, None where it is missing."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
