"""Receptive fields: what L layers of a graph network must see to answer for some nodes, exactly or sampled.

Hamilton, Ying and Leskovec 2017, Inductive Representation Learning on Large Graphs (algorithm 2: the nodes needed are
found layer by layer from the last to the first, each layer over its own bipartite graph).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Layer:
    """The entries of a square CSR matrix that one layer reads, over numbers of their own.

    Args:
        indptr: ``(rows + 1,)`` int64.
        indices: ``(entries,)`` int32 in ``0 … columns - 1``; row ``i`` is the node of column ``i``.
        columns: how many nodes the layer reads from.
        entries: ``(entries,)`` places in the whole matrix.
        share: ``(entries,)`` float32, by how many an entry counts for those of its row that were not drawn.
    """

    indptr: Ints
    indices: NDArray[np.int32]
    columns: int
    entries: Ints
    share: NDArray[np.float32]

    def of(self, values: NDArray[np.float32]) -> Any:
        """Return the layer's SciPy CSR matrix ``(rows, columns)`` for the ``values (m,)`` of the whole matrix."""
        import scipy.sparse

        data = values[self.entries] * self.share
        return scipy.sparse.csr_array(
            (data, self.indices, self.indptr), shape=(len(self.indptr) - 1, self.columns)
        )


@dataclass(frozen=True, eq=False)
class ReceptiveField:
    """What is read for some nodes: ``layers``, the first one first, and the ``nodes`` that the first one reads."""

    layers: tuple[Layer, ...]
    nodes: Ints


class FieldFinder:
    """Finds receptive fields in one CSR matrix, with memory that is kept from one to the next.

    Args:
        indptr: ``(n + 1,)`` int64.
        indices: ``(m,)`` int32.
        seed: of the draws.
    """

    def __init__(self, indptr: Ints, indices: NDArray[np.int32], seed: int = 0) -> None:
        self._indptr, self._indices, self._seed = indptr, indices, seed
        self._place = np.full(len(indptr) - 1, -1, dtype=np.int32)

    def __call__(self, ids: Ints, fanouts: Sequence[int | None], epoch: int = 0) -> ReceptiveField:
        """Return the field of ``ids (b,)``, none twice, through a layer for each of ``fanouts``.

        Args:
            ids: nodes.
            fanouts: neighbours drawn for a node in each layer, from the first to the last; None takes all. An entry on
                the diagonal is always there and does not count.
            epoch: draws of another epoch are others.
        """
        from neuroloom.graphs._kernels_blocks import layer_block

        found: list[Layer] = []
        nodes = np.ascontiguousarray(ids, dtype=np.int64)
        for depth, fanout in enumerate(reversed(fanouts)):
            many = -1 if fanout is None else fanout
            parts = layer_block(
                self._indptr,
                self._indices,
                nodes,
                many,
                self._seed,
                epoch * len(fanouts) + depth,
                self._place,
            )
            indptr, indices, entries, share, nodes = parts
            found.append(Layer(indptr, indices, len(nodes), entries, share))
        return ReceptiveField(tuple(reversed(found)), nodes)
