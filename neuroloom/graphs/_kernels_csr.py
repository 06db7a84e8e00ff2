"""Numba kernel of the product of a sparse matrix and a dense one."""

# numba ships no types, so its decorator is untyped
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]


@njit(cache=True, fastmath=True, error_model="numpy", nogil=True)
def csr_dot(indptr: Array, indices: Array, values: Array, x: Array) -> Array:
    """Return the product ``(n, d)`` of a CSR matrix and a dense ``x (m, d)``, both float32.

    A row is summed in the order of its entries.
    """
    n, d = len(indptr) - 1, x.shape[1]
    out = np.empty((n, d), dtype=x.dtype)
    for i in range(n):
        for k in range(d):
            out[i, k] = 0
        begin, end = indptr[i], indptr[i + 1]
        at = begin
        while at + 4 <= end:
            a, b = np.uint64(indices[at]), np.uint64(indices[at + 1])
            c, e = np.uint64(indices[at + 2]), np.uint64(indices[at + 3])
            v0, v1, v2, v3 = values[at], values[at + 1], values[at + 2], values[at + 3]
            for k in range(d):
                out[i, k] += v0 * x[a, k] + v1 * x[b, k] + v2 * x[c, k] + v3 * x[e, k]
            at += 4
        while at < end:
            a = np.uint64(indices[at])
            v0 = values[at]
            for k in range(d):
                out[i, k] += v0 * x[a, k]
            at += 1
    return out


@njit(cache=True, error_model="numpy", nogil=True)
def csr_max(indptr: Array, indices: Array, x: Array) -> tuple[Array, Array]:
    """Return for each row the largest ``x (m, d)`` over its columns, number by number, and ``(n, d)`` the column it is
    from, the first of equals; a row without entries has 0 and -1.
    """
    n, d = len(indptr) - 1, x.shape[1]
    out, at = np.zeros((n, d), dtype=x.dtype), np.full((n, d), -1, dtype=np.int32)
    for i in range(n):
        for entry in range(indptr[i], indptr[i + 1]):
            j = indices[entry]
            for k in range(d):
                if at[i, k] < 0 or x[j, k] > out[i, k]:
                    out[i, k], at[i, k] = x[j, k], j
    return out, at


@njit(cache=True, error_model="numpy", nogil=True)
def csr_max_backward(at: Array, grad: Array, count: int) -> Array:
    """Return the gradient ``(count, d)`` of :func:`csr_max`'s x for the gradient ``grad (n, d)`` of its output."""
    out = np.zeros((count, grad.shape[1]), dtype=grad.dtype)
    for i in range(len(grad)):
        for k in range(grad.shape[1]):
            if at[i, k] >= 0:
                out[at[i, k], k] += grad[i, k]
    return out
