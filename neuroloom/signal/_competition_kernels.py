"""Compiled loops of the competing wavelet kernels; imported only when they are used."""

from __future__ import annotations

import numpy as np

from neuroloom.signal._compiled import compiled
from neuroloom.signal._ppv_kernels import TAPS, Ints, Singles, pad, write_band, write_input


@compiled
def win_and_lose(
    X: Singles, kernels: Singles, units: Ints, channels: Ints, channel_start: Ints, groups: Ints, out: Singles
) -> None:
    """Write the sums of the largest values, and the counts of the least, of each kernel of each group.

    A *unit* is one dilation over one input: a row of ``units`` ``(units, 2)``, dilation and 1 for the difference. It
    filters the sum of the channels ``channels[channel_start[u]:channel_start[u + 1]]``.

    Args:
        X: ``(n, channels, length)``.
        kernels: ``(K, 9)``.
        units, channels, channel_start: see above.
        groups: ``(units, groups, k)`` numbers of the kernels that compete.
        out: ``(n, units, groups, k, 2)``, written: the sum of a kernel's values where it has the largest, and at how
            many t it has the least. Of equal ones the first counts.
    """
    length = X.shape[2]
    signal = np.empty(length, dtype=np.float32)
    room = np.empty(length + (TAPS - 1) * units[:, 0].max(), dtype=np.float32)
    bands = np.empty((len(kernels), length), dtype=np.float32)
    largest, least = np.empty(length, dtype=np.float32), np.empty(length, dtype=np.float32)
    winner, loser = np.empty(length, dtype=np.uint32), np.empty(length, dtype=np.uint32)
    sums = np.empty((4, groups.shape[2]), dtype=np.float32)
    counts = np.empty((4, groups.shape[2]), dtype=np.int32)
    for i in range(len(X)):
        for u in range(len(units)):
            dilation, differenced = units[u]
            own = write_input(
                X[i], channels[channel_start[u] : channel_start[u + 1]], differenced == 1, signal
            )
            padded = pad(signal[:own], dilation, room)
            for k in range(len(kernels)):
                write_band(padded, kernels[k], dilation, bands[k, :own])
            for g in range(groups.shape[1]):
                first = bands[groups[u, g, 0]]
                for t in range(own):
                    largest[t], least[t] = first[t], first[t]
                    winner[t], loser[t] = np.uint32(0), np.uint32(0)
                for j in range(1, groups.shape[2]):
                    band = bands[groups[u, g, j]]
                    for t in range(own):
                        if band[t] > largest[t]:
                            winner[t] = np.uint32(j)
                        largest[t] = max(largest[t], band[t])
                    for t in range(own):
                        if band[t] < least[t]:
                            loser[t] = np.uint32(j)
                        least[t] = min(least[t], band[t])
                sums[:] = 0.0
                counts[:] = 0
                for t in range(own):  # four lanes: what follows need not wait for the sum before it
                    sums[np.uint32(t & 3), winner[t]] += largest[t]
                    counts[np.uint32(t & 3), loser[t]] += 1
                for j in range(groups.shape[2]):
                    out[i, u, g, j, 0] = (sums[0, j] + sums[1, j]) + (sums[2, j] + sums[3, j])
                    out[i, u, g, j, 1] = counts[0, j] + counts[1, j] + counts[2, j] + counts[3, j]
