"""Diffusion: a net that tells the noise in a sample, by which noise alone becomes a sample.

Ho, Jain and Abbeel (2020), Denoising diffusion probabilistic models (DDPM); Song, Meng and Ermon (2021), Denoising
diffusion implicit models (DDIM); Nichol and Dhariwal (2021), Improved denoising diffusion probabilistic models (the
cosine schedule).
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

from neuroloom.core.checks import check_float
from neuroloom.nets.noise_path import NoisePath, over_samples

if TYPE_CHECKING:
    import torch

_OFFSET = 0.008  # s of Nichol and Dhariwal's eq. 17
_FIRST = 0.001  # the least noise's time; at 0 there is none to tell


@dataclass(eq=False, repr=False)
class Diffusion(NoisePath):
    """Sampler of tables, short series and small pictures by denoising diffusion.

    With ``ε ~ N(0, I)`` and ``x_t = √ā_t x + √(1 - ā_t) ε`` it minimises the mean of ``‖ε(x_t, t) - ε‖²`` over ``t``
    in 0 … 1, ``ā_t = cos²((t + s) / (1 + s) · π/2)`` over its value at 0. ``sample`` goes back from ``t = 1`` in
    ``sampler_steps`` steps of DDIM.

    Args:
        eta: how much new noise each of the sampler's steps brings, in [0, 1]: 0 is DDIM, 1 DDPM's ancestral sampling.

    Attributes:
        weights_: name → array; ``history_``; ``n_parameters_``; ``origin_`` and ``scale_`` of each column or channel.

    Raises:
        InputError: a parameter is out of range.

    Source: Ho et al. (2020); Song et al. (2021); Nichol and Dhariwal (2021).

    Differences:
        The sampler's guesses at a sample stay within the range of the training samples, as Ho et al.'s within that of
        pictures. Time is continuous in training; ``ā`` ends at 10⁻⁴ rather than at 0, where noise tells nothing of the
        sample.
    """

    _: KW_ONLY
    eta: float = 0.0

    def _build(self) -> torch.nn.Module:
        check_float("eta", self.eta, 0, 1)
        return super()._build()

    def _loss(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        import torch

        noise, t = torch.randn_like(x), _FIRST + (1 - _FIRST) * torch.rand(len(x), device=x.device)
        kept = over_samples(signal_share(t), x)
        found: torch.Tensor = (
            (network(kept.sqrt() * x + (1 - kept).sqrt() * noise, t) - noise).square().mean()
        )
        return found

    def _lead(self, network: Any, z: torch.Tensor) -> torch.Tensor:
        return denoised(network, z, self.sampler_steps, self.eta, (self.low_, self.high_))


def signal_share(t: torch.Tensor) -> torch.Tensor:
    """Return ``ā_t``, the share of a sample's variance that is left at time ``t`` (Nichol and Dhariwal's eq. 17)."""
    import torch

    start = math.cos(_OFFSET / (1 + _OFFSET) * math.pi / 2) ** 2
    return (torch.cos((t + _OFFSET) / (1 + _OFFSET) * math.pi / 2).square() / start).clamp(1e-4, 1 - 1e-6)


def denoised(
    noise_in: Any, x: torch.Tensor, steps: int, eta: float, limits: tuple[float, float] | None = None
) -> torch.Tensor:
    """Return the samples that noise ``x`` becomes (eqs. 12 and 16 of Song et al.).

    Args:
        noise_in: ``(x, t) → ε``.
        x: standard normal, ``(b, …)``.
        steps: from ``t = 1`` to the first time.
        eta: share of DDPM's noise in each.
        limits: the least and the greatest number in a sample, which no guess at it leaves; None knows none.
    """
    import torch

    times = torch.linspace(1, _FIRST, steps + 1, dtype=x.dtype, device=x.device)
    for k in range(steps):
        now, then = signal_share(times[k]), signal_share(times[k + 1])
        noise = noise_in(x, times[k].expand(len(x)))
        clean = (x - (1 - now).sqrt() * noise) / now.sqrt()
        if limits is not None:
            clean = clean.clamp(*limits)
            noise = (x - now.sqrt() * clean) / (1 - now).sqrt()
        fresh = eta * ((1 - then) / (1 - now) * (1 - now / then)).clamp(min=0).sqrt()
        x = then.sqrt() * clean + (1 - then - fresh**2).clamp(min=0).sqrt() * noise
        if eta:
            x = x + fresh * torch.randn_like(x)
    last = signal_share(times[-1])
    found: torch.Tensor = (x - (1 - last).sqrt() * noise_in(x, times[-1].expand(len(x)))) / last.sqrt()
    return found
