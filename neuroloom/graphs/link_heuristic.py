"""A single link heuristic as a classifier of pairs: Liben-Nowell and Kleinberg 2007, The Link-Prediction Problem for
Social Networks."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checks import check_choice
from neuroloom.core.errors import InputError
from neuroloom.core.graph import Graph
from neuroloom.core.samples import LinkSet, observed_graph
from neuroloom.core.seeding import stream
from neuroloom.graphs.link_heuristics import as_links, links_over
from neuroloom.graphs.pair_scores import HEURISTICS, ScoreOptions, score_table

HELD_OUT = 5  # one part in so many of the training pairs sets the threshold


class LinkHeuristicClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """One score of a pair of nodes, and a threshold: the baselines of link prediction.

    The score is that of :func:`neuroloom.graphs.link_scores` on the observed graph with the edges among the training
    pairs added. Nothing else is learned but the threshold between the classes: the one of best accuracy on a fifth of
    the training pairs, scored on the graph without their edges.

    ``decision_function`` is the score less the threshold. There are no probabilities: a score has no scale.

    Args:
        heuristic: ``"common_neighbours"``, ``"jaccard"``, ``"adamic_adar"``, ``"resource_allocation"``,
            ``"preferential_attachment"``, ``"local_path"``, ``"katz"``, ``"personalised_pagerank"`` or
            ``"shortest_path"``.
        beta: Katz's β in (0, 1), or None for half of the largest that converges.
        damping: probability of a step in personalised PageRank, in (0, 1).
        epsilon: weight of paths of three steps in local path, in [0, 1].

    Attributes:
        classes_: the two labels, no edge and edge.
        graph_: the graph that pairs are scored on.
        threshold_: the lowest score called an edge.

    Raises:
        NotSupportedError: the samples are no ``LinkSet``.
        InputError: a parameter is out of range; there are not two labels; pairs belong to another graph.

    Source: Liben-Nowell and Kleinberg 2007, The Link-Prediction Problem for Social Networks.
    """

    def __init__(
        self,
        heuristic: str = "common_neighbours",
        *,
        beta: float | None = None,
        damping: float = 0.85,
        epsilon: float = 0.01,
    ) -> None:
        self.heuristic = heuristic
        self.beta = beta
        self.damping = damping
        self.epsilon = epsilon

    def fit(self, X: LinkSet, y: Any) -> Self:
        """Note the graph and find the threshold.

        Args:
            X: ``n`` training pairs.
            y: ``(n,)`` labels of two values, the larger meaning an edge.
        """
        check_choice("heuristic", self.heuristic, HEURISTICS)
        links, labels = as_links(X), np.asarray(y)
        self.graph_: Graph = observed_graph(links, labels)
        self.observed_ = links.graph.structure()
        self.classes_ = np.unique(labels)
        if len(self.classes_) != 2:
            raise InputError(f"y must hold two labels, no edge and edge, but holds {len(self.classes_)}.")
        truth = labels == self.classes_[1]
        held = stream(0, "link-heuristic").permutation(len(links)) % HELD_OUT == 0
        held |= len(np.unique(truth[held])) < 2
        part = links.graph.with_edges(links.pairs[truth & ~held])
        self.threshold_ = best_threshold(self._scores(part, links.pairs[held]), truth[held])
        self.n_parameters_ = 1
        return self

    def decision_function(self, X: LinkSet) -> NDArray[np.float64]:
        """Return ``(n,)`` scores less the threshold; 0 and above mean an edge."""
        check_is_fitted(self, "threshold_")
        links = links_over(X, self.graph_, self.observed_)
        return self._scores(self.graph_, links.pairs) - self.threshold_

    def predict(self, X: LinkSet) -> NDArray[Any]:
        """Return ``(n,)`` labels."""
        made: NDArray[Any] = self.classes_[(self.decision_function(X) >= 0).astype(int)]
        return made

    def _scores(self, graph: Graph, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
        options = ScoreOptions(self.beta, self.damping, self.epsilon)
        return score_table(graph, pairs, (self.heuristic,), options)[:, 0]


def best_threshold(scores: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """Return the score at and above which "edge" is right most often; of equals the lowest."""
    values, codes = np.unique(scores, return_inverse=True)
    edges = np.bincount(codes, truth, len(values))
    others = np.bincount(codes, ~truth, len(values))
    right = edges[::-1].cumsum()[::-1] + others.cumsum() - others  # edges from here up, others below
    return float(values[int(np.argmax(right))])
