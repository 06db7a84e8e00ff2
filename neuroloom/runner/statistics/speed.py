"""Whether something became slower: an exact sign test on ratios of seconds against a threshold."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Speed(NamedTuple):
    """How the seconds of paired trials compare, second to first.

    Args:
        ratio: of the two medians.
        low, high: exact 95 % interval of the median ratio of a pair, NaN for fewer than six pairs.
        p_slower: one-sided p-value of "the median ratio is at most ``threshold``".
        p_faster: one-sided p-value of "the median ratio is at least ``1 / threshold``".
    """

    ratio: float
    low: float
    high: float
    p_slower: float
    p_faster: float


def compare_seconds(
    first: NDArray[np.float64], second: NDArray[np.float64], threshold: float, level: float = 0.95
) -> Speed:
    """Compare the seconds of ``n`` paired trials, all above 0.

    A pair counts for "slower" when its ratio is above ``threshold``: under the null hypothesis at most half of them
    do, so the p-value is a binomial tail. The interval holds the order statistics that invert the two-sided sign test.
    """
    from scipy.special import bdtrc

    n = len(first)
    ratios = np.sort(second / first)
    above, below = int((ratios > threshold).sum()), int((ratios < 1 / threshold).sum())
    p_slower, p_faster = (1.0 if k == 0 else float(bdtrc(k - 1, n, 0.5)) for k in (above, below))
    tail = (1 - level) / 2
    low = high = math.nan
    skipped = _order_statistic(n, tail)
    if skipped >= 0:
        low, high = float(ratios[skipped]), float(ratios[n - 1 - skipped])
    return Speed(float(np.median(second) / np.median(first)), low, high, p_slower, p_faster)


def _order_statistic(n: int, tail: float) -> int:
    """Return the largest ``k`` with ``P(Binomial(n, 1/2) <= k) <= tail``, -1 if there is none."""
    from scipy.special import bdtr

    k = -1
    while k + 1 < n and float(bdtr(k + 1, n, 0.5)) <= tail:
        k += 1
    return k
