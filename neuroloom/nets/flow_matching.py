"""Flow matching: a field of velocities that carries noise to samples along straight lines.

Lipman, Chen, Ben-Hamu, Nickel and Le (2023), Flow matching for generative modeling (conditional paths of optimal
transport, section 4.1 with σ_min = 0).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neuroloom.nets.noise_path import NoisePath, over_samples

if TYPE_CHECKING:
    import torch


@dataclass(eq=False, repr=False)
class FlowMatching(NoisePath):
    """Sampler of tables, short series and small pictures by flow matching.

    With ``x_0 ~ N(0, I)``, a sample ``x_1`` and ``x_t = (1 - t) x_0 + t x_1`` it minimises the mean of ``‖v(x_t, t) -
    (x_1 - x_0)‖²`` over ``t`` in 0 … 1. ``sample`` follows ``dx/dt = v(x, t)`` from noise by Heun's steps.

    Attributes:
        weights_: name → array; ``history_``; ``n_parameters_``; ``origin_`` and ``scale_`` of each column or channel.

    Raises:
        InputError: a parameter is out of range.

    Source: Lipman et al. (2023).
    """

    def _loss(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        import torch

        start, t = torch.randn_like(x), torch.rand(len(x), device=x.device)
        share = over_samples(t, x)
        found: torch.Tensor = (network((1 - share) * start + share * x, t) - (x - start)).square().mean()
        return found

    def _lead(self, network: Any, z: torch.Tensor) -> torch.Tensor:
        return carried(network, z, self.sampler_steps)


def carried(velocity: Any, x: torch.Tensor, steps: int) -> torch.Tensor:
    """Return where ``dx/dt = velocity(x, t)`` carries ``x`` from ``t = 0`` to 1, by Heun's method."""
    import torch

    for k in range(steps):
        now, then = (torch.full((len(x),), at / steps, dtype=x.dtype, device=x.device) for at in (k, k + 1))
        first = velocity(x, now)
        x = x + (first + velocity(x + first / steps, then)) / (2 * steps)
    return x
