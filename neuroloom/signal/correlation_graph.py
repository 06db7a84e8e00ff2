"""Channels as a graph, joined as strongly as their wavelet coefficients are correlated at each scale.

Whitcher, Guttorp and Percival (2000), "Wavelet analysis of covariance with application to atmospheric time series";
Achard, Salvador, Whitcher, Suckling and Bullmore (2006), "A resilient, low-frequency, small-world human brain
functional network", which builds graphs of them.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checks import check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.core.graph import Graph
from neuroloom.core.samples import GraphSet
from neuroloom.core.signals import same_shape, signal_batch
from neuroloom.signal.stationary import discrete_wavelet, max_level, stationary_bands

Floats = NDArray[np.float64]
_BLOCK = 1 << 16  # numbers in a block of signals


class WaveletCorrelationGraphs(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turns each sample of several channels into a graph of them by scale, for any method of whole graphs.

    A node is a channel at a level of the stationary transform, finest first, the smooth rest last. Two channels are
    joined at a level by the size of their correlation there, ``|ρ| = |Σ u v| / √(Σ u² Σ v²)`` of the coefficients less
    their means, unless it is below ``threshold``; a channel is joined with itself at the next level by weight 1.

    Features of a node: the logarithm of the band's variance, less its mean and over its deviation in training, in the
    column of its level (0 in the others); the mean of its correlations with the other channels, with their signs; its
    channel, one-hot.

    Args:
        wavelet: name of a discrete wavelet of PyWavelets.
        level: number of levels J, 1 to floor(log2(length)); None for floor(log2(length)) - 2, at least 1.
        threshold: smallest size of a correlation that makes an edge, in [0, 1].

    Shapes:
        ``(n, channels, length)``, or ``(n, length)`` for one channel, to a ``GraphSet`` of n graphs of
        ``(level + 1) · channels`` nodes.

    Attributes:
        level_: the number of levels used.

    Raises:
        InputError: a value is missing, unequal lengths, a parameter out of range, or another shape than in ``fit``.

    Source:
        Whitcher, Guttorp and Percival (2000); Achard et al. (2006). Differences: all scales in one graph, and weights
        kept.
    """

    def __init__(self, wavelet: str = "db4", level: int | None = None, threshold: float = 0.2) -> None:
        self.wavelet = wavelet
        self.level = level
        self.threshold = threshold

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the usual variances of the bands of ``X``; ``y`` is not used."""
        X = signal_batch(X, images=False)
        self.sample_shape_ = tuple(X.shape[1:])
        discrete_wavelet(self.wavelet)
        check_float("threshold", self.threshold, 0, 1)
        deepest = max_level(X.shape[-1])
        if deepest < 1:
            raise InputError("wavelets need at least 2 values, but the series have 1.")
        usual = max(1, deepest - 2)
        self.level_ = usual if self.level is None else check_int("level", self.level, 1, deepest)
        variances, _ = self._bands(X)
        self.floor_ = np.maximum(1e-8 * variances.mean(axis=0), np.finfo(np.float64).tiny)
        logs = np.log(variances + self.floor_)
        self.mean_, spread = logs.mean(axis=0), logs.std(axis=0)
        self.spread_ = np.where(spread > 0, spread, 1.0)
        self.n_parameters_ = 3 * self.mean_.size
        return self

    def transform(self, X: Any) -> GraphSet:
        """Return a graph for each sample."""
        check_is_fitted(self)
        X = same_shape(signal_batch(X, images=False), self.sample_shape_)
        variances, correlations = self._bands(X)
        logs = (np.log(variances + self.floor_) - self.mean_) / self.spread_
        return GraphSet(self._graph(*one) for one in zip(logs, correlations, strict=True))

    def _bands(self, X: Any) -> tuple[Floats, Floats]:
        """Return variances ``(n, levels, channels)`` and correlations ``(n, levels, channels, channels)``."""
        channels, length = self.sample_shape_
        wavelet = discrete_wavelet(self.wavelet)
        variances, correlations = [], []
        size = max(1, _BLOCK // (channels * length))
        for start in range(0, len(X), size):
            part = X[start : start + size].astype(np.float64)
            bands = np.stack(stationary_bands(part, wavelet, self.level_, "symmetric"), axis=1)
            bands -= bands.mean(axis=-1, keepdims=True)
            products = bands @ bands.swapaxes(-1, -2) / length
            variance = np.diagonal(products, axis1=-2, axis2=-1)
            least = (8 * np.finfo(np.float64).eps * np.abs(part).max(axis=(1, 2)))[:, None, None] ** 2
            held = variance > least  # not rounding error alone
            scale = np.where(held, np.sqrt(np.where(held, variance, 1.0)), np.inf)
            correlations.append(np.clip(products / (scale[..., None] * scale[..., None, :]), -1, 1))
            variances.append(np.where(held, variance, 0.0))
        return np.concatenate(variances), np.concatenate(correlations)

    def _graph(self, logs: Floats, correlations: Floats) -> Graph:
        from scipy.sparse import csr_array

        levels, channels = logs.shape
        size = np.abs(correlations)
        size[:, np.arange(channels), np.arange(channels)] = 0.0
        size[size < max(self.threshold, np.finfo(np.float64).tiny)] = 0.0
        whole = np.zeros((levels, channels, levels, channels))
        at = np.arange(levels)
        whole[at, :, at, :] = np.maximum(
            size, size.swapaxes(-1, -2)
        )  # rounding may differ between both halves
        one = np.arange(channels)
        for j in range(levels - 1):
            whole[j, one, j + 1, one] = whole[j + 1, one, j, one] = 1.0
        matrix = csr_array(whole.reshape(levels * channels, -1))
        others = correlations.sum(axis=-1) - np.diagonal(correlations, axis1=-2, axis2=-1)
        features = np.concatenate(
            [
                (np.eye(levels)[:, None] * logs[..., None]).reshape(-1, levels),
                (others / max(1, channels - 1)).reshape(-1, 1),
                np.tile(np.eye(channels), (levels, 1)),
            ],
            axis=1,
        )
        return Graph(
            matrix.indptr.astype(np.int64),
            matrix.indices.astype(np.int64),
            matrix.data,
            features=features.astype(np.float32),
        )
