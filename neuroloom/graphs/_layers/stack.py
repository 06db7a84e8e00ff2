"""Layers on top of one another as an encoder, with what keeps deep stacks trainable.

Residual connections, normalisation and dropout as in Luo, Shi and Wu 2024, Classic GNNs are Strong Baselines; jumping
knowledge: Xu, Li, Tian, Sonobe, Kawarabayashi and Jegelka 2018, Representation Learning on Graphs with Jumping
Knowledge Networks.
"""

# torch is checked as Any, so its classes can be subclassed only untyped
# mypy: disable-error-code="misc, no-any-return"

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from neuroloom.graphs._layers.gin import normalised
from neuroloom.graphs._layers.sparse import Linear, Sparse

NORMS = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}


class Stack(nn.Module):
    """``x ← activation(norm(layer(x) + skip(x)))`` a layer at a time; the parts in it are options.

    Without any option and with ``n_out``, the last layer gives the answers itself, as the first papers have it; else
    all layers are hidden and a linear head gives them, or, for ``n_out=None``, the last vectors are the output.

    Args:
        layer: ``layer(n_in, final)`` makes one; ``final`` asks for the one whose output is the answers.
        n_in: width of the features. width: of a hidden layer's output. n_out: number of answers, or None.
        layers: at least 1. dropout: of the inputs of skips and head, in [0, 1); layers have their own.
        activation: after each hidden layer.
        norm: ``"none"``, ``"batch"`` or ``"layer"``. residual: whether ``skip`` is a linear map, else there is none.
        jumping: ``"none"``, or whether all layers' outputs side by side (``"cat"``) or their maximum (``"max"``) count.
    """

    def __init__(
        self,
        layer: Callable[[int, bool], nn.Module],
        n_in: int,
        width: int,
        n_out: int | None,
        *,
        layers: int,
        dropout: float,
        activation: Callable[[Tensor], Tensor],
        norm: str,
        residual: bool,
        jumping: str,
    ) -> None:
        super().__init__()
        self.direct = n_out is not None and norm == "none" and not residual and jumping == "none"
        widths = [n_in] + [width] * (layers - 1)
        self.layers = nn.ModuleList(layer(w, self.direct and i == layers - 1) for i, w in enumerate(widths))
        hidden = layers - self.direct
        self.norms = nn.ModuleList(NORMS[norm](width) for _ in range(hidden)) if norm != "none" else None
        self.skips = nn.ModuleList(Linear(w, width, dropout) for w in widths[:hidden]) if residual else None
        self.activation, self.jumping = activation, jumping
        last = width * layers if jumping == "cat" else width
        self.head = None if self.direct or n_out is None else Linear(last, n_out, dropout)
        self.head_bias = None if self.head is None else nn.Parameter(torch.zeros(n_out))
        self.out_width = last if n_out is None else n_out

    def forward(self, adjacencies: Sequence[Sparse], x: Tensor | Sparse) -> Tensor:
        """Return ``(n, out_width)``, n being the rows of the last adjacency."""
        found = []
        for i, layer in enumerate(self.layers):
            h = layer(adjacencies[i], x)
            if self.direct and i == len(self.layers) - 1:
                return h
            if self.skips is not None:
                n = adjacencies[i].shape[0]
                h = h + self.skips[i](x.top(n) if isinstance(x, Sparse) else x[:n])
            x = self.activation(h if self.norms is None else normalised(self.norms[i], h))
            found.append(x)
        if self.jumping != "none":
            kept = [h[: adjacencies[-1].shape[0]] for h in found]
            x = torch.cat(kept, dim=1) if self.jumping == "cat" else torch.stack(kept).amax(0)
        return x if self.head is None else self.head(x) + self.head_bias
