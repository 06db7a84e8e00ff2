"""GATv2: Brody, Alon and Yahav 2022, How Attentive are Graph Attention Networks?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from neuroloom.graphs.gat import GAT
from neuroloom.graphs.graph_roles import GraphClassifier, GraphRegressor
from neuroloom.graphs.link_roles import LinkClassifier
from neuroloom.graphs.node_roles import NodeClassifier, NodeRegressor


@dataclass(eq=False, repr=False)
class GATv2(GAT):
    """Graph attention network with dynamic attention (GATv2).

    ``α_ij = softmax_j a · LeakyReLU(W_l h_i + W_r h_j)`` (eq. 7) and ``h'_i = ELU(Σ_j α_ij W_r h_j + b)``, otherwise as
    :class:`~neuroloom.graphs.gat.GAT`: which neighbour counts most may differ from node to node, where in GAT all nodes
    rank their neighbours alike. One fused kernel goes over the edges forward and one backward.

    Raises:
        InputError: a parameter is out of range; an edge weight is negative; a graph's features differ in width.

    Source: Brody, Alon and Yahav 2022, How Attentive are Graph Attention Networks?
    """

    def _layer(self) -> Any:
        from neuroloom.graphs._layers.gatv2 import GATv2Layer

        return GATv2Layer


@dataclass(eq=False, repr=False)
class GATv2NodeClassifier(NodeClassifier, GATv2):
    """Node classifier by a graph attention network with dynamic attention (:class:`GATv2`)."""


@dataclass(eq=False, repr=False)
class GATv2NodeRegressor(NodeRegressor, GATv2):
    """Node regressor by a graph attention network with dynamic attention (:class:`GATv2`)."""


@dataclass(eq=False, repr=False)
class GATv2GraphClassifier(GraphClassifier, GATv2):
    """Classifier of whole graphs by a graph attention network with dynamic attention (:class:`GATv2`)."""

    norm: str = "batch"
    hidden: int = 8
    heads: int = 4
    attention_dropout: float = 0.0


@dataclass(eq=False, repr=False)
class GATv2GraphRegressor(GraphRegressor, GATv2):
    """Regressor of whole graphs by a graph attention network with dynamic attention (:class:`GATv2`)."""

    norm: str = "batch"
    hidden: int = 8
    heads: int = 4
    attention_dropout: float = 0.0


@dataclass(eq=False, repr=False)
class GATv2LinkClassifier(LinkClassifier, GATv2):
    """Classifier of pairs of nodes by a graph attention network with dynamic attention (:class:`GATv2`)."""

    hidden: int = 8
    attention_dropout: float = 0.2
