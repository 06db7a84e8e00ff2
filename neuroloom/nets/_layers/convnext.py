"""Blocks of ConvNeXt (Liu et al. 2022), for series and pictures."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from neuroloom.nets._layers.convolution import SameConv


class ChannelNorm(nn.Module):  # type: ignore[misc]
    """Layer normalisation over the channels of each place (Ba, Kiros & Hinton 2016)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(b, width, …)``."""
        return self.norm(x.movedim(1, -1)).movedim(-1, 1)


class ConvNeXtBlock(nn.Module):  # type: ignore[misc]
    """``x + γ · W₂ gelu(W₁ norm(depthwise(x)))``, four times as wide inside (figure 4).

    Args:
        dims: 1 or 2.
        width: channels.
        kernel: of the depthwise convolution.
        layer_scale: where γ begins.
        drop_path: share of the samples that pass the block by in training (Huang et al. 2016, stochastic depth).
    """

    def __init__(self, dims: int, width: int, kernel: int, layer_scale: float, drop_path: float) -> None:
        super().__init__()
        self.depthwise = SameConv(dims, width, width, kernel, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.gamma = nn.Parameter(torch.full((width,), layer_scale))
        self.drop_path = drop_path

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(b, width, …)``."""
        h = self.norm(self.depthwise(x).movedim(1, -1))
        h = (self.gamma * self.narrow(functional.gelu(self.wide(h)))).movedim(-1, 1)
        if self.training and self.drop_path:
            kept = torch.rand((len(x), *[1] * (x.ndim - 1)), device=x.device) >= self.drop_path
            h = h * kept / (1 - self.drop_path)
        return x + h
