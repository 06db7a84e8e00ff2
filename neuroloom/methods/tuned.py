"""Parameters chosen by search on the training part alone, around any method: ``svm+tuned``.

A search that is kept (:func:`kept_search`) goes on where it was when its process was killed: each configuration's
scores are on disk before the next is tried, and the search, which is the same for the same seed, is told them again.

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
import hashlib
import json
import math
import os
import time
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
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
from neuroloom.core.fitting import Job
from neuroloom.core.forecasting import LEVELS, Forecaster
from neuroloom.core.samples import take
from neuroloom.core.seeding import as_seed, derive, stream
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
FORECASTS = ("mase", "rmse")
_kept: ContextVar[Iterator[Path] | None] = ContextVar("kept", default=None)
_RUNGS = (9, 3, 1)  # a trial learns for a ninth, for a third and then for all of its resource
_LEAST = 5  # of a resource: less of it tells nothing
_STARTUP = 10  # trials drawn at random before the search learns from them


@contextlib.contextmanager
def kept_search(path: str | Path) -> Iterator[None]:
    """Keep the search of the tuned method that is fitted in the block in a file, and go on from what it holds.

    Where the block searches several times, as calibration does on its folds, each search after the first has a file
    of its own beside it, in the order in which they come.

    Args:
        path: of the file, a line a configuration; removed when the block ends well.

    Raises:
        InputError: what it holds is of another search.
    """
    used: list[Path] = []
    token = _kept.set(_places(Path(path), used))
    try:
        yield
    finally:
        _kept.reset(token)
    for place in used or [Path(path)]:
        place.unlink(missing_ok=True)


def _places(path: Path, used: list[Path]) -> Iterator[Path]:
    """Yield where one search after another is kept, and note it."""
    while True:
        used.append(path.with_name(f"{path.name}.{len(used) + 1}") if used else path)
        yield used[-1]


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
        search = _Search(
            self, space, self._parts(X, None if y is None else np.asarray(y), eval_set, seed), seed
        )
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
            model = known or _fitted(clone(self.estimator).set_params(**params), X, y, given)
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

    def _parts(
        self, X: Any, y: Any, eval_set: tuple[Any, Any] | None, seed: int
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

    def _parts(
        self, X: Any, y: Any, eval_set: tuple[Any, Any] | None, seed: int
    ) -> list[tuple[Any, Any, Any, Any, bool]]:
        from sklearn.model_selection import TimeSeriesSplit

        origins, values = self._learn_form(X, y)
        self._scale = float(origins.naive_error(values)) or 1.0
        if eval_set is not None:
            return [(X, values, eval_set[0], np.asarray(eval_set[1]), takes_eval_set(self.estimator))]
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
        return [(take(X, a), values[a], take(X, b), values[b], False) for a, b in found]

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

    def _parts(
        self, X: Any, y: Any, eval_set: tuple[Any, Any] | None, seed: int
    ) -> list[tuple[Any, Any, Any, Any, bool]]:
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

    def _parts(
        self, X: Any, y: Any, eval_set: tuple[Any, Any] | None, seed: int
    ) -> list[tuple[Any, Any, Any, Any, bool]]:
        rng = stream(seed, "strangers")
        parts = _parts_of_samples(X, self.folds, "samples", None)
        return [(a, None, b, _strangers(b, rng), False) for a, _, b, _, _ in parts]

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Return ``(n,)`` 1 for samples like those learned from, -1 for outliers."""
        check_is_fitted(self, "estimator_")
        return np.asarray(self.estimator_.predict(X), dtype=np.int64)

    def decision_function(self, X: Any) -> Floats:
        """Return ``(n,)`` scores: below 0 is an outlier."""
        check_is_fitted(self, "estimator_")
        return np.asarray(self.estimator_.decision_function(X), dtype=np.float64)


def _parts_of_samples(
    X: Any, folds: int, what: str, seed: int | None
) -> list[tuple[Any, Any, Any, Any, bool]]:
    """Return folds of samples without answers, shuffled if there is a seed."""
    from sklearn.model_selection import KFold

    if len(X) < 2 * folds:
        raise InputError(
            f"tuning by {folds} folds needs at least {2 * folds} {what}, but there are {len(X)}."
        )
    split = KFold(folds, shuffle=seed is not None, random_state=None if seed is None else seed % 2**31)
    return [(take(X, a), None, take(X, b), None, False) for a, b in split.split(np.arange(len(X)))]


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


