"""Compiling the kernels ahead of the first fit, so that no trial's time holds what an installation pays once."""

from __future__ import annotations

import numpy as np


def warm_up(kind: str, problem: str) -> None:
    """Compile, or read from numba's cache on disk, what a NEAT fit of this kind and problem runs.

    Args:
        kind: ``"table"``, ``"series"`` or ``"episodes"``.
        problem: ``"classification"``, ``"regression"`` or ``"control"``.
    """
    if problem == "control":
        from neuroloom.core.samples import EnvSet
        from neuroloom.evolve.policy import NEATPolicy

        NEATPolicy(population=10, generations=3, random_state=0).fit(EnvSet("CartPole-v1", [0, 1]))
        return
    if kind == "series":
        from neuroloom.evolve.series import NEATSeriesClassifier

        X = np.random.default_rng(0).normal(size=(12, 1, 5))
        for classes in (2, 3):
            model = NEATSeriesClassifier(population=20, generations=5, random_state=0)
            model.fit(X, np.arange(12) % classes)
        return
    from neuroloom.evolve.estimators import NEATClassifier, NEATRegressor

    X = np.random.default_rng(0).normal(size=(30, 2))
    estimator = NEATClassifier if problem == "classification" else NEATRegressor
    for classes in (2, 3):
        y = np.arange(30) % classes
        estimator(population=20, generations=5, random_state=0).fit(X, y).predict(X)


def warm_up_map(kind: str, problem: str) -> None:
    """Do as :func:`warm_up`, and read in what keeps the archive of MAP-Elites."""
    from ribs.archives import GridArchive

    warm_up(kind, problem)
    archive = GridArchive(solution_dim=(), dims=[2], ranges=[(0, 1)])
    archive.add([0.0], [0.0], [[0.0]])


def warm_up_weights(kind: str, problem: str) -> None:
    """Do as :func:`warm_up`, and read in the libraries that the optimisers of weights come from."""
    import cma  # noqa: F401
    import scipy.optimize  # noqa: F401

    from neuroloom.evolve.fixed_topology_estimators import FixedTopologyClassifier

    warm_up(kind, problem)
    X = np.random.default_rng(0).normal(size=(30, 2))
    for optimizer in ("cma-me", "openai-es", "l-bfgs"):
        if optimizer != "l-bfgs" or problem != "control":
            model = FixedTopologyClassifier(optimizer, 2, population=10, generations=3, random_state=0)
            model.fit(X, np.arange(30) % 2)
