"""Sets of series that served no design: 18 drawn families, and sets that packages carry.

Of the families each draw has 60 training and 200 test series, in equal shares of the classes. They were all made up
before any method had answered for one, and none was dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.signal.carried_sets import CARRIED, carried
from benchmarks.signal.further_sets import FURTHER, at_most, further

Floats = NDArray[np.float64]
Random = np.random.Generator
Arrays = tuple[Any, Any, Any, Any]


def _two_patterns(k: int, r: Random) -> Floats:
    """Two steps at random places, each up-down or down-up (Geurts 2002): four classes."""
    x = r.normal(size=128)
    for at, up in ((r.integers(5, 40), k // 2), (r.integers(70, 105), k % 2)):
        width = int(r.integers(8, 16))
        sign = 5.0 if up else -5.0
        x[at : at + width // 2] = sign
        x[at + width // 2 : at + width] = -sign
    return x


def _waveform(k: int, r: Random) -> Floats:
    """A random mixture of two of three triangles, with noise (Breiman et al. 1984): three classes."""
    t = np.arange(1, 22)
    triangles = [np.maximum(6 - np.abs(t - at), 0) for at in (11, 15, 7)]
    a, b = ((0, 1), (0, 2), (1, 2))[k]
    u = r.uniform()
    return np.asarray(u * triangles[a] + (1 - u) * triangles[b] + r.normal(size=21))


def _waveform_noise(k: int, r: Random) -> Floats:
    """The same, followed by 19 values of noise."""
    return np.concatenate([_waveform(k, r), r.normal(size=19)])


def _autoregression(k: int, r: Random) -> Floats:
    """AR(2) noise whose spectrum peaks at .08, .11 or .14 cycles a step."""
    a, b = 2 * 0.9 * np.cos(2 * np.pi * (0.08, 0.11, 0.14)[k]), -0.81
    e, x = r.normal(size=250), np.zeros(250)
    for t in range(2, 250):
        x[t] = a * x[t - 1] + b * x[t - 2] + e[t]
    return x[100:]


def _chirps(k: int, r: Random) -> Floats:
    """A tone that rises, falls or stays, at a random place, in noise."""
    t = np.linspace(0, 1, 60)
    low, high = r.uniform(3, 5), r.uniform(9, 11)
    start, end = ((low, high), (high, low), ((low + high) / 2,) * 2)[k]
    x = 0.7 * r.normal(size=160)
    at = int(r.integers(0, 100))
    x[at : at + 60] += (
        np.hanning(60) * 2 * np.sin(2 * np.pi * (start * t + (end - start) * t**2 / 2) + r.uniform(0, 6))
    )
    return x


def _pulse_width(k: int, r: Random) -> Floats:
    """A rectangle of width 8, 12 or 16 at a random place, of random height, in noise."""
    x = 0.6 * r.normal(size=100)
    width, at = (8, 12, 16)[k], int(r.integers(0, 84))
    x[at : at + width] += r.uniform(1.5, 3)
    return x


def _burst_count(k: int, r: Random) -> Floats:
    """One to four bursts at random places."""
    x = 0.5 * r.normal(size=200)
    for at in r.choice(10, k + 1, replace=False) * 20:
        x[at : at + 16] += np.hanning(16) * 3 * np.sin(2 * np.pi * np.arange(16) / 5 + r.uniform(0, 6))
    return x


def _change_kind(k: int, r: Random) -> Floats:
    """A step, a slope, or a change of variance at a random place."""
    x, at = r.normal(size=120), int(r.integers(30, 90))
    if k == 0:
        x[at:] += 1.5
    elif k == 1:
        x += np.linspace(-1.3, 1.3, 120)
    else:
        x[at:] *= 1.9
    return x + r.normal()


def _test_signals(k: int, r: Random) -> Floats:
    """Doppler, HeaviSine, Blocks or Bumps (Donoho and Johnstone 1994), moved circularly a little, in noise."""
    from pywt.data import demo_signal

    x = np.asarray(demo_signal(("Doppler", "HeaviSine", "Blocks", "Bumps")[k], 128))
    x = np.roll((x - x.mean()) / x.std(), int(r.integers(-12, 13)))
    return np.asarray(x + 1.2 * r.normal(size=128))


def _timbre(k: int, r: Random) -> Floats:
    """A tone of random pitch whose four harmonics have one of three profiles."""
    t, pitch = np.arange(150), r.uniform(0.02, 0.05)
    strengths = ((1, 0.5, 0.2, 0.1), (1, 0.1, 0.5, 0.2), (1, 0.3, 0.1, 0.5))[k]
    tone = sum(a * np.sin(2 * np.pi * pitch * (h + 1) * t + r.uniform(0, 6)) for h, a in enumerate(strengths))
    return np.asarray(tone + 0.4 * r.normal(size=150))


def _volatility(k: int, r: Random) -> Floats:
    """Returns of clustered variance (GARCH) or independent ones with heavy tails."""
    if k:
        return r.standard_t(4, size=250)
    x, variance = np.zeros(250), 1.0
    for t in range(1, 250):
        variance = 0.05 + 0.25 * x[t - 1] ** 2 + 0.7 * variance
        x[t] = np.sqrt(variance) * r.normal()
    return x


def _hidden_shape(k: int, r: Random) -> Floats:
    """A triangle or a rectangle of 25 steps hidden in uniform noise."""
    x, at = r.uniform(-1, 1, size=200), int(r.integers(0, 175))
    x[at : at + 25] += 1.6 * (1 - np.abs(np.linspace(-1, 1, 25))) if k else 0.8
    return x


def _lag(k: int, r: Random) -> Floats:
    """Two channels, the second the first some 0, 4 or 8 steps later."""
    x = np.convolve(r.normal(size=140), np.hanning(9), "valid")
    lag = (0, 4, 8)[k]
    return np.stack([x[8:108], x[8 - lag : 108 - lag]]) + 0.8 * r.normal(size=(2, 100))


def _sawtooth(k: int, r: Random) -> Floats:
    """A periodic ramp that rises in .3, .5 or .7 of its period."""
    phase = (np.arange(120) / r.uniform(18, 30) + r.uniform()) % 1.0
    rise = (0.3, 0.5, 0.7)[k]
    return np.asarray(
        np.where(phase < rise, phase / rise, (1 - phase) / (1 - rise)) + 0.35 * r.normal(size=120)
    )


def _long_memory(k: int, r: Random) -> Floats:
    """Noise of spectrum f^-b, b = 0.2, 0.7, 1.2 or 1.7."""
    f = np.fft.rfftfreq(256)
    f[0] = f[1]
    spectrum = np.fft.rfft(r.normal(size=256)) * f ** (-(0.2, 0.7, 1.2, 1.7)[k] / 2)
    x = np.fft.irfft(spectrum)[:180]
    return np.asarray((x - x.mean()) / x.std())


def _modulation(k: int, r: Random) -> Floats:
    """A carrier whose amplitude, frequency or nothing at all is modulated."""
    t = np.arange(180)
    slow = np.sin(2 * np.pi * t * r.uniform(0.01, 0.02) + r.uniform(0, 6))
    carrier = 2 * np.pi * r.uniform(0.1, 0.14) * t + r.uniform(0, 6)
    tone = ((1 + 0.5 * slow) * np.sin(carrier), np.sin(carrier + 2 * slow), np.sin(carrier))[k]
    return np.asarray(tone + 0.6 * r.normal(size=180))


def _chaos(k: int, r: Random) -> Floats:
    """A logistic map at r = 3.75 or 3.9, or one with its values in random order, in noise."""
    x = np.empty(140)
    x[0] = r.uniform(0.1, 0.9)
    for t in range(1, 140):
        x[t] = (3.75, 3.9, 3.9)[k] * x[t - 1] * (1 - x[t - 1])
    kept = x[20:] if k < 2 else r.permutation(x[20:])
    return np.asarray(kept + 0.25 * r.normal(size=120))


def _daily_level(k: int, r: Random) -> Floats:
    """A day's course of one of four shapes whose level tells the class as much as the shape."""
    hours = np.arange(48) / 2
    peaks = ((8, 18), (9, 17), (8, 18), (12, 20))[k]
    course = sum(np.exp(-(((hours - at - r.normal(scale=0.7)) / 2) ** 2)) for at in peaks)
    return np.asarray((3, 3, 4, 3.5)[k] + r.normal(scale=0.5) + 1.5 * course + 0.5 * r.normal(size=48))


