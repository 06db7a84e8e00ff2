"""A graph transformer: Rampášek, Galkin, Dwivedi, Luu, Wolf and Beaini 2022, Recipe for a General, Powerful, Scalable
Graph Transformer.
"""

# torch is checked as Any, so its classes can be subclassed only untyped
# mypy: disable-error-code="misc, no-any-return"

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from neuroloom.graphs._layers.dropout import dropout
from neuroloom.graphs._layers.gin import GINLayer, normalised
from neuroloom.graphs._layers.sparse import Linear, Sparse


class GPSLayer(nn.Module):
    """Messages along the edges (GIN) beside attention between all nodes of a graph, then a small dense net (eqs. 2 to
    6).

    Each of the three has a skip and a normalisation of its own.
    """

    def __init__(self, width: int, heads: int, dropout: float, norm: type[nn.Module]) -> None:
        super().__init__()
        self.near = GINLayer(width, width, 0.0, learn_eps=True)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.norms = nn.ModuleList(norm(width) for _ in range(3))
        self.heads, self.dropout = heads, dropout

    def _drop(self, h: Tensor) -> Tensor:
        return dropout(h, self.dropout, self.training)

    def _attend(self, x: Tensor, lengths: Sequence[int]) -> Tensor:
        """Return what every node makes of all nodes of its graph, graphs of ``lengths`` nodes one after another."""
        parts = self.query_key_value(x)
        found = torch.empty_like(x)
        counts = torch.tensor(lengths)
        starts = counts.cumsum(0) - counts
        rooms = 2 ** torch.ceil(torch.log2(counts.clamp(min=1).double())).long()
        for room in rooms[counts > 0].unique().tolist():  # graphs of about one size are one batch
            own = torch.nonzero((rooms == room) & (counts > 0))[:, 0]
            place = torch.arange(min(room, int(counts[own].max())))[None]
            there = (place < counts[own, None]).to(x.device)
            rows = (starts[own, None] + torch.minimum(place, counts[own, None] - 1)).to(x.device)
            q, k, v = parts[rows].view(*rows.shape, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
            mask = None if bool(there.all()) else there[:, None, None]
            made = functional.scaled_dot_product_attention(q, k, v, mask).transpose(1, 2)
            found = found.index_put((rows[there],), made.reshape(*rows.shape, -1)[there])
        return self.out(found)

    def forward(self, adjacency: Sparse, x: Tensor) -> Tensor:
        """Return ``(n, width)`` for a square adjacency."""
        lengths = adjacency.lengths or [adjacency.shape[0]]
        near = normalised(self.norms[0], x + self._drop(self.near(adjacency, x)))
        far = normalised(self.norms[1], x + self._drop(self._attend(x, lengths)))
        h = near + far
        return normalised(self.norms[2], h + self._drop(self.narrow(self._drop(torch.relu(self.wide(h))))))


class GPS(nn.Module):
    """A linear map, the layers, and a linear head where answers are asked for."""

    def __init__(
        self,
        n_in: int,
        hidden: int,
        n_out: int | None,
        layers: int,
        heads: int,
        dropout: float,
        norm: type[nn.Module],
    ) -> None:
        super().__init__()
        self.first, self.bias = Linear(n_in, hidden, dropout), nn.Parameter(torch.zeros(hidden))
        self.layers = nn.ModuleList(GPSLayer(hidden, heads, dropout, norm) for _ in range(layers))
        self.head = None if n_out is None else nn.Linear(hidden, n_out)
        self.out_width = hidden if n_out is None else n_out

    def forward(self, adjacencies: Sequence[Sparse], x: Tensor | Sparse) -> Tensor:
        """Return ``(n, out_width)`` for one square adjacency."""
        h = self.first(x) + self.bias
        for layer in self.layers:
            h = layer(adjacencies[0], h)
        return h if self.head is None else self.head(h)
