"""Pictures of what autoencoders and samplers do: samples, reconstructions, the plane of codes. Needs matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_int
from neuroloom.core.errors import InputError
from neuroloom.core.plotting import INK, axes, pyplot

GIVEN, MADE = "#b4bcc4", "#2166ac"
_GAP = 1  # pixels between pictures


def plot_samples(
    X: Any, ax: Any = None, *, columns: int = 10, limits: tuple[float, float] | None = None
) -> Any:
    """Draw pictures side by side, or series one over the other's neighbour.

    Args:
        X: ``(n, channels, height, width)`` pictures of 1 or 3 channels, or ``(n, channels, length)`` series, of which
            the first channel is drawn.
        ax: matplotlib axes, or None for new ones.
        columns: how many in a row, at least 1.
        limits: the values that are drawn white and black (low and high); None takes the least and the greatest.

    Returns:
        the matplotlib axes.

    Raises:
        InputError: ``X`` holds neither.
    """
    values = _signals(X)
    columns = min(check_int("columns", columns), len(values))
    rows = -(-len(values) // columns)
    if ax is None:
        wide = 2.0 if values.ndim == 3 else 0.8
        size = (max(2.0, wide * columns), max(1.0, 0.8 * rows))
        _, ax = pyplot().subplots(figsize=size, layout="constrained")
    if values.ndim == 3:
        _tile_series(ax, values[:, 0], columns, MADE, limits)
    else:
        _tile_pictures(ax, values, columns, limits or (values.min(), values.max()))
    ax.set_axis_off()
    return ax


def plot_reconstructions(
    model: Any, X: Any, ax: Any = None, *, limits: tuple[float, float] | None = None
) -> Any:
    """Draw samples and, below or over each, what a fitted autoencoder makes of them.

    Args:
        model: with ``reconstruct``.
        X: a few pictures or series, drawn in one row.
        ax: matplotlib axes, or None for new ones.
        limits: the values that are drawn white and black (low and high); None takes those of ``X``.

    Returns:
        the matplotlib axes.

    Raises:
        InputError: ``X`` holds neither.
    """
    values, made = _signals(X), _signals(model.reconstruct(X))
    n = len(values)
    if ax is None:
        wide = 2.0 if values.ndim == 3 else 0.8
        _, ax = pyplot().subplots(figsize=(max(2.0, wide * n), 1.8), layout="constrained")
    if values.ndim == 3:
        ends = min(values.min(), made.min()), max(values.max(), made.max())
        _tile_series(ax, values[:, 0], n, GIVEN, limits or ends, "given")
        _tile_series(ax, made[:, 0], n, MADE, limits or ends, "reconstructed")
        ax.legend(
            frameon=False, loc="upper left", bbox_to_anchor=(0, -0.02), ncols=2, fontsize=9, labelcolor=INK
        )
    else:
        _tile_pictures(ax, np.concatenate([values, made]), n, limits or (values.min(), values.max()))
    ax.set_axis_off()
    return ax


def plot_codes(codes: Any, labels: Any = None, ax: Any = None) -> Any:
    """Draw codes as points of a plane: their two numbers, or the first two principal components of more.

    Args:
        codes: ``(n, code)`` of at least 2 numbers, as ``transform`` gives them.
        labels: ``(n,)`` classes or numbers that colour the points, or None.
        ax: matplotlib axes, or None for new ones.

    Returns:
        the matplotlib axes.

    Raises:
        InputError: codes of fewer than two numbers, or another number of labels.
    """
    points = np.asarray(codes, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] < 2:
        raise InputError(
            f"expected codes of shape (n, 2 or more), but got {points.shape}; fit with code=2 or more."
        )
    if labels is not None and len(labels) != len(points):
        raise InputError(f"expected a label for each of {len(points)} codes, but got {len(labels)}.")
    names: Sequence[str] = ("code 0", "code 1")
    if points.shape[1] > 2:
        centred = points - points.mean(axis=0)
        points = centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T
        names = ("first principal component of the code", "second")
    ax = axes(ax, (6.0, 5.0))
    if labels is None:
        ax.scatter(*points.T, s=8, color=MADE, linewidths=0)
    elif np.asarray(labels).dtype.kind == "f":
        drawn = ax.scatter(*points.T, s=8, c=np.asarray(labels), cmap="viridis", linewidths=0)
        ax.figure.colorbar(drawn, ax=ax, pad=0.015)
    else:
        kinds, which = np.unique(np.asarray(labels), return_inverse=True)
        colours = pyplot().get_cmap("tab10" if len(kinds) <= 10 else "tab20")
        for k, kind in enumerate(kinds):
            at = points[which == k]
            ax.scatter(*at.T, s=8, color=colours(k % colours.N), linewidths=0, label=str(kind))
        ax.legend(
            frameon=False, fontsize=9, markerscale=2, loc="upper left", bbox_to_anchor=(1, 1), labelcolor=INK
        )
    ax.set_xlabel(names[0])
    ax.set_ylabel(names[1])
    return ax


def _signals(X: Any) -> NDArray[np.float64]:
    values = np.asarray(X, dtype=np.float64)
    if values.ndim not in (3, 4) or (values.ndim == 4 and values.shape[1] not in (1, 3)):
        raise InputError(
            f"expected pictures (n, 1 or 3, height, width) or series (n, channels, length), but got {values.shape}."
        )
    return values


def _tile_pictures(ax: Any, pictures: NDArray[np.float64], columns: int, limits: tuple[float, float]) -> None:
    """Draw pictures on one white sheet."""
    n, channels, height, width = pictures.shape
    low, high = float(limits[0]), float(limits[1])
    grey = channels == 1  # drawn with low white, as ink is
    shown = pictures if grey else np.clip((pictures - low) / max(high - low, 1e-12), 0, 1)
    size = (-(-n // columns) * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP)
    sheet = np.full((channels, *size), low if grey else 1.0)
    for k, picture in enumerate(shown):
        top, left = k // columns * (height + _GAP), k % columns * (width + _GAP)
        sheet[:, top : top + height, left : left + width] = picture
    if grey:
        ax.imshow(sheet[0], cmap="gray_r", vmin=low, vmax=high)
    else:
        ax.imshow(np.moveaxis(sheet, 0, -1))


def _tile_series(
    ax: Any,
    series: NDArray[np.float64],
    columns: int,
    colour: str,
    limits: tuple[float, float] | None = None,
    label: str | None = None,
) -> None:
    low, high = limits if limits is not None else (series.min(), series.max())
    t = np.linspace(0, 0.92, series.shape[1])
    for k, one in enumerate(series):
        height = 0.85 * (one - low) / max(high - low, 1e-12) - k // columns
        ax.plot(t + k % columns, height, color=colour, linewidth=1.1, label=label if k == 0 else None)
