"""What any method has to beat: answers that do not look at the samples."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.dummy import DummyClassifier as _DummyClassifier
from sklearn.dummy import DummyRegressor as _DummyRegressor

from neuroloom.core.seeding import as_seed, stream


class DummyClassifier(_DummyClassifier):  # type: ignore[misc]
    """The most frequent class of the training part, with the classes' shares as probabilities.

    Args:
        strategy: ``"prior"`` (default), ``"most_frequent"``, ``"stratified"``, ``"uniform"`` or ``"constant"``.
        random_state: seed for the strategies that draw.
        constant: the answer of the strategy ``"constant"``.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Count the labels ``y (n,)``; ``X`` may be any sample set of ``n``."""
        super().fit(np.zeros((len(X), 1)), y)
        self.n_parameters_ = len(self.classes_)
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Return ``(n,)`` labels."""
        found: NDArray[Any] = super().predict(np.zeros((len(X), 1)))
        return found

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return ``(n, classes)`` probabilities."""
        found: NDArray[np.float64] = super().predict_proba(np.zeros((len(X), 1)))
        return found


class DummyRegressor(_DummyRegressor):  # type: ignore[misc]
    """The mean of the training targets.

    Args:
        strategy: ``"mean"`` (default), ``"median"``, ``"quantile"`` or ``"constant"``.
        constant: the answer of the strategy ``"constant"``.
        quantile: the quantile in [0, 1] of the strategy ``"quantile"``.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Average the targets ``y (n,)``; ``X`` may be any sample set of ``n``."""
        super().fit(np.zeros((len(X), 1)), y)
        self.n_parameters_ = 1
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return ``(n,)`` targets."""
        found: NDArray[np.float64] = super().predict(np.zeros((len(X), 1)))
        return found


class DummyDetector(OutlierMixin, BaseEstimator):  # type: ignore[misc]
    """Calls every sample as normal as any other."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn nothing; ``X`` may be any sample set."""
        self.n_parameters_ = 0
        return self

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return ``(n,)`` zeros."""
        return np.zeros(len(X))

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Return ``(n,)`` ones: no sample is an outlier."""
        return np.ones(len(X), dtype=np.int64)


class RandomPolicy(BaseEstimator):  # type: ignore[misc]
    """Actions drawn evenly from the environment's action space.

    Args:
        random_state: seed.
    """

    def __init__(self, random_state: int | None = None) -> None:
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Read the action space of the environment of ``X``, an ``EnvSet``."""
        from neuroloom.core.worlds import env_spaces

        space = env_spaces(X)[1]
        self.discrete_ = hasattr(space, "n")
        self.low_ = np.atleast_1d(np.array(0 if self.discrete_ else space.low, dtype=float))
        self.high_ = np.atleast_1d(np.array(space.n if self.discrete_ else space.high, dtype=float))
        self.seed_ = as_seed(self.random_state)
        self.n_parameters_ = 0
        return self

    def act(self, observations: NDArray[Any]) -> NDArray[Any]:
        """Return one action for each of ``(n, …)`` observations, drawn anew from their values and the seed."""
        rows = np.asarray(observations, dtype=np.float64).reshape(len(observations), -1)
        drawn = np.stack([stream(self.seed_, row.tobytes()).uniform(self.low_, self.high_) for row in rows])
        return drawn[:, 0].astype(np.int64) if self.discrete_ else drawn.astype(np.float32)

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return the ``(n,)`` returns of the episodes of ``X``."""
        from neuroloom.core.episodes import rollout

        found: NDArray[np.float64] = rollout(self.act, X)
        return found
