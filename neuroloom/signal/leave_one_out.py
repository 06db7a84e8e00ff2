"""A ridge classifier that also tells what it would say of each training sample had it not seen it.

Golub, Heath and Wahba (1979), "Generalized cross-validation as a method for choosing a good ridge parameter"; the
shortcut for single left-out samples is Allen's (1974) PRESS.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

Floats = NDArray[np.float64]

ALPHAS = tuple(float(a) for a in np.logspace(-3, 3, 10))
_ROWS = 512


class LeaveOneOutRidge(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Least squares with a penalty on standardised columns, one output of -1 and 1 a class.

    Of ten penalties from 1e-3 to 1e3 the one with the least squared error of left-out samples is taken. With the
    centred and scaled columns ``A``, ``H = 1/n + A (AᵀA + α)⁻¹ Aᵀ`` and residuals ``r``, the residual of a sample left
    out is ``r_i / (1 - H_ii)``; mean and scale of the columns stay those of all samples.

    Attributes:
        classes_: labels. coef_: ``(p, classes)`` of the columns as they come. intercept_: ``(classes,)``.
        alpha_: the penalty. left_out_: ``(n, classes)``: the outputs for each training sample without it.

    Source:
        Golub, Heath and Wahba (1979); Allen (1974), "The relationship between variable selection and data augmentation
        and a method for prediction".
    """

    def fit(self, table: NDArray[Any], y: NDArray[Any]) -> Self:
        """Fit ``table (n, p)`` to labels ``y (n,)``."""
        self.classes_ = np.unique(y)
        indicators = np.where(np.asarray(y)[:, None] == self.classes_, 1.0, -1.0)
        self.coef_, self.intercept_, self.alpha_, self.left_out_ = fit_ridge(table, indicators)
        return self

    def decision_function(self, table: NDArray[Any]) -> Floats:
        """Return ``(n, classes)`` outputs, also for two classes."""
        out = np.empty((len(table), len(self.classes_)))
        for first in range(0, len(table), _ROWS):
            out[first : first + _ROWS] = table[first : first + _ROWS] @ self.coef_ + self.intercept_
        return out

    def predict(self, table: NDArray[Any]) -> NDArray[Any]:
        """Return ``(n,)`` labels: the class of the largest output."""
        labels: NDArray[Any] = self.classes_[self.decision_function(table).argmax(axis=1)]
        return labels


def fit_ridge(table: NDArray[Any], targets: Floats) -> tuple[Floats, Floats, float, Floats]:
    """Return coefficients ``(p, outputs)``, intercept, penalty and left-out answers ``(n, outputs)``.

    Args:
        table: ``(n, p)``.
        targets: ``(n, outputs)``.
    """
    mean, spread = table.mean(axis=0, dtype=np.float64), table.std(axis=0, dtype=np.float64)
    scale = np.where(spread > 1e-12, spread, 1.0)
    A = (table - mean) / scale
    offset = targets.mean(axis=0)
    left, squares, right = _decomposed(A)
    projected = left.T @ (targets - offset)
    errors, residuals = [], []
    for alpha in ALPHAS:
        shrunk = squares / (squares + alpha)
        residual = targets - offset - left @ (shrunk[:, None] * projected)
        leverage = 1.0 / len(A) + (left**2) @ shrunk
        residuals.append(residual / np.maximum(1.0 - leverage, 1e-10)[:, None])
        errors.append(float((residuals[-1] ** 2).mean()))
    best = int(np.argmin(errors))
    alpha = ALPHAS[best]
    coefficients = right(np.sqrt(squares)[:, None] / (squares + alpha)[:, None] * projected) / scale[:, None]
    return coefficients, offset - mean @ coefficients, alpha, targets - residuals[best]


def _decomposed(A: Floats) -> tuple[Floats, Floats, Callable[[Floats], Floats]]:
    """Return left singular vectors ``(n, r)``, squared singular values ``(r,)`` and what applies the right vectors.

    From the smaller of ``AAᵀ`` and ``AᵀA``; singular values at rounding error are left out.
    """
    wide = A.shape[1] > A.shape[0]
    squares, vectors = np.linalg.eigh(A @ A.T if wide else A.T @ A)
    kept = squares > max(float(squares[-1]), 1.0) * len(squares) * np.finfo(np.float64).eps
    squares, vectors = squares[kept], vectors[:, kept]
    root = np.sqrt(squares)
    if wide:
        return vectors, squares, lambda x: A.T @ (vectors @ (x / root[:, None]))
    return A @ vectors / root, squares, lambda x: vectors @ x
