"""Detector of anomalies by one line: how far a window's deviation is from the usual one."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.outliers import ScoredDetector
from neuroloom.core.signals import same_shape, signal_batch

Floats = NDArray[np.float64]


class MovingDeviationDetector(ScoredDetector):
    """Windows that vary more or less than windows usually do are anomalies: what a detector must beat.

    The score is minus ``|s - median of s in training|``, the largest over the channels, with s the standard deviation
    of the differences between neighbouring steps, or of the steps themselves.

    Args:
        differenced: whether differences between steps are looked at.
        contamination: share of the training windows that ``predict`` calls anomalies, in (0, 0.5].

    Shapes:
        ``(n, channels, length)``, or ``(n, length)`` for one channel; at least 3 steps.

    Raises:
        InputError: a value is missing, unequal lengths, or ``contamination`` is out of range.

    Source:
        Wu and Keogh (2021), "Current time series anomaly detection benchmarks are flawed and are creating the illusion
        of progress", whose one-liners are of this kind.
    """

    def __init__(self, differenced: bool = True, contamination: float = 0.01) -> None:
        self.differenced = differenced
        self.contamination = contamination

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the usual deviation of windows ``X``; ``y`` is not used."""
        share = self._checked_share()
        X = signal_batch(X, images=False)
        self.sample_shape_ = tuple(X.shape[1:])
        self.median_ = np.median(self._deviations(X), axis=0)
        self.n_parameters_ = len(self.median_)
        self.offset_ = float(np.quantile(self.score_samples(X), share))
        return self

    def score_samples(self, X: Any) -> Floats:
        """Return ``(n,)`` minus the distance of each window's deviation from the usual one."""
        check_is_fitted(self)
        X = same_shape(signal_batch(X, images=False), self.sample_shape_)
        found: Floats = -np.abs(self._deviations(X) - self.median_).max(axis=1)
        return found

    def _deviations(self, X: Any) -> Floats:
        X = X.astype(np.float64)
        found: Floats = (np.diff(X, axis=-1) if self.differenced else X).std(axis=-1)
        return found
