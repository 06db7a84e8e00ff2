"""Convolutions and linear layers whose every weight is normal, and a network of them; imports torch.

Sources:
    Blundell, Cornebise, Kavukcuoglu & Wierstra (2015), "Weight uncertainty in neural networks" (Bayes by backprop).
    Kingma, Salimans & Welling (2015), "Variational dropout and the local reparameterization trick".
    Shridhar, Laumann & Liwicki (2019), "A comprehensive guide to Bayesian convolutional neural network with variational
    inference".
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

_FIRST = 0.1  # a weight's first deviation, in deviations of its prior
_TINY = 1e-12


def first_rho(prior: float) -> float:
    """Return the ``ρ`` with which training begins, of a weight whose prior has this deviation."""
    return math.log(math.expm1(_FIRST * prior))


def normal_divergence(mean: torch.Tensor, deviation: torch.Tensor, prior: float) -> torch.Tensor:
    """Return the Kullback-Leibler divergence of each ``N(mean, deviation²)`` from ``N(0, prior²)``, in nats."""
    return (deviation**2 + mean**2) / (2 * prior**2) - torch.log(deviation / prior) - 0.5


class Variational(nn.Module):  # type: ignore[misc]
    """A layer of ``w ~ N(weight, softplus(rho_weight)²)``, biases alike; what each sample gets is drawn in training.

    The prior is ``N(0, prior_scale² / fan_in)`` for weights and ``N(0, prior_scale²)`` for biases.
    """

    weight: torch.Tensor
    bias: torch.Tensor | None
    _apply_to: Any  # (x, weight, bias) -> the layer's answer

    def _make_normal(self, prior_scale: float) -> None:
        self.priors = {"weight": prior_scale / math.sqrt(self.weight[0].numel()), "bias": prior_scale}
        self.drawn: dict[str, torch.Tensor | None] | None = None
        for name, prior in self.priors.items():
            mean = getattr(self, name)
            rho = None
            if mean is not None:
                rho = nn.Parameter(torch.full_like(mean, first_rho(prior)))
            self.register_parameter(f"rho_{name}", rho)

    def _deviation(self, name: str) -> torch.Tensor | None:
        rho = getattr(self, f"rho_{name}")
        return None if rho is None else F.softplus(rho)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the layer's answer: a draw for each sample in training, else by the weights drawn or the means."""
        if self.drawn is not None:
            return self._apply_to(x, self.drawn["weight"], self.drawn["bias"])
        mean = self._apply_to(x, self.weight, self.bias)
        if not self.training:
            return mean
        weight, bias = (d if d is None else d.square() for d in map(self._deviation, self.priors))
        variance = self._apply_to(x.square(), weight, bias)
        return mean + torch.sqrt(variance + _TINY) * torch.randn_like(mean)

    def draw(self, generator: torch.Generator | None) -> None:
        """Take weights from their distribution until the next call; None goes back to the means."""
        self.drawn = None
        if generator is None:
            return
        drawn: dict[str, torch.Tensor | None] = {}
        for name in self.priors:
            mean, deviation = getattr(self, name), self._deviation(name)
            if deviation is None:
                drawn[name] = None
                continue
            noise = torch.randn(mean.shape, generator=generator, dtype=mean.dtype).to(mean.device)
            drawn[name] = (mean + deviation * noise).detach()
        self.drawn = drawn

    def divergence(self) -> torch.Tensor:
        """Return the Kullback-Leibler divergence of the layer's weights from their prior, in nats."""
        total = self.weight.new_zeros(())
        for name, prior in self.priors.items():
            mean, deviation = getattr(self, name), self._deviation(name)
            if deviation is not None:
                total = total + normal_divergence(mean, deviation, prior).sum()
        return total


class VariationalLinear(Variational, nn.Linear):  # type: ignore[misc]
    """:class:`Variational` linear layer."""

    @property
    def _apply_to(self) -> Any:
        return F.linear


class VariationalConv1d(Variational, nn.Conv1d):  # type: ignore[misc]
    """:class:`Variational` convolution over series."""

    @property
    def _apply_to(self) -> Any:
        return self._conv_forward


class VariationalConv2d(Variational, nn.Conv2d):  # type: ignore[misc]
    """:class:`Variational` convolution over pictures."""

    @property
    def _apply_to(self) -> Any:
        return self._conv_forward


class VariationalNetwork(nn.Sequential):  # type: ignore[misc]
    """A network whose convolutions and linear layers are made variational, in place.

    Args:
        network: ``encoder`` and ``head``, one after the other.
        prior_scale: see :class:`Variational`.
        temperature: what the divergence is multiplied by, above 0; 1 is Bayes' rule.
        noisy: whether a learned number, the same for all samples, stands beside the answer: ``r`` of the noise's
            variance ``softplus(r)``.
    """

    def __init__(self, network: nn.Sequential, prior_scale: float, temperature: float, noisy: bool) -> None:
        super().__init__()
        for name, child in network.named_children():
            self.add_module(name, child)
        _make_variational(self, prior_scale)
        self.temperature = temperature
        self.noise = nn.Parameter(torch.tensor([math.log(math.expm1(1.0))])) if noisy else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(b, answers)``, with the noise beside them ``(b, answers + 1)``."""
        found = super().forward(x)
        if self.noise is None:
            return found
        return torch.cat([found, self.noise.expand(len(found), 1)], dim=1)

    def draw(self, seed: int | None) -> None:
        """Take all weights from their distribution until the next call; None goes back to the means."""
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        for layer in self._layers():
            layer.draw(generator)

    def divergence(self) -> torch.Tensor:
        """Return ``temperature`` times the Kullback-Leibler divergence of all weights from their prior, in nats."""
        return self.temperature * torch.stack([layer.divergence() for layer in self._layers()]).sum()

    def _layers(self) -> list[Variational]:
        return [layer for layer in self.modules() if isinstance(layer, Variational)]


def _make_variational(module: nn.Module, prior_scale: float) -> None:
    """Replace all convolutions and linear layers below a module by variational ones of the same weights."""
    for name, child in module.named_children():
        if type(child) is nn.Linear:
            made: Variational = VariationalLinear(
                child.in_features, child.out_features, bias=child.bias is not None
            )
        elif type(child) in (nn.Conv1d, nn.Conv2d):
            kind = VariationalConv1d if type(child) is nn.Conv1d else VariationalConv2d
            made = kind(child.in_channels, child.out_channels, child.kernel_size, child.stride, child.padding,
                        child.dilation, child.groups, child.bias is not None, child.padding_mode)  # fmt: skip
        else:
            _make_variational(child, prior_scale)
            continue
        made.load_state_dict(child.state_dict())
        made._make_normal(prior_scale)
        setattr(module, name, made)
