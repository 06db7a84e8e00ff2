"""What all graph neural networks share, and how a model and a role make an estimator.

A *model* is a dataclass over :class:`GraphNetwork`, one a file (``gat.py``: :class:`~neuroloom.graphs.gat.GAT`): its
fields are the constructor's parameters, ``_encoder`` makes the torch module of ``_layers`` and ``_adjacency`` the
matrix that it reads. A *role* is a class without parents that says what is learned (``node_roles.py``,
``graph_roles.py``, ``link_roles.py``): fit, predict and their own fields. An estimator is both, ``class
GATNodeClassifier(NodeClassifier, GAT)``, decorated by ``@dataclass(eq=False, repr=False)`` so that its constructor,
which scikit-learn reads, has the fields of both; a field named again has another default. A new model is one file,
and with its line in the registry it has every role; a new role serves every model.
"""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.core.graph import Graph
from neuroloom.core.seeding import derive
from neuroloom.graphs.encodings import ENCODINGS, encoded

if TYPE_CHECKING:
    import torch

FEATURES = ("auto", "degree", "graph", "laplacian", "node2vec", "prone")
NORMALIZE = ("none", "row", "standard")
EMBEDDED = 64  # columns of an embedding that stands for missing features
DEGREES = 32  # columns of the one-hot degree; the last one takes all above
SPARSE_BELOW = 0.25  # share of non-zero features below which they are kept sparse


