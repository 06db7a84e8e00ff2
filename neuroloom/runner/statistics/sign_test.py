"""The sign test: wins against losses, when the sizes of differences cannot be compared.

Source: W. Dixon and A. Mood, "The statistical sign test", JASA 41, 1946; for methods over data sets J. Demšar, JMLR 7,
2006, section 3.1.4. Ties are left out.
"""

from __future__ import annotations


def sign_test_p(wins: int, losses: int) -> float:
    """Return the exact two-sided p-value of "a win is as likely as a loss"; 1 where there is neither."""
    from scipy.special import bdtr

    n = wins + losses
    return 1.0 if n == 0 else float(min(1.0, 2 * bdtr(min(wins, losses), n, 0.5)))
