"""Losses of dense networks by name, and the maps from a network's output to an answer; imports torch.

Sources:
    Huber (1964), "Robust estimation of a location parameter"; Koenker & Bassett (1978), "Regression quantiles"; Nix &
    Weigend (1994), "Estimating the mean and variance of the target probability distribution" (gaussian); Lin et al.
    (2017), "Focal loss for dense object detection"; Crammer & Singer (2001), "On the algorithmic implementation of
    multiclass kernel-based vector machines" (hinge).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F

LEAST_VARIANCE = 1e-6  # of a gaussian answer, in standardised units (Lakshminarayanan et al. 2017)


class Loss(NamedTuple):
    """A loss by name.

    Args:
        name: ``squared``, ``absolute``, ``huber``, ``quantile``, ``gaussian``; ``cross-entropy``, ``focal``, ``hinge``.
        parameter: huber's delta, the quantile, focal's gamma; unused by the others.
        output: ``identity``, ``softplus``, ``exp`` or ``sigmoid``, from what the network gives to what is compared.
    """

    name: str
    parameter: float = 0.0
    output: str = "identity"

    def __call__(self, output: torch.Tensor, target: torch.Tensor, smoothing: torch.Tensor) -> torch.Tensor:
        """Return ``(J, b)`` losses.

        Args:
            output: ``(J, b, outputs)`` of the networks.
            target: ``(J, b, 1)`` numbers, or ``(J, b)`` class indices.
            smoothing: ``(J, 1)`` label smoothing, for cross-entropy.
        """
        if target.ndim == 3:
            return self._numbers(output, target)
        if self.name == "hinge":
            right = output.gather(2, target[..., None])
            others = output.scatter(2, target[..., None], -torch.inf).amax(dim=2)
            return (1 + others - right[..., 0]).clamp(min=0)
        log_p = torch.log_softmax(output, dim=2)
        hit = log_p.gather(2, target[..., None])[..., 0]
        if self.name == "focal":
            # 1 - p is kept off 0, where the power's slope is not finite
            return -((1 - hit.exp()).clamp(min=1e-9) ** self.parameter) * hit
        return (smoothing - 1) * hit - smoothing * log_p.mean(dim=2)

    def _numbers(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        if self.name == "gaussian":
            variance = F.softplus(output[..., 1]) + LEAST_VARIANCE
            return (torch.log(variance) + (output[..., 0] - target[..., 0]) ** 2 / variance) / 2
        gap = linked(output, self.output) - target
        match self.name:
            case "absolute":
                losses = gap.abs()
            case "huber":
                size = gap.abs()
                losses = torch.where(
                    size <= self.parameter, gap**2 / 2, self.parameter * (size - self.parameter / 2)
                )
            case "quantile":
                losses = torch.maximum(-self.parameter * gap, (1 - self.parameter) * gap)
            case _:
                losses = gap**2
        return losses.mean(dim=2)


def linked(output: torch.Tensor, link: str) -> torch.Tensor:
    """Return the answer of a network's output: itself, ``log(1 + e^z)``, ``e^z`` (z up to 30) or ``1 / (1 + e^-z)``."""
    match link:
        case "softplus":
            return F.softplus(output)
        case "exp":
            return torch.exp(output.clamp(max=30.0))
        case "sigmoid":
            return torch.sigmoid(output)
    return output
