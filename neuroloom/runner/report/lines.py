"""Learning and fitness curves: the mean over trials with a band of one standard deviation, one line a method."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from neuroloom.runner.report import axes

HEIGHT = 200.0
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """One method's mean curve.

    Args:
        name: the method.
        number: its place among all methods.
        x: ``(k,)`` seconds, evaluations or steps, rising.
        mean: ``(k,)`` mean over trials.
        spread: ``(k,)`` standard deviation over trials, 0 of a single one.
        trials: how many trials it is the mean of.
    """

    name: str
    number: int
    x: Floats
    mean: Floats
    spread: Floats
    trials: int


def average(
    name: str, number: int, runs: Sequence[tuple[Floats, Floats]], points: int, log: bool
) -> Curve | None:
    """Return the mean of curves of unequal length on one grid.

    Between its points a run is a straight line; after its end it keeps its last value. The mean begins where the last
    run has begun.
    """
    known = [
        (x[ok], y[ok])
        for x, y in runs
        if (ok := np.isfinite(x) & np.isfinite(y) & ((x > 0) | (not log))).any()
    ]
    if not known:
        return None
    first = max(float(x.min()) for x, _ in known)
    last = max(float(x.max()) for x, _ in known)
    if last <= first:
        grid = np.array([last])
    else:
        grid = np.geomspace(first, last, points) if log else np.linspace(first, last, points)
        grid[0], grid[-1] = first, last
    values = np.empty((len(known), len(grid)))
    for row, (x, y) in zip(values, known, strict=True):
        order = np.argsort(x, kind="stable")
        row[:] = np.interp(grid, x[order], y[order])
    return Curve(name, number, grid, values.mean(axis=0), values.std(axis=0), len(known))


def draw(
    curves: Sequence[Curve],
    x_title: str,
    y_title: str,
    write_x: Callable[[float], str] | None = None,
    log_x: bool = False,
    dashes: Sequence[str] = (),
) -> Markup:
    """Return the figure, or nothing without a curve."""
    x = axes.Scale.over([float(v) for c in curves for v in (c.x[0], c.x[-1])], log=log_x, pad=0.02)
    ends = [float(v) for c in curves for v in (*(c.mean - c.spread), *(c.mean + c.spread))]
    log_y = bool(ends) and min(ends) > 0 and max(ends) / min(ends) > 100
    y = axes.Scale.over(ends, log=log_y)
    if x is None or y is None:
        return Markup()
    frame = axes.Frame(x, y, HEIGHT, x_title, y_title, write_x)
    bands = [axes.tag("path", d=_band(c, frame), class_=f"bd m{c.number}") for c in curves if c.spread.any()]
    paths = [_line(c, frame, dashes[c.number] if dashes else "") for c in curves]
    names = ", ".join(c.name for c in curves)
    return frame.draw(
        axes.stretched(HEIGHT, axes.joined([*bands, *paths])), f"{y_title} against {x_title} of {names}"
    )


def _places(x: Floats, y: Floats, frame: axes.Frame) -> list[tuple[float, float]]:
    ys = [frame.up(float(v)) if math.isfinite(v) else frame.height for v in y]
    return [(1000 * frame.x(float(a)), 4 * b) for a, b in zip(x, ys, strict=True)]


def _line(c: Curve, frame: axes.Frame, dash: str) -> Markup:
    more = {"stroke_dasharray": dash} if dash else {}
    return axes.tag(
        "path", d=axes.trace(_places(c.x, c.mean, frame)), class_=f"ln m{c.number}", data_t=c.name, **more
    )


def _band(c: Curve, frame: axes.Frame) -> str:
    upper = _places(c.x, c.mean + c.spread, frame)
    lower = _places(c.x, c.mean - c.spread, frame)
    return axes.trace([*upper, *reversed(lower)], close=True)
