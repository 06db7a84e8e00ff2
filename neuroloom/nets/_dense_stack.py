"""A stack of J dense networks of one architecture as one torch module; imports torch, so import it late."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from neuroloom.core.seeding import stream

Floats = NDArray[np.float64]

ACTIVATION: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "elu": F.elu,
    "gelu": F.gelu,
    "leaky-relu": F.leaky_relu,
    "mish": F.mish,
    "relu": F.relu,
    "selu": F.selu,
    "sigmoid": torch.sigmoid,
    "silu": F.silu,
    "tanh": torch.tanh,
}


def initial_gain(activation: str) -> float:
    """Return ``g`` in the weights' variance ``g / fan_in``: He's 2 for the ReLU family, LeCun's and Glorot's 1."""
    return 1.0 if activation in ("selu", "sigmoid", "tanh") else 2.0


def initial_weights(widths: Sequence[int], activation: str, seed: int, prior: Floats) -> dict[str, Floats]:
    """Return one member's first weights, ``weight_l (in, out)`` and ``bias_l (out,)`` of layer ``l``.

    Args:
        widths: features, hidden units of each layer, outputs.
        activation: key of ``ACTIVATION``.
        seed: of the draw.
        prior: ``(outputs,)`` the output biases; the output weights start small, so training begins at the prior.
    """
    generator = stream(seed, "weights")
    made: dict[str, Floats] = {}
    last = len(widths) - 2
    for layer, (into, out) in enumerate(itertools.pairwise(widths)):
        gain = 0.01 if layer == last else initial_gain(activation)
        made[f"weight_{layer}"] = generator.normal(0.0, math.sqrt(gain / into), (into, out))
        made[f"bias_{layer}"] = prior if layer == last else generator.uniform(-1, 1, out) / math.sqrt(into)
    return made


class DenseStack(torch.nn.Module):  # type: ignore[misc]
    """J networks ``x -> W_L a(… a(W_0 x + b_0) …) + b_L``; a member's every value is its own.

    Args:
        weights: name -> ``(J, …)``, stacked from :func:`initial_weights`.
        activation: key of ``ACTIVATION``.
        dtype: torch's floating type.
        device: torch's device.
        dropout: ``(J,)`` share of hidden units left out in training (Srivastava et al. 2014), or None.
        seeds: J seeds of the dropout masks. A mask is a window of a member's own pool of random numbers at an offset
            hashed from the step: fresh numbers for each unit would cost more than the step itself, and one generator
            for all would make a member's answer depend on its neighbours.
        batch_size: most rows in training.
    """

    def __init__(
        self,
        weights: Mapping[str, Floats],
        activation: str,
        dtype: torch.dtype,
        device: torch.device,
        dropout: Sequence[float] | None = None,
        seeds: Sequence[int] = (),
        batch_size: int = 1,
    ) -> None:
        super().__init__()
        self.pool: torch.Tensor | None
        self.layers = len(weights) // 2
        self.activation = ACTIVATION[activation]
        for name, value in weights.items():
            self.register_parameter(
                name, torch.nn.Parameter(torch.as_tensor(np.asarray(value)).to(device, dtype))
            )
        self.draws, self.pool = 0, None
        if dropout is not None and any(dropout) and self.layers > 1:
            span = batch_size * max(len(w[0]) for n, w in weights.items() if n[:4] == "bias")
            self.pool = torch.stack(
                [_mask_pool(2 * span + 4093, rate, seed) for rate, seed in zip(dropout, seeds, strict=True)]
            ).to(device, dtype)

    def shrink(self, rows: torch.Tensor) -> None:
        """Keep the members ``rows`` only, in what is no parameter."""
        if self.pool is not None:
            self.pool = self.pool[rows]

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return ``(J, b, outputs)`` for ``X (J, b, features)`` or, the same for all members, ``(1, b, features)``."""
        hidden = X
        for layer in range(self.layers):
            weight, bias = getattr(self, f"weight_{layer}"), getattr(self, f"bias_{layer}")
            hidden = torch.baddbmm(bias[:, None], hidden.expand(len(weight), -1, -1), weight)
            if layer < self.layers - 1:
                hidden = self.activation(hidden)
                if self.training and self.pool is not None:
                    hidden = self._drop(hidden)
        return hidden

    def _drop(self, hidden: torch.Tensor) -> torch.Tensor:
        """Leave units out; a row's mask depends on the member, the draw and the row, not on how many rows there are."""
        assert self.pool is not None
        rows, units = hidden.shape[1:]
        self.draws += 1
        hashed = (self.draws * 2654435761) % (1 << 32)  # Knuth's multiplicative hash
        offset = hashed * (self.pool.shape[1] // 2) >> 32
        return hidden * self.pool[:, offset : offset + rows * units].view(len(hidden), rows, units)


def _mask_pool(size: int, rate: float, seed: int) -> torch.Tensor:
    """Return ``(size,)`` numbers: 0 with probability ``rate``, else ``1 / (1 - rate)``."""
    kept = stream(seed, "dropout").random(size, dtype=np.float32) >= rate
    return torch.from_numpy(kept / (1 - rate))
