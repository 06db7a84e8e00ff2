"""From node vectors to one vector a graph: sums, means, maxima, and the nodes that score best.

Top-k: Gao and Ji 2019, Graph U-Nets; SAG: Lee, Lee and Kang 2019, Self-Attention Graph Pooling (its global form).
"""

# torch is checked as Any, so its classes can be subclassed only untyped
# mypy: disable-error-code="misc, no-any-return"

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from neuroloom.graphs._layers.graphsage import SAGELayer
from neuroloom.graphs._layers.sparse import Sparse

POOLINGS = ("sum", "mean", "max", "all", "top-k", "sag")


def segments(lengths: Sequence[int], device: torch.device) -> Tensor:
    """Return ``(n,)``, the graph of each node, for graphs of ``lengths`` nodes one after another."""
    counts = torch.tensor(lengths, device=device)
    return torch.repeat_interleave(torch.arange(len(lengths), device=device), counts)


def pooled(h: Tensor, of: Tensor, count: int, how: str) -> Tensor:
    """Return ``(count, d)`` from ``h (n, d)`` of nodes of the graphs ``of (n,)``; a graph without nodes has 0.

    ``how``: ``"sum"``, ``"mean"``, ``"max"``, or ``"all"`` three side by side.
    """
    if how == "all":
        return torch.cat([pooled(h, of, count, one) for one in ("sum", "mean", "max")], dim=1)
    if how == "max":
        index = of[:, None].expand_as(h)
        return h.new_zeros(count, h.shape[1]).scatter_reduce(0, index, h, "amax", include_self=False)
    total = h.new_zeros(count, h.shape[1]).index_add(0, of, h)
    if how == "sum":
        return total
    return total / torch.bincount(of, minlength=count).clamp(min=1)[:, None].to(h.dtype)


class BestNodes(nn.Module):
    """Keeps the share of each graph's nodes with the highest scores, each times the hyperbolic tangent of its score.

    The score is ``x · p / |p|`` for a learned p (top-k), or a graph convolution of one number (SAG); of n nodes
    ``⌈share · n⌉`` stay. Their mean and maximum side by side stand for the graph, as in Lee et al.
    """

    def __init__(self, width: int, share: float, how: str) -> None:
        super().__init__()
        self.share = share
        self.direction = nn.Parameter(torch.empty(width)) if how == "top-k" else None
        self.score = SAGELayer(width, 1, 0.0, "mean") if how == "sag" else None
        if self.direction is not None:
            nn.init.uniform_(self.direction, -(width**-0.5), width**-0.5)

    def _score(self, h: Tensor, adjacency: Sparse) -> Tensor:
        if self.score is not None:
            return self.score(adjacency, h)[:, 0]
        assert self.direction is not None
        return h @ self.direction / torch.linalg.vector_norm(self.direction)

    def kept(self, h: Tensor, adjacency: Sparse, of: Tensor, lengths: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return the rows that stay, graph by graph from the best down, and their scores."""
        score = self._score(h, adjacency)
        order = torch.argsort(score.detach(), descending=True, stable=True)
        order = order[torch.argsort(of[order], stable=True)]
        counts = torch.tensor(lengths, device=h.device)
        first = counts.cumsum(0) - counts
        place = torch.arange(len(h), device=h.device) - first[of[order]]
        rows = order[place < torch.ceil(self.share * counts)[of[order]]]
        return rows, torch.tanh(score[rows])

    def forward(self, h: Tensor, adjacency: Sparse, of: Tensor, lengths: Sequence[int]) -> Tensor:
        """Return ``(graphs, 2 · width)``."""
        rows, score = self.kept(h, adjacency, of, lengths)
        x, own = h[rows] * score[:, None], of[rows]
        return torch.cat([pooled(x, own, len(lengths), how) for how in ("mean", "max")], dim=1)


class GraphNet(nn.Module):
    """An encoder, a pool, and a dense net of one hidden layer on each graph's vector."""

    def __init__(self, encoder: nn.Module, n_out: int, pooling: str, share: float, dropout: float) -> None:
        super().__init__()
        self.encoder, self.pooling = encoder, pooling
        width = encoder.out_width
        self.best = BestNodes(width, share, pooling) if pooling in ("top-k", "sag") else None
        wide = {"all": 3 * width, "top-k": 2 * width, "sag": 2 * width}.get(pooling, width)
        self.head = nn.Sequential(
            nn.Linear(wide, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, n_out)
        )

    def pool(self, adjacencies: Sequence[Sparse], x: Tensor | Sparse) -> Tensor:
        """Return ``(graphs, wide)``, the vector of each graph."""
        lengths = adjacencies[0].lengths
        assert lengths is not None
        h = self.encoder(adjacencies, x)
        of = segments(lengths, h.device)
        if self.best is not None:
            return self.best(h, adjacencies[-1], of, lengths)
        return pooled(h, of, len(lengths), self.pooling)

    def forward(self, adjacencies: Sequence[Sparse], x: Tensor | Sparse) -> Tensor:
        """Return ``(graphs, n_out)`` for adjacencies that know the ``lengths`` of their graphs."""
        return self.head(self.pool(adjacencies, x))
