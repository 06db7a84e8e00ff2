"""The network of APPNP: Gasteiger, Bojchevski and Günnemann 2019, Predict then Propagate: Graph Neural Networks meet
Personalized PageRank.
"""

# torch is checked as Any, so its classes can be subclassed only untyped
# mypy: disable-error-code="misc, no-any-return"

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from neuroloom.graphs._layers.sparse import Linear, Sparse


class APPNP(nn.Module):
    """``Z⁰ = H = MLP(X)``, ``Zᵏ⁺¹ = (1 − α) Â Zᵏ + α H`` (eq. 4); entries of Â are dropped in training, as there."""

    def __init__(
        self, n_in: int, hidden: int, n_out: int, layers: int, dropout: float, steps: int, teleport: float
    ) -> None:
        super().__init__()
        widths = [n_in] + [hidden] * (layers - 1) + [n_out]
        self.linear = nn.ModuleList(Linear(a, b, dropout) for a, b in itertools.pairwise(widths))
        self.bias = nn.ParameterList([nn.Parameter(torch.zeros(b)) for b in widths[1:]])
        self.dropout, self.steps, self.teleport, self.out_width = dropout, steps, teleport, n_out

    def forward(self, adjacencies: Sequence[Sparse], x: Tensor | Sparse) -> Tensor:
        """Return ``(n, out_width)`` for one square adjacency."""
        for i, (linear, bias) in enumerate(zip(self.linear, self.bias, strict=True)):
            h = linear(x) + bias
            x = torch.relu(h) if i + 1 < len(self.linear) else h
        z = h
        for _ in range(self.steps):
            z = (1 - self.teleport) * adjacencies[0].dropped(
                z, self.dropout, self.training
            ) + self.teleport * h
        return z
