"""Statistics of wavelet bands, each for all rows of a batch at once.

Rosso et al., "Wavelet entropy" (2001); Bandt and Pompe, "Permutation entropy" (2002); Abry and Veitch, "Wavelet
analysis of long-range-dependent traffic" (1998) for the slopes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

QUANTILES = {"q05": 0.05, "q10": 0.1, "q25": 0.25, "median": 0.5, "q75": 0.75, "q90": 0.9, "q95": 0.95}
BAND_STATISTICS = (
    "energy",
    "relative_energy",
    "entropy",
    "log_energy",
    "permutation_entropy",
    "mean",
    "mean_abs",
    "std",
    "skewness",
    "kurtosis",
    "min",
    *QUANTILES,
    "max",
    "zero_crossings",
    "mean_crossings",
)
SERIES_STATISTICS = ("slope", "hurst")
PAIR_STATISTICS = ("correlation",)
SEGMENT_STATISTICS = ("mean", "log_energy", "q10", "median", "q90")
STATISTICS = (*BAND_STATISTICS, *SERIES_STATISTICS, *PAIR_STATISTICS)


def band_statistics(
    band: Floats, names: Sequence[str], total_energy: Floats, floor: Floats
) -> dict[str, Floats]:
    """Return the statistics ``names`` of each row of ``band``.

    Args:
        band: ``(rows, length)`` or ``(rows, height, width)`` coefficients.
        names: from ``BAND_STATISTICS``.
        total_energy: ``(rows,)`` sum of squares over all bands of the row's signal.
        floor: ``(rows,)`` coefficients below it are rounding error; the logarithm stops there.

    Returns:
        name to ``(rows,)`` values, all finite; 0 where a row is too short or constant for the statistic.
    """
    wanted = set(names)
    c = np.ascontiguousarray(band).reshape(len(band), -1)
    size = c.shape[1]
    out: dict[str, Floats] = {}
    square = c * c
    energy = square.mean(axis=1)
    mean = c.mean(axis=1)
    out["energy"], out["mean"] = energy, mean
    if "relative_energy" in wanted:
        out["relative_energy"] = _ratio(energy * size, total_energy)
    if "entropy" in wanted:
        out["entropy"] = shannon_entropy(square)
    if "log_energy" in wanted:
        out["log_energy"] = np.log(np.maximum(square, (floor**2)[:, None])).mean(axis=1)
    if "mean_abs" in wanted:
        out["mean_abs"] = np.abs(c).mean(axis=1)
    if wanted & {"std", "skewness", "kurtosis"}:
        out.update(_moments(c - mean[:, None], floor))
    if wanted & {"min", "max", *QUANTILES}:
        out.update(_order_statistics(c))
    if wanted & {"zero_crossings", "mean_crossings", "permutation_entropy"}:
        out.update(_sequence_statistics(band, mean, floor))
    return {name: out[name] for name in names}


def _sequence_statistics(band: Floats, mean: Floats, floor: Floats) -> dict[str, Floats]:
    """Return what depends on the order of the coefficients; an image is read along its rows and its columns."""
    shape = (-1, *[1] * (band.ndim - 1))
    centred = band - mean.reshape(shape)
    centred[np.abs(centred) <= floor.reshape(shape)] = (
        0.0  # rounding error neither crosses nor makes patterns
    )

    def both_ways(function: Callable[[Floats], Floats], values: Floats) -> Floats:
        return (
            function(values) if values.ndim == 2 else (function(values) + function(values.swapaxes(1, 2))) / 2
        )

    return {
        "zero_crossings": both_ways(crossings, band),
        "mean_crossings": both_ways(crossings, centred),
        "permutation_entropy": both_ways(permutation_entropy, centred),
    }


def shannon_entropy(square: Floats) -> Floats:
    """Return H = -sum p ln p / ln(length) with p = c_t^2 / sum c^2, in [0, 1]; 0 for an empty band.

    Args:
        square: ``(rows, length)`` squared coefficients.
    """
    size = square.shape[1]
    if size < 2:
        return np.zeros(len(square))
    p = _ratio(square, square.sum(axis=1, keepdims=True))
    logs = np.log(p, out=np.zeros_like(p), where=p > 0)
    entropy: Floats = -np.einsum("ij,ij->i", p, logs) / np.log(size)
    return np.maximum(entropy, 0.0)


def permutation_entropy(lines: Floats) -> Floats:
    """Return the entropy of the order patterns of three neighbours, in [0, 1] (order 3, delay 1).

    Equal values count as ascending (the earlier one is the smaller), as in Bandt and Pompe's stable ranking.

    Args:
        lines: ``(rows, …, length)``; patterns run along the last axis and are pooled over the axes between.
    """
    if lines.shape[-1] < 3:
        return np.zeros(len(lines))
    a, b, c = lines[..., :-2], lines[..., 1:-1], lines[..., 2:]
    # Of the 8 outcomes of three comparisons, two contradict themselves; the other six are the patterns.
    code = (a <= b).view(np.int8) + 2 * (b <= c).view(np.int8) + 4 * (a <= c).view(np.int8)
    code = code.reshape(len(lines), -1)
    share = np.stack([(code == pattern).mean(axis=1) for pattern in (0, 1, 2, 5, 6, 7)])
    logs = np.log(share, out=np.zeros_like(share), where=share > 0)
    entropy: Floats = -(share * logs).sum(axis=0) / np.log(6.0)
    return np.maximum(entropy, 0.0)


def crossings(lines: Floats) -> Floats:
    """Return the share of neighbours of opposite sign; exact zeros belong to the side before them.

    Args:
        lines: ``(rows, …, length)``.

    Returns:
        ``(rows,)`` in [0, 1].
    """
    if lines.shape[-1] < 2:
        return np.zeros(len(lines))
    positive = lines > 0
    if (lines == 0).any():
        positive = _carried(lines)
    changes: Floats = (positive[..., 1:] != positive[..., :-1]).reshape(len(lines), -1).mean(axis=1)
    return changes


def slopes(energies: Floats, dims: int, decimated: bool) -> dict[str, Floats]:
    """Return slope and Hurst exponent of the wavelet variance across scales.

    ``slope`` is the least-squares slope of log2 of the wavelet variance against the level. ``hurst`` is H = slope / 2
    of the fit weighted by the number of independent coefficients at each level, the estimate for fractional Brownian
    motion; 0 where fewer than two levels hold energy.

    Args:
        energies: ``(levels, rows)`` mean squares of d_1 … d_J.
        dims: 1 for series, 2 for images: a level holds 2^(-dims j) independent coefficients.
        decimated: the transform is not scaled by 2^(-j/2), so its variances grow by 2^j more.
    """
    levels = np.arange(1, len(energies) + 1, dtype=np.float64)[:, None]
    held = energies > 0
    log = np.log2(energies, out=np.zeros_like(energies), where=held) - (dims * levels if decimated else 0.0)
    plain = _slope(levels, log, held.astype(np.float64))
    weighted = _slope(levels, log, held * 2.0 ** (-dims * levels))
    return {"slope": plain, "hurst": weighted / 2}


def correlation(a: Floats, b: Floats) -> Floats:
    """Return the Pearson correlation of ``(rows, length)`` bands of two channels; 0 where one is constant."""
    centred = [band - band.mean(axis=1, keepdims=True) for band in (a, b)]
    power = [np.einsum("ij,ij->i", band, band) for band in centred]
    for own, band in zip(power, (a, b), strict=True):
        own[own <= band.shape[1] * (8 * np.finfo(np.float64).eps * np.abs(band).max(axis=1)) ** 2] = 0.0
    return np.clip(_ratio(np.einsum("ij,ij->i", *centred), np.sqrt(power[0] * power[1])), -1.0, 1.0)


def _ratio(a: Floats, b: Floats) -> Floats:
    """Return a / b, 0 where b is 0."""
    b = np.broadcast_to(b, a.shape)
    return np.divide(a, b, out=np.zeros_like(a), where=b > 0)


def _moments(d: Floats, floor: Floats) -> dict[str, Floats]:
    d2 = d * d
    variance = d2.mean(axis=1)
    variance[variance <= floor**2] = 0.0
    std = np.sqrt(variance)
    third = np.einsum("ij,ij->i", d2, d) / d.shape[1]
    fourth = np.einsum("ij,ij->i", d2, d2) / d.shape[1]
    return {
        "std": std,
        "skewness": _ratio(third, std * variance),
        "kurtosis": _ratio(fourth, variance * variance),
    }


def _order_statistics(c: Floats) -> dict[str, Floats]:
    c = np.sort(c, axis=1)
    last = c.shape[1] - 1
    out = {"min": c[:, 0], "max": c[:, last]}
    for name, q in QUANTILES.items():
        at = q * last
        below = int(at)
        above = min(below + 1, last)
        out[name] = c[:, below] + (at - below) * (c[:, above] - c[:, below])
    return out


def _slope(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Return the weighted least-squares slope of each column of ``y`` ``(points, rows)`` over ``x`` ``(points, 1)``."""
    total = weights.sum(axis=0)
    dx = x - _ratio((weights * x).sum(axis=0), total)
    dy = y - _ratio((weights * y).sum(axis=0), total)
    slope: Floats = _ratio((weights * dx * dy).sum(axis=0), (weights * dx * dx).sum(axis=0))
    return slope


def _carried(lines: Floats) -> NDArray[np.bool_]:
    """Return for each value whether the last non-zero value up to it is positive (the next one at the start)."""
    at = np.where(lines != 0, np.arange(lines.shape[-1]), -1)
    before = np.maximum.accumulate(at, axis=-1)
    first = np.argmax(lines != 0, axis=-1)[..., None]
    taken: NDArray[np.bool_] = np.take_along_axis(lines, np.where(before < 0, first, before), axis=-1) > 0
    return taken
