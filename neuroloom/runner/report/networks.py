"""Evolved networks: the champion of a method's first trial, inputs on the left, outputs on the right."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from neuroloom.runner.report import axes, numbers
from neuroloom.runner.report.model import EvolvedNetwork, EvolvedNetworks, MethodView

MOST = 6  # networks of a task
WIDTH, HEIGHT, EDGE = 360.0, 220.0, 14.0
_LEVELS = 4  # widths of lines

Place = tuple[float, float]


def view(
    held: Mapping[str, Mapping[tuple[int, int], Mapping[str, Any]]],
    ran: Sequence[str],
    methods: Mapping[str, MethodView],
) -> EvolvedNetworks | None:
    """Return the networks of a task's methods, or None where none evolves one.

    Args:
        held: method -> (seed, fold) -> the network of that trial, as ``row.front`` has it.
        ran: methods with a finished trial, the best first.
        methods: label -> method.
    """
    told = [name for name in ran if held.get(name)]
    if not told:
        return None
    left = numbers.left_out("networks", told[MOST:])
    return EvolvedNetworks(tuple(_first(methods[name].number, held[name]) for name in told[:MOST]), left)


def _first(number: int, trials: Mapping[tuple[int, int], Mapping[str, Any]]) -> EvolvedNetwork:
    seed, fold = min(trials)
    one = trials[seed, fold]
    layers = tuple(tuple(int(i) for i in layer) for layer in one["layers"])
    there = {i for layer in layers for i in layer}
    edges = tuple(
        (int(source), int(target), float(weight))
        for source, target, weight in one["edges"]
        if source in there and target in there and math.isfinite(weight)
    )
    counts = int(one["inputs"]), int(one["hidden"]), int(one["connections"])
    return EvolvedNetwork(number, str(one.get("what", "network")), layers, edges, counts, (seed, fold))


def caption(one: EvolvedNetwork) -> str:
    """Return what a network is, in a sentence."""
    inputs, hidden, connections = one.counts
    said = [f"{inputs} input{'s' * (inputs != 1)}", f"{hidden} hidden"]
    said.append(f"{connections:,} connection{'s' * (connections != 1)}")
    if len(one.edges) < connections:
        said[-1] += f", the {len(one.edges)} strongest drawn"
    seed, fold = one.trial
    return f"{one.what[:1].upper()}{one.what[1:]} of seed {seed}, fold {fold}: {', '.join(said)}"


def draw(one: EvolvedNetwork, name: str) -> Markup:
    """Return a network as a figure: wider lines for larger weights, one colour for each sign."""
    at = _places(one.layers)
    largest = max((abs(weight) for _, _, weight in one.edges), default=1.0) or 1.0
    lines: dict[tuple[bool, int], list[str]] = {}
    for source, target, weight in one.edges:
        level = min(int(_LEVELS * abs(weight) / largest), _LEVELS - 1)
        lines.setdefault((weight < 0, level), []).append(_course(at[source], at[target], source == target))
    parts = [
        axes.tag(
            "path", d="".join(d), class_="wn" if negative else "wp", stroke_width=f"{0.7 + 0.9 * level:g}"
        )
        for (negative, level), d in sorted(lines.items())
    ]
    for k, layer in enumerate(one.layers):
        css = "ni" if k == 0 else "no" if k == len(one.layers) - 1 else "nh"
        parts += [
            axes.tag("circle", cx=f"{at[i][0]:g}", cy=f"{at[i][1]:g}", r="4.5", class_=css) for i in layer
        ]
    return axes.tag(
        "svg", axes.joined(parts), class_="net", viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}", role="img",
        aria_label=f"{name}: {caption(one)}",
    )  # fmt: skip


def _places(layers: Sequence[Sequence[int]]) -> dict[int, Place]:
    found = {}
    for k, layer in enumerate(layers):
        x = EDGE + (WIDTH - 2 * EDGE) * (k / max(len(layers) - 1, 1))
        shift = (
            0.0 if k in (0, len(layers) - 1) else 9.0 * (-1) ** k
        )  # so that lines past a layer miss its nodes
        for j, i in enumerate(layer):
            found[i] = round(x, 1), round(HEIGHT * (j + 1) / (len(layer) + 1) + shift, 1)
    return found


def _course(start: Place, end: Place, itself: bool) -> str:
    """Return the path of a connection: straight onwards, an arc back or round to the node itself."""
    (x, y), (u, v) = start, end
    if itself:
        return f"M{x:g} {y:g}c-22 -26 22 -26 0 0"
    if u > x:
        return f"M{x:g} {y:g}L{u:g} {v:g}"
    return f"M{x:g} {y:g}Q{(x + u) / 2:g} {min(y, v) - 34:g} {u:g} {v:g}"
