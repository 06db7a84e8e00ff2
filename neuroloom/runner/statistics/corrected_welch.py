"""Two means over different splits: Welch's t-test with the resampling correction on either side.

Source: B. Welch, "The generalization of Student's problem when several different population variances are involved",
Biometrika 34, 1947; the variance of each mean as in C. Nadeau and Y. Bengio, Machine Learning 52, 2003.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Welch(NamedTuple):
    """Difference of two means (second minus first): estimate, interval and p-value, NaN where they do not exist."""

    difference: float
    low: float
    high: float
    p: float


def corrected_welch_test(
    first: NDArray[np.float64], second: NDArray[np.float64], ratio: tuple[float, float], level: float = 0.95
) -> Welch:
    """Test whether two means over resampled splits are equal, when the splits are not the same.

    ``v_i = s_i^2 (1 / J_i + ratio_i)``, ``t = (m_2 - m_1) / sqrt(v_1 + v_2)`` with
    ``(v_1 + v_2)^2 / (v_1^2 / (J_1 - 1) + v_2^2 / (J_2 - 1))`` degrees of freedom.

    Args:
        first: ``(J_1,)`` scores.
        second: ``(J_2,)`` scores.
        ratio: ``n_test / n_train`` of each, 0 where repetitions are independent.
        level: of the interval.
    """
    from scipy.special import stdtr, stdtrit

    difference = float(second.mean() - first.mean())
    if min(len(first), len(second)) < 2 or any(math.isnan(r) for r in ratio):
        return Welch(difference, math.nan, math.nan, math.nan)
    parts = [float(x.var(ddof=1)) * (1 / len(x) + r) for x, r in zip((first, second), ratio, strict=True)]
    variance = sum(parts)
    if variance <= (1e-12 * max(abs(float(first.mean())), abs(float(second.mean())))) ** 2:
        same = math.isclose(first.mean(), second.mean(), rel_tol=1e-12)
        return Welch(difference, math.nan, math.nan, 1.0 if same else math.nan)
    freedom = variance**2 / sum(v**2 / (len(x) - 1) for v, x in zip(parts, (first, second), strict=True))
    error = math.sqrt(variance)
    half = float(stdtrit(freedom, 0.5 + level / 2)) * error
    p = 2 * float(stdtr(freedom, -abs(difference) / error))
    return Welch(difference, difference - half, difference + half, p)
