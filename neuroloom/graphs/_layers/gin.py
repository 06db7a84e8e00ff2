"""The layer of GIN: Xu, Hu, Leskovec and Jegelka 2019, How Powerful are Graph Neural Networks?"""

# torch is checked as Any, so its classes can be subclassed only untyped
# mypy: disable-error-code="misc, no-any-return"

from __future__ import annotations

import torch
from torch import Tensor, nn

from neuroloom.graphs._layers.sparse import Linear, Sparse


class GINLayer(nn.Module):
    """``MLP((1 + ε) x_i + Σ_j a_ij x_j)`` (eq. 4.1), the MLP of two layers with batch normalisation between.

    The first linear map of the MLP is taken before the sum, which is the same and needs narrower products.
    """

    def __init__(self, n_in: int, n_out: int, dropout: float, learn_eps: bool) -> None:
        super().__init__()
        self.first = Linear(n_in, n_out, dropout)
        self.bias = nn.Parameter(torch.zeros(n_out))
        self.norm = nn.BatchNorm1d(n_out)
        self.second = nn.Linear(n_out, n_out)
        self.eps = nn.Parameter(torch.zeros(1), requires_grad=learn_eps)

    def forward(self, adjacency: Sparse, x: Tensor | Sparse) -> Tensor:
        """Return ``(n, n_out)``."""
        z = self.first(x)
        h = (1 + self.eps) * z[: adjacency.shape[0]] + adjacency @ z + self.bias
        return self.second(torch.relu(normalised(self.norm, h)))


def normalised(norm: nn.Module, h: Tensor) -> Tensor:
    """Return ``norm(h)``; batch normalisation of fewer than two rows takes the running figures, as in evaluation."""
    if isinstance(norm, nn.BatchNorm1d) and norm.training and len(h) < 2:
        return nn.functional.batch_norm(h, norm.running_mean, norm.running_var, norm.weight, norm.bias)
    return norm(h)
