"""Blocks of the convolutional nets, for series (1 dimension) and pictures (2) alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional


def conv(dims: int, n_in: int, n_out: int, kernel: int, **settings: Any) -> nn.Module:
    """Return a convolution over ``dims`` dimensions."""
    made: nn.Module = (nn.Conv1d, nn.Conv2d)[dims - 1](n_in, n_out, kernel, **settings)
    return made


def batch_norm(dims: int, width: int) -> nn.Module:
    """Return batch normalisation (Ioffe & Szegedy 2015) over ``dims`` dimensions."""
    made: nn.Module = (nn.BatchNorm1d, nn.BatchNorm2d)[dims - 1](width)
    return made


class SameConv(nn.Module):  # type: ignore[misc]
    """Convolution whose output has ``ceil(length / stride)`` steps: zeros on both sides, one more behind if odd.

    Args:
        dims: 1 or 2.
        n_in: channels in.
        n_out: channels out.
        kernel: its length in each dimension.
        stride: steps between outputs.
        dilation: steps between taps.
        groups: of channels that do not meet.
        bias: whether one is added.
        causal: zeros before only, so that an output sees no later step.
    """

    def __init__(
        self,
        dims: int,
        n_in: int,
        n_out: int,
        kernel: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        causal: bool = False,
    ) -> None:
        super().__init__()
        self.span, self.stride, self.causal = dilation * (kernel - 1), stride, causal
        self.conv = conv(
            dims, n_in, n_out, kernel, stride=stride, dilation=dilation, groups=groups, bias=bias
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(b, n_out, …)``."""
        pads: list[int] = []
        for length in reversed(x.shape[2:]):
            need = max(0, (-(-length // self.stride) - 1) * self.stride + self.span + 1 - length)
            before = need if self.causal else need // 2
            pads += [before, need - before]
        return self.conv(functional.pad(x, pads) if any(pads) else x)


class ConvBlock(nn.Sequential):  # type: ignore[misc]
    """Convolution, batch normalisation, activation."""

    def __init__(
        self,
        dims: int,
        n_in: int,
        n_out: int,
        kernel: int,
        *,
        stride: int = 1,
        activation: Callable[[], nn.Module] | None = nn.ReLU,
    ) -> None:
        super().__init__(
            SameConv(dims, n_in, n_out, kernel, stride=stride, bias=False), batch_norm(dims, n_out)
        )
        if activation is not None:
            self.append(activation())


class Residual(nn.Module):  # type: ignore[misc]
    """``relu(body(x) + shortcut(x))`` (He et al. 2016); the shortcut is a 1 × 1 convolution where shapes differ."""

    def __init__(
        self, dims: int, n_in: int, n_out: int, body: nn.Sequential, stride: int = 1, norm: bool = False
    ) -> None:
        super().__init__()
        self.body = body
        self.shortcut: nn.Module
        if n_in != n_out or stride != 1:
            self.shortcut = ConvBlock(dims, n_in, n_out, 1, stride=stride, activation=None)
        else:
            self.shortcut = batch_norm(dims, n_out) if norm else nn.Identity()

    def forward(self, x: torch.Tensor, inside: torch.Tensor | None = None) -> torch.Tensor:
        """Return ``(b, n_out, …)``; what ``inside (b, 1, length)`` has 0 for stays 0 between the body's layers."""
        h = x
        for layer in self.body:
            h = layer(h) if inside is None else layer(h) * inside
        return functional.relu(h + self.shortcut(x))


class BlurPool(nn.Module):  # type: ignore[misc]
    """Anti-aliased down-sampling by 2: a max over neighbours, a binomial blur, every second step (Zhang 2019).

    Zhang (2019), "Making convolutional networks shift-invariant again".
    """

    def __init__(self, dims: int, channels: int) -> None:
        super().__init__()
        self.dims, self.channels = dims, channels
        taps = torch.tensor([1.0, 2.0, 1.0]) / 4
        kernel = taps if dims == 1 else taps[:, None] * taps
        self.register_buffer("kernel", kernel.expand(channels, 1, *kernel.shape).clone(), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(b, channels, ceil(length / 2), …)``."""
        pool, convolve = (
            (functional.max_pool1d, functional.conv1d)
            if self.dims == 1
            else (functional.max_pool2d, functional.conv2d)
        )
        dense = pool(functional.pad(x, [0, 1] * self.dims, mode="replicate"), 2, 1)
        padded = functional.pad(dense, [1, 1] * self.dims, mode="replicate")
        return convolve(padded, self.kernel, stride=2, groups=self.channels)


POOLS = ("blur", "max", "mean", "stride")


class Halve(nn.Module):  # type: ignore[misc]
    """Down-sampling by 2 in every dimension that has at least 2 steps, by one of ``POOLS``."""

    def __init__(self, dims: int, channels: int, how: str) -> None:
        super().__init__()
        self.dims, self.how = dims, how
        self.inner: nn.Module
        if how == "blur":
            self.inner = BlurPool(dims, channels)
        elif how == "stride":
            self.inner = SameConv(dims, channels, channels, 2, stride=2)
        else:
            made = {"max": (nn.MaxPool1d, nn.MaxPool2d), "mean": (nn.AvgPool1d, nn.AvgPool2d)}[how][dims - 1]
            self.inner = made(2, ceil_mode=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(b, channels, ceil(length / 2), …)``."""
        return x if min(x.shape[2:]) < 2 else self.inner(x)


class GlobalPool(nn.Module):  # type: ignore[misc]
    """Mean of each channel over all places: global average pooling (Lin, Chen & Yan 2014)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(b, channels)``."""
        return x.flatten(2).mean(dim=2)


class Encoder(nn.Sequential):  # type: ignore[misc]
    """Modules one after the other that end in vectors of ``width``."""

    def __init__(self, *modules: nn.Module, width: int) -> None:
        super().__init__(*modules)
        self.width = width


def he_normal(module: nn.Module) -> nn.Module:
    """Draw the weights of convolutions and dense layers as ReLUs want them, set their biases to 0, and return it.

    He, Zhang, Ren & Sun (2015), "Delving deep into rectifiers", eq. 10.
    """
    for part in module.modules():
        if isinstance(part, nn.Conv1d | nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
            if part.bias is not None:
                nn.init.zeros_(part.bias)
    return module
