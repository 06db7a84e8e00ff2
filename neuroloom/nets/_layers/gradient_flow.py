"""Whether gradients reach the first layers of a net that does not learn.

Bengio, Simard and Frasconi (1994), Learning long-term dependencies with gradient descent is difficult; Pascanu, Mikolov
and Bengio (2013), On the difficulty of training recurrent neural networks.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from neuroloom.nets.diagnosis import RATIO, ExplodingGradientsWarning, VanishingGradientsWarning

STALLED = 0.98  # of the first loss: a net above it in the end has learned next to nothing
FEWEST = 5  # losses that tell so


def gradient_sizes(network: torch.nn.Module, loss: Callable[[torch.nn.Module], Any]) -> dict[str, float]:
    """Return the root mean square of the gradient of each weight matrix or kernel, in the order of the layers."""
    was = network.training
    network.eval()  # so that no batch statistics move
    held = {name: p for name, p in network.named_parameters() if p.ndim > 1 and p.requires_grad}
    with torch.backends.cudnn.flags(
        enabled=False
    ):  # which differentiates recurrent nets in training mode alone
        found = torch.autograd.grad(loss(network).mean(), list(held.values()), allow_unused=True)
    network.train(was)
    return {
        name: 0.0 if g is None else float(g.double().square().mean().sqrt())
        for name, g in zip(held, found, strict=True)
    }


def warn_of_gradients(
    network: torch.nn.Module,
    loss: Callable[[torch.nn.Module], Any],
    history: Sequence[Mapping[str, float]],
) -> None:
    """Warn where a net has not learned and its gradients vanish or explode on their way back, and say what to do.

    Args:
        network: after training.
        loss: from the network to its losses on some training samples.
        history: of the training, with ``loss``.
    """
    losses = [h["loss"] for h in history if "loss" in h]
    if len(losses) < FEWEST or not losses[-1] > STALLED * losses[0]:
        return
    if sum(p.ndim > 1 and p.requires_grad for p in network.parameters()) < 2:
        return
    sizes = list(gradient_sizes(network, loss).values())
    first, last = sizes[0], sizes[-1]
    ratio = first / max(last, 1e-300)
    if first * RATIO < last:
        warnings.warn(
            f"the net has not learned, and its gradients vanish: the first layer's are {ratio:.1g} of the "
            "last's. Take fewer layers or a residual net (resnet, convnext, tcn), a gated cell (lstm, gru) or shorter "
            "series (`patch`).",
            VanishingGradientsWarning,
            stacklevel=4,
        )
    elif first > RATIO * last:
        warnings.warn(
            f"the net has not learned, and its gradients explode: the first layer's are {ratio:.1g} "
            "times the last's. Lower `learning_rate`, clip them (`clip_norm=1.0`), or take fewer layers.",
            ExplodingGradientsWarning,
            stacklevel=4,
        )
