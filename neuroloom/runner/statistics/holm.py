"""Holm's step-down adjustment of p-values, and what it can reach with few tasks.

Source: S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm_adjust(p: ArrayLike) -> NDArray[np.float64]:
    """Return the adjusted p-values, in the order given.

    With the ``k`` values sorted, ``p'_(i) = max_{j <= i} min(1, (k - j + 1) p_(j))``: rejecting where ``p' <= alpha``
    keeps the probability of any false rejection at ``alpha`` or below, however the tests depend on each other.

    Args:
        p: ``(k,)`` p-values; NaN (a test that could not be made) stays NaN and is not counted in ``k``.
    """
    values = np.asarray(p, dtype=np.float64)
    adjusted = np.full(values.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(values))
    order = tested[np.argsort(values[tested], kind="stable")]
    steps = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps * values[order]), 1.0) if len(order) else []
    return adjusted


def smallest_p(tasks: int, methods: int = 2) -> float:
    """Return the smallest p-value that ``tasks`` tasks and Holm over all pairs of ``methods`` can reach.

    A two-sided exact test on ``n`` differences cannot fall below ``2 / 2^n``; Holm multiplies the smallest of ``k``
    p-values by ``k = methods (methods - 1) / 2``.
    """
    if tasks < 1:
        return 1.0
    return min(1.0, max(1, methods * (methods - 1) // 2) * 2.0 ** (1 - tasks))


def tasks_needed(methods: int, alpha: float = 0.05) -> int:
    """Return with how many tasks :func:`smallest_p` first reaches ``alpha``."""
    tasks = 1
    while smallest_p(tasks, methods) > alpha:
        tasks += 1
    return tasks
