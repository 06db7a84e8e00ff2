"""Parameters chosen by search on the training part alone, around any method: ``svm+tuned``.

The score that a bench reports of it is honest, as the search sees folds of the training part and nothing else: the test
part of the outer split neither chooses parameters nor is looked at before they are chosen (nested validation; Varma &
Simon 2006, "Bias in error estimation when using cross-validation for model selection").

Sources:
    Bergstra, Bardenet, Bengio & Kégl (2011), "Algorithms for hyper-parameter optimization": the search (TPE).
    Li, Jamieson, DeSalvo, Rostamizadeh & Talwalkar (2018), "Hyperband", Algorithm 1: which trials are given up early.
    Akiba, Sano, Yanase, Ohta & Koyama (2019), "Optuna", which does both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MetaEstimatorMixin,
    OutlierMixin,
    RegressorMixin,
    clone,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checks import check_choice, check_float, check_int, check_lengths
from neuroloom.core.episodes import PolicyMixin, rollout
from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.core.forecasting import LEVELS, Forecaster
from neuroloom.core.samples import take
from neuroloom.core.seeding import as_seed, derive, stream
from neuroloom.methods.parameter_search import Part, Search, fitted
from neuroloom.methods.pipeline import takes_eval_set
from neuroloom.methods.search_space import SearchSpace, search_space

Floats = NDArray[np.float64]
CLASSES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced_accuracy",
    "f1_macro": "f1_macro",
    "mcc": "matthews_corrcoef",
    "roc_auc": "roc_auc_ovr",
    "average_precision": "average_precision",
    "log_loss": "neg_log_loss",
}
NUMBERS = {"r2": "r2", "rmse": "neg_root_mean_squared_error", "mae": "neg_mean_absolute_error"}
METRICS = {**CLASSES, **NUMBERS}
"""What can be tuned for, and scikit-learn's scorer of it."""
FORECASTS = ("mase", "rmse")


def _has(name: str) -> Any:
    def check(self: _Tuned) -> bool:
        return hasattr(self.estimator_ if hasattr(self, "estimator_") else self.estimator, name)

    return check


def _keeps_incumbents(self: _Tuned) -> bool:
    return bool(self.incumbents)


