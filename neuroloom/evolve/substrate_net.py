"""A network on a substrate as a ``torch.nn.Module``, dense or sparse as its density asks."""

# torch is checked as Any, so its classes can be subclassed only untyped
# mypy: disable-error-code="misc, no-any-return"

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from neuroloom.evolve.hyperneat import SubstrateNetwork

SPARSE_BELOW = 0.1  # share of the connections that are there
_ACTIVATE = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid, "identity": lambda x: x}


class _Link(nn.Module):
    """``x Wᵀ`` over the connections that are there, and no others."""

    def __init__(self, weights: np.ndarray) -> None:
        super().__init__()
        there = weights != 0
        self.shape, self.sparse = weights.shape, there.mean() < SPARSE_BELOW
        if self.sparse:
            self.weight = nn.Parameter(torch.from_numpy(weights[there].copy()))
            self.register_buffer("index", torch.from_numpy(np.argwhere(there).T.copy()))
        else:
            self.weight = nn.Parameter(torch.from_numpy(weights.copy()))
            self.register_buffer("there", torch.from_numpy(there))

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(n, targets)`` for ``x (n, sources)``."""
        if not self.sparse:
            return x @ (self.weight * self.there).T
        return torch.sparse.mm(
            torch.sparse_coo_tensor(self.index, self.weight, self.shape, check_invariants=False), x.T
        ).T


class SubstrateNet(nn.Module):
    """The network as a module; made by :meth:`SubstrateNetwork.to_torch`."""

    def __init__(self, network: SubstrateNetwork) -> None:
        super().__init__()
        self.joined, self.count = network.substrate.joined, len(network.substrate.sheets)
        self.links = nn.ModuleList(_Link(weights) for weights in network.weights)
        self.biases = nn.ParameterList(nn.Parameter(torch.from_numpy(bias.copy())) for bias in network.biases)
        self.activation = _ACTIVATE[network.expression.activation]

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(n, outputs)`` for ``x (n, inputs)``."""
        sheets = [x]
        for b in range(1, self.count):
            parts = [link(sheets[a]) for (a, t), link in zip(self.joined, self.links, strict=True) if t == b]
            total = torch.stack(parts).sum(0) + self.biases[b - 1]
            sheets.append(total if b == self.count - 1 else self.activation(total))
        return sheets[-1]
