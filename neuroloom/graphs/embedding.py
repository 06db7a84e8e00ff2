"""What all node embeddings share: the forms of input, the rows of nodes, the features of pairs."""

from __future__ import annotations

from abc import abstractmethod
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

Floats = NDArray[np.float32]
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


class NodeEmbedding(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Base of the transductive node embeddings; a subclass gives :meth:`_embed`.

    Fitted on a graph, it knows that graph's nodes only: :meth:`transform` on another graph raises ``InputError``.

    Attributes:
        embedding_: ``(n_nodes, d)`` float32, the vector of every node of the graph.
        n_parameters_: how many numbers the embedding holds.
    """

    operator: str
    random_state: Any

    @abstractmethod
    def _embed(self, graph: Graph, seed: int) -> Floats:
        """Return ``(n_nodes, d)`` vectors of the nodes of ``graph``."""

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
        self.graph_fingerprint_ = (X.graph if isinstance(X, LinkSet) else graph).structure()
        self.n_parameters_ = int(self.embedding_.size)
        self.links_ = isinstance(X, LinkSet)
        return self

    def transform(self, X: Any) -> Floats:
        """Return the vectors of nodes, ``(n, d)``, or the features of links by ``operator``.

        Args:
            X: a ``NodeSet`` or ``LinkSet`` over the graph it was fitted on, or that graph, for all its nodes.

        Raises:
            InputError: ``X`` belongs to another graph.
        """
        check_is_fitted(self, "embedding_")
        samples = X if isinstance(X, NodeSet | LinkSet) else NodeSet(graph_in(X))
        if samples.graph.structure() != self.graph_fingerprint_:
            raise InputError(
                f"{type(self).__name__} is transductive: it knows the nodes of the graph it was fitted on "
                f"({len(self.embedding_)} nodes), but got {samples.graph!r} with other nodes or edges; fit it on that "
                "graph, with the new nodes in it."
            )
        if isinstance(samples, NodeSet):
            self.links_ = False
            return self.embedding_[samples.ids]
        self.links_ = True
        pairs = samples.pairs
        return pair_features(self.embedding_[pairs[:, 0]], self.embedding_[pairs[:, 1]], self.operator)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return a name for each column that :meth:`transform` gave last."""
        check_is_fitted(self, "embedding_")
        width = self.embedding_.shape[1]
        if self.links_:
            width = {"dot": 1, "concat": 2 * width}.get(self.operator, width)
        prefix = type(self).__name__.lower()
        return np.array([f"{prefix}{i}" for i in range(width)], dtype=object)
