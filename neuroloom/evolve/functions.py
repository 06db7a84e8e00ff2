"""Names and codes of the functions a node may have: what it does with its inputs, and what it makes of the result.

A node computes ``activation(bias + response * aggregation(weight * input, ...))``. Names and formulas are
neat-python's, the steep slopes included: ``sigmoid(z) = 1 / (1 + exp(-5 z))``, ``tanh(z) = tanh(2.5 z)``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.errors import unknown

Floats = NDArray[np.float64]

# fmt: off
ACTIVATIONS: tuple[str, ...] = (
    "sigmoid", "tanh", "relu", "identity", "gauss", "sin", "clamped", "abs", "hat", "square", "cube", "lelu",
    "elu", "selu", "softplus", "inv", "log", "exp",
)
AGGREGATIONS: tuple[str, ...] = ("sum", "product", "max", "min", "maxabs", "median", "mean")
# fmt: on
_SELU = 1.0507009873554804934193349852946
_SELU_ALPHA = 1.6732632423543772848170429916717


def activation_code(name: str) -> int:
    """Return the code of an activation: its place in ``ACTIVATIONS``.

    Raises:
        InputError: there is no such activation.
    """
    if name not in ACTIVATIONS:
        raise unknown("activation", name, ACTIVATIONS)
    return ACTIVATIONS.index(name)


def aggregation_code(name: str) -> int:
    """Return the code of an aggregation: its place in ``AGGREGATIONS``.

    Raises:
        InputError: there is no such aggregation.
    """
    if name not in AGGREGATIONS:
        raise unknown("aggregation", name, AGGREGATIONS)
    return AGGREGATIONS.index(name)


def _inverse(z: Floats) -> Floats:
    return np.divide(1.0, z, out=np.zeros_like(z), where=z != 0)


_ACTIVATE: dict[str, Callable[[Floats], Floats]] = {
    "sigmoid": lambda z: 1.0 / (1.0 + np.exp(-np.clip(5.0 * z, -60.0, 60.0))),
    "tanh": lambda z: np.tanh(np.clip(2.5 * z, -60.0, 60.0)),
    "relu": lambda z: np.maximum(z, 0.0),
    "identity": lambda z: z,
    "gauss": lambda z: np.exp(-5.0 * np.clip(z, -3.4, 3.4) ** 2),
    "sin": lambda z: np.sin(np.clip(5.0 * z, -60.0, 60.0)),
    "clamped": lambda z: np.clip(z, -1.0, 1.0),
    "abs": np.abs,
    "hat": lambda z: np.maximum(0.0, 1.0 - np.abs(z)),
    "square": lambda z: z * z,
    "cube": lambda z: z * z * z,
    "lelu": lambda z: np.where(z > 0.0, z, 0.005 * z),
    "elu": lambda z: np.where(z > 0.0, z, np.expm1(np.minimum(z, 0.0))),
    "selu": lambda z: _SELU * np.where(z > 0.0, z, _SELU_ALPHA * np.expm1(np.minimum(z, 0.0))),
    "softplus": lambda z: 0.2 * np.log1p(np.exp(np.clip(5.0 * z, -60.0, 60.0))),
    "inv": _inverse,
    "log": lambda z: np.log(np.maximum(z, 1e-7)),
    "exp": lambda z: np.exp(np.clip(z, -60.0, 60.0)),
}


def activate(name: str, z: Floats) -> Floats:
    """Return ``activation(z)``, entry by entry, in double precision."""
    return _ACTIVATE[name](z)


def aggregate(name: str, terms: Sequence[Floats], shape: tuple[int, ...]) -> Floats:
    """Return the aggregation of ``terms`` (each of ``shape``), added one after another so that rows do not matter.

    No terms give 0, or 1 for a product.
    """
    if name == "product":
        product = np.ones(shape)
        for term in terms:
            product = product * term
        return product
    if not terms:
        return np.zeros(shape)
    if name in ("sum", "mean"):
        total = np.zeros(shape)
        for term in terms:
            total = total + term
        return total / len(terms) if name == "mean" else total
    stacked = np.stack(terms)
    if name == "maxabs":
        largest = np.take_along_axis(stacked, np.abs(stacked).argmax(axis=0)[None], axis=0)
        return np.asarray(largest[0], dtype=np.float64)
    if name == "median":
        return np.asarray(np.median(stacked, axis=0), dtype=np.float64)
    return np.asarray(stacked.max(axis=0) if name == "max" else stacked.min(axis=0), dtype=np.float64)