FAMILIES: dict[str, tuple[int, Callable[[int, Random], Floats]]] = {
    "two-patterns": (4, _two_patterns),
    "waveform": (3, _waveform),
    "waveform-noise": (3, _waveform_noise),
    "autoregression": (3, _autoregression),
    "chirps": (3, _chirps),
    "pulse-width": (3, _pulse_width),
    "burst-count": (4, _burst_count),
    "change-kind": (3, _change_kind),
    "test-signals": (4, _test_signals),
    "timbre": (3, _timbre),
    "volatility": (2, _volatility),
    "hidden-shape": (2, _hidden_shape),
    "lag": (3, _lag),
    "sawtooth": (3, _sawtooth),
    "long-memory": (4, _long_memory),
    "modulation": (3, _modulation),
    "chaos": (3, _chaos),
    "daily-level": (4, _daily_level),
}


def drawn(name: str, draw: int = 0) -> Arrays:
    """Return ``(X, y, X_test, y_test)`` of the family anew, X ``(260, channels, length)`` float32 in all."""
    classes, make = FAMILIES[name]
    place = list(FAMILIES).index(name)
    random = np.random.default_rng([2026, place, draw] if draw else [2026, place])
    y = np.arange(260) % classes
    X = np.stack([np.atleast_2d(make(int(k), random)) for k in y]).astype(np.float32)
    return X[:60], y[:60], X[60:], y[60:]


def resampled(data: Arrays, draw: int) -> Arrays:
    """Return both parts joined and drawn anew, as many of each class for training as before; draw 0 changes nothing."""
    if draw == 0:
        return data
    X, y = np.concatenate([data[0], data[2]]), np.concatenate([data[1], data[3]])
    random = np.random.default_rng(draw)
    train = np.zeros(len(y), dtype=bool)
    for label, count in zip(*np.unique(data[1], return_counts=True), strict=True):
        train[random.permutation(np.flatnonzero(y == label))[:count]] = True
    return X[train], y[train], X[~train], y[~train]


GROUPS = {"drawn": tuple(FAMILIES), "carried": tuple(CARRIED), "further": tuple(FURTHER)}


def new_sets(folder: Path | None = None) -> Iterator[tuple[str, Callable[[int], Arrays]]]:
    """Yield name and what returns a draw: families, and with a folder of packages resamples of what they carry."""
    for name in FAMILIES:
        yield name, partial(drawn, name)
    for name in CARRIED if folder is not None else ():
        whole = cache(partial(carried, folder, name))
        yield name, lambda draw, whole=whole: resampled(whole(), draw)
    for name in FURTHER if folder is not None else ():
        whole = cache(partial(further, folder, name))
        yield name, lambda draw, whole=whole: at_most(resampled(whole(), draw), draw)
