"""Transients of a signal: short events that stand out of its noise, each at its place in time and scale.

Torrence and Compo (1998), "A practical guide to wavelet analysis", section 4 (the power of noise); Donoho and Johnstone
(1994), "Ideal spatial adaptation by wavelet shrinkage" (noise from the median).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_float
from neuroloom.core.errors import InputError
from neuroloom.signal.noise_fields import highest_of_noise
from neuroloom.signal.transform import CWT, cwt

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, repr=False)
class Transients:
    """Events of a signal, in order of time.

    Args:
        positions: ``(events,)`` samples where they are strongest.
        periods: ``(events,)`` periods there, in units of time.
        strengths: ``(events,)`` power over that of the noise at this scale, over the threshold: above 1.
        starts, ends: ``(events,)`` samples from which and up to which (exclusive) they stand out.
        transform: where they were found.
    """

    positions: Ints
    periods: Floats
    strengths: Floats
    starts: Ints
    ends: Ints
    transform: CWT

    def __repr__(self) -> str:
        return f"Transients(at {self.positions.tolist()})"

    def __len__(self) -> int:
        return len(self.positions)

    def plot(self, ax: Any = None) -> Any:
        """Draw the signal with its events marked; return the matplotlib axes."""
        from neuroloom.signal.plots import plot_transients

        return plot_transients(self, ax)


def transients(
    x: Any,
    wavelet: Any = "paul4",
    *,
    fs: float = 1.0,
    longest: float | None = None,
    significance: float = 0.01,
    voices: int = 8,
) -> Transients:
    """Return where a signal does what its noise does not.

    The noise's power at a scale is the median of |W|² over ln 2, so noise of any colour is allowed for, and events may
    take up less than half of the time. Of Gaussian noise |W|² is a χ² field over time and scale; a place stands out
    where its power is above what such a field reaches anywhere with probability ``significance``. Places that touch are
    one event, at the strongest of them. What the ends reach, outside the cone of influence, is left out.

    Args:
        x: ``(n,)`` finite numbers, n at least 64.
        wavelet: an analytic wavelet; Paul's is short in time, Morlet tells the period better.
        fs: samples per unit of time, above 0.
        longest: longest period looked at; None for n / 32 samples, so that a scale's median is of enough places.
        significance: chance of a false event in a signal of noise alone, in (0, 0.5].
        voices: scales an octave.

    Raises:
        InputError: a missing value, too short a signal, a wavelet that is not analytic, or a parameter out of range.

    Source:
        Torrence and Compo (1998), eq. 16 to 18, with the noise's spectrum taken from the medians; Worsley (1994) for
        the height of the noise.
    """
    check_float("significance", significance, 0, 0.5, open_low=True)
    check_float("fs", fs, 0, open_low=True)
    whole = cwt(x, wavelet, fs=fs, voices=voices, boundary="symmetric")
    if whole.signal.ndim != 1 or whole.samples < 64:
        raise InputError(
            f"expected one signal (n,) of at least 64 values, but `x` has shape {whole.signal.shape}."
        )
    if not whole.wavelet.analytic:
        raise InputError(f"transients need an analytic wavelet, such as paul4, but got {whole.wavelet.name}.")
    n = whole.samples
    top = n / fs / 32 if longest is None else check_float("longest", longest, 0, n / fs, open_low=True)
    chosen = (whole.periods <= top) & (_beyond(whole) < 0.01)
    if not chosen.any():
        raise InputError(f"no period up to {top:g} can be told from this signal's noise; raise `longest`.")
    power = np.abs(whole.coefficients[chosen]) ** 2
    noise = np.median(power, axis=1, keepdims=True) / math.log(2)
    along, across = _slopes(whole)
    area = float((n / fs / whole.scales[chosen]).sum()) * math.log(2) / voices
    limit = highest_of_noise(area * along * across / (2 * math.pi), significance) / 2
    ratio = np.where(whole.inside_cone[chosen], power / np.where(noise > 0, noise, np.inf) / limit, 0.0)
    from scipy.ndimage import find_objects, label

    marked, count = label(ratio > 1, structure=np.ones((3, 3)))
    rows = []
    for number, box in enumerate(find_objects(marked), start=1):
        inside = np.where(marked[box] == number, ratio[box], 0)
        j, t = np.unravel_index(int(np.argmax(inside)), inside.shape)
        at, scale = box[1].start + int(t), box[0].start + int(j)
        rows.append((at, whole.periods[chosen][scale], inside[j, t], box[1].start, box[1].stop))
    rows.sort()
    table = np.array(rows, dtype=np.float64).reshape(count, 5)
    ints = table[:, [0, 3, 4]].astype(np.int64)
    return Transients(ints[:, 0], table[:, 1], table[:, 2], ints[:, 1], ints[:, 2], whole)


def _slopes(transform: CWT) -> tuple[float, float]:
    """Return the deviations of the slopes of noise's coefficients, at scale 1, over time and over ln s.

    That over time is the deviation of w under |ψ̂|² (a turn of the phase does not change the modulus); over ln s it is
    the norm of ``ψ̂ / 2 + w ψ̂'``.
    """
    w = np.linspace(1e-4, 8 * transform.wavelet.amplitude_peak, 20_000)
    spectrum = transform.wavelet.spectrum(w).real
    p = spectrum**2 / (spectrum**2).sum()
    mean = float((w * p).sum())
    along = math.sqrt(float(((w - mean) ** 2 * p).sum()))
    change = spectrum / 2 + w * np.gradient(spectrum, w)
    return along, math.sqrt(float((change**2).sum() / (spectrum**2).sum()))


def _beyond(transform: CWT) -> Floats:
    """Return ``(scales,)`` the share of the wavelet's energy above fs / 2: with much of it noise is not exponential."""
    w = np.linspace(1e-3, 8 * transform.wavelet.amplitude_peak, 4000)
    energy = np.abs(transform.wavelet.spectrum(w)) ** 2
    above = energy[::-1].cumsum()[::-1] / energy.sum()
    found: Floats = np.interp(np.pi * transform.fs * transform.scales, w, above, right=0.0)
    return found
