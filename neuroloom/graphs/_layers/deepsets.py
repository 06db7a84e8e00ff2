"""The nodes' net of deep sets: Zaheer et al. 2017, Deep Sets."""

# torch is checked as Any, so its classes can be subclassed only untyped
# mypy: disable-error-code="misc, no-any-return"

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from neuroloom.graphs._layers.sparse import Linear, Sparse


class NodeNet(nn.Module):
    """``ReLU(dropout(x) W + b)``, layer by layer, each node alone."""

    def __init__(self, n_in: int, hidden: int, layers: int, dropout: float) -> None:
        super().__init__()
        widths = [n_in] + [hidden] * layers
        self.linear = nn.ModuleList(Linear(a, b, dropout) for a, b in itertools.pairwise(widths))
        self.bias = nn.ParameterList([nn.Parameter(torch.zeros(hidden)) for _ in range(layers)])
        self.out_width = hidden

    def forward(self, adjacencies: Sequence[Sparse], x: Tensor | Sparse) -> Tensor:
        """Return ``(n, hidden)``; the adjacencies are not read."""
        for linear, bias in zip(self.linear, self.bias, strict=True):
            x = torch.relu(linear(x) + bias)
        return x
