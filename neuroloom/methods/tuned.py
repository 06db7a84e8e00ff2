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

import contextlib
import math
import time
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checks import check_choice, check_float, check_int, check_lengths
from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.core.fitting import Job
from neuroloom.core.samples import take
from neuroloom.core.seeding import as_seed, derive
from neuroloom.methods.pipeline import is_batchable, takes_eval_set
from neuroloom.methods.ranges import Choices, Range
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
_RUNGS = (9, 3, 1)  # a trial learns for a ninth, for a third and then for all of its resource
_LEAST = 5  # of a resource: less of it tells nothing
_STARTUP = 10  # trials drawn at random before the search learns from them


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

    def fit(self, X: Any, y: Any, eval_set: tuple[Any, Any] | None = None) -> Self:
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
        search = _Search(self, space, self._parts(X, np.asarray(y), eval_set, seed))
        optuna = _optuna()
        with _quiet(optuna):
            search.run(optuna, budget, seed)
        self.trials_ = search.trials
        self.best_params_, self.best_score_ = dict(search.best["params"]), float(search.best["score"])
        given = {"eval_set": eval_set} if eval_set is not None and takes_eval_set(self.estimator) else {}
        self.incumbents_: list[tuple[int, Any]] = []
        for after in _checkpoints(len(search.trials)) if self.incumbents else [len(search.trials)]:
            params = search.best_after(after)["params"]
            known = next((m for n, m in self.incumbents_ if search.best_after(n)["params"] == params), None)
            model = known or clone(self.estimator).set_params(**params).fit(X, y, **given)
            self.incumbents_.append((after, model))
        self.estimator_ = self.incumbents_[-1][1]
        if not self.incumbents:
            self.incumbents_ = []
        if hasattr(self.estimator_, "classes_"):
            self.classes_ = self.estimator_.classes_
        return self

    def _checked(self, X: Any, y: Any) -> SearchSpace:
        scores = CLASSES if isinstance(self, ClassifierMixin) else NUMBERS
        if self.metric is not None:
            check_choice("metric", self.metric, scores)
        check_int("folds", self.folds, 2)
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

    def _parts(
        self, X: Any, y: NDArray[Any], eval_set: tuple[Any, Any] | None, seed: int
    ) -> list[tuple[Any, Any, Any, Any, bool]]:
        """Return what configurations learn from and are scored on: ``(X, y, X_val, y_val, early stopping too)``."""
        if eval_set is not None:
            return [(X, y, eval_set[0], np.asarray(eval_set[1]), takes_eval_set(self.estimator))]
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
        return [(take(X, a), y[a], take(X, b), y[b], False) for a, b in splits]

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


