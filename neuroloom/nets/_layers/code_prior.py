"""An autoregressive prior over the words of a vector-quantised code (van den Oord et al. 2017, section 3.3)."""

from __future__ import annotations

import torch
from torch import nn

from neuroloom.nets._layers.recurrent import GRUCell, State, run_fused


class CodePrior(nn.Module):  # type: ignore[misc]
    """``p(w_1 … w_L | class) = Π p(w_i | w_1 … w_{i-1}, class)`` by a gated recurrent unit that knows its place.

    Args:
        book: words.
        length: of a code, ``L``.
        classes: at least 1; each begins in its own way.
        units: of the recurrent unit.
    """

    def __init__(self, book: int, length: int, classes: int = 1, units: int = 64) -> None:
        super().__init__()
        self.book, self.length = book, length
        self.words = nn.Embedding(book + classes, units)
        self.place = nn.Parameter(torch.zeros(length, 1, units))
        self.kind = nn.Embedding(classes, units)
        self.cell = GRUCell(2 * units, units)
        self.head = nn.Linear(units, book)

    def _step(
        self, words: torch.Tensor, place: torch.Tensor, kind: torch.Tensor, state: State | None
    ) -> tuple[torch.Tensor, State]:
        """Return the log-odds ``(time, b, book)`` of the words after ``words (time, b)``, and the state."""
        told = self.kind(kind).expand(len(words), -1, -1)
        h, last = run_fused(self.cell, torch.cat([self.words(words) + place, told], dim=-1), state)
        return self.head(h), last

    def forward(self, words: torch.Tensor, kind: torch.Tensor) -> torch.Tensor:
        """Return ``(b, length, book)`` log-odds of each word, of those before it and ``kind (b,)``, the class."""
        before = torch.cat([self.book + kind[None], words.T[:-1]])
        return self._step(before, self.place, kind, None)[0].transpose(0, 1)

    def draw(self, kind: torch.Tensor) -> torch.Tensor:
        """Return words ``(b, length)`` drawn one after the other, by torch's generator."""
        state, words = None, self.book + kind[None]
        drawn = []
        for i in range(self.length):
            odds, state = self._step(words, self.place[i : i + 1], kind, state)
            words = torch.multinomial(torch.softmax(odds[0], dim=1), 1).T
            drawn.append(words[0])
        return torch.stack(drawn, dim=1)
