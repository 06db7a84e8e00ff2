"""scikit-learn's own checks of every estimator of the room, and what importing them costs."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from neuroloom import nets
from neuroloom.nets import (
    MLPClassifier,
    MLPRegressor,
    RBFNClassifier,
    RBFNRegressor,
    ResourceAllocatingClassifier,
    ResourceAllocatingRegressor,
)

ESTIMATORS = [
    RBFNClassifier(),
    RBFNRegressor(),
    ResourceAllocatingClassifier(),
    ResourceAllocatingRegressor(),
    MLPClassifier(
        hidden=(16,), members=2, epochs=40, learning_rate=0.03, bins=4
    ),  # small, for the tests' time alone
    MLPRegressor(hidden=(16,), members=2, epochs=40, learning_rate=0.03, bins=4),
]
IN_CLOSED_FORM = RBFNClassifier | RBFNRegressor | ResourceAllocatingClassifier | ResourceAllocatingRegressor
QUICK: dict[str, Any] = {"hidden": (10,), "members": 2, "epochs": 20, "learning_rate": 0.05, "bins": 4}
BAYESIAN = ("BayesByBackprop", "DeepEnsemble", "Laplace", "MCDropout", "SWAG")
UNCERTAIN = [getattr(nets, stem + role)(**QUICK) for stem in BAYESIAN for role in ("Classifier", "Regressor")]


def _cannot(estimator: Any) -> dict[str, str]:
    """Name the checks that networks trained in shuffled batches and judged on held-out folds cannot pass."""
    if isinstance(estimator, IN_CLOSED_FORM):
        return {}
    return {
        "check_sample_weight_equivalence_on_dense_data": "a repeated sample falls into batches of its own"
    }


@parametrize_with_checks(ESTIMATORS + UNCERTAIN, expected_failed_checks=_cannot)
def test_scikit_learns_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([MLPClassifier(), MLPRegressor()], expected_failed_checks=_cannot)
def test_scikit_learns_checks_with_defaults(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize("module", ["rbfn", "mlp", "laplace", "resource_allocating"])
def test_importing_an_estimator_is_light(module: str) -> None:
    code = (
        f"import sys, neuroloom.nets.{module}\n"
        "heavy = 'torch', 'torch_geometric', 'sklearn.cluster', 'sklearn.linear_model'\n"
        "print([m for m in heavy if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
