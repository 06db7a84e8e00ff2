"""Edges of an image as modulus maxima of its wavelet transform at several scales, with their orientation.

Mallat and Zhong (1992), "Characterization of signals from multiscale edges"; Mallat and Hwang (1992), "Singularity
detection and processing with wavelets" (regularity from the decay across scales); Canny (1986), "A computational
approach to edge detection" (hysteresis).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_float
from neuroloom.core.errors import InputError
from neuroloom.signal.denoising import MAD
from neuroloom.signal.noise_fields import highest_of_noise

Floats = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Edges:
    """Edges of an image, by scale.

    Args:
        marked: ``(scales, height, width)`` whether a pixel lies on an edge.
        strength: ``(scales, height, width)`` modulus: for a step of height h it is h / √(2π), at every scale.
        orientation: ``(scales, height, width)`` direction of the steepest rise, radians in -π … π from the axis of
            columns towards that of rows.
        scales: ``(scales,)`` standard deviation of the smoothing, in pixels.
        noise: standard deviation of the image's noise.
        image: what was given.
    """

    marked: NDArray[np.bool_]
    strength: Floats
    orientation: Floats
    scales: Floats
    noise: float
    image: Floats

    def __repr__(self) -> str:
        counts = ", ".join(
            f"{count} at {scale:g}"
            for count, scale in zip(self.marked.sum(axis=(1, 2)), self.scales, strict=True)
        )
        return f"Edges({counts} pixels)"

    def regularity(self) -> Floats:
        """Return ``(height, width)`` slopes of log₂ of the strength over log₂ of the scale; NaN off the finest edges.

        About 0 for a step, above for what is smooth, below for a thin line and for noise: the strength at coarser
        scales is the largest within a scale's width. At least two scales are needed.

        Raises:
            InputError: there is but one scale.
        """
        if len(np.unique(self.scales)) < 2:
            raise InputError("regularity is told from several scales; pass at least two that differ.")
        from scipy.ndimage import maximum_filter

        logs = []
        for scale, strength in zip(self.scales, self.strength, strict=True):
            size = 2 * round(float(scale)) + 1
            best = maximum_filter(strength, size)
            logs.append(np.log2(np.maximum(best, np.finfo(np.float64).tiny)))
        centred = np.log2(self.scales) - np.log2(self.scales).mean()
        slope = np.tensordot(centred, np.stack(logs), axes=1) / (centred**2).sum()
        return np.where(self.marked[0], slope, np.nan)

    def plot(self, ax: Any = None) -> Any:
        """Draw the image and the edges of each scale; return the matplotlib axes."""
        from neuroloom.signal.plots import plot_edges

        return plot_edges(self, ax)


def edges(
    image: Any,
    scales: Sequence[float] = (1.0, 2.0, 4.0),
    *,
    significance: float = 0.01,
    noise: float | None = None,
) -> Edges:
    """Return the edges of an image: pixels where the modulus of its wavelet transform is largest across the edge.

    With θ_s the Gaussian of deviation s, the two wavelets are its derivatives, and the transform is the gradient of the
    smoothed image, ``W_s = s ∇ (f * θ_s)``. A maximum of ``|W_s|`` along the direction of W_s is an edge if it is above
    what noise alone reaches anywhere with probability ``significance``, or above half of that and joined with one that
    is.

    Args:
        image: ``(height, width)`` finite numbers, at least 8 x 8.
        scales: deviations s in pixels, each at least 0.5.
        significance: chance, in (0, 0.5], of a false edge at a scale in an image of white noise.
        noise: its standard deviation, at least 0; None takes it from the median size of the finest diagonal
            differences.

    Raises:
        InputError: a missing value, too small an image, or a parameter out of range.

    Source:
        Mallat and Zhong (1992), section IV; Canny (1986) for the two thresholds; Worsley (1994) for the height
        of the noise. Differences: Gaussians instead of
        splines, so that scales need not be powers of 2.
    """
    f = np.asarray(image, dtype=np.float64)
    if f.ndim != 2 or min(f.shape) < 8 or not np.isfinite(f).all():
        raise InputError(f"expected one image of finite numbers, at least 8 x 8, but got shape {f.shape}.")
    chosen = np.asarray(scales, dtype=np.float64)
    if chosen.ndim != 1 or not len(chosen) or not np.isfinite(chosen).all() or chosen.min() < 0.5:
        raise InputError(f"`scales` must be a list of numbers of at least 0.5, but got {scales!r}.")
    check_float("significance", significance, 0, 0.5, open_low=True)
    diagonal = (f[1:, 1:] - f[1:, :-1] - f[:-1, 1:] + f[:-1, :-1]) / 2
    spread = float(np.median(np.abs(diagonal))) / MAD
    sigma = spread if noise is None else check_float("noise", noise, 0)
    parts = [_at(f, float(s), significance, sigma) for s in chosen]
    marked, strength, orientation = (np.stack([part[k] for part in parts]) for k in range(3))
    return Edges(marked.astype(bool), strength, orientation, chosen, sigma, f)


def _at(f: Floats, s: float, significance: float, sigma: float) -> tuple[Any, Floats, Floats]:
    from scipy.ndimage import gaussian_filter, label

    rows = s * gaussian_filter(f, s, order=(1, 0), mode="reflect", truncate=5.0)
    columns = s * gaussian_filter(f, s, order=(0, 1), mode="reflect", truncate=5.0)
    modulus = np.hypot(rows, columns)
    # each component of white noise has the deviation σ / (s √(8 π)), more where the image is mirrored at its ends
    factors = [np.sqrt(1 + _mirrored(length, s)) for length in f.shape]
    deviation = sigma / (s * math.sqrt(8 * math.pi)) * factors[0][:, None] * factors[1]
    # the slopes of the components have the variances 3 / (2 s²) and 1 / (2 s²) along and across
    places = f.size * math.sqrt(3) / (4 * math.pi * s * s)
    level = math.sqrt(highest_of_noise(places, significance))
    high = np.maximum(deviation * level, 1e-9 * float(np.abs(f).max()))
    maxima = _maxima(modulus, rows, columns)
    joined, _ = label(maxima & (modulus > high / 2), structure=np.ones((3, 3)))
    sure = np.unique(joined[maxima & (modulus > high)])
    return np.isin(joined, sure[sure > 0]), modulus, np.arctan2(rows, columns)


def _mirrored(length: int, s: float) -> Floats:
    """Return ``(length,)`` how much a sample and its mirror image have in common after smoothing by ``s``."""
    away = np.minimum(np.arange(length), np.arange(length)[::-1])
    found: Floats = np.exp(-((2 * away + 1) ** 2) / (4 * s * s))
    return found


def _maxima(modulus: Floats, rows: Floats, columns: Floats) -> NDArray[np.bool_]:
    """Return where the modulus is larger than one step to either side along the gradient, by linear interpolation."""
    from scipy.ndimage import map_coordinates

    size = np.where(modulus > 0, modulus, 1.0)
    up, across = rows / size, columns / size
    at = np.indices(modulus.shape, dtype=np.float64)
    ahead = map_coordinates(modulus, [at[0] + up, at[1] + across], order=1, mode="nearest")
    behind = map_coordinates(modulus, [at[0] - up, at[1] - across], order=1, mode="nearest")
    found: NDArray[np.bool_] = (modulus > ahead) & (modulus >= behind) & (modulus > 0)
    return found
