"""Our pipeline: what it adds to scikit-learn's."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.preprocessing import StandardScaler

from neuroloom.core.fitting import Job
from neuroloom.methods.pipeline import Pipeline, is_batchable, takes_eval_set


class Stopper(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Remembers what it was handed to stop on; fits in batches."""

    def fit(self, X: Any, y: Any, eval_set: Any = None) -> "Stopper":
        self.seen_ = None if eval_set is None else np.asarray(eval_set[0])
        self.mean_ = np.asarray(X).mean(axis=0)
        return self

    @staticmethod
    def fit_many(jobs: Any) -> list[Any]:
        return [job.estimator.fit(job.X, job.y, job.eval_set) for job in jobs]


def test_eval_set_is_transformed_on_its_way() -> None:
    rng = np.random.default_rng(0)
    X, V = rng.normal(5, 3, (50, 2)), rng.normal(5, 3, (20, 2))
    made = Pipeline([("scale", StandardScaler()), ("last", Stopper())]).fit(
        X, np.zeros(50), eval_set=(V, np.zeros(20))
    )
    np.testing.assert_allclose(made[-1].seen_, StandardScaler().fit(X).transform(V))
    assert takes_eval_set(made)
    assert is_batchable(made)


def test_fits_in_a_batch_equal_single_fits() -> None:
    rng = np.random.default_rng(0)
    made = Pipeline([("scale", StandardScaler()), ("last", Stopper())])
    data = [rng.normal(i, 1 + i, (30, 2)) for i in range(3)]
    together = Pipeline.fit_many([Job(clone(made), X, np.zeros(30)) for X in data])
    for X, fitted in zip(data, together, strict=True):
        alone = clone(made).fit(X, np.zeros(30))
        np.testing.assert_array_equal(fitted[-1].mean_, alone[-1].mean_)
        np.testing.assert_array_equal(fitted[0].mean_, alone[0].mean_)
