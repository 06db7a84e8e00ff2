"""Forecasts by any regressor: the next value from the window of values before it.

Bontempi, Ben Taieb and Le Borgne (2013), Machine learning strategies for time series forecasting (recursive and direct
strategies).
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone

from neuroloom.core.checks import check_choice, check_int
from neuroloom.core.errors import InputError
from neuroloom.core.origins import OriginSet
from neuroloom.core.residuals import LearnedForecaster
from neuroloom.core.stationarity import steadiest_difference

Floats = NDArray[np.float64]
_STRATEGIES = ("auto", "recursive", "direct")


class WindowForecaster(MetaEstimatorMixin, LearnedForecaster, BaseEstimator):  # type: ignore[misc]
    """A regressor that answers the next value from the last ``lags`` values before it.

    The target is made steady (logarithm, differences) and each window brought to a common level and size. Channels
    beside the first, differenced as it is, and variables known in advance are further channels of the window, the
    latter shifted so that they end at the step that is answered. Intervals come from the errors at the latest origins,
    which a first fit does not see.

    Args:
        estimator: a regressor of series ``(n, channels, lags)``, as ``neuroloom.make(name, "series", "regression")``
            gives; None takes ridge regression.
        lags: values in a window, at least 1; ``"auto"``: a season and a quarter of one, from 8 to 60, and at most a
            third of the series.
        difference: what is learned instead of the values: ``"first"`` differences, ``"seasonal"`` ones, ``"none"``, or
            ``"auto"``, which varies least.
        log: ``"always"`` learns the logarithm of a positive series, ``"never"``; ``"auto"``, where its swing grows with
            its level.
        scale: ``"series"`` brings all windows to one mean and spread, ``"window"`` each to its own.
        strategy: ``"recursive"`` learns one step and feeds its answers back; ``"direct"`` learns each step by a
            regressor of its own; ``"auto"``: recursive, unless there are several channels.
        calibration: share of the origins, the latest, whose errors give the intervals, in (0, 1).

    Attributes:
        estimators_: the fitted regressors, one or one a step. lags_; lag_: of the differences, 0 for none. log_:
            whether the logarithm is learned. spread_ and errors_: of the errors.

    Raises:
        InputError: a parameter is out of range, or the series is too short.

    Source:
        Bontempi, Ben Taieb and Le Borgne (2013), "Machine learning strategies for time series forecasting".
    """

    def __init__(
        self,
        estimator: Any = None,
        lags: int | str = "auto",
        difference: str = "auto",
        log: str = "auto",
        scale: str = "series",
        strategy: str = "auto",
        calibration: float = 0.25,
    ) -> None:
        self.estimator = estimator
        self.lags = lags
        self.difference = difference
        self.log = log
        self.scale = scale
        self.strategy = strategy
        self.calibration = calibration

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from origins ``X`` and the ``(n, horizon)`` values after each."""
        origins, values = self._learn_form(X, y)
        self._choose(origins, values)
        order = np.argsort(origins.origins, kind="stable")
        self._learn_twice(origins[order], values[order], self._learn)
        return self

    def predict(self, X: Any) -> Floats:
        """Return ``(n, horizon)`` values."""
        origins = self._read_origins(X)
        origins.outlook(0, self.horizon_)  # says so if the variables are not known as far ahead
        self._check_positive(origins.values[0])
        made = self._recursive(origins) if len(self.estimators_) == 1 else self._direct(origins)
        return np.exp(made) if self.log_ else made

    # -- choices ------------------------------------------------------------------------------------------------

    def _choose(self, origins: OriginSet, values: Floats) -> None:
        for name, options in (
            ("difference", ("auto", "none", "first", "seasonal")),
            ("scale", ("series", "window")),
            ("strategy", _STRATEGIES),
        ):
            check_choice(name, getattr(self, name), options)
        series = origins.seen(values)
        self._choose_log(series)
        season, steps = origins.season, len(series)
        steady = np.log(series) if self.log_ else series
        if self.difference == "auto":
            self.lag_ = steadiest_difference(steady, season)
        else:
            self.lag_ = {"none": 0, "first": 1, "seasonal": season}[self.difference]
        if isinstance(self.lags, str):
            check_choice("lags", self.lags, ("auto",))
            wanted = min(max(season + season // 4, 8), 60)
            self.lags_ = max(1, min(wanted, (steps - self.lag_) // 3))
        else:
            self.lags_ = check_int("lags", self.lags)
        if steps <= self.lag_ + self.horizon_:
            raise InputError(
                f"a series of {steps} steps is too short for differences over {self.lag_} steps and a horizon of "
                f"{self.horizon_}; set difference='none' or lower the horizon."
            )
        several = self.channels_ > 1
        self.direct_ = self.strategy == "direct" or (self.strategy == "auto" and several)
        if several and not self.direct_:
            raise InputError(
                "the other channels of a series are not forecast, so no answer can be fed back; set "
                "strategy='direct'."
            )

    # -- learning -----------------------------------------------------------------------------------------------

    def _learn(self, origins: OriginSet, values: Floats) -> None:
        model = self.estimator
        if model is None:
            from neuroloom.methods.make import make

            model = make("ridge", "series", "regression")
        if not self.direct_:  # every step of the series that is known is an answer, not the origins alone
            series = origins.seen(values)
            origins, values = OriginSet.of(
                series, 1, self.season_, origins.known if self.variables_ else None
            )
        whole = origins.origins >= self.lags_ + self.lag_
        if whole.sum() >= 2:
            origins, values = origins[whole], values[whole]
        past, features = self._features(origins)
        if self.scale == "series":
            steps = past[:, self.lag_ :] - past[:, : -self.lag_] if self.lag_ else past
            self.mean_, self.size_ = 0.0 if self.lag_ else float(steps.mean()), float(steps.std()) or 1.0
        levels, sizes = self._levels(past)
        steady = np.log(values) if self.log_ else values
        self.estimators_, self.bounds_ = [], []
        for k in range(values.shape[1]):
            wanted = (steady[:, k] - self._base(past, k) - levels) / sizes
            self.estimators_.append(clone(model).fit(self._window(past, features, origins, k), wanted))
            reach = float(np.ptp(wanted)) / 2
            self.bounds_.append((float(wanted.min()) - reach, float(wanted.max()) + reach))

    def _features(self, origins: OriginSet) -> tuple[Floats, Floats]:
        """Return the steady windows of the target, ``(n, lags + lag)``, and those of the other channels."""
        windows = origins.windows(self.lags_ + self.lag_)
        past = np.log(windows[:, 0]) if self.log_ else windows[:, 0]
        others = windows[:, 1:]
        return past, others[..., self.lag_ :] - others[..., : -self.lag_] if self.lag_ else others

    def _levels(self, past: Floats) -> tuple[Floats, Floats]:
        """Return level and size of the steps of each window, ``(n,)``."""
        if self.scale == "series":
            return np.full(len(past), self.mean_), np.full(len(past), self.size_)
        steps = past[:, self.lag_ :] - past[:, : -self.lag_] if self.lag_ else past
        size = steps.std(axis=1)
        return steps.mean(axis=1), np.where(size > 1e-9 * np.abs(past).max(axis=1), size, 1.0)

    def _base(self, past: Floats, k: int) -> Floats | float:
        """Return what step ``k`` is the difference from."""
        if not self.lag_:
            return 0.0
        return past[:, -1] if self.lag_ == 1 else past[:, past.shape[1] - self.lag_ + k % self.lag_]

    def _window(self, past: Floats, others: Floats, origins: OriginSet, k: int) -> Floats:
        """Return ``(n, channels, lags)``: what the answer of step ``k`` is learned from."""
        levels, sizes = self._levels(past)
        steps = past[:, self.lag_ :] - past[:, : -self.lag_] if self.lag_ else past
        parts = [((steps - levels[:, None]) / sizes[:, None])[:, None], others]
        if self.variables_:
            parts.append(origins.outlook(self.lags_, k + 1)[..., -self.lags_ :])
        return np.concatenate(parts, axis=1)

    # -- answering ----------------------------------------------------------------------------------------------

    def _ask(self, k: int, model: int, past: Floats, others: Floats, origins: OriginSet, base: Any) -> Floats:
        levels, sizes = self._levels(past)
        answer = np.asarray(self.estimators_[model].predict(self._window(past, others, origins, k)))
        answer = np.clip(answer, *self.bounds_[model])
        found: Floats = answer * sizes + levels + base
        return found

    def _direct(self, origins: OriginSet) -> Floats:
        past, others = self._features(origins)
        steps = [self._ask(k, k, past, others, origins, self._base(past, k)) for k in range(self.horizon_)]
        return np.stack(steps, axis=1)

    def _recursive(self, origins: OriginSet) -> Floats:
        past, others = self._features(origins)
        made = []
        for k in range(self.horizon_):
            made.append(self._ask(k, 0, past, others, origins, self._base(past, 0)))
            past = np.concatenate([past[:, 1:], made[-1][:, None]], axis=1)
        return np.stack(made, axis=1)
