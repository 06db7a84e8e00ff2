"""What a worker needs to run trials: how a task is opened, a method built and a prediction scored.

Workers are given it by name, ``"module:attribute"``, so a test or a plug-in can put another in its place.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from neuroloom.runner.trial import Trial
from neuroloom.tasks.task import Task

DEFAULT = "neuroloom.runner.workbench:WORKBENCH"
SHUFFLES = 5  # of a part, in a trial
MOST_PARTS = 200  # kept of a trial


class Workbench:
    """neuroloom's own tasks, registry and metrics, each imported when first used."""

    def open_task(self, spec: Mapping[str, Any], data_dir: str | None) -> Task:
        """Return the task behind a spec."""
        from neuroloom.tasks import open_task

        task: Task = open_task(dict(spec), data_dir)
        return task

    def build(
        self, expression: str, kind: str, problem: str, params: Mapping[str, Any], X: Any, random_state: int
    ) -> tuple[Any, Sequence[str]]:
        """Return the estimator to fit and remarks on how it was put together."""
        from neuroloom.methods import build

        return build(expression, kind, problem, dict(params), X=X, random_state=random_state)

    def warm_up(self, expression: str, kind: str, problem: str) -> None:
        """Compile the kernels of an expression's methods, one process at a time, so that the next finds them cached."""
        from neuroloom.methods.warming import warm_up
        from neuroloom.runner.locks import one_at_a_time

        with one_at_a_time("warm-up"):
            warm_up(expression, kind, problem)

    def searching(self, trial: Trial, folder: Path | None) -> AbstractContextManager[None]:
        """Return the block in which a trial is fitted: its search for parameters, if any, is kept in the folder."""
        if folder is None or "tuned" not in trial.expression.split("+"):
            return nullcontext()
        from neuroloom.methods.parameter_search import kept_search

        return kept_search(folder / f"{trial.key}.jsonl")

    def rollout(self, policy: Any, X: Any) -> Any:
        """Return ``(n,)`` returns of the episodes ``X`` under a policy's ``act``."""
        from neuroloom.core.episodes import rollout

        return rollout(policy.act, X)

    def needs(self, metric: str) -> str:
        """Return what a metric looks at: ``prediction``, ``probability``, ``score``, ``ranks`` or ``quantiles``."""
        from neuroloom.tasks.metrics import METRICS

        return str(METRICS[metric].needs)

    def ranks(self, estimator: Any, X: Any, rivals: Any) -> Any:
        """Return the rank of each test sample among its rivals, or None where the estimator gives no scores."""
        from neuroloom.tasks.ranking import ranks_of

        return ranks_of(estimator, X, rivals)

    def cover(
        self, estimator: Any, problem: str, confidence: float, X: Any, y: Any, X_test: Any, seed: int
    ) -> dict[str, Any]:
        """Return ``interval (n, 2)``, or ``sets`` and their ``classes``, of the test samples: split conformal.

        A copy of the estimator learns from three quarters of the training samples; the others say how far off it is.

        Raises:
            InputError: there are too few samples for the confidence.
            NotSupportedError: the estimator gives no probabilities.
        """
        from sklearn.base import clone

        from neuroloom.methods.conformal import ConformalClassifier, ConformalRegressor

        made = ConformalRegressor if problem == "regression" else ConformalClassifier
        model = made(clone(estimator), confidence, "split", random_state=seed).fit(X, y)
        if problem == "regression":
            return {"interval": model.predict_interval(X_test)}
        return {"sets": model.predict_set(X_test), "classes": model.classes_}

    def importance(
        self, estimator: Any, X: Any, y: Any, metric: str, score: Callable[[Any, Any, Any], float], seed: int
    ) -> dict[str, Any]:
        """Return how far a metric gets worse when a part of ``X`` is shuffled, largest first: ``Row.importance``."""
        import numpy as np

        from neuroloom.methods.explain import explain
        from neuroloom.tasks.metrics import METRICS

        found = explain(estimator, X, y, method="permutation", draws=SHUFFLES, score=score, random_state=seed)
        drops = found.importance() * (1.0 if METRICS[metric].greater_is_better else -1.0)
        order = np.argsort(-drops, kind="stable")[:MOST_PARTS]
        return {"names": [found.names[i] for i in order], "drops": [float(drops[i]) for i in order]}

    def evaluate(self, names: Sequence[str], y_true: Any, prediction: Any, **given: Any) -> dict[str, float]:
        """Return the value of each metric; ``given`` holds ``probability``, ``classes``, ``y_train`` and the like."""
        from neuroloom.tasks.metrics import evaluate

        return evaluate(list(names), y_true, prediction, **given)


WORKBENCH = Workbench()


def load(path: str) -> Workbench:
    """Return the workbench called ``"module:attribute"``."""
    module, _, attribute = path.partition(":")
    found: Workbench = getattr(importlib.import_module(module), attribute)
    return found
