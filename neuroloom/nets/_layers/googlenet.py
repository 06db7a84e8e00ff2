"""The inception module of GoogLeNet (Szegedy et al. 2015) and its widths."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from neuroloom.nets._layers.convolution import SameConv

# Table 1, stages 3, 4 and 5: channels of 1×1, narrowed and 3×3, narrowed and 5×5, and of what follows the maximum.
STAGES = (
    ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)),
    (
        (192, 96, 208, 16, 48, 64), (160, 112, 224, 24, 64, 64), (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64), (256, 160, 320, 32, 128, 128),
    ),
    ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
)  # fmt: skip


class Conv(nn.Sequential):  # type: ignore[misc]
    """Convolution and ReLU, batch norm between them if wanted; the convolution has a bias where it is not."""

    def __init__(self, n_in: int, n_out: int, kernel: int, norm: bool, stride: int = 1) -> None:
        super().__init__(SameConv(2, n_in, n_out, kernel, stride=stride, bias=not norm))
        if norm:
            self.append(nn.BatchNorm2d(n_out))
        self.append(nn.ReLU())


class Shrink(nn.Module):  # type: ignore[misc]
    """Maximum over 3 × 3, every second place, of maps of at least 2 × 2."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(b, channels, height / 2, width / 2)``, about."""
        if min(x.shape[2:]) < 2:
            return x
        return functional.max_pool2d(x, min(3, *x.shape[2:]), 2, ceil_mode=True)


class Inception(nn.Module):  # type: ignore[misc]
    """1 × 1, 3 × 3 and 5 × 5 convolutions and a maximum over 3 × 3, side by side (figure 2b)."""

    def __init__(self, n_in: int, widths: Sequence[int], norm: bool) -> None:
        super().__init__()
        one, to_three, three, to_five, five, pooled = widths
        self.one = Conv(n_in, one, 1, norm)
        self.three = nn.Sequential(Conv(n_in, to_three, 1, norm), Conv(to_three, three, 3, norm))
        self.five = nn.Sequential(Conv(n_in, to_five, 1, norm), Conv(to_five, five, 5, norm))
        self.pooled = nn.Sequential(nn.MaxPool2d(3, 1, 1), Conv(n_in, pooled, 1, norm))
        self.width = one + three + five + pooled

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(b, width, height, width)``."""
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pooled(x)], dim=1)
