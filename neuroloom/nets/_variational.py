"""A stack of networks whose every weight is normal, trained by Bayes by backprop; imports torch.

Source: Blundell, Cornebise, Kavukcuoglu & Wierstra (2015), "Weight uncertainty in neural networks"; Kingma, Salimans &
Welling (2015), "Variational dropout and the local reparameterization trick".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from neuroloom.core.seeding import stream
from neuroloom.nets._dense_stack import DenseStack, window
from neuroloom.nets._layers.variational import first_rho, normal_divergence

Floats = NDArray[np.float64]
_LEAST_POOL = 1 << 15


def prior_deviation(name: str, shape: tuple[int, ...], prior_scale: float) -> float:
    """Return the prior's deviation of a parameter: ``prior_scale / √fan_in`` of weights, ``prior_scale`` of biases."""
    return prior_scale / math.sqrt(shape[-2]) if name.startswith("weight") else prior_scale


class VariationalStack(DenseStack):
    """``w ~ N(μ, softplus(ρ)²)`` for every weight and bias, each unit's sum drawn anew for every sample in training.

    Args:
        prior_scale: of the normal prior, see :func:`prior_deviation`.
        noisy: whether one number a member, the same for all samples, is put beside the outputs: the logarithm-like
            ``r`` of the noise's variance ``softplus(r)`` in the loss ``gaussian``.
        others: as in :class:`DenseStack`.
    """

    def __init__(
        self,
        weights: Mapping[str, Floats],
        activation: str,
        dtype: torch.dtype,
        device: torch.device,
        dropout: Sequence[float] | None = None,
        seeds: Sequence[int] = (),
        batch_size: int = 1,
        normalization: str = "none",
        *,
        prior_scale: float = 1.0,
        noisy: bool = False,
    ) -> None:
        own = dict(weights)
        last = sum(name.startswith("weight_") for name in weights) - 1
        if noisy:  # the head's second output, the noise, is one number
            own[f"weight_{last}"] = own[f"weight_{last}"][..., :1]
            own["noise"] = own[f"bias_{last}"][:, 1:]
            own[f"bias_{last}"] = own[f"bias_{last}"][:, :1]
        self.priors = {
            name: prior_deviation(name, value.shape, prior_scale)
            for name, value in own.items()
            if name.startswith(("weight", "bias"))
        }
        for name, prior in self.priors.items():
            own[f"rho_{name}"] = np.full_like(own[name], first_rho(prior))
        super().__init__(own, activation, dtype, device, None, (), batch_size, normalization)
        self.noisy = noisy
        widest = max(own[name].shape[-1] for name in self.priors)
        size = max(_LEAST_POOL, 2 * batch_size * widest) + 4093
        self.pool = torch.stack([_normal_pool(size, seed) for seed in seeds]).to(device, dtype)

    def forward(self, X: torch.Tensor, present: torch.Tensor | None = None) -> torch.Tensor:
        """Return ``(J, b, outputs)``, in training a draw, else by the means; with noise, ``(J, b, 2)``."""
        found = super().forward(X, present)
        if not self.noisy:
            return found
        return torch.cat([found, self.noise[:, None].expand(-1, found.shape[1], -1)], dim=2)

    def _drop(self, hidden: torch.Tensor) -> torch.Tensor:
        return hidden

    def _linear(self, X: torch.Tensor, layer: int) -> torch.Tensor:
        mean = super()._linear(X, layer)
        if not self.training:
            return mean
        assert self.pool is not None
        weight, bias = (F.softplus(getattr(self, f"rho_{n}_{layer}")) ** 2 for n in ("weight", "bias"))
        variance = torch.baddbmm(bias[:, None], (X**2).expand(len(weight), -1, -1), weight)
        self.draws += 1
        rows, units = mean.shape[1:]
        noise = window(self.pool, int(self.draws), rows * units).view(len(mean), rows, units)
        return mean + torch.sqrt(variance) * noise

    def divergence(self) -> torch.Tensor:
        """Return the Kullback-Leibler divergence of the weights from their prior, in nats, ``(J,)``."""
        total = torch.zeros(len(self.bias_0), dtype=self.bias_0.dtype, device=self.bias_0.device)
        for name, prior in self.priors.items():
            mean, deviation = getattr(self, name), F.softplus(getattr(self, f"rho_{name}"))
            total = total + normal_divergence(mean, deviation, prior).flatten(1).sum(dim=1)
        return total


def _normal_pool(size: int, seed: int) -> torch.Tensor:
    """Return ``(size,)`` normal numbers, standardised, since a member meets them again and again."""
    drawn = stream(seed, "noise").normal(size=size)
    return torch.from_numpy((drawn - drawn.mean()) / drawn.std())
