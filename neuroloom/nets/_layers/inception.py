"""Inception modules of series (Ismail Fawaz et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from neuroloom.nets._layers.convolution import ConvBlock, SameConv


class InceptionModule(nn.Module):  # type: ignore[misc]
    """Kernels of several lengths side by side and a maximum over 3 steps, then batch norm and ReLU."""

    def __init__(self, n_in: int, filters: int, kernels: Sequence[int]) -> None:
        super().__init__()
        narrow = n_in > filters
        self.narrow = nn.Conv1d(n_in, filters, 1, bias=False) if narrow else nn.Identity()
        width = filters if narrow else n_in
        self.branches = nn.ModuleList([SameConv(1, width, filters, k, bias=False) for k in kernels])
        self.pooled = nn.Conv1d(n_in, filters, 1, bias=False)
        self.norm = nn.BatchNorm1d((len(kernels) + 1) * filters)

    def forward(self, x: torch.Tensor, outside: torch.Tensor | None = None) -> torch.Tensor:
        """Return ``(b, (lengths + 1) · filters, steps)``, 0 where ``outside (b, 1, steps)``, as ``x`` must be."""
        inner = self.narrow(x)
        parts = [branch(inner) for branch in self.branches]
        if outside is not None:
            x = x.masked_fill(outside, -torch.inf)
        largest = functional.max_pool1d(x, 3, 1, 1)
        parts.append(self.pooled(largest if outside is None else largest.masked_fill(outside, 0.0)))
        made = functional.relu(self.norm(torch.cat(parts, dim=1)))
        return made if outside is None else made.masked_fill(outside, 0.0)


class InceptionStack(nn.Module):  # type: ignore[misc]
    """Modules with a shortcut over every three of them, then the mean over time."""

    def __init__(self, channels: int, filters: int, kernels: Sequence[int], depth: int) -> None:
        super().__init__()
        self.width = (len(kernels) + 1) * filters
        self.modules_ = nn.ModuleList(
            [InceptionModule(channels if not i else self.width, filters, kernels) for i in range(depth)]
        )
        self.shortcuts = nn.ModuleList(
            [ConvBlock(1, channels if i < 3 else self.width, self.width, 1, activation=None)
             for i in range(2, depth, 3)]
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(b, width)`` from ``(b, channels, steps)``, NaN where a series has ended."""
        missing = torch.isnan(x[:, :1])
        outside = missing if bool(missing.any()) else None
        residual = x = x if outside is None else x.masked_fill(outside, 0.0)
        for i, module in enumerate(self.modules_):
            x = module(x, outside)
            if i % 3 == 2:
                x = functional.relu(x + self.shortcuts[i // 3](residual))
                residual = x = x if outside is None else x.masked_fill(outside, 0.0)
        return x.mean(dim=2) if outside is None else x.sum(dim=2) / (~outside).sum(dim=2)
