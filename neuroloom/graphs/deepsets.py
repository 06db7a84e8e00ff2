"""Deep sets: Zaheer, Kottur, Ravanbakhsh, Póczos, Salakhutdinov and Smola 2017, Deep Sets."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

from neuroloom.core.checks import check_float, check_int
from neuroloom.core.graph import Graph
from neuroloom.graphs.graph_roles import GraphClassifier, GraphRegressor
from neuroloom.graphs.network import GraphNetwork

if TYPE_CHECKING:
    import torch


@dataclass(eq=False, repr=False)
class DeepSets(GraphNetwork):
    """A graph as the set of its nodes, without its edges: the baseline that graph networks must beat.

    Each node's features go through a dense net, the vectors are pooled, and another dense net answers (theorem 2). On
    several sets of whole graphs no graph network of its time was better (Errica et al. 2020).

    Args:
        hidden: width of the layers, at least 1.
        layers: layers of the nodes' net, at least 1.
        dropout: share of a layer's inputs dropped in training, in [0, 1).

    Raises:
        InputError: a parameter is out of range; graphs differ in the width of their features.

    Differences: where graphs have no features, ``features="auto"`` takes the degree, which is structure; pass
        features of
    your own to leave that out, too.

    Source: Zaheer, Kottur, Ravanbakhsh, Póczos, Salakhutdinov and Smola 2017, Deep Sets; as a baseline Errica, Podda,
    Bacciu and Micheli 2020, A Fair Comparison of Graph Neural Networks for Graph Classification.
    """

    hidden: int = 32
    layers: int = 2
    dropout: float = 0.0
    _: KW_ONLY

    def _encoder(self, n_in: int, n_out: int | None) -> torch.nn.Module:
        from neuroloom.graphs._layers.deepsets import NodeNet

        return NodeNet(
            n_in,
            check_int("hidden", self.hidden),
            check_int("layers", self.layers),
            check_float("dropout", self.dropout, 0, 1, open_high=True),
        )

    def _adjacency(self, graph: Graph) -> Any:
        import scipy.sparse

        return scipy.sparse.csr_array((graph.n_nodes, graph.n_nodes))


@dataclass(eq=False, repr=False)
class DeepSetsGraphClassifier(GraphClassifier, DeepSets):
    """Classifier of whole graphs by the set of their nodes (:class:`DeepSets`)."""

    pooling: str = "sum"


@dataclass(eq=False, repr=False)
class DeepSetsGraphRegressor(GraphRegressor, DeepSets):
    """Regressor of whole graphs by the set of their nodes (:class:`DeepSets`)."""

    pooling: str = "sum"
