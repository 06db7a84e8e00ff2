"""Scores over time: a series and how strange its detectors found each moment, in a method's first trial."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from neuroloom.runner.report import axes, numbers
from neuroloom.runner.report.model import MethodView, Trace, Traces

MOST = 4  # methods of a task
SERIES, SCORES = 90.0, 60.0  # heights
_NARROW = 3.0  # thousandths of the width that a marked stretch has at least

Floats = NDArray[np.float64]


def view(
    held: Mapping[str, Sequence[Mapping[str, Any]]], ran: Sequence[str], methods: Mapping[str, MethodView]
) -> Traces | None:
    """Return a task's series and the scores of its best methods, or None where there are none.

    Args:
        held: method -> what ``row.front`` has of its first trial, as ``Row`` says it.
        ran: methods with a finished trial, the best first.
        methods: label -> method.
    """
    told = [name for name in ran if held.get(name)]
    if not told:
        return None
    first = held[told[0]][0]
    alike = [name for name in told if held[name][0]["step"] == first["step"]]
    return Traces(
        tuple(int(step) for step in first["step"]),
        _numbers(first["low"]),
        _numbers(first["high"]),
        tuple((int(begin), int(end)) for begin, end in first["marked"]),
        tuple(Trace(methods[name].number, _numbers(held[name][0]["score"])) for name in alike[:MOST]),
        numbers.left_out("scores", alike[MOST:]),
    )


def draw(found: Traces, methods: Sequence[MethodView]) -> list[Markup]:
    """Return the figure of the series and one for each method, one below the other on one time axis."""
    steps = np.asarray(found.steps, dtype=np.float64)
    end = steps[-1] + (steps[-1] - steps[0]) / max(len(steps) - 1, 1)
    along = axes.Scale(float(steps[0]), float(max(end, steps[0] + 1)))
    low, high = np.asarray(found.low), np.asarray(found.high)
    told = f"{len(found.marked)} marked stretches" if len(found.marked) != 1 else "one marked stretch"
    made = [_figure(along, steps, low, high, found.marked, SERIES, "se", f"the series, {told}")]
    for one in found.methods:
        score = np.asarray(one.score)
        floor = np.full(len(score), np.nanmin(score) if np.isfinite(score).any() else 0.0)
        made.append(
            _figure(
                along, steps, floor, score, found.marked, SCORES, f"sc m{one.method}",
                f"scores of {methods[one.method].name} over time",
            )
        )  # fmt: skip
    return made


def _figure(
    along: axes.Scale,
    steps: Floats,
    low: Floats,
    high: Floats,
    marked: Sequence[tuple[int, int]],
    height: float,
    css: str,
    label: str,
) -> Markup:
    up = axes.Scale.over([*low.tolist(), *high.tolist()])
    if up is None:
        return Markup()
    frame = axes.Frame(along, up, height, "", "", write_x=numbers.count)
    shades = [_shade(along, begin, end, height) for begin, end in marked]
    area = axes.tag("path", d=_area(frame, steps, low, high), class_=css)
    return frame.draw(axes.stretched(height, axes.joined([*shades, area])), label)


def _shade(along: axes.Scale, begin: int, end: int, height: float) -> Markup:
    left, right = 1000 * along(begin), 1000 * along(end + 1)
    width = max(right - left, _NARROW)
    start, width = round((left + right - width) / 2, 1), round(width, 1)
    return axes.tag("path", d=f"M{start:g} 0h{width:g}v{4 * height:g}h{-width:g}z", class_="an")


def _area(frame: axes.Frame, steps: Floats, low: Floats, high: Floats) -> str:
    """Return the outline of what lies between ``low`` and ``high``, at least a pixel thick."""
    known = np.isfinite(low) & np.isfinite(high)
    upper = [
        (1000 * frame.x(float(x)), 4 * frame.up(float(y)))
        for x, y in zip(steps[known], high[known], strict=True)
    ]
    lower = [
        (1000 * frame.x(float(x)), 4 * min(frame.up(float(y)) + 1.0, frame.height))
        for x, y in zip(steps[known], low[known], strict=True)
    ]
    return axes.trace([*upper, *reversed(lower)], close=True)


def _numbers(values: Sequence[float | None]) -> tuple[float, ...]:
    return tuple(math.nan if value is None else float(value) for value in values)
