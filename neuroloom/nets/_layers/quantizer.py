"""A book of vectors that follow what chooses them."""

from __future__ import annotations

import torch
from torch import nn

_SELDOM = 1e-2  # a word chosen by so small a share of an even one begins anew


class Quantizer(nn.Module):  # type: ignore[misc]
    """Replaces pieces of a code by the nearest words of a book.

    In training the words are moving averages: with ``n`` pieces that chose a word and ``s`` their sum, ``N ← γ N + (1
    - γ) n``, ``m ← γ m + (1 - γ) s``, and the word is ``m / N`` (van den Oord et al. 2017, eqs. 6 to 8). A word that
    is hardly ever chosen begins anew at a piece of the batch; at the start all do.

    Args:
        book: words.
        width: numbers in a word.
        decay: ``γ``.
    """

    def __init__(self, book: int, width: int, decay: float) -> None:
        super().__init__()
        self.decay = decay
        self.register_buffer("book", torch.zeros(book, width))
        self.register_buffer("counts", torch.zeros(book))
        self.register_buffer("sums", torch.zeros(book, width))

    def forward(self, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the words ``(b, code)``, without a gradient, and their places ``(b, code / width)``."""
        pieces = z.detach().reshape(-1, self.book.shape[1])
        if self.training:
            self._renew(pieces)
        places = torch.cdist(pieces, self.book).argmin(dim=1)
        if self.training:
            self._follow(pieces, places)
        return self.book[places].view_as(z), places.view(len(z), -1)

    def _follow(self, pieces: torch.Tensor, places: torch.Tensor) -> None:
        chosen = torch.zeros(len(pieces), len(self.book), device=pieces.device).scatter_(
            1, places[:, None], 1.0
        )
        self.counts.mul_(self.decay).add_(chosen.sum(0), alpha=1 - self.decay)
        self.sums.mul_(self.decay).add_(chosen.T @ pieces, alpha=1 - self.decay)
        self.book.copy_(self.sums / self.counts.clamp(min=1e-12)[:, None])

    def _renew(self, pieces: torch.Tensor) -> None:
        even = len(pieces) / len(self.book)
        seldom = self.counts < _SELDOM * even
        if bool(seldom.any()):
            rows = torch.randint(len(pieces), (int(seldom.sum()),)).to(pieces.device)
            self.sums[seldom] = pieces[rows] * even
            self.counts[seldom] = even
            self.book[seldom] = pieces[rows]
