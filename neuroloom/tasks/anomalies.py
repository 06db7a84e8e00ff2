"""Anomalies of one long series, to be found by methods that learn from a stretch without one.

A sample is the window around a step, and samples are in order of time: label 1 says that the step in a window's middle
is part of an anomaly. The training part is all windows within the normal stretch at the beginning, the test part all
windows after it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from neuroloom.core.errors import InputError
from neuroloom.core.seeding import stream
from neuroloom.tasks.base import NamedTask
from neuroloom.tasks.folder import hash_files, locate
from neuroloom.tasks.metrics import ANOMALIES
from neuroloom.tasks.series import beats
from neuroloom.tasks.task import Data, Split
from neuroloom.tasks.ucr import UCRSeries

Floats = NDArray[np.float64]
Marks = NDArray[np.int64]


class AnomalyTask(NamedTask):
    """What the tasks share: windows in order of time, one split, and the measures of anomalies."""

    kind = "series"
    problem = "detection"
    metrics = ANOMALIES
    protocol = "published"
    published_splits = 1


def windows(x: Floats, marked: Marks, end: int, length: int) -> Data:
    """Return the windows of ``length`` steps of ``x (n,)`` or ``(channels, n)``, those before ``end`` to learn from.

    Returns:
        Data with ``X (windows, channels, length)`` in order of time and ``y``: ``marked`` at each window's step
        ``length // 2``, which ``extra["moments"]`` holds.

    Raises:
        InputError: the normal stretch or the rest is shorter than a window.
    """
    channels = np.atleast_2d(x)
    steps = channels.shape[1]
    if min(end, steps - end) < length:
        raise InputError(
            f"a window of {length} steps must fit in the normal stretch of {end} steps and in the {steps - end} "
            "steps after it."
        )
    starts = np.concatenate([np.arange(end - length + 1), np.arange(end, steps - length + 1)])
    train, test = np.split(np.arange(len(starts)), [end - length + 1])
    X = sliding_window_view(channels, length, axis=1)[:, starts].swapaxes(0, 1)
    middles = starts + length // 2
    return Data(X, marked[middles], extra={"splits": [Split(train=train, test=test)], "moments": middles})


def period_of(x: Floats, low: int = 10, high: int = 1000) -> int:
    """Return the lag of the highest peak of the autocorrelation of ``x (n,)``, 125 where there is none.

    Lags from ``low`` to ``high`` and at most a third of the series are looked at, as detectors' windows are chosen by
    custom (Paparrizos et al. 2022, "TSB-UAD").
    """
    centred = x - x.mean()
    spectrum = np.fft.rfft(centred, 2 * len(x))
    found = np.fft.irfft(np.abs(spectrum) ** 2)[: min(high, len(x) // 3) + 1]
    inner = found[low:-1]
    peaks = np.flatnonzero((inner > found[low - 1 : -2]) & (inner >= found[low + 1 :])) + low
    return int(peaks[np.argmax(found[peaks])]) if len(peaks) else 125


class ArchiveAnomaly(AnomalyTask):
    """``anomaly/NAME_TRAIN.csv`` and ``NAME_TEST.csv``: value and mark of each step, the second holding the first.

    A window is one period of the normal stretch long.
    """

    needs = "data folder"
    summary = "a series of the UCR anomaly archive: the one anomaly after a normal stretch"
    source = "Wu and Keogh 2021, Current time series anomaly detection benchmarks; aeon's copy"

    def __init__(self, name: str, data: Path | None = None) -> None:
        super().__init__(name, data)
        member = name.partition(":")[2]
        self._paths = [
            locate(data, f"anomaly/{member}_{part}.csv", f"task {name!r}", "aeon-toolkit/aeon")
            for part in ("TRAIN", "TEST")
        ]
        self.summary = f"{member} of the UCR anomaly archive: the one anomaly after a normal stretch"

    @classmethod
    def members(cls, data: Path | None) -> list[str]:
        """Return the names in the data folder."""
        folder = data / "anomaly" if data is not None else None
        if folder is None or not folder.is_dir():
            return []
        return sorted(path.name.removesuffix("_TRAIN.csv") for path in folder.glob("*_TRAIN.csv"))

    def fingerprint(self) -> str:
        """Return the hash of both files."""
        return hash_files(self._paths)

    def load(self, seed: int = 0) -> Data:
        """Return windows of one period; see :func:`windows`."""
        first, whole = (np.loadtxt(path, delimiter=",", skiprows=1) for path in self._paths)
        end = len(first)
        return windows(whole[:, 1], whole[:, 2].astype(np.int64), end, period_of(first[:, 1]))


class SplicedAnomaly(AnomalyTask):
    """Series of one class of a set of the UCR archive end to end, and one of another class among them.

    The class of most series is the normal one. Each repetition draws the order, the stranger and its place anew; a
    window is as long as a series. At most 60 series and 6,000 steps, a third of them to learn from; single series that
    stand on other levels make steps where they join, in the normal stretch as well.
    """

    needs = "data folder"
    summary = "a series of one class among those of another, end to end, of a set of the UCR archive"
    source = "Dau et al. 2018, The UCR time series archive"

    def __init__(self, name: str, data: Path | None = None) -> None:
        super().__init__(name, data)
        member = name.partition(":")[2]
        self._set = UCRSeries(f"ucr:{member}", data)
        self.summary = f"a series of one class of {member} among those of another, end to end"

    @classmethod
    def members(cls, data: Path | None) -> list[str]:
        """Return the names of the sets in the data folder."""
        return UCRSeries.members(data)

    @property
    def drawn(self) -> bool:
        """True: each repetition has a series of its own."""
        return True

    def fingerprint(self) -> str:
        """Return the hash of the set."""
        return self._set.fingerprint()

    def load(self, seed: int = 0) -> Data:
        """Return windows of a series' length; see :func:`windows`.

        Raises:
            InputError: the set has several channels, or fewer than 12 series of its largest class.
        """
        whole = self._set.load()
        X, y = np.asarray(whole.X, dtype=np.float64), np.asarray(whole.y)
        if X.shape[1] != 1 or self._set.problem != "classification":
            raise InputError(f"task {self.name!r} needs a set of one channel with classes.")
        length = X.shape[-1]
        names, counts = np.unique(y, return_counts=True)
        normal = names[np.argmax(counts)]
        count = min(60, 6000 // length, int(counts.max()))
        if count < 12:
            raise InputError(
                f"task {self.name!r} needs 12 series of one class, at most 500 steps each, but there are {count}."
            )
        rng = stream(seed, "data", self.name)
        chosen = rng.permutation(np.flatnonzero(y == normal))[:count]
        learned = count // 3
        place = int(rng.integers(learned + 1, count - 1))
        chosen[place] = rng.permutation(np.flatnonzero(y != normal))[0]
        marked = np.repeat(np.arange(count) == place, length).astype(np.int64)
        return windows(X[chosen].reshape(-1), marked, learned * length, length)


class DrawnAnomaly(AnomalyTask):
    """A task whose series a generator draws anew for each seed."""

    @property
    def drawn(self) -> bool:
        """True: each repetition has a series of its own."""
        return True


class BeatAnomaly(DrawnAnomaly):
    """Modelled heart beats end to end, one of them ventricular, atrial or ischaemic in turn of the seeds."""

    summary = "one abnormal among 45 modelled heart beats, after 15 normal ones; 128 steps a beat"
    source = "generated: McSharry, Clifford, Tarassenko and Smith 2003, A dynamical model for synthetic ECG signals"

    def load(self, seed: int = 0) -> Data:
        """Return windows of 128 steps, one beat; see :func:`windows`."""
        rng = stream(seed, "data", self.name)
        names = np.full(60, "normal", dtype="<U11")
        place = int(rng.integers(17, 58))
        names[place] = ("ventricular", "atrial", "ischaemic")[seed % 3]
        marked = np.repeat(np.arange(60) == place, 128).astype(np.int64)
        return windows(beats(names, rng).reshape(-1), marked, 15 * 128, 128)


class NoiseAnomaly(DrawnAnomaly):
    """Noise that resonates at one frequency, and for 150 steps at another, at the same variance.

    ``x_t = 2 r cos(2π f) x_{t-1} - r² x_{t-2} + ε_t`` with r = 0.9, f uniform in 0.05 … 0.15 and, in the anomaly, 1.6
    times that or 1 / 1.6 in turn of the seeds; each stretch is divided by its theoretical deviation.
    """

    summary = "resonant noise whose frequency is another for 150 of 4,000 steps, after 2,000 normal ones"
    source = "generated: an autoregression of order 2"

    def load(self, seed: int = 0) -> Data:
        """Return windows of 100 steps; see :func:`windows`."""
        rng = stream(seed, "data", self.name)
        f = rng.uniform(0.05, 0.15)
        begin = int(rng.integers(2300, 5500))
        marked = np.zeros(6000, dtype=np.int64)
        marked[begin : begin + 150] = 1
        x = np.zeros(6000)
        noise = rng.standard_normal(6000)
        usual, other = (_resonance(0.9, g) for g in (f, f * 1.6 if seed % 2 else f / 1.6))
        for t in range(2, 6000):
            a, b, scale = other if marked[t] else usual
            x[t] = a * x[t - 1] + b * x[t - 2] + scale * noise[t]
        return windows(x, marked, 2000, 100)


def _resonance(r: float, f: float) -> tuple[float, float, float]:
    """Return both weights of an autoregression and the deviation of its noise that gives it variance 1."""
    a, b = 2 * r * np.cos(2 * np.pi * f), -r * r
    variance = (1 - b) / ((1 + b) * ((1 - b) ** 2 - a * a))
    return float(a), float(b), float(1 / np.sqrt(variance))


class WaveAnomaly(DrawnAnomaly):
    """A wave and its second harmonic under a slowly changing size, in noise; one of six things goes wrong.

    ``x_t = m_t (sin(2π t / 50) + 0.5 sin(4π t / 50 + 1)) + 0.1 ε_t`` with m a smooth random walk between about 0.8 and
    1.2. In turn of the seeds, for 75 steps: time runs 1.5 times as fast, the second harmonic is gone, the noise is
    three times as loud, the level is 0.5 higher, time runs backwards, or the value stands still for 15 steps.
    """

    summary = "one of six faults in a noisy wave of period 50: 75 of 4,000 steps, after 2,000 normal ones"
    source = "generated: the kinds of fault after Lai et al. 2021, Revisiting time series outlier detection"

    def load(self, seed: int = 0) -> Data:
        """Return windows of 50 steps; see :func:`windows`."""
        rng = stream(seed, "data", self.name)
        n, fault = 6000, seed % 6
        begin, size = int(rng.integers(2200, 5700)), 15 if fault == 5 else 75
        marked = np.zeros(n, dtype=np.int64)
        marked[begin : begin + size] = 1
        inside = marked.astype(bool)
        speed = np.where(inside & (fault == 0), 1.5, 1.0)
        phase = 2 * np.pi * np.cumsum(speed) / 50
        if fault == 4:
            phase[inside] = phase[inside][::-1]
        walk = np.convolve(rng.standard_normal(n + 399), np.hanning(400), mode="valid")
        modulation = 1 + 0.1 * walk / walk.std()
        second = np.where(inside & (fault == 1), 0.0, 0.5)
        x = modulation * (np.sin(phase) + second * np.sin(2 * phase + 1))
        x += 0.1 * rng.standard_normal(n) * np.where(inside & (fault == 2), 3.0, 1.0)
        x[inside] += 0.5 * (fault == 3)
        if fault == 5:
            x[inside] = x[begin]
        return windows(x, marked, 2000, 50)
