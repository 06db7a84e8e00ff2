"""Branches of the multi-scale convolutional network: a series at several rates and smoothed (Cui et al. 2016)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from neuroloom.nets._layers.convolution import ConvBlock


def smoothed(x: torch.Tensor, inside: torch.Tensor, window: int) -> torch.Tensor:
    """Return the moving average over ``window`` steps, odd, of what lies ``inside``; fewer at the ends (eq. 5)."""
    totals, counts = (
        functional.avg_pool1d(functional.pad(v, [window // 2, window // 2]), window, 1) for v in (x, inside)
    )
    return totals / counts.clamp_min(0.5 / window) * inside


def largest_of_pieces(x: torch.Tensor, inside: torch.Tensor, pieces: int) -> torch.Tensor:
    """Return the maximum over each of ``pieces`` parts of every series, equally long to a step: ``(b, n, pieces)``.

    Args:
        x: ``(b, n, steps)``.
        inside: ``(b, 1, steps)`` 1 where the series is, 0 after its end.
        pieces: at least 1; of a series with fewer steps some parts share one.
    """
    if bool(inside.all()):
        return functional.adaptive_max_pool1d(x, pieces)
    steps, i = torch.arange(x.shape[2], device=x.device), torch.arange(pieces, device=x.device)[:, None]
    lengths = inside.sum(2).long()[:, None, None]
    here = (steps >= i * lengths // pieces) & (steps < -(-(i + 1) * lengths // pieces))
    return x[:, :, None].masked_fill(~here, -torch.inf).amax(3)


class MultiScaleEncoder(nn.Module):  # type: ignore[misc]
    """Branches, each with its convolution, put side by side and convolved together, then a dense layer (figure 1).

    Args:
        channels: of the series.
        filters: of every convolution.
        kernel: of every convolution.
        rates: of the branches that take every so-many-th value.
        windows: of the branches that are moving averages, odd.
        pieces: parts of a series of which a branch gives the maximum.
        width: of the dense layer.
        dropout: share of its units left out in training.
    """

    def __init__(
        self,
        channels: int,
        filters: int,
        kernel: int,
        rates: Sequence[int],
        windows: Sequence[int],
        pieces: int,
        width: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.sights = [(1, 1), *((rate, 1) for rate in rates), *((1, window) for window in windows)]
        self.branches = nn.ModuleList([ConvBlock(1, channels, filters, kernel) for _ in self.sights])
        self.pieces, self.width = pieces, width
        self.together = ConvBlock(1, len(self.sights) * filters, filters, min(kernel, pieces))
        self.dense = nn.Sequential(
            nn.Flatten(), nn.Linear(filters * pieces, width), nn.ReLU(), nn.Dropout(dropout)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(b, width)`` from ``(b, channels, length)``, NaN where a series has ended."""
        missing = torch.isnan(x[:, :1])
        inside, x = (~missing).to(x.dtype), x.masked_fill(missing, 0.0)
        found = []
        for (rate, window), branch in zip(self.sights, self.branches, strict=True):
            seen = x if window == 1 else smoothed(x, inside, window)
            there = inside[..., ::rate]
            found.append(largest_of_pieces(branch(seen[..., ::rate]), there, self.pieces))
        return self.dense(self.together(torch.cat(found, dim=1)))
