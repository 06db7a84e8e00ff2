"""What a forecaster learns from: the moments in a series at which it looks ahead.

A sample of an :class:`OriginSet` is an *origin*: everything known at one moment, the history of all channels up to it
and those outside variables whose future is known (a calendar, a price list). Its answer is the next ``horizon`` values
of the first channel, so ``y`` is ``(n, horizon)``. All origins share one array; nothing is copied for a sample.

A set holds the values before its latest origin and none after: the training part of a split is cut there, so that what
comes later cannot be read from it, whatever an estimator does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_int
from neuroloom.core.errors import InputError
from neuroloom.core.samples import SampleSet

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class OriginSet(SampleSet):
    """Origins in one series.

    Args:
        values: ``(channels, steps)`` or ``(steps,)`` finite numbers; the first channel is what is forecast. Kept up
            to the latest origin.
        origins: ``(n,)`` how many steps are known at each origin, 1 … steps; None takes the end of the series alone.
        season: steps in a season, at least 1 (12 for months, 7 for days, 1 for none).
        known: ``(variables, steps + …)`` outside variables known in advance, as far as forecasts reach, or None.

    Raises:
        InputError: values are missing or not numbers, or an origin lies outside the series.
    """

    def __init__(self, values: Any, origins: Any = None, season: int = 1, known: Any = None) -> None:
        series = _channels("values", values)
        steps = series.shape[1]
        chosen = np.array([steps]) if origins is None else np.asarray(origins)
        if chosen.ndim != 1 or chosen.dtype.kind not in "iu":
            raise InputError(
                f"`origins` must be a line of whole numbers, but has shape {chosen.shape} and dtype {chosen.dtype}."
            )
        if chosen.size and (chosen.min() < 1 or chosen.max() > steps):
            raise InputError(
                f"`origins` must lie in 1 … {steps}, the length of the series, but reach from {chosen.min()} to "
                f"{chosen.max()}."
            )
        self.season = check_int("season", season)
        self.origins: Ints = chosen.astype(np.int64)
        self.values: Floats = series[:, : int(chosen.max(initial=0))]
        self.known: Floats = np.empty((0, 0)) if known is None else _channels("known", known)
        if known is not None and self.known.shape[1] < self.values.shape[1]:
            raise InputError(
                f"`known` must be known at each of {self.values.shape[1]} steps and beyond, but has "
                f"{self.known.shape[1]}."
            )

    @classmethod
    def of(
        cls, values: Any, horizon: int, season: int = 1, known: Any = None, step: int = 1, first: int = 1
    ) -> tuple[OriginSet, Floats]:
        """Return all origins of a series that have ``horizon`` values after them, and these, ``(n, horizon)``.

        Args:
            values: ``(channels, steps)`` or ``(steps,)``.
            horizon: steps ahead, at least 1.
            season: steps in a season.
            known: outside variables known in advance, ``(variables, steps)``, or None.
            step: steps from one origin to the next, at least 1.
            first: the first origin, at least 1.

        Raises:
            InputError: the series is too short.
        """
        series = _channels("values", values)
        check_int("horizon", horizon)
        last = series.shape[1] - horizon
        if last < first:
            raise InputError(
                f"a horizon of {horizon} needs a series of at least {horizon + first} steps, but it has "
                f"{series.shape[1]}; lower the horizon."
            )
        origins = np.arange(check_int("first", first), last + 1, check_int("step", step))
        y = np.lib.stride_tricks.sliding_window_view(series[0], horizon)[origins]
        return cls(series, origins, season, known), y.copy()

    def __len__(self) -> int:
        return len(self.origins)

    def _take(self, rows: Ints) -> OriginSet:
        taken = object.__new__(OriginSet)  # checked when the whole set was made
        taken.origins, taken.season, taken.known = self.origins[rows], self.season, self.known
        taken.values = self.values[:, : int(taken.origins.max(initial=0))]
        return taken

    def __repr__(self) -> str:
        channels, steps = self.values.shape
        return f"OriginSet({len(self)} origins in {steps} steps of {channels} channels, season {self.season})"

    @property
    def channels(self) -> int:
        """Channels of the series, the one that is forecast among them."""
        return len(self.values)

    def history(self, i: int) -> Floats:
        """Return ``(channels, origin)``: all that was known of the series at origin ``i``."""
        return self.values[:, : self.origins[i]]

    def windows(self, length: int) -> Floats:
        """Return ``(n, channels, length)``: the last values before each origin.

        Where the history is shorter, its first value stands for what came before.
        """
        padded = np.pad(self.values, ((0, 0), (length, 0)), mode="edge")
        views = np.lib.stride_tricks.sliding_window_view(padded, length, axis=1)
        return np.ascontiguousarray(views[:, self.origins].transpose(1, 0, 2))

    def outlook(self, before: int, horizon: int) -> Floats:
        """Return ``(n, variables, before + horizon)``: the variables known in advance, around each origin.

        Raises:
            InputError: they are not known so far ahead.
        """
        if not len(self.known):
            return np.empty((len(self), 0, before + horizon))
        latest = int(self.origins.max(initial=0)) + horizon
        if latest > self.known.shape[1]:
            raise InputError(
                f"a forecast of {horizon} steps needs `known` up to step {latest}, but it has {self.known.shape[1]}; "
                "give its future values too."
            )
        padded = np.pad(self.known, ((0, 0), (before, 0)), mode="edge")
        views = np.lib.stride_tricks.sliding_window_view(padded, before + horizon, axis=1)
        return np.ascontiguousarray(views[:, self.origins].transpose(1, 0, 2))

    def seen(self, y: Any) -> Floats:
        """Return ``(steps,)``: the first channel as far as this set and its answers ``y (n, horizon)`` tell it."""
        last = int(np.argmax(self.origins))
        return np.concatenate([self.values[0], np.asarray(y, dtype=np.float64)[last]])

    def naive_error(self, y: Any) -> float:
        """Return the mean absolute error of the seasonal naive forecast over :meth:`seen`, which MASE divides by.

        Of a series shorter than a season and a step, that of the plain naive forecast.
        """
        series = self.seen(y)
        lag = self.season if len(series) > self.season else 1
        return float(np.mean(np.abs(series[lag:] - series[:-lag])))


def _channels(name: str, values: Any) -> Floats:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"`{name}` must hold numbers, but {error}.") from error
    if array.ndim == 1:
        array = array[None]
    if array.ndim != 2 or 0 in array.shape:
        raise InputError(f"`{name}` must have shape (channels, steps) or (steps,), but has {array.shape}.")
    missing = int(array.size - np.isfinite(array).sum())
    if missing:
        raise InputError(
            f"{missing} of {array.size} numbers of `{name}` are missing (NaN) or infinite; fill them, for example by "
            "interpolation."
        )
    return array
