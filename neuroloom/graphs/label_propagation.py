"""Label propagation: Zhou, Bousquet, Lal, Weston and Schölkopf 2004, Learning with Local and Global Consistency."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checks import check_float, check_int, check_lengths
from neuroloom.core.errors import InputError
from neuroloom.core.graph import Graph
from neuroloom.core.samples import NodeSet
from neuroloom.graphs.adjacency import normalised_adjacency
from neuroloom.graphs.network import undirected
from neuroloom.graphs.node_roles import node_set


class LabelPropagationNodeClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Node classifier that lets labels run along the edges; no features, nothing learned: a baseline for the structure.

    ``F ← α D^-½ A D^-½ F + (1 − α) Y``, until it changes no more; Y holds the training labels (section 2 of the paper).
    A node that no label reaches gets the shares of the classes in training.

    Args:
        alpha: share of the neighbours in each step, in [0, 1).
        steps: most steps, at least 1.
        tolerance: largest change at which it ends, at least 0.

    Attributes:
        classes_: the labels. scores_: ``(nodes, classes)`` F, rows scaled to sum to 1. steps_: steps done.

    Raises:
        InputError: a parameter is out of range; an edge weight is negative; predict meets another graph.

    Source: Zhou, Bousquet, Lal, Weston and Schölkopf 2004, Learning with Local and Global Consistency; the idea by
        Zhu and
    Ghahramani 2002, Learning from Labeled and Unlabeled Data with Label Propagation.
    """

    def __init__(self, alpha: float = 0.9, steps: int = 100, tolerance: float = 1e-4) -> None:
        self.alpha = alpha
        self.steps = steps
        self.tolerance = tolerance

    def fit(self, X: NodeSet, y: Any) -> Self:
        """Spread the labels ``y (n,)`` of the nodes ``X`` over their graph."""
        X = node_set(X)
        check_lengths(X, y)
        alpha = check_float("alpha", self.alpha, 0, 1, open_high=True)
        steps = check_int("steps", self.steps)
        tolerance = check_float("tolerance", self.tolerance, 0)
        self.classes_, codes = np.unique(np.asarray(y), return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(
                f"a classifier needs at least two classes, but y holds only {self.classes_.tolist()}."
            )
        matrix = normalised_adjacency(undirected(X.graph), loops=False)
        known = np.zeros((X.graph.n_nodes, len(self.classes_)))
        np.add.at(known, (X.ids, codes), 1.0)
        known /= np.maximum(known.sum(axis=1, keepdims=True), 1)
        found = known
        for self.steps_ in range(1, steps + 1):
            before, found = found, alpha * (matrix @ found) + (1 - alpha) * known
            if np.abs(found - before).max() <= tolerance:
                break
        total = found.sum(axis=1, keepdims=True)
        shares = np.bincount(codes) / len(codes)
        self.scores_ = np.where(total > 0, found / np.where(total > 0, total, 1), shares)
        self.structure_ = X.graph.structure()
        self.n_parameters_ = self.scores_.size
        return self

    def predict_proba(self, X: NodeSet) -> NDArray[np.float64]:
        """Return ``(n, classes)`` shares of nodes of the fitted graph."""
        check_is_fitted(self, "scores_")
        X = node_set(X)
        self._check_graph(X.graph)
        shares: NDArray[np.float64] = self.scores_[X.ids]
        return shares

    def predict(self, X: NodeSet) -> NDArray[Any]:
        """Return ``(n,)`` labels of nodes of the fitted graph."""
        labels: NDArray[Any] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return labels

    def _check_graph(self, graph: Graph) -> None:
        if graph.structure() != self.structure_:
            raise InputError(
                "label propagation is transductive: it answers for nodes of the graph it was fitted on only; fit it "
                "anew."
            )
