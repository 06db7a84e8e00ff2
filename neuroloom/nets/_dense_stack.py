"""A stack of J dense networks of one architecture as one torch module; imports torch, so import it late."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from neuroloom.core.seeding import stream

Floats = NDArray[np.float64]

ACTIVATION: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "celu": F.celu,
    "elu": F.elu,
    "gelu": F.gelu,
    "hard-sigmoid": F.hardsigmoid,
    "hard-swish": F.hardswish,
    "identity": lambda x: x,
    "leaky-relu": F.leaky_relu,
    "mish": F.mish,
    "prelu": F.leaky_relu,  # a stack has slopes of its own, learned
    "relu": F.relu,
    "selu": F.selu,
    "sigmoid": torch.sigmoid,
    "silu": F.silu,
    "softplus": F.softplus,
    "softsign": F.softsign,
    "tanh": torch.tanh,
}
EPSILON = 1e-5  # added to a normalisation's variance, as in torch
MOMENTUM = 0.1  # of batch normalisation's running figures, as in torch


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
        normalization: of what enters an activation, ``none``, ``batch`` (Ioffe & Szegedy 2015: over the rows, in
            evaluation by running means) or ``layer`` (Ba, Kiros & Hinton 2016: over the units of a row).
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
        normalization: str = "none",
    ) -> None:
        super().__init__()
        self.pool: torch.Tensor | None
        self.layers = sum(name.startswith("weight_") for name in weights)
        self.activation, self.normalization = ACTIVATION[activation], normalization
        self.periodic, self.prelu = "frequency" in weights, activation == "prelu"
        for name, value in weights.items():
            self.register_parameter(
                name, torch.nn.Parameter(torch.as_tensor(np.asarray(value)).to(device, dtype))
            )
        if normalization == "batch":
            for layer in range(self.layers - 1):
                like = getattr(self, f"bias_{layer}").detach()
                self.register_buffer(f"mean_{layer}", torch.zeros_like(like))
                self.register_buffer(f"variance_{layer}", torch.ones_like(like))
        self.pool = None
        self.register_buffer("draws", torch.zeros((), dtype=torch.int64), persistent=False)
        if dropout is not None and any(dropout) and self.layers > 1:
            span = batch_size * max(len(w[0]) for n, w in weights.items() if n[:4] == "bias")
            self.pool = torch.stack(
                [_mask_pool(2 * span + 4093, rate, seed) for rate, seed in zip(dropout, seeds, strict=True)]
            ).to(device, dtype)

    def shrink(self, rows: torch.Tensor) -> None:
        """Keep the members ``rows`` only, in what is no parameter."""
        if self.pool is not None:
            self.pool = self.pool[rows]

    def forward(self, X: torch.Tensor, present: torch.Tensor | None = None) -> torch.Tensor:
        """Return ``(J, b, outputs)`` for ``X (J, b, features)`` or, the same for all members, ``(1, b, features)``.

        ``present (J, b)`` is 0 for rows that only fill up a batch, which batch normalisation then leaves out.
        """
        return self.output(self.last_hidden(X, present))

    def output(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return ``(J, b, outputs)`` for what :meth:`last_hidden` gives."""
        return self._linear(hidden, self.layers - 1)

    def last_hidden(
        self, X: torch.Tensor, present: torch.Tensor | None = None, seen: list[torch.Tensor] | None = None
    ) -> torch.Tensor:
        """Return what enters the output layer, ``(J, b, units)``; with ``seen``, put there what enters and leaves
        each layer's activation.
        """
        hidden = self._encode(X) if self.periodic else X
        for layer in range(self.layers - 1):
            hidden = self._linear(hidden, layer)
            if self.normalization != "none":
                hidden = self._normalize(hidden, layer, present)
            if seen is not None:
                seen.append(hidden)
            if self.prelu:
                slope = getattr(self, f"slope_{layer}")[:, None]
                hidden = torch.where(hidden >= 0, hidden, slope * hidden)
            else:
                hidden = self.activation(hidden)
            if seen is not None:
                seen.append(hidden)
            if self.training and self.pool is not None:
                hidden = self._drop(hidden)
        return hidden

    def _linear(self, X: torch.Tensor, layer: int) -> torch.Tensor:
        weight, bias = getattr(self, f"weight_{layer}"), getattr(self, f"bias_{layer}")
        return torch.baddbmm(bias[:, None], X.expand(len(weight), -1, -1), weight)

    def _encode(self, X: torch.Tensor) -> torch.Tensor:
        """Return ``[x, sin 2πcx, cos 2πcx]`` with learned frequencies ``c``, weighted by ``1/√frequencies``."""
        frequency: torch.Tensor = self.frequency
        X = X.expand(len(frequency), -1, -1)
        angle = (2 * math.pi * X[..., None] * frequency[:, None]).flatten(2)
        factor = 1 / math.sqrt(frequency.shape[2])
        return torch.cat([X, factor * torch.sin(angle), factor * torch.cos(angle)], dim=2)

    def _normalize(self, hidden: torch.Tensor, layer: int, present: torch.Tensor | None) -> torch.Tensor:
        scale, shift = getattr(self, f"scale_{layer}")[:, None], getattr(self, f"shift_{layer}")[:, None]
        if self.normalization == "layer":
            variance, mean = torch.var_mean(hidden, dim=2, keepdim=True, correction=0)
        elif self.training:
            weight = torch.ones_like(hidden[..., :1]) if present is None else present[..., None]
            count = weight.sum(dim=1, keepdim=True)
            mean = (hidden * weight).sum(dim=1, keepdim=True) / count
            variance = ((hidden - mean) ** 2 * weight).sum(dim=1, keepdim=True) / count
            unbiased = variance.detach() * count / (count - 1).clamp(min=1)
            for name, now in (("mean", mean.detach()), ("variance", unbiased)):
                running = getattr(self, f"{name}_{layer}")
                setattr(self, f"{name}_{layer}", running + MOMENTUM * (now[:, 0] - running))
        else:
            mean, variance = (getattr(self, f"{name}_{layer}")[:, None] for name in ("mean", "variance"))
        return (hidden - mean) * torch.rsqrt(variance + EPSILON) * scale + shift

    def divergence(self) -> torch.Tensor | None:
        """Return what a member's loss has beside that over its samples, ``(J,)``; a plain network has nothing."""
        return None

    def folded(self) -> dict[str, Floats]:
        """Return the weights; batch normalisation, an affine map in evaluation, goes into the layer before it."""
        found = {n: p.detach().cpu().double().numpy() for n, p in self.named_parameters()}
        for layer in range(self.layers - 1 if self.normalization == "batch" else 0):
            mean, variance = (
                getattr(self, f"{n}_{layer}").cpu().double().numpy() for n in ("mean", "variance")
            )
            factor = found.pop(f"scale_{layer}") / np.sqrt(variance + EPSILON)
            found[f"weight_{layer}"] = found[f"weight_{layer}"] * factor[:, None]
            found[f"bias_{layer}"] = (found[f"bias_{layer}"] - mean) * factor + found.pop(f"shift_{layer}")
        return found

    def limit(self, largest: float) -> None:
        """Scale down the incoming weights of every hidden unit whose L2 norm is above ``largest``."""
        with torch.no_grad():
            for layer in range(self.layers - 1):
                weight = getattr(self, f"weight_{layer}")
                norm = torch.linalg.vector_norm(weight, dim=1, keepdim=True)
                too_large = norm > largest * (1 + 1e-6)
                weight.mul_(torch.where(too_large, largest / norm, torch.ones_like(norm)))

    def _drop(self, hidden: torch.Tensor) -> torch.Tensor:
        """Leave units out; a row's mask depends on the member, the draw and the row, not on how many rows there are."""
        assert self.pool is not None
        rows, units = hidden.shape[1:]
        self.draws += 1
        return hidden * window(self.pool, int(self.draws), rows * units).view(len(hidden), rows, units)


def window(pool: torch.Tensor, draw: int, size: int) -> torch.Tensor:
    """Return ``(J, size)`` numbers of each member's pool, from a place that the draw's number is hashed to."""
    hashed = (draw * 2654435761) % (1 << 32)  # Knuth's multiplicative hash
    offset = hashed * (pool.shape[1] // 2) >> 32
    return pool[:, offset : offset + size]


def _mask_pool(size: int, rate: float, seed: int) -> torch.Tensor:
    """Return ``(size,)`` numbers: 0 with probability ``rate``, else ``1 / (1 - rate)``."""
    kept = stream(seed, "dropout").random(size, dtype=np.float32) >= rate
    return torch.from_numpy(kept / (1 - rate))
