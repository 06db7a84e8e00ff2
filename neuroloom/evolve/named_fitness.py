"""Fitnesses that are computed with the networks, in one compiled pass that writes no outputs down."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_choice
from neuroloom.core.errors import InputError
from neuroloom.evolve.config import NEATConfig
from neuroloom.evolve.phenotypes import Phenotypes, as_samples

Floats = NDArray[np.float64]
NAMES = ("neg_mean_squared_error", "neg_log_loss")


def named_fitness(
    name: str, config: NEATConfig, X: Any, y: Any
) -> Callable[[Phenotypes], NDArray[np.float64]]:
    """Return the fitness ``name``, scikit-learn's name for it, as a function of compiled networks.

    Args:
        name: ``"neg_mean_squared_error"``, or ``"neg_log_loss"``: of the softmax of the outputs, of the logistic
            function of a single one.
        config: the settings.
        X: ``(n, inputs)`` samples.
        y: ``(n, outputs)`` or ``(n,)`` numbers for the first, ``(n,)`` labels 0, 1, … for the second.

    Raises:
        InputError: there is no such fitness, or ``X`` or ``y`` does not fit it.
    """
    check_choice("fitness", name, NAMES)
    if X is None or config.stateful:
        raise InputError(
            f"the fitness {name!r} needs samples `X (n, inputs)` and feed-forward networks that are not "
            "plastic; pass a function instead."
        )
    samples, answers = as_samples(X, config.inputs), np.asarray(y)
    n = samples.shape[1]
    if name == "neg_log_loss":
        classes = max(config.outputs, 2)
        if answers.shape != (n,) or not np.isin(answers, np.arange(classes)).all():
            raise InputError(
                f"`y` must have shape ({n},) and labels 0 … {classes - 1}, but has shape {answers.shape}"
                + (f" and values up to {answers.max()}." if answers.size else ".")
            )
        labels = answers.astype(np.int64)
        return lambda phenotypes: phenotypes.score_likelihood(samples, labels)
    if answers.shape not in {(n, config.outputs)} | ({(n,)} if config.outputs == 1 else set()):
        raise InputError(f"`y` must have shape ({n}, {config.outputs}), but has {answers.shape}.")
    target = np.ascontiguousarray(answers.reshape(n, config.outputs).T, np.float32)
    return lambda phenotypes: phenotypes.score_error(samples, target)


def as_fitness(fitness: Any, count: int) -> Floats:
    """Return ``fitness`` as ``(count,)`` finite floats."""
    if hasattr(fitness, "detach"):
        fitness = fitness.detach().cpu().numpy()
    try:
        values = np.array(fitness, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"the fitness must be {count} numbers, one a genome, but {error}.") from error
    if values.shape != (count,):
        raise InputError(
            f"the fitness must have shape ({count},), one value a genome, but has {values.shape}."
        )
    if not math.isfinite(np.add.reduce(values)) and not np.isfinite(values).all():
        bad = int(np.flatnonzero(~np.isfinite(values))[0])
        raise InputError(
            f"the fitness must be finite, but that of genome {bad} is {values[bad]}; give such genomes a low value."
        )
    return values
