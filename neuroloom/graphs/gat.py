"""GAT: Veličković, Cucurull, Casanova, Romero, Liò and Bengio 2018, Graph Attention Networks."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neuroloom.core.checks import check_int
from neuroloom.core.graph import Graph
from neuroloom.core.samples import NodeSet
from neuroloom.graphs.adjacency import attended_adjacency
from neuroloom.graphs.graph_roles import GraphClassifier, GraphRegressor
from neuroloom.graphs.link_roles import LinkClassifier
from neuroloom.graphs.node_roles import NodeClassifier, NodeRegressor
from neuroloom.graphs.stacked import StackedNetwork

if TYPE_CHECKING:
    import pandas as pd
    import torch


@dataclass(eq=False, repr=False)
class GAT(StackedNetwork):
    """Graph attention network (GAT).

    ``h'_i = ELU(Σ_j α_ij W h_j + b)``, ``α_ij = softmax_j LeakyReLU(a·W h_i + c·W h_j)`` over i and its neighbours,
    several heads side by side (eqs. 1 to 6). One fused kernel goes over the edges forward and one backward; the
    features are multiplied as sparse rows. It learns from structure and features of all nodes and from the answers of
    the training nodes; predicting on another graph with like features needs no new fit.

    Args:
        hidden: width of one head in a hidden layer, at least 1.
        heads: heads of a hidden layer, concatenated, at least 1.
        output_heads: heads of a last layer that gives the answers, averaged, at least 1.
        layers: number of layers, at least 1.
        dropout: share of a layer's inputs dropped in training, in [0, 1).
        attention_dropout: share of the attention coefficients dropped in training, in [0, 1).

    Attributes:
        weights_: name → array. features_: which features were used. history_: for each epoch ``step``, ``seconds``,
        ``loss`` and, with validation samples, ``score``.

    Raises:
        InputError: a parameter is out of range; an edge weight is negative; a graph's features differ in width.

    Differences: an edge's weight multiplies its coefficient before these are made to sum to 1; the epoch of the least
    loss on the validation nodes is kept, where the paper stops by loss and accuracy. Directed edges count in both
    directions.

    Source: Veličković, Cucurull, Casanova, Romero, Liò and Bengio 2018, Graph Attention Networks.
    """

    hidden: int = 8
    heads: int = 8
    output_heads: int = 1
    layers: int = 2
    dropout: float = 0.6
    attention_dropout: float = 0.6
    _: KW_ONLY
    learning_rate: float = 0.005
    monitor: str = "loss"

    def _layer(self) -> Any:
        """Return the class of the layers."""
        from neuroloom.graphs._layers.gat import GATLayer

        return GATLayer

    def _encoder(self, n_in: int, n_out: int | None) -> torch.nn.Module:
        from torch.nn.functional import elu

        hidden, heads = check_int("hidden", self.hidden), check_int("heads", self.heads)
        output_heads, made = check_int("output_heads", self.output_heads), self._layer()
        drops = self._share("dropout"), self._share("attention_dropout")

        def layer(width: int, final: bool) -> torch.nn.Module:
            if final:
                return made(width, n_out, output_heads, *drops, concat=False)
            return made(width, hidden, heads, *drops, concat=True)

        return self._stack(layer, n_in, hidden * heads, n_out, elu)

    def attention(self, X: NodeSet) -> pd.DataFrame:
        """Return what the fitted network's nodes attend to.

        Args:
            X: the nodes that attend, of the fitted graph or of another with like features.

        Returns:
            A row for each layer (from 1), head (from 1), node and neighbour, the node itself among them: columns
            ``layer``, ``head``, ``node``, ``neighbour`` (names, or ids where there are none) and ``coefficient`` in
            [0, 1]; the coefficients of a node sum to 1 in each head of each layer.
        """
        from neuroloom.graphs.attention_table import attention_table

        return attention_table(self, X)

    def attended(
        self, X: NodeSet, samples: int = 5, most: int = 6
    ) -> list[tuple[str, list[tuple[str, float]]]]:
        """Return of the first nodes of ``X`` which nodes they attend to most in the first layer, mean over its heads.

        Args:
            X: nodes, of the fitted graph or of another with like features.
            samples: of how many nodes, at most.
            most: how many neighbours of each, the node itself among them.
        """
        table = self.attention(X[np.arange(min(samples, len(X)))])
        first = table[table["layer"] == 1]
        mean = first.groupby(["node", "neighbour"], sort=False)["coefficient"].mean()
        found = []
        for node in first["node"].unique():
            own = mean[node].sort_values(ascending=False, kind="stable")[:most]
            found.append((str(node), [(str(name), float(value)) for name, value in own.items()]))
        return found

    def plot_attention(self, X: NodeSet, *, layer: int = 1, most: int = 24, ax: Any = None) -> Any:
        """Draw one node among those it attends to, and return matplotlib's axes.

        Args:
            X: one node: ``NodeSet(graph, [id])``.
            layer: which layer, from 1.
            most: so many neighbours are drawn, those of the largest coefficients.
            ax: axes to draw on; None makes a figure.

        Raises:
            InputError: there is not one node, or no such layer.
        """
        from neuroloom.graphs.attention_table import plot_attention

        return plot_attention(self, X, layer, most, ax)

    def _adjacency(self, graph: Graph) -> Any:
        return attended_adjacency(graph, loops=self._loops())


@dataclass(eq=False, repr=False)
class GATNodeClassifier(NodeClassifier, GAT):
    """Node classifier by a graph attention network (:class:`GAT`)."""


@dataclass(eq=False, repr=False)
class GATNodeRegressor(NodeRegressor, GAT):
    """Node regressor by a graph attention network (:class:`GAT`)."""


@dataclass(eq=False, repr=False)
class GATGraphClassifier(GraphClassifier, GAT):
    """Classifier of whole graphs by a graph attention network (:class:`GAT`)."""

    norm: str = "batch"
    hidden: int = 8
    heads: int = 4
    attention_dropout: float = 0.0


@dataclass(eq=False, repr=False)
class GATGraphRegressor(GraphRegressor, GAT):
    """Regressor of whole graphs by a graph attention network (:class:`GAT`)."""

    norm: str = "batch"
    hidden: int = 8
    heads: int = 4
    attention_dropout: float = 0.0


@dataclass(eq=False, repr=False)
class GATLinkClassifier(LinkClassifier, GAT):
    """Classifier of pairs of nodes by a graph attention network (:class:`GAT`)."""

    hidden: int = 8
    attention_dropout: float = 0.2
