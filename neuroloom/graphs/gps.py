"""GPS: Rampášek, Galkin, Dwivedi, Luu, Wolf and Beaini 2022, Recipe for a General, Powerful, Scalable Graph
Transformer.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.core.graph import Graph
from neuroloom.graphs.adjacency import summed_adjacency
from neuroloom.graphs.graph_roles import GraphClassifier, GraphRegressor
from neuroloom.graphs.network import GraphNetwork
from neuroloom.graphs.node_roles import NodeClassifier, NodeRegressor

if TYPE_CHECKING:
    import torch


@dataclass(eq=False, repr=False)
class GPS(GraphNetwork):
    """A graph transformer (GPS): messages along the edges beside attention between all nodes of a graph.

    Each layer adds a GIN layer's output, that of multi-head attention and the input, each normalised, and a small dense
    net follows (eqs. 2 to 6). Attention is exact: its time grows with the square of the number of nodes of a graph.

    Args:
        hidden: width of the layers, a multiple of ``heads``.
        heads: heads of attention, at least 1.
        layers: number of layers, at least 1.
        dropout: share dropped in training before each skip is added, in [0, 1).
        norm: ``"layer"`` or ``"batch"``, after each skip.
        encoding: what tells where a node lies; ``"random-walk"`` by default, see :class:`GraphNetwork`.

    Raises:
        InputError: a parameter is out of range; an edge weight is negative; a graph's features differ in width.

    Differences: layer normalisation by default. Directed edges count in both directions, edge features do not exist.

    Source: Rampášek, Galkin, Dwivedi, Luu, Wolf and Beaini 2022, Recipe for a General, Powerful, Scalable Graph
    Transformer.
    """

    hidden: int = 64
    heads: int = 4
    layers: int = 2
    dropout: float = 0.5
    norm: str = "layer"
    _: KW_ONLY
    epochs: int = 200
    learning_rate: float = 0.001
    encoding: str = "random-walk"

    def _encoder(self, n_in: int, n_out: int | None) -> torch.nn.Module:
        from neuroloom.graphs._layers.gps import GPS as Network
        from neuroloom.graphs._layers.stack import NORMS

        hidden, heads = check_int("hidden", self.hidden), check_int("heads", self.heads)
        if hidden % heads:
            raise InputError(f"`hidden` must be a multiple of `heads`, but {hidden} is none of {heads}.")
        return Network(
            n_in,
            hidden,
            n_out,
            check_int("layers", self.layers),
            heads,
            check_float("dropout", self.dropout, 0, 1, open_high=True),
            NORMS[check_choice("norm", self.norm, tuple(NORMS))],
        )

    def _adjacency(self, graph: Graph) -> Any:
        return summed_adjacency(graph)


@dataclass(eq=False, repr=False)
class GPSNodeClassifier(NodeClassifier, GPS):
    """Node classifier by a graph transformer (:class:`GPS`)."""


@dataclass(eq=False, repr=False)
class GPSNodeRegressor(NodeRegressor, GPS):
    """Node regressor by a graph transformer (:class:`GPS`)."""


@dataclass(eq=False, repr=False)
class GPSGraphClassifier(GraphClassifier, GPS):
    """Classifier of whole graphs by a graph transformer (:class:`GPS`)."""


@dataclass(eq=False, repr=False)
class GPSGraphRegressor(GraphRegressor, GPS):
    """Regressor of whole graphs by a graph transformer (:class:`GPS`)."""
