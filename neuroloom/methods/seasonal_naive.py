"""The seasonal naive forecast: what every forecast has to beat."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from neuroloom.core.checks import check_int
from neuroloom.core.origins import OriginSet
from neuroloom.core.residuals import ResidualForecaster

Floats = NDArray[np.float64]


class SeasonalNaiveForecaster(ResidualForecaster, BaseEstimator):  # type: ignore[misc]
    """The last season again: ŷ(t + k) = y(t + k − m ⌈k / m⌉), with quantiles from its errors in training.

    Args:
        season: steps m in a season, at least 1 (1 repeats the last value); None takes the series' own.

    Attributes:
        spread_: ``(horizon,)`` spread of the errors; ``errors_`` their distribution; ``n_parameters_``.

    Raises:
        InputError: a parameter is out of range, or ``X`` is no ``OriginSet``.

    Source:
        Hyndman and Athanasopoulos (2021), "Forecasting: principles and practice", section 5.2.
    """

    def __init__(self, season: int | None = None) -> None:
        self.season = season

    def fit(self, X: Any, y: Any) -> Self:
        """Learn the spread of the errors at origins ``X`` with ``y (n, horizon)`` values after each."""
        origins, values = self._learn_form(X, y)
        self.lag_ = self.season_ if self.season is None else check_int("season", self.season)
        whole = origins.origins >= self.lag_
        rows = np.flatnonzero(whole) if whole.any() else np.arange(len(origins))
        self._learn_errors(origins[rows], values[rows], self._answer(origins[rows]))
        self.n_parameters_ = self.horizon_ + 1
        return self

    def predict(self, X: Any) -> Floats:
        """Return ``(n, horizon)`` values."""
        return self._answer(self._read_origins(X))

    def _answer(self, origins: OriginSet) -> Floats:
        last = origins.windows(self.lag_)[:, 0]
        return last[:, np.arange(self.horizon_) % self.lag_]
