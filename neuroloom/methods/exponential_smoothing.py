"""Exponential smoothing, the form chosen by AICc; the models and their likelihood are statsmodels'.

Hyndman, Koehler, Snyder and Grose (2002), A state space framework for automatic forecasting using exponential smoothing
methods.
"""

from __future__ import annotations

import math
import warnings
from itertools import product
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from neuroloom.core.checks import check_choice, check_int
from neuroloom.core.errors import InputError
from neuroloom.core.forecasting import LEVELS, Forecaster, check_levels
from neuroloom.core.seeding import as_seed, derive, stream

Floats = NDArray[np.float64]
MOST_SEASON = 24  # longer seasons have too many states to fit


class ETSForecaster(Forecaster, BaseEstimator):  # type: ignore[misc]
    """Exponential smoothing (error, trend, season), of the form with the least AICc.

    The form and its parameters are learned in training; at each origin the states are brought up to date with them.
    Quantiles come from simulated futures.

    Args:
        form: three letters for error (A, M), trend (N, A, D for damped) and season (N, A, M), such as ``"AAN"`` or
            ``"MDM"``; ``"auto"`` chooses. Multiplicative parts (M) need a positive series, a season two of its length.
        draws: simulated futures at each origin, at least 2.
        random_state: int, generator or None.

    Attributes:
        form_: the form. weights_: ``(parameters,)``. aicc_: by form. n_parameters_.

    Raises:
        InputError: a parameter is out of range, or the form does not suit the series.

    Source:
        Hyndman, Koehler, Snyder and Grose (2002); Seabold and Perktold (2010), statsmodels.
    """

    def __init__(self, form: str = "auto", draws: int = 500, random_state: Any = None) -> None:
        self.form = form
        self.draws = draws
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Choose and fit the form on all values that the origins and ``y (n, horizon)`` tell."""
        origins, values = self._learn_form(X, y)
        check_int("draws", self.draws, 2)
        series = origins.seen(values)
        self.seed_ = derive(as_seed(self.random_state), "futures")
        seasonal = 1 < self.season_ <= MOST_SEASON and len(series) >= 2 * self.season_ + 4
        positive = series.min() > 0
        if self.form == "auto":
            forms = [
                e + t + s
                for e, t, s in product("AM" if positive else "A", "NAD", "NAM" if seasonal else "N")
                if s != "M"
                or (e == "M" and positive)  # an additive error with a multiplicative season is unstable
            ]
        else:
            forms = [check_choice("form", self.form, [e + t + s for e, t, s in product("AM", "NAD", "NAM")])]
            if "M" in self.form and not positive:
                raise InputError(
                    f"form {self.form!r} multiplies, but the series is not positive; take A or N."
                )
            if self.form[2] != "N" and not seasonal:
                raise InputError(
                    f"form {self.form!r} needs two seasons of 2 … {MOST_SEASON} steps, but there are {len(series)} "
                    f"steps with a season of {self.season_}; end the form with N."
                )
        self.aicc_: dict[str, float] = {}
        best: Any = None
        self.form_ = forms[0]
        for form in forms:
            fitted = self._fitted(series, form)
            aicc = float(fitted.aicc) if np.isfinite(fitted.aicc) else math.inf
            self.aicc_[form] = aicc
            if best is None or aicc < self.aicc_[self.form_]:
                best, self.form_ = fitted, form
        self.weights_ = np.asarray(best.params, dtype=np.float64)
        self.n_parameters_ = len(self.weights_)
        return self

    def _fitted(self, series: Floats, form: str) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a form that does not converge has an AICc that tells
            return self._model(series, form).fit(disp=False, maxiter=200)

    def _model(self, series: Floats, form: str) -> Any:
        from statsmodels.tsa.exponential_smoothing.ets import ETSModel

        words = {"A": "add", "M": "mul", "D": "add", "N": None}

        class Model(ETSModel):  # type: ignore[misc]
            """Without standard errors of the parameters, which would take nearly all the time."""

            def hessian(self, params: Any, *_: Any, **__: Any) -> Floats:
                return -np.eye(len(params))

        return Model(
            series,
            error=words[form[0]],
            trend=words[form[1]],
            damped_trend=form[1] == "D",
            seasonal=words[form[2]],
            seasonal_periods=self.season_ if form[2] != "N" else None,
        )

    def _usable(self, series: Floats) -> Floats:
        if "M" in self.form_ and series.min() <= 0:
            raise InputError(
                f"form {self.form_!r} was fitted on a positive series, but this one is not; fit with form='AAN'."
            )
        return series

    def _futures(self, X: Any) -> Floats:
        """Return ``(n, draws, horizon)`` simulated futures."""
        made = []
        origins = self._read_origins(X)
        for i in range(len(origins)):
            series = self._usable(origins.history(i)[0])
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                results = self._model(series, self.form_).smooth(self.weights_)
                noise = stream(self.seed_, int(origins.origins[i])).normal(size=(self.horizon_, self.draws))
                paths = results.simulate(
                    self.horizon_,
                    anchor="end",
                    repetitions=self.draws,
                    random_errors=noise * math.sqrt(results.scale),
                )
            made.append(np.asarray(paths).reshape(self.horizon_, self.draws).T)
        return np.stack(made)

    def predict(self, X: Any) -> Floats:
        """Return ``(n, horizon)`` values."""
        made = []
        origins = self._read_origins(X)
        for i in range(len(origins)):
            series = self._usable(origins.history(i)[0])
            made.append(self._model(series, self.form_).smooth(self.weights_).forecast(self.horizon_))
        return np.stack(made)

    def predict_quantiles(self, X: Any, levels: Any = LEVELS) -> Floats:
        """Return ``(n, horizon, levels)`` quantiles of simulated futures."""
        found: Floats = np.moveaxis(np.quantile(self._futures(X), check_levels(levels), axis=1), 0, -1)
        return found
