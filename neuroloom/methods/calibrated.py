"""Probabilities made right after fitting: temperature scaling, sigmoids and isotonic regression over any classifier.

Sources:
    Guo, Pleiss, Sun & Weinberger (2017), "On calibration of modern neural networks": temperature scaling, section 4.2.
    Platt (1999), "Probabilistic outputs for support vector machines": sigmoids.
    Zadrozny & Elkan (2002), "Transforming classifier scores into accurate multiclass probability estimates": isotonic.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.calibration import CalibratedClassifierCV, _CalibratedClassifier
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checks import check_choice, check_int, check_lengths
from neuroloom.core.errors import InputError
from neuroloom.core.seeding import as_seed, derive

Floats = NDArray[np.float64]
METHODS = ("temperature", "sigmoid", "isotonic")


class CalibratedClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier whose probabilities are corrected by what it said of samples that it had not seen.

    A model of each fold answers for the others' samples; the correction is fitted to all these answers, and the model
    that is asked later learns from all samples. Fitting so takes ``folds + 1`` fits. The work is done by scikit-learn's
    ``CalibratedClassifierCV(ensemble=False)``.

    Args:
        estimator: a classifier over any sample set, with ``decision_function`` or ``predict_proba``.
        method: ``"temperature"``, logits divided by one number, ``softmax(z / T)``: the likeliest class stays as it is;
            ``"sigmoid"``, ``1 / (1 + exp(a z + b))`` for each class, made to sum to 1; ``"isotonic"``, a rising step
            function for each class, which wants a thousand samples or more.
        folds: at least 2; fewer are made where a class has fewer samples.
        random_state: of the folds.

    Attributes:
        classes_: the labels. estimator_: the model of all samples. calibrators_: scikit-learn's. temperature_: ``T``,
            above 1 where the classifier was too sure of itself; for ``"temperature"`` alone.

    Raises:
        InputError: a parameter lies outside its range, or a class has a single sample.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.svm import SVC
        >>> X, y = load_iris(return_X_y=True)
        >>> model = CalibratedClassifier(SVC(), random_state=0).fit(X, y)
        >>> model.predict_proba(X).shape
        (150, 3)
    """

    def __init__(
        self, estimator: Any, method: str = "temperature", *, folds: int = 5, random_state: Any = None
    ) -> None:
        self.estimator = estimator
        self.method = method
        self.folds = folds
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Fit the classifier and its correction on ``X`` of ``n`` samples and labels ``y (n,)``."""
        check_choice("method", self.method, METHODS)
        check_int("folds", self.folds, 2)
        check_lengths(X, y)
        labels, counts = np.unique(np.asarray(y), return_counts=True)
        if len(labels) < 2 or counts.min() < 2:
            raise InputError(
                "calibration needs two classes or more of at least 2 samples each, but got "
                f"{', '.join(f'{c} of {k!r}' for k, c in zip(labels.tolist(), counts, strict=True))}."
            )
        seed = derive(as_seed(self.random_state), "calibrated")
        folds = StratifiedKFold(min(self.folds, int(counts.min())), shuffle=True, random_state=seed % 2**31)
        model = CalibratedClassifierCV(self.estimator, method=self.method, cv=folds, ensemble=False)
        model.fit(X, np.asarray(y))
        self.classes_ = model.classes_
        (fitted,) = model.calibrated_classifiers_
        self.estimator_, self.calibrators_ = fitted.estimator, list(fitted.calibrators)
        if self.method == "temperature":
            self.temperature_ = 1.0 / float(fitted.calibrators[0].beta_)
        return self

    def predict_proba(self, X: Any) -> Floats:
        """Return ``(n, classes)`` corrected probabilities, columns in the order of ``classes_``."""
        check_is_fitted(self)
        fitted = _CalibratedClassifier(  # made anew, so that a saved model holds its parts alone
            self.estimator_, self.calibrators_, method=self.method, classes=self.classes_
        )
        return np.asarray(fitted.predict_proba(X), dtype=np.float64)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return ``(n,)`` labels: the class of the largest corrected probability."""
        labels: NDArray[Any] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return labels
