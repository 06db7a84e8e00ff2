"""Denoising by shrinkage of wavelet coefficients, translation-invariant unless asked otherwise.

Donoho and Johnstone (1994), "Ideal spatial adaptation by wavelet shrinkage"; Coifman and Donoho (1995),
"Translation-invariant de-noising"; Johnstone and Silverman (1997), "Wavelet threshold estimators for data with
correlated noise" (noise by level).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_choice, check_int
from neuroloom.core.errors import InputError
from neuroloom.signal.dual_tree_transform import DualTree, dual_tree
from neuroloom.signal.shrinkage import (
    OWN_RULE,
    RULES,
    THRESHOLDS,
    block_shrink,
    choose_threshold,
    posterior_median,
    shrink,
)
from neuroloom.signal.stationary import (
    discrete_wavelet,
    fold_images,
    imodwt,
    stationary_bands,
    unfold_images,
)
from neuroloom.signal.transform import real_signal

Floats = NDArray[np.float64]
MAD = 0.6744897501960817  # of a standard normal variable
BOUNDARIES = ("symmetric", "periodic")
TRANSFORMS = ("stationary", "decimated", "dual-tree")
_OF_REALS = ("ebayes", "sure", "bayes")  # whose reckoning holds for normal noise, not for its moduli


@dataclass(frozen=True, repr=False)
class Denoised:
    """A denoised signal or image; usable as an array.

    Args:
        signal: ``(..., n)`` or ``(..., height, width)``, without the noise.
        noisy: what was given.
        noise: standard deviation of the noise of each band, ``(..., bands)``, from fine to coarse, in units of
            orthonormal coefficients: for white noise they are all that of the samples.
        kept: ``(..., bands)`` share of the coefficients that were not set to 0.
        method: how, in words.
        images: whether the last two axes are one image.
    """

    signal: Floats
    noisy: Floats
    noise: Floats
    kept: Floats
    method: str
    images: bool

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.signal, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        noise, kept = self.noise.mean(), self.kept.mean()
        return f"Denoised({self.method}, {self.signal.shape}, noise {noise:.4g}, {kept:.1%} kept)"

    @property
    def residual(self) -> Floats:
        """What was taken away."""
        return self.noisy - self.signal

    def plot(self, ax: Any = None) -> Any:
        """Draw the first signal before and after, or image; return the matplotlib axes."""
        from neuroloom.signal.plots import plot_denoised

        return plot_denoised(self, ax)


def denoise(
    x: Any,
    wavelet: Any = "sym8",
    level: int | None = None,
    *,
    threshold: str | float = "ebayes",
    rule: str | None = None,
    noise: str | float = "finest",
    transform: str = "stationary",
    boundary: str = "symmetric",
    images: bool = False,
) -> Denoised:
    """Return ``x`` without its noise.

    The detail coefficients w_j of each level, divided by their noise σ_j, are shrunk and transformed back. The
    stationary transform makes the result independent of shifts: the mean over all shifts of the decimated one.

    Args:
        x: ``(..., n)`` finite numbers, n at least 8; with ``images`` ``(..., height, width)``.
        wavelet: an orthogonal discrete wavelet.
        level: number of levels, 1 to floor(log2(n)); None for floor(log2(n)) - 3, at least 1 (images: at most 5).
        threshold: ``"ebayes"``: posterior median under a prior whose sparsity is learnt for each level (Johnstone and
            Silverman 2005). ``"block"``: James-Stein over neighbouring coefficients (Cai 1999). ``"universal"``,
            ``"minimax"``, ``"sure"`` (each level its own, hybrid), ``"bayes"`` (BayesShrink), or a number: t in units
            of the noise.
        rule: ``"soft"``, ``"hard"``, ``"firm"`` or ``"garrote"``; None for the method's own: hard for universal and
            numbers, soft for minimax, sure and bayes. Not for ``"ebayes"`` and ``"block"``.
        noise: ``"finest"``: white noise, whose deviation is the median size of the finest coefficients over 0.6745;
            ``"level"``: coloured noise, the same estimate at each level; or the deviation itself, above 0.
        transform: ``"stationary"``; ``"decimated"``, about 10 times faster and, on usual signals, 2 to 4 dB worse;
            ``"dual-tree"``, the complex transform of :func:`neuroloom.signal.dual_tree` with ``wavelet`` at its first
            level, whose errors lie between theirs by default. ``"universal"``, ``"minimax"``, ``"block"`` and numbers
            shrink its moduli; ``"ebayes"``, ``"sure"`` and ``"bayes"``, which reckon with real coefficients, each tree
            by itself. Not for images.
        boundary: ``"symmetric"`` (mirrored ends) or ``"periodic"``.
        images: whether the last two axes are one image.

    Raises:
        InputError: a value is missing or out of range, the wavelet is not orthogonal, or a rule does not go with the
            threshold.

    Source:
        Coifman and Donoho (1995), "Translation-invariant de-noising"; the thresholds' in
        :mod:`neuroloom.signal.shrinkage`.
    """
    signal = real_signal(x)
    chosen = discrete_wavelet(wavelet)
    if not chosen.orthogonal:
        raise InputError(f"denoising needs an orthogonal wavelet, such as sym8, but {chosen.name} is not.")
    if images and (signal.ndim < 2 or min(signal.shape[-2:]) < 8):
        raise InputError(f"an image must be at least 8 x 8, but `x` has shape {signal.shape}.")
    shape = signal.shape[-2:] if images else signal.shape[-1:]
    deepest = int(math.log2(min(shape)))
    usual = min(max(1, deepest - 3), 5 if images else 64)
    level = usual if level is None else check_int("level", level, 1, deepest)
    how = _Shrinking(threshold, rule, noise, math.prod(shape))
    check_choice("boundary", boundary, BOUNDARIES)
    check_choice("transform", transform, TRANSFORMS)
    if images and transform == "dual-tree":
        raise InputError("transform='dual-tree' is for signals; take 'stationary' for images.")
    rows = signal.reshape(-1, *shape)
    if boundary == "symmetric":
        axes = (1, 2) if images else (1,)
        for axis in axes:
            rows = np.concatenate([rows, np.flip(rows, axis)], axis)
    work = {"stationary": _stationary, "decimated": _decimated, "dual-tree": _dual_tree}[transform]
    clean, deviations, kept = work(rows, chosen, level, how, images)
    clean = clean[(slice(None), *(slice(size) for size in shape))]
    bands = deviations.shape[-1:]
    lead = signal.shape[: signal.ndim - len(shape)]
    return Denoised(
        clean.reshape(signal.shape), signal, deviations.reshape(*lead, *bands), kept.reshape(*lead, *bands),
        f"{how.name}, {chosen.name}, {transform}, level {level}", images,
    )  # fmt: skip


class _Shrinking:
    """How the coefficients of one band are shrunk, with the noise of the finest band."""

    def __init__(self, threshold: Any, rule: str | None, noise: Any, samples: int) -> None:
        own = isinstance(threshold, str)
        if own:
            check_choice("threshold", threshold, THRESHOLDS)
        elif not float(threshold) >= 0:
            raise InputError(
                f"`threshold` must be a method or a number of at least 0, but got {threshold!r}."
            )
        if threshold in ("ebayes", "block") and rule is not None:
            raise InputError(
                f"`rule` does not go with threshold={threshold!r}, which has its own; leave it None."
            )
        if rule is not None:
            check_choice("rule", rule, RULES)
        if isinstance(noise, str):
            check_choice("noise", noise, ("finest", "level"))
        elif not float(noise) > 0:
            raise InputError(f"`noise` must be 'finest', 'level' or a deviation above 0, but got {noise!r}.")
        self.threshold, self.noise, self.samples = threshold, noise, samples
        self.rule = rule or OWN_RULE.get(threshold if own else "universal", "")
        self.name = f"{threshold} {self.rule}".strip()

    def deviation(self, w: Floats, finest: Floats | None) -> Floats:
        """Return the noise ``(rows, 1)`` of a band ``w (rows, m)``; ``finest`` is that of the first band."""
        if not isinstance(self.noise, str):
            return np.full((len(w), 1), float(self.noise))
        if finest is not None and self.noise == "finest":
            return finest
        found: Floats = np.median(np.abs(w), axis=-1, keepdims=True) / MAD
        return found

    def __call__(self, w: Floats, deviation: Floats) -> Floats:
        """Return ``w (rows, m)`` shrunk; a band without noise stays."""
        unit = np.where(deviation > 0, deviation, 1)
        z = w / unit
        if self.threshold == "ebayes":
            z = posterior_median(z, self.samples)
        elif self.threshold == "block":
            z = block_shrink(z, self.samples)
        elif isinstance(self.threshold, str):
            z = shrink(z, choose_threshold(self.threshold, z, self.samples), self.rule)
        else:
            z = shrink(z, self.threshold, self.rule)
        return np.where(deviation > 0, z * unit, w)

    def complex(self, w: Floats, deviation: Floats) -> Floats:
        """Return ``w (rows, 2, m)``, real and imaginary parts, shrunk by their moduli, or each part by itself."""
        if self.threshold in _OF_REALS:
            flat = [self(w[:, k], deviation) for k in (0, 1)]
            return np.stack(flat, 1)
        size = np.sqrt((w**2).sum(1))
        if self.threshold == "block":
            unit = np.where(deviation > 0, deviation, 1)[..., None]
            return np.where(
                deviation[..., None] > 0, block_shrink(w / unit, self.samples, parts=True) * unit, w
            )
        return w * (self(size, deviation) / np.where(size > 0, size, 1))[:, None]


def _shrunk(bands: list[Floats], gains: list[float], how: _Shrinking) -> tuple[list[Floats], Floats, Floats]:
    """Return the bands shrunk, and noise and share kept ``(rows, bands)``; ``gains`` make them orthonormal."""
    finest: Floats | None = None
    made, deviations, kept = [], [], []
    for band, gain in zip(bands, gains, strict=True):
        w = band.reshape(len(band), -1) * gain
        deviation = how.deviation(w, finest)
        finest = deviation if finest is None else finest
        small = how(w, deviation)
        deviations.append(deviation[:, 0])
        kept.append((small != 0).mean(-1))
        made.append((small / gain).reshape(band.shape))
    return made, np.stack(deviations, -1), np.stack(kept, -1)


def _stationary(
    rows: Floats, wavelet: Any, level: int, how: _Shrinking, images: bool
) -> tuple[Floats, Floats, Floats]:
    if images:
        parts, smooth = unfold_images(rows, wavelet, level)
        order = [(j, k) for j in range(level) for k in (2, 0, 1)]  # the diagonal first: noise is purest there
        bands = [parts[j][k] for j, k in order]
        made, deviations, kept = _shrunk(bands, [2.0 ** (j + 1) for j, _ in order], how)
        for (j, k), band in zip(order, made, strict=True):
            parts[j][k] = band
        return fold_images(parts, smooth, wavelet), deviations, kept
    bands = stationary_bands(rows, wavelet, level, "periodic")
    made, deviations, kept = _shrunk(bands[:-1], [2.0 ** (j / 2) for j in range(1, level + 1)], how)
    return imodwt(np.stack([*made, bands[-1]], -2), wavelet), deviations, kept


def _decimated(
    rows: Floats, wavelet: Any, level: int, how: _Shrinking, images: bool
) -> tuple[Floats, Floats, Floats]:
    import pywt

    mode, axes, sizes = "periodization", (-2, -1), []
    bands: list[Floats] = []
    for _ in range(level):
        sizes.append(rows.shape)
        if images:
            rows, (across, along, both) = pywt.dwt2(rows, wavelet, mode, axes)
            bands += [both, across, along]
        else:
            rows, detail = pywt.dwt(rows, wavelet, mode)
            bands.append(detail)
    made, deviations, kept = _shrunk(bands, [1.0] * len(bands), how)
    for shape in reversed(sizes):  # an odd side came back with one more
        if images:
            along, across, both = made.pop(), made.pop(), made.pop()
            rows = pywt.idwt2((rows, (across, along, both)), wavelet, mode, axes)
        else:
            rows = pywt.idwt(rows, made.pop(), wavelet, mode)
        rows = rows[tuple(slice(size) for size in shape)]
    return rows, deviations, kept


def _dual_tree(
    rows: Floats, wavelet: Any, level: int, how: _Shrinking, images: bool
) -> tuple[Floats, Floats, Floats]:
    n, step = rows.shape[-1], 2**level
    padded = rows[:, np.arange(-(-n // step) * step) % n]
    found = dual_tree(padded, level, first=wavelet.name)
    # a tree by itself is orthonormal for white noise: its coefficients are √2 times the parts
    parts = [np.stack([band.real, band.imag], 1) * np.sqrt(2) for band in found.details]
    finest: Floats | None = None
    made, deviations, kept = [], [], []
    for part in parts:
        deviation = how.deviation(part.reshape(len(part), -1), finest)
        finest = deviation if finest is None else finest
        small = how.complex(part, deviation)
        deviations.append(deviation[:, 0])
        kept.append((small != 0).any(1).mean(-1))
        made.append((small[:, 0] + 1j * small[:, 1]) / np.sqrt(2))
    clean = DualTree(tuple(made), found.smooth, found.first).inverse()[:, :n]
    return clean, np.stack(deviations, -1), np.stack(kept, -1)
