"""Numba kernel of one layer's receptive field: the rows wanted, all or some of their neighbours, numbered afresh."""

# numba ships no types, so its decorator is untyped
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from neuroloom.graphs._kernels_random import GAMMA, below, mix, stream_of

Array = NDArray[Any]


@njit(cache=True, nogil=True)
def _choose(count: int, fanout: int, state: Any, chosen: Array) -> Any:
    """Write ``fanout`` of ``0 … count - 1``, none twice, to ``chosen`` (Floyd's method) and return the state."""
    for done in range(fanout):
        last = count - fanout + done
        state += GAMMA
        pick = below(mix(state), last + 1)
        for at in range(done):
            if chosen[at] == pick:
                pick = last
                break
        chosen[done] = pick
    return state


@njit(cache=True, nogil=True)
def layer_block(
    indptr: Array, indices: Array, rows: Array, fanout: int, seed: int, epoch: int, place: Array
) -> tuple[Array, Array, Array, Array, Array]:
    """Return the block of ``rows``: CSR over fresh numbers, and what its numbers and entries stand for.

    A row keeps all its entries, or ``fanout`` of those beside its own diagonal one, drawn without replacement from a
    stream of its own keyed by (seed, epoch, row): what is drawn for a row does not depend on the others.

    indptr, indices: the CSR matrix, ``(n + 1,)`` int64 and ``(m,)`` int32. rows: ``(r,)`` int64, no row twice.
    fanout: at least 1, or -1 for all. place: ``(n,)`` int32 scratch of -1, left so.

    Returns:
        ``(r + 1,)`` int64 and ``(b,)`` int32, the block in CSR; ``(b,)`` int64, the entries' places in the matrix;
        ``(b,)`` float32, by how many an entry stands for those that were not drawn; ``(c,)`` int64, the nodes that the
        block's columns are, the rows first.
    """
    starts = np.zeros(len(rows) + 1, dtype=np.int64)
    for i in range(len(rows)):
        row = rows[i]
        degree = indptr[row + 1] - indptr[row]
        own = 0
        if fanout >= 0 and degree > fanout:
            for at in range(indptr[row], indptr[row + 1]):
                own += indices[at] == row
            degree = own + min(degree - own, fanout)
        starts[i + 1] = starts[i] + degree
    total = starts[-1]
    columns, entries = np.empty(total, dtype=np.int32), np.empty(total, dtype=np.int64)
    share = np.ones(total, dtype=np.float32)
    nodes = np.empty(len(rows) + total, dtype=np.int64)
    for i in range(len(rows)):
        place[rows[i]] = i
        nodes[i] = rows[i]
    known = len(rows)
    chosen = np.empty(max(fanout, 1), dtype=np.int64)
    for i in range(len(rows)):
        row, to = rows[i], starts[i]
        begin, end = indptr[row], indptr[row + 1]
        if end - begin == starts[i + 1] - to:
            for at in range(begin, end):
                entries[to] = at
                to += 1
        else:
            own = -1
            for at in range(begin, end):
                if indices[at] == row:
                    own = at
            others = end - begin - (own >= 0)
            if own >= 0:
                entries[to] = own
                to += 1
            _choose(others, fanout, stream_of(np.uint64(seed), epoch, row), chosen)
            for k in range(fanout):
                at = begin + chosen[k]
                entries[to] = at + (0 <= own <= at)
                share[to] = np.float32(others / fanout)
                to += 1
        for at in range(starts[i], starts[i + 1]):
            node = indices[entries[at]]
            if place[node] < 0:
                place[node] = known
                nodes[known] = node
                known += 1
            columns[at] = place[node]
    for at in range(known):
        place[nodes[at]] = -1
    return starts, columns, entries, share, nodes[:known].copy()
