"""What is done to a training sample before each step, drawn anew each time from torch's generator.

Sources: Simard, Steinkraus & Platt (2003), "Best practices for convolutional neural networks" (affine); DeVries &
Taylor (2017), "Improved regularization of convolutional neural networks with cutout"; Zhang, Cissé, Dauphin &
Lopez-Paz (2018), "mixup: beyond empirical risk minimization".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import functional


def _draw(x: torch.Tensor, low: float, high: float, per_channel: bool = False) -> torch.Tensor:
    """Return a number a sample (or channel) between the bounds, shaped to stand before ``x``."""
    shape = (*x.shape[: 2 if per_channel else 1], *[1] * (x.ndim - (2 if per_channel else 1)))
    return low + (high - low) * torch.rand(shape, dtype=x.dtype, device=x.device)


def affine(x: torch.Tensor) -> torch.Tensor:
    """Turn pictures by up to 10 degrees, scale them by up to 10 % and move them by up to 10 % of their size."""
    n = len(x)
    angle, size = _draw(x, -math.pi / 18, math.pi / 18).view(n), _draw(x, 0.9, 1.1).view(n)
    move = 0.2 * (torch.rand((n, 2), dtype=x.dtype, device=x.device) - 0.5) * 2
    cos, sin = torch.cos(angle) / size, torch.sin(angle) / size
    rows = [torch.stack([cos, -sin, move[:, 0]], 1), torch.stack([sin, cos, move[:, 1]], 1)]
    grid = functional.affine_grid(torch.stack(rows, 1), list(x.shape), align_corners=False)
    return functional.grid_sample(x, grid, padding_mode="border", align_corners=False)


def cutout(x: torch.Tensor) -> torch.Tensor:
    """Set a quarter of the length, or a square of half the height and width, to 0 at a random place."""
    inside: Any = True
    for axis in range(2, x.ndim):
        length = x.shape[axis]
        span = max(1, length // (4 if x.ndim == 3 else 2))
        start = (_draw(x, 0, 1) * (length - span + 1)).floor()
        shape = [1] * x.ndim
        shape[axis] = length
        at = torch.arange(length, device=x.device).view(shape)
        inside = inside & (at >= start) & (at < start + span)
    return x.masked_fill(inside, 0.0)


def flip(x: torch.Tensor) -> torch.Tensor:
    """Mirror half of the samples along the last axis."""
    return torch.where(_draw(x, 0, 1) < 0.5, x.flip(-1), x)


def noise(x: torch.Tensor) -> torch.Tensor:
    """Add normal noise of a twentieth of the channels' spread."""
    return x + 0.05 * torch.randn_like(x)


def scale(x: torch.Tensor) -> torch.Tensor:
    """Multiply each channel by a number from 0.8 to 1.25."""
    return x * torch.exp(_draw(x, math.log(0.8), math.log(1.25), per_channel=True))


def shift(x: torch.Tensor) -> torch.Tensor:
    """Move along each axis by up to a tenth of its length, at least one step; the edge is repeated."""
    for axis in range(2, x.ndim):
        length = x.shape[axis]
        most = max(1, length // 10)
        by = (_draw(x, 0, 1) * (2 * most + 1)).floor().long() - most
        shape = [1] * x.ndim
        shape[axis] = length
        at = (torch.arange(length, device=x.device).view(shape) - by).clamp(0, length - 1)
        x = x.gather(axis, at.expand(x.shape))
    return x


CHANGES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "affine": affine,
    "cutout": cutout,
    "flip": flip,
    "noise": noise,
    "scale": scale,
    "shift": shift,
}
AUGMENTATIONS = (*CHANGES, "mixup")
_ALPHA = 0.2  # of mixup's beta distribution, as for ImageNet in the paper


class Augmentation:
    """The changes of ``names``, in their order; ``"mixup"`` comes last wherever it stands."""

    def __init__(self, names: Sequence[str]) -> None:
        self.changes = [CHANGES[name] for name in names if name in CHANGES]
        self.mixup = "mixup" in names

    def __call__(
        self, x: torch.Tensor, rows: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor | None, float]:
        """Return the samples ``rows`` of ``x`` changed, the rows they are mixed with (or None) and their own share."""
        inputs = x[rows]
        for change in self.changes:
            inputs = change(inputs)
        if not self.mixup:
            return inputs, None, 1.0
        drawn = torch._standard_gamma(torch.full((2,), _ALPHA, dtype=torch.float64)).clamp(min=1e-30)
        share = float(drawn[0] / drawn.sum())
        order = torch.randperm(len(rows), device=rows.device)
        return share * inputs + (1 - share) * inputs[order], rows[order], share
