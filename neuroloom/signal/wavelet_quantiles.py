"""Quantiles of wavelet bands over dyadic intervals, for classifying series with a forest.

Dempster, Schmidt and Webb, "QUANT: a minimalist interval method for time series classification" (2024), with wavelet
bands in place of its differences.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checks import check_choice, check_int
from neuroloom.core.errors import InputError
from neuroloom.core.signals import long_enough, same_shape, signal_batch
from neuroloom.signal.stationary import discrete_wavelet, max_level, stationary_bands

Singles = NDArray[np.float32]

_BLOCK = 1 << 17  # numbers of the signals in a block
_DEEPEST = 5  # bands by default
_OMEGA = 5.0

BANDS = ("details", "envelopes")


class WaveletQuantileFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Quantiles of a series, of its wavelet bands and of its spectrum over dyadic intervals: made for a forest.

    The representations are each channel as it is, J bands of halving frequency, and the moduli of the Fourier
    transform. Each is cut into 1, 2, 4, … equal intervals, and again half an interval later. An interval of m values
    gives 1 + (m - 1) // ``divisor`` quantiles, evenly from the least to the greatest value; of every second one the
    interval's mean is subtracted, so that level and shape both are there. Series are not normalised. A sample's
    features depend on that sample alone.

    Args:
        bands: ``"details"``: stationary wavelet details d1 … dJ; ``"envelopes"``: moduli of analytic Morlet bands
            (ω₀ = 5) around 2^-2, …, 2^-(J + 1) cycles a step, the series being mirrored at its ends.
        wavelet: name of a discrete wavelet of PyWavelets, for the details.
        level: number of wavelet bands J, 1 to floor(log2(length)); None for floor(log2(length)) - 2, 1 to 5.
        depth: number of halvings, whole series included, at least 1.
        divisor: values behind each quantile, at least 1; of more come fewer features.

    Shapes:
        ``(n, channels, length)`` or ``(n, length)``, length at least 2, to ``(n, features)`` float32.

    Attributes:
        level_: J.
        intervals_: for each representation ``(intervals, 3)``: start, stop and number of quantiles.
        n_parameters_: 0; nothing is learned but the shape.

    Raises:
        InputError: unequal lengths, missing values, a series of one value, another shape than in ``fit``, a parameter
            out of range, values too large for single precision.

    Source:
        Dempster, Schmidt and Webb (2024), "QUANT: a minimalist interval method for time series classification".

    Differences:
        wavelet bands in place of the smoothed first and the second difference.
    """

    def __init__(
        self,
        bands: Literal["details", "envelopes"] = "details",
        wavelet: str = "db2",
        level: int | None = None,
        depth: int = 6,
        divisor: int = 4,
    ) -> None:
        self.bands = bands
        self.wavelet = wavelet
        self.level = level
        self.depth = depth
        self.divisor = divisor

    def fit(self, X: Any, y: Any = None) -> WaveletQuantileFeatures:
        """Learn the shape of a sample and lay out the intervals.

        Args:
            X: ``(n, channels, length)`` or ``(n, length)`` finite numbers.
            y: ignored.

        Raises:
            InputError: see the class.
        """
        X = long_enough(signal_batch(X, images=False))
        length = X.shape[2]
        check_choice("bands", self.bands, BANDS)
        discrete_wavelet(self.wavelet)
        depth, divisor = check_int("depth", self.depth), check_int("divisor", self.divisor)
        deepest = max_level(length)
        if self.level is None:
            self.level_ = max(1, min(deepest - 2, _DEEPEST))
        else:
            self.level_ = check_int("level", self.level, 1, deepest)
        self.sample_shape_ = tuple(X.shape[1:])
        with np.errstate(
            over="ignore", invalid="ignore"
        ):  # of values that are too large, ``transform`` tells
            shown = self._representations(X[:1])
        self.intervals_ = {name: dyadic_intervals(values.shape[-1], depth, divisor) for name, values in shown}
        self.n_parameters_ = 0
        return self

    def transform(self, X: Any) -> Singles:
        """Return the features of every sample.

        Args:
            X: samples of the shape seen in ``fit``.

        Returns:
            ``(n, features)`` float32.

        Raises:
            InputError: values are missing or too large for single precision, or the samples have another shape.
        """
        check_is_fitted(self)
        X = same_shape(signal_batch(X, images=False), self.sample_shape_)
        channels = self.sample_shape_[0]
        own = sum(int(parts[:, 2].sum()) for parts in self.intervals_.values())
        out = np.empty((len(X), channels * own), dtype=np.float32)
        rows = max(1, _BLOCK // int(np.prod(self.sample_shape_)))
        with np.errstate(over="ignore", invalid="ignore"):
            for first in range(0, len(X), rows):
                self._fill(X[first : first + rows], out[first : first + rows].reshape(-1, channels, own))
        if not np.isfinite(out).all():
            raise InputError(f"values up to {np.abs(X).max():.3g} are too large; rescale the samples.")
        return out

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return names as ``ch0__db2_d2__16_32__quantile0.25``: channel, representation, interval, level."""
        check_is_fitted(self)
        names = [
            f"{name}__{start}_{stop}__quantile{level:.3g}"
            for name, parts in self.intervals_.items()
            for start, stop, count in parts.tolist()
            for level in quantile_levels(count)
        ]
        return np.array(
            [f"ch{c}__{name}" for c in range(self.sample_shape_[0]) for name in names], dtype=object
        )

    def _representations(self, X: NDArray[Any]) -> list[tuple[str, Singles]]:
        """Return the name and the values ``(rows, channels, m)`` of each representation of a block."""
        signal = np.ascontiguousarray(X, dtype=np.float32)
        if self.bands == "envelopes":
            names, bands = _envelopes(signal, self.level_)
        else:
            bands = stationary_bands(
                signal.astype(np.float64), discrete_wavelet(self.wavelet), self.level_, "symmetric"
            )[:-1]
            names = [f"{self.wavelet}_d{j}" for j in range(1, self.level_ + 1)]
        values: list[NDArray[Any]] = [signal, *bands, np.abs(np.fft.rfft(signal))]
        named = zip(["signal", *names, "spectrum"], values, strict=True)
        return [(name, np.ascontiguousarray(values, dtype=np.float32)) for name, values in named]

    def _fill(self, X: NDArray[Any], out: Singles) -> None:
        """Write the features of a block, ``out (rows, channels, features of a channel)``."""
        first = 0
        for name, values in self._representations(X):
            parts = self.intervals_[name]
            ends = first + np.cumsum(parts[:, 2])
            for alike in _alike(parts):
                start, stop, count = parts[alike[0]].tolist()
                cut = np.lib.stride_tricks.sliding_window_view(values, stop - start, axis=-1)
                columns = ends[alike, None] + np.arange(-count, 0)
                out[..., columns] = _quantiles(cut[..., parts[alike, 0], :], quantile_levels(count))
            first = int(ends[-1])


def _alike(parts: NDArray[np.int64]) -> list[NDArray[np.intp]]:
    """Return the rows of ``parts`` by length of the interval."""
    lengths = parts[:, 1] - parts[:, 0]
    return [np.flatnonzero(lengths == m) for m in np.unique(lengths)]


def _envelopes(signal: Singles, level: int) -> tuple[list[str], list[NDArray[Any]]]:
    """Return the name, with its centre in cycles a step, and the modulus of each Morlet band of ``(..., length)``."""
    length = signal.shape[-1]
    spectrum = np.fft.rfft(np.concatenate([signal, signal[..., ::-1]], axis=-1))
    frequency = np.arange(spectrum.shape[-1]) / (2 * length)
    names, found = [], []
    for j in range(1, level + 1):
        centre = 2.0 ** -(j + 1)
        analytic = np.zeros((*signal.shape[:-1], 2 * length), dtype=spectrum.dtype)
        window = 2 * np.exp(-0.5 * (_OMEGA * (frequency / centre - 1)) ** 2)
        analytic[..., : spectrum.shape[-1]] = spectrum * window.astype(np.float32)
        names.append(f"envelope{centre:.3g}")
        found.append(np.abs(np.fft.ifft(analytic)[..., :length]))
    return names, found


def quantile_levels(count: int) -> NDArray[np.float64]:
    """Return ``count`` levels evenly from 0 to 1, the median alone if it is 1."""
    return np.linspace(0.0, 1.0, count) if count > 1 else np.array([0.5])


def dyadic_intervals(length: int, depth: int, divisor: int) -> NDArray[np.int64]:
    """Return 2^0, 2^1, … equal intervals of ``length`` values, and each of a level but the last half of one later.

    There are ``depth`` levels at most; no interval is empty, and none comes twice.

    Returns:
        ``(intervals, 3)``: start, stop and number of quantiles, 1 + (stop - start - 1) // ``divisor``.
    """
    found = []
    for level in range(min(depth, max_level(length) + 1)):
        parts = 2**level
        edges = [k * length // parts for k in range(parts + 1)]
        spans = list(pairwise(edges))
        if parts > 1 and length // parts > 1:
            shift = length // (2 * parts)
            spans += [(a + shift, b + shift) for a, b in spans[:-1]]
        found += [(a, b, 1 + (b - a - 1) // divisor) for a, b in spans]
    return np.array(list(dict.fromkeys(found)), dtype=np.int64)


def _quantiles(values: Singles, levels: NDArray[np.float64]) -> Singles:
    """Return ``(..., levels)`` quantiles along the last axis, less the mean at every second level."""
    m = values.shape[-1]
    if m == 1:
        return values
    ordered = np.sort(values, axis=-1)
    at = levels * (m - 1)
    below = at.astype(np.intp)
    above = np.minimum(below + 1, m - 1)
    share = (at - below).astype(np.float32)
    found = ordered[..., below] + share * (ordered[..., above] - ordered[..., below])
    found[..., 1::2] -= values.mean(axis=-1, keepdims=True)
    return np.asarray(found, dtype=np.float32)
