"""The network of GCNII: Chen, Wei, Huang, Ding and Li 2020, Simple and Deep Graph Convolutional Networks."""

# torch is checked as Any, so its classes can be subclassed only untyped
# mypy: disable-error-code="misc, no-any-return"

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from neuroloom.graphs._layers.dropout import dropout
from neuroloom.graphs._layers.sparse import Linear, Sparse


class GCNII(nn.Module):
    """``H ← ReLU(((1 − α) Â H + α H⁰)((1 − β_l) I + β_l W_l))``, ``β_l = log(λ / l + 1)`` (eq. 5), between linear
    maps.
    """

    def __init__(
        self, n_in: int, hidden: int, n_out: int | None, layers: int, dropout: float, alpha: float, lam: float
    ) -> None:
        super().__init__()
        self.first = Linear(n_in, hidden, dropout)
        self.first_bias = nn.Parameter(torch.zeros(hidden))
        self.weights = nn.ParameterList([nn.Parameter(torch.empty(hidden, hidden)) for _ in range(layers)])
        for weight in self.weights:
            bound = 1 / math.sqrt(hidden)
            nn.init.uniform_(weight, -bound, bound)
        self.last = None if n_out is None else Linear(hidden, n_out, dropout)
        self.last_bias = None if n_out is None else nn.Parameter(torch.zeros(n_out))
        self.dropout, self.alpha, self.lam = dropout, alpha, lam
        self.out_width = hidden if n_out is None else n_out

    def forward(self, adjacencies: Sequence[Sparse], x: Tensor | Sparse) -> Tensor:
        """Return ``(n, out_width)`` for one square adjacency."""
        h = start = torch.relu(self.first(x) + self.first_bias)
        for l, weight in enumerate(self.weights, 1):
            mixed = (1 - self.alpha) * (adjacencies[0] @ dropout(h, self.dropout, self.training))
            mixed = mixed + self.alpha * start
            beta = math.log(self.lam / l + 1)
            h = torch.relu((1 - beta) * mixed + beta * (mixed @ weight))
        return h if self.last is None else self.last(h) + self.last_bias
