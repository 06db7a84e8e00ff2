"""Anomalies of a series by the wavelet bands of its windows: usual windows have usual energies in each band and place.

Wavelet variances after Percival and Walden (2000), "Wavelet Methods for Time Series Analysis"; the distance to the
nearest usual sample after Ramaswamy, Rastogi and Shim (2000), "Efficient algorithms for mining outliers from large data
sets". The combination is ours.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checks import check_int
from neuroloom.core.errors import InputError
from neuroloom.core.outliers import ScoredDetector, left_out, nearest_distance
from neuroloom.core.signals import same_shape, signal_batch
from neuroloom.signal.stationary import discrete_wavelet, max_level, stationary_bands

Floats = NDArray[np.float64]
_BLOCK = 1 << 16  # numbers in a block of windows
_RIDGE = 1e-2  # share of the mean variance added to each, so that directions without variance do not rule


class WaveletDetector(ScoredDetector):
    """Windows whose wavelet bands are unlike those of every window learned from are anomalies.

    Each channel of a window is decomposed by the stationary transform. Its description: the logarithm of the energy of
    each band in each of ``segments`` stretches, and the mean of the signal in twice as many. Descriptions are whitened
    by those of the training windows; the score is minus the distance to the nearest of them. So a change of spectrum,
    of shape, of level or of noise is seen, at any phase of a period. A window's score depends on that window alone.

    Args:
        wavelet: name of a discrete wavelet of PyWavelets.
        level: number of levels J, 1 to floor(log2(length)); None for floor(log2(length)) - 2, at least 1.
        segments: stretches of a window in which energies are taken, at least 1 and at most half the length.
        references: training windows kept, at least 2; of more, as many evenly spaced ones.
        contamination: share of the training windows that ``predict`` calls anomalies, in (0, 0.5], each scored by
            references from elsewhere in the training part.

    Shapes:
        ``(n, channels, length)``, or ``(n, length)`` for one channel.

    Attributes:
        level_: the number of levels used.
        centre_, whitening_: ``(features,)`` and ``(features, features)``.
        references_: ``(references, features)`` whitened descriptions.
        n_parameters_: the fitted numbers, all these together.

    Raises:
        InputError: a value is missing, unequal lengths, fewer than 2 windows, a parameter out of its range.

    Source:
        Percival and Walden (2000); Ramaswamy, Rastogi and Shim (2000). Wavelet and segments were chosen on series that
        are in no table of figures.
    """

    def __init__(
        self,
        wavelet: str = "sym8",
        level: int | None = None,
        segments: int = 4,
        references: int = 4096,
        contamination: float = 0.01,
    ) -> None:
        self.wavelet = wavelet
        self.level = level
        self.segments = segments
        self.references = references
        self.contamination = contamination

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from usual windows ``X``; ``y`` is not used."""
        share = self._checked_share()
        X = signal_batch(X, images=False)
        if len(X) < 2:
            raise InputError("a detector needs at least 2 windows to learn from, but got 1.")
        self.sample_shape_ = tuple(X.shape[1:])
        length, deepest = X.shape[-1], max_level(X.shape[-1])
        discrete_wavelet(self.wavelet)
        if deepest < 2:
            raise InputError(f"a window must have at least 4 steps, but has {length}.")
        usual = max(1, deepest - 2)
        self.level_ = usual if self.level is None else check_int("level", self.level, 1, deepest)
        self.segments_ = check_int("segments", self.segments, 1, length // 2)
        kept = check_int("references", self.references, 2)
        if len(X) > kept:
            X = X[np.linspace(0, len(X) - 1, kept).round().astype(int)]
        energies, means = self._describe(X)
        self.floor_ = np.maximum(1e-8 * energies.mean(axis=0), np.finfo(np.float64).tiny)
        rows = self._table(energies, means)
        self.centre_ = rows.mean(axis=0)
        self.whitening_ = _whitening(rows - self.centre_)
        self.references_ = (rows - self.centre_) @ self.whitening_
        self.offset_ = float(np.quantile(-left_out(self.references_, nearest_distance), share))
        self.n_parameters_ = int(
            self.references_.size + self.whitening_.size + self.centre_.size + self.floor_.size
        )
        return self

    def score_samples(self, X: Any) -> Floats:
        """Return ``(n,)`` minus the distance of each window to the nearest reference."""
        check_is_fitted(self)
        X = same_shape(signal_batch(X, images=False), self.sample_shape_)
        rows = (self._table(*self._describe(X)) - self.centre_) @ self.whitening_
        return -nearest_distance(self.references_, rows)

    def stream(self) -> WaveletDetectorStream:
        """Return a reader that is given a series step by step and scores each window as it becomes whole."""
        check_is_fitted(self)
        return WaveletDetectorStream(self)

    def _describe(self, X: Any) -> tuple[Floats, Floats]:
        """Return mean squares ``(n, channels · bands · segments)`` and means ``(n, channels · 2 segments)``."""
        channels, length = self.sample_shape_
        wavelet = discrete_wavelet(self.wavelet)
        cuts = _starts(length, self.segments_), _starts(length, 2 * self.segments_)
        energies, means = [], []
        size = max(1, _BLOCK // (channels * length))
        for start in range(0, len(X), size):
            part = X[start : start + size].astype(np.float64).reshape(-1, length)
            # a band of rounding errors is empty
            least = (8 * np.finfo(np.float64).eps * np.abs(part).max(axis=1, keepdims=True)) ** 2
            found = []
            for band in stationary_bands(part, wavelet, self.level_, "symmetric"):
                square = band * band
                square[square <= least] = 0.0
                found.append(_means(square, cuts[0]))
            energies.append(np.stack(found, axis=1).reshape(len(part) // channels, -1))
            means.append(_means(part, cuts[1]).reshape(len(part) // channels, -1))
        return np.concatenate(energies), np.concatenate(means)

    def _table(self, energies: Floats, means: Floats) -> Floats:
        return np.concatenate([np.log(energies + self.floor_), means], axis=1)


class WaveletDetectorStream:
    """Scores of a series that goes on without an end, in the memory of one window.

    Args:
        detector: a fitted :class:`WaveletDetector`.
    """

    def __init__(self, detector: WaveletDetector) -> None:
        self._detector = detector
        channels, length = detector.sample_shape_
        self._held = np.empty((channels, 0))
        self._length = length

    def push(self, values: Any) -> Floats:
        """Take the next steps and return the ``decision_function`` of the windows that end with them, in order.

        Args:
            values: a number, ``(steps,)``, or ``(channels, steps)``.

        Returns:
            ``(windows,)``: one value for each step once the first window is whole, below 0 for an anomaly; what the
            detector says of the same windows all at once.

        Raises:
            InputError: the channels are not those learned from, or a value is missing.
        """
        new = np.asarray(values, dtype=np.float64)
        channels = len(self._held)
        new = new.reshape(1, -1) if new.ndim < 2 else new
        if new.ndim != 2 or len(new) != channels:
            raise InputError(
                f"expected steps of {channels} channels as ({channels}, steps), but got shape {np.shape(values)}."
            )
        if not np.isfinite(new).all():
            raise InputError("a value of the series is missing or infinite; fill it before it is pushed.")
        scores = [np.empty(0)]
        for start in range(0, new.shape[1], 4096):
            line = np.concatenate([self._held, new[:, start : start + 4096]], axis=1)
            whole = line.shape[1] - self._length + 1
            if whole > 0:
                windows = np.lib.stride_tricks.sliding_window_view(line, self._length, axis=1)
                scores.append(self._detector.decision_function(windows.transpose(1, 0, 2)))
            self._held = line[:, max(0, whole) :]
        return np.concatenate(scores)


def _starts(length: int, count: int) -> NDArray[np.intp]:
    return np.arange(count) * length // count


def _means(rows: Floats, starts: NDArray[np.intp]) -> Floats:
    """Return the means of the stretches of each row that begin at ``starts``."""
    sizes = np.diff(np.append(starts, rows.shape[1]))
    found: Floats = np.add.reduceat(rows, starts, axis=1) / sizes
    return found


def _whitening(rows: Floats) -> Floats:
    """Return the matrix that gives centred ``rows`` nearly unit variance in every direction."""
    spread = np.sqrt((rows**2).mean(axis=0))
    spread[spread <= 1e-9 * max(spread.max(), np.finfo(np.float64).tiny)] = np.inf  # constant: says nothing
    if not np.isfinite(spread).any():
        return np.eye(rows.shape[1])
    scaled = rows / spread
    values, vectors = np.linalg.eigh(scaled.T @ scaled / len(rows))
    values = np.maximum(values, 0.0)
    found: Floats = vectors / np.sqrt(values + _RIDGE * values.mean()) / spread[:, None]
    return found
