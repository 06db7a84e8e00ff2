"""The layer of GAT: Veličković, Cucurull, Casanova, Romero, Liò and Bengio 2018, Graph Attention Networks."""

# torch is checked as Any, so its classes can be subclassed only untyped
# mypy: disable-error-code="misc, no-any-return"

from __future__ import annotations

import torch
from torch import Tensor, nn

from neuroloom.graphs._layers.attention import attention
from neuroloom.graphs._layers.dropout import dropout
from neuroloom.graphs._layers.sparse import Linear, Sparse

SLOPE = 0.2


class GATLayer(nn.Module):
    """One attention layer (eqs. 1 to 6); heads are concatenated or, at the end, averaged."""

    def __init__(
        self, n_in: int, n_out: int, heads: int, dropout: float, attention_dropout: float, concat: bool
    ):
        super().__init__()
        self.linear = Linear(n_in, heads * n_out, dropout)
        self.source = nn.Parameter(torch.empty(heads, n_out))
        self.target = nn.Parameter(torch.empty(heads, n_out))
        self.bias = nn.Parameter(torch.zeros(heads * n_out if concat else n_out))
        self.attention_dropout, self.concat = attention_dropout, concat
        for part in (self.source, self.target):
            nn.init.xavier_uniform_(part[None])

    def attend(self, adjacency: Sparse, x: Tensor | Sparse) -> tuple[Tensor, Tensor]:
        """Return ``(n, heads, n_out)`` and the coefficients ``(entries, heads)``."""
        heads, width = self.source.shape
        h = self.linear(x).view(-1, heads, width)
        s, t = (h * self.target).sum(-1), (h * self.source).sum(-1)
        return attention(adjacency, h, s, t, kept(self, adjacency, h, heads), SLOPE)

    def forward(self, adjacency: Sparse, x: Tensor | Sparse) -> Tensor:
        """Return ``(n, heads · n_out)``, or ``(n, n_out)`` for averaged heads."""
        out, _ = self.attend(adjacency, x)
        return (out.flatten(1) if self.concat else out.mean(1)) + self.bias


def kept(layer: nn.Module, adjacency: Sparse, like: Tensor, heads: int) -> Tensor:
    """Return the factors that attention coefficients are dropped by, ``(entries, heads)``, or none ``(0, heads)``."""
    dropping = layer.training and layer.attention_dropout > 0
    return dropout(
        like.new_ones(len(adjacency.indices) if dropping else 0, heads), layer.attention_dropout, dropping
    )
