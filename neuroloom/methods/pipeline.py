"""``a+b``: scikit-learn's pipeline, with ``eval_set`` and batches carried through its transformers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from sklearn.base import clone
from sklearn.pipeline import Pipeline as _Pipeline

from neuroloom.core.fitting import Batchable, Job


class Pipeline(_Pipeline):  # type: ignore[misc]
    """A chain of transformers and a last estimator.

    scikit-learn's own pipeline hands ``eval_set`` to the last step as it came; here it is transformed on the way.

    Args:
        steps: list of ``(name, estimator)``.
        memory: scikit-learn's cache for fitted transformers, or None.
        verbose: whether to print the time of each step.
    """

    def __init__(self, steps: list[tuple[str, Any]], *, memory: Any = None, verbose: bool = False) -> None:
        super().__init__(steps, memory=memory, verbose=verbose)

    def fit(self, X: Any, y: Any = None, eval_set: tuple[Any, Any] | None = None, **params: Any) -> Self:
        """Fit the transformers one after the other and then the last step.

        Args:
            X: sample set of ``n``.
            y: ``(n,)`` answers.
            eval_set: ``(X_val, y_val)`` to stop early on, for a last step that takes one.
            params: scikit-learn's fit parameters, ``step__name=value``.
        """
        if eval_set is None:
            super().fit(X, y, **params)
            return self
        job = self._transformed(Job(self, X, y, eval_set))
        self._last_fit(job.estimator, job, params)
        return self

    def _last_fit(self, last: Any, job: Job, params: dict[str, Any]) -> None:
        name = self.steps[-1][0]
        own = {key.split("__", 1)[1]: value for key, value in params.items() if key.startswith(f"{name}__")}
        last.fit(job.X, job.y, **own, **({"eval_set": job.eval_set} if takes_eval_set(last) else {}))

    def _transformed(self, job: Job) -> Job:
        """Fit the transformers on the job's samples; return the job that is left for the last step."""
        X, eval_set = job.X, job.eval_set
        for at, (name, step) in enumerate(self.steps[:-1]):
            fitted = clone(step)
            values = fitted.fit_transform(X, job.y) if hasattr(fitted, "fit_transform") else None
            X = fitted.fit(X, job.y).transform(X) if values is None else values
            if eval_set is not None:
                eval_set = (fitted.transform(eval_set[0]), eval_set[1])
            self.steps[at] = (name, fitted)
        last = clone(self.steps[-1][1])
        self.steps[-1] = (self.steps[-1][0], last)
        return Job(last, X, job.y, eval_set)

    @property
    def batchable(self) -> bool:
        """Whether many such pipelines can be fitted at once, their last step being batchable."""
        return isinstance(self.steps[-1][1], Batchable)

    @staticmethod
    def fit_many(jobs: Sequence[Job]) -> list[Any]:
        """Fit pipelines that end in one batchable class: transformers one by one, last steps together."""
        left = [job.estimator._transformed(job) for job in jobs]
        fitted = type(left[0].estimator).fit_many(left)
        for job, last in zip(jobs, fitted, strict=True):
            job.estimator.steps[-1] = (job.estimator.steps[-1][0], last)
        return [job.estimator for job in jobs]


def takes_eval_set(estimator: Any) -> bool:
    """Whether ``estimator.fit`` has a parameter ``eval_set`` (of a pipeline: whether its last step's has)."""
    import inspect

    if isinstance(estimator, _Pipeline):
        return isinstance(estimator, Pipeline) and takes_eval_set(estimator.steps[-1][1])
    return "eval_set" in inspect.signature(estimator.fit).parameters


def is_batchable(estimator: Any) -> bool:
    """Whether fits of this estimator can be done together through ``fit_many``."""
    return estimator.batchable if isinstance(estimator, Pipeline) else isinstance(estimator, Batchable)
