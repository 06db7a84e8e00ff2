"""A support vector machine for numbers that does not depend on the target's unit (Drucker et al. 1997)."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVR
from sklearn.utils import check_X_y


class StandardisedSVR(SVR):  # type: ignore[misc]
    """Support vector regression on a standardised target: ``C`` and ``epsilon`` are in its standard deviations.

    scikit-learn's own leaves the target as it is, so that its defaults fit targets of unit size only.

    Args:
        kernel: ``"rbf"`` (default), ``"linear"``, ``"poly"`` or ``"sigmoid"``.
        degree: degree of the polynomial kernel.
        gamma: kernel coefficient, ``"scale"``, ``"auto"`` or a number above 0.
        coef0: constant of the polynomial and sigmoid kernels.
        tol: tolerance for stopping.
        C: weight of the errors, above 0.
        epsilon: width of the tube without a penalty, at least 0.
        shrinking: whether the shrinking heuristic is used.
        cache_size: kernel cache in MB.
        verbose: whether libsvm prints.
        max_iter: most iterations, -1 for no limit.

    Source:
        Drucker, Burges, Kaufman, Smola and Vapnik (1997), "Support vector regression machines".
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Fit on ``X (n, features)`` and targets ``y (n,)``."""
        _, targets = check_X_y(X, y, accept_sparse="csr", y_numeric=True, estimator=self)
        self.mean_ = float(targets.mean())
        self.scale_ = float(targets.std()) or 1.0
        super().fit(X, (targets - self.mean_) / self.scale_)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return ``(n,)`` targets in their own unit."""
        found: NDArray[np.float64] = super().predict(X) * self.scale_ + self.mean_
        return found
