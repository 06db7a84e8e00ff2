"""Radial basis function networks.

Sources:
    Broomhead & Lowe (1988), "Multivariable functional interpolation and adaptive networks", Complex Systems 2.
    Moody & Darken (1989), "Fast learning in networks of locally-tuned processing units", Neural Computation 1.
    Poggio & Girosi (1990), "Networks for approximation and learning", Proceedings of the IEEE 78.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from neuroloom.core.checks import check_choice, check_int
from neuroloom.core.errors import InputError
from neuroloom.nets._rbfn import Evidence, RadialNetwork, candidates, count_numbers
from neuroloom.nets._ridge_head import calibrate

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

__all__ = ["Evidence", "RBFNClassifier", "RBFNRegressor"]


@dataclass(eq=False, repr=False, kw_only=True)
class RBFNClassifier(ClassifierMixin, RadialNetwork):  # type: ignore[misc]
    """Radial basis function network for classes: prototypes, widths from neighbours, a closed-form head.

    ``p(class | x) = softmax(a · (w_0 + Σ_i w_i φ(‖z − c_i‖ / σ) [+ V z]) + b)`` with ``z`` the scaled sample and
    ``σ`` = width factor · mean distance of the centres to their nearest neighbours (by itself for each centre, the root
    mean square, with other kernels than the Laplace). ``w`` and ``V`` are ridge regression on the classes' indicators,
    by default with the norm of the function as the penalty (a regularization network); width factor, skip ``V``, metric
    and penalty are those with the least squared error by leaving one out, all in closed form. Slope ``a`` and biases
    ``b`` are then fitted to the left-out scores (Platt scaling for several classes), so that probabilities are
    calibrated on samples the head has not seen. With ``head="logistic"`` the weights come from logistic regression over
    the same activations instead.

    Args:
        head: ``"ridge"`` or ``"logistic"``.
        ridge: penalty above 0; several candidates; or ``"auto"``: 1e-7 … 1e4. For the logistic head it is ``1/C``,
            chosen by cross-validated log loss from 1e-3 … 1e3.

    Attributes:
        centres_: ``(m, features)`` prototypes in scaled units; ``metric_``: ``L (features, features)`` or None;
            ``widths_``: ``(m,)``; ``coef_``: ``(m [+ features], classes)``; ``intercept_``: ``(classes,)``;
            ``width_factor_``, ``ridge_``, ``skip_``: what was chosen;
            ``slope_``, ``bias_``: the calibration; ``classes_``; ``n_parameters_``.

    Raises:
        InputError: a parameter lies outside its range.

    Source: Moody & Darken (1989); Poggio & Girosi (1990), also for the penalty and moving prototypes; Chen, Cowan &
    Grant (1991); Billings & Zheng (1995); for the metric Radhakrishnan, Beaglehole, Pandit & Belkin (2024), "Mechanism
    for feature learning in neural networks and backpropagation-free machine learning models".

    Differences:
        Inputs are scaled robustly with a smooth clip, and each column is bent by the sum of its piecewise-linear
        encoding; the Laplace kernel takes sums of absolute differences. Moody and Darken train the head by gradient
        descent. The diagonal metric is tempered, and halves of the samples judge which metric serves.
    """

    head: str = "ridge"

    def fit(self, X: Any, y: Any) -> Self:
        """Fit on ``X (n, features)`` and labels ``y (n,)`` of any type."""
        check_choice("head", self.head, ("ridge", "logistic"))
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        design, head = self._learn(X, np.eye(len(self.classes_))[labels], labels)
        if self.head == "logistic":
            self._fit_logistic(design, labels)
        else:
            self.coef_, self.intercept_ = head.coef, head.intercept
            self.slope_, self.bias_ = calibrate(head.left_out, labels)
        self.n_parameters_ = (
            count_numbers(self.centres_, self.metric_, self.widths_, self.coef_, self.intercept_, self.bias_)
            + 1
        )
        return self

    def _fit_logistic(self, design: Floats, labels: Ints) -> None:
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import StratifiedKFold, cross_val_score

        if len(self.classes_) < 2:
            raise InputError("the logistic head needs at least 2 classes, but got 1; use head='ridge'.")
        mean, scale = design.mean(axis=0), design.std(axis=0)
        scale[scale == 0] = 1.0
        D = (design - mean) / scale
        auto = isinstance(self.ridge, str)
        penalties = [10.0**p for p in range(3, -4, -1)] if auto else candidates("ridge", self.ridge, ())
        folds, models = min(5, int(np.bincount(labels).min())), []
        for penalty in penalties:
            model = LogisticRegression(C=1 / penalty, max_iter=5000)
            loss = 0.0
            if len(penalties) > 1 and folds > 1:
                cv = StratifiedKFold(folds, shuffle=True, random_state=0)
                loss = -cross_val_score(model, D, labels, cv=cv, scoring="neg_log_loss").mean()
            models.append((loss, penalty, model))
        middle = len(models) // 2  # a class of one sample leaves nothing to validate on
        _, self.ridge_, model = min(models, key=lambda m: m[0]) if folds > 1 else models[middle]
        model.fit(D, labels)
        coef, intercept = model.coef_.T / scale[:, None], model.intercept_ - (mean / scale) @ model.coef_.T
        if len(self.classes_) == 2:  # scikit-learn keeps one column for two classes
            coef, intercept = (
                np.hstack([-coef / 2, coef / 2]),
                np.concatenate([-intercept / 2, intercept / 2]),
            )
        self.coef_, self.intercept_ = coef, intercept
        self.slope_, self.bias_ = 1.0, np.zeros(len(self.classes_))

    def predict_proba(self, X: Any) -> Floats:
        """Return ``(n, classes)`` probabilities, columns in the order of ``classes_``."""
        logits = self.decision_scores(X)
        logits = np.exp(logits - logits.max(axis=1, keepdims=True))
        found: Floats = logits / logits.sum(axis=1, keepdims=True)
        return found

    def decision_scores(self, X: Any) -> Floats:
        """Return ``(n, classes)`` calibrated log-odds up to a constant a row."""
        return self._scores(X) * self.slope_ + self.bias_

    def predict(self, X: Any) -> NDArray[Any]:
        """Return ``(n,)`` labels: the likeliest class."""
        scores = self.decision_scores(X)
        found: NDArray[Any] = self.classes_[scores.argmax(axis=1)]
        return found

    def answer_module(self) -> torch.nn.Module:
        """Return ``(n, features) -> (n, classes)`` probabilities as a differentiable torch module.

        It is a copy over columns in their own unit.
        """
        check_is_fitted(self)
        intercept = self.intercept_ * self.slope_ + self.bias_
        return self._answer_module("softmax", self.coef_ * self.slope_, intercept)

    def explain(self, X: Any, top: int = 5) -> list[list[Evidence]]:
        """Return for each sample the ``top`` prototypes that decided its class, the weightiest first."""
        chosen = self.decision_scores(X).argmax(axis=1)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        w = self.slope_ * self.coef_[: len(self.centres_)]
        return self._evidence(X, (w - w.mean(axis=1, keepdims=True)).T[chosen], check_int("top", top))


@dataclass(eq=False, repr=False, kw_only=True)
class RBFNRegressor(RegressorMixin, RadialNetwork):  # type: ignore[misc]
    """Radial basis function network for numbers: prototypes, widths from neighbours, a closed-form head.

    ``f(x) = w_0 + Σ_i w_i φ(‖z − c_i‖ / σ) [+ V z]`` with ``z`` the scaled sample and ``σ`` = width factor · mean
    distance of the centres to their nearest neighbours (by itself for each centre, the root mean square, with other
    kernels than the Laplace). ``w`` and ``V`` are ridge regression, by default with the norm of the function as the
    penalty (a regularization network); width factor, skip ``V``, metric and penalty are those with the least squared
    error by leaving one out, all in closed form.

    Attributes:
        centres_: ``(m, features)`` prototypes in scaled units; ``metric_``: ``L (features, features)`` or None;
            ``widths_``: ``(m,)``; ``coef_``: ``(m [+ features], 1)`` and ``intercept_``: ``(1,)``, for the
            standardised target; ``target_mean_``, ``target_scale_``;
            ``width_factor_``, ``ridge_``, ``skip_``: what was chosen; ``n_parameters_``.

    Raises:
        InputError: a parameter lies outside its range.

    Source: Broomhead & Lowe (1988); Moody & Darken (1989); Poggio & Girosi (1990).

    Differences:
        Inputs are scaled robustly with a smooth clip, and each column is bent by the sum of its piecewise-linear
        encoding; the Laplace kernel takes sums of absolute differences. Moody and Darken train the head by gradient
        descent. The diagonal metric is tempered, and halves of the samples judge which metric serves.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Fit on ``X (n, features)`` and numbers ``y (n,)``."""
        if self.placement == "k-means-per-class":
            raise InputError("`placement` 'k-means-per-class' needs classes; use 'k-means' or another.")
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        y = y.astype(np.float64)
        self.target_mean_, scale = float(y.mean()), float(y.std())
        self.target_scale_ = scale if scale > 0 else 1.0
        _, head = self._learn(X, ((y - self.target_mean_) / self.target_scale_)[:, None], None)
        self.coef_, self.intercept_ = head.coef, head.intercept
        self.n_parameters_ = count_numbers(
            self.centres_, self.metric_, self.widths_, self.coef_, self.intercept_
        )
        return self

    def predict(self, X: Any) -> Floats:
        """Return ``(n,)`` numbers."""
        return self._scores(X)[:, 0] * self.target_scale_ + self.target_mean_

    def answer_module(self) -> torch.nn.Module:
        """Return ``(n, features) -> (n, 1)`` numbers as a differentiable torch module.

        It is a copy over columns in their own unit.
        """
        check_is_fitted(self)
        return self._answer_module(
            "identity", self.coef_, self.intercept_, scale=self.target_scale_, offset=self.target_mean_
        )

    def explain(self, X: Any, top: int = 5) -> list[list[Evidence]]:
        """Return for each sample the ``top`` prototypes that moved its answer most, the weightiest first."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        w = self.target_scale_ * self.coef_[: len(self.centres_), 0]
        return self._evidence(X, np.broadcast_to(w, (len(X), len(w))), check_int("top", top))
