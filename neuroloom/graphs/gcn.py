"""GCN: Kipf and Welling 2017, Semi-Supervised Classification with Graph Convolutional Networks."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

from neuroloom.core.checks import check_int
from neuroloom.core.graph import Graph
from neuroloom.graphs.adjacency import normalised_adjacency
from neuroloom.graphs.graph_roles import GraphClassifier, GraphRegressor
from neuroloom.graphs.link_roles import LinkClassifier
from neuroloom.graphs.node_roles import NodeClassifier, NodeRegressor
from neuroloom.graphs.stacked import StackedNetwork

if TYPE_CHECKING:
    import torch


@dataclass(eq=False, repr=False)
class GCN(StackedNetwork):
    """Graph convolutional network (GCN).

    ``H ← ReLU(Â dropout(H) W + b)`` with ``Â = D^-½ (A + I) D^-½`` (eqs. 2 and 9). Edge weights count. It learns from
    structure and features of all nodes and from the answers of the training nodes; predicting on another graph with
    like features needs no new fit.

    Args:
        hidden: width of the hidden layers, at least 1.
        layers: number of layers, at least 1.
        dropout: share of a layer's inputs dropped in training, in [0, 1).
        weight_decay: L2 factor on the first layer's weights (eq. 9's experiments), at least 0.

    Attributes:
        weights_: name → array. features_: which features were used. history_: for each epoch ``step``, ``seconds``,
        ``loss`` and, with validation samples, ``score``.

    Raises:
        InputError: a parameter is out of range; an edge weight is negative; a graph's features differ in width.

    Differences: 64 hidden units instead of 16; the best epoch is chosen by the score on the validation nodes, for
    classes the accuracy, ties by loss; the patience is 100 epochs. Directed edges count in both directions.

    Source: Kipf and Welling 2017, Semi-Supervised Classification with Graph Convolutional Networks.
    """

    hidden: int = 64
    layers: int = 2
    dropout: float = 0.5
    _: KW_ONLY
    epochs: int = 300

    def _encoder(self, n_in: int, n_out: int | None) -> torch.nn.Module:
        import torch

        from neuroloom.graphs._layers.gcn import GCNLayer

        hidden, dropout = check_int("hidden", self.hidden), self._share("dropout")

        def layer(width: int, final: bool) -> torch.nn.Module:
            return GCNLayer(width, n_out if final and n_out is not None else hidden, dropout)

        return self._stack(layer, n_in, hidden, n_out, torch.relu)

    def _adjacency(self, graph: Graph) -> Any:
        return normalised_adjacency(graph, loops=self._loops())

    def _decay_scale(self, names: list[str]) -> dict[str, float] | None:
        return {name: float(name.endswith("layers.0.linear.weight")) for name in names}


@dataclass(eq=False, repr=False)
class GCNNodeClassifier(NodeClassifier, GCN):
    """Node classifier by a graph convolutional network (:class:`GCN`)."""


@dataclass(eq=False, repr=False)
class GCNNodeRegressor(NodeRegressor, GCN):
    """Node regressor by a graph convolutional network (:class:`GCN`)."""


@dataclass(eq=False, repr=False)
class GCNGraphClassifier(GraphClassifier, GCN):
    """Classifier of whole graphs by a graph convolutional network (:class:`GCN`)."""

    norm: str = "batch"


@dataclass(eq=False, repr=False)
class GCNGraphRegressor(GraphRegressor, GCN):
    """Regressor of whole graphs by a graph convolutional network (:class:`GCN`)."""

    norm: str = "batch"


@dataclass(eq=False, repr=False)
class GCNLinkClassifier(LinkClassifier, GCN):
    """Classifier of pairs of nodes by a graph convolutional network (:class:`GCN`)."""
