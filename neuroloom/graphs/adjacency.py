"""The matrices that graph networks multiply with or attend over, as SciPy CSR, made of a graph without directions."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuroloom.core.errors import InputError
from neuroloom.core.graph import Graph


def _weights(graph: Graph) -> Any:
    """Return the graph's own matrix.

    Raises:
        InputError: an edge weight is negative.
    """
    if len(graph.weights) and graph.weights.min() < 0:
        raise InputError("a graph network needs edge weights of at least 0; drop or shift the negative ones.")
    return graph.to_scipy()


def _scaled(matrix: Any, power: float) -> Any:
    """Return the diagonal matrix of the sums of rows to a power, 0 where a row sums to 0."""
    import scipy.sparse

    sums = np.asarray(matrix.sum(axis=1), dtype=np.float64)
    with np.errstate(divide="ignore"):
        scale = np.where(sums > 0, sums**power, 0.0)
    return scipy.sparse.dia_array((scale[None], [0]), shape=matrix.shape)


def normalised_adjacency(graph: Graph, loops: bool = True) -> Any:
    """Return ``D^-½ (A + I) D^-½`` (Kipf and Welling 2017, eq. 2's renormalisation trick); ``D^-½ A D^-½`` without
    loops.

    Raises:
        InputError: an edge weight is negative.
    """
    import scipy.sparse

    matrix = _weights(graph)
    if loops:
        matrix = matrix + scipy.sparse.eye_array(graph.n_nodes, format="csr")
    scale = _scaled(matrix, -0.5)
    return (scale @ matrix @ scale).tocsr()


def attended_adjacency(graph: Graph, loops: bool = True) -> Any:
    """Return the edge weights with 1 on the diagonal, which a node attends to itself by; none there without loops.

    Raises:
        InputError: an edge weight is negative.
    """
    import scipy.sparse

    matrix = _weights(graph.without_self_loops())
    matrix.eliminate_zeros()
    return (matrix + scipy.sparse.eye_array(graph.n_nodes, format="csr")).tocsr() if loops else matrix


def mean_adjacency(graph: Graph) -> Any:
    """Return ``D^-1 A``: a product with it is the mean over the neighbours, by weight.

    Raises:
        InputError: an edge weight is negative.
    """
    matrix = _weights(graph)
    return (_scaled(matrix, -1.0) @ matrix).tocsr()


def summed_adjacency(graph: Graph) -> Any:
    """Return the edge weights without self-loops: a product with it is the sum over the neighbours, by weight.

    Raises:
        InputError: an edge weight is negative.
    """
    return _weights(graph.without_self_loops())
