"""The layers of LeNet-5 (LeCun et al. 1998, section II.B)."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from neuroloom.nets._layers.convolution import Encoder

# Table I: which of the six maps of S2 each of the sixteen maps of C3 sees.
SEEN = (
    (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5),
    (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5),
    (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5), (0, 1, 2, 3, 4, 5),
)  # fmt: skip
SIZE = 32


class Resample(nn.Module):  # type: ignore[misc]
    """Pictures at 32 × 32."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(b, channels, 32, 32)``."""
        if x.shape[2:] == (SIZE, SIZE):
            return x
        return functional.interpolate(x, (SIZE, SIZE), mode="bilinear", align_corners=False, antialias=True)


class ScaledTanh(nn.Module):  # type: ignore[misc]
    """``1.7159 tanh(2/3 x)`` (appendix A)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the values, each in ±1.7159."""
        return 1.7159 * torch.tanh(2 / 3 * x)


class SubSample(nn.Module):  # type: ignore[misc]
    """The sum of each 2 × 2 square times a coefficient of its map, plus a bias."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.coefficient = nn.Parameter(torch.full((maps, 1, 1), 0.25))
        self.bias = nn.Parameter(torch.zeros(maps, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(b, maps, height / 2, width / 2)``."""
        return 4 * functional.avg_pool2d(x, 2) * self.coefficient + self.bias


class PartialConv(nn.Module):  # type: ignore[misc]
    """A 5 × 5 convolution whose every map sees the maps of ``SEEN`` alone; no weight is kept for the others."""

    def __init__(self) -> None:
        super().__init__()
        at = [out * 6 + into for out, maps in enumerate(SEEN) for into in maps]
        self.register_buffer("at", torch.tensor(at), persistent=False)
        self.kernels = nn.Parameter(torch.empty(len(at), 5, 5))
        self.bias = nn.Parameter(torch.zeros(len(SEEN)))
        start = 0
        with torch.no_grad():
            for maps in SEEN:  # uniform in ±2.4 / fan-in (appendix A)
                bound = 2.4 / (25 * len(maps))
                self.kernels[start : start + len(maps)].uniform_(-bound, bound)
                start += len(maps)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(b, 16, height - 4, width - 4)``."""
        empty = self.kernels.new_zeros(len(SEEN) * 6, 5, 5)
        whole = empty.index_copy(0, self.at, self.kernels).view(len(SEEN), 6, 5, 5)
        return functional.conv2d(x, whole, self.bias)


def lenet(channels: int, published: bool) -> Encoder:
    """Return the layers up to the 84 units, in the form of 1998 or in the usual one."""

    def squash() -> nn.Module:
        return ScaledTanh() if published else nn.Tanh()

    def halve(maps: int) -> list[nn.Module]:
        return [SubSample(maps), squash()] if published else [nn.AvgPool2d(2)]

    second = PartialConv() if published else nn.Conv2d(6, 16, 5)
    layers = [
        Resample(), nn.Conv2d(channels, 6, 5), squash(), *halve(6), second, squash(), *halve(16),
        nn.Conv2d(16, 120, 5), squash(), nn.Flatten(), nn.Linear(120, 84), squash(),
    ]  # fmt: skip
    return Encoder(*layers, width=84)
