"""How long a season is, read from the dates, and how far to look ahead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

# days between rows (from, to), steps in a season, the word for it
_GAPS = (
    (0.9 / 24 / 60, 1.1 / 24 / 60, 60, "minutes"),
    (0.9 / 24, 1.1 / 24, 24, "hours"),
    (0.9, 1.1, 7, "days"),
    (6.9, 7.1, 52, "weeks"),
    (27.0, 32.0, 12, "months"),
    (89.0, 93.0, 4, "quarters"),
    (360.0, 370.0, 1, "years"),
)


def season_of(dates: Sequence[Any] | Any) -> tuple[int, str]:
    """Return the steps in a season that the usual gap between dates suggests, and why; 1 where it suggests none.

    Args:
        dates: in order, of any form that pandas reads.
    """
    import warnings

    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of formats that pandas has to guess one by one
        stamps = pd.to_datetime(pd.Series(list(dates)).astype(str), errors="coerce")
    if len(stamps) < 3 or stamps.isna().any():
        return 1, "the rows have no dates, so no season is assumed"
    gap = float(np.median(np.diff(stamps.to_numpy(dtype="datetime64[s]").astype(np.int64)))) / 86400
    for low, high, season, word in _GAPS:
        if low <= gap <= high:
            told = (
                f"rows are {word}, so a season is {season}" if season > 1 else f"rows are {word}: no season"
            )
            return season, told
    return 1, f"rows are {gap:.3g} days apart, for which no season is known"


def horizon_for(season: int, steps: int) -> int:
    """Return steps ahead that suit a series: a season, or 6 where there is none, and at most an eighth of it."""
    return max(1, min(season if season > 1 else 6, steps // 8))


def next_dates(dates: Sequence[str], count: int) -> list[str]:
    """Return the dates that follow, in the form of those given; none where these are not regular.

    Args:
        dates: in order, of one form.
        count: how many.
    """
    import warnings

    import pandas as pd

    if len(dates) < 3:
        return []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stamps = pd.to_datetime(pd.Series(list(dates)).astype(str), errors="coerce")
    if stamps.isna().any():
        return []
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # pandas 3 announces that it will return an offset, which serves as well
        form = pd.infer_freq(pd.DatetimeIndex(stamps))
    if form is None:
        return []
    ahead = pd.date_range(stamps.iloc[-1], periods=count + 1, freq=form)[1:]
    width = len(str(dates[-1]))
    return [str(stamp)[: width if width < 19 else None] for stamp in ahead]
