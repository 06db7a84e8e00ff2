"""Ridges of a time-frequency plane: the frequencies that a signal's waves have at each instant.

Delprat, Escudié, Guillemain, Kronland-Martinet, Tchamitchian and Torrésani (1992), "Asymptotic wavelet and Gabor
analysis: extraction of instantaneous frequencies"; Carmona, Hwang and Torrésani (1997), "Characterization of signals by
the ridges of their wavelet transforms" (the penalty), here solved exactly by dynamic programming.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_float, check_int
from neuroloom.core.errors import InputError

if TYPE_CHECKING:
    from neuroloom.signal.transform import CWT

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, repr=False)
class Ridges:
    """Waves of a signal, strongest first.

    Args:
        frequencies: ``(ridges, n)`` cycles per unit of time at each instant.
        amplitudes: ``(ridges, n)`` of the waves, in units of the signal.
        phases: ``(ridges, n)`` radians in -π … π.
        transform: where they were found.
    """

    frequencies: Floats
    amplitudes: Floats
    phases: Floats
    transform: CWT

    def __repr__(self) -> str:
        span = ", ".join(f"{one.min():.3g} to {one.max():.3g}" for one in self.frequencies)
        return f"Ridges({len(self)} of frequency {span})"

    def __len__(self) -> int:
        return len(self.frequencies)

    @property
    def signals(self) -> Floats:
        """``(ridges, n)`` amplitude times the cosine of the phase: each wave by itself."""
        found: Floats = self.amplitudes * np.cos(self.phases)
        return found

    def plot(self, ax: Any = None) -> Any:
        """Draw the ridges over the scalogram; return the matplotlib axes."""
        from neuroloom.signal.plots import plot_ridges

        return plot_ridges(self, ax)


def ridges(transform: CWT, count: int = 1, *, penalty: float = 1.0, width: float = 0.5) -> Ridges:
    """Return the ``count`` strongest ridges of a continuous wavelet transform.

    A ridge is the path of scales j(t) with the largest ``Σ log |W(j(t), t)|² - penalty Σ (j(t + 1) - j(t))²``, found
    exactly; between scales the frequency is that of the phase, ``∂ arg W / ∂t / 2π``. For the next ridge the scales
    within ``width`` octaves of it are left out. The amplitude is |W| over what the wavelet lets through of this
    frequency at that scale.

    Args:
        transform: of one signal, by an analytic wavelet (Morlet, Morse, Paul).
        count: how many ridges, at least 1.
        penalty: price of a step of one scale at 12 scales an octave, at least 0; lower follows quicker changes.
        width: octaves on either side of a ridge, above 0.

    Raises:
        InputError: several signals, a wavelet that is not analytic, a parameter out of range, or no scale is left
            beside the ridges before.

    Source:
        Delprat et al. (1992), section III; Carmona, Hwang and Torrésani (1997).
    """
    plane = analytic_plane(transform)
    check_int("count", count)
    check_float("penalty", penalty, 0)
    check_float("width", width, 0, open_low=True)
    octaves = np.log2(transform.scales)
    power = np.abs(plane) ** 2
    free = np.ones(power.shape, dtype=bool)
    left = np.log(np.maximum(power, 1e-12 * power.max() + np.finfo(np.float64).tiny))
    at = np.arange(plane.shape[1])
    found: list[Floats] = []
    size, phase = [], []
    steps = (octaves[:, None] - octaves) ** 2 * 144.0
    local = instantaneous_frequency(plane, transform.fs)
    frequencies = transform.wavelet.frequency(transform.scales, "L1")
    peak = float(np.abs(transform.wavelet.spectrum(transform.wavelet.amplitude_peak)))
    for _ in range(count):
        if not free.any():
            raise InputError(
                f"{len(found)} ridges leave no scale; lower `count`, {count}, or `width`, {width:g}."
            )
        path = _best_path(left, penalty * steps)
        own = local[path, at]
        named = frequencies[path]
        near = np.abs(np.log2(np.maximum(own, 1e-300) / named)) < 0.5  # else the phase is noise
        found.append(np.where(near, own, named))
        seen = np.abs(transform.wavelet.spectrum(2 * np.pi * found[-1] * transform.scales[path]))
        size.append(np.abs(plane[path, at]) * peak / np.maximum(seen, 0.5 * peak))
        phase.append(np.angle(plane[path, at]))
        beside = np.abs(octaves[:, None] - octaves[path]) <= width
        free &= ~beside
        left = np.where(beside, left.min(), left)
    return Ridges(np.array(found), np.array(size), np.array(phase), transform)


def analytic_plane(transform: CWT) -> NDArray[np.complex128]:
    """Return ``(scales, n)`` coefficients whose size is a wave's amplitude.

    Raises:
        InputError: several signals, or a wavelet that is not analytic.
    """
    if transform.signal.ndim != 1:
        raise InputError(
            f"expected the transform of one signal (n,), but it is of shape {transform.signal.shape}."
        )
    if not transform.wavelet.analytic:
        raise InputError(f"waves need an analytic wavelet, such as morlet, but got {transform.wavelet.name}.")
    plane = np.asarray(transform.coefficients, dtype=np.complex128)
    if transform.normalization == "L1":
        return plane
    peak = float(np.abs(transform.wavelet.spectrum(transform.wavelet.amplitude_peak)))
    gain = 2.0 / (np.sqrt(2 * np.pi) * peak) / np.sqrt(transform.scales * transform.fs)
    found: NDArray[np.complex128] = plane * gain[:, None]
    return found


def instantaneous_frequency(plane: NDArray[np.complex128], fs: float) -> Floats:
    """Return ``(scales, n)`` ∂ arg W / ∂t / 2π by the angle between neighbours, right up to fs / 2."""
    turn = plane[:, 1:] * plane[:, :-1].conj()
    both = np.empty_like(plane)
    both[:, 1:-1] = turn[:, 1:] + turn[:, :-1]
    both[:, 0], both[:, -1] = turn[:, 0], turn[:, -1]
    found: Floats = np.angle(both) * fs / (2 * np.pi)
    return found


def _best_path(gain: Floats, price: Floats) -> Ints:
    """Return ``(n,)`` rows of ``gain (rows, n)`` with the largest sum less the ``price (rows, rows)`` of each step."""
    rows, n = gain.shape
    origin = np.empty((n, rows), dtype=np.int64)
    best = gain[:, 0].copy()
    own = np.arange(rows)
    for t in range(1, n):
        options = best - price  # (to, from)
        origin[t] = np.argmax(options, axis=1)
        best = options[own, origin[t]] + gain[:, t]
    path = np.empty(n, dtype=np.int64)
    path[-1] = int(np.argmax(best))
    for t in range(n - 1, 0, -1):
        path[t - 1] = origin[t, path[t]]
    return path
