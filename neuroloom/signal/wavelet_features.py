"""Statistics of wavelet bands as features of signals and images.

Percival and Walden, "Wavelet Methods for Time Series Analysis" (2000); Rosso et al., "Wavelet entropy: a new tool for
analysis of short duration brain electrical signals" (2001).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checks import check_choice, check_int
from neuroloom.core.errors import InputError, unknown
from neuroloom.core.signals import same_shape, signal_batch
from neuroloom.signal.bands import DECIMATED_MODES, TRANSFORMS, decompose
from neuroloom.signal.packet_basis import COSTS, candidates, joint_basis, only_orthogonal
from neuroloom.signal.stationary import BOUNDARIES, discrete_wavelet, max_level
from neuroloom.signal.statistics import (
    BAND_STATISTICS,
    SEGMENT_STATISTICS,
    SERIES_STATISTICS,
    STATISTICS,
    band_statistics,
    correlation,
    slopes,
)

Floats = NDArray[np.floating[Any]]

_BLOCK = 1 << 15  # numbers in a block of signals: a quarter of a megabyte, which stays in a core's cache
_TINY = float(np.sqrt(np.finfo(np.float64).tiny))


class WaveletFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Statistics of the wavelet bands of series and images: a table of about 250 named numbers a channel.

    Each channel is decomposed into bands of halving frequency; the channel itself is one more band. Of every band come
    energy, relative energy, Shannon, log-energy and permutation entropy, moments, quantiles and crossings, and a few of
    them for each of its ``segments``; across bands the slope of the wavelet variance and the Hurst exponent; between
    two channels the correlation at each scale. A sample's features depend on that sample alone.

    Args:
        wavelet: name of a discrete wavelet of PyWavelets, such as ``"haar"``, ``"db4"``, ``"sym5"``; ``"auto"``, or a
            list of names: the one of six, or of these, whose best basis of packets costs the training samples least.
        level: number of levels J, 1 to floor(log2(length)) (for images of the shorter side); None for
            floor(log2(length)) - 2, at least 1 and at most 7 (packets: 3 for series, 2 for images; best basis: 5, 3).
        decomposition: ``"swt"``: stationary (maximal overlap), any length; ``"dwt"``: decimated; ``"wp"``: packets, the
            2^J leaves (4^J for images); ``"best-basis"``: the packets, of any depth up to J, in which the training
            samples cost least (Coifman and Wickerhauser 1992); ``"dual-tree"``: moduli of the dual-tree complex
            transform of series, nearly the same wherever a feature lies, at a quarter of the stationary one's numbers.
        statistics: names from :data:`neuroloom.signal.statistics.STATISTICS`; None for all.
        segment_statistics: the statistics of each segment, any of those of a band; None for mean, log-energy and the
            quantiles .1, .5 and .9.
        segments: equal parts along each axis (an image of 4 has 4 x 4), 1 for none. With 1 and a periodic boundary the
            features of a circularly shifted series are the same.
        boundary: ``"symmetric"`` (mirrored ends) or ``"periodic"``.
        cost: what a basis is chosen by: ``"entropy"`` or ``"l1"``, as :func:`neuroloom.signal.best_basis` takes it.

    Shapes:
        ``(n, channels, length)``, ``(n, length)`` for one channel, or ``(n, channels, height, width)``. Output
        ``(n, features)``, float32 for float32 signals, else float64; inside all is float64.

    Attributes:
        level_: the number of levels used. wavelet_: the wavelet's name. basis_: paths of the best basis's packets.
        feature_names_: ``channel__transform_wavelet__band__statistic``, as ``ch0__swt_db4__d3__entropy``,
            ``ch0__swt_db4__d3__part2of4__mean``, ``ch0__signal__median``, ``ch0_ch1__swt_db4__d3__correlation``.
        n_parameters_: 0; nothing is learned but the shape, and the basis.

    Raises:
        InputError: unequal lengths, missing or infinite values, fewer than 2 samples on an axis, a level that the
            length does not allow, an unknown wavelet or statistic, a wavelet that is not orthogonal where one or a
            basis is chosen by cost, another shape than in ``fit``.

    Source:
        Percival and Walden (2000), "Wavelet Methods for Time Series Analysis"; Rosso et al. (2001), "Wavelet entropy: a
        new tool for analysis of short duration brain electrical signals". Default segments and their statistics were
        chosen on resamples of the training parts of 40 sets of the UCR archive.
    """

    def __init__(
        self,
        wavelet: str | Sequence[str] = "db4",
        level: int | None = None,
        decomposition: Literal["swt", "dwt", "wp", "best-basis", "dual-tree"] = "swt",
        statistics: Sequence[str] | None = None,
        segment_statistics: Sequence[str] | None = None,
        segments: int = 4,
        boundary: Literal["symmetric", "periodic"] = "symmetric",
        cost: Literal["entropy", "l1"] = "entropy",
    ) -> None:
        self.wavelet = wavelet
        self.level = level
        self.decomposition = decomposition
        self.statistics = statistics
        self.segment_statistics = segment_statistics
        self.segments = segments
        self.boundary = boundary
        self.cost = cost

    def fit(self, X: Any, y: Any = None) -> WaveletFeatures:
        """Learn the shape of a sample, and from it the level and the names of the features.

        Args:
            X: ``(n, channels, length)``, ``(n, length)`` or ``(n, channels, height, width)`` finite numbers.
            y: ignored.

        Raises:
            InputError: see the class.
        """
        samples = signal_batch(X)
        self.sample_shape_ = tuple(samples.shape[1:])
        check_choice("decomposition", self.decomposition, TRANSFORMS)
        if self.decomposition == "dual-tree" and len(self.sample_shape_) == 3:
            raise InputError("decomposition='dual-tree' is for series; take 'swt' or 'wp' for images.")
        check_choice("boundary", self.boundary, BOUNDARIES)
        check_choice("cost", self.cost, COSTS)
        options = candidates(self.wavelet)
        self.level_ = self._checked_level()
        self._choose(samples, options)
        images = len(self.sample_shape_) == 3
        self.segments_ = (
            (2 if images else 4) if self.segments is None else check_int("segments", self.segments)
        )
        self.statistics_ = _checked_names("statistics", self.statistics, STATISTICS, STATISTICS)
        self.segment_statistics_ = _checked_names(
            "segment_statistics", self.segment_statistics, BAND_STATISTICS, SEGMENT_STATISTICS
        )
        self.feature_names_ = self._names()
        if not self.feature_names_:
            raise InputError(
                f"`statistics` {self.statistics_} give no feature for {self.sample_shape_[0]} channel(s) and "
                f"{self.decomposition!r}; add one of a band, such as 'energy'."
            )
        self.n_parameters_ = 0
        return self

    def transform(self, X: Any) -> Floats:
        """Return the features of every sample.

        Args:
            X: samples of the shape seen in ``fit``.

        Returns:
            ``(n, features)``: float32 for float32 signals, else float64; all finite.

        Raises:
            InputError: values are missing or too large, or the samples have another shape.
        """
        check_is_fitted(self)
        X = same_shape(signal_batch(X), self.sample_shape_)
        out = np.empty((len(X), len(self.feature_names_)), dtype=X.dtype)
        rows = max(1, _BLOCK // int(np.prod(self.sample_shape_)))
        with np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, len(X), rows):
                out[start : start + rows] = self._features(X[start : start + rows])
        if not np.isfinite(out).all():
            raise InputError(
                f"values up to {np.abs(X).max():.3g} are too large for their statistics; rescale the samples."
            )
        return out

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the features, as ``ch0__swt_db4__d3__entropy``; ``input_features`` is ignored."""
        check_is_fitted(self)
        return np.array(self.feature_names_, dtype=object)

    def _features(self, X: Floats) -> NDArray[np.float64]:
        """Return the features of a block of samples, in the order of :meth:`_names`."""
        n, channels = X.shape[:2]
        flat = X.reshape(n * channels, *X.shape[2:]).astype(np.float64)
        # Coefficients below the rounding error of their signal are zeros; _TINY keeps its square above zero.
        peak = np.abs(flat).reshape(len(flat), -1).max(axis=1)
        floor = np.maximum(8 * float(np.finfo(X.dtype).eps) * peak, _TINY)
        wavelet = discrete_wavelet(self.wavelet_)
        bands = decompose(flat, self.decomposition, wavelet, self.level_, self.boundary, self.basis_)
        limit = floor.reshape(-1, *[1] * (flat.ndim - 1))
        for _, band in bands:
            band[np.abs(band) <= limit] = 0.0
        sums = np.stack(
            [np.einsum("ij,ij->i", b, b) for b in (band.reshape(len(band), -1) for _, band in bands)]
        )
        total = sums.sum(axis=0)
        columns: list[NDArray[np.float64]] = []
        for name, band in [("signal", flat), *bands]:
            columns += band_statistics(band, self._whole(name), total, floor).values()
            for _, piece in _segments(band, self.segments_):
                columns += band_statistics(piece, self.segment_statistics_, total, floor).values()
        across = self._across()
        if across:
            mean_squares = [energy / band[0].size for energy, (_, band) in zip(sums, bands, strict=True)]
            levels = _by_level(mean_squares[:-1], self.level_)
            found = slopes(levels, X.ndim - 2, self.decomposition == "dwt")
            columns += [found[name] for name in across]
        own = np.stack(columns, axis=1).reshape(n, -1) if columns else np.empty((n, 0))
        if channels == 1 or "correlation" not in self.statistics_:
            return own
        return np.concatenate([own, _correlations([flat, *(band for _, band in bands)], n, channels)], axis=1)

    def _whole(self, band: str) -> list[str]:
        """Return the statistics taken of a whole band; the signal's share of its own energy says nothing."""
        left_out = {"relative_energy"} if band == "signal" else set()
        return [name for name in self.statistics_ if name in BAND_STATISTICS and name not in left_out]

    def _across(self) -> list[str]:
        """Return the statistics taken across scales; packets of one level have a single scale."""
        by_level = self.decomposition in ("swt", "dwt")
        return [name for name in self.statistics_ if name in SERIES_STATISTICS and by_level]

    def _names(self) -> list[str]:
        channels, *shape = self.sample_shape_
        prefix = f"{self.decomposition}_{self.wavelet_}"
        blank = decompose(
            np.zeros((1, *shape)),
            self.decomposition,
            discrete_wavelet(self.wavelet_),
            self.level_,
            self.boundary,
            self.basis_,
        )
        labels = ["signal", *(f"{prefix}__{name}" for name, _ in blank)]
        parts = [part for part, _ in _segments(np.zeros((1, *shape)), self.segments_)]
        own = []
        for label in labels:
            own += [f"{label}__{name}" for name in self._whole(label)]
            own += [f"{label}__{part}__{name}" for part in parts for name in self.segment_statistics_]
        own += [f"{prefix}__{name}" for name in self._across()]
        names = [f"ch{channel}__{name}" for channel in range(channels) for name in own]
        if "correlation" in self.statistics_:
            pairs = [(a, b) for a in range(channels) for b in range(a + 1, channels)]
            names += [f"ch{a}_ch{b}__{label}__correlation" for label in labels for a, b in pairs]
        return names

    def _choose(self, X: Floats, options: list[Any]) -> None:
        """Settle the wavelet and the packets: those of least cost over all channels of the samples ``X``."""
        wanted = self.decomposition == "best-basis"
        rows = X.reshape(-1, *X.shape[2:]).astype(np.float64)
        if wanted or len(options) > 1 or self.decomposition == "dual-tree":
            only_orthogonal(options)
        if len(options) > 1:
            costs = [joint_basis(rows, one, self.level_, "periodization", self.cost)[0] for one in options]
            options = [options[int(np.argmin(costs))]]
        self.wavelet_ = str(options[0].name)
        self.basis_: list[str] = []
        if wanted:
            mode = DECIMATED_MODES[self.boundary]
            self.basis_ = sorted(joint_basis(rows, options[0], self.level_, mode, self.cost)[1])

    def _checked_level(self) -> int:
        shortest = min(self.sample_shape_[1:])
        deepest = max_level(shortest)
        if deepest < 1:
            raise InputError(
                f"wavelets need at least 2 values along each axis, but samples have shape {self.sample_shape_}."
            )
        if self.level is None:
            images = len(self.sample_shape_) == 3
            most = {"wp": 2 if images else 3, "best-basis": 3 if images else 5}.get(self.decomposition, 7)
            return max(1, min(deepest - 2, most))
        if check_int("level", self.level) > deepest:
            raise InputError(
                f"`level` must be at most {deepest}, floor(log2({shortest})), for samples of shape "
                f"{self.sample_shape_}, but got {self.level}; lower it or pass longer samples."
            )
        return int(self.level)


