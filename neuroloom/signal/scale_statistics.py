"""How the variance of a series, and the correlation of two, are shared out between scales.

Percival and Walden (2000), "Wavelet Methods for Time Series Analysis", chapter 8; Whitcher, Guttorp and Percival
(2000), "Wavelet analysis of covariance with application to atmospheric time series".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.signal.stationary import discrete_wavelet, modwt
from neuroloom.signal.transform import real_signal

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FREEDOMS = ("band-pass", "estimated")


@dataclass(frozen=True, repr=False)
class ScaleStatistic:
    """A statistic of each scale of a series, with its confidence interval.

    Args:
        values: ``(levels,)`` from the finest level; NaN where it cannot be told.
        low, high: ``(levels,)`` ends of the interval.
        confidence: its coverage, in (0, 1).
        counts: ``(levels,)`` coefficients that the ends of the series do not reach.
        fs: samples per unit of time.
        name: what it is: ``"variance"`` or ``"correlation"``.
        wavelet: the wavelet's name.
    """

    values: Floats
    low: Floats
    high: Floats
    confidence: float
    counts: Ints
    fs: float
    name: str
    wavelet: str

    def __repr__(self) -> str:
        told = ", ".join(f"{value:.3g}" for value in self.values)
        return f"ScaleStatistic({self.name} by scale with {self.wavelet}: {told})"

    @property
    def scales(self) -> Floats:
        """``(levels,)`` τ_j = 2^(j - 1) / fs: differences of averages over so long are what level j sees."""
        return np.asarray(2.0 ** np.arange(len(self.values)) / self.fs, dtype=np.float64)

    @property
    def periods(self) -> Floats:
        """``(levels, 2)`` shortest and longest period of the level's band, 2^j and 2^(j + 1) steps."""
        return np.outer(self.scales, [2.0, 4.0]).astype(np.float64)

    def plot(self, ax: Any = None) -> Any:
        """Draw the statistic and its intervals over the scales; return the matplotlib axes."""
        from neuroloom.signal.plots import plot_scale_statistic

        return plot_scale_statistic(self, ax)


def wavelet_variance(
    x: Any,
    wavelet: Any = "sym4",
    level: int | None = None,
    *,
    confidence: float = 0.95,
    freedom: str = "band-pass",
    fs: float = 1.0,
) -> ScaleStatistic:
    """Return the wavelet variance of ``x`` at each scale.

    With the M_j = n - L_j + 1 coefficients of the maximal-overlap transform that the ends do not reach, L_j = (2^j - 1)
    (L - 1) + 1, L the filter's length::

        ν²(τ_j) = Σ W²_jt / M_j                                  (eq. 306b)
        [η ν² / Q_η(1 - p), η ν² / Q_η(p)],   p = (1 - confidence) / 2   (eq. 313c)

    Q_η is the quantile function of χ² with η degrees of freedom. Over all scales ν² adds up to the variance of a
    stationary series.

    Args:
        x: ``(n,)`` finite numbers.
        wavelet: an orthogonal discrete wavelet; sym4 is the book's LA(8).
        level: number of levels; None for all with coefficients that the ends do not reach.
        confidence: coverage of the interval, in (0, 1).
        freedom: ``"band-pass"``: η = max(M_j / 2^j, 1), right for any series whose spectrum is level in the band
            (eq. 314c); ``"estimated"``: η = M_j ν⁴ / (s²_0 / 2 + Σ s²_τ) from the coefficients' autocovariances s_τ
            (eq. 312c and 313d), sharper where M_j is above about 128.
        fs: samples per unit of time, above 0.

    Raises:
        InputError: a value is missing, the series is too short, or a parameter is out of range.

    Source:
        Percival and Walden (2000), sections 8.3 and 8.4.
    """
    series = _one(x, "x")
    bands = _interior(series, wavelet, level)
    check_float("confidence", confidence, 0, 1, open_low=True, open_high=True)
    check_choice("freedom", freedom, FREEDOMS)
    check_float("fs", fs, 0, open_low=True)
    from scipy.stats import chi2

    counts = np.array([len(band) for band in bands])
    values = np.array([float((band**2).mean()) for band in bands])
    if freedom == "band-pass":
        eta = np.maximum(counts / 2.0 ** np.arange(1, len(bands) + 1), 1.0)
    else:
        eta = np.array([_degrees(band) for band in bands])
    p = (1 - confidence) / 2
    low, high = eta * values / chi2.ppf(1 - p, eta), eta * values / chi2.ppf(p, eta)
    return ScaleStatistic(
        values, low, high, confidence, counts, fs, "variance", discrete_wavelet(wavelet).name
    )