class _Search:
    """One search: its trials so far, and how a configuration is scored."""

    def __init__(
        self, tuned: _Tuned, space: SearchSpace, parts: list[tuple[Any, Any, Any, Any, bool]]
    ) -> None:
        from sklearn.metrics import get_scorer

        self.tuned, self.space, self.parts = tuned, space, parts
        usual = "accuracy" if isinstance(tuned, ClassifierMixin) else "r2"
        self.scorer = get_scorer(METRICS[tuned.metric or usual])
        self.trials: list[dict[str, Any]] = []
        self.began = time.monotonic()
        least = min(space.resources.values(), default=0)
        self.rungs = [r for r in _RUNGS if least // r >= _LEAST] if tuned.pruning and least else [1]
        if self.rungs[-1:] != [1]:
            self.rungs = [1]

    @property
    def best(self) -> dict[str, Any]:
        return self.best_after(len(self.trials))

    def best_after(self, count: int) -> dict[str, Any]:
        """Return the best of the first ``count`` trials, the earlier of equals."""
        done = [one for one in self.trials[:count] if one["state"] == "complete"] or [
            one for one in self.trials if one["state"] == "complete"
        ][:1]
        return max(done, key=lambda one: (one["score"], -one["number"]))

    def run(self, optuna: Any, budget: tuple[int | None, float], seed: int) -> None:
        """Try the parameters as given and then what the search proposes, until the budget is spent."""
        count, seconds = budget
        study = optuna.create_study(
            direction="maximize",
            study_name="tuned",
            sampler=optuna.samplers.TPESampler(n_startup_trials=_STARTUP, seed=seed % 2**31),
            pruner=optuna.pruners.HyperbandPruner(1, max(self.rungs), 3),
        )
        self._try({}, lambda score, rung: False)
        self._tell_given(optuna, study)
        while (count is None or len(self.trials) < count) and time.monotonic() - self.began < seconds:
            trial = study.ask()
            params = {path: _suggest(trial, path, one) for path, one in self.space.ranges.items()}

            def gives_up(score: float, rung: int, trial: Any = trial) -> bool:
                trial.report(score, max(self.rungs) // rung)
                return rung > 1 and bool(trial.should_prune())

            done = self._try(params, gives_up)
            states = optuna.trial.TrialState
            if done["state"] == "complete":
                study.tell(trial, done["score"])
            else:
                study.tell(trial, state=states.PRUNED if done["state"] == "pruned" else states.FAIL)
        if not any(one["state"] == "complete" for one in self.trials):
            raise InputError(
                f"none of the {len(self.trials)} configurations could be fitted and scored; the first failed with "
                f"{self.trials[0]['reason']}"
            )

    def _tell_given(self, optuna: Any, study: Any) -> None:
        """Let the search learn from the parameters as given, where they lie in the ranges."""
        held = self.tuned.estimator.get_params(deep=True)
        first = self.trials[0]
        if first["state"] != "complete" or not all(held[path] in r for path, r in self.space.ranges.items()):
            return
        made = optuna.trial.create_trial(
            params={path: _label(held[path], r) for path, r in self.space.ranges.items()},
            distributions={path: _distribution(optuna, r) for path, r in self.space.ranges.items()},
            value=first["score"],
        )
        study.add_trial(made)

    def _try(self, params: dict[str, Any], gives_up: Any) -> dict[str, Any]:
        """Score a configuration, with ever more of its resource, and note how it went."""
        state, score, reason = "complete", math.nan, ""
        try:
            for rung in self.rungs if params else [1]:
                less = {path: n // rung for path, n in self.space.resources.items()} if rung > 1 else {}
                score = self._score({**params, **less})
                if not math.isfinite(score):
                    raise ValueError(f"its score is {score}")
                if gives_up(score, rung):
                    state = "pruned"
                    break
        except (MemoryError, KeyboardInterrupt):
            raise
        except Exception as error:
            state, reason = "failed", f"{type(error).__name__}: {' '.join(str(error).split())}"
        done = {
            "number": len(self.trials) + 1,
            "params": params,
            "score": None if state == "failed" else score,
            "state": state,
            "seconds": time.monotonic() - self.began,
            "reason": reason,
        }
        self.trials.append(done)
        return done

    def _score(self, params: dict[str, Any]) -> float:
        """Return the mean score of a configuration over the parts."""
        models = [clone(self.tuned.estimator).set_params(**params) for _ in self.parts]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of configurations that nobody asked for
            if len(models) > 1 and is_batchable(models[0]):
                jobs = [Job(m, X, y, None) for m, (X, y, *_) in zip(models, self.parts, strict=True)]
                models = type(models[0]).fit_many(jobs)
            else:
                for model, (X, y, X_val, y_val, stops) in zip(models, self.parts, strict=True):
                    model.fit(X, y, **({"eval_set": (X_val, y_val)} if stops else {}))
            found = [self.scorer(m, part[2], part[3]) for m, part in zip(models, self.parts, strict=True)]
        return float(np.mean(found))


def _checkpoints(count: int) -> list[int]:
    """Return 1, 2, 4, … and ``count``."""
    return sorted({*(2**k for k in range(count.bit_length()) if 2**k <= count), count})


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise InputError(
            'tuning needs Optuna, which is not installed: pip install "neuroloom[tune]".'
        ) from error
    return optuna


@contextlib.contextmanager
def _quiet(optuna: Any) -> Iterator[None]:
    """Let Optuna say nothing of single trials meanwhile."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def _label(value: Any, one: Range) -> Any:
    """Return the value as the search keeps it: of choices, their text."""
    return repr(value) if isinstance(one, Choices) else value


def _distribution(optuna: Any, one: Range) -> Any:
    kinds = optuna.distributions
    if isinstance(one, Choices):
        return kinds.CategoricalDistribution([repr(value) for value in one.values])
    if one.whole:
        return kinds.IntDistribution(int(one.low), int(one.high), log=one.log)
    return kinds.FloatDistribution(one.low, one.high, log=one.log)


def _suggest(trial: Any, path: str, one: Range) -> Any:
    if isinstance(one, Choices):
        by_text = {repr(value): value for value in one.values}
        return by_text[trial.suggest_categorical(path, list(by_text))]
    if one.whole:
        return trial.suggest_int(path, int(one.low), int(one.high), log=one.log)
    return trial.suggest_float(path, one.low, one.high, log=one.log)
