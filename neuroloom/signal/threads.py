"""Work on parts of a batch in threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def slices(n: int, parts: int) -> list[slice]:
    """Return ``n`` rows as at most ``parts`` slices of nearly equal length, at least one."""
    parts = max(1, min(parts, n))
    return [slice(n * k // parts, n * (k + 1) // parts) for k in range(parts)]


def in_threads(call: Callable[[Any], Any], parts: Sequence[Any]) -> list[Any]:
    """Return ``call`` of each part in order, all parts at a time; a single one without a thread of its own."""
    if len(parts) == 1:
        return [call(parts[0])]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(len(parts)) as pool:
        return list(pool.map(call, parts))
