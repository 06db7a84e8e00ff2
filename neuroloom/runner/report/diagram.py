"""The critical-difference diagram: methods on an axis of mean ranks, bars over those that cannot be told apart.

Source: J. Demšar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7, 2006.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from neuroloom.runner.report import axes, numbers

LEFT, RIGHT = 0.24, 0.76
ROW = 19.0


def draw(
    names: Sequence[str], ranks: Sequence[float], colours: Sequence[int], groups: Sequence[Sequence[int]]
) -> Markup:
    """Return the diagram.

    Args:
        names: methods.
        ranks: ``(m,)`` their mean ranks, 1 being best.
        colours: ``(m,)`` their numbers among all methods of the report.
        groups: maximal sets of methods (positions in ``names``) between which no difference was found; drawn from the
            set's best to its worst mean rank.
    """
    m = len(names)
    order = sorted(range(m), key=lambda k: (ranks[k], k))
    top, bars = 26.0, [g for g in groups if len(g) > 1]
    first = top + 12 + 7 * len(bars) + 8
    half = math.ceil(m / 2)
    parts = _axis(m, top)
    for k, group in enumerate(bars):
        ends = sorted(ranks[i] for i in group)
        y = top + 12 + 7 * k
        x1, x2 = axes.pc(_place(ends[0], m) - 0.004), axes.pc(_place(ends[-1], m) + 0.004)
        parts.append(axes.tag("line", x1=x1, x2=x2, y1=y, y2=y, class_="clique"))
    for k, i in enumerate(order):
        level = first + ROW * (k if k < half else m - 1 - k)
        parts += _method(names[i], ranks[i], colours[i], _place(ranks[i], m), level, top, left=k < half)
    label = "Critical-difference diagram; mean ranks: " + ", ".join(
        f"{names[i]} {numbers.fixed(ranks[i], 2)}" for i in order
    )
    height = f"{first + ROW * half:g}"
    return axes.tag("svg", axes.joined(parts), class_="cd", height=height, role="img", aria_label=label)


def _place(rank: float, m: int) -> float:
    return LEFT + (RIGHT - LEFT) * (rank - 1) / max(m - 1, 1)


def _axis(m: int, top: float) -> list[Markup]:
    parts = [axes.tag("line", x1=axes.pc(LEFT), x2=axes.pc(RIGHT), y1=top, y2=top, class_="base")]
    for rank in range(1, m + 1):
        x = axes.pc(_place(rank, m))
        parts.append(axes.tag("line", x1=x, x2=x, y1=top - 5, y2=top, class_="base"))
        if m <= 12 or rank % 2 == 1:
            parts.append(axes.tag("text", rank, x=x, y=top - 9, text_anchor="middle"))
    return parts


def _method(
    name: str, rank: float, colour: int, place: float, level: float, top: float, left: bool
) -> list[Markup]:
    edge = LEFT - 0.01 if left else RIGHT + 0.01
    x, out = axes.pc(place), axes.pc(edge)
    text = f"{numbers.shorten(name, 24)} {numbers.fixed(rank, 2)}" if left else (
        f"{numbers.fixed(rank, 2)} {numbers.shorten(name, 24)}"
    )  # fmt: skip
    return [
        axes.tag("line", x1=x, x2=x, y1=top, y2=level, class_=f"stem m{colour}"),
        axes.tag("line", x1=x, x2=out, y1=level, y2=level, class_=f"stem m{colour}"),
        axes.tag(
            "text", text, x=out, dx=-5 if left else 5, y=level + 4, text_anchor="end" if left else "start", class_="nm",
            data_t=name,
        ),
    ]  # fmt: skip
