"""Bands of a batch of signals or images: stationary, decimated and packet transforms under one shape.

Mallat, "A theory for multiresolution signal decomposition" (1989); Coifman and Wickerhauser, "Entropy-based algorithms
for best basis selection" (1992) for packets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.signal.dual_tree_transform import dual_tree
from neuroloom.signal.stationary import stationary_bands, stationary_step

if TYPE_CHECKING:
    import pywt

Floats = NDArray[np.float64]

TRANSFORMS = ("swt", "dwt", "wp", "best-basis", "dual-tree")
DECIMATED_MODES = {"periodic": "periodization", "symmetric": "symmetric"}


def decompose(
    x: Floats, transform: str, wavelet: pywt.Wavelet, level: int, boundary: str, basis: Sequence[str] = ()
) -> list[tuple[str, Floats]]:
    """Return the named bands of every row of ``x``.

    Args:
        x: ``(rows, length)`` signals or ``(rows, height, width)`` images.
        transform: ``"swt"`` (stationary, any length), ``"dwt"`` (decimated) or ``"wp"`` (packets, the leaves of the
            full tree in PyWavelets' natural order), ``"best-basis"`` (the packets of ``basis``) or
            ``"dual-tree"`` (moduli of complex coefficients of signals, ``wavelet`` at the first level).
        wavelet: a discrete wavelet.
        level: number of levels.
        boundary: ``"periodic"`` or ``"symmetric"``.
        basis: paths of packets, for ``"best-basis"``.

    Returns:
        ``(name, coefficients (rows, …))`` from fine to coarse: ``d1 … dJ, aJ`` for signals; for images ``d1h`` (detail
        across rows of pixels: horizontal edges), ``d1v``, ``d1d``, …, ``aJ``; for packets the path, as ``aad``.
    """
    if transform == "best-basis":
        found = packets_at(x, wavelet, DECIMATED_MODES[boundary], basis)
        return [(path or "whole", band) for path, band in found]
    if transform == "dual-tree":
        return _moduli(x, wavelet, level, boundary)
    if transform == "wp":
        return _packets(x, wavelet, level, DECIMATED_MODES[boundary])
    if x.ndim == 3:
        return _images(x, transform, wavelet, level, boundary)
    if transform == "swt":
        arrays = stationary_bands(x, wavelet, level, boundary)
    else:
        import pywt

        arrays = []
        smooth = x
        for _ in range(level):
            smooth, detail = pywt.dwt(smooth, wavelet, mode=DECIMATED_MODES[boundary], axis=-1)
            arrays.append(detail)
        arrays.append(smooth)
    return list(zip([*(f"d{j}" for j in range(1, level + 1)), f"a{level}"], arrays, strict=True))


def _moduli(x: Floats, wavelet: pywt.Wavelet, level: int, boundary: str) -> list[tuple[str, Floats]]:
    """Return the moduli of the dual tree; signals go on mirrored or round until their length fits."""
    n, step = x.shape[-1], 2**level
    index = np.arange(-(-(2 * n if boundary == "symmetric" else n) // step) * step)
    index %= 2 * n if boundary == "symmetric" else n
    padded = x[..., np.minimum(index, 2 * n - 1 - index)]
    found = dual_tree(padded, level, first=wavelet.name)
    named = [(f"d{j}", band, 2**j) for j, band in enumerate(found.details, 1)]
    return [
        (name, np.abs(band[..., : -(-n // by)]))
        for name, band, by in [*named, (f"a{level}", found.smooth, step)]
    ]


def _images(
    x: Floats, transform: str, wavelet: pywt.Wavelet, level: int, boundary: str
) -> list[tuple[str, Floats]]:
    split = _stationary_quarters if transform == "swt" else _decimated_quarters
    bands: list[tuple[str, Floats]] = []
    smooth = x
    for j in range(1, level + 1):
        smooth, horizontal, vertical, diagonal = split(smooth, wavelet, j, boundary)
        bands += [(f"d{j}h", horizontal), (f"d{j}v", vertical), (f"d{j}d", diagonal)]
    return [*bands, (f"a{level}", smooth)]


def _decimated_quarters(x: Floats, wavelet: Any, level: int, boundary: str) -> tuple[Floats, ...]:
    import pywt

    smooth, details = pywt.dwt2(x, wavelet, mode=DECIMATED_MODES[boundary], axes=(-2, -1))
    return smooth, *details


def _stationary_quarters(x: Floats, wavelet: Any, level: int, boundary: str) -> tuple[Floats, ...]:
    def along(y: Floats, taps: Any, axis: int) -> Floats:
        return stationary_step(y.swapaxes(axis, -1), taps, level, boundary).swapaxes(axis, -1)

    low, high = along(x, wavelet.dec_lo, -1), along(x, wavelet.dec_hi, -1)
    smooth, horizontal = along(low, wavelet.dec_lo, -2), along(low, wavelet.dec_hi, -2)
    return smooth, horizontal, along(high, wavelet.dec_lo, -2), along(high, wavelet.dec_hi, -2)


def _packets(x: Floats, wavelet: Any, level: int, mode: str) -> list[tuple[str, Floats]]:
    nodes = [("", x)]
    for _ in range(level):
        nodes = [
            (path + letter, part)
            for path, node in nodes
            for letter, part in packet_children(node, wavelet, mode)
        ]
    return nodes


def packets_at(x: Floats, wavelet: Any, mode: str, paths: Sequence[str]) -> list[tuple[str, Floats]]:
    """Return the packets called ``paths`` of every row of ``x``, in that order; the empty path is ``x`` itself."""
    known = {"": x}
    for depth in range(max(map(len, paths))):
        for path in sorted({one[:depth] for one in paths if len(one) > depth}):
            known |= {path + letter: part for letter, part in packet_children(known[path], wavelet, mode)}
    return [(path, known[path]) for path in paths]


def packet_children(node: Floats, wavelet: Any, mode: str) -> list[tuple[str, Floats]]:
    """Return the halves ``a`` and ``d`` of signals ``(rows, length)``, or the quarters ``ahvd`` of images."""
    import pywt

    if node.ndim == 2:
        return list(zip("ad", pywt.dwt(node, wavelet, mode=mode, axis=-1), strict=True))
    smooth, details = pywt.dwt2(node, wavelet, mode=mode, axes=(-2, -1))
    return list(zip("ahvd", (smooth, *details), strict=True))
