"""The layer of GraphSAGE: Hamilton, Ying and Leskovec 2017, Inductive Representation Learning on Large Graphs."""

# torch is checked as Any, so its classes can be subclassed only untyped
# mypy: disable-error-code="misc, no-any-return"

from __future__ import annotations

import torch
from torch import Tensor, nn

from neuroloom.graphs._layers.sparse import Linear, Sparse


class SAGELayer(nn.Module):
    """``W_self x_i + W_near aggregate_j(x_j) + b`` over the neighbours j of i (algorithm 1, line 5, as a sum).

    ``mean`` multiplies with an adjacency whose rows sum to 1; ``max`` takes the largest of ``ReLU(W_pool x_j +
    b_pool)``, number by number (eq. 3).
    """

    def __init__(self, n_in: int, n_out: int, dropout: float, aggregate: str) -> None:
        super().__init__()
        self.own = Linear(n_in, n_out, dropout)
        self.pool = Linear(n_in, n_out, dropout) if aggregate == "max" else None
        self.pool_bias = nn.Parameter(torch.zeros(n_out)) if aggregate == "max" else None
        self.near = Linear(
            n_out if aggregate == "max" else n_in, n_out, dropout if aggregate == "mean" else 0.0
        )
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, adjacency: Sparse, x: Tensor | Sparse) -> Tensor:
        """Return ``(n, n_out)``."""
        n = adjacency.shape[0]
        own = self.own(x.top(n) if isinstance(x, Sparse) else x[:n])
        if self.pool is None:
            return own + adjacency @ self.near(x) + self.bias
        pooled = adjacency.maximum(torch.relu(self.pool(x) + self.pool_bias))
        return own + self.near(pooled) + self.bias