@dataclass(eq=False, repr=False, kw_only=True)
class GraphNetwork(BaseEstimator):  # type: ignore[misc]
    """Base of the models: how they are trained, what features they get, how their weights are kept.

    Args:
        epochs: most passes over the training samples, at least 1.
        patience: stop after so many epochs without a better score on the validation samples, at least 1; where too few
            are labelled to hold any out, twice as many epochs are done and none is chosen.
        learning_rate: of Adam, above 0.
        weight_decay: L2 factor, at least 0.
        validation_fraction: share of the training samples held out when there is no ``eval_set``, in (0, 1).
        monitor: what chooses the epoch on the validation samples: ``"score"``, for one label the accuracy, equals by
            the loss; or ``"loss"`` alone, which trains longer. For several labels and numbers both are the loss.
        features: ``"graph"`` the graph's own; ``"degree"`` one-hot degree; ``"laplacian"`` the first 64 eigenvectors of
            the normalised Laplacian; ``"prone"`` and ``"node2vec"`` 64-dimensional embeddings (nodes of other graphs
            cannot be predicted with these three); ``"auto"`` the graph's own or else, by the role, ``"prone"`` or
            ``"degree"``.
        encoding: what is put beside the features: ``"none"``; ``"random-walk"`` the chances to be back after 1 … 16
            steps; ``"degree"`` the logarithm of the degree.
        normalize: ``"row"`` divides a node's features by the sum of their sizes, ``"standard"`` gives each feature
            mean 0 and spread 1, ``"none"`` leaves them.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``, …
        random_state: int, generator or None.
    """

    epochs: int = 1000
    patience: int = 100
    learning_rate: float = 0.01
    weight_decay: float = 5e-4
    validation_fraction: float = 0.2
    monitor: str = "score"
    features: str = "auto"
    encoding: str = "none"
    normalize: str = "row"
    device: str = "auto"
    random_state: Any = None

    # -- what a model says ----------------------------------------------------------------------------------

    @abstractmethod
    def _encoder(self, n_in: int, n_out: int | None) -> torch.nn.Module:
        """Check the model's parameters and return it untrained: ``n_out`` answers a node, or vectors for None."""

    @abstractmethod
    def _adjacency(self, graph: Graph) -> Any:
        """Return the SciPy CSR matrix that the network multiplies with or attends over."""

    def _hops(self) -> int | None:
        """Return how many layers read the adjacency, each once; None where the network reads the whole graph."""
        return None

    def _decay_scale(self, names: list[str]) -> dict[str, float] | None:
        """Return factors on the weight decay by parameter name; None for all alike."""
        return None

    def _parts_are_exact(self) -> bool:
        """Return whether, in training too, a node's output hangs on its receptive field alone.

        It is not so where batch normalisation makes it hang on the nodes beside it.
        """
        return getattr(self, "norm", "none") != "batch"

    def _agreement(self) -> tuple[int, Callable[[Any], torch.Tensor]] | None:
        """Return how many passes a step makes, and a loss on all nodes' outputs ``(passes, n, answers)``; None for one
        pass and no such loss.
        """
        return None

    # -- parameters and features ----------------------------------------------------------------------------

    def _check_training(self) -> None:
        check_int("epochs", self.epochs)
        check_int("patience", self.patience)
        check_float("learning_rate", self.learning_rate, 0, open_low=True)
        check_float("weight_decay", self.weight_decay, 0)
        check_float("validation_fraction", self.validation_fraction, 0, 1, open_low=True, open_high=True)
        check_choice("monitor", self.monitor, ("score", "loss"))
        check_choice("features", self.features, FEATURES)
        check_choice("encoding", self.encoding, ENCODINGS)
        check_choice("normalize", self.normalize, NORMALIZE)

    def _learn_features(self, graph: Graph, seed: int, otherwise: str) -> None:
        """Settle what the features are; ``otherwise`` is taken where the graph has none and none were named."""
        chosen = self.features
        if chosen == "auto":
            chosen = otherwise if graph.features is None else "graph"
        if chosen == "graph" and graph.features is None:
            raise InputError("features='graph' needs a graph with node features; pass features='auto'.")
        self.features_ = chosen
        self.embedding_: Any = None
        if chosen in ("laplacian", "node2vec", "prone"):
            self.embedding_ = _embedding(chosen, derive(seed, chosen)).fit(graph)
        self.mean_: Any = None
        self.scale_: Any = None

    def _learn_scale(self, raw: NDArray[np.float32]) -> None:
        """Settle the width of the features ``raw (n, d)`` and, for standardised ones, their mean and spread."""
        self.n_features_in_ = int(raw.shape[1])
        if self.normalize == "standard":
            self.mean_ = raw.mean(axis=0)
            spread = raw.std(axis=0)
            self.scale_ = np.where(spread > 0, spread, 1).astype(np.float32)

    def _raw(self, graph: Graph) -> NDArray[np.float32]:
        """Return the features of all nodes as they are, with the encoding beside them."""
        if self.embedding_ is not None:
            rows: NDArray[np.float32] = np.asarray(self.embedding_.transform(graph), dtype=np.float32)
        elif self.features_ == "degree":
            rows = np.eye(DEGREES, dtype=np.float32)[np.minimum(graph.degrees, DEGREES - 1)]
        elif graph.features is None:
            raise InputError(
                f"{type(self).__name__} was fitted on {self.n_features_in_} features a node, but the graph has none."
            )
        else:
            rows = graph.features
        return rows if self.encoding == "none" else np.hstack([rows, encoded(self.encoding, graph)])

    def _scaled(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the features ``x (n, d)`` checked and normalised."""
        if x.shape[1] != self.n_features_in_:
            raise InputError(
                f"{type(self).__name__} was fitted on {self.n_features_in_} features a node, but got {x.shape[1]}."
            )
        if not np.isfinite(x).all():
            raise InputError("node features must be finite; fill or drop the missing ones.")
        rows: NDArray[Any] = x
        if self.mean_ is not None:
            rows = (x - self.mean_) / self.scale_
        elif self.normalize == "row":
            total = np.abs(x).sum(axis=1, keepdims=True)
            rows = x / np.where(total > 0, total, 1)
        return np.ascontiguousarray(rows, dtype=np.float32)

    # -- weights --------------------------------------------------------------------------------------------

    def _keep(self, network: torch.nn.Module, history: list[dict[str, float]]) -> None:
        """Keep the trained weights as plain arrays."""
        kept = {name: value.cpu().numpy().copy() for name, value in network.state_dict().items()}
        self._keep_weights(kept, history)
        self.n_parameters_ = int(sum(p.numel() for p in network.parameters() if p.requires_grad))

    def _keep_weights(self, weights: dict[str, NDArray[Any]], history: list[dict[str, float]]) -> None:
        self.history_, self.weights_ = history, weights
        self.n_parameters_ = int(sum(value.size for value in weights.values()))

    def _restored(self, network: torch.nn.Module, device: torch.device) -> torch.nn.Module:
        """Return ``network`` with the kept weights, ready to answer."""
        import torch

        kept = {name: torch.from_numpy(np.array(value)) for name, value in self.weights_.items()}
        network.load_state_dict(kept)
        return network.to(device).eval()


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one thread: its sums over several have other last bits, which training would magnify."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def undirected(graph: Graph) -> Graph:
    """Return ``graph`` with edges that count in both directions."""
    return Graph.of(graph, directed=False) if graph.directed else graph


def sparse_or_dense(x: NDArray[np.float32], device: torch.device) -> Any:
    """Return the features on the device, as a sparse matrix where most are 0."""
    import scipy.sparse
    import torch

    from neuroloom.graphs._layers.sparse import Sparse

    if np.count_nonzero(x) < SPARSE_BELOW * x.size:
        return Sparse(scipy.sparse.csr_array(x), device)
    return torch.from_numpy(np.require(x, np.float32, ["C", "W"])).to(device)


def _embedding(name: str, seed: int) -> Any:
    if name == "prone":
        from neuroloom.graphs.prone import ProNE

        return ProNE(EMBEDDED, random_state=seed)
    if name == "node2vec":
        from neuroloom.graphs.node2vec import Node2Vec

        return Node2Vec(EMBEDDED, random_state=seed)
    from neuroloom.graphs.laplacian_eigenmaps import LaplacianEigenmaps

    return LaplacianEigenmaps(EMBEDDED, random_state=seed)
