"""The layer of GATv2: Brody, Alon and Yahav 2022, How Attentive are Graph Attention Networks?"""

# torch is checked as Any, so its classes can be subclassed only untyped
# mypy: disable-error-code="misc, no-any-return"

from __future__ import annotations

import torch
from torch import Tensor, nn

from neuroloom.graphs._layers.attention import dynamic_attention
from neuroloom.graphs._layers.gat import SLOPE, kept
from neuroloom.graphs._layers.sparse import Linear, Sparse


class GATv2Layer(nn.Module):
    """Dynamic attention, ``α_ij = softmax_j a · LeakyReLU(W_l x_i + W_r x_j)`` (eq. 7), over ``W_r x_j``."""

    def __init__(
        self, n_in: int, n_out: int, heads: int, dropout: float, attention_dropout: float, concat: bool
    ):
        super().__init__()
        self.both = Linear(
            n_in, 2 * heads * n_out, dropout
        )  # W_l and W_r side by side: one product, one dropout
        self.attention = nn.Parameter(torch.empty(heads, n_out))
        self.bias = nn.Parameter(torch.zeros(heads * n_out if concat else n_out))
        self.attention_dropout, self.concat = attention_dropout, concat
        for half in self.both.weight.data.chunk(2, dim=1):
            half.copy_(nn.init.xavier_uniform_(torch.empty(n_in, heads * n_out)))
        nn.init.xavier_uniform_(self.attention[None])

    def attend(self, adjacency: Sparse, x: Tensor | Sparse) -> tuple[Tensor, Tensor]:
        """Return ``(n, heads, n_out)`` and the coefficients ``(entries, heads)``."""
        heads, width = self.attention.shape
        l, r = (half.reshape(-1, heads, width) for half in self.both(x).chunk(2, dim=1))
        return dynamic_attention(adjacency, l, r, self.attention, kept(self, adjacency, l, heads), SLOPE)

    def forward(self, adjacency: Sparse, x: Tensor | Sparse) -> Tensor:
        """Return ``(n, heads · n_out)``, or ``(n, n_out)`` for averaged heads."""
        out, _ = self.attend(adjacency, x)
        return (out.flatten(1) if self.concat else out.mean(1)) + self.bias
