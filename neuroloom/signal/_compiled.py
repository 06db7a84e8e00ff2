"""How the kernels of this room are compiled. Importing this module imports numba."""

from __future__ import annotations

from typing import Any

from numba import njit


def compiled(function: Any) -> Any:
    """Compile without the interpreter's lock, kept on disk where numba finds a place to write."""
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:  # no writable place for numba's cache
        return njit(nogil=True)(function)
