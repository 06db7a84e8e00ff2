"""The continuous wavelet transform, its inverse and its power.

Torrence and Compo (1998), "A practical guide to wavelet analysis"; Liu, Liang and Weisberg (2007), "Rectification of
the bias in the wavelet power spectrum"; Lilly and Olhede (2012), "Generalized Morse wavelets as a superfamily of
analytic wavelets".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.signal.continuous_wavelets import ContinuousWavelet, continuous_wavelet
from neuroloom.signal.plane import TimeScalePlane

if TYPE_CHECKING:
    from neuroloom.signal.significance import Significance

Floats = NDArray[np.float64]
BOUNDARIES = ("zero", "symmetric", "periodic")
NORMALIZATIONS = ("L2", "L1")


def cwt(
    x: Any,
    wavelet: Any = "morlet",
    *,
    fs: float = 1.0,
    frequencies: Any = None,
    scales: Any = None,
    voices: int = 12,
    boundary: str = "zero",
    normalization: str = "L2",
    precision: str = "double",
    device: str = "auto",
) -> CWT:
    """Return the continuous wavelet transform of the last axis of ``x``.

    With the time step δt = 1 / fs and the wavelet sampled at the signal's own instants (Torrence and Compo, eq. 2)::

        W_n(s) = sqrt(δt / s) sum_m x_m ψ₀*((m - n) δt / s)

    The mean of a signal is taken off first; :meth:`CWT.inverse` puts it back.

    Args:
        x: ``(..., n)`` real and finite numbers, n at least 8.
        wavelet: ``"morlet"`` (ω₀ = 6), ``"morlet(ω₀)"``, ``"morse"`` (β = 20, γ = 3), ``"morse(β,γ)"``, ``"paul4"``,
            ``"dog2"`` (``"mexican-hat"``), ``"dog6"``, … or a :class:`ContinuousWavelet`.
        fs: samples per unit of time, above 0; frequencies come in cycles per that unit.
        frequencies: ``(scales,)`` wanted, above 0 and at most fs / 2; None, and no ``scales``, for all from fs / 2
            down to where the cone of influence covers the whole signal, ``voices`` an octave.
        scales: ``(scales,)`` in units of time, instead of frequencies.
        voices: scales an octave, at least 1.
        boundary: what lies beyond the ends: ``"zero"``, ``"symmetric"`` (mirrored) or ``"periodic"``.
        normalization: ``"L2"``: wavelets of equal energy, so that white noise has the same power at all scales.
            ``"L1"``: of equal amplitude: a wave of amplitude A gives |W| = A at its own frequency.
        precision: ``"double"``, or ``"single"``, which takes half the time and memory and is right to about 1e-6.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``, …

    Raises:
        InputError: a value is missing, the signal is too short, a frequency lies beyond fs / 2, the wavelet is unknown.

    Source:
        Torrence and Compo (1998), "A practical guide to wavelet analysis".
    """
    import torch

    from neuroloom.core.devices import resolve_device
    from neuroloom.signal import _cwt

    signal = real_signal(x)
    chosen = continuous_wavelet(wavelet)
    check_float("fs", fs, 0, open_low=True)
    check_choice("boundary", boundary, BOUNDARIES)
    check_choice("normalization", normalization, NORMALIZATIONS)
    check_choice("precision", precision, ("double", "single"))
    s = scales_in(chosen, signal.shape[-1], fs, frequencies, scales, voices, normalization)
    where = resolve_device(device)
    real, kind = (
        (torch.float64, torch.complex128) if precision == "double" else (torch.float32, torch.complex64)
    )
    groups = _cwt.plan(chosen, s * fs, signal.shape[-1], boundary, normalization, kind, where)
    centred = signal - signal.mean(-1, keepdims=True)
    rows = torch.as_tensor(centred.reshape(-1, signal.shape[-1]), dtype=real, device=where)
    # NumPy asks the system for large pages, which are faster to come by; numbers are copied faster than complex ones
    shape = (*signal.shape[:-1], len(s), signal.shape[-1])
    coefficients = np.empty(shape, np.complex128 if precision == "double" else np.complex64)
    out = torch.view_as_real(torch.from_numpy(coefficients.reshape(len(rows), *shape[-2:])))
    for part, j, found in _cwt.blocks(rows, groups, boundary):
        out[part, j] = torch.view_as_real(found).to(out.device)
    return CWT(
        coefficients if chosen.complex_valued else coefficients.real.copy(),
        s, fs, chosen, boundary, normalization, signal,
    )  # fmt: skip


@dataclass(frozen=True, repr=False)
class CWT(TimeScalePlane):
    """A continuous wavelet transform, as :func:`cwt` makes it.

    Args:
        coefficients: ``(..., scales, n)`` complex, or real for a real wavelet.
        scales: ``(scales,)`` in units of time, as they were given or from fine to coarse.
        fs: samples per unit of time.
        wavelet: the wavelet.
        boundary: what was assumed beyond the ends.
        normalization: ``"L2"`` or ``"L1"``.
        signal: ``(..., n)`` what was transformed.
    """

    coefficients: NDArray[Any]
    scales: Floats
    fs: float
    wavelet: ContinuousWavelet
    boundary: str
    normalization: str
    signal: Floats

    def __repr__(self) -> str:
        low, high = self.frequencies.min(), self.frequencies.max()
        return (
            f"CWT({self.wavelet.name}, {self.coefficients.shape}, frequencies {low:.4g} to {high:.4g}, "
            f"fs={self.fs:g}, {self.normalization})"
        )

    @property
    def samples(self) -> int:
        """Samples of a signal."""
        return int(self.signal.shape[-1])

    def power(self, corrected: bool = False) -> NDArray[Any]:
        """Return |W|² ``(..., scales, n)``; ``corrected`` divides L2 power by the scale.

        Uncorrected L2 power of waves of equal amplitude grows with their period (Liu, Liang and Weisberg 2007).

        Raises:
            InputError: L1 coefficients need no correction.
        """
        found: NDArray[Any] = np.abs(self.coefficients) ** 2
        if not corrected:
            return found
        if self.normalization != "L2":
            raise InputError("the power of L1 coefficients needs no correction; leave `corrected` out.")
        even: NDArray[Any] = found / self.scales[:, None].astype(found.dtype)
        return even

    def global_power(self, corrected: bool = False, in_cone: bool = False) -> Floats:
        """Return the mean power ``(..., scales)`` over time; ``in_cone`` leaves out what the ends reach (NaN: all)."""
        power = self.power(corrected)
        if not in_cone:
            return np.asarray(power.mean(-1), dtype=np.float64)
        counted = self.inside_cone
        number = counted.sum(-1)
        total = np.where(counted, power, 0).sum(-1)
        return np.where(number > 0, total / np.maximum(number, 1), np.nan)

    def band_power(self, low: float, high: float) -> Floats:
        """Return the mean variance in a band of periods over time, ``(..., n)`` (Torrence and Compo, eq. 24).

        ``δj δt / C`` times the sum of |W|² / s over the scales whose period lies in ``[low, high]``; C is the exact
        constant for powers, π / ln 2 times the integral of |ψ̂₀(w)|² / w (twice that for a real wavelet), which is
        within 1 % of their C_δ for Morlet.

        Raises:
            InputError: no scale has such a period, scales are uneven, or the normalisation is L1.
        """
        chosen = self.band(low, high)
        total = (self.power()[..., chosen, :] / self.scales[chosen, None]).sum(-2)
        found: Floats = self.spacing() / self.fs / self._c_delta() * total
        return found

    def band(self, low: float, high: float) -> NDArray[np.intp]:
        """Return the indices of the scales whose period lies in ``[low, high]``.

        Raises:
            InputError: there is none.
        """
        periods = self.periods
        found = np.flatnonzero((periods >= low) & (periods <= high))
        if not len(found):
            raise InputError(
                f"no period lies between {low:g} and {high:g}; there are {len(periods)} from {periods.min():.4g} to "
                f"{periods.max():.4g}."
            )
        return found

    def spacing(self) -> float:
        """Return δj, the octaves between two scales.

        Raises:
            InputError: they are not evenly spaced in their logarithm, or there is but one.
        """
        steps = np.diff(np.log2(np.sort(self.scales)))
        if not len(steps) or np.ptp(steps) > 1e-6 * max(1.0, float(steps.max())):
            raise InputError(
                "this sum over scales needs at least two, evenly spaced in their logarithm; leave `scales` and "
                "`frequencies` out and set `voices`."
            )
        return float(steps.mean())

    def _c_delta(self) -> float:
        if self.normalization != "L2":
            raise InputError("only L2 power adds up to a variance; transform with normalization='L2'.")
        return self.wavelet.total_power * math.pi / math.log(2) * (1.0 if self.wavelet.analytic else 2.0)

    def inverse(self, low: float | None = None, high: float | None = None) -> Floats:
        """Return the signal ``(..., n)``, or its part with periods in ``[low, high]`` (Torrence and Compo, eq. 11).

        The sum over scales of Re W / √s. The whole signal comes back with its mean; what lies beyond the scales
        there are is missing from it.

        Raises:
            InputError: scales are not evenly spaced in their logarithm, or no period lies in the band.
            NotSupportedError: the wavelet is odd.
        """
        c = self.wavelet.reconstruction
        chosen = np.arange(len(self.scales))
        whole = low is None and high is None
        if not whole:
            chosen = self.band(0.0 if low is None else low, np.inf if high is None else high)
        weight = 1 / np.sqrt(self.scales[chosen])
        if self.normalization == "L1":  # back to L2
            peak = float(np.abs(self.wavelet.spectrum(self.wavelet.amplitude_peak)))
            gain = (2.0 if self.wavelet.analytic else 1.0) / (math.sqrt(2 * math.pi) * peak)
            weight = weight * np.sqrt(self.scales[chosen] * self.fs) / gain
        total = np.einsum("...st,s->...t", self.coefficients.real[..., chosen, :], weight)
        found: Floats = self.spacing() / math.sqrt(self.fs) / c * total
        return found + self.signal.mean(-1, keepdims=True) if whole else found

    def significance(self, level: float = 0.95, lag1: Any = None) -> Significance:
        """Return how the power compares with that of red noise; see :class:`Significance`."""
        from neuroloom.signal.significance import Significance

        return Significance.of(self, level, lag1)

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw the scalogram with its cone of influence; see :func:`neuroloom.signal.plots.plot_cwt`."""
        from neuroloom.signal.plots import plot_cwt

        return plot_cwt(self, ax, **options)


