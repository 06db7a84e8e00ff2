"""Detector of outliers by what principal components leave of a sample, on scikit-learn's PCA."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted, validate_data

from neuroloom.core.outliers import ScoredDetector

Floats = NDArray[np.float64]


class PCADetector(ScoredDetector):
    """Samples that lie far from the subspace of the first principal components are outliers.

    Args:
        n_components: how many components, or the share of the variance that they hold, or None for all, as
            scikit-learn's ``PCA`` takes it.
        contamination: share of the training samples that ``predict`` calls outliers, in (0, 0.5].

    Raises:
        InputError: ``contamination`` is out of range.

    Source: Jackson and Mudholkar (1979), "Control procedures for residuals associated with principal component
        analysis".
    """

    def __init__(self, n_components: int | float | None = 0.95, *, contamination: float = 0.1) -> None:
        self.n_components = n_components
        self.contamination = contamination

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the subspace of ``X (n, features)``; ``y`` is not used."""
        from sklearn.decomposition import PCA

        share = self._checked_share()
        X = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        self.pca_ = PCA(self.n_components).fit(X)
        self.n_parameters_ = int(self.pca_.components_.size + X.shape[1])
        self.offset_ = float(np.quantile(self.score_samples(X), share))
        return self

    def score_samples(self, X: Any) -> Floats:
        """Return ``(n,)`` minus the squared distance of each sample from the subspace."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        left = X - self.pca_.inverse_transform(self.pca_.transform(X))
        found: Floats = -(left**2).sum(axis=1)
        return found
