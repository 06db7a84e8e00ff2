"""Roles over the nodes of a graph: classification, one label or several a node, and regression.

A network learns from the structure and the features of all nodes and from the answers of the training nodes. Only what
these nodes can see through its layers is computed (:mod:`neuroloom.graphs.receptive_field`), exactly or, in batches,
with some neighbours drawn for each node (Hamilton, Ying and Leskovec 2017, Inductive Representation Learning on Large
Graphs).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checks import check_choice, check_int, check_lengths
from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.core.graph import Graph
from neuroloom.core.samples import NodeSet
from neuroloom.core.seeding import as_seed, derive, stream
from neuroloom.graphs.network import GraphNetwork, sparse_or_dense, undirected
from neuroloom.graphs.receptive_field import FieldFinder

if TYPE_CHECKING:
    import torch

    _Model = GraphNetwork
else:
    _Model = object

FEWEST_TO_HOLD_OUT = 50  # labelled nodes
Ints = NDArray[np.int64]


class GraphInputs:
    """What a network reads of one graph: its adjacency and features, whole or for some nodes, on a device."""

    def __init__(self, model: GraphNetwork, graph: Graph, device: torch.device, seed: int = 0) -> None:
        import scipy.sparse

        self.features = model._scaled(model._raw(graph))
        matrix = scipy.sparse.csr_array(model._adjacency(undirected(graph)))
        matrix.sort_indices()
        self.matrix = matrix
        self.values = matrix.data.astype(np.float32)
        self.hops, self.device = model._hops(), device
        self._find = FieldFinder(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), seed)
        self._whole: tuple[list[Any], Any] | None = None

    def whole(self) -> tuple[list[Any], Any]:
        """Return one adjacency a layer, all the whole graph's, and all features."""
        from neuroloom.graphs._layers.sparse import Sparse

        if self._whole is None:
            adjacency = Sparse(self.matrix, self.device)
            self._whole = [adjacency] * (self.hops or 1), sparse_or_dense(self.features, self.device)
        return self._whole

    def part(
        self, ids: Ints, fanouts: Sequence[int | None] | None = None, draw: int = 0
    ) -> tuple[list[Any], Any]:
        """Return the adjacencies and features that answers for ``ids``, none twice, need; all or some neighbours."""
        from neuroloom.graphs._layers.sparse import Sparse

        assert self.hops is not None
        field = self._find(ids, fanouts or [None] * self.hops, draw)
        adjacencies = [Sparse(layer.of(self.values), self.device) for layer in field.layers]
        return adjacencies, sparse_or_dense(self.features[field.nodes], self.device)