def real_signal(x: Any, least: int = 8) -> Floats:
    """Return ``x (..., n)`` as finite float64.

    Raises:
        InputError: a value is missing or complex, or there are fewer than ``least`` samples.
    """
    try:
        signal = np.asarray(x)
        if signal.dtype.kind == "c":
            raise InputError("`x` must be real, but it is complex; transform its real and imaginary parts.")
        signal = signal.astype(np.float64)
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"`x` must hold numbers, all signals of one length ({error}).") from error
    if signal.ndim == 0 or signal.shape[-1] < least:
        raise InputError(
            f"a signal must have at least {least} samples on its last axis, but `x` has shape {signal.shape}."
        )
    missing = int(signal.size - np.isfinite(signal).sum())
    if missing:
        raise InputError(f"`x` has {missing} missing or infinite values; fill or drop them.")
    return signal


def scales_in(
    wavelet: ContinuousWavelet,
    n: int,
    fs: float,
    frequencies: Any,
    scales: Any,
    voices: int,
    normalization: str,
) -> Floats:
    """Return the scales asked for, in units of time.

    Raises:
        InputError: both are given, one is not positive, or a frequency lies beyond fs / 2.
    """
    if frequencies is not None and scales is not None:
        raise InputError("give `frequencies` or `scales`, not both.")
    if frequencies is None and scales is None:
        voices = check_int("voices", voices)
        first = float(wavelet.scale(fs / 2, normalization))
        last = n / fs / (2 * wavelet.e_folding)
        octaves = math.log2(last / first) if last > first else 0.0
        found: Floats = first * 2 ** (np.arange(math.floor(octaves * voices) + 1) / voices)
        return found
    name = "scales" if frequencies is None else "frequencies"
    values = np.atleast_1d(np.asarray(scales if frequencies is None else frequencies, dtype=np.float64))
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all() or (values <= 0).any():
        raise InputError(f"`{name}` must be a list of numbers above 0, but got {values!r}.")
    if frequencies is None:
        return values
    if values.max() > fs / 2 * (1 + 1e-9):
        raise InputError(
            f"`frequencies` must be at most fs / 2 = {fs / 2:g}, but the highest is {values.max():g}; is `fs` right?"
        )
    return wavelet.scale(values, normalization)
