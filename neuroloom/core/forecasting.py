"""What every forecaster is: a scikit-learn estimator over origins, with quantiles beside its answer.

The contract. ``fit(X, y)`` takes an :class:`~neuroloom.core.origins.OriginSet` of ``n`` origins in one series and the
``(n, horizon)`` values that followed each; the horizon is learned from ``y``. ``predict(X)`` takes origins of the same
series or of one like it and gives ``(n, horizon)``, ``predict_quantiles(X, levels)`` ``(n, horizon, levels)``, and
:meth:`Forecaster.predict_interval` and :meth:`Forecaster.anomalies` follow from these. At each origin a forecaster may
use the whole history up to it; what ``fit`` learned it keeps from origin to origin.

Cross-validation over origins must go forward in time and leave a gap of the horizon between training and test, as the
tasks of :mod:`neuroloom.tasks.forecast` do and ``TimeSeriesSplit(gap=horizon)`` does: the answers of the last training
origins would otherwise be the test's histories.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checks import check_float, check_lengths
from neuroloom.core.errors import InputError
from neuroloom.core.origins import OriginSet

Floats = NDArray[np.float64]
LEVELS: tuple[float, ...] = tuple((i + 0.5) / 20 for i in range(20))
"""Levels of the quantiles that are scored: 0.025, 0.075, …, 0.975; the outermost two bound the 95 % interval."""


class Forecaster(RegressorMixin):  # type: ignore[misc]
    """Base of all forecasters.

    Attributes:
        horizon_: steps ahead. season_: steps in a season, from the origins of ``fit``. channels_: of the series.
        variables_: outside variables known in advance. steps_: of the series that ``fit`` knew.
    """

    horizon_: int
    steps_: int

    @abstractmethod
    def predict(self, X: Any) -> Floats:
        """Return ``(n, horizon)`` values, the next ones after each origin."""

    @abstractmethod
    def predict_quantiles(self, X: Any, levels: Any = LEVELS) -> Floats:
        """Return ``(n, horizon, levels)`` quantiles, rising with the level in (0, 1)."""

    def predict_interval(self, X: Any, level: float = 0.95) -> Floats:
        """Return ``(n, horizon, 2)``: intervals from low to high that shall hold a share ``level`` of new values."""
        check_float("level", level, 0, 1, open_low=True, open_high=True)
        return self.predict_quantiles(X, (0.5 - level / 2, 0.5 + level / 2))

    def anomalies(self, X: Any, y: Any, level: float = 0.99) -> NDArray[np.bool_]:
        """Return ``(n, horizon)``: which of the values ``y`` that came lie outside the interval of that level.

        Raises:
            InputError: ``y`` is not of the forecasts' shape.
        """
        interval, values = self.predict_interval(X, level), np.asarray(y, dtype=np.float64)
        if values.shape != interval.shape[:2]:
            raise InputError(f"y must have shape {interval.shape[:2]}, but has {values.shape}.")
        outside: NDArray[np.bool_] = (values < interval[..., 0]) | (values > interval[..., 1])
        return outside

    # -- for those who make one ---------------------------------------------------------------------------------

    def _learn_form(self, X: Any, y: Any) -> tuple[OriginSet, Floats]:
        """Check what ``fit`` was given and remember its form."""
        origins = _origins(X)
        check_lengths(origins, y)
        try:
            values = np.asarray(y, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"a forecaster needs numbers in y, but {error}.") from error
        if values.ndim == 1:
            values = values[:, None]
        if values.ndim != 2 or not values.size or not np.isfinite(values).all():
            raise InputError(
                f"y must have shape (n, horizon), the values after each origin, without NaN, but has {values.shape}."
            )
        self.horizon_ = values.shape[1]
        self.steps_ = int(origins.origins.max()) + self.horizon_
        self.season_, self.channels_, self.variables_ = origins.season, origins.channels, len(origins.known)
        return origins, values

    def _read_origins(self, X: Any) -> OriginSet:
        """Check origins like those of ``fit``."""
        check_is_fitted(self, "horizon_")
        origins = _origins(X)
        if (origins.channels, len(origins.known)) != (self.channels_, self.variables_):
            raise InputError(
                f"fitted on {self.channels_} channels and {self.variables_} known variables, but got "
                f"{origins.channels} and {len(origins.known)}."
            )
        return origins


def _origins(X: Any) -> OriginSet:
    if not isinstance(X, OriginSet):
        raise InputError(
            f"a forecaster takes an OriginSet, but got {type(X).__name__}; make one with X, y = "
            "OriginSet.of(series, horizon), and OriginSet(series) to look ahead from its end."
        )
    if not len(X):
        raise InputError("expected at least one origin, but the set is empty.")
    return X


class NormalForecaster(Forecaster):
    """A forecaster whose quantiles are those of a normal for each step."""

    @abstractmethod
    def _told(self, X: Any) -> tuple[Floats, Floats]:
        """Return means and standard deviations, each ``(n, horizon)``."""

    def predict(self, X: Any) -> Floats:
        """Return ``(n, horizon)`` values."""
        return self._told(X)[0]

    def predict_quantiles(self, X: Any, levels: Any = LEVELS) -> Floats:
        """Return ``(n, horizon, levels)`` quantiles, rising with the level in (0, 1)."""
        return normal_quantiles(*self._told(X), levels)


def normal_quantiles(mean: Floats, spread: Floats, levels: Any) -> Floats:
    """Return ``(…, levels)`` quantiles of normals of mean and standard deviation ``(…)``.

    Raises:
        InputError: a level lies outside (0, 1).
    """
    from scipy.stats import norm

    found: Floats = mean[..., None] + spread[..., None] * norm.ppf(check_levels(levels))
    return found


def crps(y: Floats, quantiles: Floats) -> float:
    """Return the mean continuous ranked probability score, in the unit of the series (Gneiting and Ranjan 2011).

    CRPS = ∫ 2 (1[y < q_τ] − τ)(q_τ − y) dτ, twice the mean pinball loss, by the midpoint rule over the 20 levels.

    Args:
        y: ``(…)`` values.
        quantiles: ``(…, 20)`` of each, at :data:`LEVELS`.
    """
    wanted = y[..., None]
    return float(np.mean(2.0 * ((wanted < quantiles) - np.array(LEVELS)) * (quantiles - wanted)))


def check_levels(levels: Any) -> Floats:
    """Return levels of quantiles as an array.

    Raises:
        InputError: one lies outside (0, 1).
    """
    array = np.atleast_1d(np.asarray(levels, dtype=np.float64))
    for level in array.tolist():
        check_float("levels", level, 0, 1, open_low=True, open_high=True)
    return array
