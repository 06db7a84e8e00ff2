"""Wilcoxon's signed-rank test, exact with ties and zeros too.

Source: F. Wilcoxon, "Individual comparisons by ranking methods", Biometrics Bulletin 1, 1945; zeros after J. Pratt,
"Remarks on zeros and ties in the Wilcoxon signed rank procedures", JASA 54, 1959: they are ranked with the others, then
their ranks are dropped.

**Differences**: with ties SciPy's exact distribution no longer holds and it takes the normal approximation; here the
distribution over all sign flips is counted for the ranks at hand (mid-ranks doubled are whole numbers), so the p-value
is exact for any ties and zeros.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

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
    from scipy.stats import rankdata

    d = rounded(differences)
    if len(d) == 0:
        return float("nan")
    doubled = np.round(2 * rankdata(np.abs(d))).astype(np.int64)[d != 0]
    if len(doubled) == 0:
        return 1.0
    plus = int(doubled[d[d != 0] > 0].sum())
    total = int(doubled.sum())
    extreme = min(plus, total - plus)
    if len(doubled) > LARGEST_EXACT:
        deviation = np.sqrt((doubled.astype(np.float64) ** 2).sum()) / 2
        return float(min(1.0, 2 * ndtr((extreme - total / 2) / deviation)))
    chance = np.zeros(total + 1)
    chance[0] = 1.0
    for rank in doubled:  # each rank joins the positive sum with probability 1/2
        shifted = np.zeros_like(chance)
        shifted[rank:] = chance[:-rank]
        chance = (chance + shifted) / 2
    return float(min(1.0, 2 * chance[: extreme + 1].sum()))
