"""Convolutional encoders of series that end in NaN: what is padded is neither read nor answered from."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from neuroloom.nets._layers.convolution import Encoder, GlobalPool, Halve, Residual, SameConv
from neuroloom.nets._layers.temporal import PoolChannels


class PaddedEncoder(Encoder):
    """:class:`Encoder` of series with zeros kept where a series has ended, and a last pool over the rest alone.

    A place that holds at least one value of the series after the length was halved belongs to it.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(b, width)`` from ``(b, channels, length)``."""
        missing = torch.isnan(x[:, :1])
        if not bool(missing.any()):
            return super().forward(x)
        inside = (~missing).to(x.dtype)
        x = torch.where(missing, 0.0, x)
        for module in self:
            if isinstance(module, GlobalPool):
                x = (x * inside).sum(2) / inside.sum(2)
            elif isinstance(module, PoolChannels):
                x = module(x, inside[:, 0].sum(1).long())
            elif isinstance(module, Residual):
                x = module(x, inside) * inside
            else:
                x = module(x)
                stride = (
                    module.stride if isinstance(module, SameConv) else 2 if isinstance(module, Halve) else 1
                )
                if x.ndim == 3 and x.shape[2] < inside.shape[2]:
                    inside = functional.max_pool1d(inside, stride, ceil_mode=True)
                if x.ndim == 3:
                    x = x * inside
        return x


def padded_or_not(dims: int, *modules: nn.Module, width: int) -> Encoder:
    """Return the encoder of series that knows padding, or the plain one of pictures."""
    return (PaddedEncoder if dims == 1 else Encoder)(*modules, width=width)
