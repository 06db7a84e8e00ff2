"""Pictures of explanations: bars of parts, colour over a series or a picture. Needs matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core import plotting
from neuroloom.core.checks import check_choice, check_int

if TYPE_CHECKING:
    from neuroloom.methods.explain import Explanation

FOR, AGAINST = "#2166ac", "#c4452f"


def draw(found: Explanation, ax: Any, sample: int | None, output: str | None, most: int) -> Any:
    """Draw an explanation; see :meth:`Explanation.plot`."""
    check_int("most", most)
    if sample is None or found.method == "permutation":
        return _bars(found, ax, most)
    number = check_int("sample", sample, 0, len(found.values) - 1)
    likeliest = found.outputs[int(found.answers[number].argmax())]
    chosen = likeliest if output is None else check_choice("output", output, found.outputs)
    place = found.outputs.index(chosen)
    values = found.values[number, :, place]
    answer, base = found.answers[number, place], found.base[number, place]
    without = f", {base:.3g} without its parts" if np.isfinite(base) else ""
    title = f"sample {number}: {chosen} = {answer:.3g}{without}"
    if found.parts.kind == "table":
        ax = _bars(found, ax, most, values, found.errors[number, :, place])
        ax.set_xlabel(f"what each brings to {chosen}")
    else:
        ax = _over(found, number, ax, values, chosen)
    ax.set_title(title, loc="left", fontsize=10)
    return ax


def _bars(
    found: Explanation,
    ax: Any,
    most: int,
    values: NDArray[np.float64] | None = None,
    errors: NDArray[np.float64] | None = None,
) -> Any:
    if values is None:
        values = found.importance()
        errors = found.errors[0, :, 0] if found.method == "permutation" else np.full(len(values), np.nan)
    assert errors is not None
    shown = np.argsort(-np.abs(values), kind="stable")[:most].tolist()  # largest sizes first
    ax = plotting.axes(ax, (7.0, 0.9 + 0.3 * len(shown)))
    places = np.arange(len(shown))[::-1]
    colours = [FOR if values[i] >= 0 else AGAINST for i in shown]
    ax.barh(places, values[shown], color=colours, height=0.7)
    known = np.isfinite(errors[shown])
    ax.errorbar(
        values[shown][known],
        places[known],
        xerr=2 * errors[shown][known],
        fmt="none",
        ecolor=plotting.INK,
        lw=1,
    )
    ax.set_yticks(places, [found.names[i] for i in shown])
    ax.axvline(0, color=plotting.INK, lw=0.8)
    ax.grid(axis="x", color=plotting.GRID, lw=0.8)
    ax.set_axisbelow(True)
    what = {
        "permutation": "drop in score when shuffled",
        "lime": "mean size of the slope",
        "grad-cam": "mean size of the map",
    }
    ax.set_xlabel(what.get(found.method, "mean size of what each brings"))
    if len(shown) < len(values):
        ax.set_title(f"{len(shown)} of {len(values)} parts", loc="left", fontsize=10)
    return ax


def _over(found: Explanation, number: int, ax: Any, values: NDArray[np.float64], chosen: str) -> Any:
    """Draw a series or a picture, and colour the place of each part by what it brings."""
    parts = found.parts
    limit = float(np.abs(values).max()) or 1.0
    area, sample = values[parts.place], np.asarray(found.samples[number])
    if parts.kind == "image":
        ax = plotting.axes(ax, (5.2, 4.2))
        grey = sample.mean(axis=0)
        shown = ax.imshow(area[0], cmap="RdBu", vmin=-limit, vmax=limit)
        if np.ptp(grey) > 0 and min(grey.shape) > 1:
            middle = (grey.min() + grey.max()) / 2
            ax.contour(grey, levels=[middle], colors=plotting.INK, linewidths=1.5)
        ax.set_xticks([])
        ax.set_yticks([])
    else:
        channels, length = parts.shape
        ax = plotting.axes(ax, (8.0, 1.0 + 1.3 * channels))
        extent = (-0.5, length - 0.5, channels - 0.5, -0.5)
        shown = ax.imshow(
            area, cmap="RdBu", vmin=-limit, vmax=limit, aspect="auto", extent=extent, alpha=0.65
        )
        for c, series in enumerate(sample):
            span = float(np.ptp(series)) or 1.0
            ax.plot(c + 0.4 - 0.8 * (series - series.min()) / span, color=plotting.INK, lw=1.2)
        ax.set_yticks(range(channels), [f"ch{c}" for c in range(channels)])
        ax.set_xlabel("time step")
    ax.figure.colorbar(shown, ax=ax, label=f"what each part brings to {chosen}", shrink=0.9)
    return ax
