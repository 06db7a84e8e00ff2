"""The synchrosqueezed wavelet transform: each coefficient moved to the frequency that its phase turns with.

Daubechies, Lu and Wu (2011), "Synchrosqueezed wavelet transforms: an empirical mode decomposition-like tool"; Thakur,
Brevdo, Fučkar and Wu (2013), "The synchrosqueezing algorithm for time-varying spectral analysis".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_float
from neuroloom.core.errors import InputError
from neuroloom.signal.ridge_paths import analytic_plane, instantaneous_frequency
from neuroloom.signal.transform import CWT, cwt

Floats = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Synchrosqueezed:
    """A synchrosqueezed transform, as :func:`synchrosqueeze` makes it.

    Args:
        values: ``(frequencies, n)`` complex; the real parts of all rows together are the signal, less its mean.
        frequencies: ``(frequencies,)`` cycles per unit of time, falling, evenly spaced in their logarithm.
        transform: the continuous transform it was made of.
    """

    values: NDArray[np.complex128]
    frequencies: Floats
    transform: CWT

    def __repr__(self) -> str:
        low, high = self.frequencies.min(), self.frequencies.max()
        return f"Synchrosqueezed({self.values.shape}, frequencies {low:.4g} to {high:.4g})"

    def inverse(self, low: Any = None, high: Any = None) -> Floats:
        """Return the signal ``(n,)``, or its part with frequencies from ``low`` to ``high``.

        Args:
            low, high: a frequency, ``(n,)`` frequencies for each instant, or None for no limit. With either the mean
                is left out.
        """
        inside = np.ones(self.values.shape, dtype=bool)
        rows = self.frequencies[:, None]
        if low is not None:
            inside &= rows >= np.asarray(low, dtype=np.float64)
        if high is not None:
            inside &= rows <= np.asarray(high, dtype=np.float64)
        found: Floats = np.where(inside, self.values, 0).sum(axis=0).real
        return found + self.transform.signal.mean() if low is None and high is None else found

    def plot(self, ax: Any = None) -> Any:
        """Draw the size of the values over time and frequency; return the matplotlib axes."""
        from neuroloom.signal.plots import plot_synchrosqueezed

        return plot_synchrosqueezed(self, ax)


def synchrosqueeze(
    x: Any, wavelet: Any = "morlet", *, fs: float = 1.0, voices: int = 32, threshold: float = 1e-3
) -> Synchrosqueezed:
    """Return the synchrosqueezed wavelet transform of a signal.

    ``T(ω, t) = C Σ W(s, t) / √s`` over the scales whose phase turns with ``ω(s, t) = ∂ arg W / ∂t`` nearest to ω, C
    that of the inverse transform. A wave whose frequency changes slowly is one thin line.

    Args:
        x: ``(n,)`` finite numbers.
        wavelet: an analytic wavelet, as :func:`~neuroloom.signal.cwt` takes it.
        fs: samples per unit of time, above 0.
        voices: scales, and rows of the result, an octave.
        threshold: coefficients below this share of the largest amplitude stay out, in [0, 1): their phase is noise.

    Raises:
        InputError: several signals, a missing value, a wavelet that is not analytic, or a parameter out of range.

    Source:
        Daubechies, Lu and Wu (2011), eq. 2.4 to 2.6; Thakur et al. (2013). Differences: the phase's turn is the angle
        between neighbouring coefficients, and what turns with a frequency beyond the rows counts for the outermost one.
    """
    check_float("threshold", threshold, 0, 1, open_high=True)
    transform = cwt(x, wavelet, fs=fs, voices=voices, boundary="symmetric")
    plane = analytic_plane(transform)
    if len(transform.scales) < 2:
        raise InputError(f"a signal of {transform.samples} values is too short for {voices} voices.")
    turn = instantaneous_frequency(plane, fs)
    frequencies = transform.wavelet.frequency(transform.scales, "L1")
    spacing = transform.spacing()
    usable = (np.abs(plane) > threshold * np.abs(plane).max()) & (turn > 0)
    place = np.log2(frequencies[0] / np.where(usable, turn, frequencies[0])) / spacing
    row = np.clip(np.round(place), 0, len(frequencies) - 1).astype(np.int64)
    weight = spacing / np.sqrt(fs) / transform.wavelet.reconstruction / np.sqrt(transform.scales)
    parts = np.where(usable, transform.coefficients * weight[:, None], 0)
    n = transform.samples
    at = (row * n + np.arange(n)).ravel()
    flat = parts.ravel()
    values = np.bincount(at, flat.real, len(frequencies) * n) + 1j * np.bincount(
        at, flat.imag, len(frequencies) * n
    )
    return Synchrosqueezed(values.reshape(len(frequencies), n), frequencies, transform)
