"""The layer of GCN: Kipf and Welling 2017, Semi-Supervised Classification with Graph Convolutional Networks."""

# torch is checked as Any, so its classes can be subclassed only untyped
# mypy: disable-error-code="misc, no-any-return"

from __future__ import annotations

import torch
from torch import Tensor, nn

from neuroloom.graphs._layers.sparse import Linear, Sparse


class GCNLayer(nn.Module):
    """``Â dropout(x) W + b`` (eq. 2), Â being the normalised adjacency."""

    def __init__(self, n_in: int, n_out: int, dropout: float) -> None:
        super().__init__()
        self.linear = Linear(n_in, n_out, dropout)
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, adjacency: Sparse, x: Tensor | Sparse) -> Tensor:
        """Return ``(n, n_out)``."""
        return adjacency @ self.linear(x) + self.bias
