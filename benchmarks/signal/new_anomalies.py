"""Families of series with an anomaly that served no design: drawn after ``WaveletDetector`` was settled.

Each family gives ``(x, begin, size, window)`` for a random generator and the number of its fault: 4,000 steps, the
first 1,500 normal, an anomaly of ``size`` steps after them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from neuroloom.tasks.anomalies import windows
from neuroloom.tasks.task import Data

Floats = NDArray[np.float64]
Random = np.random.Generator
STEPS, NORMAL = 4000, 1500


def _begin(r: Random, size: int) -> int:
    return int(r.integers(NORMAL + 200, STEPS - size - 200))


def _vibration(r: Random, fault: int) -> tuple[Floats, int, int, int]:
    """Two tones of no common period; a bearing rings four times, or one tone doubles."""
    t, begin, size = np.arange(STEPS), 0, 120
    begin = _begin(r, size)
    inside = (t >= begin) & (t < begin + size)
    x = np.sin(2 * np.pi * t / 31.7) + 0.6 * np.sin(2 * np.pi * t / 12.3) * np.where(
        inside & (fault == 1), 2, 1
    )
    if fault == 0:
        for k in range(4):
            at = begin + 30 * k
            x[at : at + 30] += 1.2 * np.exp(-np.arange(30) / 6) * np.sin(2 * np.pi * np.arange(30) / 3.1)
    return x + 0.2 * r.standard_normal(STEPS), begin, size, 64


def _pulses(r: Random, fault: int) -> tuple[Floats, int, int, int]:
    """Pulses at slightly irregular times; one is missing, or one is twice as wide."""
    x, at, begin = 0.1 * r.standard_normal(STEPS), 20, _begin(r, 80)
    done = False
    while at < STEPS - 40:
        width = 12
        if not done and at >= begin:
            done, begin = True, at
            width = 0 if fault == 0 else 24
        x[at : at + width] += 1
        at += 40 + int(r.integers(-3, 4))
    return x, begin, 30, 80


def _visitors(r: Random, fault: int) -> tuple[Floats, int, int, int]:
    """Counts by the half-hour with a day's course; a night is busy, or a day has no noon peak."""
    t = np.arange(STEPS)
    hour = (t % 48) / 2
    course = 3 + 40 * np.exp(-(((hour - 12) / 2.5) ** 2)) + 25 * np.exp(-(((hour - 18) / 2) ** 2))
    day = int(r.integers(NORMAL // 48 + 5, STEPS // 48 - 5))
    begin, size = (48 * day, 12) if fault == 0 else (48 * day + 18, 12)
    course[begin : begin + size] = 30 if fault == 0 else 6
    return r.poisson(course).astype(float), begin, size, 48


def _sensor(r: Random, fault: int) -> tuple[Floats, int, int, int]:
    """A slow tide in correlated noise; the noise falls to a third, or the reading drifts away and back."""
    e, noise = r.standard_normal(STEPS), np.zeros(STEPS)
    for t in range(1, STEPS):
        noise[t] = 0.6 * noise[t - 1] + 0.3 * e[t]
    size = 100
    begin = _begin(r, size)
    tide = np.sin(2 * np.pi * np.arange(STEPS) / 124)
    if fault == 0:
        noise[begin : begin + size] /= 3
    else:
        tide[begin : begin + size] += 1.5 * np.hanning(size)
    return tide + noise, begin, size, 124


def _breath(r: Random, fault: int) -> tuple[Floats, int, int, int]:
    """Breaths of wandering rate and depth; they become shallow, or fast."""
    size = 150
    begin = _begin(r, size)
    wander = np.convolve(r.standard_normal(STEPS + 299), np.hanning(300), "valid")
    rate = (1 + 0.1 * wander / wander.std()) / 50
    depth = np.ones(STEPS)
    if fault == 0:
        depth[begin : begin + size] = 0.35
    else:
        rate[begin : begin + size] *= 1.8
    phase = 2 * np.pi * np.cumsum(rate)
    return depth * np.sin(phase + 0.4 * np.sin(phase)) + 0.1 * r.standard_normal(STEPS), begin, size, 100


def _lorenz(r: Random, fault: int) -> tuple[Floats, int, int, int]:
    """The first coordinate of Lorenz's system; its parameter changes, or it is replaced by noise of its spectrum."""
    size = 200
    begin = _begin(r, size)
    state, x = r.normal(size=3) + np.array([0, 0, 25]), np.empty(STEPS)
    for t in range(STEPS):
        rho = 45.0 if fault == 0 and begin <= t < begin + size else 28.0
        for _ in range(4):
            a, b, c = state
            state = state + 0.008 * np.array([10 * (b - a), a * (rho - c) - b, a * b - 8 / 3 * c])
        x[t] = state[0]
    if fault == 1:
        piece = np.fft.rfft(x[begin : begin + size])
        turned = np.abs(piece) * np.exp(2j * np.pi * r.random(len(piece)))
        turned[0] = piece[0]
        x[begin : begin + size] = np.fft.irfft(turned, size)
    return x / 8 + 0.05 * r.standard_normal(STEPS), begin, size, 100


def _moving_average(r: Random, fault: int) -> tuple[Floats, int, int, int]:
    """Noise whose neighbours agree; in the anomaly they disagree, or it has heavy tails, at the same variance."""
    size = 150
    begin = _begin(r, size)
    e = r.standard_normal(STEPS + 1)
    if fault == 1:
        e[begin : begin + size] = r.standard_t(2.2, size) / 3.3
    x = e[1:] + 0.8 * e[:-1]
    if fault == 0:
        x[begin : begin + size] = (e[1:] - 0.8 * e[:-1])[begin : begin + size]
    return x, begin, size, 100


def _decays(r: Random, fault: int) -> tuple[Floats, int, int, int]:
    """Events that rise at once and fade, at random times; they fade slower, or rise slowly."""
    size, x, at = 200, 0.1 * r.standard_normal(STEPS), 0
    begin = _begin(r, size)
    while at < STEPS - 120:
        odd = begin <= at < begin + size - 60
        shape = np.exp(-np.arange(120) / (22.0 if odd and fault == 0 else 9.0))
        if odd and fault == 1:
            shape = shape * (1 - np.exp(-np.arange(120) / 6.0)) * 1.8
        x[at : at + 120] += r.uniform(0.8, 1.2) * shape
        at += int(25 + r.exponential(20))
    return x, begin, size, 90


FAMILIES: dict[str, Callable[[Random, int], tuple[Floats, int, int, int]]] = {
    "vibration": _vibration,
    "pulses": _pulses,
    "visitors": _visitors,
    "sensor": _sensor,
    "breath": _breath,
    "lorenz": _lorenz,
    "moving-average": _moving_average,
    "decays": _decays,
}


def new_series(family: str, seed: int) -> Data:
    """Return the windows of one series; its fault is that of the seed's parity."""
    random = np.random.default_rng([2027, list(FAMILIES).index(family), seed])
    x, begin, size, window = FAMILIES[family](random, seed % 2)
    marked = np.zeros(len(x), dtype=np.int64)
    marked[begin : begin + size] = 1
    return windows(x, marked, NORMAL, window)