@dataclass(eq=False, repr=False, kw_only=True)
class NodeRole(_Model):
    """What the roles over nodes share.

    Args:
        batch_size: training nodes a step, at least 1, each with neighbours drawn anew; None takes all nodes at once and
            all their neighbours.
        neighbours: with ``batch_size``, how many neighbours are drawn for a node in each layer, one number or one a
            layer from the first to the last, at least 1; nodes with fewer have all of them.
    """

    batch_size: int | None = None
    neighbours: int | tuple[int, ...] = 10

    # -- what a role says -----------------------------------------------------------------------------------

    @abstractmethod
    def _read_target(self, y: Any) -> NDArray[Any]:
        """Learn what there is to answer from ``y``, and return it as numbers, a row a sample."""

    @abstractmethod
    def _known_target(self, y: Any) -> tuple[NDArray[np.bool_], NDArray[Any]]:
        """Return which of the validation answers ``y`` can be scored, and these as numbers."""

    @abstractmethod
    def _n_answers(self) -> int:
        """Return how many numbers the network gives a sample."""

    @abstractmethod
    def _losses(self, target: NDArray[Any], device: torch.device) -> Callable[[Any, Any], torch.Tensor]:
        """Return the loss as a function of outputs and rows of the target, None for all."""

    @abstractmethod
    def _scores(self, target: NDArray[Any], device: torch.device) -> Callable[[Any], torch.Tensor]:
        """Return the validation score as a function of outputs; greater is better."""

    @abstractmethod
    def _held_out(self, target: NDArray[Any], seed: int) -> NDArray[np.bool_]:
        """Return which samples are held out."""

    # -- learning -------------------------------------------------------------------------------------------

    def fit(self, X: NodeSet, y: Any, eval_set: tuple[NodeSet, Any] | None = None) -> Self:
        """Learn from labelled nodes; structure and features of all nodes of the graph are used.

        Args:
            X: the labelled nodes.
            y: ``(n,)`` answers; for several labels a node ``(n, labels)`` of 0 and 1.
            eval_set: nodes and answers to stop early on; without it a share of ``X`` is held out, unless there are
                fewer than 50.

        Raises:
            InputError: a parameter is out of range, or the parts do not fit together.
            NotSupportedError: ``X`` is no NodeSet, or the network has no receptive field to draw batches from.
        """
        from neuroloom.core.devices import resolve_device

        X = node_set(X)
        check_lengths(X, y)
        self._check_training()
        self._check_batches()
        seed = as_seed(self.random_state)
        target = self._read_target(y)
        train, valid = self._parts(X, target, eval_set, seed)
        device = resolve_device(self.device)
        self._learn_features(X.graph, seed, "prone")
        self._learn_scale(self._raw(X.graph))
        inputs = GraphInputs(self, X.graph, device, derive(seed, "neighbours"))
        self._train(inputs, train, valid, seed, device)
        return self

    def _check_batches(self) -> None:
        given = self.neighbours if isinstance(self.neighbours, tuple | list) else [self.neighbours]
        for many in given:
            check_int("neighbours", many)
        if self.batch_size is None:
            return
        check_int("batch_size", self.batch_size)
        if self._hops() is None:
            raise NotSupportedError(
                f"{type(self).__name__} reads the whole graph at once, so it has no batches; pass batch_size=None, or "
                "take a network of a few layers, such as GraphSAGE."
            )
        self._fanouts()

    def _fanouts(self) -> list[int]:
        hops = self._hops() or 0
        given = self.neighbours if isinstance(self.neighbours, tuple | list) else (self.neighbours,) * hops
        if len(given) != hops:
            raise InputError(
                f"`neighbours` must be one number or one for each of {hops} layers, but got {self.neighbours!r}."
            )
        return list(given)

    def _parts(self, X: NodeSet, target: NDArray[Any], eval_set: Any, seed: int) -> tuple[Any, Any]:
        """Return (ids, target) to train on and to stop on, the latter None for too few nodes."""
        if eval_set is not None:
            valid = node_set(eval_set[0])
            check_lengths(valid, eval_set[1])
            if valid.graph.structure() != X.graph.structure():
                raise InputError("the nodes of `eval_set` must belong to the graph of X.")
            known, wanted = self._known_target(eval_set[1])
            return (X.ids, target), ((valid.ids[known], wanted) if known.any() else None)
        if len(target) < FEWEST_TO_HOLD_OUT:
            return (X.ids, target), None
        held = self._held_out(target, seed)
        if not held.any():
            return (X.ids, target), None
        return (X.ids[~held], target[~held]), (X.ids[held], target[held])

    def _train(self, inputs: GraphInputs, train: Any, valid: Any, seed: int, device: torch.device) -> None:
        import torch

        from neuroloom.core.training import TrainConfig
        from neuroloom.core.training import train as run

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(seed, "weights"))
            network = self._encoder(self.n_features_in_, self._n_answers()).to(device)
        score = None
        if valid is not None:
            answers, judge = self._answers(inputs, valid[0], exact=True), self._scores(valid[1], device)

            def score(net: Any) -> torch.Tensor:
                """Return the score on the validation nodes."""
                return judge(answers(net))

        result = run(
            network,
            self._step(inputs, train[0], train[1], device),
            config=TrainConfig(
                epochs=self.epochs if score is not None else min(self.epochs, 2 * self.patience),
                batch_size=self.batch_size,
                optimizer="adam",
                learning_rate=self.learning_rate,
                weight_decay=self.weight_decay,
                patience=self.patience if score is not None else None,
            ),
            n_samples=len(train[0]),
            seed=derive(seed, "training"),
            valid=score,
            decay_scale=self._decay_scale(
                [name for name, p in network.named_parameters() if p.requires_grad]
            ),
        )
        self._keep(network, result.history)

    def _step(
        self, inputs: GraphInputs, ids: Ints, target: NDArray[Any], device: torch.device
    ) -> Callable[[Any, Any], torch.Tensor]:
        """Return the loss of a step: of all training nodes at once, or of some with neighbours drawn anew."""
        import torch

        loss = self._losses(target, device)
        if self.batch_size is None:
            answers = self._answers(inputs, ids, exact=self._parts_are_exact())
            return lambda net, rows: loss(answers(net), None)
        fanouts, draws = self._fanouts(), 0

        def step(net: Any, rows: Any) -> torch.Tensor:
            nonlocal draws
            draws += 1
            own, where = np.unique(ids[rows.cpu().numpy()], return_inverse=True)
            return loss(net(*inputs.part(own, fanouts, draws))[torch.from_numpy(where).to(device)], rows)

        return step

    def _answers(self, inputs: GraphInputs, ids: Ints, exact: bool) -> Callable[[Any], torch.Tensor]:
        """Return a function from a network to its outputs for ``ids``, which computes no more than these need."""
        import torch

        if inputs.hops is not None and exact:
            own, where = np.unique(ids, return_inverse=True)
            part = inputs.part(own)
            if np.array_equal(own[where], own):
                return lambda net: net(*part)
            rows = torch.from_numpy(where).to(inputs.device)
        else:
            part, rows = inputs.whole(), torch.from_numpy(ids).to(inputs.device)
        return lambda net: net(*part)[rows]

    def _outputs(self, X: NodeSet) -> NDArray[np.float64]:
        """Return ``(n, answers)`` outputs for nodes of the fitted graph or of another with like features."""
        import torch

        from neuroloom.core.devices import resolve_device

        check_is_fitted(self, "weights_")
        X = node_set(X)
        device = resolve_device(self.device)
        network = self._restored(self._encoder(self.n_features_in_, self._n_answers()), device)
        answers = self._answers(GraphInputs(self, X.graph, device), X.ids, exact=True)
        with torch.no_grad():
            return answers(network).double().cpu().numpy()  # type: ignore[no-any-return]


