"""Compiled loops of the wavelet PPV features; imported only when they are used.

All arrays are C-contiguous. A *band* is one kernel at one dilation over one input (the signal or its difference), given
by a row of ``bands`` ``(bands, 3)``: number of the kernel, dilation, 1 for the difference. It filters the sum of the
channels ``channels[channel_start[k]:channel_start[k + 1]]``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuroloom.signal._compiled import compiled

Singles = NDArray[np.float32]
Ints = NDArray[np.int32]

TAPS = 9


@compiled
def write_band(padded: Singles, taps: Singles, dilation: int, out: Singles) -> None:
    """Write out[t] = sum_j taps[j] padded[t + j dilation].

    Args:
        padded: ``(length + 8 dilation,)``: the input between zeros.
        taps: ``(9,)``.
        out: ``(length,)``, written.
    """
    n, d = len(out), dilation
    a, b, c, e, f = padded[:n], padded[d : d + n], padded[2 * d :], padded[3 * d :], padded[4 * d :]
    t0, t1, t2, t3, t4 = taps[0], taps[1], taps[2], taps[3], taps[4]
    for t in range(n):  # nine arrays in one loop are more than the compiler makes vectors of
        out[t] = t0 * a[t] + t1 * b[t] + t2 * c[t] + t3 * e[t] + t4 * f[t]
    a, b, c, e = padded[5 * d :], padded[6 * d :], padded[7 * d :], padded[8 * d :]
    t0, t1, t2, t3 = taps[5], taps[6], taps[7], taps[8]
    for t in range(n):
        out[t] = out[t] + t0 * a[t] + t1 * b[t] + t2 * c[t] + t3 * e[t]


@compiled
def pad(x: Singles, dilation: int, out: Singles) -> Singles:
    """Return ``x`` between 4 ``dilation`` zeros at each end, in the room ``out``."""
    edge = (TAPS // 2) * dilation
    padded = out[: len(x) + 2 * edge]
    padded[:edge] = 0.0
    padded[edge : edge + len(x)] = x
    padded[edge + len(x) :] = 0.0
    return padded


@compiled
def write_input(x: Singles, channels: Ints, differenced: bool, out: Singles) -> int:
    """Write the sum of ``channels`` of ``x`` ``(channels, length)``, or its difference; return how long that is."""
    length = int(x.shape[1])
    out[:] = 0.0
    for c in channels:
        for t in range(length):
            out[t] += x[c, t]
    if differenced:
        length -= 1
        for t in range(length):
            out[t] = out[t + 1] - out[t]
    return length


@compiled
def one_band(
    X: Singles, kernels: Singles, bands: Ints, channels: Ints, channel_start: Ints, k: int
) -> Singles:
    """Return ``(n, length)`` float32: band ``k`` of each sample of ``X`` ``(n, channels, length)``.

    ``kernels`` is ``(K, 9)``. The last value of a difference is 0 and no part of the band.
    """
    out = np.zeros((X.shape[0], X.shape[2]), dtype=np.float32)
    signal = np.empty(X.shape[2], dtype=np.float32)
    kernel, dilation, differenced = bands[k]
    room = np.empty(X.shape[2] + (TAPS - 1) * dilation, dtype=np.float32)
    own = channels[channel_start[k] : channel_start[k + 1]]
    for i in range(len(X)):
        length = write_input(X[i], own, differenced == 1, signal)
        write_band(pad(signal[:length], dilation, room), kernels[kernel], dilation, out[i, :length])
    return out


@compiled
def ppv(
    X: Singles,
    kernels: Singles,
    bands: Ints,
    channels: Ints,
    channel_start: Ints,
    thresholds: Singles,
    windows: Ints,
    out: Singles,
) -> None:
    """Write out[i, k * per + j] = share of t in windows[k] at which band k exceeds thresholds[k, j].

    Args:
        X: ``(n, channels, length)``.
        kernels: ``(K, 9)``.
        bands, channels, channel_start: see the top of this file.
        thresholds: ``(bands, per)``.
        windows: ``(bands, 2)``, first and one past the last t.
        out: ``(n, bands * per)``, written.
    """
    length, per = X.shape[2], thresholds.shape[1]
    inputs = np.empty((2, length), dtype=np.float32)
    room = np.empty(length + (TAPS - 1) * bands[:, 1].max(), dtype=np.float32)
    band = np.empty(length, dtype=np.float32)
    single = X.shape[1] == 1
    for i in range(len(X)):
        if single:
            write_input(X[i], channels[:1], False, inputs[0])
            write_input(X[i], channels[:1], True, inputs[1])
        padded, dilated, of = room, 0, 0
        for k in range(len(bands)):
            kernel, dilation, differenced = bands[k]
            if not single:
                write_input(
                    X[i],
                    channels[channel_start[k] : channel_start[k + 1]],
                    differenced == 1,
                    inputs[differenced],
                )
            own = length - differenced
            if not single or dilation != dilated or differenced != of:
                padded, dilated, of = pad(inputs[differenced, :own], dilation, room), dilation, differenced
            write_band(padded, kernels[kernel], dilation, band[:own])
            part = band[windows[k, 0] : windows[k, 1]]
            for j in range(per):
                limit = thresholds[k, j]
                count = np.int32(0)
                for t in range(len(part)):
                    count += np.int32(part[t] > limit)
                out[i, k * per + j] = np.float32(count) / np.float32(len(part))
