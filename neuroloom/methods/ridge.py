"""Ridge heads whose penalty is chosen by leave-one-out on the training part (Golub, Heath and Wahba 1979)."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.linear_model import RidgeClassifierCV, RidgeCV

_ALPHAS = tuple(float(a) for a in np.logspace(-3, 3, 10))


class RidgeClassifier(RidgeClassifierCV):  # type: ignore[misc]
    """Ridge classifier: one least-squares output a class, the penalty chosen by leave-one-out.

    Args:
        alphas: penalties to choose from, each above 0; None takes ten from 1e-3 to 1e3.
        fit_intercept: whether to fit an intercept.
        class_weight: None, ``"balanced"`` or a dict of class weights.

    Source:
        Golub, Heath and Wahba (1979), "Generalized cross-validation as a method for choosing a good ridge parameter".
    """

    def __init__(self, alphas: Any = None, fit_intercept: bool = True, class_weight: Any = None) -> None:
        super().__init__(alphas=alphas, fit_intercept=fit_intercept, class_weight=class_weight)

    def fit(self, X: Any, y: Any) -> Self:
        """Fit on ``X (n, features)`` and labels ``y (n,)``."""
        given = self.get_params()["alphas"]
        self.alphas = _ALPHAS if given is None else given
        try:
            super().fit(X, y)
        finally:
            self.alphas = given
        return self


class Ridge(RidgeCV):  # type: ignore[misc]
    """Ridge regression, the penalty chosen by leave-one-out.

    Args:
        alphas: penalties to choose from, each above 0; None takes ten from 1e-3 to 1e3.
        fit_intercept: whether to fit an intercept.

    Source:
        Hoerl and Kennard (1970), "Ridge regression"; Golub, Heath and Wahba (1979) for the choice of the penalty.
    """

    def __init__(self, alphas: Any = None, fit_intercept: bool = True) -> None:
        super().__init__(alphas=alphas, fit_intercept=fit_intercept)

    def fit(self, X: Any, y: Any) -> Self:
        """Fit on ``X (n, features)`` and targets ``y (n,)``."""
        given = self.get_params()["alphas"]
        self.alphas = _ALPHAS if given is None else given
        try:
            super().fit(X, y)
        finally:
            self.alphas = given
        return self
