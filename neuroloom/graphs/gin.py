"""GIN: Xu, Hu, Leskovec and Jegelka 2019, How Powerful are Graph Neural Networks?"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

from neuroloom.core.checks import check_int
from neuroloom.core.graph import Graph
from neuroloom.graphs.adjacency import summed_adjacency
from neuroloom.graphs.graph_roles import GraphClassifier, GraphRegressor
from neuroloom.graphs.link_roles import LinkClassifier
from neuroloom.graphs.node_roles import NodeClassifier, NodeRegressor
from neuroloom.graphs.stacked import StackedNetwork

if TYPE_CHECKING:
    import torch


@dataclass(eq=False, repr=False)
class GIN(StackedNetwork):
    """Graph isomorphism network (GIN): as telling as the Weisfeiler-Lehman test.

    ``h'_i = ReLU(BN(MLP((1 + ε) h_i + Σ_j a_ij h_j)))`` (eq. 4.1), the MLP of two layers with batch normalisation
    between; sums, unlike means, tell how many neighbours there are.

    Args:
        hidden: width of the layers, at least 1.
        layers: number of layers, at least 1.
        dropout: share of a layer's inputs dropped in training, in [0, 1).
        learn_eps: whether ε is learned (GIN-ε) or 0 (GIN-0).

    Raises:
        InputError: a parameter is out of range; an edge weight is negative; a graph's features differ in width.

    Differences: a dense head gives a node's answers; the paper has whole graphs only. Directed edges count in both
    directions, self-loops do not count.

    Source: Xu, Hu, Leskovec and Jegelka 2019, How Powerful are Graph Neural Networks?
    """

    hidden: int = 64
    layers: int = 2
    dropout: float = 0.5
    learn_eps: bool = True
    _: KW_ONLY
    epochs: int = 300
    norm: str = "batch"

    def _encoder(self, n_in: int, n_out: int | None) -> torch.nn.Module:
        import torch

        from neuroloom.graphs._layers.gin import GINLayer

        hidden, dropout, learn = (
            check_int("hidden", self.hidden),
            self._share("dropout"),
            bool(self.learn_eps),
        )

        def layer(width: int, final: bool) -> torch.nn.Module:
            return GINLayer(width, n_out if final and n_out is not None else hidden, dropout, learn)

        return self._stack(layer, n_in, hidden, n_out, torch.relu)

    def _adjacency(self, graph: Graph) -> Any:
        return summed_adjacency(graph)

    def _parts_are_exact(self) -> bool:
        return False  # its MLPs normalise over batches whatever ``norm`` is


@dataclass(eq=False, repr=False)
class GINNodeClassifier(NodeClassifier, GIN):
    """Node classifier by a graph isomorphism network (:class:`GIN`)."""


@dataclass(eq=False, repr=False)
class GINNodeRegressor(NodeRegressor, GIN):
    """Node regressor by a graph isomorphism network (:class:`GIN`)."""


@dataclass(eq=False, repr=False)
class GINGraphClassifier(GraphClassifier, GIN):
    """Classifier of whole graphs by a graph isomorphism network (:class:`GIN`)."""

    jumping: str = "cat"
    pooling: str = "sum"


@dataclass(eq=False, repr=False)
class GINGraphRegressor(GraphRegressor, GIN):
    """Regressor of whole graphs by a graph isomorphism network (:class:`GIN`)."""

    jumping: str = "cat"
    pooling: str = "sum"


@dataclass(eq=False, repr=False)
class GINLinkClassifier(LinkClassifier, GIN):
    """Classifier of pairs of nodes by a graph isomorphism network (:class:`GIN`)."""
