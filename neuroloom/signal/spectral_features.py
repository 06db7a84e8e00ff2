"""Features of the continuous wavelet transform and of the Fourier spectrum.

Torrence and Compo (1998), "A practical guide to wavelet analysis"; Welch (1967), "The use of fast Fourier transform for
the estimation of power spectra".
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.core.signals import same_shape, signal_batch

Floats = NDArray[np.floating[Any]]
BLOCK = 64  # signals transformed at a time
TINY = 1e-12  # of a signal's variance: the least power there is a logarithm of


class CWTFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Power of the continuous wavelet transform by scale and part of the signal, and its ridge, as named numbers.

    For each scale and each of ``segments`` equal parts the logarithm of the mean power, for each scale the spread of
    its power over time (deviation over mean), and of the ridge, log2 of the frequency of the greatest power at each
    instant, mean, deviation and trend.

    Args:
        wavelet: see :func:`neuroloom.signal.cwt`.
        voices: scales an octave, at least 1.
        segments: equal parts in time, at least 1.
        fs: samples per unit of time, for the frequencies in the names.
        boundary: ``"symmetric"``, ``"zero"`` or ``"periodic"``.
        device: ``"auto"``, ``"cpu"``, …

    Shapes:
        ``(n, channels, length)`` or ``(n, length)``; output ``(n, features)``, float32 for float32 signals, else
        float64. A sample's features depend on that sample alone.

    Attributes:
        frequencies_: ``(scales,)`` in cycles per unit of time.
        feature_names_: as ``ch0__cwt_morlet__0.25__part1of4__log_power``, ``ch0__cwt_morlet__0.25__spread``,
            ``ch0__cwt_morlet__ridge__mean``.
        n_parameters_: 0.

    Raises:
        InputError: unequal lengths, missing values, fewer than 8 samples, another shape than in ``fit``.

    Source:
        Torrence and Compo (1998), "A practical guide to wavelet analysis".
    """

    def __init__(
        self,
        wavelet: str = "morlet",
        voices: int = 4,
        segments: int = 4,
        fs: float = 1.0,
        boundary: str = "symmetric",
        device: str = "auto",
    ) -> None:
        self.wavelet = wavelet
        self.voices = voices
        self.segments = segments
        self.fs = fs
        self.boundary = boundary
        self.device = device

    def fit(self, X: Any, y: Any = None) -> CWTFeatures:
        """Learn the shape of a sample.

        Args:
            X: ``(n, channels, length)`` or ``(n, length)`` finite numbers.
            y: ignored.
        """
        from neuroloom.signal.transform import cwt

        X = signal_batch(X, images=False)
        self.sample_shape_ = tuple(X.shape[1:])
        check_int("segments", self.segments, 1, self.sample_shape_[-1])
        blank = cwt(
            np.zeros(self.sample_shape_[-1]),
            self.wavelet,
            fs=self.fs,
            voices=self.voices,
            boundary=self.boundary,
        )
        self.frequencies_ = blank.frequencies
        parts = [f"__part{k + 1}of{self.segments}" if self.segments > 1 else "" for k in range(self.segments)]
        own = [f"{f:.4g}{part}__log_power" for f in self.frequencies_ for part in parts]
        own += [f"{f:.4g}__spread" for f in self.frequencies_]
        own += [f"ridge__{name}" for name in ("mean", "spread", "trend")]
        prefix = f"cwt_{blank.wavelet.name}"
        self.feature_names_ = [
            f"ch{channel}__{prefix}__{name}" for channel in range(self.sample_shape_[0]) for name in own
        ]
        self.n_parameters_ = 0
        return self

    def transform(self, X: Any) -> Floats:
        """Return the features ``(n, features)``."""
        from neuroloom.signal.transform import cwt

        check_is_fitted(self)
        X = same_shape(signal_batch(X, images=False), self.sample_shape_)
        rows = X.reshape(-1, X.shape[-1])
        found = []
        for start in range(0, len(rows), BLOCK):
            transformed = cwt(
                rows[start : start + BLOCK],
                self.wavelet,
                fs=self.fs,
                voices=self.voices,
                boundary=self.boundary,
                precision="single",
                device=self.device,
            )
            found.append(self._of_power(transformed))
        return np.concatenate(found).reshape(len(X), -1).astype(X.dtype, copy=False)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the features; ``input_features`` is ignored."""
        check_is_fitted(self)
        return np.array(self.feature_names_, dtype=object)

    def _of_power(self, transformed: Any) -> NDArray[np.float64]:
        power = transformed.power().astype(np.float64)
        variance = transformed.signal.var(-1)[:, None, None]
        floor = np.where(variance > 0, TINY * variance, TINY)
        rows, scales, n = power.shape
        cuts = [k * n // self.segments for k in range(self.segments + 1)]
        means = np.stack([power[..., a:b].mean(-1) for a, b in pairwise(cuts)], -1)
        logs = np.log(means + floor)
        whole = power.mean(-1)
        spread = power.std(-1) / (whole + floor[..., 0])
        ridge = np.log2(transformed.frequencies)[(power / transformed.scales[:, None]).argmax(1)]
        time = np.linspace(-1, 1, n)
        trend = (ridge * time).mean(-1) / (time * time).mean()
        of_ridge = np.stack([ridge.mean(-1), ridge.std(-1), trend], -1)
        return np.concatenate([logs.reshape(rows, scales * self.segments), spread, of_ridge], 1)


class FourierFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """The power spectrum of a series in bands, and its shape, as named numbers: what wavelets are compared with.

    The logarithm of the power in ``bands`` bands of equal width, in the signal's logarithm of frequency or in frequency
    itself, with a Hann window and the mean taken off; then centroid, spread, entropy and the frequency below which 85 %
    of the power lies.

    Args:
        bands: how many, at least 1; at most as many as there are frequencies.
        scale: ``"log"`` or ``"linear"``: how bands divide the frequencies.
        fs: samples per unit of time, for the frequencies in the names.

    Shapes:
        ``(n, channels, length)`` or ``(n, length)``; output ``(n, features)``, float32 for float32 signals, else
        float64. A sample's features depend on that sample alone.

    Attributes:
        edges_: ``(bands + 1,)`` bins at which bands begin, and the end of the last.
        feature_names_: as ``ch0__fourier__0.1to0.2__log_power``, ``ch0__fourier__centroid``.
        n_parameters_: 0.

    Raises:
        InputError: unequal lengths, missing values, fewer than 8 samples, another shape than in ``fit``.

    Source:
        Welch (1967), "The use of fast Fourier transform for the estimation of power spectra".
    """

    def __init__(self, bands: int = 24, scale: str = "log", fs: float = 1.0) -> None:
        self.bands = bands
        self.scale = scale
        self.fs = fs

    def fit(self, X: Any, y: Any = None) -> FourierFeatures:
        """Learn the shape of a sample.

        Args:
            X: ``(n, channels, length)`` or ``(n, length)`` finite numbers.
            y: ignored.
        """
        X = signal_batch(X, images=False)
        self.sample_shape_ = tuple(X.shape[1:])
        length = self.sample_shape_[-1]
        if length < 8:
            raise InputError(f"a spectrum needs series of at least 8 values, but got {length}.")
        check_int("bands", self.bands)
        check_choice("scale", self.scale, ("log", "linear"))
        check_float("fs", self.fs, 0, open_low=True)
        last = length // 2 + 1
        if self.scale == "linear":
            edges = np.linspace(1, last, self.bands + 1)
        else:
            edges = np.geomspace(1, last, self.bands + 1)
        self.edges_ = np.unique(np.round(edges).astype(np.int64))
        f = self.edges_ * self.fs / length
        own = [f"{a:.3g}to{b:.3g}__log_power" for a, b in pairwise(f)]
        own += ["centroid", "spread", "entropy", "rolloff"]
        channels = range(self.sample_shape_[0])
        self.feature_names_ = [f"ch{channel}__fourier__{name}" for channel in channels for name in own]
        self.n_parameters_ = 0
        return self

    def transform(self, X: Any) -> Floats:
        """Return the features ``(n, features)``."""
        check_is_fitted(self)
        X = same_shape(signal_batch(X, images=False), self.sample_shape_)
        n = X.shape[-1]
        rows = X.reshape(-1, n).astype(np.float64)
        rows = rows - rows.mean(-1, keepdims=True)
        power = np.abs(np.fft.rfft(rows * np.hanning(n), axis=-1)) ** 2
        power[:, 0] = 0
        total = power.sum(-1, keepdims=True)
        share = power / np.where(total > 0, total, 1)
        variance = rows.var(-1, keepdims=True)
        sums = np.add.reduceat(power, self.edges_[:-1], axis=-1) / n
        logs = np.log(sums + np.where(variance > 0, TINY * variance, TINY))
        f = np.fft.rfftfreq(n, 1 / self.fs)
        centroid = share @ f
        spread = np.sqrt(np.maximum(share @ (f * f) - centroid**2, 0))
        entropy = -np.where(share > 0, share * np.log(np.where(share > 0, share, 1)), 0).sum(-1)
        rolloff = f[(np.cumsum(share, -1) >= 0.85 * share.sum(-1, keepdims=True) - 1e-12).argmax(-1)]
        found = np.concatenate([logs, np.stack([centroid, spread, entropy, rolloff], -1)], -1)
        return found.reshape(len(X), -1).astype(X.dtype, copy=False)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the features; ``input_features`` is ignored."""
        check_is_fitted(self)
        return np.array(self.feature_names_, dtype=object)
