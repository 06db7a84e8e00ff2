"""Detector of anomalies by the matrix profile: the distance of a window to the nearest one of a stretch without any."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.errors import InputError
from neuroloom.core.outliers import ScoredDetector, left_out, nearest_distance
from neuroloom.core.signals import same_shape, signal_batch

Floats = NDArray[np.float64]


class MatrixProfileDetector(ScoredDetector):
    """Windows that, brought to mean 0 and deviation 1, lie far from every window learned from are anomalies.

    For all windows of a series this is its matrix profile against the training series (an AB-join), computed exactly;
    the channels of a window are normalised one by one and compared together.

    Args:
        contamination: share of the training windows that ``predict`` calls anomalies, in (0, 0.5], each scored by
            windows from elsewhere in the training part.

    Shapes:
        ``(n, channels, length)``, or ``(n, length)`` for one channel.

    Raises:
        InputError: a value is missing, unequal lengths, fewer than 2 windows, or ``contamination`` is out of range.

    Source:
        Yeh et al. (2016), "Matrix profile I: all pairs similarity joins for time series".
    """

    def __init__(self, contamination: float = 0.01) -> None:
        self.contamination = contamination

    def fit(self, X: Any, y: Any = None) -> Self:
        """Keep the windows of ``X``; ``y`` is not used."""
        share = self._checked_share()
        X = signal_batch(X, images=False)
        if len(X) < 2:
            raise InputError("a detector needs at least 2 windows to learn from, but got 1.")
        self.sample_shape_ = tuple(X.shape[1:])
        self.windows_ = _normalised(X)
        self.offset_ = float(np.quantile(-left_out(self.windows_, nearest_distance), share))
        self.n_parameters_ = int(self.windows_.size)
        return self

    def score_samples(self, X: Any) -> Floats:
        """Return ``(n,)`` minus the distance of each window to the nearest one learned from."""
        check_is_fitted(self)
        X = same_shape(signal_batch(X, images=False), self.sample_shape_)
        return -nearest_distance(self.windows_, _normalised(X))


def _normalised(X: Any) -> Floats:
    """Return ``(n, channels · length)`` windows of mean 0 and deviation 1 in each channel; constant ones are 0."""
    X = X.astype(np.float64)
    spread = X.std(axis=-1, keepdims=True)
    still = spread <= 1e-10 * np.abs(X).max(axis=-1, keepdims=True)
    scaled = (X - X.mean(axis=-1, keepdims=True)) / np.where(still, np.inf, spread)
    return np.ascontiguousarray(scaled.reshape(len(X), -1))
