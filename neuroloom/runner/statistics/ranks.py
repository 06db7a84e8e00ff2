"""Ranks of methods: 1 is best, ties share the mean of their ranks."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

DIGITS = 12
"""Scores that agree in so many significant digits are ties: they differ by rounding only."""


def rounded(values: ArrayLike) -> NDArray[np.float64]:
    """Return ``values`` with ``DIGITS`` significant digits; NaN and infinities stay."""
    x = np.asarray(values, dtype=np.float64)
    usable = np.isfinite(x) & (np.abs(x) > 1e-280)  # below, powers of ten overflow
    scale = np.ones_like(x)
    scale[usable] = 10.0 ** (DIGITS - 1 - np.floor(np.log10(np.abs(x[usable]))))
    result: NDArray[np.float64] = np.where(usable, np.round(x * scale) / scale, x)
    return result


def average_ranks(gains: ArrayLike) -> NDArray[np.float64]:
    """Return the ranks within each row; where a value is NaN so is its rank.

    Args:
        gains: ``(n, m)`` scores of ``m`` methods, greater being better.

    Returns:
        ``(n, m)`` ranks from 1 (best).
    """
    from scipy.stats import rankdata

    x = np.atleast_2d(rounded(gains))
    if not x.size:
        return x
    policy = "omit" if np.isnan(x).any() else "propagate"  # omitting goes row by row, slowly
    result: NDArray[np.float64] = rankdata(-x, axis=1, nan_policy=policy)
    return result
