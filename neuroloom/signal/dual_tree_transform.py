"""The dual-tree complex wavelet transform: two real trees whose wavelets are each other's Hilbert transform.

Selesnick, Baraniuk and Kingsbury (2005), "The dual-tree complex wavelet transform"; from the second level on the
filters are the q-shift filters of 14 taps of Kingsbury (2001), "Complex wavelets for shift invariant analysis and
filtering of signals".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_int
from neuroloom.core.errors import InputError
from neuroloom.signal.stationary import discrete_wavelet
from neuroloom.signal.transform import real_signal

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

QSHIFT = np.array([
    0.003253142763653182, -0.00388321199915849, 0.03466034684485349, -0.03887280126882779, -0.11720388769911527,
    0.27529538466888204, 0.7561456438925225, 0.5688104207121227, 0.011866092033797, -0.1067118046866654,
    0.023825384794920298, 0.01702522388155399, -0.005439475937274115, -0.004556895628475491,
])  # fmt: skip
"""Low-pass filter of the first tree from level 2 on; reversed, that of the second: they differ by half a sample."""


@dataclass(frozen=True, repr=False)
class DualTree:
    """Complex coefficients of a dual-tree transform; the first tree is the real part, the second the imaginary.

    Args:
        details: for j = 1 … J ``(..., n / 2^j)`` complex, of frequencies n / 2^(j + 1) to n / 2^j. Of a moving feature
            the modulus stays nearly as it is, while the phase turns.
        smooth: ``(..., n / 2^J)`` complex, what is left.
        first: the wavelet of the first level.
    """

    details: tuple[Complexes, ...]
    smooth: Complexes
    first: str

    def __repr__(self) -> str:
        shape = (*self.smooth.shape[:-1], 2 * self.details[0].shape[-1])
        return f"DualTree(signal {shape}, {len(self.details)} levels, first {self.first})"

    @property
    def energy(self) -> Floats:
        """``(..., J + 1)``: the sum of squared moduli of each level and of the smooth part; all add up to ``Σ x²``."""
        return np.stack([(np.abs(band) ** 2).sum(-1) for band in (*self.details, self.smooth)], -1)

    def inverse(self) -> Floats:
        """Return the signals ``(..., n)``: the mean of what the two trees give back."""
        trees = [
            _fold([part(band) for band in self.details], part(self.smooth), _filters(self.first, second))
            for second, part in enumerate((np.real, np.imag))
        ]
        summed: Floats = (trees[0] + trees[1]) / np.sqrt(2)
        return summed

    def plot(self, ax: Any = None) -> Any:
        """Draw the moduli of the first signal over time and level; return the matplotlib axes."""
        from neuroloom.signal.plots import plot_dual_tree

        return plot_dual_tree(self, ax)


def dual_tree(x: Any, level: int | None = None, *, first: str = "sym4") -> DualTree:
    """Return the dual-tree complex wavelet transform of ``x``, twice as many numbers as ``x`` has, periodic.

    Each tree is an orthogonal discrete transform: with the low-pass filters g of the second tree and h of the first,
    ``g(k) = h(k + 1)`` at level 1 and ``g(k) ≈ h(k + ½)`` after it, the wavelets together are nearly analytic, and the
    modulus of ``(a + i b) / √2`` hardly depends on where the samples were taken. Energy is kept: ``Σ |c|² = Σ x²``.

    Args:
        x: ``(..., n)`` finite numbers, n at least 8 and a multiple of 2^level.
        level: J, at least 1; None for as deep as n allows, at most floor(log2(n)) - 3.
        first: an orthogonal discrete wavelet of PyWavelets, for level 1.

    Raises:
        InputError: a value is missing, n is no multiple of 2^level, or the wavelet is not orthogonal.

    Source:
        Selesnick, Baraniuk and Kingsbury (2005), section "q-shift filters"; Kingsbury (2001), table 2.
    """
    signal = real_signal(x)
    chosen = discrete_wavelet(first)
    if not chosen.orthogonal:
        raise InputError(
            f"the first level needs an orthogonal wavelet, such as sym4, but {chosen.name} is not."
        )
    n = signal.shape[-1]
    deepest = (n & -n).bit_length() - 1
    if deepest < 1:
        raise InputError(f"the dual tree needs an even number of samples, but there are {n}; leave one out.")
    usual = max(1, min(deepest, n.bit_length() - 4))
    level = usual if level is None else check_int("level", level, 1, deepest)
    trees = [_unfold(signal / np.sqrt(2), level, _filters(chosen.name, second)) for second in (0, 1)]
    *details, smooth = [a + 1j * b for a, b in zip(*trees, strict=True)]
    return DualTree(tuple(details), smooth, str(chosen.name))


Filters = tuple[
    Floats, int, Floats, int
]  # the low-pass filter and its place at level 1, then at those after it


def _filters(first: str, second: int) -> Filters:
    """Return the filters of the first (0) or the second (1) tree."""
    low = np.asarray(discrete_wavelet(first).dec_lo, dtype=np.float64)
    return low, len(low) // 2 - second, QSHIFT[::-1] if second else QSHIFT, len(QSHIFT) // 2


def _unfold(x: Floats, level: int, filters: Filters) -> list[Floats]:
    """Return the details of levels 1 … ``level`` and the smooth part of one tree."""
    low, place, later, later_place = filters
    found = []
    for _ in range(level):
        taps = x[..., _taken(x.shape[-1], len(low), place)]
        found.append(taps @ _high(low))
        x, low, place = taps @ low, later, later_place
    return [*found, x]


def _fold(details: list[Any], smooth: Any, filters: Filters) -> Floats:
    """Return the signal that :func:`_unfold` took apart."""
    x = np.asarray(smooth, dtype=np.float64)
    for j in range(len(details), 0, -1):
        low, place = filters[2:] if j > 1 else filters[:2]
        n = 2 * x.shape[-1]
        taken, high = _taken(n, len(low), place), _high(low)
        whole = np.zeros((*x.shape[:-1], n))
        for k in range(len(low)):  # the places of one tap are all different
            whole[..., taken[:, k]] += x * low[k] + details[j - 1] * high[k]
        x = whole
    return x


def _taken(n: int, taps: int, place: int) -> NDArray[np.int64]:
    """Return ``(n / 2, taps)``: which samples meet which tap for each coefficient."""
    taken: NDArray[np.int64] = (2 * np.arange(n // 2)[:, None] + place - np.arange(taps)) % n
    return taken


def _high(low: Floats) -> Floats:
    flipped: Floats = low[::-1] * (-1.0) ** np.arange(len(low))
    return flipped