@dataclass(eq=False, repr=False, kw_only=True)
class NodeClassifier(ClassifierMixin, NodeRole):  # type: ignore[misc]
    """Classifier of nodes, of one label or, for ``y (n, labels)`` of 0 and 1, of any number of labels a node.

    Args:
        class_weight: ``"balanced"`` weighs the loss of a node by n / (classes · nodes of its class); None weighs all
            alike. One label a node only.
    """

    class_weight: str | None = None

    def _read_target(self, y: Any) -> NDArray[Any]:
        check_choice("class_weight", self.class_weight or "none", ("none", "balanced"))
        y = np.asarray(y)
        self.multilabel_ = y.ndim == 2
        if self.multilabel_:
            if y.size == 0 or not np.isin(y, (0, 1)).all():
                raise InputError(
                    "for several labels a node, y must be an (n, labels) array of 0 and 1, but it holds "
                    f"{np.unique(y)[:5].tolist()}."
                )
            self.classes_ = np.arange(y.shape[1])
            flags: NDArray[Any] = y.astype(np.float32)
            return flags
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(
                f"a classifier needs at least two classes, but y holds only {self.classes_.tolist()}."
            )
        return codes.astype(np.int64)

    def _known_target(self, y: Any) -> tuple[NDArray[np.bool_], NDArray[Any]]:
        wanted = np.asarray(y)
        if self.multilabel_:
            if wanted.shape[1:] != self.classes_.shape:
                raise InputError(
                    f"the answers of `eval_set` must have {len(self.classes_)} labels a node, but have shape "
                    f"{wanted.shape}."
                )
            return np.ones(len(wanted), dtype=bool), wanted.astype(np.float32)
        at = np.minimum(np.searchsorted(self.classes_, wanted), len(self.classes_) - 1)
        known = self.classes_[at] == wanted
        return known, at[known]

    def _n_answers(self) -> int:
        return len(self.classes_)

    def _losses(self, target: NDArray[Any], device: torch.device) -> Callable[[Any, Any], torch.Tensor]:
        import torch
        from torch.nn import functional

        wanted = torch.as_tensor(target, device=device)
        if self.multilabel_:
            return lambda out, rows: functional.binary_cross_entropy_with_logits(
                out, wanted if rows is None else wanted[rows]
            )
        weight = None
        if self.class_weight == "balanced":
            counts = np.bincount(target, minlength=len(self.classes_))
            each = np.where(counts > 0, len(target) / (len(counts) * np.maximum(counts, 1)), 0)
            weight = torch.tensor(each, dtype=torch.float32, device=device)
        return lambda out, rows: functional.cross_entropy(
            out, wanted if rows is None else wanted[rows], weight
        )

    def _scores(self, target: NDArray[Any], device: torch.device) -> Callable[[Any], torch.Tensor]:
        """Return the accuracy less a ten-thousandth of the cross-entropy, which decides between equals."""
        import torch
        from torch.nn import functional

        wanted = torch.as_tensor(target, device=device)

        def score(out: torch.Tensor) -> torch.Tensor:
            if self.multilabel_:
                return -functional.binary_cross_entropy_with_logits(out, wanted).double()
            right = (out.argmax(1) == wanted).double().mean()
            return right - 1e-4 * functional.cross_entropy(out, wanted).double()

        return score

    def _held_out(self, target: NDArray[Any], seed: int) -> NDArray[np.bool_]:
        draws = stream(seed, "held out")
        if self.multilabel_:
            return some(len(target), self.validation_fraction, draws)
        if np.bincount(target).min() < 2:
            return np.zeros(len(target), dtype=bool)
        return hold_out(target, self.validation_fraction, draws)

    def predict_proba(self, X: NodeSet) -> NDArray[np.float64]:
        """Return ``(n, classes)`` probabilities of nodes, of the fitted graph or of another with like features.

        Of several labels a node each has its own, between 0 and 1; of one, they sum to 1.
        """
        out = self._outputs(X)
        if self.multilabel_:
            shares: NDArray[np.float64] = 0.5 * (1 + np.tanh(out / 2))
            return shares
        odds = np.exp(out - out.max(axis=1, keepdims=True))
        shares = odds / odds.sum(axis=1, keepdims=True)
        return shares

    def predict(self, X: NodeSet) -> NDArray[Any]:
        """Return ``(n,)`` labels, or ``(n, labels)`` of 0 and 1, of nodes of the fitted graph or of another."""
        out = self._outputs(X)
        if self.multilabel_:
            return (out > 0).astype(np.int64)
        return self.classes_[out.argmax(axis=1)]  # type: ignore[no-any-return]


