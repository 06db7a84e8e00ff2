"""Roles over whole graphs: classification, of one label or several, and regression.

Graphs of a step lie side by side in one block-diagonal adjacency, their nodes' vectors are pooled to one a graph, and a
dense net answers from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.answers import Answers, Classification, Regression
from neuroloom.core.checkpoints import digest
from neuroloom.core.checks import check_choice, check_float, check_int, check_lengths
from neuroloom.core.errors import InputError
from neuroloom.core.samples import GraphSet
from neuroloom.core.seeding import as_seed, derive
from neuroloom.graphs.graph_sets import graphs_in
from neuroloom.graphs.network import GraphNetwork, one_thread, sparse_or_dense, undirected

if TYPE_CHECKING:
    import torch

    class _Model(Answers, GraphNetwork):
        """A role stands beside a model and answers of one kind."""
else:
    _Model = object

FEWEST_TO_HOLD_OUT = 20  # labelled graphs
NODES_AT_ONCE = 20_000
Ints = NDArray[np.int64]


class GraphBatches:
    """Graphs ready to be put side by side: their adjacencies and features, on a device when they are asked for."""

    def __init__(self, model: GraphNetwork, graphs: GraphSet, device: torch.device) -> None:
        import scipy.sparse

        self.features = [model._scaled(model._raw(graph)) for graph in graphs.graphs]
        self.matrices = [
            scipy.sparse.csr_array(model._adjacency(undirected(graph))) for graph in graphs.graphs
        ]
        self.layers, self.device = model._hops() or 1, device

    def __len__(self) -> int:
        return len(self.matrices)

    def of(self, rows: Sequence[int]) -> tuple[list[Any], Any]:
        """Return one adjacency a layer, all the same, and the features of the graphs ``rows``."""
        import scipy.sparse

        from neuroloom.graphs._layers.sparse import Sparse

        chosen = [self.matrices[i] for i in rows]
        lengths = [matrix.shape[0] for matrix in chosen]
        starts, entries = np.cumsum([0, *lengths]), np.cumsum([0, *(m.nnz for m in chosen)])
        indptr = np.concatenate([[0], *(m.indptr[1:] + at for m, at in zip(chosen, entries, strict=False))])
        indices = np.concatenate([m.indices + at for m, at in zip(chosen, starts, strict=False)])
        values = np.concatenate([m.data for m in chosen])
        adjacency = Sparse(
            scipy.sparse.csr_array((values, indices, indptr), shape=(starts[-1], starts[-1])), self.device
        )
        adjacency.lengths = lengths
        x = np.concatenate([self.features[i] for i in rows])
        return [adjacency] * self.layers, sparse_or_dense(x, self.device)

    def parts(self) -> list[Ints]:
        """Return all rows in order, in parts of at most 20,000 nodes where graphs are not larger themselves."""
        found: list[list[int]] = [[]]
        nodes = 0
        for i, matrix in enumerate(self.matrices):
            if found[-1] and nodes + matrix.shape[0] > NODES_AT_ONCE:
                found.append([])
                nodes = 0
            found[-1].append(i)
            nodes += matrix.shape[0]
        return [np.array(part, dtype=np.int64) for part in found if part]


@dataclass(eq=False, repr=False, kw_only=True)
class GraphRole(_Model):
    """What the roles over whole graphs share.

    Args:
        batch_size: graphs a step, at least 1.
        pooling: what a graph's vector is of its nodes': ``"sum"``, ``"mean"``, ``"max"``, ``"all"`` (the three side by
            side), ``"top-k"`` or ``"sag"`` (mean and maximum of the nodes that score best, by a learned direction or by
            a graph convolution).
        pool_share: share of the nodes that ``"top-k"`` and ``"sag"`` keep, in (0, 1].
        head_dropout: share of the head's hidden units dropped in training, in [0, 1).
    """

    batch_size: int = 32
    pooling: str = "all"
    pool_share: float = 0.5
    head_dropout: float = 0.2
    hidden: int = 32
    layers: int = 3
    dropout: float = 0.0
    epochs: int = 300
    patience: int = 50
    learning_rate: float = 0.01
    weight_decay: float = 0.0
    normalize: str = "standard"

    def fit(self, X: GraphSet, y: Any, eval_set: tuple[GraphSet, Any] | None = None) -> Self:
        """Learn from labelled graphs.

        Args:
            X: the graphs.
            y: ``(n,)`` answers; for several labels a graph ``(n, labels)`` of 0 and 1.
            eval_set: graphs and answers to stop early on; without it a share of ``X`` is held out, unless there are
                fewer than 20.

        Raises:
            InputError: a parameter is out of range, or the parts do not fit together.
            NotSupportedError: ``X`` is no GraphSet.
        """
        from neuroloom.core.devices import resolve_device

        X = graphs_in(X)
        check_lengths(X, y)
        self._check_training()
        self._check_pooling()
        seed = as_seed(self.random_state)
        target = self._read_target(y)
        train, valid = self._parts(X, target, eval_set, seed)
        device = resolve_device(self.device)
        if self.features in ("laplacian", "node2vec", "prone"):
            raise InputError(
                f"features={self.features!r} stand for the nodes of one graph; for many graphs pass 'auto', 'graph' or "
                "'degree'."
            )
        self._learn_features(X.graphs[0], seed, "degree")
        self._learn_scale(np.concatenate([self._raw(graph) for graph in train[0].graphs]))
        self._train(train, valid, seed, device)
        return self

    def _check_pooling(self) -> None:
        from neuroloom.graphs._layers.pooling import POOLINGS

        check_int("batch_size", self.batch_size)
        check_choice("pooling", self.pooling, POOLINGS)
        check_float("pool_share", self.pool_share, 0, 1, open_low=True)
        check_float("head_dropout", self.head_dropout, 0, 1, open_high=True)

    def _net(self) -> torch.nn.Module:
        from neuroloom.graphs._layers.pooling import GraphNet

        encoder = self._encoder(self.n_features_in_, None)
        return GraphNet(encoder, self._n_answers(), self.pooling, self.pool_share, self.head_dropout)

    def _parts(self, X: GraphSet, target: NDArray[Any], eval_set: Any, seed: int) -> tuple[Any, Any]:
        """Return (graphs, target) to train on and to stop on, the latter None for too few graphs."""
        if eval_set is not None:
            valid = graphs_in(eval_set[0])
            check_lengths(valid, eval_set[1])
            known, wanted = self._known_target(eval_set[1])
            return (X, target), ((valid[np.flatnonzero(known)], wanted) if known.any() else None)
        if len(target) < FEWEST_TO_HOLD_OUT:
            return (X, target), None
        held = self._held_out(target, seed)
        if not held.any():
            return (X, target), None
        return (X[~held], target[~held]), (X[held], target[held])

    def _train(self, train: Any, valid: Any, seed: int, device: torch.device) -> None:
        import torch

        from neuroloom.core.training import TrainConfig
        from neuroloom.core.training import train as run

        with one_thread(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(seed, "weights"))
            network = self._net().to(device)
        batches, loss = GraphBatches(self, train[0], device), self._losses(train[1], device)
        score = None
        if valid is not None:
            answers, judge = _answers(GraphBatches(self, valid[0], device)), self._scores(valid[1], device)

            def score(net: Any) -> torch.Tensor:
                """Return the score on the validation graphs."""
                return judge(answers(net))

        def step(net: Any, rows: Any) -> torch.Tensor:
            """Return the loss on some graphs."""
            return loss(net(*batches.of(rows.tolist())), rows)

        with one_thread():
            result = run(
                network,
                step,
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
                samples=digest(self, *_numbers_of(train), *([] if valid is None else _numbers_of(valid))),
            )
        self._keep(network, result.history)

    def _restored_for(self, X: GraphSet) -> tuple[Any, GraphBatches]:
        from neuroloom.core.devices import resolve_device

        check_is_fitted(self, "weights_")
        X, device = graphs_in(X), resolve_device(self.device)
        return self._restored(self._net(), device), GraphBatches(self, X, device)

    def _outputs(self, X: GraphSet) -> NDArray[np.float64]:
        """Return ``(n, answers)`` outputs for graphs."""
        import torch

        network, batches = self._restored_for(X)
        if not len(batches):
            return np.empty((0, self._n_answers()))
        with one_thread(), torch.no_grad():
            return _answers(batches)(network).double().cpu().numpy()  # type: ignore[no-any-return]

    def embed(self, X: GraphSet) -> NDArray[np.float32]:
        """Return ``(n, width)``, the pooled vector of each graph that the head answers from."""
        import torch

        network, batches = self._restored_for(X)
        with one_thread(), torch.no_grad():
            made = [network.pool(*batches.of(part.tolist())).cpu().numpy() for part in batches.parts()]
        return np.concatenate(made)


def _numbers_of(part: tuple[GraphSet, NDArray[Any]]) -> list[NDArray[Any] | None]:
    """Return the arrays of all graphs of a part, and their answers."""
    own = [array for g in part[0].graphs for array in (g.indptr, g.indices, g.weights, g.features)]
    return [*own, part[1]]


def _answers(batches: GraphBatches) -> Callable[[Any], torch.Tensor]:
    """Return a function from a network to its outputs for all graphs."""
    import torch

    made = [batches.of(part.tolist()) for part in batches.parts()]
    return lambda net: torch.cat([net(*part) for part in made])


@dataclass(eq=False, repr=False, kw_only=True)
class GraphClassifier(Classification, GraphRole):
    """Classifier of whole graphs, of one label or, for ``y (n, labels)`` of 0 and 1, of several."""


@dataclass(eq=False, repr=False, kw_only=True)
class GraphRegressor(Regression, GraphRole):
    """Regressor of one number a graph."""
