"""Rolling origin: splits that go forward in time, as forecasts are judged.

The last third of a series is test. It is divided into blocks of origins, one a split: the methods of a split train on
all values before its first test origin, and forecast from each origin of the block with what is known there. So every
test value lies after every training value, and later splits train on more (Tashman 2000, Out-of-sample tests of
forecasting accuracy).
"""

from __future__ import annotations

import numpy as np

from neuroloom.core.errors import InputError
from neuroloom.tasks.task import Split

SPLITS = 3
MOST_ORIGINS = 12  # of a split's test part


def rolling_origin(steps: int, horizon: int, splits: int = SPLITS) -> list[Split]:
    """Return splits over the ``steps - horizon`` origins of a series; row ``i`` is the origin after ``i + 1`` values.

    Args:
        steps: length of the series.
        horizon: steps ahead, at least 1.
        splits: how many, at least 1.

    Raises:
        InputError: the series is too short to train before the first block.
    """
    block = max(1, (steps // 3 - horizon) // splits)
    first = steps - horizon - splits * block + 1
    if first - horizon < horizon + 1:
        raise InputError(
            f"{splits} splits with a horizon of {horizon} need a series of at least {4 * horizon + splits} steps, but "
            f"it has {steps}; lower the horizon."
        )
    between = -(-block // MOST_ORIGINS)
    made = []
    for k in range(splits):
        cut = first + k * block
        test = np.arange(cut, cut + block, between)
        made.append(Split(train=np.arange(1, cut - horizon + 1) - 1, test=test - 1))
    return made
