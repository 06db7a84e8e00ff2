"""GraphSAGE: Hamilton, Ying and Leskovec 2017, Inductive Representation Learning on Large Graphs."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

from neuroloom.core.checks import check_choice, check_int
from neuroloom.core.graph import Graph
from neuroloom.graphs.adjacency import mean_adjacency
from neuroloom.graphs.graph_roles import GraphClassifier, GraphRegressor
from neuroloom.graphs.link_roles import LinkClassifier
from neuroloom.graphs.node_roles import NodeClassifier, NodeRegressor
from neuroloom.graphs.stacked import StackedNetwork

if TYPE_CHECKING:
    import torch


@dataclass(eq=False, repr=False)
class GraphSAGE(StackedNetwork):
    """GraphSAGE: a node beside what its neighbours have in common.

    ``h'_i = ReLU(W_self h_i + W_near aggregate_j h_j + b)`` over the neighbours j of i (algorithm 1), the aggregate
    being their mean, by weight, or the maximum of ``ReLU(W_pool h_j + b_pool)`` (eq. 3). With ``batch_size`` it
    learns from a few neighbours drawn for each node, on graphs of any size; predicting on another graph needs no new
    fit.

    Args:
        hidden: width of the hidden layers, at least 1.
        layers: number of layers, at least 1.
        dropout: share of a layer's inputs dropped in training, in [0, 1).
        aggregate: ``"mean"`` or ``"max"``.

    Raises:
        InputError: a parameter is out of range; an edge weight is negative; a graph's features differ in width.

    Differences: the two maps are added instead of concatenated before one more map, which is the same; vectors are not
    scaled to length 1; the unsupervised loss is not here. Directed edges count in both directions.

    Source: Hamilton, Ying and Leskovec 2017, Inductive Representation Learning on Large Graphs.
    """

    hidden: int = 64
    layers: int = 2
    dropout: float = 0.5
    aggregate: str = "mean"
    _: KW_ONLY
    epochs: int = 300

    def _encoder(self, n_in: int, n_out: int | None) -> torch.nn.Module:
        import torch

        from neuroloom.graphs._layers.graphsage import SAGELayer

        hidden, dropout = check_int("hidden", self.hidden), self._share("dropout")
        aggregate = check_choice("aggregate", self.aggregate, ("mean", "max"))

        def layer(width: int, final: bool) -> torch.nn.Module:
            return SAGELayer(width, n_out if final and n_out is not None else hidden, dropout, aggregate)

        return self._stack(layer, n_in, hidden, n_out, torch.relu)

    def _adjacency(self, graph: Graph) -> Any:
        return mean_adjacency(graph.without_self_loops())


@dataclass(eq=False, repr=False)
class GraphSAGENodeClassifier(NodeClassifier, GraphSAGE):
    """Node classifier by :class:`GraphSAGE`."""


@dataclass(eq=False, repr=False)
class GraphSAGENodeRegressor(NodeRegressor, GraphSAGE):
    """Node regressor by :class:`GraphSAGE`."""


@dataclass(eq=False, repr=False)
class GraphSAGEGraphClassifier(GraphClassifier, GraphSAGE):
    """Classifier of whole graphs by :class:`GraphSAGE`."""

    norm: str = "batch"


@dataclass(eq=False, repr=False)
class GraphSAGEGraphRegressor(GraphRegressor, GraphSAGE):
    """Regressor of whole graphs by :class:`GraphSAGE`."""

    norm: str = "batch"


@dataclass(eq=False, repr=False)
class GraphSAGELinkClassifier(LinkClassifier, GraphSAGE):
    """Classifier of pairs of nodes by :class:`GraphSAGE`."""
