"""The parts that a sample is divided into: columns of a table, stretches of a series, patches of a picture."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_int
from neuroloom.core.errors import InputError

STRETCHES, PATCHES = 16, 8


@dataclass(frozen=True, eq=False)
class Parts:
    """What samples of one shape are divided into.

    Args:
        kind: ``"table"``, ``"series"`` or ``"image"``.
        names: a name for each part.
        shape: of one sample.
        place: of the shape of a sample, the number of the part that each value belongs to.
    """

    kind: str
    names: tuple[str, ...]
    shape: tuple[int, ...]
    place: NDArray[np.int64]

    def check(self, X: Any) -> None:
        """Refuse samples of another shape than those that were divided.

        Raises:
            InputError: the shape differs, or there is no sample.
        """
        if tuple(np.shape(X)[1:]) != self.shape or not len(X):
            raise InputError(
                f"`background` must hold samples of shape {self.shape}, as X does, but has shape {np.shape(X)}."
            )

    def mixed(self, X: Any, others: Any, keep: NDArray[np.bool_]) -> Any:
        """Return ``n`` samples whose parts are of ``X`` where ``keep (n, parts)``, elsewhere of ``others``.

        Args:
            X: one sample, or ``n``.
            others: ``n`` samples.
            keep: which parts are of ``X``.
        """
        if hasattr(others, "iloc"):
            made = others.copy()
            for j, column in enumerate(others.columns):
                own = X[column]
                if len(own) == 1:
                    own = own.iloc[np.zeros(len(others), dtype=int)]
                made[column] = others[column].where(~keep[:, j], own.set_axis(others.index))
            return made
        return np.where(keep[:, self.place], np.asarray(X), np.asarray(others))


def divide(X: Any, parts: int | tuple[int, int] | None = None) -> Parts:
    """Return the parts of samples ``X`` of a table, series or pictures.

    Args:
        X: DataFrame or ``(n, columns)``, ``(n, channels, length)``, ``(n, channels, height, width)``.
        parts: stretches of each channel of a series, or rows and columns of a picture's patches; None for the default.

    Raises:
        InputError: the samples are of another kind, or ``parts`` does not fit them.
    """
    if not isinstance(X, np.ndarray) and not hasattr(X, "iloc"):
        raise InputError(
            f"rows of a table, series and pictures can be explained, but got {type(X).__name__}; pass an array or a "
            "DataFrame. A network of nodes tells what it looks at by its own explain(NodeSet(graph, [id]))."
        )
    shape = tuple(int(s) for s in X.shape[1:])
    if len(shape) not in (1, 2, 3) or not len(X):
        raise InputError(
            f"rows of a table (n, columns), series (n, channels, length) or pictures (n, channels, height, width) can "
            f"be explained, but got shape {np.shape(X)}."
        )
    if len(shape) == 1:
        if parts is not None:
            raise InputError("a table is divided into its columns; leave `parts` out.")
        names = [str(c) for c in X.columns] if hasattr(X, "columns") else [f"x{i}" for i in range(shape[0])]
        return Parts("table", tuple(names), shape, np.arange(shape[0]))
    if len(shape) == 2:
        channels, length = shape
        if isinstance(parts, tuple | list):
            raise InputError(f"`parts` of series is one number, stretches of a channel, but got {parts!r}.")
        stretches = check_int("parts", min(STRETCHES, length) if parts is None else parts, 1, length)
        edges = _edges(length, stretches)
        names = [f"ch{c}[{a}:{b}]" for c in range(channels) for a, b in pairwise(edges)]
        along = np.searchsorted(edges, np.arange(length), side="right") - 1
        return Parts("series", tuple(names), shape, np.arange(channels)[:, None] * stretches + along)
    _, height, width = shape
    given = (min(PATCHES, height), min(PATCHES, width)) if parts is None else parts
    rows, columns = (given, given) if isinstance(given, int) else given
    rows, columns = check_int("parts", rows, 1, height), check_int("parts", columns, 1, width)
    up, across = _edges(height, rows), _edges(width, columns)
    names = [f"[{a}:{b}, {c}:{d}]" for a, b in pairwise(up) for c, d in pairwise(across)]
    row, column = (
        np.searchsorted(edges, np.arange(size), side="right") - 1
        for edges, size in ((up, height), (across, width))
    )
    place = np.broadcast_to(row[:, None] * columns + column, shape)
    return Parts("image", tuple(names), shape, np.ascontiguousarray(place))


def _edges(length: int, count: int) -> list[int]:
    """Return where ``count`` stretches of nearly equal length begin and end."""
    return [round(length * k / count) for k in range(count + 1)]
