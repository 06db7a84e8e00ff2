"""The corrected resampled t-test: paired differences over splits that share training data.

Source: C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning 52, 2003; for repeated
cross-validation R. Bouckaert and E. Frank, "Evaluating the replicability of significance tests for comparing learning
algorithms", PAKDD 2004.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
ROUNDING = 1e-12
"""Differences below this share of the scores they come from are rounding."""


@dataclass(frozen=True, eq=False)
class CorrectedT:
    """Outcome of ``K`` tests; each array is ``(K,)``, NaN where it does not exist.

    Args:
        n: number of splits ``J``.
        mean: mean difference.
        sd: standard deviation of the differences over the splits.
        error: corrected standard error of the mean.
        t: statistic with ``J - 1`` degrees of freedom.
        p: two-sided p-value.
    """

    n: NDArray[np.int64]
    mean: Floats
    sd: Floats
    error: Floats
    t: Floats
    p: Floats

    def interval(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """Return both ends of the interval of the mean that covers it with probability ``level``."""
        from scipy.special import stdtrit

        half = np.full(len(self.n), np.nan)
        usable = (self.n > 1) & np.isfinite(self.error)
        half[usable] = stdtrit(self.n[usable] - 1.0, 0.5 + level / 2) * self.error[usable]
        return self.mean - half, self.mean + half


def corrected_t_test(
    differences: ArrayLike, ratio: ArrayLike, *, scale: ArrayLike = 0.0, grain: ArrayLike = 0.0
) -> CorrectedT:
    """Test whether mean differences over resampled splits are zero.

    ``t = mean / sqrt((1 / J + n_test / n_train) s^2)`` with ``s^2`` the sample variance of the ``J`` differences:
    Nadeau and Bengio 2003, section 5.2. With ``ratio = 0`` it is the ordinary paired t-test, right where the
    repetitions are independent.

    Args:
        differences: ``(J, K)`` or ``(J,)``; NaN where a pair is missing.
        ratio: ``n_test / n_train``, one number or ``(K,)``; NaN where unknown, which leaves no test.
        scale: size of the scores that the differences come from, one number or ``(K,)``; differences below
            ``ROUNDING`` of it count as none.
        grain: the standard deviation to assume where all differences are equal but not zero, as happens to scores
            that can take few values; one number or ``(K,)``. With 0 such a difference has p = 0, with NaN no p.
    """
    from scipy.special import stdtr

    d = np.asarray(differences, dtype=np.float64)
    d = d[:, None] if d.ndim == 1 else d
    k = d.shape[1]
    ratio, scale, grain = (
        np.broadcast_to(np.asarray(v, dtype=np.float64), (k,)) for v in (ratio, scale, grain)
    )
    there = ~np.isnan(d)
    n = there.sum(axis=0)
    total = np.where(there, d, 0.0).sum(axis=0)
    mean = np.divide(total, n, out=np.full(k, np.nan), where=n > 0)
    mean[np.abs(mean) <= ROUNDING * scale] = 0.0
    squares = (np.where(there, d - mean, 0.0) ** 2).sum(axis=0)
    sd = np.sqrt(np.divide(squares, n - 1, out=np.full(k, np.nan), where=n > 1))
    sd[sd <= ROUNDING * scale] = 0.0
    spread = np.where((sd == 0) & (mean != 0), grain, sd)
    error = spread * np.sqrt(np.divide(1.0, n, out=np.full(k, np.nan), where=n > 0) + ratio)
    t = np.divide(mean, error, out=np.full(k, np.nan), where=error > 0)
    t[(error == 0) & (mean == 0)] = 0.0
    t[(error == 0) & (mean != 0)] = np.copysign(np.inf, mean[(error == 0) & (mean != 0)])
    p = np.full(k, np.nan)
    usable = (n > 1) & ~np.isnan(t)
    p[usable] = 2 * stdtr(n[usable] - 1.0, -np.abs(t[usable]))
    return CorrectedT(n, mean, sd, error, t, p)
