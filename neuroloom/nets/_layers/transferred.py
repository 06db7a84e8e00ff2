"""An encoder taken over from elsewhere: which of its blocks learn on, and how fast."""

from __future__ import annotations

import torch
from torch import nn


def blocks_of(encoder: nn.Module) -> list[tuple[str, nn.Module]]:
    """Return names and modules of an encoder's blocks in the order of a sample's way, plain lists of them taken apart.

    Modules without parameters and buffers are left out.
    """
    found: list[tuple[str, nn.Module]] = []
    for name, part in encoder.named_children():
        parts = (
            [(f"{name}.{i}", m) for i, m in part.named_children()]
            if type(part) in (nn.ModuleList, nn.Sequential)  # not a block that is made as one of these
            else [(name, part)]
        )
        found += [(n, m) for n, m in parts if m.state_dict()]
    return found


class Transferred(nn.Module):  # type: ignore[misc]
    """An encoder whose first blocks stay as they are: no gradient, and in evaluation mode always.

    Args:
        encoder: with an attribute ``width``.
        learning: how many of the last blocks learn.
    """

    def __init__(self, encoder: nn.Module, learning: int) -> None:
        super().__init__()
        self.inner = encoder
        self.width: int = encoder.width
        blocks = blocks_of(encoder)
        self.fixed = [module for _, module in blocks[: len(blocks) - learning]]
        for module in self.fixed:
            module.requires_grad_(False)
        if learning == 0:
            self.fixed = [encoder]
            encoder.requires_grad_(False)

    def train(self, mode: bool = True) -> Transferred:
        """Put what learns into training mode."""
        super().train(mode)
        for module in self.fixed:
            module.eval()
        return self

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(b, width)``."""
        return self.inner(x)


class Pictures(nn.Module):  # type: ignore[misc]
    """A network of colour pictures that takes one channel, too, and pictures of its own size.

    Args:
        network: from ``(b, 3, side, side)`` to ``(b, width)``.
        width: numbers it gives.
        side: that pictures are resampled to; None leaves theirs.
    """

    def __init__(self, network: nn.Module, width: int, side: int | None) -> None:
        super().__init__()
        self.network, self.width, self.side = network, width, side

    def named_children(self):  # type: ignore[no-untyped-def]
        """Yield the network's own children, which are the blocks."""
        return self.network.named_children()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(b, width)`` from ``(b, 1 or 3, height, width)``."""
        if x.shape[1] == 1:
            x = x.expand(-1, 3, -1, -1)
        if self.side is not None and x.shape[2:] != (self.side, self.side):
            x = nn.functional.interpolate(
                x, (self.side, self.side), mode="bilinear", align_corners=False, antialias=True
            )
        return self.network(x)
