"""Score against a cost: one marker a method, intervals both ways, and the Pareto front drawn as a staircase."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from neuroloom.runner.report import axes, numbers

HEIGHT = 240.0


@dataclass(frozen=True)
class Point:
    """One method in the plot.

    Args:
        name: the method.
        number: its place among all methods, which decides its colour.
        room: its room, which decides its marker.
        x: cost, positive; ``x_low`` and ``x_high`` its spread over tasks.
        y: score; ``y_low`` and ``y_high`` its interval.
        tip: text for the pointer.
    """

    name: str
    number: int
    room: str
    x: float
    x_low: float
    x_high: float
    y: float
    y_low: float
    y_high: float
    tip: str


def front(points: Sequence[Point]) -> list[Point]:
    """Return the points that no other beats on both cost (lower) and score (higher), from cheap to dear."""
    out: list[Point] = []
    for point in sorted(points, key=lambda p: (p.x, -p.y)):
        if not out or point.y > out[-1].y:
            out.append(point)
    return out


def draw(
    points: Sequence[Point], x_title: str, y_title: str, write_x: Callable[[float], str], greater: bool = True
) -> Markup:
    """Return the figure, or nothing where fewer than two methods have both figures.

    Args:
        points: the methods, their ``y`` turned so that greater is better.
        x_title: the cost.
        y_title: the score.
        write_x: how a cost is written.
        greater: whether scores were better when greater; if not, their sign was turned.
    """
    usable = [p for p in points if p.x > 0 and math.isfinite(p.x) and math.isfinite(p.y)]
    x = axes.Scale.over([v for p in usable for v in (p.x, p.x_low, p.x_high)], log=True, pad=0.06)
    y = axes.Scale.around([p.y for p in usable], [v for p in usable for v in (p.y_low, p.y_high)], pad=0.08)
    if len(usable) < 2 or x is None or y is None:
        return Markup()
    frame = axes.Frame(x, y, HEIGHT, x_title, y_title, write_x, None if greater else axes.turned(y))
    best = front(usable)
    stairs = axes.tag("path", d=_stairs(best, frame), class_="front")
    parts = [axes.stretched(HEIGHT, axes.joined([stairs, *(_cross(p, frame) for p in usable)]))]
    parts += [axes.marker(p.room, axes.pc(x(p.x)), frame.up(p.y), f"mk m{p.number}", p.tip) for p in usable]
    parts += _labels(best, frame)
    label = f"{y_title} against {x_title}; on the Pareto front: {numbers.listing([p.name for p in best], 30)}"
    return frame.draw(axes.joined(parts), label)


def _stairs(best: Sequence[Point], frame: axes.Frame) -> str:
    corners: list[tuple[float, float]] = []
    for k, p in enumerate(best):
        corners.append((1000 * frame.x(p.x), 4 * (frame.height if k == 0 else frame.up(best[k - 1].y))))
        corners.append((1000 * frame.x(p.x), 4 * frame.up(p.y)))
    corners.append((1000.0, 4 * frame.up(best[-1].y)))
    return axes.trace(corners)


def _cross(p: Point, frame: axes.Frame) -> Markup:
    x, y, up = frame.x, frame.up(p.y), frame.up
    ends = [(x(p.x_low), y, x(p.x_high), y)] if p.x_high > p.x_low > 0 else []
    if p.y_high > p.y_low:
        ends.append((x(p.x), up(p.y_high), x(p.x), up(p.y_low)))
    return axes.whiskers(ends, f"ci thin m{p.number}") if ends else Markup()


def _labels(best: Sequence[Point], frame: axes.Frame) -> list[Markup]:
    """Name the methods on the front, above their marker, moved up while another name is there."""
    out: list[Markup] = []
    taken: list[tuple[float, float]] = []
    for p in reversed(best):
        place, level = frame.x(p.x), max(frame.up(p.y) - 9, 9.0)
        while any(abs(place - q) < 0.32 and abs(level - v) < 12 for q, v in taken):
            level += 12
            if level > frame.height:
                break
        if level > frame.height:
            continue
        taken.append((place, level))
        side = "start" if place < 0.25 else "end" if place > 0.7 else "middle"
        text = numbers.shorten(p.name, 22)
        out.append(
            axes.tag("text", text, x=axes.pc(place), y=level, text_anchor=side, class_=f"nm m{p.number}")
        )
    return out
