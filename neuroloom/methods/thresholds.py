"""Which class to answer with, given its probability: thresholds moved for rare classes, for a metric or for costs.

Sources:
    Elkan (2001), "The foundations of cost-sensitive learning", Eq. (1): the class of least expected cost.
    Collell, Prelec & Patil (2018), "A simple plug-in bagging ensemble based on threshold-moving for classifying binary
    and multiclass imbalanced data": the most likely class over its prior, which serves the mean recall of classes.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checks import check_choice, check_int, check_lengths
from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.core.seeding import as_seed, derive
from neuroloom.methods.pipeline import takes_eval_set

Floats = NDArray[np.float64]
RULES = ("prior", "tuned", "cost")
METRICS = ("balanced_accuracy", "f1", "mcc")


class ThresholdClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier of which only the answers are changed: its probabilities stay as they are.

    Args:
        estimator: a classifier with ``predict_proba``.
        rule: ``"prior"`` answers with the class of largest ``p(c) / π(c)``, ``π`` being the shares of the classes in
            ``fit``'s samples, which is best for the mean recall of classes if the probabilities are true; ``"tuned"``
            finds the threshold of two classes that is best by ``metric`` on samples not learned from; ``"cost"``
            answers with the class of least expected cost.
        metric: what ``"tuned"`` makes largest: ``"balanced_accuracy"``, ``"f1"`` of the rarer class or ``"mcc"``.
        cost: ``(classes, classes)`` for ``"cost"``: row the true class, column the answer, in sorted order of labels.
        folds: of ``"tuned"``, at least 2; fewer are made where a class has fewer samples.
        random_state: of the folds.

    Attributes:
        classes_: the labels. estimator_: the fitted classifier. threshold_: of the second class's probability, for
            ``"tuned"`` and for ``"prior"`` of two classes.

    Raises:
        InputError: a parameter is out of range, or the costs have another shape than the classes.
        NotSupportedError: the classifier gives no probabilities, or ``"tuned"`` meets more than two classes.

    Source:
        Elkan (2001), Eq. (1); Collell et al. (2018); tuning by scikit-learn's ``TunedThresholdClassifierCV``.
    """

    def __init__(
        self,
        estimator: Any = None,
        rule: str = "prior",
        *,
        metric: str = "balanced_accuracy",
        cost: ArrayLike | None = None,
        folds: int = 5,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.rule = rule
        self.metric = metric
        self.cost = cost
        self.folds = folds
        self.random_state = random_state

    def fit(self, X: Any, y: Any, eval_set: tuple[Any, Any] | None = None) -> Self:
        """Fit the classifier on ``X`` of ``n`` samples and labels ``y (n,)``, and find its threshold.

        Args:
            X: sample set of ``n``.
            y: ``(n,)`` labels.
            eval_set: ``(X_val, y_val)``, handed on to a classifier that takes one.
        """
        check_choice("rule", self.rule, RULES)
        check_choice("metric", self.metric, METRICS)
        check_int("folds", self.folds, 2)
        check_lengths(X, y)
        if not hasattr(self.estimator, "predict_proba"):
            raise NotSupportedError(
                "moving a threshold needs probabilities, and the classifier gives none; put a calibrator between, as "
                "svm+temperature+threshold."
            )
        labels = np.asarray(y)
        self.classes_, counts = np.unique(labels, return_counts=True)
        self.costs_: Floats | None = self._costs() if self.rule == "cost" else None
        given = {"eval_set": eval_set} if eval_set is not None and takes_eval_set(self.estimator) else {}
        if self.rule == "tuned":
            self._tune(X, labels, counts, given)
            return self
        self.estimator_ = clone(self.estimator).fit(X, labels, **given)
        self.prior_: Floats = counts / counts.sum()
        if self.rule == "prior" and len(counts) == 2:
            self.threshold_ = float(self.prior_[1])
        return self

    def _costs(self) -> Floats:
        if self.cost is None:
            raise InputError(
                "rule 'cost' needs `cost`, a square of numbers: row the true class, column the answer."
            )
        costs = np.asarray(self.cost, dtype=np.float64)
        k = len(self.classes_)
        if costs.shape != (k, k) or not np.isfinite(costs).all():
            raise InputError(
                f"`cost` must hold {k} x {k} finite numbers, one row for each of the classes "
                f"{', '.join(map(str, self.classes_.tolist()))}, but has shape {costs.shape}."
            )
        return costs

    def _tune(self, X: Any, y: NDArray[Any], counts: NDArray[np.int64], given: dict[str, Any]) -> None:
        from sklearn.metrics import balanced_accuracy_score, f1_score, make_scorer, matthews_corrcoef
        from sklearn.model_selection import StratifiedKFold, TunedThresholdClassifierCV

        if len(self.classes_) != 2:
            raise NotSupportedError(
                f"rule 'tuned' is for two classes, but there are {len(self.classes_)}; take rule 'prior'."
            )
        if counts.min() < 2:
            raise InputError("rule 'tuned' needs 2 samples of each class; take rule 'prior'.")
        score = {
            "balanced_accuracy": make_scorer(balanced_accuracy_score),
            "f1": make_scorer(f1_score, pos_label=self.classes_[counts.argmin()], zero_division=0.0),
            "mcc": make_scorer(matthews_corrcoef),
        }[self.metric]
        seed = derive(as_seed(self.random_state), "threshold") % 2**31
        folds = StratifiedKFold(min(self.folds, int(counts.min())), shuffle=True, random_state=seed)
        tuned = TunedThresholdClassifierCV(
            self.estimator, scoring=score, response_method="predict_proba", cv=folds, random_state=seed
        )
        tuned.fit(X, y, **given)
        self.estimator_, self.threshold_ = tuned.estimator_, float(tuned.best_threshold_)

    def predict_proba(self, X: Any) -> Floats:
        """Return ``(n, classes)``, the classifier's own probabilities."""
        check_is_fitted(self)
        return np.asarray(self.estimator_.predict_proba(X), dtype=np.float64)

    def predict(self, X: Any) -> NDArray[Any]:
        """Return ``(n,)`` labels by the rule."""
        p = self.predict_proba(X)
        if self.costs_ is not None:
            best = (p @ self.costs_).argmin(axis=1)
        elif self.rule == "tuned":
            best = (p[:, 1] >= self.threshold_).astype(np.int64)
        else:
            best = (p / self.prior_).argmax(axis=1)
        labels: NDArray[Any] = self.classes_[best]
        return labels
