"""GCNII: Chen, Wei, Huang, Ding and Li 2020, Simple and Deep Graph Convolutional Networks."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

from neuroloom.core.checks import check_float, check_int
from neuroloom.core.graph import Graph
from neuroloom.graphs.adjacency import normalised_adjacency
from neuroloom.graphs.network import GraphNetwork
from neuroloom.graphs.node_roles import NodeClassifier, NodeRegressor

if TYPE_CHECKING:
    import torch


@dataclass(eq=False, repr=False)
class GCNII(GraphNetwork):
    """A deep graph convolutional network (GCNII): each layer keeps a share of the first one and most of the identity.

    ``H ← ReLU(((1 − α) Â H + α H⁰)((1 − β_l) I + β_l W_l))``, ``β_l = log(λ / l + 1)`` (eq. 5), between two linear
    maps.

    Args:
        hidden: width of the layers, at least 1.
        layers: number of convolutions, at least 1; the paper's best on Cora has 64.
        dropout: share of a layer's inputs dropped in training, in [0, 1).
        alpha: share α of the first layer's output in each, in [0, 1].
        lam: λ, above 0.
        weight_decay: L2 factor on the linear maps, at least 0; on the convolutions' weights it is 20 times as much,
            as in the paper (0.01 and 5e-4).

    Raises:
        InputError: a parameter is out of range; an edge weight is negative; a graph's features differ in width.

    Differences: 16 layers by default, a quarter of the time. Directed edges count in both directions.

    Source: Chen, Wei, Huang, Ding and Li 2020, Simple and Deep Graph Convolutional Networks.
    """

    hidden: int = 64
    layers: int = 16
    dropout: float = 0.6
    alpha: float = 0.1
    lam: float = 0.5
    _: KW_ONLY

    def _encoder(self, n_in: int, n_out: int | None) -> torch.nn.Module:
        from neuroloom.graphs._layers.gcnii import GCNII as Network

        return Network(
            n_in,
            check_int("hidden", self.hidden),
            n_out,
            check_int("layers", self.layers),
            check_float("dropout", self.dropout, 0, 1, open_high=True),
            check_float("alpha", self.alpha, 0, 1),
            check_float("lam", self.lam, 0, open_low=True),
        )

    def _adjacency(self, graph: Graph) -> Any:
        return normalised_adjacency(graph)

    def _decay_scale(self, names: list[str]) -> dict[str, float] | None:
        return {name: 20.0 if "weights." in name else 1.0 for name in names}


@dataclass(eq=False, repr=False)
class GCNIINodeClassifier(NodeClassifier, GCNII):
    """Node classifier by a deep graph convolutional network (:class:`GCNII`)."""


@dataclass(eq=False, repr=False)
class GCNIINodeRegressor(NodeRegressor, GCNII):
    """Node regressor by a deep graph convolutional network (:class:`GCNII`)."""
