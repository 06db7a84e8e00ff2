"""How high noise alone reaches in a picture of squared moduli.

Worsley (1994), "Local maxima and the expected Euler characteristic of excursion sets of χ², F and t fields".
"""

from __future__ import annotations

import math


def highest_of_noise(places: float, significance: float) -> float:
    """Return t that a χ² field of 2 degrees of freedom, components of variance 1, exceeds anywhere so rarely.

    The expected number of its peaks above t is ``places (t - 1) exp(-t / 2)`` (theorem 3.5 for 2 degrees of freedom
    in 2 dimensions).

    Args:
        places: area times ``√det Λ / 2π``, Λ the variances of the components' slopes, above 0.
        significance: chance, in (0, 1).
    """
    t = 10.0
    for _ in range(50):
        t = max(3.0, 2 * math.log(max(places * (t - 1) / significance, 1.0)))
    return t
