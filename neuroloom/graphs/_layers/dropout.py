"""Dropout in torch: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov 2014, Dropout: A Simple Way to Prevent
Neural Networks from Overfitting. A compiled kernel on the CPU, torch's own elsewhere; imported only in training.
"""

# torch is checked as Any, so its classes can be subclassed only untyped
# mypy: disable-error-code="misc, no-any-return"

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from neuroloom.graphs._kernels_dropout import drop


class _Dropout(torch.autograd.Function):
    """The same numbers are dropped from the gradient; the keys say which."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, first: int, second: int, limit: int) -> Tensor:
        ctx.keys = (first, second, limit)
        return _dropped(x, *ctx.keys)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        return _dropped(grad, *ctx.keys), None, None, None


def _dropped(x: Tensor, first: int, second: int, limit: int) -> Tensor:
    x = x.detach().contiguous()
    out = torch.empty_like(x)
    drop(x.view(-1).numpy(), first, second, limit, out.view(-1).numpy())
    return out


def dropout(x: Tensor, p: float, training: bool = True) -> Tensor:
    """Return ``x`` with a share ``p`` of its numbers set to 0 and the rest divided by ``1 - p``; ``x`` if not training.

    The keys come from torch's generator of the device, so its seed settles what is dropped.
    """
    if not training or p == 0:
        return x
    if x.device.type != "cpu" or x.dtype not in (torch.float32, torch.float64):
        return functional.dropout(x, p, True)
    first, second = torch.randint(0, 1 << 32, (2,), dtype=torch.int64).tolist()
    return _Dropout.apply(x, first, second, round(p * (1 << 32)))
