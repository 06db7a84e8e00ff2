"""Learning from rare classes: resampling or weighting the training samples before any classifier.

A classifier that learned from other shares of classes than the true ones is sure of the wrong things: its probabilities
are turned back to the true shares here, and its answers are left as the balanced classes made them.

Sources:
    Chawla, Bowyer, Hall & Kegelmeyer (2002), "SMOTE: synthetic minority over-sampling technique".
    Han, Wang & Mao (2005), "Borderline-SMOTE". He, Bai, Garcia & Li (2008), "ADASYN".
    Batista, Prati & Monard (2004), "A study of the behavior of several methods for balancing machine learning training
    data": SMOTE with Tomek links or edited neighbours.
    Elkan (2001), "The foundations of cost-sensitive learning", theorem 2, and Saerens, Latinne & Decaestecker (2002),
    "Adjusting the outputs of a classifier to new a priori probabilities", Eq. (2.4): back to the true shares.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checks import check_choice, check_float, check_lengths
from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.core.samples import take
from neuroloom.core.seeding import as_seed, derive, stream
from neuroloom.methods.pipeline import takes_eval_set

Floats = NDArray[np.float64]
DRAWN = ("oversample", "undersample", "weights")  # of any sample set
MADE = {  # of tables: imbalanced-learn's classes
    "smote": "over_sampling:SMOTE",
    "borderline-smote": "over_sampling:BorderlineSMOTE",
    "adasyn": "over_sampling:ADASYN",
    "smote-tomek": "combine:SMOTETomek",
    "smote-enn": "combine:SMOTEENN",
}
SAMPLERS = (*DRAWN, *MADE)


def _has(name: str) -> Any:
    def check(self: ResampledClassifier) -> bool:
        return hasattr(self.estimator_ if hasattr(self, "estimator_") else self.estimator, name)

    return check


class ResampledClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier that learns from balanced classes: repeated, left-out, weighted or made-up samples.

    ``predict`` answers as the classifier does after balancing, which suits the recall of rare classes;
    ``predict_proba`` gives its probabilities turned back to the shares that the classes have in ``fit``'s samples, to
    be trusted as far as the classifier's own: ``p(c) · π(c) / π'(c)``, made to sum to 1, ``π'`` being the shares after
    balancing. A classifier that holds samples out to choose something (the RBFN's ridge, a temperature) is misled by
    copies of one sample on both sides: weights, undersampling or a moved threshold serve it better than
    ``"oversample"`` and the SMOTE family.

    Args:
        estimator: a classifier.
        sampler: ``"oversample"`` repeats samples of rare classes, ``"undersample"`` leaves out samples of common ones,
            ``"weights"`` gives each sample the inverse share of its class as weight, all three of any sample set;
            ``"smote"``, ``"borderline-smote"``, ``"adasyn"`` make up rows between neighbours of a rare class,
            ``"smote-tomek"`` and ``"smote-enn"`` then remove rows whose neighbours disagree, all of tables of numbers.
        ratio: how far the classes are balanced, in (0, 1]: the smallest share of any class over the largest after
            oversampling or undersampling; weights are raised to it. The SMOTE family balances fully and wants 1.
        neighbours: of a row, for the SMOTE family, at least 1; fewer are taken where a class has fewer rows.
        correct: whether probabilities are turned back to the true shares.
        random_state: int, generator or None.

    Attributes:
        classes_: the labels. estimator_: the fitted classifier. counts_: ``(classes,)`` samples before balancing.
            shares_: ``(classes,)`` shares of the classes after it.

    Raises:
        InputError: a parameter is out of range, there is a single class, or a class is too small for the sampler.
        NotSupportedError: weights are asked for and the classifier takes none.

    Source:
        Chawla et al. (2002) and the others of the module; the work on tables is done by imbalanced-learn.
    """

    def __init__(
        self,
        estimator: Any = None,
        sampler: str = "oversample",
        *,
        ratio: float = 1.0,
        neighbours: int = 5,
        correct: bool = True,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.sampler = sampler
        self.ratio = ratio
        self.neighbours = neighbours
        self.correct = correct
        self.random_state = random_state

    def fit(self, X: Any, y: Any, eval_set: tuple[Any, Any] | None = None) -> Self:
        """Balance ``X`` of ``n`` samples with labels ``y (n,)`` and fit the classifier.

        Args:
            X: sample set of ``n``.
            y: ``(n,)`` labels.
            eval_set: ``(X_val, y_val)``, handed on as it is to a classifier that takes one.
        """
        check_choice("sampler", self.sampler, SAMPLERS)
        check_float("ratio", self.ratio, 0, 1, open_low=True)
        check_lengths(X, y)
        labels = np.asarray(y)
        self.classes_, place, self.counts_ = np.unique(labels, return_inverse=True, return_counts=True)
        if len(self.classes_) < 2:
            raise InputError(
                f"balancing needs two classes or more, but all samples are of {self.classes_.tolist()[0]!r}."
            )
        self.estimator_ = clone(self.estimator)
        given: dict[str, Any] = {}
        if eval_set is not None and takes_eval_set(self.estimator_):
            given["eval_set"] = eval_set
        if self.sampler == "weights":
            weight = (len(labels) / (len(self.classes_) * self.counts_)) ** self.ratio
            given |= _weighted(self.estimator_, weight[place])
            share: NDArray[Any] = self.counts_ * weight
        elif self.sampler in DRAWN:
            rows = self._rows(place)
            X, labels = take(X, rows), labels[rows]
            share = np.bincount(place[rows], minlength=len(self.classes_))
        else:
            X, labels = self._made(X, labels)
            share = np.array([(labels == c).sum() for c in self.classes_])
        self.shares_: Floats = share / share.sum()
        self.estimator_.fit(X, labels, **given)
        return self

    def _rows(self, place: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the numbers of the samples to learn from, in rising order, so that order says nothing of the draw."""
        draw = stream(as_seed(self.random_state), "resampled")
        over = self.sampler == "oversample"
        wanted = self.ratio * self.counts_.max() if over else self.counts_.min() / self.ratio
        rows = []
        for c, count in enumerate(self.counts_):
            own = np.flatnonzero(place == c)
            goal = round(max(wanted, count) if over else min(wanted, count))
            extra = draw.permutation(own)[: goal % count]
            rows += [np.tile(own, goal // count), extra]
        return np.sort(np.concatenate(rows))

    def _made(self, X: Any, y: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
        from importlib import import_module

        if self.ratio != 1:
            raise InputError(f"{self.sampler} balances fully: `ratio` must be 1, but got {self.ratio!r}.")
        table = np.asarray(X)
        if table.ndim != 2 or table.dtype.kind not in "fiub":
            raise NotSupportedError(
                f"{self.sampler} makes up rows of numbers, but got samples of shape {table.shape} and dtype "
                f"{table.dtype}; take oversample, undersample or weights."
            )
        fewest = int(self.counts_.min())
        if fewest < 2:
            rare = self.classes_.tolist()[self.counts_.argmin()]
            raise InputError(
                f"{self.sampler} needs 2 samples of each class, but {rare!r} has {fewest}; take oversample."
            )
        module, _, name = MADE[self.sampler].partition(":")
        try:
            package = import_module(f"imblearn.{module}")
        except ImportError as error:
            raise InputError(
                f"{self.sampler} needs imbalanced-learn; install it: pip install imbalanced-learn."
            ) from error
        seed = derive(as_seed(self.random_state), "resampled") % 2**31
        near = min(self.neighbours, fewest - 1)
        if self.sampler in ("smote-tomek", "smote-enn"):
            smote = import_module("imblearn.over_sampling").SMOTE(random_state=seed, k_neighbors=near)
            sampler = getattr(package, name)(random_state=seed, smote=smote)
        else:
            key = "n_neighbors" if self.sampler == "adasyn" else "k_neighbors"
            sampler = getattr(package, name)(random_state=seed, **{key: near})
        try:
            made, labels = sampler.fit_resample(table.astype(np.float64), y)
        except (ValueError, RuntimeError) as error:
            raise InputError(
                f"{self.sampler} cannot balance these samples: {error} Take oversample."
            ) from error
        if len(np.unique(labels)) < len(self.classes_):
            raise InputError(f"{self.sampler} left no sample of some class; take smote or oversample.")
        return made, np.asarray(labels)

    @available_if(_has("predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Floats:
        """Return ``(n, classes)`` probabilities at the true shares of the classes, columns as in ``classes_``."""
        check_is_fitted(self)
        p = np.asarray(self.estimator_.predict_proba(X), dtype=np.float64)
        if not self.correct:
            return p
        turned = p * (self.counts_ / self.counts_.sum() / self.shares_)
        total = turned.sum(axis=1, keepdims=True)
        return np.where(total > 0, turned / np.where(total > 0, total, 1.0), p)

    @available_if(_has("decision_function"))  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> Floats:
        """Return the classifier's own scores, after balancing."""
        check_is_fitted(self)
        return np.asarray(self.estimator_.decision_function(X))

    def predict(self, X: Any) -> NDArray[Any]:
        """Return ``(n,)`` labels as the classifier gives them after balancing."""
        check_is_fitted(self)
        return np.asarray(self.estimator_.predict(X))


def _weighted(estimator: Any, weight: Floats) -> dict[str, Floats]:
    """Return the fit parameter that hands weights to an estimator, or to the last step of a pipeline."""
    from sklearn.pipeline import Pipeline
    from sklearn.utils.validation import has_fit_parameter

    name, last = "sample_weight", estimator
    while isinstance(last, Pipeline):
        step, last = last.steps[-1]
        name = f"{step}__{name}"
    if not has_fit_parameter(last, "sample_weight"):
        raise NotSupportedError(
            f"{type(last).__name__} takes no weights of samples; take oversample or undersample."
        )
    return {name: weight}
