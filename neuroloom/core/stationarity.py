"""How a series is made steady before it is learned: its logarithm, its differences."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def spread_grows_with_level(series: Floats, season: int) -> bool:
    """Return whether a positive series swings more where it is higher, so that its logarithm is steadier.

    The slope of log spread on log level over blocks of a season (or 8 steps) is 0 where the swing is always the same
    and 1 where it is a share of the level (Guerrero 1993); above a half the logarithm is taken.

    Args:
        series: ``(steps,)``.
        season: steps in a season.
    """
    size = season if season > 1 else 8
    if series.min() <= 0 or len(series) < 3 * size:
        return False
    blocks = series[len(series) % size :].reshape(-1, size)
    level, spread = blocks.mean(axis=1), blocks.std(axis=1)
    there = spread > 0
    if there.sum() < 3 or np.ptp(np.log(level[there])) < 0.1:
        return False
    slope = np.polyfit(np.log(level[there]), np.log(spread[there]), 1)[0]
    return bool(slope > 0.5)


def steadiest_difference(series: Floats, season: int) -> int:
    """Return the lag whose difference varies least: 0 for none, 1, or a season.

    Differencing too often makes the spread grow, too seldom leaves the trend in it (Box and Jenkins 1970).

    Args:
        series: ``(steps,)``.
        season: steps in a season.
    """
    lags = [0, 1] if season == 1 or len(series) < 2 * season + 2 else [0, 1, season]
    spreads = [np.std(series if lag == 0 else series[lag:] - series[:-lag]) for lag in lags]
    return lags[int(np.argmin(spreads))]