class _Tuned(MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """What tuned classifiers and regressors share: the search."""

    estimator: Any
    trials: int | None
    seconds: float | None
    folds: int
    metric: str | None
    ranges: Mapping[str, Any] | None
    pruning: bool
    incumbents: bool
    random_state: Any

    def __init__(
        self,
        estimator: Any = None,
        trials: int | None = None,
        *,
        seconds: float | None = None,
        folds: int = 3,
        metric: str | None = None,
        ranges: Mapping[str, Any] | None = None,
        pruning: bool = True,
        incumbents: bool = False,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.trials = trials
        self.seconds = seconds
        self.folds = folds
        self.metric = metric
        self.ranges = ranges
        self.pruning = pruning
        self.incumbents = incumbents
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, eval_set: tuple[Any, Any] | None = None) -> Self:
        """Choose the parameters and fit the estimator with them to all samples.

        Args:
            X: sample set of ``n``.
            y: ``(n,)`` answers.
            eval_set: ``(X_val, y_val)``: what configurations are scored on instead of folds, also handed to an
                estimator that stops early on it.
        """
        space = self._checked(X, y)
        budget = self._budget()
        seed = derive(as_seed(self.random_state), "tuned")
        parts = self._parts(X, None if y is None else np.asarray(y), eval_set, seed)
        search = Search(
            self.estimator, self._scorer(), space, parts, seed, self.pruning, f"{self.folds} {self.metric}"
        )
        search.run(*budget)
        self.trials_ = search.trials
        self.best_params_, self.best_score_ = dict(search.best["params"]), float(search.best["score"])
        given = {"eval_set": eval_set} if eval_set is not None and takes_eval_set(self.estimator) else {}
        self.incumbents_: list[tuple[int, Any]] = []
        for after in _checkpoints(len(search.trials)) if self.incumbents else [len(search.trials)]:
            params = search.best_after(after)["params"]
            known = next((m for n, m in self.incumbents_ if search.best_after(n)["params"] == params), None)
            model = known or fitted(clone(self.estimator).set_params(**params), X, y, given)
            self.incumbents_.append((after, model))
        self.estimator_ = self.incumbents_[-1][1]
        if not self.incumbents:
            self.incumbents_ = []
        if hasattr(self.estimator_, "classes_"):
            self.classes_ = self.estimator_.classes_
        return self

    def _metrics(self) -> Collection[str]:
        """Return what may be tuned for, the usual one first."""
        return CLASSES if isinstance(self, ClassifierMixin) else NUMBERS

    def _scorer(self) -> Callable[[Any, Any, Any], float]:
        """Return the function of a fitted estimator, samples and answers that is to be largest."""
        from sklearn.metrics import get_scorer

        return cast(
            Callable[[Any, Any, Any], float], get_scorer(METRICS[self.metric or next(iter(self._metrics()))])
        )

    def _checked(self, X: Any, y: Any) -> SearchSpace:
        if self.metric is not None:
            check_choice("metric", self.metric, self._metrics())
        check_int("folds", self.folds, 2)
        if y is not None:
            check_lengths(X, y)
        space = search_space(self.estimator, self.ranges)
        if not space.ranges:
            raise NotSupportedError(
                f"there is nothing to tune in {type(self.estimator).__name__}: it declares no ranges, or all of its "
                'parameters were set; pass `ranges`, as {"C": {"low": 0.1, "high": 10.0, "log": True}}.'
            )
        return space

    def _budget(self) -> tuple[int | None, float]:
        """Return how many trials and how many seconds the search may take."""
        if self.trials is not None:
            check_int("trials", self.trials)
        if self.seconds is not None:
            check_float("seconds", self.seconds, 0, open_low=True)
        count = 30 if self.trials is None and self.seconds is None else self.trials
        return count, math.inf if self.seconds is None else float(self.seconds)

    def _parts(self, X: Any, y: Any, eval_set: tuple[Any, Any] | None, seed: int) -> list[Part]:
        """Return what configurations learn from and are scored on: ``(X, y, X_val, y_val, early stopping too)``."""
        if eval_set is not None:
            return [Part(X, y, eval_set[0], np.asarray(eval_set[1]), takes_eval_set(self.estimator))]
        from sklearn.model_selection import KFold, StratifiedKFold

        if len(y) < 2 * self.folds:
            raise InputError(
                f"tuning by {self.folds} folds needs at least {2 * self.folds} samples, but there are {len(y)}."
            )
        state = seed % 2**31
        counts = np.unique(y, return_counts=True)[1] if y.ndim == 1 else np.zeros(1)
        if isinstance(self, ClassifierMixin) and y.ndim == 1 and counts.min() >= 2:
            folds = StratifiedKFold(min(self.folds, int(counts.min())), shuffle=True, random_state=state)
            splits = folds.split(np.arange(len(y)), y)
        else:
            splits = KFold(self.folds, shuffle=True, random_state=state).split(np.arange(len(y)))
        return [Part(take(X, a), y[a], take(X, b), y[b]) for a, b in splits]

    @available_if(_keeps_incumbents)  # type: ignore[untyped-decorator]
    def alternatives(self) -> tuple[str, list[tuple[int, Any]]]:
        """Return what the budget counts, and the estimator that would have been chosen after so many trials."""
        check_is_fitted(self)
        return "tuning trials", self.incumbents_

    def predict(self, X: Any) -> NDArray[Any]:
        """Return ``(n,)`` answers of the estimator with the chosen parameters."""
        check_is_fitted(self)
        return np.asarray(self.estimator_.predict(X))


class TunedClassifier(ClassifierMixin, _Tuned):  # type: ignore[misc]
    """A classifier whose parameters are chosen by search within the training part.

    The parameters as they are given are the first trial, so the search never ends with less than they score on the
    inner folds. The next ten are drawn at random, the others where a tree of Parzen estimators expects most. Samples
    are split by class; groups of samples that belong together are not known here, so that their inner scores, not the
    outer ones, are too good.

    Args:
        estimator: a classifier over any sample set; its declared ranges are searched (``neuroloom show NAME``).
        trials: how many configurations are tried, at least 1; None is 30, or as many as ``seconds`` allow.
        seconds: when to try no further one, above 0; None for no such end. What comes out then depends on the speed of
            the machine, whereas with ``trials`` alone the same seed gives the same result everywhere.
        folds: of the samples, at least 2; fewer where a class has fewer samples. With an ``eval_set`` there are none.
        metric: what is to be best: ``"accuracy"`` (None), ``"balanced_accuracy"``, ``"f1_macro"``, ``"mcc"``,
            ``"roc_auc"``, ``"average_precision"``, ``"log_loss"``.
        ranges: parameter -> range, before the declared ones: ``{"low", "high", "log", "whole"}`` or a list of values.
        pruning: whether Hyperband gives up configurations that do badly after a ninth or a third of the epochs,
            generations, trees; for methods whose budget is such a number.
        incumbents: whether what would have been chosen after 1, 2, 4, … trials is fitted as well, for a curve of score
            against budget (``alternatives``).
        random_state: of folds and search.

    Attributes:
        classes_: the labels. estimator_: fitted to all samples. best_params_: what was chosen, without what stayed as
            given. best_score_: its mean score over the folds, greater being better: it chose, so it is too good.
        trials_: for each trial ``number``, ``params``, ``score`` (None of a failed one), ``state`` (``"complete"``,
            ``"pruned"``, ``"failed"``), ``seconds`` since the start, ``reason``.

    Raises:
        InputError: a parameter is out of range, there are too few samples, or every configuration failed.
        NotSupportedError: there is nothing to tune.

    Source:
        Bergstra et al. (2011) and Li et al. (2018); the work is done by Optuna.
    """

    @available_if(_has("predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Floats:
        """Return ``(n, classes)`` probabilities, columns in the order of ``classes_``."""
        check_is_fitted(self)
        return np.asarray(self.estimator_.predict_proba(X), dtype=np.float64)

    @available_if(_has("decision_function"))  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> Floats:
        """Return the estimator's own scores."""
        check_is_fitted(self)
        return np.asarray(self.estimator_.decision_function(X))


class TunedRegressor(RegressorMixin, _Tuned):  # type: ignore[misc]
    """A regressor whose parameters are chosen by search within the training part, as :class:`TunedClassifier` does.

    Args:
        estimator, trials, seconds, folds, ranges, pruning, incumbents, random_state: as there.
        metric: what is to be best: ``"r2"`` (None), ``"rmse"``, ``"mae"``.

    Attributes:
        estimator_, best_params_, best_score_, trials_: as there.

    Raises:
        InputError: a parameter is out of range, there are too few samples, or every configuration failed.
        NotSupportedError: there is nothing to tune.

    Source:
        Bergstra et al. (2011) and Li et al. (2018); the work is done by Optuna.
    """


class TunedForecaster(Forecaster, _Tuned):
    """A forecaster whose parameters are chosen by search within the training part, as :class:`TunedClassifier` does.

    The parts go forward in time: each configuration learns from the origins up to a moment and is scored on a stretch
    after it, with a gap of the horizon between, so that no answer learned from is one asked for.

    Args:
        estimator, trials, seconds, folds, ranges, pruning, incumbents, random_state: as there.
        metric: what is to be least: ``"mase"`` (None), the mean absolute error over that of the seasonal naive
            forecast, or ``"rmse"``.

    Attributes:
        estimator_, best_params_, best_score_, trials_: as there; scores are errors with a minus.

    Raises:
        InputError: a parameter is out of range, there are too few origins, or every configuration failed.
        NotSupportedError: there is nothing to tune.

    Source:
        Bergstra et al. (2011) and Li et al. (2018); the work is done by Optuna. Parts forward in time: Tashman (2000),
        "Out-of-sample tests of forecasting accuracy", the rolling origin.
    """

    def _metrics(self) -> Collection[str]:
        return FORECASTS

    def _scorer(self) -> Callable[[Any, Any, Any], float]:
        def score(model: Any, X: Any, y: Any) -> float:
            errors = np.asarray(model.predict(X)) - y
            if self.metric == "rmse":
                return -float(np.sqrt(np.mean(errors**2)))
            return -float(np.abs(errors).mean()) / self._scale

        return score

    def _parts(self, X: Any, y: Any, eval_set: tuple[Any, Any] | None, seed: int) -> list[Part]:
        from sklearn.model_selection import TimeSeriesSplit

        origins, values = self._learn_form(X, y)
        self._scale = float(origins.naive_error(values)) or 1.0
        if eval_set is not None:
            return [Part(X, values, eval_set[0], np.asarray(eval_set[1]), takes_eval_set(self.estimator))]
        order = np.argsort(origins.origins, kind="stable")
        horizon = values.shape[1]
        steps = np.diff(origins.origins[order])
        gap = -(-horizon // max(int(steps.min(initial=horizon)), 1))  # origins less than a horizon apart
        try:
            splits = list(TimeSeriesSplit(self.folds, gap=gap).split(order))
        except ValueError as error:
            raise InputError(
                f"tuning by {self.folds} parts forward in time needs more than {len(order)} origins with a horizon of "
                f"{horizon}; lower `folds` or the horizon."
            ) from error
        found = [(order[a], order[b]) for a, b in splits if len(a) > 1]
        return [Part(take(X, a), values[a], take(X, b), values[b]) for a, b in found]

    def predict(self, X: Any) -> Floats:
        """Return ``(n, horizon)`` values of the forecaster with the chosen parameters."""
        check_is_fitted(self, "estimator_")
        return np.asarray(self.estimator_.predict(X), dtype=np.float64)

    def predict_quantiles(self, X: Any, levels: Any = LEVELS) -> Floats:
        """Return ``(n, horizon, levels)`` quantiles of the forecaster with the chosen parameters."""
        check_is_fitted(self, "estimator_")
        return np.asarray(self.estimator_.predict_quantiles(X, levels), dtype=np.float64)


class TunedPolicy(PolicyMixin, _Tuned):
    """A policy whose parameters are chosen by search within the training episodes, as :class:`TunedClassifier` does.

    A configuration learns on the starts of all folds but one and is scored by its mean return on those of that one.

    Args:
        estimator, trials, seconds, folds, ranges, pruning, incumbents, random_state: as there.
        metric: ``"return"`` (None).

    Attributes:
        estimator_, best_params_, best_score_, trials_: as there.

    Raises:
        InputError: a parameter is out of range, there are too few starts, or every configuration failed.
        NotSupportedError: there is nothing to tune.

    Source:
        Bergstra et al. (2011) and Li et al. (2018); the work is done by Optuna.
    """

    def _metrics(self) -> Collection[str]:
        return ("return",)

    def _scorer(self) -> Callable[[Any, Any, Any], float]:
        return lambda model, X, y: float(np.mean(rollout(model, X)))

    def _parts(self, X: Any, y: Any, eval_set: tuple[Any, Any] | None, seed: int) -> list[Part]:
        return _parts_of_samples(X, self.folds, "starts of episodes", seed)

    def act(self, observations: Any) -> NDArray[Any]:
        """Return the action for each of ``observations``, by the policy with the chosen parameters."""
        check_is_fitted(self, "estimator_")
        return np.asarray(self.estimator_.act(observations))

    def actor(self) -> Any:
        """Return what plays many episodes at once and remembers each apart."""
        check_is_fitted(self, "estimator_")
        return self.estimator_.actor()


class TunedDetector(OutlierMixin, _Tuned):  # type: ignore[misc]
    """A detector of outliers whose parameters are chosen by search, as :class:`TunedClassifier` does.

    Training samples are all usual, so strangers are made of them: in each held-out sample a stretch of columns (or of
    the series, or of the picture) is put in from another one, which keeps how each column is spread and breaks how they
    hang together. A configuration is scored by how well it tells the held-out samples from these.

    Args:
        estimator, trials, seconds, folds, ranges, pruning, incumbents, random_state: as there. Folds are stretches in
            the given order, since windows of one series overlap.
        metric: ``"roc_auc"`` (None).

    Attributes:
        estimator_, best_params_, best_score_, trials_: as there. The score is against made-up strangers and says
            nothing of real ones.

    Raises:
        InputError: a parameter is out of range, there are too few samples, or every configuration failed.
        NotSupportedError: there is nothing to tune, or samples are no arrays.

    Source:
        Bergstra et al. (2011) and Li et al. (2018); the work is done by Optuna. Strangers made of the usual: Hastie,
        Tibshirani & Friedman (2009), "The elements of statistical learning", section 14.2.4.
    """

    def _metrics(self) -> Collection[str]:
        return ("roc_auc",)

    def _scorer(self) -> Callable[[Any, Any, Any], float]:
        from sklearn.metrics import roc_auc_score

        def score(model: Any, X: Any, strangers: Any) -> float:
            usual, strange = model.decision_function(X), model.decision_function(strangers)
            of = np.r_[np.ones(len(usual)), np.zeros(len(strange))]
            return float(roc_auc_score(of, np.r_[np.asarray(usual), np.asarray(strange)]))

        return score

    def _parts(self, X: Any, y: Any, eval_set: tuple[Any, Any] | None, seed: int) -> list[Part]:
        rng = stream(seed, "strangers")
        parts = _parts_of_samples(X, self.folds, "samples", None)
        return [part._replace(y_val=_strangers(part.X_val, rng)) for part in parts]

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Return ``(n,)`` 1 for samples like those learned from, -1 for outliers."""
        check_is_fitted(self, "estimator_")
        return np.asarray(self.estimator_.predict(X), dtype=np.int64)

    def decision_function(self, X: Any) -> Floats:
        """Return ``(n,)`` scores: below 0 is an outlier."""
        check_is_fitted(self, "estimator_")
        return np.asarray(self.estimator_.decision_function(X), dtype=np.float64)


def _parts_of_samples(X: Any, folds: int, what: str, seed: int | None) -> list[Part]:
    """Return folds of samples without answers, shuffled if there is a seed."""
    from sklearn.model_selection import KFold

    if len(X) < 2 * folds:
        raise InputError(
            f"tuning by {folds} folds needs at least {2 * folds} {what}, but there are {len(X)}."
        )
    split = KFold(folds, shuffle=seed is not None, random_state=None if seed is None else seed % 2**31)
    return [Part(take(X, a), None, take(X, b), None) for a, b in split.split(np.arange(len(X)))]


def _strangers(X: Any, rng: np.random.Generator) -> Any:
    """Return samples in each of which a stretch comes from another one.

    Raises:
        NotSupportedError: the samples are no arrays.
    """
    made = X.copy() if hasattr(X, "copy") else None
    length = np.shape(X)[-1] if len(np.shape(X)) > 1 else 0
    if made is None or length < 2:
        raise NotSupportedError(
            "detectors are tuned on tables of two columns or more, on series and on pictures."
        )
    for i, other in enumerate((np.arange(len(X)) + rng.integers(1, max(len(X), 2), len(X))) % len(X)):
        width = int(rng.integers(max(1, length // 8), max(2, length // 2 + 1)))
        start = int(rng.integers(0, length - width + 1))
        if hasattr(made, "iloc"):
            made.iloc[i, start : start + width] = X.iloc[other, start : start + width].to_numpy()
        else:
            made[i, ..., start : start + width] = X[other, ..., start : start + width]
    return made


def _checkpoints(count: int) -> list[int]:
    """Return 1, 2, 4, … and ``count``."""
    return sorted({*(2**k for k in range(count.bit_length()) if 2**k <= count), count})
