"""Scattering features of series: Andén and Mallat (2014), "Deep scattering spectrum"."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checks import check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.core.signals import same_shape, signal_batch

Floats = NDArray[np.floating[Any]]
BLOCK = 1 << 19  # numbers of the signals in a block, the padding included
FLOOR = 1e-3  # of a path's mean over the training samples: what is added before its logarithm


class ScatteringFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Wavelet moduli averaged over windows, and their own wavelet moduli (a scattering transform of series).

    ``S₀ = x * φ``, ``S₁(λ₁) = |x * ψ_λ₁| * φ``, ``S₂(λ₁, λ₂) = ||x * ψ_λ₁| * ψ_λ₂| * φ`` for λ₂ < λ₁, sampled at
    windows of about 2^J samples: stable under small shifts and warps, with little of the signal's energy lost. Ends are
    mirrored. Nothing is learnt but, with ``log``, each path's usual size.

    Args:
        octaves: J, 1 to floor(log2(length)); None for floor(log2(length)) - 2, at least 1.
        quality: wavelets an octave in the first order, at least 1; the second has one.
        order: 1 or 2.
        log: whether S₁ and S₂ are taken as log(S + 0.001 m), m being the path's mean over the training samples.
        fs: samples per unit of time, for the frequencies in the names.
        device: ``"auto"``, ``"cpu"``, …

    Shapes:
        ``(n, channels, length)`` or ``(n, length)``; output ``(n, channels * paths * windows)``, float32 for float32
        signals, else float64.

    Attributes:
        octaves_: the J used.
        feature_names_: as ``ch0__scattering__0.25__part1of4`` and ``ch0__scattering__0.25_0.031__part1of4``: the
            wavelets' frequencies.
        n_parameters_: the paths' means.

    Raises:
        InputError: unequal lengths, missing values, fewer than 8 samples, J beyond the length, another shape than in
            ``fit``.

    Source:
        Andén and Mallat (2014), "Deep scattering spectrum". Differences: the finest wavelet's half-power frequency is
        that of Nyquist; envelopes are subsampled one octave less than their band allows, which keeps the error of all
        paths at about 0.2 %.
    """

    def __init__(
        self,
        octaves: int | None = None,
        quality: int = 8,
        order: int = 2,
        log: bool = True,
        fs: float = 1.0,
        device: str = "auto",
    ) -> None:
        self.octaves = octaves
        self.quality = quality
        self.order = order
        self.log = log
        self.fs = fs
        self.device = device

    def fit(self, X: Any, y: Any = None) -> ScatteringFeatures:
        """Learn the shape of a sample and the usual size of each path.

        Args:
            X: ``(n, channels, length)`` or ``(n, length)`` finite numbers.
            y: ignored.
        """
        X = signal_batch(X, images=False)
        self.sample_shape_ = tuple(X.shape[1:])
        length = self.sample_shape_[-1]
        if length < 8:
            raise InputError(f"scattering needs series of at least 8 values, but got {length}.")
        deepest = int(math.log2(length))
        self.octaves_ = (
            max(1, deepest - 2) if self.octaves is None else check_int("octaves", self.octaves, 1, deepest)
        )
        check_int("quality", self.quality)
        check_int("order", self.order, 1, 2)
        check_float("fs", self.fs, 0, open_low=True)
        cascade = self._cascade()
        self.feature_names_ = [
            f"ch{channel}__scattering__{'_'.join(f'{f * self.fs:.3g}' for f in path) or 'mean'}"
            + (f"__part{w + 1}of{cascade.windows}" if cascade.windows > 1 else "")
            for channel in range(self.sample_shape_[0])
            for path in cascade.paths
            for w in range(cascade.windows)
        ]
        found = self._scattered(X, cascade)
        self.scale_ = np.maximum(np.abs(found).mean((0, 3)), np.finfo(np.float32).tiny)
        self.n_parameters_ = int(self.scale_.size) if self.log else 0
        return self

    def transform(self, X: Any) -> Floats:
        """Return the features ``(n, channels * paths * windows)``."""
        check_is_fitted(self)
        X = same_shape(signal_batch(X, images=False), self.sample_shape_)
        found = self._scattered(X, self._cascade())
        if self.log:
            floor = FLOOR * self.scale_[None, :, 1:, None]
            found[:, :, 1:] = np.log(np.maximum(found[:, :, 1:], 0) + floor)
        return found.reshape(len(X), -1).astype(X.dtype, copy=False)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the features; ``input_features`` is ignored."""
        check_is_fitted(self)
        return np.array(self.feature_names_, dtype=object)

    def _cascade(self) -> Any:
        from neuroloom.signal._scattering import Cascade

        return Cascade(self.sample_shape_[-1], self.octaves_, (self.quality, 1), self.order)

    def _scattered(self, X: Floats, cascade: Any) -> NDArray[np.float64]:
        """Return ``(n, channels, paths, windows)``."""
        import torch

        from neuroloom.core.devices import resolve_device

        device = resolve_device(self.device)
        n, channels, length = X.shape
        rows = X.reshape(-1, length)
        out = np.empty((len(rows), len(cascade.paths), cascade.windows))
        many = max(1, BLOCK // cascade.length)
        with torch.no_grad():
            for start in range(0, len(rows), many):
                part = torch.from_numpy(np.ascontiguousarray(rows[start : start + many])).to(device)
                out[start : start + many] = cascade(part).cpu().numpy()
        return out.reshape(n, channels, len(cascade.paths), cascade.windows)
