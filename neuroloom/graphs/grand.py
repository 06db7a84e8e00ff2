"""GRAND: Feng, Zhang, Dong, Han, Luan, Xu, Yang, Kharlamov and Tang 2020, Graph Random Neural Networks for
Semi-Supervised Learning on Graphs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

from neuroloom.core.checks import check_float, check_int
from neuroloom.core.graph import Graph
from neuroloom.graphs.adjacency import normalised_adjacency
from neuroloom.graphs.network import GraphNetwork
from neuroloom.graphs.node_roles import NodeClassifier

if TYPE_CHECKING:
    import torch


@dataclass(eq=False, repr=False)
class GRAND(GraphNetwork):
    """Graph random network (GRAND): features spread with whole nodes left out at random, and answers that must agree.

    ``MLP(1 / (K + 1) Σ_k Âᵏ X̃)``, X̃ without a random share of the nodes. Each step makes several such passes;
    beside the loss on the labelled nodes it counts how far all nodes' answers are from the passes' sharpened mean
    (algorithm 2). Strong where few nodes are labelled and neighbours tend to be alike.

    Args:
        hidden: width of the hidden layer, at least 1.
        steps: K, at least 1.
        passes: passes S in a step, at least 1.
        drop_node: share of the nodes left out in a pass, in [0, 1).
        dropout: share of the features dropped in training, in [0, 1).
        hidden_dropout: share of the hidden units dropped in training, in [0, 1).
        consistency: weight λ of the disagreement, at least 0.
        temperature: T of the sharpening, in (0, 1].

    Raises:
        InputError: a parameter is out of range; an edge weight is negative; a graph's features differ in width.

    Differences: features are dropped before they are spread instead of after. Directed edges count in both directions.

    Source: Feng et al. 2020, Graph Random Neural Networks for Semi-Supervised Learning on Graphs.
    """

    hidden: int = 64
    steps: int = 8
    passes: int = 4
    drop_node: float = 0.5
    dropout: float = 0.5
    hidden_dropout: float = 0.5
    consistency: float = 1.0
    temperature: float = 0.5
    _: KW_ONLY
    patience: int = 200

    def _encoder(self, n_in: int, n_out: int | None) -> torch.nn.Module:
        from neuroloom.graphs._layers.grand import GRAND as Network

        shares = [
            check_float(name, getattr(self, name), 0, 1, open_high=True)
            for name in ("drop_node", "dropout", "hidden_dropout")
        ]
        hidden = check_int("hidden", self.hidden)
        return Network(
            n_in, hidden, hidden if n_out is None else n_out, check_int("steps", self.steps), *shares
        )

    def _adjacency(self, graph: Graph) -> Any:
        return normalised_adjacency(graph)

    def _agreement(self) -> tuple[int, Callable[[Any], torch.Tensor]] | None:
        from neuroloom.graphs._layers.grand import disagreement

        passes = check_int("passes", self.passes)
        weight = check_float("consistency", self.consistency, 0)
        temperature = check_float("temperature", self.temperature, 0, 1, open_low=True)
        return passes, lambda outputs: weight * disagreement(outputs, temperature)


@dataclass(eq=False, repr=False)
class GRANDNodeClassifier(NodeClassifier, GRAND):
    """Node classifier by a graph random network (:class:`GRAND`)."""
