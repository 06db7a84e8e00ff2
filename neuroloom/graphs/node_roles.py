"""Roles over the nodes of a graph: classification, one label or several a node, and regression.

A network learns from the structure and the features of all nodes and from the answers of the training nodes. Only what
these nodes can see through its layers is computed (:mod:`neuroloom.graphs.receptive_field`), exactly or, in batches,
with some neighbours drawn for each node (Hamilton, Ying and Leskovec 2017, Inductive Representation Learning on Large
Graphs).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.answers import Answers, Classification, Regression
from neuroloom.core.checkpoints import digest, keeping
from neuroloom.core.checks import check_int, check_lengths
from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.core.graph import Graph
from neuroloom.core.samples import NodeSet
from neuroloom.core.seeding import as_seed, derive
from neuroloom.core.training import steps_per_epoch
from neuroloom.graphs.network import GraphNetwork, one_thread, sparse_or_dense, undirected
from neuroloom.graphs.receptive_field import FieldFinder

if TYPE_CHECKING:
    import torch

    from neuroloom.core.fitting import Job
    from neuroloom.core.training import TrainConfig
    from neuroloom.graphs.explanations import NodeExplanation

    class _Model(Answers, GraphNetwork):
        """A role stands beside a model and answers of one kind."""
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

    def arrays(self) -> list[NDArray[Any]]:
        """Return all numbers that are read."""
        return [self.matrix.indptr, self.matrix.indices, self.values, self.features]

    def nodes_read(self, ids: Ints) -> Ints:
        """Return the nodes that answers for ``ids`` hang on."""
        assert self.hops is not None
        return self._find(ids, [None] * self.hops).nodes

    def part(
        self, ids: Ints, fanouts: Sequence[int | None] | None = None, draw: int = 0
    ) -> tuple[list[Any], Any]:
        """Return the adjacencies and features that answers for ``ids``, none twice, need; all or some neighbours."""
        from neuroloom.graphs._layers.sparse import Sparse

        assert self.hops is not None
        field = self._find(ids, fanouts or [None] * self.hops, draw)
        adjacencies = [Sparse(layer.of(self.values), self.device) for layer in field.layers]
        return adjacencies, sparse_or_dense(self.features[field.nodes], self.device)


class Part(NamedTuple):
    """What a network reads to answer for some nodes, and where the answers stand in its output."""

    inputs: tuple[list[Any], Any]
    rows: torch.Tensor

    def __call__(self, output: torch.Tensor) -> torch.Tensor:
        """Return the answers from the network's output."""
        return output[self.rows]


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

        seed, target = self._begin(X, y)
        train, valid = self._parts(X, target, eval_set, seed)
        device = resolve_device(self.device)
        self._train(self._inputs(X.graph, device, seed), train, valid, seed, device)
        return self

    @staticmethod
    def fit_many(jobs: Sequence[Job]) -> list[Any]:
        """Fit every job and return the fitted estimators in order.

        Those with one graph, one training part, one ``eval_set`` and one setting, seeds aside, are trained together.
        """
        from neuroloom.graphs.together import fit_many

        return fit_many(jobs)

    def _begin(self, X: NodeSet, y: Any) -> tuple[int, NDArray[Any]]:
        """Check what came and the parameters; return the seed and the answers as numbers."""
        check_lengths(node_set(X), y)
        self._check_training()
        self._check_batches()
        return as_seed(self.random_state), self._read_target(y)

    def _inputs(self, graph: Graph, device: torch.device, seed: int) -> GraphInputs:
        """Learn the features and return what a network reads of ``graph``."""
        self._learn_features(graph, seed, "prone")
        self._learn_scale(self._raw(graph))
        return GraphInputs(self, graph, device, derive(seed, "neighbours"))

    def _config(self, validated: bool) -> TrainConfig:
        from neuroloom.core.training import TrainConfig

        return TrainConfig(
            epochs=self.epochs if validated else min(self.epochs, 2 * self.patience),
            batch_size=self.batch_size,
            optimizer="adam",
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            patience=self.patience if validated else None,
        )

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

        from neuroloom.core.training import train as run

        with one_thread(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(seed, "weights"))
            network = self._encoder(self.n_features_in_, self._n_answers()).to(device)
        score = None
        if valid is not None:
            part, judge = self._part_of(inputs, valid[0], exact=True), self._scores(valid[1], device)

            def score(net: Any) -> torch.Tensor:
                """Return the score on the validation nodes."""
                return judge(part(net(*part.inputs)))

        loss, renew = self._step(inputs, train[0], train[1], device)
        of = digest(self, *inputs.arrays(), *train, *(valid or ())) if keeping() else None
        with one_thread():
            result = run(
                network,
                loss,
                config=self._config(validated=score is not None),
                n_samples=len(train[0]),
                seed=derive(seed, "training"),
                valid=score,
                decay_scale=self._decay_scale(
                    [name for name, p in network.named_parameters() if p.requires_grad]
                ),
                renew=renew,
                samples=of,
            )
        self._keep(network, result.history)

    def _step(
        self, inputs: GraphInputs, ids: Ints, target: NDArray[Any], device: torch.device
    ) -> tuple[Callable[[Any, Any], torch.Tensor], Callable[[int], None] | None]:
        """Return the loss of a step, of all training nodes at once or of some with neighbours drawn anew.

        With the latter comes what is to be called before each epoch with its number, from 1.
        """
        import torch

        loss, agreement = self._losses(target, device), self._agreement()
        if agreement is not None:
            (passes, disagreement), whole = agreement, inputs.whole()
            rows_of = torch.from_numpy(ids).to(device)

            def agree(net: Any, rows: Any) -> torch.Tensor:
                outputs = torch.stack([net(*whole) for _ in range(passes)])
                known = torch.stack([loss(out[rows_of], None) for out in outputs]).mean()
                return known + disagreement(outputs)

            return agree, None
        if self.batch_size is None:
            part = self._part_of(inputs, ids, exact=self._parts_are_exact())
            return lambda net, rows: loss(part(net(*part.inputs)), None), None
        fanouts, draws, every = self._fanouts(), 0, steps_per_epoch(len(ids), self.batch_size)

        def step(net: Any, rows: Any) -> torch.Tensor:
            nonlocal draws
            draws += 1
            own, where = np.unique(ids[rows.cpu().numpy()], return_inverse=True)
            return loss(net(*inputs.part(own, fanouts, draws))[torch.from_numpy(where).to(device)], rows)

        def renew(epoch: int) -> None:
            nonlocal draws
            draws = (epoch - 1) * every

        return step, renew

    def _part_of(self, inputs: GraphInputs, ids: Ints, exact: bool) -> Part:
        """Return what a network must read to answer for ``ids``, no more where that is exact."""
        import torch

        if inputs.hops is None or not exact:
            return Part(inputs.whole(), torch.from_numpy(ids).to(inputs.device))
        own, where = np.unique(ids, return_inverse=True)
        return Part(inputs.part(own), torch.from_numpy(where).to(inputs.device))

    def explain(self, X: NodeSet, *, algorithm: Any = None) -> NodeExplanation:
        """Return which edges and features the answer for one node comes from.

        Args:
            X: one node: ``NodeSet(graph, [id])``.
            algorithm: an algorithm of ``torch_geometric.explain`` that can give edge and feature masks; None takes
                GNNExplainer (Ying et al. 2019), 300 steps, seeded by ``random_state``.

        Raises:
            InputError: there is not one node.
        """
        from neuroloom.graphs.explanations import explain_node

        check_is_fitted(self, "weights_")
        return explain_node(self, node_set(X), algorithm)

    def to_torch(self, graph: Any) -> torch.nn.Module:
        """Return the fitted network over ``graph`` as a module, ready for ``torch.export``.

        Args:
            graph: whose edges the module holds, for good; a ``Graph`` or anything ``Graph.of`` takes.

        Returns:
            A module that turns node features ``(n, d)``, as the graph has them, into outputs ``(n, answers)``: logits
            of the classes or labels, or standardised numbers (times ``target_scale_`` plus ``target_mean_``).

        Raises:
            InputError: the graph's features do not fit.
        """
        from neuroloom.graphs.export import exported

        check_is_fitted(self, "weights_")
        return exported(self, Graph.of(graph))

    def _outputs(self, X: NodeSet) -> NDArray[np.float64]:
        """Return ``(n, answers)`` outputs for nodes of the fitted graph or of another with like features."""
        import torch

        from neuroloom.core.devices import resolve_device

        check_is_fitted(self, "weights_")
        X = node_set(X)
        device = resolve_device(self.device)
        network = self._restored(self._encoder(self.n_features_in_, self._n_answers()), device)
        part = self._part_of(GraphInputs(self, X.graph, device), X.ids, exact=True)
        with one_thread(), torch.no_grad():
            return part(network(*part.inputs)).double().cpu().numpy()  # type: ignore[no-any-return]


@dataclass(eq=False, repr=False, kw_only=True)
class NodeClassifier(Classification, NodeRole):
    """Classifier of nodes, of one label or, for ``y (n, labels)`` of 0 and 1, of any number of labels a node."""


@dataclass(eq=False, repr=False, kw_only=True)
class NodeRegressor(Regression, NodeRole):
    """Regressor of one number a node."""


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
