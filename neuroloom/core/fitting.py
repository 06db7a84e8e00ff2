"""The batchable contract: many fits of one estimator class at once.

An estimator class that can fit many trials together has the static method ``fit_many(jobs)``. It returns the fitted
estimators in order; predictions equal those of single fits, probabilities to 1e-5, whatever the grouping.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable


class Job(NamedTuple):
    """One fit: the unfitted estimator with its parameters, its samples, and samples to stop early on, if any."""

    estimator: Any
    X: Any
    y: Any
    eval_set: tuple[Any, Any] | None = None


@runtime_checkable
class Batchable(Protocol):
    """An estimator class whose fits can be done together."""

    @staticmethod
    def fit_many(jobs: Sequence[Job]) -> list[Any]:
        """Fit every job and return the fitted estimators in order."""
        ...
