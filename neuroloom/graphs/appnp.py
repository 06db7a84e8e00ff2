"""APPNP: Gasteiger, Bojchevski and Günnemann 2019, Predict then Propagate: Graph Neural Networks meet Personalized
PageRank.
"""

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
class APPNP(GraphNetwork):
    """A dense net whose answers are spread over the graph by personalised PageRank (APPNP).

    ``H = MLP(X)``, ``Z ← (1 − α) Â Z + α H``, ``steps`` times (eq. 4), with ``Â = D^-½ (A + I) D^-½``. Edge weights
    count.

    Args:
        hidden: width of the hidden layers, at least 1.
        layers: layers of the dense net, at least 1.
        dropout: share of a layer's inputs, and of the entries of Â at each step, dropped in training, in [0, 1).
        steps: steps of propagation K, at least 1.
        teleport: α, in (0, 1].
        weight_decay: L2 factor on the first layer's weights, at least 0.

    Raises:
        InputError: a parameter is out of range; an edge weight is negative; a graph's features differ in width.

    Differences: directed edges count in both directions.

    Source: Gasteiger, Bojchevski and Günnemann 2019, Predict then Propagate: Graph Neural Networks meet Personalized
    PageRank.
    """

    hidden: int = 64
    layers: int = 2
    dropout: float = 0.5
    steps: int = 10
    teleport: float = 0.1
    _: KW_ONLY
    weight_decay: float = 5e-3

    def _encoder(self, n_in: int, n_out: int | None) -> torch.nn.Module:
        from neuroloom.graphs._layers.appnp import APPNP as Network

        hidden = check_int("hidden", self.hidden)
        return Network(
            n_in,
            hidden,
            hidden if n_out is None else n_out,
            check_int("layers", self.layers),
            check_float("dropout", self.dropout, 0, 1, open_high=True),
            check_int("steps", self.steps),
            check_float("teleport", self.teleport, 0, 1, open_low=True),
        )

    def _adjacency(self, graph: Graph) -> Any:
        return normalised_adjacency(graph)

    def _decay_scale(self, names: list[str]) -> dict[str, float] | None:
        return {name: float(name.endswith("linear.0.weight")) for name in names}


@dataclass(eq=False, repr=False)
class APPNPNodeClassifier(NodeClassifier, APPNP):
    """Node classifier by :class:`APPNP`."""


@dataclass(eq=False, repr=False)
class APPNPNodeRegressor(NodeRegressor, APPNP):
    """Node regressor by :class:`APPNP`."""
