"""Link heuristics as features: Liben-Nowell and Kleinberg 2007, The Link-Prediction Problem for Social Networks."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.errors import NotSupportedError
from neuroloom.core.samples import LinkSet
from neuroloom.graphs.node_features import simple_adjacency

HEURISTICS = ("common_neighbours", "jaccard", "adamic_adar", "resource_allocation", "preferential_attachment")
BLOCK = 1 << 16  # pairs looked at together


class LinkHeuristicsFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Five classic scores of a pair of nodes, from the observed graph alone, as a table.

    With Γ(u) the neighbours of u and d its degree: common neighbours ``|Γ(u) ∩ Γ(v)|``; Jaccard, that over
    ``|Γ(u) ∪ Γ(v)|``; Adamic-Adar ``Σ 1 / ln d(w)`` and resource allocation ``Σ 1 / d(w)`` over common neighbours w;
    preferential attachment ``d(u) d(v)``, of which ``ln(1 + ·)`` is given. Directions, weights and self-loops are
    left out. Nothing is learned and the labels are not looked at: training pairs are scored as test pairs are.

    Raises:
        NotSupportedError: the samples are no ``LinkSet``.

    Source: Liben-Nowell and Kleinberg 2007, The Link-Prediction Problem for Social Networks; Zhou, Lü and Zhang 2009,
    Predicting missing links via local information (resource allocation).
    """

    def fit(self, X: LinkSet, y: Any = None) -> Self:
        """Check the samples; nothing is learned."""
        _links(X)
        self.n_parameters_ = 0
        return self

    def transform(self, X: LinkSet) -> NDArray[np.float64]:
        """Return ``(n, 5)`` scores of the pairs."""
        check_is_fitted(self, "n_parameters_")
        links = _links(X)
        plain = simple_adjacency(links.graph).astype(np.float64)
        degree = np.diff(plain.indptr).astype(np.float64)
        logs = np.where(degree > 1, np.log(np.maximum(degree, 2)), np.inf)
        factors = np.column_stack([np.ones_like(degree), 1 / logs, 1 / np.maximum(degree, 1)])
        sums = np.empty((len(links), 3))
        for begin in range(0, len(links), BLOCK):
            u, v = links.pairs[begin : begin + BLOCK].T
            sums[begin : begin + BLOCK] = plain[u].multiply(plain[v]).tocsr() @ factors
        u, v = links.pairs.T
        either = degree[u] + degree[v] - sums[:, 0]
        jaccard = np.divide(sums[:, 0], either, out=np.zeros(len(links)), where=either > 0)
        return np.column_stack([sums[:, 0], jaccard, sums[:, 1], sums[:, 2], np.log1p(degree[u] * degree[v])])

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the scores."""
        return np.array(HEURISTICS, dtype=object)


def _links(X: Any) -> LinkSet:
    if not isinstance(X, LinkSet):
        raise NotSupportedError(
            f"expected a LinkSet, but got {type(X).__name__}; pass LinkSet(graph, pairs)."
        )
    return X
