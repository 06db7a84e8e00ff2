"""Friedman's test over tasks, Iman and Davenport's form of it, and Nemenyi's critical difference.

Source: M. Friedman, "A comparison of alternative tests of significance for the problem of m rankings", Annals of
Mathematical Statistics 11, 1940; R. Iman and J. Davenport, "Approximations of the critical region of the Friedman
statistic", Communications in Statistics A9, 1980; P. Nemenyi, "Distribution-free multiple comparisons", 1963; as in
J. Demšar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7, 2006.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Friedman:
    """Outcome of the test that all methods are equal.

    Args:
        tasks: number of tasks ``N``.
        methods: number of methods ``k``.
        chi2: Friedman's statistic, corrected for ties.
        p_chi2: its p-value from the chi-square distribution with ``k - 1`` degrees of freedom.
        f: Iman and Davenport's statistic, which is less conservative.
        p: its p-value from the F distribution with ``k - 1`` and ``(k - 1)(N - 1)`` degrees of freedom.
    """

    tasks: int
    methods: int
    chi2: float
    p_chi2: float
    f: float
    p: float


def friedman_test(ranks: ArrayLike) -> Friedman:
    """Test whether all methods share one distribution of ranks.

    ``chi2 = 12 N / (k (k + 1)) * sum_j (R_j - (k + 1) / 2)^2 / ties``, ``ties = 1 - sum (t^3 - t) / (N (k^3 - k))``
    over tied groups of size ``t``; ``F = (N - 1) chi2 / (N (k - 1) - chi2)``.

    Args:
        ranks: ``(N, k)`` ranks within each task, ties sharing their mean; ``k >= 2``.
    """
    from scipy.special import chdtrc, fdtrc

    r = np.asarray(ranks, dtype=np.float64)
    n, k = r.shape
    tied = sum(
        float((count**3 - count).sum()) for count in (np.unique(row, return_counts=True)[1] for row in r)
    )
    untied = 1.0 - tied / (n * (k**3 - k))
    if untied <= 1e-12:  # every method ties on every task
        return Friedman(n, k, 0.0, 1.0, 0.0, 1.0)
    chi2 = 12 * n / (k * (k + 1)) * float(((r.mean(axis=0) - (k + 1) / 2) ** 2).sum()) / untied
    p_chi2 = float(chdtrc(k - 1, chi2))
    rest = n * (k - 1) - chi2
    if rest <= 1e-9 * n * k:  # one order on every task: its exact probability under equality
        return Friedman(n, k, chi2, p_chi2, math.inf, float(math.factorial(k)) ** (1 - n))
    f = (n - 1) * chi2 / rest
    return Friedman(n, k, chi2, p_chi2, f, float(fdtrc(k - 1, (k - 1) * (n - 1), f)) if n > 1 else 1.0)


def nemenyi_distance(tasks: int, methods: int, alpha: float = 0.05) -> float:
    """Return the difference of mean ranks from which Nemenyi's test tells two of ``methods`` apart.

    ``CD = q_alpha sqrt(k (k + 1) / (6 N))``, ``q_alpha`` being the studentised range over ``sqrt(2)``.
    """
    from scipy.stats import studentized_range

    q = float(studentized_range.ppf(1 - alpha, methods, np.inf)) / math.sqrt(2)
    return q * math.sqrt(methods * (methods + 1) / (6 * tasks))
