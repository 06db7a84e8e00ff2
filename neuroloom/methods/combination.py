"""Forecasts combined: several forecasters' answers and quantiles, averaged.

Bates and Granger (1969), The combination of forecasts; Petropoulos and Svetunkov (2020), A simple combination of
univariate models; Lichtendahl, Grushka-Cockayne and Winkler (2013), Is it better to average probabilities or quantiles?
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from neuroloom.core.checks import check_choice
from neuroloom.core.errors import InputError
from neuroloom.core.forecasting import LEVELS, Forecaster
from neuroloom.core.seeding import as_seed, derive

Floats = NDArray[np.float64]


class CombinationForecaster(Forecaster, BaseEstimator):  # type: ignore[misc]
    """Several forecasters, whose answers and quantiles are put together level by level.

    Args:
        members: names from the registry, at least one: what ``neuroloom.make(name, "series", "forecast")`` takes.
        how: ``"median"`` or ``"mean"`` of the members' answers, and of their quantiles at each level.
        random_state: int, generator or None; each member gets a seed of its own.

    Attributes:
        members_: the fitted forecasters. n_parameters_: of those members that count theirs.

    Raises:
        InputError: a parameter is out of range, or a name is not known.

    Source:
        Petropoulos and Svetunkov (2020); Lichtendahl, Grushka-Cockayne and Winkler (2013) for averaging quantiles.
    """

    def __init__(
        self,
        members: Sequence[str] = ("ets", "theta", "arima", "ridge"),
        how: str = "mean",
        random_state: Any = None,
    ) -> None:
        self.members = members
        self.how = how
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Fit each member to origins ``X`` and the ``(n, horizon)`` values after each."""
        from neuroloom.methods.make import build

        self._learn_form(X, y)
        check_choice("how", self.how, ("median", "mean"))
        if isinstance(self.members, str) or not len(self.members):
            raise InputError(f"`members` must be a list of names, but got {self.members!r}; put them in [ ].")
        seed = as_seed(self.random_state)
        self.members_ = [
            build(name, "series", "forecast", {}, X=X, random_state=derive(seed, name))[0].fit(X, y)
            for name in self.members
        ]
        self.n_parameters_ = sum(int(getattr(member, "n_parameters_", 0)) for member in self.members_)
        return self

    def _together(self, answers: Floats) -> Floats:
        found: Floats = (np.median if self.how == "median" else np.mean)(answers, axis=0)
        return found

    def predict(self, X: Any) -> Floats:
        """Return ``(n, horizon)`` values."""
        self._read_origins(X)
        return self._together(np.stack([member.predict(X) for member in self.members_]))

    def predict_quantiles(self, X: Any, levels: Any = LEVELS) -> Floats:
        """Return ``(n, horizon, levels)`` quantiles, rising with the level in (0, 1)."""
        self._read_origins(X)
        return self._together(np.stack([member.predict_quantiles(X, levels) for member in self.members_]))
