"""From ``(time, b, width)`` to ``(b, width)``, leaving out what is padding."""

from __future__ import annotations

import torch
from torch import nn

POOLS = ("attention", "last", "max", "mean", "mean-max")


class TimePool(nn.Module):  # type: ignore[misc]
    """Pooling over time.

    Args:
        how: one of ``POOLS``; ``"attention"`` weighs the steps by the softmax of a learned score, ``v · tanh(W h)``
            (Bahdanau, Cho & Bengio 2015, with no query), ``"mean-max"`` puts mean and maximum side by side; or
            ``"steps"``, which pools nothing: ``(b, time, width)``.
        width: numbers in a step.
    """

    def __init__(self, how: str, width: int) -> None:
        super().__init__()
        self.how = how
        self.width = 2 * width if how == "mean-max" else width
        self.score: nn.Module | None = None
        if how == "attention":
            self.score = nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1, bias=False))

    def weights(self, h: torch.Tensor, inside: torch.Tensor | None) -> torch.Tensor:
        """Return the attention of each step, ``(time, b, 1)``, which sums to 1 over time."""
        assert self.score is not None
        scores = self.score(h)
        return torch.softmax(scores if inside is None else scores.masked_fill(~inside, -torch.inf), dim=0)

    def forward(self, h: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """Return ``(b, width)`` from ``h (time, b, …)`` and the ``(b,)`` steps that are not padding (None: all)."""
        inside = (
            None if lengths is None else (torch.arange(len(h), device=h.device)[:, None] < lengths)[..., None]
        )
        if self.how == "steps":
            return h.transpose(0, 1)
        if self.how == "attention":
            return (self.weights(h, inside) * h).sum(0)
        if self.how == "last":
            return h[-1] if lengths is None else h[lengths - 1, torch.arange(h.shape[1], device=h.device)]
        largest = (h if inside is None else h.masked_fill(~inside, -torch.inf)).amax(0)
        if self.how == "max":
            return largest
        mean = h.mean(0) if inside is None or lengths is None else (h * inside).sum(0) / lengths[:, None]
        return mean if self.how == "mean" else torch.cat([mean, largest], dim=-1)
