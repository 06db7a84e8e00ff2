"""LSTM encoder, a decoder that teaches it, and a dense network that answers; dropout that can be held still."""

from __future__ import annotations

import torch
from torch import nn


class HeldDropout(nn.Module):  # type: ignore[misc]
    """Dropout of whole units: one mask a sample and all its steps in training, a given mask or none when answering."""

    def __init__(self, share: float, width: int) -> None:
        super().__init__()
        self.share, self.width = share, width
        self.mask: torch.Tensor | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``x (b, …, width)`` with units left out."""
        if self.training and self.share > 0:
            kept = torch.rand(len(x), *[1] * (x.ndim - 2), self.width, device=x.device) >= self.share
            return x * kept / (1 - self.share)
        return x if self.mask is None else x * self.mask


class EncoderDecoderNetwork(nn.Module):  # type: ignore[misc]
    """The network of Zhu and Laptev: ``encoder`` and ``decoder`` learn first, then ``predict`` on the embedding."""

    def __init__(
        self,
        channels: int,
        units: tuple[int, int],
        hidden: tuple[int, ...],
        outside: int,
        horizon: int,
        drop: float,
    ) -> None:
        super().__init__()
        self.outside, self.horizon = outside, horizon
        first, last = units
        self.encoder = nn.ModuleList(
            [nn.LSTM(channels, first, batch_first=True), nn.LSTM(first, last, batch_first=True)]
        )
        self.encoder_drops = nn.ModuleList([HeldDropout(drop, first), HeldDropout(drop, last)])
        self.decoder = nn.LSTM(1, last, batch_first=True)
        self.decoder_out = nn.Linear(last, 1)
        layers: list[nn.Module] = []
        width = last + outside * horizon
        for wide in hidden:
            layers += [nn.Linear(width, wide), nn.Tanh(), HeldDropout(drop, wide)]
            width = wide
        self.predict = nn.Sequential(*layers, nn.Linear(width, horizon))

    def embedding(self, x: torch.Tensor) -> torch.Tensor:
        """Return the last state ``(b, units)`` of the encoder on ``x (b, channels, lags)``."""
        rows = x.transpose(1, 2)
        for layer, drop in zip(self.encoder, self.encoder_drops, strict=True):
            rows = drop(layer(rows)[0])
        return rows[:, -1]

    def decoded(self, x: torch.Tensor) -> torch.Tensor:
        """Return the steps ahead ``(b, horizon)`` that the decoder unrolls from the embedding."""
        state = self.embedding(x)[None].contiguous()
        still = x.new_zeros(len(x), self.horizon, 1)
        return self.decoder_out(self.decoder(still, (state, torch.zeros_like(state)))[0])[..., 0]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the answers ``(b, horizon)``; outside variables of the steps ahead are the last channels."""
        parts = [self.embedding(x)]
        if self.outside:
            parts.append(x[:, -self.outside :, -self.horizon :].flatten(1))
        return self.predict(torch.cat(parts, 1))

    def drops(self, encoder: bool) -> list[HeldDropout]:
        """Return the dropouts of the encoder or those of the predicting network."""
        held = self.encoder_drops if encoder else self.predict
        return [layer for layer in held if isinstance(layer, HeldDropout)]
