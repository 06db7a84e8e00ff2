"""Wilcoxon's signed-rank test, exact with ties and zeros too.

Source: F. Wilcoxon, "Individual comparisons by ranking methods", Biometrics Bulletin 1, 1945; zeros after J. Pratt,
"Remarks on zeros and ties in the Wilcoxon signed rank procedures", JASA 54, 1959: they are ranked with the others, then
their ranks are dropped.

**Differences**: with ties SciPy's exact distribution no longer holds and it takes the normal approximation; here the
distribution over all sign flips is counted for the ranks at hand (mid-ranks doubled are whole numbers), so the p-value
is exact for any ties and zeros.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuroloom.runner.statistics.ranks import rounded

LARGEST_EXACT = 300


def signed_rank_p(differences: ArrayLike) -> float:
    """Return the two-sided p-value of "the differences are symmetric about zero".

    Args:
        differences: ``(n,)``, one a task, without NaN.

    Returns:
        The exact p-value up to ``LARGEST_EXACT`` differences, the normal approximation beyond; 1 if all are zero, and
        NaN if there is none.
    """
    from scipy.special import ndtr

    d = rounded(differences)
    if len(d) == 0:
        return float("nan")
    _, place, count = np.unique(np.abs(d), return_inverse=True, return_counts=True)
    doubled = (2 * np.cumsum(count) - count + 1)[place][d != 0]  # twice the mid-ranks
    if len(doubled) == 0:
        return 1.0
    plus = int(doubled[d[d != 0] > 0].sum())
    total = int(doubled.sum())
    extreme = min(plus, total - plus)
    if len(doubled) > LARGEST_EXACT:
        deviation = np.sqrt((doubled.astype(np.float64) ** 2).sum()) / 2
        return float(min(1.0, 2 * ndtr((extreme - total / 2) / deviation)))
    return min(1.0, 2 * float(_at_most(tuple(sorted(doubled.tolist())))[extreme]))


@lru_cache(maxsize=64)
def _at_most(ranks: tuple[int, ...]) -> NDArray[np.float64]:
    """Return ``P(S <= s)`` for every ``s``, ``S`` being the sum of the ranks that a fair coin picks."""
    chance = np.zeros(sum(ranks) + 1)
    chance[0] = 1.0
    for rank in ranks:
        shifted = np.zeros_like(chance)
        shifted[rank:] = chance[:-rank]
        chance = (chance + shifted) / 2
    return np.cumsum(chance)
