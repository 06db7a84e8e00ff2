"""Compiled loops of the visibility graphs; imported only when they are used."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuroloom.signal._compiled import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@compiled
def natural_edges(x: Floats) -> Ints:
    """Return ``(edges, 2)`` pairs that see each other over ``x (n,)``, in no order.

    Nothing is seen across the highest value of a stretch, so it is joined with what it sees to either side, and both
    sides go on by themselves: n log n steps on usual series, n² where values only rise or only fall.
    """
    n = len(x)
    edges = np.empty((4 * n + 4, 2), dtype=np.int64)
    count = 0
    stack = np.empty((n + 2, 2), dtype=np.int64)
    stack[0, 0], stack[0, 1] = 0, n - 1
    top = 1
    while top > 0:
        top -= 1
        first, last = stack[top]
        if first >= last:
            continue
        peak = first
        for t in range(first + 1, last + 1):
            if x[t] > x[peak]:
                peak = t
        if count + last - first + 1 > len(edges):
            grown = np.empty((2 * len(edges) + n, 2), dtype=np.int64)
            grown[:count] = edges[:count]
            edges = grown
        steepest = -np.inf
        for t in range(peak - 1, first - 1, -1):
            slope = (x[t] - x[peak]) / (peak - t)
            if slope > steepest:
                steepest = slope
                edges[count, 0], edges[count, 1] = t, peak
                count += 1
        steepest = -np.inf
        for t in range(peak + 1, last + 1):
            slope = (x[t] - x[peak]) / (t - peak)
            if slope > steepest:
                steepest = slope
                edges[count, 0], edges[count, 1] = peak, t
                count += 1
        stack[top, 0], stack[top, 1] = first, peak - 1
        stack[top + 1, 0], stack[top + 1, 1] = peak + 1, last
        top += 2
    return edges[:count]


@compiled
def horizontal_edges(x: Floats) -> Ints:
    """Return ``(edges, 2)`` pairs of ``x (n,)`` with nothing as high as either between them; in n steps, by a stack."""
    n = len(x)
    edges = np.empty((2 * n, 2), dtype=np.int64)
    count = 0
    stack = np.empty(n, dtype=np.int64)  # values that fall from the bottom to the top
    top = 0
    for t in range(n):
        while top > 0:
            top -= 1
            before = stack[top]
            edges[count, 0], edges[count, 1] = before, t
            count += 1
            if x[before] >= x[t]:
                if x[before] > x[t]:
                    top += 1  # still seen by what comes
                break
        stack[top] = t
        top += 1
    return edges[:count]