def _checked_names(
    param: str, names: Sequence[str] | None, options: Sequence[str], default: Sequence[str]
) -> list[str]:
    if names is None:
        return list(default)
    if isinstance(names, str):
        raise InputError(f"`{param}` must be a list of names, but got {names!r}; pass [{names!r}].")
    chosen = list(dict.fromkeys(names))
    for name in chosen:
        if name not in options:
            raise unknown(f"a name in `{param}`:", str(name), options)
    return chosen


def _segments(band: NDArray[np.float64], count: int) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield the name and the values of each of ``count`` equal parts along every axis of ``band`` but the first."""
    if count == 1:
        return
    cuts = []
    for length in band.shape[1:]:
        starts = [k * length // count for k in range(count)]
        cuts.append([slice(a, max(a + 1, (k + 1) * length // count)) for k, a in enumerate(starts)])
    for at in np.ndindex(*[count] * len(cuts)):
        name = "x".join(str(k + 1) for k in at)
        yield f"part{name}of{count}", band[(slice(None), *(cut[k] for cut, k in zip(cuts, at, strict=True)))]


def _by_level(details: list[NDArray[np.float64]], level: int) -> NDArray[np.float64]:
    """Return ``(levels, rows)`` detail energies; the three orientations of an image's level are added."""
    stacked = np.stack(details)
    summed: NDArray[np.float64] = stacked.reshape(level, -1, stacked.shape[1]).sum(axis=1)
    return summed


def _correlations(bands: list[NDArray[np.float64]], n: int, channels: int) -> NDArray[np.float64]:
    """Return ``(n, bands * pairs)`` correlations of every pair of channels at each band."""
    columns = []
    for band in bands:
        split = band.reshape(n, channels, -1)
        for a in range(channels):
            columns += [correlation(split[:, a], split[:, b]) for b in range(a + 1, channels)]
    return np.stack(columns, axis=1)
