"""GCN: Kipf and Welling 2017, Semi-Supervised Classification with Graph Convolutional Networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neuroloom.core.checks import check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.core.graph import Graph
from neuroloom.graphs.node_classifier import NodeNetworkClassifier

if TYPE_CHECKING:
    import torch


class GCNNodeClassifier(NodeNetworkClassifier):
    """Node classifier from graph convolutions over the whole graph (GCN).

    ``H' = ReLU(Â H W + b)`` with ``Â = D^-½ (A + I) D^-½`` (eqs. 2 and 9); the last layer gives the logits. The
    features are multiplied as sparse rows and Â is built once. It learns from structure and features of all nodes and
    from the labels of the training nodes; predicting on another graph with like features needs no new fit.

    Args:
        hidden: width of a hidden layer, at least 1.
        layers: number of layers, at least 1.
        dropout: share of a layer's inputs dropped in training, in [0, 1).
        epochs: most passes over the graph, at least 1.
        patience: stop after so many epochs without a better score on the validation nodes, at least 1; with fewer
            than 50 labelled nodes and no ``eval_set``, twice as many epochs are done and none is chosen.
        learning_rate: of Adam, above 0.
        weight_decay: L2 factor on the first layer's weights, at least 0.
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
        InputError: a parameter is out of range; a weight is negative; a graph's features differ in width.

    Differences: 64 hidden units (the paper: 16); the best epoch is chosen by accuracy on the validation nodes, ties by
    loss (the paper: stops on the loss within 10 epochs). Directed edges count in both directions.

    Source: Kipf and Welling 2017, Semi-Supervised Classification with Graph Convolutional Networks.
    """

    def __init__(
        self,
        hidden: int = 64,
        layers: int = 2,
        dropout: float = 0.5,
        *,
        epochs: int = 300,
        patience: int = 100,
        learning_rate: float = 0.01,
        weight_decay: float = 5e-4,
        validation_fraction: float = 0.2,
        features: str = "auto",
        normalize: str = "row",
        device: str = "auto",
        random_state: Any = None,
    ) -> None:
        self.hidden = hidden
        self.layers = layers
        self.dropout = dropout
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
        from neuroloom.graphs._layers import GCN

        hidden, layers = check_int("hidden", self.hidden), check_int("layers", self.layers)
        dropout = check_float("dropout", self.dropout, 0, 1, open_high=True)
        return GCN([n_features, *[hidden] * (layers - 1), n_classes], dropout)

    def _decay_scale(self) -> dict[str, float]:
        names = [
            f"{kind}.{i}{end}"
            for i in range(self.layers)
            for kind, end in (("linear", ".weight"), ("bias", ""))
        ]
        return {name: float(name == "linear.0.weight") for name in names}

    def _adjacency(self, graph: Graph) -> Any:
        return normalised_adjacency(graph)


def normalised_adjacency(graph: Graph) -> Any:
    """Return ``D^-½ (A + I) D^-½`` (eq. 2's renormalisation trick) as SciPy CSR.

    Raises:
        InputError: an edge weight is negative.
    """
    if len(graph.weights) and graph.weights.min() < 0:
        raise InputError(
            "a graph convolution needs edge weights of at least 0; drop or shift the negative ones."
        )
    import scipy.sparse

    looped = graph.to_scipy() + scipy.sparse.eye_array(graph.n_nodes, format="csr")
    scale = scipy.sparse.dia_array((1 / np.sqrt(looped.sum(axis=1))[None], [0]), shape=looped.shape)
    return (scale @ looped @ scale).tocsr()
