"""Recurrent layers over series as one encoder, and a reader of streams."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from neuroloom.core.errors import InputError
from neuroloom.nets._layers.pooling import TimePool
from neuroloom.nets._layers.recurrent import CellMaker, RecurrentLayer, State


def patched(x: torch.Tensor, patch: int) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return series as steps ``(time, b, channels · patch)`` and the steps of each, None where all have all.

    Args:
        x: ``(b, channels, length)``, NaN where a series has ended. A patch that it ends in is filled by its last value.
        patch: values in a step.
    """
    missing = torch.isnan(x[:, 0])
    ends = x.shape[2] - missing.sum(1) if bool(missing.any()) else None
    if ends is not None:
        last = x.gather(2, (ends - 1)[:, None, None].expand(-1, x.shape[1], 1))
        x = torch.where(missing[:, None], last, x)
    steps = -(-x.shape[2] // patch)
    if steps * patch > x.shape[2]:
        x = functional.pad(x, [0, steps * patch - x.shape[2]], mode="replicate")
    rows = x.unflatten(2, (steps, patch)).permute(2, 0, 1, 3).flatten(2)
    return rows, None if ends is None else -(-ends // patch)


class RecurrentEncoder(nn.Module):  # type: ignore[misc]
    """Recurrent layers one over the other, then a pool over time."""

    def __init__(
        self,
        kind: str | CellMaker,
        channels: int,
        patch: int,
        units: int,
        layers: int,
        merge: str | None,
        pooling: str,
        dropout: float,
        recurrent_dropout: float,
        norm: bool,
    ) -> None:
        super().__init__()
        self.channels, self.patch = channels, patch
        self.layers = nn.ModuleList()
        width = channels * patch
        for _ in range(layers):
            layer = RecurrentLayer(kind, width, units, norm, recurrent_dropout, merge)
            self.layers.append(layer)
            width = layer.width
        self.drop = nn.Dropout(dropout)
        self.pool = TimePool(pooling, width)
        self.width = self.pool.width

    def remember(self, steps: int) -> None:
        """Begin with units that each remember for a time of their own, up to ``steps`` steps."""
        for layer in self.layers:
            for cell in layer.cells:
                cell.remember(steps)

    def outputs(
        self, rows: torch.Tensor, lengths: torch.Tensor | None, states: list[list[State]] | None = None
    ) -> tuple[torch.Tensor, list[list[State]]]:
        """Return the last layer's outputs ``(time, b, width)`` and every layer's last states."""
        last = []
        for i, layer in enumerate(self.layers):
            rows, state = layer(rows, lengths, None if states is None else states[i])
            rows = self.drop(rows)
            last.append(state)
        return rows, last

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(b, width)`` from ``x (b, channels, length)``."""
        rows, lengths = patched(x, self.patch)
        return self.pool(self.outputs(rows, lengths)[0], lengths)


class RecurrentStream:
    """Reads one stream part by part.

    Args:
        network: encoder and head, fitted, with patches of one value and no way back.
        scaled: scales ``(1, channels, steps)`` as the network wants them.
    """

    def __init__(self, network: Any, scaled: Callable[[NDArray[Any]], NDArray[np.float32]]) -> None:
        self.network, self.scaled = network, scaled
        self.steps = 0
        self._states: list[list[State]] | None = None
        self._total: torch.Tensor | None = None
        self._largest: torch.Tensor | None = None

    def push(self, values: Any) -> NDArray[np.float64]:
        """Read the next ``(channels, steps)`` values; return the raw answers after each, ``(steps, answers)``.

        Raises:
            InputError: another number of channels than in the fit, or missing values.
        """
        array = np.atleast_2d(np.asarray(values, dtype=np.float64))
        encoder = self.network.encoder
        channels = encoder.channels
        if array.ndim != 2 or len(array) != channels or not np.isfinite(array).all():
            raise InputError(f"expected ({channels}, steps) finite values, but got shape {array.shape}.")
        with torch.inference_mode():
            x = torch.from_numpy(self.scaled(array[None])).to(next(self.network.parameters()).device)
            rows = x.permute(2, 0, 1)
            h, self._states = encoder.outputs(rows, None, self._states)
            return np.asarray(self.network.head(self._pooled(h[:, 0])).double().cpu())

    def _pooled(self, h: torch.Tensor) -> torch.Tensor:
        """Return what pooling gives after each of ``h (steps, width)``."""
        total = h.cumsum(0) if self._total is None else self._total + h.cumsum(0)
        largest = h.cummax(0).values
        if self._largest is not None:
            largest = torch.maximum(largest, self._largest)
        counts = torch.arange(self.steps + 1, self.steps + len(h) + 1, device=h.device)[:, None]
        self._total, self._largest, self.steps = total[-1], largest[-1], self.steps + len(h)
        made = {"last": h, "steps": h, "max": largest, "mean": total / counts}
        how = self.network.encoder.pool.how
        return torch.cat([made["mean"], made["max"]], dim=-1) if how == "mean-max" else made[how]
