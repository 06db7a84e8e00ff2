"""Quantiles of a forecast from the errors it made at origins that it had not seen."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.forecasting import LEVELS, Forecaster, check_levels
from neuroloom.core.origins import OriginSet

Floats = NDArray[np.float64]


class ResidualForecaster(Forecaster):
    """A forecaster whose quantiles are its answer and the spread of its past errors, step by step.

    Of errors e at origin i and step k, in units s_i of each origin, the spread of step k is the root mean square of
    e / s over the origins, made to rise with k (isotonic regression), and its shape the distribution of
    |e| / (s · spread) of all steps together, mirrored: q_τ = ŷ ± s · spread_k · Q(|2τ − 1|).

    Attributes:
        spread_: ``(horizon,)``. errors_: ``(m,)`` sorted absolute errors in units of the spread.
    """

    spread_: Floats
    errors_: Floats

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

    def predict_quantiles(self, X: Any, levels: Any = LEVELS) -> Floats:
        """Return ``(n, horizon, levels)`` quantiles, rising with the level in (0, 1)."""
        wanted = check_levels(levels)
        answers = self.predict(X)
        m = len(self.errors_)
        share = np.minimum(np.abs(2 * wanted - 1) * (m + 1) / m, 1.0)
        offsets = np.sign(wanted - 0.5) * np.quantile(self.errors_, share)
        scales = self._scales(self._read_origins(X))
        found: Floats = answers[..., None] + scales[:, None, None] * self.spread_[:, None] * offsets
        return found
