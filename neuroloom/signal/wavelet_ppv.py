"""Share of positive values of a bank of dilated wavelet-shaped kernels, for classifying series.

Dempster, Schmidt and Webb, "MiniRocket: a very fast (almost) deterministic transform for time series classification"
(2021), with wavelets in place of its two-valued kernels.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checks import check_int
from neuroloom.core.seeding import as_seed, stream
from neuroloom.core.signals import long_enough, same_shape, signal_batch
from neuroloom.signal.threads import in_threads, slices

Singles = NDArray[np.float32]

_TAPS = 9
_VALUES = 2048  # at most, about, behind the thresholds of a band
_GOLDEN = (5**0.5 - 1) / 2
_WIDTHS = (1.0, 1.6)
_FREQUENCIES = (0.15, 0.25, 0.35, 0.45)
_ORTHOGONAL = ("haar", "db2", "db3", "db4", "coif1", "sym4")


class WaveletPPVFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """About 10,000 shares of positive values (PPV) of wavelet bands of a series: made for a linear head.

    Each of 29 wavelet-shaped kernels w of nine taps, dilated by d, filters the signal and its difference; a feature is
    the share of time that a band spends above a threshold b::

        PPV(x) = mean over t of [ sum_j w_j x(t + (j - 4) d) > b ]

    The dilations are spaced evenly in their logarithm from 1 to (length - 1) / 8, in general no powers of 2. Every
    other band leaves out the ends, where a kernel reaches beyond the signal; the rest see zeros there. Thresholds are
    quantiles of the band over a few training samples (every second, third, … value of long ones, so that about 2,000
    remain), at a low-discrepancy sequence of levels. Series are not
    normalised one by one, as their level and scale may inform; channels are, by mean and spread over the training
    part. With several channels a band filters the sum of a random subset of them.

    Args:
        features: about how many features, at least 1; every band gets equally many thresholds.
        dilations: number of dilations before equal ones are joined, at least 1.
        samples: training samples behind the thresholds of one band, at least 1.
        n_jobs: threads; the features do not depend on it.
        random_state: draws those samples and the channels.

    Shapes:
        ``(n, channels, length)`` or ``(n, length)``, length at least 2, to ``(n, features)`` float32 in [0, 1].

    Attributes:
        bands_: ``(bands, 3)`` kernel, dilation and whether the difference is filtered, of each band.
        thresholds_: ``(bands, per band)`` float32.
        n_parameters_: number of thresholds.

    Raises:
        InputError: unequal lengths, missing values, a series of one value, another shape than in ``fit``.

    Source:
        Dempster, Schmidt and Webb (2021), "MiniRocket: a very fast (almost) deterministic transform for time series
        classification".

    Differences:
        wavelet kernels instead of the 84 with two weights; the difference as a second input; log-spaced dilations that
        are no powers of 2; thresholds from several samples instead of one; no normalisation of single series.
    """

    def __init__(
        self,
        features: int = 10_000,
        dilations: int = 16,
        samples: int = 8,
        n_jobs: int = 1,
        random_state: Any = None,
    ) -> None:
        self.features = features
        self.dilations = dilations
        self.samples = samples
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> WaveletPPVFeatures:
        """Lay out the bands and take their thresholds from ``X``.

        Args:
            X: ``(n, channels, length)`` or ``(n, length)`` finite numbers.
            y: ignored.

        Raises:
            InputError: see the class.
        """
        X = long_enough(signal_batch(X, images=False))
        features = check_int("features", self.features)
        check_int("samples", self.samples)
        check_int("n_jobs", self.n_jobs)
        self.sample_shape_ = tuple(X.shape[1:])
        self.channel_mean_, self.channel_scale_ = channel_moments(X)
        self.bands_ = _layout(X.shape[2], check_int("dilations", self.dilations))
        random = stream(as_seed(self.random_state), "wavelet-ppv")
        self.channels_, self.channel_start_ = channel_subsets(X.shape[1], len(self.bands_), random)
        self.windows_ = _windows(self.bands_, X.shape[2])
        self.thresholds_ = self._thresholds(X, max(1, round(features / len(self.bands_))), random)
        self.n_parameters_ = int(self.thresholds_.size)
        return self

    def transform(self, X: Any) -> Singles:
        """Return the features of every sample.

        Args:
            X: samples of the shape seen in ``fit``.

        Returns:
            ``(n, features)`` float32 in [0, 1].

        Raises:
            InputError: values are missing, or the samples have another shape.
        """
        check_is_fitted(self)
        X = same_shape(signal_batch(X, images=False), self.sample_shape_)
        from neuroloom.signal import _ppv_kernels

        out = np.empty((len(X), self.thresholds_.size), dtype=np.float32)

        def fill(rows: slice) -> None:
            _ppv_kernels.ppv(self._scaled(X[rows]), *self._bank(), self.thresholds_, self.windows_, out[rows])

        in_threads(fill, slices(len(X), check_int("n_jobs", self.n_jobs)))
        return out

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return names as ``morlet0.25_real__x7__difference__ppv3``: kernel, dilation, input, threshold."""
        check_is_fitted(self)
        kernels = list(kernel_bank())
        names = []
        for k, (kernel, dilation, differenced) in enumerate(self.bands_):
            own = self.channels_[self.channel_start_[k] : self.channel_start_[k + 1]]
            prefix = "" if self.sample_shape_[0] == 1 else "".join(f"ch{c}_" for c in own) + "_"
            stem = f"{prefix}{kernels[kernel]}__x{dilation}__{'difference' if differenced else 'signal'}"
            names += [f"{stem}__ppv{j}" for j in range(self.thresholds_.shape[1])]
        return np.array(names, dtype=object)

    def _scaled(self, X: NDArray[Any]) -> Singles:
        return standardised(X, self.channel_mean_, self.channel_scale_)

    def _bank(self) -> tuple[NDArray[Any], ...]:
        """Return the arrays the compiled loops take."""
        kernels = np.array(list(kernel_bank().values()), dtype=np.float32)
        return kernels, self.bands_, self.channels_, self.channel_start_

    def _thresholds(self, X: NDArray[Any], per: int, random: np.random.Generator) -> Singles:
        from neuroloom.signal import _ppv_kernels

        bank, scaled = self._bank(), self._scaled(X)
        levels = (_GOLDEN * np.arange(1, len(self.bands_) * per + 1)) % 1.0
        levels = levels.reshape(-1, per)
        thresholds = np.empty(levels.shape, dtype=np.float32)
        for k, (start, end) in enumerate(self.windows_):
            rows = random.choice(len(X), min(self.samples, len(X)), replace=False)
            band = _ppv_kernels.one_band(scaled[rows], *bank, k)
            apart = -(-band[:, start:end].size // _VALUES)
            values = np.sort(band[:, start:end:apart], axis=None)
            at = levels[k] * (len(values) - 1)
            below = at.astype(np.intp)
            above = np.minimum(below + 1, len(values) - 1)
            thresholds[k] = values[below] + (at - below) * (values[above] - values[below])
        return thresholds


def channel_moments(X: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and standard deviation ``(channels,)`` of ``X (n, channels, length)``, the latter 1 where it is 0."""
    spread = X.std(axis=(0, 2), dtype=np.float64)
    return X.mean(axis=(0, 2), dtype=np.float64), np.where(spread > 0, spread, 1.0)


def standardised(X: NDArray[Any], mean: NDArray[np.float64], scale: NDArray[np.float64]) -> Singles:
    """Return ``(X - mean) / scale`` of each channel in single precision."""
    return np.ascontiguousarray((X - mean[:, None]) / scale[:, None], dtype=np.float32)


@cache
def kernel_bank() -> dict[str, NDArray[np.float64]]:
    """Return the 29 kernels of nine taps, each of unit energy, by name.

    A Gaussian and the first four derivatives of one at two widths; real and imaginary Morlet wavelets at four
    frequencies (cycles a sample); the low-pass and high-pass filters of six orthogonal wavelets.
    """
    import pywt

    t = np.arange(_TAPS) - _TAPS // 2
    bank: dict[str, NDArray[np.float64]] = {"gauss": np.exp(-((t / _WIDTHS[1]) ** 2) / 2)}
    for width in _WIDTHS:
        for order in range(1, 5):
            hermite = np.polynomial.hermite_e.hermeval(t / width, [0.0] * order + [1.0])
            bank[f"gauss{order}_{width}"] = np.asarray(hermite, dtype=np.float64) * np.exp(
                -((t / width) ** 2) / 2
            )
    envelope = np.exp(-((t / 2.0) ** 2) / 2)
    for frequency in _FREQUENCIES:
        bank[f"morlet{frequency}_real"] = envelope * np.cos(2 * np.pi * frequency * t)
        bank[f"morlet{frequency}_imag"] = envelope * np.sin(2 * np.pi * frequency * t)
    for name in _ORTHOGONAL:
        wavelet = pywt.Wavelet(name)
        for part, taps in (("low", wavelet.dec_lo), ("high", wavelet.dec_hi)):
            before = (_TAPS - len(taps)) // 2
            bank[f"{name}_{part}"] = np.pad(taps, (before, _TAPS - len(taps) - before))
    return {
        name: np.asarray(taps / np.sqrt((taps**2).sum()), dtype=np.float64) for name, taps in bank.items()
    }


def _layout(length: int, dilations: int) -> NDArray[np.int32]:
    """Return ``(bands, 3)``: kernel, dilation, differenced."""
    steps, kernels = dilation_steps(length, dilations), range(len(kernel_bank()))
    return np.array([(k, d, i) for i in (0, 1) for d in steps for k in kernels], dtype=np.int32)


def dilation_steps(length: int, dilations: int) -> NDArray[np.int32]:
    """Return ``dilations`` dilations, fewer where some are equal, from 1 to (length - 1) / 8, even in the logarithm."""
    spaced = max(1.0, (length - 1) / (_TAPS - 1)) ** np.linspace(0.0, 1.0, dilations)
    return np.unique(np.floor(spaced + 1e-9).astype(np.int32))


def _windows(bands: NDArray[np.int32], length: int) -> NDArray[np.int32]:
    """Return ``(bands, 2)``: from where to where a band is read; every other one leaves out the ends."""
    windows = np.empty((len(bands), 2), dtype=np.int32)
    for k, (_, dilation, differenced) in enumerate(bands):
        own, reach = length - differenced, (_TAPS // 2) * dilation
        windows[k] = (reach, own - reach) if k % 2 == 1 and own > 2 * reach else (0, own)
    return windows


def channel_subsets(
    channels: int, bands: int, random: np.random.Generator
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the channels that each band adds up, joined, and ``(bands + 1,)`` where each band's begin.

    The size of a subset is 2^u, u uniform up to log2(min(channels, 9) + 1), as in MiniRocket.
    """
    if channels == 1:
        return np.zeros(bands, dtype=np.int32), np.arange(bands + 1, dtype=np.int32)
    sizes = (2 ** random.uniform(0, np.log2(min(channels, _TAPS) + 1), bands)).astype(np.int32)
    chosen = [np.sort(random.choice(channels, size, replace=False)) for size in sizes]
    start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    return np.concatenate(chosen).astype(np.int32), start