@dataclass(eq=False, repr=False, kw_only=True)
class NodeRegressor(RegressorMixin, NodeRole):  # type: ignore[misc]
    """Regressor of one number a node, which it learns standardised, by squared error."""

    def _read_target(self, y: Any) -> NDArray[Any]:
        y = _numbers(y)
        self.target_mean_, spread = float(y.mean()), float(y.std())
        self.target_scale_ = spread if spread > 0 else 1.0
        return self._standard(y)

    def _standard(self, y: NDArray[np.float64]) -> NDArray[np.float32]:
        return ((y - self.target_mean_) / self.target_scale_).astype(np.float32)[:, None]

    def _known_target(self, y: Any) -> tuple[NDArray[np.bool_], NDArray[Any]]:
        return np.ones(len(y), dtype=bool), self._standard(_numbers(y))

    def _n_answers(self) -> int:
        return 1

    def _losses(self, target: NDArray[Any], device: torch.device) -> Callable[[Any, Any], torch.Tensor]:
        import torch

        wanted = torch.as_tensor(target, device=device)
        return lambda out, rows: (out - (wanted if rows is None else wanted[rows])).square().mean()

    def _scores(self, target: NDArray[Any], device: torch.device) -> Callable[[Any], torch.Tensor]:
        import torch

        wanted = torch.as_tensor(target, device=device)
        return lambda out: -(out - wanted).square().mean().double()

    def _held_out(self, target: NDArray[Any], seed: int) -> NDArray[np.bool_]:
        return some(len(target), self.validation_fraction, stream(seed, "held out"))

    def predict(self, X: NodeSet) -> NDArray[np.float64]:
        """Return ``(n,)`` numbers for nodes of the fitted graph or of another with like features."""
        return self._outputs(X)[:, 0] * self.target_scale_ + self.target_mean_


def _numbers(y: Any) -> NDArray[np.float64]:
    try:
        values = np.asarray(y, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"a regressor needs numbers in y, but {error}.") from error
    if values.ndim != 1 or not np.isfinite(values).all():
        raise InputError(f"y must be a line of finite numbers, but has shape {values.shape} or NaN in it.")
    return values


def some(count: int, share: float, draws: np.random.Generator) -> NDArray[np.bool_]:
    """Return which of ``count`` samples are held out: the share, rounded, at least one."""
    held = np.zeros(count, dtype=bool)
    held[draws.permutation(count)[: max(1, round(share * count))]] = True
    return held


def hold_out(codes: Ints, share: float, draws: np.random.Generator) -> NDArray[np.bool_]:
    """Return which samples are held out: of each class the share, rounded, at least one and never all."""
    held = np.zeros(len(codes), dtype=bool)
    for code in np.unique(codes):
        members = draws.permutation(np.flatnonzero(codes == code))
        held[members[: min(max(1, round(share * len(members))), len(members) - 1)]] = True
    return held


def node_set(X: Any) -> NodeSet:
    """Return ``X``.

    Raises:
        NotSupportedError: it is no NodeSet.
    """
    if type(X).__name__ == "HeteroData":
        raise NotSupportedError(
            "graphs with several kinds of nodes are not supported; make one kind of it (PyG's to_homogeneous(), "
            "with the "
            "kind as a feature) and pass NodeSet(Graph.of(data), ids)."
        )
    if not isinstance(X, NodeSet):
        raise NotSupportedError(f"expected a NodeSet, but got {type(X).__name__}; pass NodeSet(graph, ids).")
    return X
