"""From one sequence of tokens to another: encoder, attention, decoder.

Sources: Cho et al. (2014), "Learning phrase representations using RNN encoder-decoder"; Bahdanau, Cho & Bengio (2015),
"Neural machine translation by jointly learning to align and translate"; Luong, Pham & Manning (2015), "Effective
approaches to attention-based neural machine translation"; Vaswani et al. (2017), "Attention is all you need".
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from neuroloom.nets._layers.temporal import AttentionBlock, sinusoids

State = tuple[torch.Tensor, ...]


class Memory(NamedTuple):
    """What the encoder has read.

    Args:
        h: ``(b, length, width)`` an annotation of each token.
        inside: ``(b, length)`` True where there is a token.
        state: what the decoder begins with, tensors of ``b`` rows.
    """

    h: torch.Tensor
    inside: torch.Tensor
    state: State

    def take(self, rows: torch.Tensor) -> Memory:
        """Return the memory of some rows."""
        return Memory(self.h[rows], self.inside[rows], tuple(part[rows] for part in self.state))


class Attention(nn.Module):  # type: ignore[misc]
    """Weights over the annotations: additive ``v · tanh(W s + U h)`` (Bahdanau) or general ``s · W h`` (Luong)."""

    def __init__(self, additive: bool, units: int, width: int) -> None:
        super().__init__()
        self.of_state = nn.Linear(units, units, bias=False) if additive else nn.Identity()
        self.of_memory = nn.Linear(width, units, bias=additive)
        self.v = nn.Linear(units, 1, bias=False) if additive else None

    def forward(self, s: torch.Tensor, memory: Memory) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the context ``(b, width)`` and the weights ``(b, length)``, which sum to 1."""
        keys = self.of_memory(memory.h)
        if self.v is not None:
            scores = self.v(torch.tanh(self.of_state(s)[:, None] + keys))[..., 0]
        else:
            scores = (keys @ s[..., None])[..., 0]
        weights = torch.softmax(scores.masked_fill(~memory.inside, -torch.inf), dim=1)
        return (weights[:, None] @ memory.h)[:, 0], weights


