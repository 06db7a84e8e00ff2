"""What all node embeddings share: the forms of input, the rows of nodes, the features of pairs."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Hashable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checks import check_choice
from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.core.graph import Graph
from neuroloom.core.samples import EnvSet, GraphSet, LinkSet, NodeSet, observed_graph
from neuroloom.core.seeding import as_seed
from neuroloom.graphs.new_nodes import induced, others, places_in
from neuroloom.graphs.vectors import NamedVectors

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
OPERATORS = ("average", "concat", "dot", "hadamard", "l1", "l2")


def graph_in(X: Any, y: Any = None) -> Graph:
    """Return the graph that a node method learns from.

    A ``NodeSet`` gives its graph; a ``LinkSet`` the observed graph, with the pairs that ``y`` calls positive added;
    anything else goes through ``Graph.of``.

    Raises:
        NotSupportedError: ``X`` holds whole graphs or episodes.
    """
    if isinstance(X, GraphSet | EnvSet):
        raise NotSupportedError(
            f"expected nodes or links of one graph, but got a {type(X).__name__}; use a method for that kind of data."
        )
    if isinstance(X, NodeSet):
        return X.graph
    if isinstance(X, LinkSet):
        return X.graph if y is None else observed_graph(X, y)
    return Graph.of(X)


def pair_features(left: Floats, right: Floats, operator: str) -> Floats:
    """Return features of node pairs from the vectors of their ends (Grover and Leskovec 2016, table 1).

    Args:
        left, right: ``(n, d)`` vectors of the two ends.
        operator: ``"hadamard"`` (product), ``"average"``, ``"l1"`` (absolute difference), ``"l2"`` (squared
            difference), ``"dot"`` (one column) or ``"concat"`` (``2 d`` columns).
    """
    made: NDArray[Any]
    if operator == "hadamard":
        made = left * right
    elif operator == "average":
        made = np.float32(0.5) * (left + right)
    elif operator == "l1":
        made = np.abs(left - right)
    elif operator == "l2":
        made = (left - right) ** 2
    elif operator == "dot":
        made = np.einsum("ij,ij->i", left, right)[:, None]
    else:
        made = np.concatenate([left, right], axis=1)
    return made.astype(np.float32, copy=False)


class NodeEmbedding(NamedVectors, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Base of the node embeddings; a subclass gives :meth:`_embed` and, if it can, :meth:`_embed_new`.

    Fitted on a graph, it holds a vector for each of that graph's nodes. For nodes added later see :meth:`embed_new`.

    Attributes:
        embedding_: ``(n_nodes, d)`` float32, the vector of every node of the graph.
        names_: the nodes' names, or None when they are called ``0 … n_nodes - 1``.
        trained_: ids of the nodes it was fitted on, which are all until :meth:`embed_new` adds some.
        n_parameters_: how many numbers the embedding holds.
    """

    operator: str
    random_state: Any

    @abstractmethod
    def _embed(self, graph: Graph, seed: int) -> Floats:
        """Return ``(n_nodes, d)`` vectors of the nodes of ``graph``."""

    def _embed_new(self, graph: Graph, held: Ints) -> Floats:
        """Return ``(n_new, d)`` vectors of the nodes of ``graph`` that are not among ``held``, ascending by id.

        ``held`` are the ids in ``graph`` of the nodes that have vectors, row for row of ``embedding_``; those that it
        was fitted on are ``held[self.trained_]``. The same graph must give the same vectors.
        """
        raise NotSupportedError(
            f"{type(self).__name__} cannot embed nodes added after fitting; fit it again on the graph with them in it."
        )

    def fit(self, X: Any, y: Any = None) -> Self:
        """Embed the nodes of the graph in ``X``.

        Args:
            X: a ``NodeSet``, a ``LinkSet`` or anything ``Graph.of`` takes.
            y: ignored for nodes; for links ``(n,)`` labels, whose positive pairs count as edges.

        Raises:
            InputError: a parameter is out of range, or the graph has no edges.
        """
        check_choice("operator", self.operator, OPERATORS)
        graph = graph_in(X, y)
        if not len(graph.indices):
            raise InputError(f"{type(self).__name__} needs a graph with edges, but got {graph!r}.")
        self.embedding_ = self._embed(graph, as_seed(self.random_state))
        self.trained_ = np.arange(graph.n_nodes)
        self._note_graph(X.graph if isinstance(X, LinkSet) else graph, graph)
        self.links_ = isinstance(X, LinkSet)
        return self

    def _note_graph(self, graph: Graph, linked: Graph) -> None:
        self.names_: tuple[Hashable, ...] | None = graph.names
        self.directed_ = graph.directed
        self.graph_fingerprint_ = graph.structure()
        self.linked_fingerprint_ = linked.structure(weights=False)
        self.n_parameters_ = int(self.embedding_.size)

    def embed_new(self, X: Any) -> Self:
        """Return a copy of this embedding that knows the nodes added to the graph, too.

        Nodes are matched by name (by id where they have none). Those it knows keep their vectors, whatever edges they
        gained; the others get theirs as the class's description says under "New nodes". Nothing is drawn at random.

        Args:
            X: the graph with the new nodes in it: a ``NodeSet``, a ``LinkSet`` or anything ``Graph.of`` takes.

        Raises:
            InputError: a node it was fitted on is missing, or one graph is directed and the other is not.
            NotSupportedError: the method has no answer for new nodes.
        """
        check_is_fitted(self, "embedding_")
        graph = graph_in(X)
        held = places_in(graph, self.names_, len(self.embedding_))
        if held is None or graph.directed != self.directed_:
            raise self._strange(graph)
        larger = copy.copy(self)
        larger.embedding_ = np.zeros((graph.n_nodes, self.embedding_.shape[1]), dtype=np.float32)
        larger.embedding_[held] = self.embedding_
        new = others(graph.n_nodes, held)
        if len(new):
            larger.embedding_[new] = self._embed_new(graph, held)
        larger.trained_ = held[self.trained_]
        larger._note_graph(graph, graph)
        return larger

    def transform(self, X: Any) -> Floats:
        """Return the vectors of nodes, ``(n, d)``, or the features of links by ``operator``.

        Args:
            X: a ``NodeSet`` or ``LinkSet`` over the graph it was fitted on, or that graph, for all its nodes; after a
                fit on links the pairs called positive may be edges in it. The graph may hold new nodes, too, as long
                as the edges between the old ones are the same: these are embedded as by :meth:`embed_new`.

        Raises:
            InputError: ``X`` belongs to another graph.
            NotSupportedError: the graph holds new nodes and the method has no answer for them.
        """
        check_is_fitted(self, "embedding_")
        samples = X if isinstance(X, NodeSet | LinkSet) else NodeSet(graph_in(X))
        vectors = self._vectors_over(samples.graph)
        if isinstance(samples, NodeSet):
            self.links_ = False
            return vectors[samples.ids]
        self.links_ = True
        pairs = samples.pairs
        return pair_features(vectors[pairs[:, 0]], vectors[pairs[:, 1]], self.operator)

    def _vectors_over(self, graph: Graph) -> Floats:
        """Return the vectors of the nodes of ``graph``, which is the graph of :meth:`fit` or holds it."""
        if self._knows(graph):
            return self.embedding_
        held = (
            places_in(graph, self.names_, len(self.embedding_)) if graph.directed == self.directed_ else None
        )
        if held is None or not self._knows(induced(graph, held, self.names_)):
            raise self._strange(graph)
        return self.embed_new(graph).embedding_

    def _knows(self, graph: Graph) -> bool:
        """Whether it is the graph of :meth:`fit`, as given or with the links of ``y`` in it, whatever these weigh."""
        given, linked = self.graph_fingerprint_, getattr(self, "linked_fingerprint_", None)
        return graph.structure() == given or graph.structure(weights=False) == linked

    def _strange(self, graph: Graph) -> InputError:
        kind = "directed" if self.directed_ else "undirected"
        return InputError(
            f"{type(self).__name__} is transductive: it knows the nodes of the graph it was fitted on "
            f"({len(self.embedding_)} nodes, {kind}), but got {graph!r} with other nodes or edges; fit it on that "
            "graph. If that graph has all of the old nodes by name and some new ones, use `embed_new`."
        )

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return a name for each column that :meth:`transform` gave last."""
        check_is_fitted(self, "embedding_")
        width = self.embedding_.shape[1]
        if self.links_:
            width = {"dot": 1, "concat": 2 * width}.get(self.operator, width)
        prefix = type(self).__name__.lower()
        return np.array([f"{prefix}{i}" for i in range(width)], dtype=object)
