"""Autoencoders: a net that reproduces its input through a narrow code; plain, deep, sparse, contractive, denoising.

Rumelhart, Hinton and Williams (1986), Learning internal representations by error propagation; Hinton and Salakhutdinov
(2006), Reducing the dimensionality of data with neural networks; Ng (2011), Sparse autoencoder; Rifai, Vincent, Muller,
Glorot and Bengio (2011), Contractive auto-encoders; Vincent, Larochelle, Lajoie, Bengio and Manzagol (2010), Stacked
denoising autoencoders; Masci, Meier, Ciresan and Schmidhuber (2011), Stacked convolutional auto-encoders; Srivastava,
Mansimov and Salakhutdinov (2015), Unsupervised learning of video representations using LSTMs (recurrent ones).
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

from neuroloom.core.checks import check_float
from neuroloom.nets.coding import CodingNetwork
from neuroloom.nets.detector_role import Detector
from neuroloom.nets.unlabelled import Floats

if TYPE_CHECKING:
    import torch


@dataclass(eq=False, repr=False)
class Autoencoder(CodingNetwork):
    """Autoencoder of rows, series or pictures: ``z = f(x)``, ``x' = g(z)``, and ``z`` are the features.

    With ``d`` numbers in a sample it minimises the mean over samples of ``(‖x - g(f(x̃))‖² + λ ‖∂f/∂x‖² + β Σ KL(ρ,
    ρ_j)) / d``: ``x̃`` is ``x`` with noise (denoising), ``λ`` weighs the squared Jacobian of the code (contractive),
    ``β`` how far the mean ``ρ_j`` of a batch's code number ``j`` is from ``ρ`` (sparse). All three may be had at once.

    Args:
        noise: standard deviation of the normal noise added to a training sample, in scaled units, at least 0.
        masked: share of a training sample's numbers that are set to 0, in [0, 1).
        contraction: weight ``λ`` of the Jacobian's squared Frobenius norm, at least 0. It is computed exactly, which
            costs a backward pass for each number of the code.
        sparsity: weight ``β``, at least 0. Above 0 the code goes through a sigmoid.
        rate: ``ρ``, the mean that each number of the code is held to, in (0, 1).

    Attributes:
        weights_: name → array; ``history_``; ``best_epoch_``; ``n_parameters_``; ``origin_`` and ``scale_`` of each
            column or channel.

    Raises:
        InputError: a parameter is out of range.

    Source: Hinton and Salakhutdinov (2006); Vincent et al. (2010); Rifai et al. (2011); Ng (2011).
    """

    _: KW_ONLY
    noise: float = 0.0
    masked: float = 0.0
    contraction: float = 0.0
    sparsity: float = 0.0
    rate: float = 0.05

    def _build(self) -> torch.nn.Module:
        check_float("noise", self.noise, 0)
        check_float("masked", self.masked, 0, 1, open_high=True)
        check_float("contraction", self.contraction, 0)
        check_float("sparsity", self.sparsity, 0)
        check_float("rate", self.rate, 0, 1, open_low=True, open_high=True)
        network = super()._build()
        if self.sparsity:
            from torch import nn

            network.encoder = nn.Sequential(network.encoder, nn.Sigmoid())
        return network

    def _loss(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        import torch

        given = x
        if self.noise:
            given = given + self.noise * torch.randn_like(given)
        if self.masked:
            given = given * (torch.rand_like(given) >= self.masked)
        if self.contraction:
            given = given.detach().requires_grad_()
        code = network.encoder(given)
        numbers = x[0].numel()
        loss = (network.decoder(code) - x).square().mean()
        if self.contraction:
            loss = loss + self.contraction * squared_jacobian(given, code).mean() / numbers
        if self.sparsity:
            loss = loss + self.sparsity * divergence(self.rate, code.mean(0)).sum() / numbers
        return loss


def squared_jacobian(x: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
    """Return ``(b,)`` squared Frobenius norms of ``∂code/∂x`` of each sample, itself differentiable."""
    import torch

    total = torch.zeros(len(x), device=x.device)
    for k in range(code.shape[1]):
        (slope,) = torch.autograd.grad(code[:, k].sum(), x, create_graph=True)
        total = total + slope.square().flatten(1).sum(1)
    return total


def divergence(rate: float, mean: torch.Tensor) -> torch.Tensor:
    """Return the Kullback-Leibler divergence of a coin of ``rate`` to coins of ``mean``."""
    import torch

    mean = mean.clamp(1e-6, 1 - 1e-6)
    return rate * torch.log(rate / mean) + (1 - rate) * torch.log((1 - rate) / (1 - mean))


@dataclass(eq=False, repr=False)
class AutoencoderDetector(Detector, Autoencoder):
    """Detector of outliers by the reconstruction error of an autoencoder (:class:`Autoencoder`)."""

    def score_samples(self, X: Any) -> Floats:
        """Return ``(n,)`` minus the mean squared error of each sample's reconstruction, scaled as in the fit."""
        return -self.reconstruction_error(X)
