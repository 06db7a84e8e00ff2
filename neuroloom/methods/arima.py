"""Seasonal ARIMA, its orders found step by step; likelihood and filter are statsmodels'.

Box and Jenkins (1970), Time series analysis: forecasting and control; Hyndman and Khandakar (2008), Automatic time
series forecasting: the forecast package for R.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from neuroloom.core.checks import check_int
from neuroloom.core.errors import InputError
from neuroloom.core.forecasting import NormalForecaster

Floats = NDArray[np.float64]
Order = tuple[int, int, int, int, bool]  # p, q, P, Q and whether there is a constant
MOST_SEASON = 24  # longer seasons have too many states to filter
_SOUGHT = 200  # latest steps on which orders are sought
_STRONG = 0.64  # from here on a season is differenced (Wang, Smith and Hyndman 2006)


class ARIMAForecaster(NormalForecaster, BaseEstimator):  # type: ignore[misc]
    """Seasonal ARIMA: φ(L) Φ(L^m) (1 − L)^d (1 − L^m)^D y = c + θ(L) Θ(L^m) ε, ε normal.

    Differences come from a KPSS test (d) and the strength of the season (D), the other orders from a walk between
    neighbours to the least AICc (Hyndman and Khandakar 2008), on the latest 200 steps. Orders and weights are learned
    in training; at each origin the filter runs over the whole history. Quantiles are normal.

    Args:
        order: p, d and q, each at least 0; ``"auto"`` finds them.
        seasonal_order: P, D and Q, each at least 0; ``"auto"`` finds them, with ``order="auto"`` only.
        models: most models that the walk tries, at least 1.

    Attributes:
        order_, seasonal_order_: the orders. constant_: whether there is a constant. weights_: ``(parameters,)``. aicc_.
        n_parameters_.

    Raises:
        InputError: a parameter is out of range.

    Source:
        Hyndman and Khandakar (2008); Seabold and Perktold (2010), statsmodels.
    """

    order_: tuple[int, int, int]
    seasonal_order_: tuple[int, int, int]
    constant_: bool
    weights_: Floats

    def __init__(self, order: Any = "auto", seasonal_order: Any = "auto", models: int = 24) -> None:
        self.order = order
        self.seasonal_order = seasonal_order
        self.models = models

    def fit(self, X: Any, y: Any) -> Self:
        """Find orders and weights on all values that the origins and ``y (n, horizon)`` tell."""
        origins, values = self._learn_form(X, y)
        check_int("models", self.models)
        series = origins.seen(values)
        self.period_ = self.season_ if self.season_ <= MOST_SEASON and len(series) > 2 * self.season_ else 1
        if self.order == "auto":
            self._search(series[-_SOUGHT:])
            if len(series) > _SOUGHT:
                order = (self.order_[0], self.order_[2], self.seasonal_order_[0], self.seasonal_order_[2],
                         self.constant_)  # fmt: skip
                self._keep(order, self._fitted(series, order))
        else:
            p, d, q = _orders("order", self.order)
            given = (
                (0, 0, 0) if self.seasonal_order == "auto" else _orders("seasonal_order", self.seasonal_order)
            )
            if any(given) and self.period_ == 1:
                raise InputError(
                    f"`seasonal_order` {given} needs two seasons of 2 … {MOST_SEASON} steps, but there are "
                    f"{len(series)} steps with a season of {self.season_}; leave it out."
                )
            self.d_, self.big_d_ = d, given[1]
            best = self._fitted(series, (p, q, given[0], given[2], d + given[1] < 2))
            self._keep((p, q, given[0], given[2], d + given[1] < 2), best)
        self.n_parameters_ = len(self.weights_) + 1
        return self

    def _search(self, series: Floats) -> None:
        self.big_d_ = int(self.period_ > 1 and _seasonal_strength(series, self.period_) > _STRONG)
        steady = series[self.period_ :] - series[: -self.period_] if self.big_d_ else series
        self.d_ = _differences(steady, 1 if self.big_d_ else 2)
        constant = self.d_ + self.big_d_ < 2
        s = int(self.period_ > 1)
        tried: dict[Order, tuple[float, Any]] = {}

        def ask(order: Order) -> float:
            if order not in tried and len(tried) < self.models:
                fitted = self._fitted(series, order)
                sound = fitted is not None and np.isfinite(fitted.aicc)
                tried[order] = (float(fitted.aicc) if sound else math.inf, fitted)
            return tried[order][0] if order in tried else math.inf

        for p, q, seasonal_p, seasonal_q in ((2, 2, s, s), (0, 0, 0, 0), (1, 0, s, 0), (0, 1, 0, s)):
            ask((p, q, seasonal_p, seasonal_q, constant))
        best = min(tried, key=lambda order: tried[order][0])
        while True:
            near = min(_neighbours(best, s, self.d_ + self.big_d_ < 2), key=ask)
            if not ask(near) < tried[best][0]:
                break
            best = near
        if not math.isfinite(tried[best][0]):
            best = (0, 0, 0, 0, constant)
            tried[best] = (math.inf, self._fitted(series, best))
        self._keep(best, tried[best][1])

    def _keep(self, order: Order, fitted: Any) -> None:
        p, q, seasonal_p, seasonal_q, self.constant_ = order
        self.order_, self.seasonal_order_ = (p, self.d_, q), (seasonal_p, self.big_d_, seasonal_q)
        if fitted is None:
            raise InputError(
                f"an ARIMA of orders {self.order_}, {self.seasonal_order_} cannot be fitted; lower them."
            )
        self.weights_, self.aicc_ = np.asarray(fitted.params, dtype=np.float64), float(fitted.aicc)
        self.variance_ = float(fitted.scale)

    def _model(self, series: Floats, order: Order, simple: bool) -> Any:
        from statsmodels.tsa.statespace.sarimax import SARIMAX

        p, q, seasonal_p, seasonal_q, constant = order
        period = self.period_ if any((seasonal_p, self.big_d_, seasonal_q)) else 0
        return SARIMAX(
            series,
            order=(p, self.d_, q),
            seasonal_order=(seasonal_p, self.big_d_, seasonal_q, period),
            trend="c" if constant else "n",
            simple_differencing=simple,
            concentrate_scale=True,
        )

    def _fitted(self, series: Floats, order: Order) -> Any:
        """Return the fit to the differenced series, or None where there is none."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # starting values and convergence: the AICc judges
            try:
                return self._model(series, order, simple=True).fit(disp=False, maxiter=40, cov_type="none")
            except (np.linalg.LinAlgError, ValueError, IndexError):
                return None

    def _told(self, X: Any) -> tuple[Floats, Floats]:
        """Return means and standard deviations, each ``(n, horizon)``."""
        from scipy.linalg import LinAlgError

        origins = self._read_origins(X)
        order = (
            self.order_[0],
            self.order_[2],
            self.seasonal_order_[0],
            self.seasonal_order_[2],
            self.constant_,
        )
        means, spreads = [], []
        for i in range(len(origins)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    told = self._model(origins.history(i)[0], order, simple=False).filter(
                        self.weights_, cov_type="none"
                    )
                    ahead = told.get_forecast(self.horizon_)
                    mean, spread = np.asarray(ahead.predicted_mean), np.asarray(ahead.se_mean)
                except (LinAlgError, ValueError) as error:
                    raise InputError(
                        f"the history of {origins.origins[i]} steps is too short for the orders {self.order_}, "
                        f"{self.seasonal_order_}: {error}."
                    ) from error
            means.append(mean)
            spreads.append(spread * math.sqrt(self.variance_ / told.scale) if told.scale > 0 else spread)
        return np.stack(means), np.stack(spreads)


def _orders(name: str, value: Any) -> tuple[int, int, int]:
    if not isinstance(value, tuple | list) or len(value) != 3:
        raise InputError(f"`{name}` must be three whole numbers or 'auto', but got {value!r}.")
    first, second, third = (check_int(name, v, 0) for v in value)
    return first, second, third


def _neighbours(order: Order, seasonal: int, may_have_constant: bool) -> Iterator[Order]:
    p, q, seasonal_p, seasonal_q, constant = order
    moves = [(1, 0, 0, 0), (-1, 0, 0, 0), (0, 1, 0, 0), (0, -1, 0, 0), (1, 1, 0, 0), (-1, -1, 0, 0)]
    if seasonal:
        moves += [(0, 0, 1, 0), (0, 0, -1, 0), (0, 0, 0, 1), (0, 0, 0, -1), (0, 0, 1, 1), (0, 0, -1, -1)]
    for a, b, c, d in moves:
        new = (p + a, q + b, seasonal_p + c, seasonal_q + d)
        if min(new) >= 0 and max(new[:2]) <= 5 and max(new[2:]) <= 2:
            yield (*new, constant)
    if may_have_constant or constant:
        yield (p, q, seasonal_p, seasonal_q, not constant)


def _seasonal_strength(series: Floats, season: int) -> float:
    """Return max(0, 1 − Var(rest) / Var(season + rest)) of an STL decomposition."""
    from statsmodels.tsa.seasonal import STL

    parts = STL(series, period=season).fit()
    whole = float(np.var(parts.seasonal + parts.resid))
    return max(0.0, 1 - float(np.var(parts.resid)) / whole) if whole > 0 else 0.0


def _differences(series: Floats, most: int) -> int:
    """Return how often the series is differenced before a KPSS test at 5 % finds it steady."""
    from statsmodels.tsa.stattools import kpss

    for d in range(most):
        if len(series) < 8 or np.ptp(series) == 0:
            return d
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # p-values beyond the table
            lags = int(3 * math.sqrt(len(series)) / 13)
            if kpss(series, regression="c", nlags=lags)[1] >= 0.05:
                return d
        series = np.diff(series)
    return most