class RecurrentTranslator(nn.Module):  # type: ignore[misc]
    """GRU encoder, both ways, and GRU decoder that attends to it.

    Args:
        tokens: in the vocabulary that is read, the unknown one included; 0 is padding.
        answers: tokens that are written, the end (0) included.
        width: of the tokens' vectors.
        units: of the decoder; the encoder has half of them each way.
        attention: ``"bahdanau"``, ``"luong"`` or ``"none"``.
        dropout: share of vectors' and outputs' numbers left out in training.
    """

    def __init__(
        self, tokens: int, answers: int, width: int, units: int, attention: str, dropout: float
    ) -> None:
        super().__init__()
        self.read, self.written = nn.Embedding(tokens + 1, width, 0), nn.Embedding(answers + 1, width)
        self.encoder = nn.GRU(width, units // 2, batch_first=True, bidirectional=True)
        self.begin_state = nn.Linear(units, units)
        self.kind = attention
        self.attention = None if attention == "none" else Attention(attention == "bahdanau", units, units)
        fed = width + (0 if attention == "none" else units)
        self.cell = nn.GRUCell(fed, units)
        self.mixed = nn.Linear(units if attention == "none" else 2 * units, units)
        self.out = nn.Linear(units, answers)
        self.drop = nn.Dropout(dropout)

    def begin(self, source: torch.Tensor) -> Memory:
        """Return the memory of ``(b, length)`` tokens."""
        inside = source > 0
        packed = pack_padded_sequence(
            self.drop(self.read(source)), inside.sum(1).cpu(), batch_first=True, enforce_sorted=False
        )
        made, last = self.encoder(packed)
        h, _ = pad_packed_sequence(made, batch_first=True, total_length=source.shape[1])
        s = torch.tanh(self.begin_state(torch.cat([last[0], last[1]], dim=1)))
        return Memory(h, inside, (s, torch.zeros_like(s)))

    def step(self, token: torch.Tensor, memory: Memory) -> tuple[torch.Tensor, State, torch.Tensor]:
        """Return logits ``(b, answers)``, the next state and the attention ``(b, length)`` after a written token.

        Bahdanau's attention asks with the state before the token, and its context feeds the cell; Luong's asks with the
        state after it, and what came of it feeds the next step (input feeding, section 3.3).
        """
        s, fed = memory.state
        x = self.drop(self.written(token))
        weights = memory.inside.to(x.dtype) / memory.inside.sum(1, keepdim=True)
        if self.attention is None:
            s = self.cell(x, s)
            h = torch.tanh(self.mixed(s))
        elif self.kind == "bahdanau":
            context, weights = self.attention(s, memory)
            s = self.cell(torch.cat([x, context], dim=1), s)
            h = torch.tanh(self.mixed(torch.cat([context, s], dim=1)))
        else:
            s = self.cell(torch.cat([x, fed], dim=1), s)
            context, weights = self.attention(s, memory)
            h = torch.tanh(self.mixed(torch.cat([context, s], dim=1)))  # eq. 5
        return self.out(self.drop(h)), (s, h), weights

    def forward(self, source: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
        """Return logits ``(b, steps, answers)`` where ``before (b, steps)`` are the tokens written before each."""
        memory = self.begin(source)
        made = []
        for token in before.unbind(1):
            logits, state, _ = self.step(token, memory)
            memory = memory._replace(state=state)
            made.append(logits)
        return torch.stack(made, dim=1)


class DecoderBlock(nn.Module):  # type: ignore[misc]
    """Attention to what is written, to what was read, and a dense network, each after a norm and added to its input."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(3)])
        self.heads = heads
        self.qkv, self.own = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.query, self.kv, self.cross = (
            nn.Linear(width, width), nn.Linear(width, 2 * width), nn.Linear(width, width),
        )  # fmt: skip
        self.dense = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.drop = nn.Dropout(dropout)

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)

    def forward(self, x: torch.Tensor, memory: Memory) -> tuple[torch.Tensor, torch.Tensor]:
        """Return ``(b, steps, width)`` and the mean weights over the heads, ``(b, steps, length)``."""
        q, k, v = (self._split(part) for part in self.qkv(self.norms[0](x)).chunk(3, dim=2))
        own = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.drop(self.own(own.transpose(1, 2).flatten(2)))
        q = self._split(self.query(self.norms[1](x)))
        k, v = (self._split(part) for part in self.kv(memory.h).chunk(2, dim=2))
        scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[3])
        weights = torch.softmax(scores.masked_fill(~memory.inside[:, None, None], -torch.inf), dim=3)
        x = x + self.drop(self.cross((weights @ v).transpose(1, 2).flatten(2)))
        return x + self.drop(self.dense(self.norms[2](x))), weights.mean(1)


class TransformerTranslator(nn.Module):  # type: ignore[misc]
    """Transformer encoder and decoder; as :class:`RecurrentTranslator`, for so many steps on either side."""

    def __init__(
        self, tokens: int, answers: int, width: int, heads: int, layers: int, dropout: float, steps: int
    ) -> None:
        super().__init__()
        self.read, self.written = nn.Embedding(tokens + 1, width, 0), nn.Embedding(answers + 1, width)
        for table in (self.read, self.written):
            nn.init.normal_(table.weight, std=width**-0.5)
        self.register_buffer("place", sinusoids(steps, width), persistent=False)
        self.encoder = nn.ModuleList([AttentionBlock(width, heads, dropout) for _ in range(layers)])
        self.decoder = nn.ModuleList([DecoderBlock(width, heads, dropout) for _ in range(layers)])
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.out = nn.Linear(width, answers)
        self.drop = nn.Dropout(dropout)
        self.scale = math.sqrt(width)

    def begin(self, source: torch.Tensor) -> Memory:
        """Return the memory of ``(b, length)`` tokens; the state is what was written, nothing yet."""
        inside = source > 0
        h = self.drop(self.read(source) * self.scale + self.place[: source.shape[1]])
        for block in self.encoder:
            h = block(h, inside)
        return Memory(self.norms[0](h), inside, (source[:, :0],))

    def _written(self, before: torch.Tensor, memory: Memory) -> tuple[torch.Tensor, torch.Tensor]:
        x = self.drop(self.written(before) * self.scale + self.place[: before.shape[1]])
        weights = x.new_zeros(())
        for block in self.decoder:
            x, weights = block(x, memory)
        return self.out(self.norms[1](x)), weights

    def step(self, token: torch.Tensor, memory: Memory) -> tuple[torch.Tensor, State, torch.Tensor]:
        """Return logits ``(b, answers)``, what is written now and the attention ``(b, length)`` of the last block."""
        before = torch.cat([memory.state[0], token[:, None]], dim=1)
        logits, weights = self._written(before, memory)
        return logits[:, -1], (before,), weights[:, -1]

    def forward(self, source: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
        """Return logits ``(b, steps, answers)`` where ``before (b, steps)`` are the tokens written before each."""
        logits: torch.Tensor = self._written(before, self.begin(source))[0]
        return logits


Translator = RecurrentTranslator | TransformerTranslator


class Written(NamedTuple):
    """What a search has found.

    Args:
        tokens: ``(b, steps)``, 0 from the end on.
        log_probability: ``(b,)`` of the tokens and the end.
        attention: ``(b, steps + 1, length)`` of the path, its end included; zeros after it, or fewer steps.
    """

    tokens: torch.Tensor
    log_probability: torch.Tensor
    attention: torch.Tensor


def search(network: Translator, source: torch.Tensor, longest: int, beam: int, penalty: float) -> Written:
    """Return the best of ``beam`` paths that are kept at each step; 1 is the greedy search.

    Paths are compared by ``log p / ((5 + length) / 6)^penalty`` (Wu et al. 2016, eq. 14), the end counted. A path that
    is ``longest`` tokens long ends there, with the probability that the network gives to it.

    Args:
        network: in evaluation mode; the token that begins a path is one more than its answers.
        source: ``(b, length)`` tokens.
        longest: tokens that are written at most.
        beam: paths that are kept.
        penalty: of short paths, at least 0.
    """
    b, device = len(source), source.device
    memory = network.begin(source).take(torch.arange(b, device=device).repeat_interleave(beam))
    answers = network.out.out_features
    token = torch.full((b * beam,), answers, device=device)
    total = torch.full((b, beam), -torch.inf, device=device)
    total[:, 0] = 0.0  # all paths are one in the beginning
    lengths = torch.zeros((b, beam), device=device)
    done = torch.zeros((b, beam), dtype=torch.bool, device=device)
    paths = source.new_zeros((b, beam, 0))
    seen = memory.h.new_zeros((b, beam, 0, source.shape[1]))
    first = torch.arange(b, device=device)[:, None] * beam
    for written in range(longest + 1):
        logits, state, weights = network.step(token, memory)
        each = torch.log_softmax(logits, dim=1).view(b, beam, answers)
        if written == longest:
            each[..., 1:] = -torch.inf
        stay = torch.full_like(each, -torch.inf)
        stay[..., 0] = 0.0  # an ended path goes on with nothing
        each = torch.where(done[..., None], stay, each)
        longer = lengths + (~done).float()
        made = total[..., None] + each
        rank = made / ((5 + longer[..., None]) / 6) ** penalty
        at = rank.flatten(1).topk(beam, dim=1).indices
        origin, chosen = at // answers, at % answers
        rows = (first + origin).flatten()
        total = made.flatten(1).gather(1, at)
        lengths = longer.gather(1, origin)
        weights = weights.view(b, beam, -1) * ~done[..., None]
        done = done.gather(1, origin) | (chosen == 0)
        paths = torch.cat([paths.flatten(0, 1)[rows].view(b, beam, -1), chosen[..., None]], dim=2)
        seen = torch.cat(
            [seen.flatten(0, 1)[rows].view(b, beam, -1, source.shape[1]),
             weights.flatten(0, 1)[rows].view(b, beam, 1, -1)], dim=2
        )  # fmt: skip
        memory = memory._replace(state=state).take(rows)
        token = chosen.flatten()
        if bool(done.all()):
            break
    best = (total / ((5 + lengths) / 6) ** penalty).argmax(1)
    at = torch.arange(b, device=device)
    return Written(paths[at, best][:, :longest], total[at, best], seen[at, best])
