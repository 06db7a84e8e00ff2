"""What the graph neural networks that classify nodes share: features, adjacency, hold-out, training, prediction."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checks import check_choice, check_float, check_int, check_lengths
from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.core.graph import Graph
from neuroloom.core.samples import NodeSet
from neuroloom.core.seeding import as_seed, derive, stream

if TYPE_CHECKING:
    import torch

FEATURES = ("auto", "degree", "graph", "prone")
NORMALIZE = ("none", "row", "standard")
PRONE_DIMENSIONS = 64
DEGREES = 32  # columns of the one-hot degree; the last one takes all above
SPARSE_BELOW = 0.25  # share of non-zero features below which they are kept sparse
FEWEST_TO_HOLD_OUT = 50  # labelled nodes


class NodeNetworkClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Base of the full-graph node classifiers; a subclass gives the network and its adjacency."""

    epochs: int
    patience: int
    learning_rate: float
    weight_decay: float
    validation_fraction: float
    features: str
    normalize: str
    device: str
    random_state: Any

    @abstractmethod
    def _network(self, n_features: int, n_classes: int) -> torch.nn.Module:
        """Check the network's parameters and return it untrained."""

    @abstractmethod
    def _adjacency(self, graph: Graph) -> Any:
        """Return the SciPy CSR matrix that the network multiplies with or attends over."""

    def _decay_scale(self) -> dict[str, float] | None:
        """Return factors on the weight decay by parameter name; None for all alike."""
        return None

    def fit(self, X: NodeSet, y: Any, eval_set: tuple[NodeSet, Any] | None = None) -> Self:
        """Learn from labelled nodes; structure and features of all nodes of the graph are used.

        Args:
            X: the labelled nodes.
            y: ``(n,)`` labels of any sortable type.
            eval_set: nodes and labels to stop early on; without it a share of ``X`` is held out, unless there are
                fewer than 50.

        Raises:
            InputError: a parameter is out of range, or the parts do not fit together.
            NotSupportedError: ``X`` is no NodeSet.
        """
        from neuroloom.core.devices import resolve_device

        X = _node_set(X)
        check_lengths(X, y)
        self._check_parameters()
        seed = as_seed(self.random_state)
        self.classes_, codes = np.unique(np.asarray(y), return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(
                f"a classifier needs at least two classes, but y holds only {self.classes_.tolist()}."
            )
        train, valid = self._parts(X, codes, eval_set, seed)
        device = resolve_device(self.device)
        self._learn_features(X.graph, seed)
        inputs = self._inputs(X.graph, device)
        self._train(inputs, train, valid, seed, device)
        return self

    def _check_parameters(self) -> None:
        check_int("epochs", self.epochs)
        check_int("patience", self.patience)
        check_float("learning_rate", self.learning_rate, 0, open_low=True)
        check_float("weight_decay", self.weight_decay, 0)
        check_float("validation_fraction", self.validation_fraction, 0, 1, open_low=True, open_high=True)
        check_choice("features", self.features, FEATURES)
        check_choice("normalize", self.normalize, NORMALIZE)

    def _parts(self, X: NodeSet, codes: Any, eval_set: Any, seed: int) -> tuple[Any, Any]:
        """Return (ids, codes) to train on and to stop on, the latter None for too few nodes."""
        if eval_set is not None:
            valid = _node_set(eval_set[0])
            check_lengths(valid, eval_set[1])
            if valid.graph.structure() != X.graph.structure():
                raise InputError("the nodes of `eval_set` must belong to the graph of X.")
            wanted = np.asarray(eval_set[1])
            at = np.minimum(np.searchsorted(self.classes_, wanted), len(self.classes_) - 1)
            known = self.classes_[at] == wanted
            return (X.ids, codes), (valid.ids[known], at[known])
        counts = np.bincount(codes)
        if len(codes) < FEWEST_TO_HOLD_OUT or counts.min() < 2:
            return (X.ids, codes), None
        held = hold_out(codes, self.validation_fraction, stream(seed, "held out"))
        return (X.ids[~held], codes[~held]), (X.ids[held], codes[held])

    def _learn_features(self, graph: Graph, seed: int) -> None:
        """Settle what the features are and, for standardised ones, their mean and spread."""
        chosen = self.features
        if chosen == "auto":
            chosen = "prone" if graph.features is None else "graph"
        if chosen == "graph" and graph.features is None:
            raise InputError("features='graph' needs a graph with node features; pass features='auto'.")
        self.features_ = chosen
        self.prone_: Any = None
        if chosen == "prone":
            from neuroloom.graphs.prone import ProNE

            self.prone_ = ProNE(PRONE_DIMENSIONS, random_state=derive(seed, "prone")).fit(graph)
        self.mean_: Any = None
        self.scale_: Any = None
        raw = self._raw(graph)
        self.n_features_in_ = int(raw.shape[1])
        if self.normalize == "standard":
            self.mean_ = raw.mean(axis=0)
            spread = raw.std(axis=0)
            self.scale_ = np.where(spread > 0, spread, 1).astype(np.float32)

    def _raw(self, graph: Graph) -> NDArray[np.float32]:
        if self.features_ == "prone":
            rows: NDArray[np.float32] = self.prone_.transform(graph)
            return rows
        if self.features_ == "degree":
            return np.eye(DEGREES, dtype=np.float32)[np.minimum(graph.degrees, DEGREES - 1)]
        if graph.features is None:
            raise InputError(
                f"{type(self).__name__} was fitted on {self.n_features_in_} features a node, but the graph has none."
            )
        return graph.features

    def _inputs(self, graph: Graph, device: torch.device) -> tuple[Any, Any]:
        """Return the adjacency and the features, sparse or dense, on the device."""
        import scipy.sparse
        import torch

        from neuroloom.graphs._layers import Sparse

        x = self._raw(graph)
        if x.shape[1] != self.n_features_in_:
            raise InputError(
                f"{type(self).__name__} was fitted on {self.n_features_in_} features a node, but got {x.shape[1]}."
            )
        if not np.isfinite(x).all():
            raise InputError("node features must be finite; fill or drop the missing ones.")
        if self.mean_ is not None:
            x = ((x - self.mean_) / self.scale_).astype(np.float32)
        elif self.normalize == "row":
            total = np.abs(x).sum(axis=1, keepdims=True)
            x = (x / np.where(total > 0, total, 1)).astype(np.float32)
        undirected = Graph.of(graph, directed=False) if graph.directed else graph
        adjacency = Sparse(self._adjacency(undirected), device)
        if np.count_nonzero(x) < SPARSE_BELOW * x.size:
            return adjacency, Sparse(scipy.sparse.csr_array(x), device)
        return adjacency, torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32)).to(device)

    def _train(
        self, inputs: tuple[Any, Any], train: Any, valid: Any, seed: int, device: torch.device
    ) -> None:
        import torch
        from torch.nn.functional import cross_entropy

        from neuroloom.core.training import TrainConfig
        from neuroloom.core.training import train as run

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(seed, "weights"))
            network = self._network(self.n_features_in_, len(self.classes_)).to(device)
        ids, codes = (torch.as_tensor(part, device=device) for part in train)
        score = None
        if valid is not None and len(valid[0]):
            valid_ids, valid_codes = (torch.as_tensor(part, device=device) for part in valid)

            def score(net: Any) -> torch.Tensor:
                """Return the accuracy less a ten-thousandth of the cross-entropy, which decides between equals."""
                logits = net(*inputs)[valid_ids]
                right = (logits.argmax(1) == valid_codes).double().mean()
                return right - 1e-4 * cross_entropy(logits, valid_codes).double()

        config = TrainConfig(
            epochs=self.epochs if score is not None else min(self.epochs, 2 * self.patience),
            optimizer="adam",
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            patience=self.patience if score is not None else None,
        )
        result = run(
            network,
            lambda net, rows: cross_entropy(net(*inputs)[ids], codes),
            config=config,
            seed=derive(seed, "training"),
            valid=score,
            decay_scale=self._decay_scale(),
        )
        self.history_ = result.history
        self.weights_ = {name: value.cpu().numpy().copy() for name, value in network.state_dict().items()}
        self.n_parameters_ = int(sum(value.size for value in self.weights_.values()))

    def _logits(self, X: NodeSet) -> NDArray[np.float64]:
        import torch

        from neuroloom.core.devices import resolve_device

        check_is_fitted(self, "weights_")
        X = _node_set(X)
        device = resolve_device(self.device)
        network = self._network(self.n_features_in_, len(self.classes_))
        network.load_state_dict({name: torch.from_numpy(value) for name, value in self.weights_.items()})
        network = network.to(device).eval()
        with torch.no_grad():
            logits = network(*self._inputs(X.graph, device))
        return logits[torch.from_numpy(X.ids).to(device)].double().cpu().numpy()  # type: ignore[no-any-return]

    def predict_proba(self, X: NodeSet) -> NDArray[np.float64]:
        """Return ``(n, classes)`` probabilities of nodes, of the fitted graph or of another with like features."""
        logits = self._logits(X)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares: NDArray[np.float64] = odds / odds.sum(axis=1, keepdims=True)
        return shares

    def predict(self, X: NodeSet) -> NDArray[Any]:
        """Return ``(n,)`` labels of nodes, of the fitted graph or of another with like features."""
        return self.classes_[self._logits(X).argmax(axis=1)]  # type: ignore[no-any-return]


def hold_out(codes: NDArray[np.int64], share: float, draws: np.random.Generator) -> NDArray[np.bool_]:
    """Return which samples are held out: of each class the share, rounded, at least one and never all."""
    held = np.zeros(len(codes), dtype=bool)
    for code in np.unique(codes):
        members = draws.permutation(np.flatnonzero(codes == code))
        held[members[: min(max(1, round(share * len(members))), len(members) - 1)]] = True
    return held


def _node_set(X: Any) -> NodeSet:
    if not isinstance(X, NodeSet):
        raise NotSupportedError(f"expected a NodeSet, but got {type(X).__name__}; pass NodeSet(graph, ids).")
    return X