@contextlib.contextmanager
def _unkept() -> Iterator[None]:
    """Keep no search in the block: one within a configuration comes again only where that does."""
    token = _kept.set(None)
    try:
        yield
    finally:
        _kept.reset(token)


def _fitted(model: Any, X: Any, y: Any, given: Mapping[str, Any]) -> Any:
    return model.fit(X, **given) if y is None else model.fit(X, y, **given)


class _FailedBeforeError(Exception):
    """A configuration that failed before the process was killed."""


class _Journal:
    """The scores of configurations on disk, a line each, and those that were there at the start.

    Args:
        path: the file, or None to keep nothing.
        of: what tells this search from others.

    Raises:
        InputError: the file is of another search.
    """

    def __init__(self, path: Path | None, of: str) -> None:
        self.path = path
        self.found: list[dict[str, Any]] = []
        if path is None:
            return
        lines: list[dict[str, Any]] = []
        if path.is_file():
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    lines.append(json.loads(line))
                except ValueError:  # the last one may be torn
                    break
        if lines and lines[0].get("of") != of:
            raise InputError(f"{path} was kept of another search; remove it to begin anew.")
        self.found = lines[1:]
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = [{"of": of}, *self.found]
        part = path.with_name(f"{path.name}.part")
        part.write_text("".join(json.dumps(one) + "\n" for one in kept), encoding="utf-8")
        part.replace(path)

    def known(self, number: int, params: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return what is known of a configuration."""
        if number > len(self.found) or self.found[number - 1].get("params") != repr(dict(params)):
            return None
        return self.found[number - 1]

    def add(self, done: Mapping[str, Any], scores: Sequence[float]) -> None:
        """Keep how a configuration went."""
        if self.path is None or done["number"] <= len(self.found):
            return
        line = {
            **{k: done[k] for k in ("state", "seconds", "reason")},
            "params": repr(done["params"]),
            "scores": scores,
        }
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())


class _Search:
    """One search: its trials so far, and how a configuration is scored."""

    def __init__(
        self, tuned: _Tuned, space: SearchSpace, parts: list[tuple[Any, Any, Any, Any, bool]], seed: int
    ) -> None:
        self.tuned, self.space, self.parts = tuned, space, parts
        self.scorer = tuned._scorer()
        of = f"{seed} {tuned.folds} {tuned.metric} {tuned.pruning} {space} {[len(part[0]) for part in parts]}"
        places = _kept.get()
        self.journal = _Journal(
            None if places is None else next(places), hashlib.sha256(of.encode()).hexdigest()
        )
        self.trials: list[dict[str, Any]] = []
        self.began = time.monotonic() - max([one["seconds"] for one in self.journal.found], default=0.0)
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
        known = self.journal.known(len(self.trials) + 1, params)
        before = iter([] if known is None else known["scores"])
        scores: list[float] = []
        try:
            if known is not None and known["state"] == "failed":
                raise _FailedBeforeError(known["reason"])
            for rung in self.rungs if params else [1]:
                less = {path: n // rung for path, n in self.space.resources.items()} if rung > 1 else {}
                score = next(before, math.nan) if known is not None else self._score({**params, **less})
                if not math.isfinite(score):
                    raise ValueError(f"its score is {score}")
                scores.append(score)
                if gives_up(score, rung):
                    state = "pruned"
                    break
        except (MemoryError, KeyboardInterrupt):
            raise
        except _FailedBeforeError as error:
            state, reason = "failed", str(error)
        except Exception as error:
            state, reason = "failed", f"{type(error).__name__}: {' '.join(str(error).split())}"
        done = {
            "number": len(self.trials) + 1,
            "params": params,
            "score": None if state == "failed" else score,
            "state": state,
            "seconds": time.monotonic() - self.began if known is None else known["seconds"],
            "reason": reason,
        }
        self.trials.append(done)
        self.journal.add(done, scores)
        return done

    def _score(self, params: dict[str, Any]) -> float:
        """Return the mean score of a configuration over the parts."""
        models = [clone(self.tuned.estimator).set_params(**params) for _ in self.parts]
        with _unkept(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of configurations that nobody asked for
            if len(models) > 1 and self.parts[0][1] is not None and is_batchable(models[0]):
                jobs = [Job(m, X, y, None) for m, (X, y, *_) in zip(models, self.parts, strict=True)]
                models = type(models[0]).fit_many(jobs)
            else:
                for model, (X, y, X_val, y_val, stops) in zip(models, self.parts, strict=True):
                    _fitted(model, X, y, {"eval_set": (X_val, y_val)} if stops else {})
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
