"""Link heuristics as features: Liben-Nowell and Kleinberg 2007, The Link-Prediction Problem for Social Networks."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checks import check_choice
from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.core.graph import Graph
from neuroloom.core.samples import LinkSet, observed_graph
from neuroloom.core.seeding import stream
from neuroloom.graphs.pair_scores import HEURISTICS, LOCAL, ScoreOptions, score_table

PARTS = 5


class LinkHeuristicsFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Classic scores of a pair of nodes, from the known part of the graph alone, as a table.

    The scores are those of :func:`neuroloom.graphs.link_scores`: common neighbours, Jaccard, Adamic-Adar, resource
    allocation and preferential attachment, which look at neighbours only; local path, Katz, personalised PageRank and
    shortest path, which look at the whole graph. Directions, weights and self-loops are left out.

    Pairs are scored on the observed graph with the edges among the training pairs added. For the training pairs
    themselves ``fit_transform`` does as a target encoder does: each fifth of them is scored on the graph with the
    edges of the other four fifths, so that no pair is scored with its own answer in the graph. So
    ``fit(X, y).transform(X)`` differs from ``fit_transform(X, y)``; pipelines call the latter.

    New nodes: pairs over another graph are scored on that graph.

    Args:
        heuristics: ``"local"`` (the first five), ``"all"``, or a tuple of names.
        beta: Katz's β in (0, 1), or None for half of the largest that converges.
        damping: probability of a step in personalised PageRank, in (0, 1).
        epsilon: weight of paths of three steps in local path, in [0, 1].

    Attributes:
        graph_: the graph that pairs are scored on.
        observed_: the structure of the graph it was fitted over.

    Raises:
        NotSupportedError: the samples are no ``LinkSet``.
        InputError: a name is not known or a parameter is out of range.

    Source: Liben-Nowell and Kleinberg 2007, The Link-Prediction Problem for Social Networks; Zhou, Lü and Zhang 2009,
    Predicting missing links via local information (resource allocation, local path).
    """

    def __init__(
        self,
        heuristics: str | tuple[str, ...] = "local",
        *,
        beta: float | None = None,
        damping: float = 0.85,
        epsilon: float = 0.01,
    ) -> None:
        self.heuristics = heuristics
        self.beta = beta
        self.damping = damping
        self.epsilon = epsilon

    def fit(self, X: LinkSet, y: Any = None) -> Self:
        """Note the graph that pairs are scored on.

        Args:
            X: the training pairs.
            y: ``(n,)`` labels, whose positive pairs count as edges; None adds none.
        """
        links = as_links(X)
        names = self._names()
        for name in names:
            check_choice("heuristics", name, HEURISTICS)
        if not names:
            raise InputError("`heuristics` must name at least one; pass 'local' or 'all'.")
        self._options().check()
        self.graph_: Graph = links.graph if y is None else observed_graph(links, y)
        self.observed_ = links.graph.structure()
        self.n_parameters_ = 0
        return self

    def transform(self, X: LinkSet) -> NDArray[np.float64]:
        """Return ``(n, n_heuristics)`` scores of the pairs."""
        check_is_fitted(self, "n_parameters_")
        links = as_links(X)
        graph = self.graph_ if links.graph.structure() == self.observed_ else links.graph
        return score_table(graph, links.pairs, self._names(), self._options())

    def fit_transform(self, X: LinkSet, y: Any = None, **params: Any) -> NDArray[np.float64]:
        """Fit, and return the scores of the training pairs, none of them with its own answer in the graph."""
        self.fit(X, y)
        if y is None:
            return self.transform(X)
        labels = np.asarray(y)
        parts = stream(0, "link-heuristics").permutation(len(X)) % min(PARTS, max(2, len(X)))
        scores = np.empty((len(X), len(self._names())))
        positive = (
            labels == np.unique(labels)[-1] if len(np.unique(labels)) == 2 else np.zeros(len(X), dtype=bool)
        )
        for part in np.unique(parts):
            here = parts == part
            known = X.graph.with_edges(X.pairs[positive & ~here])
            scores[here] = score_table(known, X.pairs[here], self._names(), self._options())
        return scores

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the scores."""
        return np.array(self._names(), dtype=object)

    def _names(self) -> tuple[str, ...]:
        if isinstance(self.heuristics, str):
            named = {"local": LOCAL, "all": HEURISTICS}
            return named.get(self.heuristics, (self.heuristics,))
        return tuple(self.heuristics)

    def _options(self) -> ScoreOptions:
        return ScoreOptions(self.beta, self.damping, self.epsilon)


def as_links(X: Any) -> LinkSet:
    """Return ``X``, a ``LinkSet``.

    Raises:
        NotSupportedError: it is none.
    """
    if not isinstance(X, LinkSet):
        raise NotSupportedError(
            f"expected a LinkSet, but got {type(X).__name__}; pass LinkSet(graph, pairs)."
        )
    return X


def links_over(X: Any, graph: Graph, observed: str) -> LinkSet:
    """Return ``X``, whose pairs lie over the graph of a fit, with the training links in it or without them.

    Args:
        X: the pairs.
        graph: what was learned from: the observed graph with its training links put back.
        observed: the structure of the observed graph.

    Raises:
        InputError: they lie over another graph.
        NotSupportedError: it is something else.
    """
    links = as_links(X)
    if links.graph.structure() != observed and links.graph.structure(weights=False) != graph.structure(
        weights=False
    ):
        raise InputError(
            f"fitted over another graph ({graph!r}), but got pairs over {links.graph!r}; fit it on that one."
        )
    return links
