"""Networks from a window ``(b, channels, lags)`` to all steps ahead ``(b, horizon)``."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from neuroloom.nets._layers.temporal import AttentionBlock


class LinearDecomposition(nn.Module):  # type: ignore[misc]
    """DLinear: linear maps of the moving average and of what it leaves, of all channels."""

    def __init__(self, channels: int, lags: int, kernel: int, horizon: int) -> None:
        super().__init__()
        self.kernel = kernel
        self.trend = nn.Linear(channels * lags, horizon)
        self.rest = nn.Linear(channels * lags, horizon)
        for layer in (self.trend, self.rest):  # the code of the paper begins with means over the window
            nn.init.constant_(layer.weight, 0.0)
            nn.init.constant_(layer.weight[:, :lags], 1 / lags)
            nn.init.zeros_(layer.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(b, horizon)``."""
        early = (self.kernel - 1) // 2
        padded = functional.pad(x, (early, self.kernel - 1 - early), mode="replicate")
        trend = functional.avg_pool1d(padded, self.kernel, stride=1)
        return self.trend(trend.flatten(1)) + self.rest((x - trend).flatten(1))


class _Block(nn.Module):  # type: ignore[misc]
    """Four dense layers, and coefficients of a basis for the history and one for the steps ahead."""

    def __init__(
        self,
        inputs: int,
        width: int,
        back: torch.Tensor | int,
        ahead: torch.Tensor | int,
        sizes: tuple[int, int],
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i in range(4):
            layers += [nn.Linear(inputs if i == 0 else width, width), nn.ReLU()]
        self.dense = nn.Sequential(*layers)
        self.learned = isinstance(back, int)
        if isinstance(back, int) and isinstance(ahead, int):
            self.theta = nn.Linear(width, back + ahead, bias=False)
            self.split = back
            self.back, self.ahead = nn.Linear(back, sizes[0]), nn.Linear(ahead, sizes[1])
        else:
            assert isinstance(back, torch.Tensor)
            assert isinstance(ahead, torch.Tensor)
            self.theta = nn.Linear(width, len(back) + len(ahead), bias=False)
            self.split = len(back)
            self.register_buffer("back_basis", back, persistent=False)
            self.register_buffer("ahead_basis", ahead, persistent=False)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what is explained of the history and what is forecast."""
        theta = self.theta(self.dense(x))
        back, ahead = theta[:, : self.split], theta[:, self.split :]
        if self.learned:
            return self.back(back), self.ahead(ahead)
        return back @ self.back_basis, ahead @ self.ahead_basis


class ResidualStacks(nn.Module):  # type: ignore[misc]
    """N-BEATS: the residual of the history goes from block to block, the forecasts add up (eq. 2)."""

    def __init__(
        self,
        channels: int,
        lags: int,
        horizon: int,
        interpretable: bool,
        blocks: int,
        width: int,
        coefficients: int,
        degree: int,
    ) -> None:
        super().__init__()
        self.lags = lags
        inputs, sizes = channels * lags, (lags, horizon)
        bases: list[tuple[torch.Tensor | int, torch.Tensor | int]]
        if interpretable:
            bases = [(polynomials(lags, degree), polynomials(horizon, degree)), (waves(lags), waves(horizon))]
        else:
            bases = [(coefficients, coefficients)]
        self.stacks = nn.ModuleList(
            [nn.ModuleList([_Block(inputs, width, *basis, sizes) for _ in range(blocks)]) for basis in bases]
        )

    def parts(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return the forecast of each stack, ``(b, horizon)``."""
        others, rest, made = x[:, 1:].flatten(1), x[:, 0], []
        for stack in self.stacks:
            forecasts = []
            for block in stack:
                explained, forecast = block(torch.cat([rest, others], 1))
                rest = rest - explained
                forecasts.append(forecast)
            made.append(torch.stack(forecasts).sum(0))
        return made

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(b, horizon)``."""
        return torch.stack(self.parts(x)).sum(0)


def polynomials(steps: int, degree: int) -> torch.Tensor:
    """Return ``(degree + 1, steps)``: the powers of time from 0 to below 1 (section 3.3)."""
    t = torch.arange(steps, dtype=torch.float32) / steps
    return torch.stack([t**power for power in range(degree + 1)])


def waves(steps: int) -> torch.Tensor:
    """Return cosines and sines of 0 … ⌊steps / 2⌋ − 1 turns over the steps (section 3.3); one constant at least."""
    t = 2 * math.pi * torch.arange(steps, dtype=torch.float32) / steps
    turns = range(max(steps // 2, 1))
    return torch.stack([torch.cos(k * t) for k in turns] + [torch.sin(k * t) for k in turns if k])


class PatchAttention(nn.Module):  # type: ignore[misc]
    """PatchTST: overlapping patches, learned places, attention blocks, and a linear map of all that comes out."""

    def __init__(
        self,
        channels: int,
        lags: int,
        patch: int,
        width: int,
        heads: int,
        layers: int,
        dropout: float,
        horizon: int,
    ) -> None:
        super().__init__()
        self.patch, self.stride = patch, max(1, patch // 2)
        count = -(-max(lags - patch, 0) // self.stride) + 1
        self.missing = (count - 1) * self.stride + patch - lags
        self.embed = nn.Linear(patch, width)
        self.place = nn.Parameter(0.02 * torch.randn(count, width))
        self.blocks = nn.ModuleList([AttentionBlock(width, heads, dropout) for _ in range(layers)])
        self.norm, self.drop = nn.LayerNorm(width), nn.Dropout(dropout)
        self.head = nn.Linear(channels * count * width, horizon)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(b, horizon)``."""
        b, channels, _ = x.shape
        padded = functional.pad(x, (self.missing, 0), mode="replicate")
        patches = padded.unfold(2, self.patch, self.stride).flatten(0, 1)
        h = self.drop(self.embed(patches) + self.place)
        for block in self.blocks:
            h = block(h, None)
        return self.head(self.norm(h).reshape(b, channels, -1).flatten(1))
