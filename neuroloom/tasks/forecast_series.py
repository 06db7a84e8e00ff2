"""Series to forecast that need no data folder: well-known ones of installed packages, and generated ones.

Each function returns ``(channels, steps)``, the first channel being what is forecast, and outside variables that are
known in advance, ``(variables, steps)``, or None.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.seeding import stream

Floats = NDArray[np.float64]
Series = tuple[Floats, Floats | None]

# Thousands of international airline passengers, January 1949 to December 1960 (Box and Jenkins 1970, series G).
# fmt: off
_AIRLINE = (
    112, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118, 115, 126, 141, 135, 125, 149, 170, 170, 158, 133, 114,
    140, 145, 150, 178, 163, 172, 178, 199, 199, 184, 162, 146, 166, 171, 180, 193, 181, 183, 218, 230, 242, 209, 191,
    172, 194, 196, 196, 236, 235, 229, 243, 264, 272, 237, 211, 180, 201, 204, 188, 235, 227, 234, 264, 302, 293, 259,
    229, 203, 229, 242, 233, 267, 269, 270, 315, 364, 347, 312, 274, 237, 278, 284, 277, 317, 313, 318, 374, 413, 405,
    355, 306, 271, 306, 315, 301, 356, 348, 355, 422, 465, 467, 404, 347, 305, 336, 340, 318, 362, 348, 363, 435, 491,
    505, 404, 359, 310, 337, 360, 342, 406, 396, 420, 472, 548, 559, 463, 407, 362, 405, 417, 391, 419, 461, 472, 535,
    622, 606, 508, 461, 390, 432,
)
# fmt: on


def airline() -> Series:
    """Return the airline passengers."""
    return np.array([_AIRLINE], dtype=np.float64), None


def sunspots() -> Series:
    """Return the yearly sunspot numbers."""
    from neuroloom.tasks.sunspots import YEARLY

    return np.array([YEARLY], dtype=np.float64), None


def _frame(name: str) -> Any:
    """Return a data set of statsmodels."""
    import importlib

    return importlib.import_module(f"statsmodels.datasets.{name}").load_pandas().data


def co2() -> Series:
    """Return monthly means of carbon dioxide, the few months without a value filled along a line."""
    monthly = _frame("co2")["co2"].resample("MS").mean().interpolate()
    return monthly.to_numpy(dtype=np.float64)[None], None


def elnino() -> Series:
    """Return monthly sea surface temperatures."""
    return _frame("elnino").iloc[:, 1:].to_numpy(dtype=np.float64).reshape(1, -1), None


def nile() -> Series:
    """Return the yearly flow of the Nile."""
    return _frame("nile")["volume"].to_numpy(dtype=np.float64)[None], None


def _macro(*columns: str) -> Series:
    return _frame("macrodata")[list(columns)].to_numpy(dtype=np.float64).T.copy(), None


def gdp() -> Series:
    """Return product, consumption and investment of the USA, quarter by quarter."""
    return _macro("realgdp", "realcons", "realinv")


def unemployment() -> Series:
    """Return the share of the unemployed in the USA, quarter by quarter."""
    return _macro("unemp")


def inflation() -> Series:
    """Return inflation in the USA, quarter by quarter."""
    return _macro("infl")


def bill_rate() -> Series:
    """Return the rate of treasury bills of the USA, quarter by quarter."""
    return _macro("tbilrate")


def seasonal_trend() -> Series:
    """Return y_t = 50 + 0.2 t + 8 sin(2πt/12) + 3 cos(4πt/12) + u_t, u_t = 0.6 u_{t−1} + ε_t, ε normal of spread 2."""
    rng, t = stream(0, "data", "seasonal-trend"), np.arange(180)
    noise = _remembering(rng.normal(0.0, 2.0, 180), (0.6,))
    season = 8 * np.sin(2 * np.pi * t / 12) + 3 * np.cos(4 * np.pi * t / 12)
    return (50 + 0.2 * t + season + noise)[None], None


def growing_season() -> Series:
    """Return y_t = exp(4 + 0.01 t + 0.25 sin(2πt/12) + u_t), u_t = 0.7 u_{t−1} + ε_t, ε normal of spread 0.04."""
    rng, t = stream(0, "data", "growing-season"), np.arange(156)
    noise = _remembering(rng.normal(0.0, 0.04, 156), (0.7,))
    return np.exp(4 + 0.01 * t + 0.25 * np.sin(2 * np.pi * t / 12) + noise)[None], None


def mackey_glass() -> Series:
    """Return x' = 0.2 x(t − 17) / (1 + x(t − 17)^10) − 0.1 x, Euler steps of 0.1, each tenth kept, after 1,000."""
    delay, kept, early = 170, 800, 1000
    x = np.full(delay + 10 * (kept + early), 1.2)
    for t in range(delay, len(x) - 1):
        past = x[t - delay]
        x[t + 1] = x[t] + 0.1 * (0.2 * past / (1 + past**10) - 0.1 * x[t])
    return x[delay + 10 * early :: 10][None, :kept], None


def promotions() -> Series:
    """Return daily sales with a weekly rhythm, and the days of promotions, which lift sales by half and are known."""
    rng, t = stream(0, "data", "promotions"), np.arange(420)
    week = np.array([1.0, 0.95, 0.95, 1.0, 1.15, 1.4, 0.7])[t % 7]
    promoted = np.repeat(rng.random(140) < 0.15, 3).astype(np.float64)
    noise = _remembering(rng.normal(0.0, 0.05, 420), (0.5,))
    sales = 200 * week * (1 + 0.5 * promoted) * np.exp(0.0005 * t + noise)
    return sales[None], promoted[None]


def random_walk() -> Series:
    """Return the sums of 300 normal steps of spread 1, from 100."""
    return (100 + np.cumsum(stream(0, "data", "random-walk").normal(size=300)))[None], None


def _remembering(noise: Floats, weights: tuple[float, ...]) -> Floats:
    """Return ``u_t = Σ w_k u_{t−k} + noise_t``."""
    made = noise.copy()
    for t in range(len(made)):
        for k, weight in enumerate(weights, 1):
            made[t] += weight * made[t - k] if t >= k else 0.0
    return made
