"""The theta method.

Assimakopoulos and Nikolopoulos (2000), The theta model: a decomposition approach to forecasting; Hyndman and Billah
(2003), Unmasking the theta method.
"""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from neuroloom.core.checks import check_float
from neuroloom.core.errors import InputError
from neuroloom.core.forecasting import NormalForecaster

Floats = NDArray[np.float64]
_CRITICAL = 1.645  # of the test for a season, at 90 %


class ThetaForecaster(NormalForecaster, BaseEstimator):  # type: ignore[misc]
    """Theta method: exponential smoothing and a share of the trend line.

    With the season taken out and α and level ℓ of simple exponential smoothing, b the slope of the least-squares line:
    ŷ(n + k) = ℓ + (θ − 1)/θ · b (k − 1 + 1/α − (1 − α)ⁿ/α) (Hyndman and Billah 2003, eq. 5). A season is taken out,
    multiplicative of a positive series, where its autocorrelation is significant at 90 %. All is fitted to the history
    of each origin anew. Quantiles are normal, with the variance σ² (1 + (k − 1) α²) of the smoothing.

    Args:
        theta: how much the second line bends, at least 1; 2 is the method's own.

    Attributes:
        period_: steps in a season that is looked for, 1 for none. n_parameters_.

    Raises:
        InputError: a parameter is out of range.

    Source:
        Assimakopoulos and Nikolopoulos (2000); Hyndman and Billah (2003).
    """

    def __init__(self, theta: float = 2.0) -> None:
        self.theta = theta

    def fit(self, X: Any, y: Any) -> Self:
        """Look at the form of the series; ``y`` is ``(n, horizon)``."""
        origins, values = self._learn_form(X, y)
        check_float("theta", self.theta, 1)
        steps = len(origins.seen(values))
        self.period_ = self.season_ if steps >= 2 * self.season_ + 2 else 1
        self.n_parameters_ = 3 + (self.period_ if self.period_ > 1 else 0)
        return self

    def _told(self, X: Any) -> tuple[Floats, Floats]:
        """Return means and standard deviations, each ``(n, horizon)``."""
        origins = self._read_origins(X)
        told = []
        for i in range(len(origins)):
            series = origins.history(i)[0]
            if len(series) < 4:
                raise InputError(f"the theta method needs a history of 4 steps, but got {len(series)}.")
            told.append(self._ahead(series))
        means, spreads = zip(*told, strict=True)
        return np.stack(means), np.stack(spreads)

    def _ahead(self, series: Floats) -> tuple[Floats, Floats]:
        n, steps = len(series), np.arange(self.horizon_)
        positive = bool(series.min() > 0)
        season: Floats | float = 1.0 if positive else 0.0
        ahead = season
        if self.period_ > 1 and n >= 2 * self.period_ + 2 and _is_seasonal(series, self.period_):
            cycle = seasonal_indices(series, self.period_, positive)
            season, ahead = cycle[np.arange(n) % self.period_], cycle[(n + steps) % self.period_]
        plain = series / season if positive else series - season
        alpha, level, variance = smooth(plain)
        slope = float(np.polyfit(np.arange(n), plain, 1)[0])
        weight = (self.theta - 1) / self.theta
        mean = level + weight * slope * (steps + 1 / alpha - (1 - alpha) ** n / alpha)
        spread = np.sqrt(variance * (1 + steps * alpha**2))
        if positive:
            mean, spread = mean * ahead, spread * ahead
        else:
            mean = mean + ahead
        return np.asarray(mean, dtype=np.float64), np.asarray(spread, dtype=np.float64)


def _is_seasonal(series: Floats, period: int) -> bool:
    """Return whether the autocorrelation at a season exceeds its bound (Makridakis and Hibon 2000)."""
    centred = series - series.mean()
    power = float(centred @ centred)
    if power == 0:
        return False
    r = np.array([float(centred[k:] @ centred[:-k]) / power for k in range(1, period + 1)])
    bound = _CRITICAL * math.sqrt((1 + 2 * float((r[:-1] ** 2).sum())) / len(series))
    return bool(abs(r[-1]) > bound)


def seasonal_indices(series: Floats, period: int, multiplicative: bool) -> Floats:
    """Return ``(period,)`` seasonal indices by classical decomposition: a centred moving average taken out, then means.

    Args:
        series: ``(steps,)``, at least two seasons.
        period: steps in a season.
        multiplicative: whether indices are factors of mean 1 rather than terms of mean 0.
    """
    kernel = np.full(period, 1 / period)
    if period % 2 == 0:
        kernel = np.convolve(kernel, [0.5, 0.5])
    trend = np.convolve(series, kernel, mode="valid")
    early = (len(series) - len(trend)) // 2
    inner = series[early : early + len(trend)]
    rest = inner / trend if multiplicative else inner - trend
    places = (early + np.arange(len(trend))) % period
    indices = np.array([rest[places == p].mean() for p in range(period)])
    found: Floats = indices / indices.mean() if multiplicative else indices - indices.mean()
    return found


def smooth(series: Floats) -> tuple[float, float, float]:
    """Return α, last level and error variance of simple exponential smoothing with the least squared error.

    The first level is the least-squares one for each α.

    Args:
        series: ``(steps,)``.
    """
    from scipy.optimize import minimize_scalar
    from scipy.signal import lfilter

    def errors(alpha: float) -> tuple[Floats, Floats]:
        # ℓ_t = α y_t + (1 − α) ℓ_{t−1} is linear in ℓ_0: ℓ_t = driven_t + (1 − α)^t ℓ_0
        driven = np.concatenate([[0.0], lfilter([alpha], [1.0, alpha - 1.0], series)])
        fading = (1 - alpha) ** np.arange(len(series) + 1)
        start = float(fading[:-1] @ (series - driven[:-1])) / float(fading[:-1] @ fading[:-1])
        levels = driven + fading * start
        return series - levels[:-1], levels

    found = minimize_scalar(
        lambda a: float((errors(a)[0] ** 2).sum()), bounds=(0.001, 0.999), method="bounded"
    )
    alpha = float(found.x)
    missed, levels = errors(alpha)
    return alpha, float(levels[-1]), float((missed**2).sum()) / max(len(series) - 2, 1)
