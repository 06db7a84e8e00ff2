"""What can be put beside node features: where a node lies in its graph, told without its name.

Random-walk encodings: Dwivedi, Luu, Laurent, Bengio and Bresson 2022, Graph Neural Networks with Learnable Structural
and Positional Representations.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.graph import Graph

ENCODINGS = ("none", "degree", "random-walk")
STEPS = 16
_BLOCK = 512  # nodes whose walks are followed at once


def encoded(name: str, graph: Graph) -> NDArray[np.float32]:
    """Return the encoding ``name`` of all nodes, ``(n, 1)`` or ``(n, 16)``.

    ``degree``: ``ln(1 + degree)``. ``random-walk``: the chances ``(A D⁻¹)ᵏ_ii`` of a walk to be back where it began
    after k = 1 … 16 steps, exact.
    """
    if name == "degree":
        return np.log1p(graph.degrees).astype(np.float32)[:, None]
    import scipy.sparse

    matrix = graph.to_scipy()
    sums = np.asarray(matrix.sum(axis=1))
    scale = np.where(sums > 0, 1 / np.where(sums > 0, sums, 1), 0)
    step = scipy.sparse.csr_array(scipy.sparse.dia_array((scale[None], [0]), shape=matrix.shape) @ matrix)
    found = np.zeros((graph.n_nodes, STEPS), dtype=np.float32)
    for start in range(0, graph.n_nodes, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, graph.n_nodes))
        at = step[rows].toarray()
        for k in range(STEPS):
            found[rows, k] = at[np.arange(len(rows)), rows]
            at = at @ step
    return found
