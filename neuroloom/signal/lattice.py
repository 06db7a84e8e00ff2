"""Orthogonal filters from rotations: every filter bank of two channels that the lattice makes is orthogonal.

Vaidyanathan and Hoang (1988), "Lattice structures for optimal design and robust implementation of two-channel
perfect-reconstruction QMF banks".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.errors import InputError
from neuroloom.signal.stationary import discrete_wavelet

if TYPE_CHECKING:
    import pywt
    import torch

Floats = NDArray[np.float64]


def filters_of(angles: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the low and the high filters ``(..., 2 K)`` of K rotations, K - 1 of them free.

    With ``R(θ) = [[cos θ, sin θ], [-sin θ, cos θ]]`` and Λ the delay of the second channel, the polyphase matrix is
    ``R(θ_K) Λ R(θ_{K-1}) … Λ R(θ_1)``. The last angle is what makes all add up to π / 4, so that the low filter's taps
    sum to √2 and the high filter's to 0 (one vanishing moment).

    Args:
        angles: ``(..., K - 1)`` θ_1 … θ_{K-1}, radians.

    Source: Vaidyanathan and Hoang (1988), eq. 20 to 23.
    """
    import math

    import torch

    last = math.pi / 4 - angles.sum(-1, keepdim=True)
    every = torch.cat([angles, last], -1)
    cos, sin = torch.cos(every), torch.sin(every)
    low = torch.stack([cos[..., 0], sin[..., 0]], -1)
    high = torch.stack([-sin[..., 0], cos[..., 0]], -1)
    for k in range(1, every.shape[-1]):
        c, s = cos[..., k, None], sin[..., k, None]
        early = torch.nn.functional.pad(low, (0, 2))
        late = torch.nn.functional.pad(high, (2, 0))
        low, high = c * early + s * late, c * late - s * early
    return low, high


def lattice_angles(wavelet: str) -> Floats:
    """Return the ``(K - 1,)`` free angles whose filters are those of an orthogonal wavelet of 2 K taps.

    Raises:
        InputError: the wavelet is not orthogonal.
    """
    chosen = discrete_wavelet(wavelet)
    if not chosen.orthogonal:
        raise InputError(f"rotations make orthogonal filters, such as db4, but {chosen.name} is none.")
    low = np.asarray(chosen.dec_lo, dtype=np.float64)
    high = low[::-1] * (-1.0) ** (np.arange(len(low)) + 1)
    found = []
    while len(low) > 2:  # take the last rotation off, as eq. 24 does
        angle = np.arctan2(-high[:2] @ low[:2], low[:2] @ low[:2])
        found.append(angle)
        c, s = np.cos(angle), np.sin(angle)
        low, high = (c * low - s * high)[:-2], (s * low + c * high)[2:]
    found.append(np.arctan2(low[1], low[0]))
    return np.array(found[::-1][:-1])


def wavelet_of(low: Floats, high: Floats) -> pywt.Wavelet:
    """Return PyWavelets' wavelet with these orthogonal analysis filters ``(taps,)``."""
    import pywt

    bank = [low.tolist(), high.tolist(), low[::-1].tolist(), high[::-1].tolist()]
    found = pywt.Wavelet("adaptive", filter_bank=bank)
    found.orthogonal = True
    return found
