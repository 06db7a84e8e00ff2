"""Blocks of the temporal convolutional network and of the Transformer encoder."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from neuroloom.nets._layers.convolution import SameConv
from neuroloom.nets._layers.pooling import TimePool
from neuroloom.nets._layers.recurrent_network import patched


class CausalBlock(nn.Module):  # type: ignore[misc]
    """Twice a dilated causal convolution with weight norm, ReLU and dropout, and the input added (Bai et al. 2018)."""

    def __init__(self, n_in: int, n_out: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width in (n_in, n_out):
            layer = SameConv(1, width, n_out, kernel, dilation=dilation, causal=True)
            nn.init.kaiming_normal_(layer.conv.weight, nonlinearity="relu")
            nn.init.zeros_(layer.conv.bias)
            layer.conv = weight_norm(layer.conv)
            layers += [layer, nn.ReLU(), nn.Dropout(dropout)]
        self.body = nn.Sequential(*layers)
        self.shortcut = nn.Conv1d(n_in, n_out, 1) if n_in != n_out else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(b, n_out, steps)``."""
        return functional.relu(self.body(x) + self.shortcut(x))


class PoolChannels(nn.Module):  # type: ignore[misc]
    """:class:`TimePool` over ``(b, channels, steps)``."""

    def __init__(self, how: str, width: int) -> None:
        super().__init__()
        self.pool = TimePool(how, width)
        self.width = self.pool.width

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """Return ``(b, width)``; ``lengths (b,)`` are the steps that are no padding."""
        return self.pool(x.permute(2, 0, 1), lengths)


class AttentionBlock(nn.Module):  # type: ignore[misc]
    """Self-attention and a dense layer, each after a layer norm and added to its input.

    The norm comes first (Xiong et al. 2020, "On layer normalization in the Transformer architecture"), which trains
    without a warm-up.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.heads, self.dropout = heads, dropout
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.dense = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Dropout(dropout), nn.Linear(4 * width, width)
        )
        self.drop = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor, inside: torch.Tensor | None) -> torch.Tensor:
        """Return ``(b, steps, width)``; ``inside (b, steps)`` is True where there is something to attend to."""
        b, steps, width = x.shape
        q, k, v = (
            self.qkv(self.norms[0](x))
            .view(b, steps, 3, self.heads, width // self.heads)
            .permute(2, 0, 3, 1, 4)
        )
        mask = None if inside is None else inside[:, None, None, :].expand(b, 1, steps, steps)
        seen = functional.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, dropout_p=self.dropout if self.training else 0.0
        )
        x = x + self.drop(self.out(seen.transpose(1, 2).reshape(b, steps, width)))
        return x + self.drop(self.dense(self.norms[1](x)))

    def attention(self, x: torch.Tensor, inside: torch.Tensor | None) -> torch.Tensor:
        """Return the weights ``(b, heads, steps, steps)`` with which each step attends to each; rows sum to 1."""
        b, steps, width = x.shape
        q, k, _ = (
            self.qkv(self.norms[0](x))
            .view(b, steps, 3, self.heads, width // self.heads)
            .permute(2, 0, 3, 1, 4)
        )
        scores = q @ k.transpose(2, 3) / math.sqrt(width // self.heads)
        return torch.softmax(
            scores if inside is None else scores.masked_fill(~inside[:, None, None, :], -torch.inf), dim=-1
        )


def sinusoids(steps: int, width: int) -> torch.Tensor:
    """Return the ``(steps, width)`` position code of Vaswani et al. (2017), section 3.5."""
    t = torch.arange(steps, dtype=torch.float64)[:, None]
    rate = torch.exp(-math.log(10000.0) * torch.arange(0, width, 2, dtype=torch.float64) / width)
    code = torch.zeros(steps, width, dtype=torch.float64)
    code[:, 0::2], code[:, 1::2] = torch.sin(t * rate), torch.cos(t * rate)[:, : width // 2]
    return code.float()


class TransformerEncoder(nn.Module):  # type: ignore[misc]
    """Patches of a series, mapped and given their place, through attention blocks to a pooled vector."""

    def __init__(
        self,
        channels: int,
        patch: int,
        steps: int,
        width: int,
        heads: int,
        layers: int,
        dropout: float,
        pooling: str,
    ) -> None:
        super().__init__()
        self.patch = patch
        self.embed = nn.Linear(channels * patch, width)
        self.register_buffer("place", sinusoids(steps, width), persistent=False)
        self.blocks = nn.ModuleList([AttentionBlock(width, heads, dropout) for _ in range(layers)])
        self.norm, self.drop = nn.LayerNorm(width), nn.Dropout(dropout)
        self.pool = TimePool(pooling, width)
        self.width = self.pool.width

    def begin(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
        """Return the embedded patches ``(b, steps, width)``, which are no padding, and how many of each series."""
        rows, lengths = patched(x, self.patch)
        h = self.drop(self.embed(rows).transpose(0, 1) + self.place)
        inside = None if lengths is None else torch.arange(h.shape[1], device=h.device) < lengths[:, None]
        return h, inside, lengths

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(b, width)`` from ``x (b, channels, length)``."""
        h, inside, lengths = self.begin(x)
        for block in self.blocks:
            h = block(h, inside)
        return self.pool(self.norm(h).transpose(0, 1), lengths)

    def attention(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``(layers, b, heads, steps, steps)`` attention weights."""
        h, inside, _ = self.begin(x)
        made = []
        for block in self.blocks:
            made.append(block.attention(h, inside))
            h = block(h, inside)
        return torch.stack(made)
