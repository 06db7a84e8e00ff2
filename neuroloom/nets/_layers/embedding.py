"""Tokens as vectors, in front of an encoder of series."""

from __future__ import annotations

import torch
from torch import nn


class TokenEncoder(nn.Module):  # type: ignore[misc]
    """An encoder of series over the vectors of tokens; where there is padding it gets NaN, which it does not read.

    Args:
        tokens: in the vocabulary, numbered from 1; the next number is the unknown token, 0 padding.
        width: of the vectors.
        dropout: share of the tokens read as the unknown one in training.
        inner: takes ``(b, width, length)``.
    """

    def __init__(self, tokens: int, width: int, dropout: float, inner: nn.Module) -> None:
        super().__init__()
        self.vectors = nn.Embedding(tokens + 2, width, padding_idx=0)
        with torch.no_grad():
            self.vectors.weight[-1] = 0.0
        self.unknown, self.dropout = tokens + 1, dropout
        self.inner = inner
        self.width: int = inner.width

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return ``(b, width)`` from ``(b, length)`` places in the vocabulary."""
        padded = tokens == 0
        if self.training and self.dropout:
            hidden = torch.rand(tokens.shape, device=tokens.device) < self.dropout
            tokens = torch.where(hidden & ~padded, self.unknown, tokens)
        vectors = self.vectors(tokens)
        if bool(padded.any()):
            vectors = vectors.masked_fill(padded[..., None], torch.nan)
        return self.inner(vectors.transpose(1, 2))
