"""The search for parameters of any estimator, by Optuna, and what of it is kept on disk.

A search that is kept (:func:`kept_search`) goes on where it was when its process was killed: each configuration's
scores are on disk before the next is tried, and the search, which is the same for the same seed, is told them again.

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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone

from neuroloom.core.errors import InputError
from neuroloom.core.fitting import Job
from neuroloom.methods.pipeline import is_batchable
from neuroloom.methods.ranges import Choices, Range
from neuroloom.methods.search_space import SearchSpace

_kept: ContextVar[Iterator[Path] | None] = ContextVar("kept", default=None)
_RUNGS = (9, 3, 1)  # a trial learns for a ninth, for a third and then for all of its resource
_LEAST = 5  # of a resource: less of it tells nothing
_STARTUP = 10  # trials drawn at random before the search learns from them


class Part(NamedTuple):
    """What configurations learn from and are scored on; ``stops`` where they also stop early on the latter."""

    X: Any
    y: Any
    X_val: Any
    y_val: Any
    stops: bool = False


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


@contextlib.contextmanager
def _unkept() -> Iterator[None]:
    """Keep no search in the block: one within a configuration comes again only where that does."""
    token = _kept.set(None)
    try:
        yield
    finally:
        _kept.reset(token)


def fitted(model: Any, X: Any, y: Any, given: Mapping[str, Any]) -> Any:
    """Return the model, fitted with answers where there are any and with what else is given."""
    return model.fit(X, **given) if y is None else model.fit(X, y, **given)


class _FailedBeforeError(Exception):
    """A configuration that failed before the process was killed."""


class Journal:
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


class Search:
    """One search: its trials so far, and how a configuration is scored.

    Args:
        estimator: whose parameters are searched; it is not fitted.
        scorer: a fitted estimator, samples and answers -> a score, the greater the better.
        space: the ranges, and what a trial may be given less of.
        parts: what configurations learn from and are scored on.
        seed: of the search.
        pruning: whether configurations that do badly with less of the resource are given up.
        of: what else tells this search from others.

    Attributes:
        trials: for each ``number``, ``params``, ``score``, ``state``, ``seconds``, ``reason``.

    Raises:
        InputError: what was kept is of another search.
    """

    def __init__(
        self,
        estimator: Any,
        scorer: Callable[[Any, Any, Any], float],
        space: SearchSpace,
        parts: Sequence[Part],
        seed: int,
        pruning: bool,
        of: str,
    ) -> None:
        self.estimator, self.scorer, self.space, self.parts, self.seed = estimator, scorer, space, parts, seed
        told = f"{seed} {of} {pruning} {space} {[len(part.X) for part in parts]}"
        places = _kept.get()
        self.journal = Journal(
            None if places is None else next(places), hashlib.sha256(told.encode()).hexdigest()
        )
        self.trials: list[dict[str, Any]] = []
        self.began = time.monotonic() - max([one["seconds"] for one in self.journal.found], default=0.0)
        least = min(space.resources.values(), default=0)
        self.rungs = [r for r in _RUNGS if least // r >= _LEAST] if pruning and least else [1]
        if self.rungs[-1:] != [1]:
            self.rungs = [1]

    @property
    def best(self) -> dict[str, Any]:
        """The best trial."""
        return self.best_after(len(self.trials))

    def best_after(self, count: int) -> dict[str, Any]:
        """Return the best of the first ``count`` trials, the earlier of equals."""
        done = [one for one in self.trials[:count] if one["state"] == "complete"] or [
            one for one in self.trials if one["state"] == "complete"
        ][:1]
        return max(done, key=lambda one: (one["score"], -one["number"]))

    def run(self, count: int | None, seconds: float) -> None:
        """Try the parameters as given and then what the search proposes, until ``count`` or ``seconds`` are spent.

        Raises:
            InputError: Optuna is not installed, or every configuration failed.
        """
        optuna = _optuna()
        with _quiet(optuna):
            self._run(optuna, count, seconds)

    def _run(self, optuna: Any, count: int | None, seconds: float) -> None:
        study = optuna.create_study(
            direction="maximize",
            study_name="tuned",
            sampler=optuna.samplers.TPESampler(n_startup_trials=_STARTUP, seed=self.seed % 2**31),
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
        held = self.estimator.get_params(deep=True)
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
        models = [clone(self.estimator).set_params(**params) for _ in self.parts]
        with _unkept(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of configurations that nobody asked for
            if len(models) > 1 and self.parts[0].y is not None and is_batchable(models[0]):
                jobs = [Job(m, X, y, None) for m, (X, y, *_) in zip(models, self.parts, strict=True)]
                models = type(models[0]).fit_many(jobs)
            else:
                for model, (X, y, X_val, y_val, stops) in zip(models, self.parts, strict=True):
                    fitted(model, X, y, {"eval_set": (X_val, y_val)} if stops else {})
            found = [
                self.scorer(m, part.X_val, part.y_val) for m, part in zip(models, self.parts, strict=True)
            ]
        return float(np.mean(found))


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
