"""Pictures of wavelet analyses. Needs matplotlib."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from neuroloom.core.errors import InputError
from neuroloom.core.plotting import INK, axes, pyplot

if TYPE_CHECKING:
    from neuroloom.signal.changes import ChangePoints
    from neuroloom.signal.compression import Compressed
    from neuroloom.signal.cross_wavelet import Coherence
    from neuroloom.signal.denoising import Denoised
    from neuroloom.signal.dual_tree_transform import DualTree
    from neuroloom.signal.edge_maxima import Edges
    from neuroloom.signal.events import Transients
    from neuroloom.signal.packet_basis import BestBasis
    from neuroloom.signal.ridge_paths import Ridges
    from neuroloom.signal.scale_statistics import ScaleStatistic
    from neuroloom.signal.synchrosqueezing import Synchrosqueezed
    from neuroloom.signal.transform import CWT

BEFORE, AFTER, MARK = "#b4bcc4", "#2166ac", "#c4452f"


def plot_cwt(
    transform: CWT, ax: Any = None, *, which: int = 0, corrected: bool = True, level: float | None = 0.95
) -> Any:
    """Draw a scalogram: power over time and period, the cone of influence, and red noise's ``level``.

    Args:
        transform: of one or more signals.
        ax: matplotlib axes, or None for new ones.
        which: row of the signal to draw, counted over all leading axes.
        corrected: whether L2 power is divided by the scale, so that equal waves look equal.
        level: confidence level of the contour; None draws none.

    Returns:
        the matplotlib axes.
    """
    n = transform.signal.shape[-1]
    power = transform.power(corrected and transform.normalization == "L2").reshape(
        -1, len(transform.scales), n
    )
    ax = axes(ax, (8.0, 4.0))
    shown = power[_row(which, len(power))]
    top = np.quantile(shown, 0.999)
    mesh = ax.pcolormesh(
        transform.times,
        transform.periods,
        np.minimum(shown, top),
        cmap="viridis",
        shading="nearest",
        rasterized=True,
    )
    if level is not None:
        ratio = transform.significance(level).ratio.reshape(power.shape)[which]
        ax.contour(transform.times, transform.periods, ratio, [1.0], colors="white", linewidths=1.0)
    _cone(ax, transform.times, transform.cone, transform.periods)
    _period_axis(ax, transform.periods)
    name = "power" if transform.normalization == "L1" or not corrected else "power / scale"
    ax.figure.colorbar(mesh, ax=ax, label=name, pad=0.015)
    return ax


def plot_coherence(found: Coherence, ax: Any = None, *, arrows: int = 22) -> Any:
    """Draw squared coherence, its significance, the cone of influence and the phase as arrows.

    Arrows point right where the signals are in phase and up where x leads by a quarter.

    Args:
        found: the coherence.
        ax: matplotlib axes, or None for new ones.
        arrows: how many along the time axis, 0 for none; they stand where the coherence is significant, or above 0.5
            without surrogates.
    """
    ax = axes(ax, (8.0, 4.0))
    mesh = ax.pcolormesh(
        found.times,
        found.periods,
        found.values,
        cmap="viridis",
        vmin=0,
        vmax=1,
        shading="nearest",
        rasterized=True,
    )
    tested = np.isfinite(found.threshold).any()
    if tested:
        ratio = found.values / np.where(np.isfinite(found.threshold), found.threshold, np.inf)[:, None]
        ax.contour(found.times, found.periods, ratio, [1.0], colors="white", linewidths=1.0)
    _cone(ax, found.times, found.cone, found.periods)
    if arrows:
        strong = found.significant if tested else found.values > 0.5
        times = np.linspace(0, len(found.times) - 1, arrows + 2).round().astype(int)[1:-1]
        scales = np.arange(0, len(found.periods), max(1, len(found.periods) // 14))
        j, k = (part.ravel() for part in np.meshgrid(scales, times, indexing="ij"))
        shown = strong[j, k]
        angle = found.phase[j, k][shown]
        ax.quiver(
            found.times[k][shown], found.periods[j][shown], np.cos(angle), np.sin(angle), scale=38, width=0.0022,
            headwidth=4, color="black", pivot="middle",
        )  # fmt: skip
    _period_axis(ax, found.periods)
    ax.figure.colorbar(mesh, ax=ax, label="squared coherence", pad=0.015)
    return ax


def plot_denoised(found: Denoised, ax: Any = None) -> Any:
    """Draw the first signal (or image) before and after."""
    if found.images:
        noisy, clean = (one.reshape(-1, *one.shape[-2:])[0] for one in (found.noisy, found.signal))
        if ax is None:
            _, ax = pyplot().subplots(1, 2, figsize=(8.4, 4.2), layout="constrained")
        low, high = np.quantile(noisy, [0.01, 0.99])
        for one, picture, title in zip(ax, (noisy, clean), ("given", "denoised"), strict=True):
            one.imshow(picture, cmap="gray", vmin=low, vmax=high)
            one.set_title(title, fontsize=10, color=INK)
            one.set_axis_off()
        return ax
    n = found.signal.shape[-1]
    ax = axes(ax)
    ax.plot(found.noisy.reshape(-1, n)[0], color=BEFORE, linewidth=0.8, label="given")
    ax.plot(found.signal.reshape(-1, n)[0], color=AFTER, linewidth=1.4, label="denoised")
    ax.set_xlabel("sample")
    ax.margins(x=0.01)
    ax.legend(frameon=False, loc="best", fontsize=9)
    return ax


def plot_compressed(found: Compressed, original: Any = None, ax: Any = None) -> Any:
    """Draw the approximation, over or beside the original if given."""
    title = f"{found.ratio:.3g} to 1, {found.snr:.1f} dB"
    given = None if original is None else np.asarray(original, dtype=np.float64)
    if given is not None and given.shape != found.shape:
        raise InputError(f"`original` must have shape {found.shape}, but has {given.shape}.")
    if len(found.shape) == 2:
        pictures = [found.signal] if given is None else [given, found.signal]
        if ax is None:
            _, ax = pyplot().subplots(
                1, len(pictures), figsize=(4.2 * len(pictures), 4.2), layout="constrained"
            )
        for one, picture, name in zip(
            np.atleast_1d(ax), pictures, ["original", title][-len(pictures) :], strict=True
        ):
            one.imshow(picture, cmap="gray")
            one.set_title(name, fontsize=10, color=INK)
            one.set_axis_off()
        return ax
    ax = axes(ax)
    if given is not None:
        ax.plot(given, color=BEFORE, linewidth=1.0, label="original")
    ax.plot(found.signal, color=AFTER, linewidth=1.3, label=title)
    ax.set_xlabel("sample")
    ax.margins(x=0.01)
    ax.legend(frameon=False, loc="best", fontsize=9)
    return ax


def plot_change_points(found: ChangePoints, ax: Any = None) -> Any:
    """Draw the signal, its piecewise level and spread, and the change points."""
    ax = axes(ax)
    n = len(found.signal)
    ax.plot(found.signal, color=BEFORE, linewidth=0.8)
    edges = [0, *found.positions.tolist(), n]
    for k, (start, stop) in enumerate(pairwise(edges)):
        part = found.signal[start:stop]
        centre, spread = part.mean(), part.std()
        at = [start, stop - 1]
        ax.plot(at, [centre] * 2, color=AFTER, linewidth=1.6, label="mean ± deviation" if k == 0 else None)
        ax.fill_between(at, centre - spread, centre + spread, color=AFTER, alpha=0.15, linewidth=0)
    for k, position in enumerate(found.positions):
        ax.axvline(position, color=MARK, linewidth=1.0, linestyle="--", label="change" if k == 0 else None)
    ax.set_xlabel("sample")
    ax.margins(x=0.01)
    ax.legend(frameon=False, loc="best", fontsize=9)
    return ax


def plot_scale_statistic(found: ScaleStatistic, ax: Any = None) -> Any:
    """Draw a statistic of each scale with its confidence intervals."""
    ax = axes(ax, (6.0, 4.0))
    told = np.isfinite(found.values)
    low = np.where(np.isfinite(found.low), found.low, found.values)[told]
    high = np.where(np.isfinite(found.high), found.high, found.values)[told]
    values, scales = found.values[told], found.scales[told]
    ax.errorbar(
        scales, values, yerr=[values - low, high - values], color=AFTER, marker="o", markersize=4.5,
        linewidth=1.2, capsize=3, label=f"{found.confidence:.0%} interval",
    )  # fmt: skip
    ax.set_xscale("log", base=2)
    if found.name == "variance":
        ax.set_yscale("log")
    else:
        ax.axhline(0, color=BEFORE, linewidth=0.8, zorder=0)
        ax.set_ylim(-1.05, 1.05)
    ax.set_xlabel("scale")
    ax.set_ylabel(f"wavelet {found.name}")
    ax.legend(frameon=False, loc="best", fontsize=9)
    return ax


def plot_ridges(found: Ridges, ax: Any = None) -> Any:
    """Draw the ridges over the scalogram they were found in, by period."""
    ax = plot_cwt(found.transform, ax, level=None)
    for k, frequencies in enumerate(found.frequencies):
        ax.plot(
            found.transform.times,
            1 / frequencies,
            color=MARK,
            linewidth=1.6,
            label="ridge" if k == 0 else None,
        )
    ax.legend(frameon=False, loc="upper right", fontsize=9, labelcolor="white")
    return ax


def plot_synchrosqueezed(found: Synchrosqueezed, ax: Any = None) -> Any:
    """Draw the size of a synchrosqueezed transform over time and frequency."""
    ax = axes(ax, (8.0, 4.0))
    size = np.abs(found.values)
    top = np.quantile(size[size > 0], 0.98) if (size > 0).any() else 1.0
    mesh = ax.pcolormesh(
        found.transform.times, found.frequencies, np.minimum(size, top), cmap="viridis", shading="nearest",
        rasterized=True,
    )  # fmt: skip
    ax.set_yscale("log", base=2)
    ax.set_xlabel("time")
    ax.set_ylabel("frequency")
    ax.figure.colorbar(mesh, ax=ax, label="size", pad=0.015)
    return ax


def plot_transients(found: Transients, ax: Any = None) -> Any:
    """Draw the signal, where its events begin and end, and their periods above."""
    ax = axes(ax)
    times = found.transform.times
    ax.plot(times, found.transform.signal, color=BEFORE, linewidth=0.8)
    top = float(found.transform.signal.max())
    for k in range(len(found)):
        begin, end = times[found.starts[k]], times[found.ends[k] - 1]
        ax.axvspan(begin, end, color=AFTER, alpha=0.18, linewidth=0)
        at = times[found.positions[k]]
        ax.plot(at, found.transform.signal[found.positions[k]], "v", color=MARK, markersize=6)
        ax.annotate(
            f"{found.periods[k]:.3g}", (at, top), (0, 4), textcoords="offset points", ha="center", fontsize=8,
            color=INK,
        )  # fmt: skip
    ax.set_xlabel("time; above, the period of each event")
    ax.margins(x=0.01, y=0.12)
    return ax


def plot_best_basis(found: BestBasis, ax: Any = None) -> Any:
    """Draw the squared coefficients of the first signal as tiles of time and frequency, each of its packet's form."""
    from matplotlib.patches import Rectangle

    ax = axes(ax, (8.0, 4.0))
    first = [part.reshape(-1, part.shape[-1])[0] for part in found.coefficients]
    n = sum(map(len, first))
    top = np.log10(max(float((part**2).max()) for part in first) + 1e-300)
    shades = pyplot().get_cmap("viridis")
    for place, path, part in zip(found.places, found.paths, first, strict=True):
        height, width = 0.5 / 2 ** len(path), n / len(part)
        levels = (np.log10(part**2 + 1e-300) - top + 4) / 4  # four decades
        for k, shade in enumerate(np.clip(levels, 0, 1)):
            ax.add_patch(
                Rectangle((k * width, place * height), width, height, facecolor=shades(shade), linewidth=0)
            )
        ax.axhline(place * height, color="white", linewidth=0.4)
    ax.set(xlim=(0, n), ylim=(0, 0.5), xlabel="sample", ylabel="cycles per sample")
    return ax


