"""Quantiles of a forecast from the errors it made at origins that it had not seen, brought up to date with each origin.

West and Harrison (1997), Bayesian forecasting and dynamic models, section 10.8 (variance discounting).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_choice, check_float
from neuroloom.core.errors import InputError
from neuroloom.core.forecasting import LEVELS, Forecaster, check_levels
from neuroloom.core.origins import OriginSet
from neuroloom.core.stationarity import spread_grows_with_level

Floats = NDArray[np.float64]
Learn = Callable[[OriginSet, Floats], None]
DISCOUNT = 0.95  # of what an error counts, a step
MEMORY = 64  # steps whose errors count


class ResidualForecaster(Forecaster):
    """A forecaster whose quantiles are its answer and the spread of its past errors, step by step.

    Of errors e at origin i and step k, in units s_i of each origin, the spread of step k is the root mean square of
    e / s over the origins, made to rise with k (isotonic regression), and its shape the distribution of
    |e| / (s · spread) of all steps together, mirrored: q_τ = ŷ ± s · spread_k · Q(|2τ − 1|).

    Where the history at an origin goes on after what ``fit`` knew, its latest values are forecast from the origins
    before them: with z_v² the mean of (e / (s · spread))² over the forecasts of value v, and z_0² that mean in ``fit``,
    the spread is multiplied by g,

        g² = (n z_0² δ^a + Σ_v δ^(a − v) z_v²) / (n δ^a + Σ_v δ^(a − v)),

    a being the values that came since, v = 1 … a, δ .95 and n the origins whose errors gave the spread, at most
    1 / (1 − δ), what evidence without end comes to; of the v the latest 64 count. It is the variance of West and
    Harrison (1997), whose evidence is discounted each step, of the errors of all steps ahead.

    Attributes:
        spread_: ``(horizon,)``. errors_: ``(m,)`` sorted absolute errors in units of the spread. calibrated_: the
            origins whose errors gave both.
    """

    spread_: Floats
    errors_: Floats
    calibrated_: int

    def _scales(self, X: OriginSet) -> Floats:
        """Return ``(n,)`` the unit in which errors at each origin are counted."""
        return np.ones(len(X))

    def _learn_errors(self, X: OriginSet, y: Floats, answers: Floats) -> None:
        """Learn the spread from ``(n, horizon)`` answers at origins that were not learned from."""
        from sklearn.isotonic import IsotonicRegression

        errors = np.abs(y - answers) / self._scales(X)[:, None]
        square = (errors**2).mean(axis=0)
        steps = np.arange(len(square), dtype=np.float64)
        rising = IsotonicRegression().fit(steps, square).predict(steps) if len(steps) > 1 else square
        self.spread_ = np.sqrt(np.asarray(rising, dtype=np.float64))
        self.errors_ = np.sort((errors / np.where(self.spread_ > 0, self.spread_, 1.0)).ravel())
        self.calibrated_ = len(errors)

    def _growth(self, X: OriginSet) -> Floats:
        """Return ``(n,)``: by what the spread at each origin is multiplied, from the errors since ``fit``."""
        first = np.maximum(self.steps_, X.origins - MEMORY)  # values from there on are compared
        if (X.origins <= first).all():
            return np.ones(len(X))
        asked = np.zeros(int(X.origins.max()), dtype=bool)
        for start, origin in zip(first, X.origins, strict=True):
            asked[max(start - self.horizon_ + 1, 1) : origin] = True
        origins = np.flatnonzero(asked)
        past = OriginSet(X.values, origins, X.season, X.known if self.variables_ else None)
        wanted = np.pad(X.values[0], (0, self.horizon_), constant_values=np.nan)
        ahead = origins[:, None] + np.arange(self.horizon_)
        unit = self._scales(past)[:, None] * np.where(self.spread_ > 0, self.spread_, 1.0)
        squares = ((wanted[ahead] - self.predict(past)) / unit) ** 2
        there = np.isfinite(squares)
        total, count = (np.bincount(ahead[there], w[there], minlength=len(wanted)) for w in (squares, there))
        before = float((self.errors_**2).mean())
        n = min(self.calibrated_, 1 / (1 - DISCOUNT))
        found = np.ones(len(X))
        for i, (start, origin) in enumerate(zip(first, X.origins, strict=True)):
            if origin > start and before > 0:
                counts = DISCOUNT ** np.arange(origin - start - 1, -1, -1.0)
                old = n * DISCOUNT ** float(origin - self.steps_)
                new = total[start:origin] / count[start:origin]
                found[i] = np.sqrt((old + counts @ new / before) / (old + counts.sum()))
        return found

    def predict_quantiles(self, X: Any, levels: Any = LEVELS) -> Floats:
        """Return ``(n, horizon, levels)`` quantiles, rising with the level in (0, 1)."""
        wanted = check_levels(levels)
        answers = self.predict(X)
        m = len(self.errors_)
        share = np.minimum(np.abs(2 * wanted - 1) * (m + 1) / m, 1.0)
        offsets = np.sign(wanted - 0.5) * np.quantile(self.errors_, share)
        origins = self._read_origins(X)
        scales = self._scales(origins) * self._growth(origins)
        found: Floats = answers[..., None] + scales[:, None, None] * self.spread_[:, None] * offsets
        return found


class LearnedForecaster(ResidualForecaster):
    """A forecaster that learns from windows of a series or of its logarithm, and then from errors it has not seen.

    A subclass has the parameters ``log`` (``"auto"``, ``"always"``, ``"never"``) and ``calibration`` (the share of the
    origins, the latest, whose errors give the intervals).

    Attributes:
        log_: whether the logarithm is learned.
    """

    log: str
    calibration: float
    log_: bool

    def _choose_log(self, series: Floats) -> None:
        """Check both parameters, and decide whether the logarithm of ``series (steps,)`` is learned."""
        check_choice("log", self.log, ("auto", "always", "never"))
        check_float("calibration", self.calibration, 0, 1, open_low=True, open_high=True)
        if self.log == "always" and series.min() <= 0:
            raise InputError("log='always' needs a positive series; take 'auto' or 'never'.")
        self.log_ = self.log == "always" or (
            self.log == "auto" and spread_grows_with_level(series, self.season_)
        )

    def _check_positive(self, values: Floats) -> None:
        """Refuse values whose logarithm cannot be taken, where it is learned."""
        if self.log_ and values.min() <= 0:
            raise InputError(
                "the series was positive in fit, so its logarithm is learned, but now it is not; fit with log='never'."
            )

    def _learn_twice(self, origins: OriginSet, values: Floats, learn: Learn) -> None:
        """Learn from early origins, learn the errors at the latest, and learn again from all, in rising order."""
        count = min(max(round(self.calibration * len(origins)), 1), len(origins))
        early = origins.origins <= origins.origins[-count] - self.horizon_
        if early.sum() > 2:
            learn(origins[early], values[early])
            self._calibrate(origins[-count:], values[-count:])
            learn(origins, values)
        else:  # too short to keep anything back: errors of what was learned
            learn(origins, values)
            self._calibrate(origins, values)

    def _calibrate(self, origins: OriginSet, values: Floats) -> None:
        """Learn from the errors at origins that the fit so far has not seen."""
        self._learn_errors(origins, values, self.predict(origins))

    def _scales(self, X: OriginSet) -> Floats:
        """Return the mean size of the last season of each origin where the logarithm is learned, else ones."""
        if not self.log_:
            return super()._scales(X)
        found: Floats = np.abs(X.windows(max(self.season_, 8))[:, 0]).mean(axis=1)
        return found
