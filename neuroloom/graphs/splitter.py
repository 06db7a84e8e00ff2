"""Splitter: Epasto and Perozzi 2019, Is a Single Embedding Enough? Learning Node Representations that Capture Multiple
Social Contexts."""

from __future__ import annotations

import time
from collections.abc import Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.core.graph import Graph
from neuroloom.core.progress import ProgressBar
from neuroloom.core.samples import LinkSet
from neuroloom.core.seeding import derive
from neuroloom.graphs.ego_splitting import PersonaGraph, ego_split
from neuroloom.graphs.embedding import Floats, NodeEmbedding, pair_features
from neuroloom.graphs.low_rank import unit_rows
from neuroloom.graphs.node2vec import Node2Vec
from neuroloom.graphs.walks import Walks, expected_visits, new_vectors, noise_table, walk_tables

Ints = NDArray[np.int64]
NODE_VECTORS = ("base", "concat", "mean")
SIMILARITIES = ("cosine", "dot")


class Splitter(NodeEmbedding):
    """Several vectors a node, one for each of its social circles (Splitter).

    1. Ego-splitting turns each node into personas, one for each cluster of its neighbours
       (:func:`neuroloom.graphs.ego_split`).
    2. node2vec on the original graph gives each node a vector, with which all of its personas begin.
    3. Skip-gram on walks over the persona graph trains the personas' vectors Φ, each persona v also recalling the node
       o(v) that it came from (eq. 5):
       ``min_Φ  Σ_v [ -log Pr(context of v | Φ(v)) - λ log Pr(o(v) | Φ(v)) ]``, both by negative sampling.

    Links: the features of a pair are those of its two personas of largest product ``Φ(a)·Φ(b)``, by ``operator``,
    followed by that product, the score of the paper; ``"dot"`` is the product alone. In dense graphs, personas of few
    neighbours have long vectors that win too often: there ``similarity="cosine"``, which takes all vectors at length 1,
    serves better.

    Nodes: by ``node_vector``. New nodes: fit again with them in the graph.

    Args:
        dimensions: length of a vector, at least 1.
        walks: walks from each node and from each persona, at least 1.
        walk_length: nodes of a walk, at least 2.
        window: largest distance of a context from its centre, at least 1.
        random_state: int, generator or None.
        regularisation: λ, 0 or more; how strongly a persona is held to its node.
        clustering: of the ego-nets: ``"label-propagation"`` (as the authors' code has it), ``"connected-components"``,
            or a function of a ``Graph`` that gives a label for each of its nodes.
        node_vector: what stands for a node: ``"mean"`` of its personas' vectors, each weighted by its number of
            neighbours; ``"base"``, that of step 2; ``"concat"``, both, of ``2 dimensions`` numbers.
        similarity: of personas in links: ``"dot"``, or ``"cosine"``, by vectors of length 1.
        p: return parameter of the walks, above 0.
        q: in-out parameter of the walks, above 0.
        negatives: noise nodes for each window, at least 1; 5, 11, 17, … fill the vector unit.
        learning_rate: first step size in (0, 1]; falls linearly to 0.0001.
        epochs: how often all walks are made anew, at least 1; None makes it 1, or more on a small graph, until it has
            given 200,000 nodes of walks.
        operator: how two vectors become the features of a link: ``"hadamard"``, ``"average"``, ``"l1"``, ``"l2"``,
            ``"dot"`` or ``"concat"``.
        verbose: whether to show progress.

    Attributes:
        embedding_: ``(n_nodes, dimensions)`` float32, one vector a node, by ``node_vector``.
        persona_embedding_: ``(n_personas, dimensions)`` float32.
        base_embedding_: ``(n_nodes, dimensions)`` float32, the vectors of step 2.
        owner_: ``(n_personas,)`` the node of each persona, ascending.
        first_: ``(n_nodes + 1,)``; the personas of node v are ``first_[v] … first_[v + 1] - 1``.
        persona_graph_: the graph of the personas.
        history_: for each pass over the personas ``step``, ``seconds`` and ``loss``, the mean of |label - σ|.

    Raises:
        InputError: a parameter is out of range; a weight is negative; transform meets another graph.

    Differences: negative sampling instead of hierarchical softmax, negatives drawn once for a window and shared by its
    contexts; one step of the second term for each node of a walk; a directed graph is split and walked as undirected.

    Source: Epasto and Perozzi 2019, Is a Single Embedding Enough? Learning Node Representations that Capture Multiple
    Social Contexts; ego-splitting: Epasto, Lattanzi and Paes Leme 2017.
    """

    def __init__(
        self,
        dimensions: int = 128,
        walks: int = 10,
        walk_length: int = 40,
        window: int = 5,
        random_state: Any = None,
        *,
        regularisation: float = 0.1,
        clustering: Any = "label-propagation",
        node_vector: str = "mean",
        similarity: str = "dot",
        p: float = 1.0,
        q: float = 1.0,
        negatives: int = 5,
        learning_rate: float = 0.025,
        epochs: int | None = None,
        operator: str = "hadamard",
        verbose: bool = False,
    ) -> None:
        self.dimensions = dimensions
        self.walks = walks
        self.walk_length = walk_length
        self.window = window
        self.random_state = random_state
        self.regularisation = regularisation
        self.clustering = clustering
        self.node_vector = node_vector
        self.similarity = similarity
        self.p = p
        self.q = q
        self.negatives = negatives
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.operator = operator
        self.verbose = verbose

    def _embed(self, graph: Graph, seed: int) -> Floats:
        check_float("regularisation", self.regularisation, 0)
        check_choice("node_vector", self.node_vector, NODE_VECTORS)
        check_choice("similarity", self.similarity, SIMILARITIES)
        base = self._base(derive(seed, "base"))
        passes = base._check(graph) * self.walks
        split = ego_split(graph, self.clustering, derive(seed, "split"))
        if not len(split.graph.indices):
            raise InputError(
                f"Splitter needs edges between different nodes, but {graph!r} has self-loops only."
            )
        self.base_embedding_ = base._embed(split.original, derive(seed, "base"))
        self.persona_graph_, self.owner_, self.first_ = split.graph, split.owner, split.first
        self.persona_embedding_ = self._personas(split, passes, derive(seed, "personas"))
        return self._node_vectors(split)

    def _base(self, seed: int) -> Node2Vec:
        return Node2Vec(
            self.dimensions, self.walks, self.walk_length, self.window, seed, p=self.p, q=self.q,
            negatives=self.negatives, learning_rate=self.learning_rate, epochs=self.epochs, verbose=self.verbose,
        )  # fmt: skip

    def _personas(self, split: PersonaGraph, passes: int, seed: int) -> Floats:
        """Return the personas' trained vectors."""
        from neuroloom.graphs._kernels_persona import train_personas
        from neuroloom.graphs._kernels_simd import aligned
        from neuroloom.graphs._kernels_skipgram import Vectors, Windows, room

        d, n = self.dimensions, split.original.n_nodes
        noise = noise_table(expected_visits(split.graph, self.walk_length))
        draws = np.random.default_rng(0)  # overwritten: all personas begin with their node's vector
        personas = new_vectors(split.n_personas, d, draws, noise)
        personas.w_in[:, :d] = self.base_embedding_[split.owner]
        node_noise = noise_table(expected_visits(split.original, self.walk_length))
        owners = Vectors(personas.w_in, aligned(n, personas.w_in.shape[1]), node_noise)
        walks = Walks(walk_tables(split.graph), self.walk_length, passes, self.p, self.q, seed)
        windows = Windows(1, check_int("window", self.window), self.negatives)
        seeds = np.uint64(derive(seed, "walks")), np.uint64(derive(seed, "recall"))
        owner, pull, scratch = (
            split.owner.astype(np.int32),
            np.float32(self.regularisation),
            room(self.walk_length, windows),
        )
        began = time.perf_counter()
        self.history_: list[dict[str, float]] = []
        with ProgressBar("Splitter", passes * split.n_personas, "walks", self.verbose) as bar:
            for step in range(passes):
                pairs, error = 0, 0.0
                for first, starts, rates in walks.blocks(step, self.learning_rate):
                    some, wrong = train_personas(
                        starts, first, seeds, step, walks.tables, float(self.p), float(self.q), personas, owners, owner,
                        pull, windows, rates, scratch,
                    )  # fmt: skip
                    pairs, error = pairs + some, error + wrong
                    bar.advance(len(starts))
                seconds = time.perf_counter() - began
                self.history_.append({"step": step + 1, "seconds": seconds, "loss": error / max(1, pairs)})
        return np.ascontiguousarray(personas.w_in[:, :d])

    def _node_vectors(self, split: PersonaGraph) -> Floats:
        if self.node_vector == "base":
            return self.base_embedding_
        weights = np.maximum(split.graph.degrees, 1).astype(np.float64)[:, None]
        total = np.add.reduceat(weights * self.persona_embedding_, split.first[:-1], axis=0)
        mean = (total / np.add.reduceat(weights, split.first[:-1], axis=0)).astype(np.float32)
        return mean if self.node_vector == "mean" else np.concatenate([mean, self.base_embedding_], axis=1)

    def _note_graph(self, graph: Graph, linked: Graph) -> None:
        super()._note_graph(graph, linked)
        self.n_parameters_ = int(self.persona_embedding_.size + self.base_embedding_.size)

    @property
    def personas_(self) -> dict[Hashable, Ints]:
        """The personas of each node, rows of ``persona_embedding_``, by the node's name."""
        check_is_fitted(self, "persona_embedding_")
        return {name: np.arange(self.first_[i], self.first_[i + 1]) for i, name in enumerate(self._names())}

    def best_personas(self, X: LinkSet) -> tuple[Ints, Floats]:
        """Return the two most similar personas of each pair of nodes, ``(n, 2)``, and their similarities, ``(n,)``.

        Raises:
            InputError: ``X`` belongs to another graph.
        """
        from neuroloom.graphs._kernels_persona import best_pairs

        check_is_fitted(self, "persona_embedding_")
        self._vectors_over(X.graph)  # the graph is the one it was fitted on
        left, right = (np.ascontiguousarray(ends) for ends in X.pairs.T)
        a, b, score = best_pairs(self.first_, self._link_vectors(), left, right)
        return np.column_stack([a, b]), score

    def _link_vectors(self) -> Floats:
        return self.persona_embedding_ if self.similarity == "dot" else unit_rows(self.persona_embedding_)

    def transform(self, X: Any) -> Floats:
        """Return the vectors of nodes, ``(n, d)``, or the features of links, ``(n, d + 1)`` by most operators.

        Args:
            X: a ``NodeSet`` or ``LinkSet`` over the graph it was fitted on, or that graph, for all its nodes.

        Raises:
            InputError: ``X`` belongs to another graph.
        """
        if not isinstance(X, LinkSet):
            return super().transform(X)
        best, score = self.best_personas(X)
        self.links_ = True
        vectors = self._link_vectors()
        features = pair_features(vectors[best[:, 0]], vectors[best[:, 1]], self.operator)
        return features if self.operator == "dot" else np.column_stack([features, score])

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return a name for each column that :meth:`transform` gave last."""
        check_is_fitted(self, "embedding_")
        if not self.links_:
            return super().get_feature_names_out(input_features)
        width = {"dot": 0, "concat": 2 * self.dimensions}.get(self.operator, self.dimensions)
        return np.array([*(f"splitter{i}" for i in range(width)), "splitter_score"], dtype=object)
