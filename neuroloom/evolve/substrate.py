"""Substrates: neurons with places, whose connections a CPPN writes as a pattern over pairs of places.

Stanley, D'Ambrosio and Gauci (2009), "A hypercube-based encoding for evolving large-scale neural networks". Link
expression
output: Verbancsics and Stanley (2011), "Constraining connectivity to encourage modularity in HyperNEAT".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core import plotting
from neuroloom.core.errors import InputError
from neuroloom.evolve.cppn import grid

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Substrate:
    """Sheets of neurons in a space of any number of dimensions, and which sheet feeds which.

    Args:
        sheets: ``(n, d)`` places of the neurons of each sheet, all of one d; the first is the input, the last the
            output.
        links: pairs of sheets, a source before its target; None joins each sheet to the next.

    Raises:
        InputError: there are fewer than two sheets, they differ in dimensions, a link runs back, or a sheet behind the
            first gets nothing.

    Source:
        Stanley, D'Ambrosio and Gauci (2009), "A hypercube-based encoding for evolving large-scale neural networks".
    """

    sheets: tuple[Floats, ...]
    links: tuple[tuple[int, int], ...] | None = None

    def __post_init__(self) -> None:
        sheets = tuple(np.ascontiguousarray(sheet, dtype=np.float64) for sheet in self.sheets)
        shapes = [sheet.shape for sheet in sheets]
        if len(sheets) < 2 or any(len(s) != 2 or 0 in s for s in shapes) or len({s[1] for s in shapes}) > 1:
            raise InputError(
                f"`sheets` must be at least two arrays (n, d) of places, all of one d, but have shapes {shapes}."
            )
        links = self.links if self.links is not None else tuple((i, i + 1) for i in range(len(sheets) - 1))
        for a, b in links:
            if not 0 <= a < b < len(sheets):
                raise InputError(
                    f"a link must run from a sheet to a later one of {len(sheets)}, counted from 0, but got {(a, b)}."
                )
        missing = set(range(1, len(sheets))) - {b for _, b in links}
        if missing or len(set(links)) < len(links):
            raise InputError(
                f"each sheet behind the first needs a link to it, each link once; {sorted(missing)} have none."
            )
        object.__setattr__(self, "sheets", sheets)
        object.__setattr__(self, "links", tuple(sorted(links, key=lambda link: (link[1], link[0]))))

    @staticmethod
    def layered(inputs: int, hidden: Sequence[int], outputs: int, skip: bool = False) -> Substrate:
        """Return lines of neurons above one another in the plane, from inputs at the bottom to outputs at the top.

        Each line feeds the next; with ``skip`` the inputs feed the outputs, too.
        """
        counts = [inputs, *hidden, outputs]
        heights = np.linspace(-1, 1, len(counts))
        lines = [np.column_stack([_line(n), np.full(n, y)]) for n, y in zip(counts, heights, strict=True)]
        links = [(i, i + 1) for i in range(len(counts) - 1)]
        if skip and len(hidden):
            links.append((0, len(counts) - 1))
        return Substrate(tuple(lines), tuple(links))

    @staticmethod
    def sandwich(height: int, width: int | None = None, hidden: int = 0) -> Substrate:
        """Return a sheet of ``height`` × ``width`` inputs below one of as many outputs (state-space sandwich).

        The third coordinate is the sheet's, from -1 to 1, with ``hidden`` sheets of the same size between.
        """
        flat = grid(height, height if width is None else width)
        levels = np.linspace(-1, 1, hidden + 2)
        return Substrate(tuple(np.column_stack([flat, np.full(len(flat), z)]) for z in levels))

    @property
    def dimensions(self) -> int:
        """How many coordinates a neuron has."""
        return int(self.sheets[0].shape[1])

    @property
    def joined(self) -> tuple[tuple[int, int], ...]:
        """The links, by target and source."""
        assert self.links is not None
        return self.links

    @cached_property
    def queries(self) -> Floats:
        """``(connections, 2 d + 2)``: for every possible connection its source's and target's place, their distance,
        and 1.

        Link after link in the order of :attr:`joined`, within one target by target and each target's sources in order;
        then one row for the bias of every neuron behind the input, its source at the origin, sheet by sheet.
        """
        rows = []
        for a, b in self.joined:
            source = np.tile(self.sheets[a], (len(self.sheets[b]), 1))
            rows.append(np.hstack([source, np.repeat(self.sheets[b], len(self.sheets[a]), axis=0)]))
        for sheet in self.sheets[1:]:
            rows.append(np.hstack([np.zeros_like(sheet), sheet]))
        every = np.concatenate(rows)
        d = self.dimensions
        far = np.sqrt(((every[:, :d] - every[:, d:]) ** 2).sum(axis=1))
        return np.column_stack([every, far, np.ones(len(every))])

    def plot(self, weights: Any = None, ax: Any = None) -> Any:
        """Draw the neurons, and the connections of a fitted network where ``weights`` are given; return the axes.

        Args:
            weights: for each link of :attr:`joined` ``(targets, sources)``, as :meth:`SubstrateNetwork.weights` holds
                them.
            ax: matplotlib axes; None makes a figure.
        """
        if ax is None:
            _, ax = plotting.pyplot().subplots(figsize=(6.4, 5.2), layout="constrained")
        places = [flat(sheet) for sheet in self.sheets]
        ends, drawn = [], []
        for (a, b), matrix in zip(self.joined, weights or (), strict=False):
            targets, sources = np.nonzero(matrix)
            ends.append(np.stack([places[a][sources], places[b][targets]], axis=1))
            drawn.append(matrix[targets, sources])
        if ends:
            draw_links(ax, np.concatenate(ends), np.concatenate(drawn))
        return draw_neurons(ax, places)


def draw_links(ax: Any, ends: Floats, weights: Any) -> None:
    """Draw connections ``ends (n, 2, 2)``, blue above 0 and red below, the thicker the nearer to the largest."""
    from matplotlib.collections import LineCollection

    if not len(ends):
        return
    share = np.abs(weights) / (float(np.abs(weights).max()) or 1.0)
    thin = min(1.0, (60 / len(ends)) ** 0.5)  # so that many do not hide one another
    colours = ["#0072b2" if weight > 0 else "#d55e00" for weight in weights]
    ax.add_collection(
        LineCollection(
            list(ends), colors=colours, linewidths=0.2 + 2.4 * thin * share, alpha=0.2 + 0.7 * share, zorder=1
        )
    )


def draw_neurons(ax: Any, sheets: Sequence[Floats]) -> Any:
    """Draw sheets of neurons ``(n, 2)``, the first as inputs and the last as outputs; return the axes."""
    for i, place in enumerate(sheets):
        colour = "#009e73" if i == 0 else "#cc79a7" if i == len(sheets) - 1 else "#7a7f85"
        ax.scatter(*place.T, s=36, color=colour, edgecolors="white", linewidths=0.6, zorder=2)
    ax.set_aspect("equal")
    ax.axis("off")
    return ax


def flat(sheet: Floats) -> Floats:
    """Return ``(n, 2)`` places in the plane of a picture for places ``(n, d)``."""
    if sheet.shape[1] == 1:
        return np.column_stack([sheet[:, 0], np.zeros(len(sheet))])
    if sheet.shape[1] == 2:
        return sheet
    return np.column_stack([sheet[:, 1] + 0.35 * sheet[:, 0], 0.35 * sheet[:, 0] + 1.4 * sheet[:, 2]])


def _line(count: int) -> Floats:
    return np.zeros(1) if count == 1 else np.linspace(-1, 1, count)
