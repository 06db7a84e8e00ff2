"""Reliability diagrams: how often a method was right against how sure it was, small, one for each method."""

from __future__ import annotations

from markupsafe import Markup

from neuroloom.core.calibration import Reliability
from neuroloom.runner.report import axes, numbers

HEIGHT = 120.0


def draw(number: int, found: Reliability, low: float) -> Markup:
    """Return a method's diagram.

    Args:
        number: the method's number.
        found: its bins.
        low: where both axes begin, below 1, the same for all methods of a task.
    """
    across = axes.Scale(low, 1.0)
    frame = axes.Frame(across, across, HEIGHT, "", "", _tick, _tick)
    bins = list(zip(found.confidence, found.accuracy, found.low, found.high, found.count, strict=True))
    ends = [(across(c), frame.up(top), across(c), frame.up(bottom)) for c, _, bottom, top, _ in bins]
    even = axes.tag("path", d=f"M0 {4 * HEIGHT:g}L1000 0", class_="front")
    places = [(1000 * across(c), 4 * frame.up(a)) for c, a, *_ in bins]
    line = axes.tag("path", d=axes.trace(places), class_=f"ln m{number}")
    inner = axes.stretched(HEIGHT, axes.joined([even, axes.whiskers(ends, f"ci thin m{number}"), line]))
    dots = [
        axes.tag("circle", cx=axes.pc(across(c)), cy=frame.up(a), r=3, class_=f"mk m{number}",
                 data_t=f"{numbers.count(n)} answers\nsure {c:.3f}\nright {a:.3f} [{bottom:.3f}, {top:.3f}]")
        for c, a, bottom, top, n in bins
    ]  # fmt: skip
    gap = float(((found.confidence - found.accuracy) * found.count).sum() / found.count.sum())
    words = "too sure" if gap > 0 else "not sure enough"
    label = (
        f"Share of right answers against confidence, {len(bins)} bins; {words} by {abs(gap):.3f} on the whole"
    )
    return frame.draw(axes.joined([inner, *dots]), label)


def _tick(value: float) -> str:
    return f"{value:.1f}" if abs(value * 10 - round(value * 10)) < 1e-6 else f"{value:.2f}"
