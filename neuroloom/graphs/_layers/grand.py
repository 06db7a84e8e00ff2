"""The network of GRAND: Feng et al. 2020, Graph Random Neural Networks for Semi-Supervised Learning on Graphs."""

# torch is checked as Any, so its classes can be subclassed only untyped
# mypy: disable-error-code="misc, no-any-return"

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from neuroloom.graphs._layers.dropout import dropout
from neuroloom.graphs._layers.sparse import Linear, Sparse


class GRAND(nn.Module):
    """``MLP(1 / (K + 1) Σ_k Âᵏ X̃)`` with whole nodes dropped from X̃ in training (algorithm 1).

    The first map of the net is taken before the propagation, which is linear: the same, on narrower rows.
    """

    def __init__(
        self,
        n_in: int,
        hidden: int,
        n_out: int,
        steps: int,
        drop_node: float,
        dropout: float,
        hidden_dropout: float,
    ) -> None:
        super().__init__()
        self.first, self.second = Linear(n_in, hidden, dropout), Linear(hidden, n_out, hidden_dropout)
        self.first_bias, self.second_bias = (
            nn.Parameter(torch.zeros(hidden)),
            nn.Parameter(torch.zeros(n_out)),
        )
        self.steps, self.drop_node, self.out_width = steps, drop_node, n_out

    def forward(self, adjacencies: Sequence[Sparse], x: Tensor | Sparse) -> Tensor:
        """Return ``(n, out_width)`` for one square adjacency; each call in training drops other nodes."""
        z = self.first(x)
        z = z * dropout(z.new_ones(len(z), 1), self.drop_node, self.training)
        total = z
        for _ in range(self.steps):
            z = adjacencies[0] @ z
            total = total + z
        return self.second(torch.relu(total / (self.steps + 1) + self.first_bias)) + self.second_bias


def disagreement(outputs: Tensor, temperature: float) -> Tensor:
    """Return how far the passes ``outputs (S, n, classes)`` are from their sharpened mean (eqs. 4 and 5).

    ``1 / (S n) Σ_s Σ_i ‖p'_i − p_si‖²``, ``p'_i ∝ (1 / S Σ_s p_si)^(1 / T)``; the sharpened mean has no gradient.
    """
    p = outputs.softmax(2)
    aim = p.detach().mean(0) ** (1 / temperature)
    aim = aim / aim.sum(1, keepdim=True)
    return (p - aim).square().sum(2).mean()
