"""Robust scaling with a smooth clip: columns of any unit and tail become numbers of about one, within (-3, 3).

``z = (x - median) · s`` with ``s`` the inverse of the interquartile range (of half the range where that is 0; 0 for a
constant column), then ``z / √(1 + (z/3)²)``.

Source: Holzmüller, Grinsztajn & Steinwart (2024), "Better by default: strong pre-tuned MLPs and boosted trees on
tabular data", section 3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def robust_scale(X: Floats) -> tuple[Floats, Floats]:
    """Return ``(median, s)``, each ``(features,)``, learned from ``X (n, features)``."""
    low, median, high = np.quantile(X, [0.25, 0.5, 0.75], axis=0)
    spread = high - low
    spread = np.where(spread > 0, spread, (X.max(axis=0) - X.min(axis=0)) / 2)
    usable = (spread > np.finfo(np.float64).eps * np.abs(X).max(axis=0)) & np.isfinite(spread)
    return median, np.where(usable, 1 / np.where(usable, spread, 1.0), 0.0)


def smooth_clip(X: Floats, median: Floats, s: Floats) -> Floats:
    """Return ``X`` scaled and clipped smoothly into (-3, 3)."""
    z = (X - median) * s
    clipped: Floats = z / np.hypot(1.0, z / 3)
    return clipped
