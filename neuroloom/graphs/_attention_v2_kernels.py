"""Numba kernels of dynamic graph attention (GATv2) over CSR, forward and backward fused over the edges.

Shapes as in ``_attention_kernels``: n rows over c columns, m stored edges, H heads, D numbers a head.
"""

# numba ships no types, so its decorator is untyped
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from neuroloom.graphs._attention_kernels import softmax_sum

Array = NDArray[Any]
_FAST = {"contract", "reassoc", "nsz", "arcp"}


def attend(
    indptr: Array,
    indices: Array,
    l: Array,
    r: Array,
    a: Array,
    keep: Array,
    *,
    slope: float,
    prior: Array | None = None,
) -> tuple[Array, Array]:
    """Return ``out (n, H, D)`` and ``alpha (m, H)`` of one layer.

    ``alpha_ij ∝ prior_ij exp(a · LeakyReLU(l_i + r_j))`` and ``out_i = Σ_j keep_ij alpha_ij r_j``, head by head.
    l, r: ``(c, H, D)``; a: ``(H, D)``; keep, prior: as for ``_attention_kernels.attend``.
    """
    alpha = np.empty((len(indices), a.shape[0]), dtype=l.dtype)
    _scores(indptr, indices, l, r, a, slope, alpha)
    return softmax_sum(indptr, indices, r, keep, alpha, prior), alpha


@njit(cache=True, fastmath=_FAST, error_model="numpy", nogil=True)
def _scores(indptr: Array, indices: Array, l: Array, r: Array, a: Array, slope: float, alpha: Array) -> None:
    """Write ``a · LeakyReLU(l_i + r_j)``, less the largest of its row, to ``alpha (m, H)``."""
    heads, width = a.shape
    top = np.empty(heads, dtype=l.dtype)
    for i in range(len(indptr) - 1):
        begin, end = indptr[i], indptr[i + 1]
        top[:] = -np.inf
        for at in range(begin, end):
            j = np.uint64(indices[at])
            for k in range(heads):
                e = l.dtype.type(0)
                for c in range(width):
                    z = l[i, k, c] + r[j, k, c]
                    e += a[k, c] * max(z, slope * z)
                alpha[at, k] = e
                top[k] = max(top[k], e)
        for at in range(begin, end):
            for k in range(heads):
                alpha[at, k] -= top[k]


@njit(cache=True, fastmath=_FAST, error_model="numpy", nogil=True)
def attend_backward(
    indptr: Array,
    indices: Array,
    l: Array,
    r: Array,
    a: Array,
    keep: Array,
    slope: float,
    alpha: Array,
    grad: Array,
) -> tuple[Array, Array, Array]:
    """Return the gradients of l, r and a for the gradient ``grad (n, H, D)`` of :func:`attend`'s output."""
    heads, width = a.shape
    dl, dr, da = np.zeros_like(l), np.zeros_like(r), np.zeros_like(a)
    dropping = len(keep) > 0
    longest = 0
    for i in range(len(indptr) - 1):
        longest = max(longest, indptr[i + 1] - indptr[i])
    dalpha, mean = np.empty((longest, heads), dtype=l.dtype), np.empty(heads, dtype=l.dtype)
    one = l.dtype.type(1)
    for i in range(len(indptr) - 1):
        begin, end = indptr[i], indptr[i + 1]
        mean[:] = 0
        for at in range(begin, end):
            j = np.uint64(indices[at])
            for k in range(heads):
                factor = keep[at, k] if dropping else one
                dot = l.dtype.type(0)
                for c in range(width):
                    dot += grad[i, k, c] * r[j, k, c]
                dot *= factor
                dalpha[at - begin, k] = dot
                mean[k] += alpha[at, k] * dot
        for at in range(begin, end):
            j = np.uint64(indices[at])
            for k in range(heads):
                e = alpha[at, k] * (dalpha[at - begin, k] - mean[k])
                b = alpha[at, k] * (keep[at, k] if dropping else one)
                for c in range(width):
                    z = l[i, k, c] + r[j, k, c]
                    sloped = one if z > 0 else slope
                    g = e * a[k, c] * sloped
                    dl[i, k, c] += g
                    dr[j, k, c] += g + b * grad[i, k, c]
                    da[k, c] += e * z * sloped
    return dl, dr, da
