"""GAT: Veličković, Cucurull, Casanova, Romero, Liò and Bengio 2018, Graph Attention Networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neuroloom.core.checks import check_float, check_int
from neuroloom.core.graph import Graph
from neuroloom.graphs.node_classifier import NodeNetworkClassifier

if TYPE_CHECKING:
    import torch


class GATNodeClassifier(NodeNetworkClassifier):
    """Node classifier that attends over neighbours (GAT).

    ``h'_i = ELU(Σ_j α_ij W h_j + b)``, ``α_ij = softmax_j LeakyReLU(a·W h_i + c·W h_j)`` over i and its neighbours,
    several heads side by side (eqs. 1 to 6). One fused kernel goes over the edges forward and one backward; the
    features are multiplied as sparse rows. It learns from structure and features of all nodes and from the labels of
    the training nodes; predicting on another graph with like features needs no new fit.

    Args:
        hidden: width of one head in a hidden layer, at least 1.
        heads: heads of a hidden layer, concatenated, at least 1.
        output_heads: heads of the last layer, averaged, at least 1.
        layers: number of layers, at least 1.
        dropout: share of a layer's inputs dropped in training, in [0, 1).
        attention_dropout: share of the attention coefficients dropped in training, in [0, 1).
        epochs: most passes over the graph, at least 1.
        patience: stop after so many epochs without a better score on the validation nodes, at least 1; with fewer
            than 50 labelled nodes and no ``eval_set``, twice as many epochs are done and none is chosen.
        learning_rate: of Adam, above 0.
        weight_decay: L2 factor on all parameters, at least 0.
        validation_fraction: share of the training nodes held out when there is no ``eval_set``, in (0, 1).
        features: ``"graph"`` the graph's own; ``"prone"`` a 64-dimensional ProNE embedding (other graphs cannot be
            predicted then); ``"degree"`` one-hot degree; ``"auto"`` the graph's own or else ``"prone"``.
        normalize: ``"row"`` divides a node's features by the sum of their sizes, ``"standard"`` gives each feature
            mean 0 and spread 1, ``"none"`` leaves them.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``, …
        random_state: int, generator or None.

    Attributes:
        classes_: the labels. weights_: name → array. features_: which features were used.
        history_: for each epoch ``step``, ``seconds``, ``loss`` and, with validation nodes, ``score``.

    Raises:
        InputError: a parameter is out of range; a graph's features differ in width.

    Differences: the best epoch is chosen by accuracy on the validation nodes, ties by loss. Edge weights are not used;
    directed edges count in both directions.

    Source: Veličković, Cucurull, Casanova, Romero, Liò and Bengio 2018, Graph Attention Networks.
    """

    def __init__(
        self,
        hidden: int = 8,
        heads: int = 8,
        output_heads: int = 1,
        layers: int = 2,
        dropout: float = 0.6,
        attention_dropout: float = 0.6,
        *,
        epochs: int = 1000,
        patience: int = 100,
        learning_rate: float = 0.005,
        weight_decay: float = 5e-4,
        validation_fraction: float = 0.2,
        features: str = "auto",
        normalize: str = "row",
        device: str = "auto",
        random_state: Any = None,
    ) -> None:
        self.hidden = hidden
        self.heads = heads
        self.output_heads = output_heads
        self.layers = layers
        self.dropout = dropout
        self.attention_dropout = attention_dropout
        self.epochs = epochs
        self.patience = patience
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.validation_fraction = validation_fraction
        self.features = features
        self.normalize = normalize
        self.device = device
        self.random_state = random_state

    def _network(self, n_features: int, n_classes: int) -> torch.nn.Module:
        from neuroloom.graphs._layers import GAT

        sizes = [
            check_int(name, getattr(self, name)) for name in ("hidden", "layers", "heads", "output_heads")
        ]
        hidden, layers, heads, output_heads = sizes
        dropout = check_float("dropout", self.dropout, 0, 1, open_high=True)
        attention_dropout = check_float("attention_dropout", self.attention_dropout, 0, 1, open_high=True)
        return GAT(n_features, hidden, n_classes, layers, heads, output_heads, dropout, attention_dropout)

    def _adjacency(self, graph: Graph) -> Any:
        import scipy.sparse

        looped = abs(graph.to_scipy()) + scipy.sparse.eye_array(graph.n_nodes, format="csr")
        looped.data = np.ones_like(looped.data)
        return looped
