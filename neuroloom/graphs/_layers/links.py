"""From node vectors to the chance of a link: decoders, and the vectors of common neighbours.

Common neighbours: Wang, Yang and Zhang 2024, Neural Common Neighbor with Completion for Link Prediction.
"""

# torch is checked as Any, so its classes can be subclassed only untyped
# mypy: disable-error-code="misc, no-any-return"

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from neuroloom.graphs._layers.sparse import Sparse

DECODERS = ("dot", "mlp")


class LinkNet(nn.Module):
    """An encoder, and a decoder of pairs of its vectors that does not tell a pair's first end from its second.

    ``dot``: ``h_u · h_v + b``. ``mlp``: a dense net of one hidden layer on ``h_u ⊙ h_v``, beside which, with
    ``common``, stands ``Σ (h_w ‖ 1) / d_w`` over the common neighbours w of degree d_w (after eq. 9 of Wang et al.).
    """

    def __init__(self, encoder: nn.Module, decoder: str, common: bool, dropout: float) -> None:
        super().__init__()
        self.encoder = encoder
        width = encoder.out_width
        self.bias = nn.Parameter(torch.zeros(1)) if decoder == "dot" else None
        self.common = common
        self.head = None
        if decoder == "mlp":
            wide = width * 2 + 1 if common else width
            self.head = nn.Sequential(
                nn.Linear(wide, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, 1)
            )

    def forward(
        self, adjacencies: Sequence[Sparse], x: Tensor | Sparse, pairs: Tensor, shared: Sparse | None
    ) -> Tensor:
        """Return ``(n,)`` logits of ``pairs (n, 2)``; ``shared (n, nodes)`` weighs the common neighbours of each."""
        h = self.encoder(adjacencies, x)
        both = h[pairs[:, 0]] * h[pairs[:, 1]]
        if self.head is None:
            return both.sum(1) + self.bias
        if self.common:
            assert shared is not None
            near = shared @ torch.cat([h, torch.ones_like(h[:, :1])], dim=1)
            both = torch.cat([both, near], dim=1)
        return self.head(both)[:, 0]
