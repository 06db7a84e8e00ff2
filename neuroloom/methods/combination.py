"""Forecasts combined: several forecasters' answers and quantiles, averaged, those that missed least counting most.

Bates and Granger (1969), The combination of forecasts; Petropoulos and Svetunkov (2020), A simple combination of
univariate models; Lichtendahl, Grushka-Cockayne and Winkler (2013), Is it better to average probabilities or quantiles?
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from neuroloom.core.checks import check_choice, check_float
from neuroloom.core.errors import InputError
from neuroloom.core.forecasting import LEVELS, Forecaster, crps
from neuroloom.core.origins import OriginSet
from neuroloom.core.seeding import as_seed, derive

Floats = NDArray[np.float64]
_JUDGED = 12  # origins that weights are learned from


class CombinationForecaster(Forecaster, BaseEstimator):  # type: ignore[misc]
    """Several forecasters, whose answers and quantiles are put together level by level.

    The weight of member i is ``w_i ∝ E_i^-2``, ``E_i`` being its mean pinball loss at the latest origins, after a first
    fit to what was known before them; all are then fitted to everything.

    Args:
        members: names from the registry, at least one: what ``neuroloom.make(name, "series", "forecast")`` takes.
        how: ``"weighted"`` mean, ``"mean"`` or ``"median"`` of the members' answers, and of their quantiles at each
            level.
        calibration: share of the origins, the latest, that weights are learned from, up to 12 of them evenly chosen,
            in (0, 1).
        random_state: int, generator or None; each member gets a seed of its own.

    Attributes:
        members_: the fitted forecasters. weights_: ``(members,)`` of sum 1, equal where the series is too short to
            learn them; not for the median. n_parameters_: of those members that count theirs.

    Raises:
        InputError: a parameter is out of range, or a name is not known.

    Differences:
        Bates and Granger weigh by squared errors of one step; here it is the squared pinball loss of all steps and
        levels, that of the whole forecast.

    Source:
        Bates and Granger (1969), eq. 4 for errors taken as independent; Petropoulos and Svetunkov (2020), the members;
        Lichtendahl, Grushka-Cockayne and Winkler (2013) for averaging quantiles.
    """

    weights_: Floats

    def __init__(
        self,
        members: Sequence[str] = ("ets", "theta", "arima", "ridge"),
        how: str = "weighted",
        calibration: float = 0.25,
        random_state: Any = None,
    ) -> None:
        self.members = members
        self.how = how
        self.calibration = calibration
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Fit each member to origins ``X`` and the ``(n, horizon)`` values after each."""
        origins, values = self._learn_form(X, y)
        check_choice("how", self.how, ("weighted", "mean", "median"))
        check_float("calibration", self.calibration, 0, 1, open_low=True, open_high=True)
        if isinstance(self.members, str) or not len(self.members):
            raise InputError(f"`members` must be a list of names, but got {self.members!r}; put them in [ ].")
        seed = as_seed(self.random_state)
        if self.how != "median":
            self.weights_ = np.full(len(self.members), 1 / len(self.members))
        if self.how == "weighted" and len(self.members) > 1:
            order = np.argsort(origins.origins, kind="stable")
            self._weigh(origins[order], values[order], seed)
        self.members_ = self._fitted(origins, values, seed)
        self.n_parameters_ = sum(int(getattr(member, "n_parameters_", 0)) for member in self.members_)
        return self

    def _fitted(self, X: OriginSet, y: Floats, seed: int) -> list[Any]:
        from neuroloom.methods.make import build

        return [
            build(name, "series", "forecast", {}, X=X, random_state=derive(seed, name))[0].fit(X, y)
            for name in self.members
        ]

    def _weigh(self, X: OriginSet, y: Floats, seed: int) -> None:
        """Learn the weights from what the members miss at the latest of the origins, which rise."""
        count = max(round(self.calibration * len(X)), 1)
        early = X.origins <= X.origins[-count] - self.horizon_
        if early.sum() <= 2:
            return
        late = np.unique(np.linspace(len(X) - count, len(X) - 1, min(count, _JUDGED)).round().astype(int))
        try:
            told = [m.predict_quantiles(X[late]) for m in self._fitted(X[early], y[early], seed)]
        except InputError:  # a member needs a longer series
            return
        missed = np.array([crps(y[late], quantiles) for quantiles in told])  # twice the mean pinball losses
        if missed.min() > 0:
            inverse = (missed.min() / missed) ** 2
            self.weights_ = inverse / inverse.sum()

    def _together(self, answers: Floats) -> Floats:
        if self.how == "median":
            return np.asarray(np.median(answers, axis=0))
        return np.asarray(np.tensordot(self.weights_, answers, 1))

    def predict(self, X: Any) -> Floats:
        """Return ``(n, horizon)`` values."""
        self._read_origins(X)
        return self._together(np.stack([member.predict(X) for member in self.members_]))

    def predict_quantiles(self, X: Any, levels: Any = LEVELS) -> Floats:
        """Return ``(n, horizon, levels)`` quantiles, rising with the level in (0, 1)."""
        self._read_origins(X)
        return self._together(np.stack([member.predict_quantiles(X, levels) for member in self.members_]))
