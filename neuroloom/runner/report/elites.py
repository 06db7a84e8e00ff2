"""Maps of elites: how fit networks can be for each kind of behaviour, a map for each method that keeps one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from neuroloom.runner.report import axes, numbers
from neuroloom.runner.report.model import EliteMap, EliteMaps, MethodView

HEIGHT = 220.0
MOST = 6  # maps of a task
LEVELS, FAINT = 12, 0.08  # strengths of colour, and the faintest
_LOW = 0.05  # the share of cells, the least fit ones, that look alike

Floats = NDArray[np.float64]


def view(
    maps: Mapping[str, Sequence[Mapping[str, Any]]], ran: Sequence[str], methods: Mapping[str, MethodView]
) -> EliteMaps | None:
    """Return the maps of a task's methods, or None where none keeps one.

    Args:
        maps: method -> the maps of its trials, as ``row.front`` has them.
        ran: methods with a finished trial, the best first.
        methods: label -> method.
    """
    told = [name for name in ran if maps.get(name)]
    if not told:
        return None
    made = tuple(_mean(methods[name].number, maps[name]) for name in told[:MOST])
    values = np.concatenate([one.fitness[np.isfinite(one.fitness)] for one in made])
    if not len(values):
        return None
    low, high = float(np.quantile(values, _LOW)), float(values.max())
    left = numbers.left_out("maps", told[MOST:])
    return EliteMaps(made, low, high, bool(values.min() < low), left)


def _mean(number: int, trials: Sequence[Mapping[str, Any]]) -> EliteMap:
    """Return the mean map of a method's trials; those with other cells than the first are left out."""
    first = trials[0]

    def cells(one: Mapping[str, Any]) -> Floats:
        return np.array([[math.nan if v is None else v for v in row] for row in one["fitness"]])

    alike = [
        one for one in trials if one["ranges"] == first["ranges"] and cells(one).shape == cells(first).shape
    ]
    held = np.stack([cells(one) for one in alike])
    there = np.isfinite(held)
    count = there.sum(axis=0)
    total = np.where(there, held, 0.0).sum(axis=0)
    mean = np.divide(total, count, out=np.full(total.shape, math.nan), where=count > 0)

    def known(name: str) -> float:
        values = [one[name] for one in alike if name in one]
        return float(np.mean(values)) if values else math.nan

    ranges = tuple((float(low), float(high)) for low, high in first["ranges"])
    names = tuple(str(name) for name in first["axes"])
    return EliteMap(number, names, ranges, mean, len(alike), known("coverage"), known("qd_score"))


def caption(one: EliteMap) -> str:
    """Return what a map comes to, in a sentence."""
    said = (
        [f"{numbers.fixed(100 * one.coverage, 0)} % of cells filled"] if math.isfinite(one.coverage) else []
    )
    if math.isfinite(one.qd_score):
        said.append(f"QD-score {numbers.fixed(one.qd_score, numbers.decimals_for(abs(one.qd_score)))}")
    if one.trials > 1:
        said.append(f"mean of {one.trials} trials")
    return ", ".join(said)


def level(value: float, low: float, high: float) -> int:
    """Return which of ``LEVELS`` strengths of colour a fitness has, from 0."""
    place = (value - low) / (high - low) if high > low else 1.0
    return round((LEVELS - 1) * min(max(place, 0.0), 1.0))


def _opacity(which: int) -> str:
    return f"{FAINT + (1 - FAINT) * which / (LEVELS - 1):.2f}"


def draw(one: EliteMap, low: float, high: float, name: str) -> Markup:
    """Return a map as a figure, the first number across and the second up; a path for each strength of colour."""
    flat = len(one.names) == 1
    x, y = (axes.Scale(*ends) for ends in (*one.ranges, (0.0, 1.0))[:2])
    a, b = one.fitness.shape
    across = np.linspace(0, 1000, a + 1).round().astype(int)
    down = np.linspace(0, 4 * HEIGHT, b + 1).round().astype(int)
    cells: dict[int, list[str]] = {}
    for i, j in zip(*np.nonzero(np.isfinite(one.fitness)), strict=True):
        left, top = across[i], down[b - 1 - j]
        wide, tall = across[i + 1] - left, down[b - j] - top
        which = level(float(one.fitness[i, j]), low, high)
        cells.setdefault(which, []).append(f"M{left} {top}h{wide}v{tall}h-{wide}z")
    paths = [
        axes.tag("path", d="".join(d), class_="el", fill_opacity=_opacity(k))
        for k, d in sorted(cells.items())
    ]
    up = "" if flat else _title(one.names[1])
    frame = axes.Frame(x, y, HEIGHT, _title(one.names[0]), up, None, (lambda _: "") if flat else None)
    label = f"Fitness of {name}'s elites by {' and '.join(one.names)}; {caption(one)}"
    return frame.draw(axes.stretched(HEIGHT, axes.joined(paths)), label)


def _title(name: str) -> str:
    return name[:1].upper() + name[1:]


def key() -> Markup:
    """Return the key of the colours, from the least fit to the fittest."""
    cells = [
        axes.tag("path", d=f"M{12 * k} 0h12v12h-12z", class_="el", fill_opacity=_opacity(k))
        for k in range(LEVELS)
    ]
    return axes.tag(
        "svg", axes.joined(cells), class_="elkey", width=12 * LEVELS, height=12, aria_hidden="true"
    )


def key_ends(held: EliteMaps) -> tuple[str, str]:
    """Return what the ends of the key stand for."""
    decimals = numbers.decimals_for(max(abs(held.low), abs(held.high), 1e-12))
    less = " or less" if held.below else ""
    return f"{numbers.fixed(held.low, decimals)}{less}", numbers.fixed(held.high, decimals)
