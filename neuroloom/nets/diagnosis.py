"""What ails a dense network: units that no sample moves, gradients that vanish or explode on their way back.

Sources:
    Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks" (saturation).
    Bengio, Simard & Frasconi (1994), "Learning long-term dependencies with gradient descent is difficult" (vanishing
    gradients). Lu, Shin, Su & Karniadakis (2020), "Dying ReLU and initialization".
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DEAD_SLOPE = 1e-4  # a unit is dead where its activation's slope is smaller for every sample
DEAD_SHARE = 0.5  # of a layer's units, from which on a warning is due
RATIO = 1e4  # of the sensitivities of last and first layer, likewise


class DeadUnitsWarning(UserWarning):
    """Most units of a hidden layer answer the same whatever the sample."""


class VanishingGradientsWarning(UserWarning):
    """The first hidden layer hardly feels what the output should change."""


class ExplodingGradientsWarning(UserWarning):
    """The first hidden layer feels the output's changes many times over."""


class Diagnosis(NamedTuple):
    """What hidden layers do on some samples; arrays are ``(members, layers)``.

    Args:
        dead: share of units whose activation's slope is below 1e-4 for every sample: ReLUs that are never on,
            sigmoids that are always saturated.
        signal: root mean square of what leaves the activations.
        sensitivity: root mean square over samples of the norm of the gradient of the greatest output by what enters the
            activations. Its ratio from the first layer to the last says whether gradients vanish (far below 1) or
            explode (far above).
    """

    dead: Floats
    signal: Floats
    sensitivity: Floats


def diagnose(
    weights: Mapping[str, Floats], activation: str, X: Floats, normalization: str = "none"
) -> Diagnosis:
    """Return the diagnosis of networks with at least one hidden layer.

    Args:
        weights: name -> ``(members, …)``.
        activation: key of ``ACTIVATION``.
        X: ``(n, features)`` scaled inputs.
        normalization: ``"none"`` or ``"layer"``.
    """
    import torch

    from neuroloom.nets._dense_stack import DenseStack

    network = DenseStack(weights, activation, torch.float64, torch.device("cpu"), normalization=normalization)
    seen: list[torch.Tensor] = []
    hidden = network.eval().last_hidden(torch.from_numpy(X[None]), seen=seen)
    entering, leaving = seen[::2], seen[1::2]
    if not entering:
        none = np.empty((len(weights["bias_0"]), 0))
        return Diagnosis(none, none, none)
    slopes = [
        torch.autograd.grad(after.sum(), before, retain_graph=True)[0]
        for before, after in zip(entering, leaving, strict=True)
    ]
    outputs = network.output(hidden)
    felt = torch.autograd.grad(outputs.amax(dim=2).sum(), entering)
    dead = [(s.abs() < DEAD_SLOPE).all(dim=1).double().mean(dim=1) for s in slopes]
    signal = [after.detach().square().mean(dim=(1, 2)).sqrt() for after in leaving]
    sensitivity = [g.square().sum(dim=2).mean(dim=1).sqrt() for g in felt]
    return Diagnosis(*(torch.stack(part, dim=1).numpy() for part in (dead, signal, sensitivity)))


def warn(found: Diagnosis, activation: str) -> None:
    """Warn of what a diagnosis shows, and say what to do about it."""
    dead = found.dead.mean(axis=0)
    if dead.size and dead.max() > DEAD_SHARE:
        layer = int(dead.argmax())
        warnings.warn(
            f"{dead[layer]:.0%} of the units of hidden layer {layer + 1} are dead: no sample moves their activation "
            f"({activation!r}). Take 'leaky-relu', 'silu' or another activation, lower `learning_rate`, or set "
            "`normalization`; `diagnose(X)` shows every layer.",
            DeadUnitsWarning,
            stacklevel=3,
        )
    if dead.size < 2:
        return
    first, last = found.sensitivity[:, 0].mean(), found.sensitivity[:, -1].mean()
    if first * RATIO < last:
        warnings.warn(
            f"gradients vanish: the first of {dead.size} hidden layers feels {first / last:.1g} of what the last does. "
            "Take fewer layers, another activation ('silu', 'relu', 'selu'), or `normalization='layer'`; "
            "`diagnose(X)` shows every layer.",
            VanishingGradientsWarning,
            stacklevel=3,
        )
    elif first > RATIO * last:
        warnings.warn(
            f"gradients explode: the first of {dead.size} hidden layers feels {first / max(last, 1e-300):.1g} times "
            "what the last does. Take fewer layers, a smaller `init`, `normalization='layer'` or `max_norm`, or clip "
            "them (`training_options={'clip_norm': 1.0}`); `diagnose(X)` shows every layer.",
            ExplodingGradientsWarning,
            stacklevel=3,
        )
