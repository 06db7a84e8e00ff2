"""A dense net of a noisy sample and the time, as diffusion and flow matching need one."""

from __future__ import annotations

import math
from math import prod

import torch
from torch import nn
from torch.nn import functional

_FREQUENCIES = 16


class TimeNetwork(nn.Module):  # type: ignore[misc]
    """``(x, t) → `` a sample of the same shape: residual dense layers, each of which is told the time and the class.

    Args:
        shape: of a sample.
        hidden: units of each hidden layer, all alike or each its own.
        classes: numbers that tell a sample's class, or 0.
    """

    def __init__(self, shape: tuple[int, ...], hidden: tuple[int, ...], classes: int = 0) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("frequencies", torch.logspace(-2, 6, _FREQUENCIES, base=2.0), persistent=False)
        width = prod(shape)
        self.layers, self.times = nn.ModuleList(), nn.ModuleList()
        for units in hidden:
            self.layers.append(nn.Linear(width, units))
            self.times.append(nn.Linear(2 * _FREQUENCIES + classes, units))
            width = units
        self.head = nn.Linear(width, prod(shape))

    def forward(self, x: torch.Tensor, t: torch.Tensor, kind: torch.Tensor | None = None) -> torch.Tensor:
        """Return ``(b, *shape)`` from ``x (b, *shape)``, ``t (b,)`` in 0 … 1 and ``kind (b, classes)``."""
        angle = 2 * math.pi * t[:, None] * self.frequencies.to(x.dtype)
        told = torch.cat([angle.sin(), angle.cos(), *([] if kind is None else [kind])], dim=1)
        h = x.flatten(1)
        for layer, time in zip(self.layers, self.times, strict=True):
            made = functional.silu(layer(h) + time(told))
            h = h + made if made.shape == h.shape else made
        return self.head(h).view(len(x), *self.shape)
