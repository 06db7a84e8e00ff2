"""Conformal prediction: intervals and sets of any method that cover as much as they promise.

Sources:
    Vovk, Gammerman & Shafer (2005), "Algorithmic learning in a random world".
    Barber, Candès, Ramdas & Tibshirani (2021), "Predictive inference with the jackknife+", Annals of Statistics 49.
    Romano, Patterson & Candès (2019), "Conformalized quantile regression".
    Sadinle, Lei & Wasserman (2019), "Least ambiguous set-valued classifiers with bounded error levels".
    Romano, Sesia & Candès (2020), "Classification with valid and adaptive coverage".
    Angelopoulos, Bates, Malik & Jordan (2021), "Uncertainty sets for image classifiers using conformal prediction".
"""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checks import check_choice, check_float, check_int, check_lengths
from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.core.samples import take
from neuroloom.core.seeding import as_seed, derive, stream

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_BLOCK = 1024  # rows whose intervals are made at once


class _Conformal(MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """What intervals and sets share: which samples a model has not seen, and how many of them must be right."""

    estimator: Any
    confidence: float
    method: str
    folds: int
    calibration: float
    random_state: Any

    def _check(self, methods: tuple[str, ...]) -> None:
        check_choice("method", self.method, methods)
        check_float("confidence", self.confidence, 0, 1, open_low=True, open_high=True)
        check_float("calibration", self.calibration, 0, 1, open_low=True, open_high=True)
        check_int("folds", self.folds, 2)

    def _parts(self, n: int, labels: Ints | None) -> list[Ints]:
        """Return the rows that are held out, each part from a model of its own."""
        seed = derive(as_seed(self.random_state), "conformal")
        if self.method != "cv+":
            held = math.ceil(self.calibration * n)
            if not 1 <= held <= n - 2:
                raise InputError(
                    f"`calibration` {self.calibration} of {n} samples leaves none to learn from."
                )
            return [np.sort(stream(seed, "held out").permutation(n)[:held])]
        from sklearn.model_selection import KFold, StratifiedKFold

        if n < 2 * self.folds:
            raise InputError(f"{self.folds} folds need at least {2 * self.folds} samples, but there are {n}.")
        if labels is None or np.bincount(labels).min() < self.folds:
            splits = KFold(self.folds, shuffle=True, random_state=seed % 2**31).split(np.arange(n))
        else:
            made = StratifiedKFold(self.folds, shuffle=True, random_state=seed % 2**31)
            splits = made.split(np.arange(n), labels)
        return [test for _, test in splits]

    def _needed(self, confidence: float | None, n: int) -> int:
        """Return the place ``⌈(n + 1) · confidence⌉`` of the score, counted from 1, that is covered.

        Raises:
            InputError: there are too few scores for it.
        """
        wanted = self.confidence if confidence is None else confidence
        check_float("confidence", wanted, 0, 1, open_low=True, open_high=True)
        place = math.ceil((n + 1) * wanted - 1e-9)
        if place > n:
            least = math.ceil(wanted / (1 - wanted) - 1e-9)
            raise InputError(
                f"a confidence of {wanted:g} needs at least {least} samples that the model has not seen, but there are "
                f"{n}; give more data, or lower the confidence."
            )
        return place


class ConformalRegressor(RegressorMixin, _Conformal):  # type: ignore[misc]
    """Prediction intervals of any regressor.

    Args:
        estimator: a regressor over any sample set; with ``method="cqr"`` a pair of them, of a low and a high quantile.
        confidence: share of new samples that intervals shall cover, in (0, 1).
        method: ``"cv+"``, models of ``folds`` folds, whose errors are told from samples each has not seen (coverage is
            at least ``2 · confidence − 1`` for any data, about ``confidence`` for most); ``"split"``, one model and a
            part held out (at least ``confidence``, wider intervals); ``"cqr"``, quantile regressors, made right on a
            part held out: intervals whose width follows the data.
        folds: for ``"cv+"``, at least 2.
        calibration: share in (0, 1) of the samples held out by ``"split"`` and ``"cqr"``.
        random_state: of folds and of what is held out.

    Attributes:
        estimator_: the model that :meth:`predict` asks: of all samples for ``"cv+"``, else of those not held out.
        members_: the models of the folds. scores_: for each member ``(n,)`` errors, ascending. n_parameters_: how many
            numbers all models hold, where that is known.

    Raises:
        InputError: a parameter lies outside its range, or there are too few samples for the confidence.

    Source:
        Barber et al. (2021), theorem 1, for ``"cv+"``; Romano et al. (2019) for ``"cqr"``.

    Example:
        >>> from sklearn.datasets import load_diabetes
        >>> from sklearn.linear_model import Ridge
        >>> X, y = load_diabetes(return_X_y=True)
        >>> model = ConformalRegressor(Ridge(), confidence=0.9, random_state=0).fit(X[:300], y[:300])
        >>> low, high = model.predict_interval(X[300:]).T
        >>> bool(0.8 < ((low <= y[300:]) & (y[300:] <= high)).mean() < 1)
        True
    """

    def __init__(
        self,
        estimator: Any,
        confidence: float = 0.9,
        method: str = "cv+",
        *,
        folds: int = 5,
        calibration: float = 0.25,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.confidence = confidence
        self.method = method
        self.folds = folds
        self.calibration = calibration
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Fit the models on ``X`` of ``n`` samples and ``y (n,)``, and keep their errors on samples not seen."""
        self._check(("cv+", "split", "cqr"))
        if (self.method == "cqr") != isinstance(self.estimator, tuple | list) or (
            self.method == "cqr" and len(self.estimator) != 2
        ):
            raise InputError(
                "`estimator` must be a pair (low, high) of quantile regressors for method 'cqr', else one regressor."
            )
        check_lengths(X, y)
        y = np.asarray(y, dtype=np.float64)
        self.members_: list[Any] = []
        self.scores_: list[Floats] = []
        for held in self._parts(len(y), None):
            rest = np.setdiff1d(np.arange(len(y)), held)
            models = [clone(one).fit(take(X, rest), y[rest]) for one in self._pair()]
            answers = [np.asarray(m.predict(take(X, held)), dtype=np.float64) for m in models]
            errors = np.maximum(answers[0] - y[held], y[held] - answers[-1])
            self.members_.append(models[0] if len(models) == 1 else tuple(models))
            self.scores_.append(np.sort(errors))
        self._needed(None, sum(map(len, self.scores_)))
        if self.method == "cv+":
            self.estimator_ = clone(self.estimator).fit(X, y)
        else:
            self.estimator_ = self.members_[0]
        self.n_parameters_ = _numbers([*self.members_, *([self.estimator_] if self.method == "cv+" else [])])
        return self

    def _pair(self) -> list[Any]:
        return list(self.estimator) if self.method == "cqr" else [self.estimator]

    def predict(self, X: Any) -> Floats:
        """Return ``(n,)`` numbers; for ``"cqr"`` the middles of the quantiles."""
        check_is_fitted(self)
        if self.method == "cqr":
            return np.asarray(sum(m.predict(X) for m in self.estimator_) / 2, dtype=np.float64)
        return np.asarray(self.estimator_.predict(X), dtype=np.float64)

    def predict_interval(self, X: Any, confidence: float | None = None) -> Floats:
        """Return the lower and upper ends ``(n, 2)`` of the intervals; ``confidence`` may differ from the fitted one.

        Raises:
            InputError: there were too few samples for the confidence.
        """
        check_is_fitted(self)
        count = sum(map(len, self.scores_))
        place = self._needed(confidence, count)
        if self.method == "cqr":
            low, high = (np.asarray(m.predict(X), dtype=np.float64) for m in self.estimator_)
            wide = self.scores_[0][place - 1]
            ends = np.stack([low - wide, high + wide], axis=1)
            return np.where((ends[:, :1] <= ends[:, 1:]), ends, ends.mean(axis=1, keepdims=True))
        centres = [np.asarray(m.predict(X), dtype=np.float64) for m in self.members_]
        out = np.empty((len(centres[0]), 2))
        for i in range(0, len(out), _BLOCK):
            rows = slice(i, i + _BLOCK)
            pairs = list(zip(centres, self.scores_, strict=True))
            low = np.concatenate([c[rows, None] - s for c, s in pairs], axis=1)
            high = np.concatenate([c[rows, None] + s for c, s in pairs], axis=1)
            out[rows, 0] = np.partition(low, count - place, axis=1)[:, count - place]
            out[rows, 1] = np.partition(high, place - 1, axis=1)[:, place - 1]
        return out


class ConformalClassifier(ClassifierMixin, _Conformal):  # type: ignore[misc]
    """Prediction sets of any classifier that gives probabilities: the classes that a sample may well have.

    A set never is empty: the likeliest class is always in it.

    Args:
        estimator: a classifier over any sample set, with ``predict_proba``.
        confidence: share of new samples whose class sets shall hold, in (0, 1).
        method: ``"cv+"``, models of ``folds`` folds; ``"split"``, one model and a part held out.
        rule: ``"lac"``, one minus the probability: the smallest sets on average; ``"aps"``, the probability of all
            classes at least as likely: sets that grow where the model is unsure; ``"raps"``, the same with a penalty on
            each class beyond the first ``most``.
        penalty: of ``"raps"``, at least 0.
        most: classes that ``"raps"`` leaves free, at least 1.
        folds: for ``"cv+"``, at least 2.
        calibration: share in (0, 1) of the samples held out by ``"split"``.
        random_state: of folds and of what is held out.

    Attributes:
        classes_: the labels. estimator_: the model that :meth:`predict` asks. members_: the models of the folds.
        scores_: for each member ``(n,)`` scores of the true classes, ascending. n_parameters_: how many numbers all
            models hold, where that is known.

    Raises:
        InputError: a parameter lies outside its range, or there are too few samples for the confidence.
        NotSupportedError: the estimator gives no probabilities.

    Source:
        Sadinle et al. (2019) for ``"lac"``; Romano et al. (2020) for ``"aps"`` (without its random part, so that sets
        are the same every time and hold a little more than asked) and for ``"cv+"``; Angelopoulos et al. (2021).
    """

    def __init__(
        self,
        estimator: Any,
        confidence: float = 0.9,
        method: str = "cv+",
        *,
        rule: str = "lac",
        penalty: float = 0.01,
        most: int = 2,
        folds: int = 5,
        calibration: float = 0.25,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.confidence = confidence
        self.method = method
        self.rule = rule
        self.penalty = penalty
        self.most = most
        self.folds = folds
        self.calibration = calibration
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Fit the models on ``X`` of ``n`` samples and labels ``y (n,)``, and keep their scores of samples not seen."""
        self._check(("cv+", "split"))
        check_choice("rule", self.rule, ("lac", "aps", "raps"))
        check_float("penalty", self.penalty, 0)
        check_int("most", self.most)
        if not hasattr(self.estimator, "predict_proba"):
            raise NotSupportedError(
                f"prediction sets need probabilities, which {type(self.estimator).__name__} does not give; take a "
                "classifier with predict_proba."
            )
        check_lengths(X, y)
        y = np.asarray(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        self.members_: list[Any] = []
        self.scores_: list[Floats] = []
        for held in self._parts(len(y), labels):
            rest = np.setdiff1d(np.arange(len(y)), held)
            model = clone(self.estimator).fit(take(X, rest), y[rest])
            scores = self._scores(self._likely(model, take(X, held)))[np.arange(len(held)), labels[held]]
            self.members_.append(model)
            self.scores_.append(np.sort(scores))
        self._needed(None, sum(map(len, self.scores_)))
        cross = self.method == "cv+"
        self.estimator_ = clone(self.estimator).fit(X, y) if cross else self.members_[0]
        self.n_parameters_ = _numbers([*self.members_, *([self.estimator_] if cross else [])])
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Return ``(n,)`` labels: the likeliest class."""
        labels: NDArray[Any] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return labels

    def predict_proba(self, X: Any) -> Floats:
        """Return ``(n, classes)`` probabilities, columns in the order of ``classes_``."""
        check_is_fitted(self)
        return self._likely(self.estimator_, X)

    def predict_set(self, X: Any, confidence: float | None = None) -> NDArray[np.bool_]:
        """Return ``(n, classes)``: which classes each sample's set holds; ``confidence`` may differ from the fitted.

        Raises:
            InputError: there were too few samples for the confidence.
        """
        check_is_fitted(self)
        place = self._needed(confidence, sum(map(len, self.scores_)))
        likely = [self._likely(model, X) for model in self.members_]
        own = likely[0] if self.method == "split" else self.predict_proba(X)
        lower = np.zeros(own.shape, np.int64)  # how many of the scores lie below a class's
        for found, known in zip(likely, self.scores_, strict=True):
            lower += np.searchsorted(known, self._scores(found), side="left")
        held = np.asarray(lower < place)
        held[np.arange(len(held)), own.argmax(axis=1)] = True
        return held

    def _likely(self, model: Any, X: Any) -> Floats:
        """Return a model's probabilities of all classes, 0 of those that it has not seen."""
        found = np.asarray(model.predict_proba(X), dtype=np.float64)
        made = np.zeros((len(found), len(self.classes_)))
        made[:, np.searchsorted(self.classes_, model.classes_)] = found
        return made

    def _scores(self, likely: Floats) -> Floats:
        """Return ``(n, classes)``: how badly each class conforms to a sample of such probabilities."""
        if self.rule == "lac":
            return 1 - likely
        order = np.argsort(-likely, axis=1, kind="stable")
        so_far = np.cumsum(np.take_along_axis(likely, order, axis=1), axis=1)
        if self.rule == "raps":
            so_far += self.penalty * np.maximum(np.arange(1, likely.shape[1] + 1) - self.most, 0)
        made = np.empty_like(likely)
        so_far = np.round(so_far, 12)  # else sums of all classes differ in the last bit
        np.put_along_axis(made, order, so_far, axis=1)
        return made


def _numbers(models: list[Any]) -> int:
    flat = [one for model in models for one in (model if isinstance(model, tuple) else [model])]
    return sum(int(getattr(model, "n_parameters_", 0)) for model in flat)
