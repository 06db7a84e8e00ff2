"""Fitted networks as torch modules from samples in their own unit to answers; imports torch, so import it late."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from neuroloom.nets._losses import linked
from neuroloom.nets._scaling import Encoding

Floats = NDArray[np.float64]


class Link(nn.Module):  # type: ignore[misc]
    """From what networks give to answers: ``offset + scale · mean over members of link(slope · output)``.

    Args:
        name: ``softmax``, or one of :func:`~neuroloom.nets._losses.linked`.
        slope: of the outputs; the inverse temperature of a classifier.
        scale: of the answers.
        offset: of the answers.
    """

    def __init__(self, name: str, slope: float = 1.0, scale: float = 1.0, offset: float = 0.0) -> None:
        super().__init__()
        self.name, self.slope, self.scale, self.offset = name, slope, scale, offset

    def forward(self, outputs: torch.Tensor) -> torch.Tensor:
        """Return ``(n, answers)`` of ``(members, n, outputs)``."""
        given = self.slope * outputs
        answers = torch.softmax(given, dim=-1) if self.name == "softmax" else linked(given, self.name)
        return answers.mean(dim=0) * self.scale + self.offset


class ScaledColumns(nn.Module):  # type: ignore[misc]
    """``_scaling``'s robust scaling, smooth clip and, where there is one, encoding of columns ``(n, features)``.

    Parts of the encoding stand beside the columns, or with ``summed`` are added to them.
    """

    def __init__(
        self, median: Floats, inverse_spread: Floats, encoding: Encoding | None = None, summed: bool = False
    ) -> None:
        super().__init__()
        self.summed = summed
        self._keep("median", median)
        self._keep("inverse_spread", inverse_spread)
        self.encoded = encoding is not None and len(encoding.column) > 0
        if encoding is not None:
            for name, value in vars(encoding).items():
                self._keep(name, value)

    def _keep(self, name: str, value: NDArray[Any]) -> None:
        self.register_buffer(name, torch.as_tensor(np.asarray(value)))

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        z = (X.to(self.median.dtype) - self.median) * self.inverse_spread
        z = z * torch.rsqrt(1 + (z / 3).square())
        if not self.encoded:
            return z
        come = ((z[:, self.column] - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
        parts = (come - self.mean) * self.factor
        return z.index_add(1, self.column, parts) if self.summed else torch.cat([z, parts], dim=1)


class DenseAnswers(nn.Module):  # type: ignore[misc]
    """A fitted stack of dense networks over columns in their own unit.

    Args:
        columns: what scales and encodes them.
        stack: the networks, ``(1, n, inputs) -> (members, n, outputs)``.
        link: what makes answers of the outputs.
        outputs: how many of each network's outputs answer; None for all.
    """

    def __init__(
        self, columns: ScaledColumns, stack: nn.Module, link: Link, outputs: int | None = None
    ) -> None:
        super().__init__()
        self.columns, self.stack, self.link, self.outputs = columns, stack, link, outputs

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        inputs = self.columns(X)[None].to(next(self.stack.parameters()).dtype)
        return self.link(self.stack(inputs)[..., : self.outputs])


class RadialAnswers(nn.Module):  # type: ignore[misc]
    """A fitted radial basis function network over columns in their own unit.

    Args:
        columns: what scales them.
        hidden: its hidden layer.
        coef: ``(m [+ features], outputs)``.
        intercept: ``(outputs,)``.
        link: what makes answers of the outputs.
    """

    def __init__(
        self, columns: ScaledColumns, hidden: nn.Module, coef: Floats, intercept: Floats, link: Link
    ) -> None:
        super().__init__()
        self.columns, self.hidden, self.link = columns, hidden, link
        self.coef = nn.Parameter(torch.as_tensor(coef))
        self.intercept = nn.Parameter(torch.as_tensor(intercept))

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        return self.link((self.hidden(self.columns(X)) @ self.coef + self.intercept)[None])


class SignalAnswers(nn.Module):  # type: ignore[misc]
    """Fitted deep networks over series ``(n, channels, length)`` or pictures in their own unit.

    Args:
        networks: the members, over scaled samples.
        link: what makes answers of their outputs.
        kept: ``(mean, scale)``, each ``(channels,)``, of all training samples; None scales each sample by itself.
        scaled: whether samples are scaled at all.
        outputs: how many of each network's outputs answer.
    """

    def __init__(
        self,
        networks: Sequence[nn.Module],
        link: Link,
        kept: tuple[Floats, Floats] | None,
        scaled: bool,
        outputs: int,
    ) -> None:
        super().__init__()
        self.networks, self.link, self.outputs = nn.ModuleList(networks), link, outputs
        self.scaled, self.by_sample = scaled, kept is None
        for name, value in zip(("mean", "scale"), kept or (), strict=False):
            self.register_buffer(name, torch.as_tensor(value, dtype=torch.float32))

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        return self.link(self._outputs(X))

    def scores(self, X: torch.Tensor) -> torch.Tensor:
        """Return ``(n, outputs)``: the members' mean before the link, log-odds of a classifier."""
        return self._outputs(X).mean(dim=0)

    def _outputs(self, X: torch.Tensor) -> torch.Tensor:
        X = self._scale(X) if self.scaled else X
        return torch.stack([network(X.float())[:, : self.outputs] for network in self.networks])

    def _scale(self, X: torch.Tensor) -> torch.Tensor:
        if not self.by_sample:
            of_channel = (-1, *[1] * (X.ndim - 2))
            return (X - self.mean.view(of_channel)) / self.scale.view(of_channel)
        axes = tuple(range(2, X.ndim))
        spread, mean = torch.std_mean(X, dim=axes, keepdim=True, correction=0)
        flat = spread <= 1e-6 * mean.abs().clamp(min=1e-30)
        return (X - mean) / torch.where(flat, torch.ones_like(spread), spread)