def wavelet_correlation(
    x: Any,
    y: Any,
    wavelet: Any = "sym4",
    level: int | None = None,
    *,
    confidence: float = 0.95,
    fs: float = 1.0,
) -> ScaleStatistic:
    """Return the correlation of two series at each scale.

    ``ρ_j = Σ W^x W^y / √(Σ W^x² Σ W^y²)`` over the coefficients that the ends do not reach. The interval is Fisher's,
    ``tanh(atanh ρ_j ± Q(1 - p) / √(N_j - 3))``, with N_j = ⌊n / 2^j⌋ - ⌈(L - 2)(1 - 2^-j)⌉ the number of such
    coefficients in the decimated transform, which are nearly independent; it is NaN where N_j is below 4.

    Args:
        x, y: ``(n,)`` finite numbers.
        wavelet: an orthogonal discrete wavelet.
        level: number of levels; None for all with coefficients that the ends do not reach.
        confidence: coverage of the interval, in (0, 1).
        fs: samples per unit of time, above 0.

    Raises:
        InputError: the series differ in length, a value is missing, the series are too short, or a parameter is out of
            range.

    Source:
        Whitcher, Guttorp and Percival (2000), eq. 8 and section 3.3.
    """
    first, second = _one(x, "x"), _one(y, "y")
    if len(first) != len(second):
        raise InputError(
            f"both series must be of one length, but have {len(first)} and {len(second)} values."
        )
    check_float("confidence", confidence, 0, 1, open_low=True, open_high=True)
    check_float("fs", fs, 0, open_low=True)
    from scipy.stats import norm

    chosen = discrete_wavelet(wavelet)
    bands = list(zip(_interior(first, wavelet, level), _interior(second, wavelet, level), strict=True))
    values = np.array([_correlation(a, b) for a, b in bands])
    j = np.arange(1, len(bands) + 1)
    independent = len(first) // 2**j - np.ceil((chosen.dec_len - 2) * (1 - 0.5**j))
    half = np.full(len(bands), np.nan)
    known = independent > 3
    half[known] = norm.ppf((1 + confidence) / 2) / np.sqrt(independent[known] - 3)
    with np.errstate(divide="ignore"):
        z = np.arctanh(values)
    counts = np.array([len(a) for a, _ in bands])
    low, high = np.tanh(z - half), np.tanh(z + half)
    return ScaleStatistic(values, low, high, confidence, counts, fs, "correlation", chosen.name)


def _one(x: Any, name: str) -> Floats:
    series = real_signal(x)
    if series.ndim != 1:
        raise InputError(f"expected one series (n,), but `{name}` has shape {series.shape}.")
    return series


def _interior(x: Floats, wavelet: Any, level: int | None) -> list[Floats]:
    """Return the coefficients of each level that the ends of ``x (n,)`` do not reach.

    Raises:
        InputError: the wavelet is not orthogonal, or the series is too short for a level.
    """
    chosen = discrete_wavelet(wavelet)
    if not chosen.orthogonal:
        raise InputError(f"this needs an orthogonal wavelet, such as sym4, but {chosen.name} is not.")
    n, length = len(x), chosen.dec_len
    deepest = int(math.log2((n - 1) / (length - 1) + 1)) if n >= length else 0
    if deepest < 1:
        raise InputError(
            f"a series of {n} values is shorter than the {length} taps of {chosen.name}; take a shorter wavelet."
        )
    level = deepest if level is None else check_int("level", level, 1, deepest)
    bands = modwt(x, chosen, level)
    found = []
    for j in range(1, level + 1):
        reach = 2**j - 1
        found.append(bands[j - 1, reach * (length // 2 - 1) : n - reach * (length // 2)])
    return found


def _degrees(band: Floats) -> float:
    """Return η₁ of eq. 313d, at least 1."""
    m = len(band)
    spectrum = np.abs(np.fft.rfft(band, 2 * m)) ** 2
    s = np.fft.irfft(spectrum, 2 * m)[:m] / m
    total = s[0] ** 2 / 2 + float((s[1:] ** 2).sum())
    return max(1.0, m * float(s[0]) ** 2 / total) if total > 0 else 1.0


def _correlation(a: Floats, b: Floats) -> float:
    scale = math.sqrt(float((a**2).sum()) * float((b**2).sum()))
    return float(np.clip(float((a * b).sum()) / scale, -1, 1)) if scale > 0 else math.nan