def plot_dual_tree(found: DualTree, ax: Any = None) -> Any:
    """Draw the moduli of the first signal, level 1 on top, each level by its own largest."""
    ax = axes(ax, (8.0, 4.0))
    n = 2 * found.details[0].shape[-1]
    for j, band in enumerate(found.details, 1):
        size = np.abs(band.reshape(-1, band.shape[-1])[0])
        edges = np.linspace(0, n, len(size) + 1)
        shades = size[None] / (size.max() or 1.0)
        ax.pcolormesh(edges, [j - 0.48, j + 0.48], shades, cmap="viridis", vmin=0, vmax=1, rasterized=True)
    ax.set(
        xlim=(0, n), xlabel="sample", ylabel="level (fine to coarse)", yticks=range(1, len(found.details) + 1)
    )
    ax.invert_yaxis()
    ax.figure.colorbar(ax.collections[-1], ax=ax, label="modulus, of its level's largest")
    return ax


def plot_edges(found: Edges, ax: Any = None) -> Any:
    """Draw the image and, beside it, the edges of each scale, coloured by their orientation."""
    count = 1 + len(found.scales)
    if ax is None:
        height, width = found.image.shape
        _, ax = pyplot().subplots(
            1, count, figsize=(3.4 * count, 3.4 * height / width + 0.4), layout="constrained"
        )
    panels = np.atleast_1d(ax)
    panels[0].imshow(found.image, cmap="gray")
    panels[0].set_title("given", fontsize=10, color=INK)
    for k, scale in enumerate(found.scales):
        turned = np.where(found.marked[k], found.orientation[k], np.nan)
        panels[k + 1].imshow(turned, cmap="hsv", vmin=-np.pi, vmax=np.pi, interpolation="nearest")
        panels[k + 1].set_title(f"edges at scale {scale:g}", fontsize=10, color=INK)
    for one in panels:
        one.set_axis_off()
    return ax


def _row(which: int, count: int) -> int:
    if not 0 <= which < count:
        raise InputError(f"`which` must be a signal from 0 to {count - 1}, but got {which}.")
    return which


def _cone(ax: Any, times: Any, cone: Any, periods: Any) -> None:
    """Shade what the ends of the signal reach."""
    low, high = periods.min(), periods.max()
    edge = np.clip(cone, low, high)
    ax.fill_between(
        times, edge, high, facecolor="white", alpha=0.45, hatch="///", edgecolor="#ffffff80", linewidth=0
    )
    ax.set_xlim(times[0], times[-1])


def _period_axis(ax: Any, periods: Any) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    ax.set_yscale("log", base=2)
    ax.set_ylim(periods.max(), periods.min())
    ax.yaxis.set_major_locator(LogLocator(base=2))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.set_ylabel("period")
    ax.set_xlabel("time")
