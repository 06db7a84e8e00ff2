"""Strips: one line a method inside its table row, with every trial as a dot and the interval of the mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from neuroloom.runner.report import axes

HEIGHT = 26.0
DOTS = 11.0


@dataclass(frozen=True)
class Strip:
    """What one row shows.

    Args:
        number: the method's number.
        room: its room.
        mean: where its marker stands; NaN for an empty strip.
        low, high: ends of its interval; NaN without one.
        values: its trials; may be empty.
        tip: text for the pointer.
    """

    number: int
    room: str
    mean: float
    low: float
    high: float
    values: Sequence[float] = ()
    tip: str = ""


def scale(strips: Sequence[Strip], *more: float, pad: float = 0.04) -> axes.Scale | None:
    """Return the scale that all the strips (and the values ``more``) share."""
    shown = [*more, *(v for s in strips for v in (s.mean, *s.values))]
    return axes.Scale.around(shown, [v for s in strips for v in (s.low, s.high)], pad)


def draw(strip: Strip, along: axes.Scale, zero: bool = False, css: str = "strip") -> Markup:
    """Return a row's strip on the scale; ``zero`` marks the place of no difference."""
    middle = HEIGHT / 2
    inner = [axes.grid(along, HEIGHT, 3 if zero else 4)]
    parts: list[Markup] = []
    if zero:
        at = axes.pc(along(0.0))
        parts.append(axes.tag("line", x1=at, x2=at, y1=0, y2=f"{HEIGHT:g}", class_="zero"))
    known = [along(v) for v in strip.values if math.isfinite(v)]
    if known:
        inner.append(axes.tag("path", d=axes.dots(known, HEIGHT, DOTS), class_="dt"))
    if math.isfinite(strip.low) and math.isfinite(strip.high):
        inner.append(axes.whiskers([(along(strip.low), middle, along(strip.high), middle)], "ci"))
    parts.append(axes.stretched(HEIGHT, axes.joined(inner)))
    if math.isfinite(strip.mean):
        parts.append(axes.marker(strip.room, axes.pc(along(strip.mean)), middle, "mk"))
    more = {"data_t": strip.tip} if strip.tip else {}
    return axes.tag("svg", axes.joined(parts), class_=f"{css} m{strip.number}", aria_hidden="true", **more)
