"""Numba kernels of graph attention over CSR, forward and backward fused over the edges.

Shapes: n rows over c columns, the first n of which are the rows (n = c in a whole graph), m stored edges, H heads, D
numbers a head; row i attends to ``indices[indptr[i]:indptr[i + 1]]``. All arrays are float32 or float64 alike, indptr
int64, indices int32.
"""

# numba ships no types, so its decorator is untyped
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]


_WIDE = 64  # numbers a head above which going round a dropped coefficient saves more than the branch costs
_FAST = {"contract", "reassoc", "nsz", "arcp"}


def attend(
    indptr: Array,
    indices: Array,
    h: Array,
    s: Array,
    t: Array,
    keep: Array,
    *,
    slope: float,
    prior: Array | None = None,
) -> tuple[Array, Array]:
    """Return ``out (n, H, D)`` and ``alpha (m, H)`` of one attention layer.

    ``alpha_ij ∝ prior_ij exp(LeakyReLU(s_i + t_j))`` and ``out_i = Σ_j keep_ij alpha_ij h_j``, head by head.
    h: ``(c, H, D)``; s, t: ``(c, H)``; keep: ``(m, H)`` dropout factors or ``(0, H)`` for none; prior: ``(m,)``, at
    least 0, or None for 1 everywhere.
    """
    alpha = np.empty((len(indices), s.shape[1]), dtype=h.dtype)
    _scores(indptr, indices, s, t, slope, alpha)
    return softmax_sum(indptr, indices, h, keep, alpha, prior), alpha


def softmax_sum(
    indptr: Array, indices: Array, h: Array, keep: Array, alpha: Array, prior: Array | None
) -> Array:
    """Turn the scores ``alpha (m, H)``, at most 0, into coefficients in place, and return the sums of ``h`` by them."""
    np.exp(alpha, out=alpha)  # NumPy's is written in vector instructions, numba's is not
    if prior is not None:
        alpha *= prior[:, None]
    out = np.empty((len(indptr) - 1, *h.shape[1:]), dtype=h.dtype)
    _gather(indptr, indices, h, keep, alpha, out)
    return out


@njit(cache=True, fastmath=_FAST, error_model="numpy", nogil=True)
def _scores(indptr: Array, indices: Array, s: Array, t: Array, slope: float, alpha: Array) -> None:
    """Write ``LeakyReLU(s_i + t_j)``, less the largest of its row, to ``alpha (m, H)``."""
    n, heads = len(indptr) - 1, s.shape[1]
    top = np.empty(heads, dtype=s.dtype)
    for i in range(n):
        begin, end = indptr[i], indptr[i + 1]
        top[:] = -np.inf
        for at in range(begin, end):
            j = np.uint64(indices[at])
            for k in range(heads):
                e = s[i, k] + t[j, k]
                e = e if e > 0 else slope * e
                alpha[at, k] = e
                top[k] = max(top[k], e)
        for at in range(begin, end):
            for k in range(heads):
                alpha[at, k] -= top[k]


@njit(cache=True, fastmath=_FAST, error_model="numpy", nogil=True)
def _gather(indptr: Array, indices: Array, h: Array, keep: Array, alpha: Array, out: Array) -> None:
    """Divide ``alpha (m, H)`` by the sums of its rows in place, and write ``Σ_j keep_ij alpha_ij h_j`` to ``out``."""
    n = len(indptr) - 1
    heads, width = h.shape[1], h.shape[2]
    dropping = len(keep) > 0
    skipping = dropping and width >= _WIDE
    total, factor = np.empty(heads, dtype=h.dtype), np.empty(heads, dtype=h.dtype)
    for i in range(n):
        begin, end = indptr[i], indptr[i + 1]
        total[:] = 0
        for at in range(begin, end):
            for k in range(heads):
                total[k] += alpha[at, k]
        for k in range(heads):
            total[k] = 1 / total[k]
        out[i] = 0
        for at in range(begin, end):
            j = np.uint64(indices[at])
            for k in range(heads):
                alpha[at, k] *= total[k]
                factor[k] = alpha[at, k]
            if dropping:
                for k in range(heads):
                    factor[k] *= keep[at, k]
            for k in range(heads):
                a = factor[k]
                if skipping and a == 0:
                    continue
                for c in range(width):
                    out[i, k, c] += a * h[j, k, c]


@njit(cache=True, fastmath=_FAST, error_model="numpy", nogil=True)
def attend_backward(
    indptr: Array,
    indices: Array,
    h: Array,
    s: Array,
    t: Array,
    keep: Array,
    slope: float,
    alpha: Array,
    grad: Array,
) -> tuple[Array, Array, Array]:
    """Return the gradients of h, s and t for the gradient ``grad (n, H, D)`` of :func:`attend`'s output."""
    n, heads, width = len(indptr) - 1, h.shape[1], h.shape[2]
    dh, ds, dt = np.zeros_like(h), np.zeros_like(s), np.zeros_like(t)
    dropping = len(keep) > 0
    skipping = dropping and width >= _WIDE
    longest = 0
    for i in range(n):
        longest = max(longest, indptr[i + 1] - indptr[i])
    dalpha = np.empty((longest, heads), dtype=h.dtype)
    mean = np.empty(heads, dtype=h.dtype)
    for i in range(n):
        begin, end = indptr[i], indptr[i + 1]
        mean[:] = 0
        for at in range(begin, end):
            j = np.uint64(indices[at])
            for k in range(heads):
                factor = keep[at, k] if dropping else h.dtype.type(1)
                dot = h.dtype.type(0)
                if not (skipping and factor == 0):
                    a = factor * alpha[at, k]
                    # a sum and a write in one loop would have bits that hang on addresses
                    for c in range(width):
                        dot += grad[i, k, c] * h[j, k, c]
                    for c in range(width):
                        dh[j, k, c] += a * grad[i, k, c]
                    dot *= factor
                dalpha[at - begin, k] = dot
                mean[k] += alpha[at, k] * dot
        for at in range(begin, end):
            j = np.uint64(indices[at])
            for k in range(heads):
                e = alpha[at, k] * (dalpha[at - begin, k] - mean[k])
                if s[i, k] + t[j, k] <= 0:
                    e *= slope
                ds[i, k] += e
                dt[j, k] += e
    return dh, ds, dt
