"""Sets of whole graphs: the check of what came, and their disjoint union, over which one pass serves them all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.core.graph import Graph, symmetrised
from neuroloom.core.samples import GraphSet

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
NODES_AT_ONCE = 20_000


def graphs_in(X: Any, width: int | None = None) -> GraphSet:
    """Return ``X``, a ``GraphSet`` whose graphs have ``width`` node features, if it is given.

    Raises:
        NotSupportedError: ``X`` is no ``GraphSet``.
        InputError: its graphs have another number of node features.
    """
    if not isinstance(X, GraphSet):
        raise NotSupportedError(f"expected a GraphSet, but got {type(X).__name__}; pass GraphSet(graphs).")
    if width is not None and len(X) and feature_width(X) != width:
        raise InputError(f"fitted on graphs of {width} node features, but got {feature_width(X)}.")
    return X


def feature_width(X: GraphSet) -> int:
    """Return the number of node features of the graphs."""
    features = X.graphs[0].features if len(X) else None
    return 0 if features is None else int(features.shape[1])


@dataclass(frozen=True)
class Union:
    """Graphs beside each other: a CSR adjacency without self-loops and directions.

    Args:
        indptr, indices: of all ``n`` nodes, int64.
        weights: ``(m,)`` float64; an edge with a weight in each direction keeps the larger.
        starts: ``(graphs + 1,)`` int64; graph ``i`` owns the nodes ``starts[i]:starts[i + 1]``.
        features: ``(n, d)`` float64 node features; ``d`` is 0 where there are none.
    """

    indptr: Ints
    indices: Ints
    weights: Floats
    starts: Ints
    features: Floats

    def means(self, values: Floats) -> Floats:
        """Return ``(graphs, d)``, the mean of ``values (n, d)`` over each graph's nodes, 0 where there are none."""
        sizes = np.diff(self.starts)
        made = np.zeros((len(sizes), values.shape[1]))
        filled = sizes > 0
        if filled.any():
            sums = np.add.reduceat(values, self.starts[:-1][filled], axis=0)
            made[filled] = sums / sizes[filled, None]
        return made


def unions(graphs: Sequence[Graph]) -> Iterator[Union]:
    """Yield the unions of consecutive graphs, about 20,000 nodes at once."""
    first, nodes = 0, 0
    for i, graph in enumerate(graphs):
        nodes += graph.n_nodes
        if nodes >= NODES_AT_ONCE or i + 1 == len(graphs):
            yield _union(graphs[first : i + 1])
            first, nodes = i + 1, 0


def _union(graphs: Sequence[Graph]) -> Union:
    directed = all(g.directed for g in graphs)  # then both directions become one for all of them at once
    plain = [(g if directed or not g.directed else Graph.of(g, directed=False)) for g in graphs]
    plain = [g.without_self_loops() for g in plain]
    starts = np.cumsum([0, *(g.n_nodes for g in plain)])
    offsets = np.cumsum([0, *(len(g.indices) for g in plain)])
    indptr = np.concatenate([[0], *(g.indptr[1:] + at for g, at in zip(plain, offsets[:-1], strict=True))])
    indices = np.concatenate([g.indices + at for g, at in zip(plain, starts[:-1], strict=True)])
    width = max((0 if g.features is None else g.features.shape[1] for g in plain), default=0)
    features = [np.zeros((g.n_nodes, width)) if g.features is None else g.features for g in plain]
    weights = np.concatenate([g.weights for g in plain])
    if directed:
        from scipy.sparse import csr_array

        both = csr_array((weights, indices, indptr), shape=(starts[-1], starts[-1]))
        both.eliminate_zeros()
        both = csr_array(symmetrised(both))
        both.sort_indices()
        weights, indices, indptr = both.data, both.indices.astype(np.int64), both.indptr.astype(np.int64)
    return Union(indptr, indices, weights, starts, np.concatenate(features).astype(np.float64))
