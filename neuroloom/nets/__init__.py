"""Radial basis function networks and dense networks; names are imported on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuroloom.nets.kmeans_features import KMeansFeatures
    from neuroloom.nets.mlp import MLPClassifier, MLPRegressor
    from neuroloom.nets.rbfn import RBFNClassifier, RBFNRegressor

__all__ = ["KMeansFeatures", "MLPClassifier", "MLPRegressor", "RBFNClassifier", "RBFNRegressor"]

_HOMES = {
    "KMeansFeatures": "neuroloom.nets.kmeans_features",
    "MLPClassifier": "neuroloom.nets.mlp",
    "MLPRegressor": "neuroloom.nets.mlp",
    "RBFNClassifier": "neuroloom.nets.rbfn",
    "RBFNRegressor": "neuroloom.nets.rbfn",
}


def __getattr__(name: str) -> Any:
    """Import a public name's module on first use."""
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'neuroloom.nets' has no attribute {name!r}")
