"""Sequence to sequence: encoder and decoder with attention, or a Transformer.

Sutskever, Vinyals and Le (2014), Sequence to sequence learning with neural networks; Bahdanau, Cho and Bengio (2015),
Neural machine translation by jointly learning to align and translate; Luong, Pham and Manning (2015), Effective
approaches to attention-based neural machine translation; Vaswani et al. (2017), Attention is all you need.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checkpoints import digest
from neuroloom.core.checks import check_choice, check_float, check_int, check_lengths
from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.core.seeding import as_seed, derive
from neuroloom.core.tokens import token_batch
from neuroloom.nets.tokens import TokenNetwork

if TYPE_CHECKING:
    import torch

    from neuroloom.nets._layers.sequences import Written

Ints = NDArray[np.int64]
ARCHITECTURES = ("bahdanau", "luong", "none", "transformer")
_AT_ONCE = 256  # texts answered at once


@dataclass(eq=False, repr=False)
class Seq2Seq(TokenNetwork):
    """From texts to texts: one network reads, another writes token by token and looks back at what was read.

    The recurrent ones read by a GRU both ways and write by a GRU. In training the decoder is given the right tokens
    before each (teacher forcing); in ``predict`` its own.

    Args:
        attention: ``"luong"`` (general, with input feeding), ``"bahdanau"`` (additive), ``"none"`` (what was read is in
            the decoder's first state alone), or ``"transformer"``.
        units: of the decoder, or numbers in a step of the Transformer; an even number, at least 2.
        layers: blocks of the Transformer's encoder and decoder each, at least 1.
        heads: of the Transformer's attention, a divisor of ``units``, at least 1.
        dropout: share left out in training of vectors and outputs, in [0, 1).
        beam: paths that ``predict`` keeps at each step, at least 1; 1 takes the likeliest token each time.
        length_penalty: power of the path's length by which its log-probability is divided, at least 0; 0 favours short
            answers.
        longest: tokens of an answer at most, at least 1; None takes the longest of the fit.

    Attributes:
        weights_: name → array, in a list of one; ``history_``; ``n_parameters_``; ``written_``: the tokens that it
            writes, rising.

    Raises:
        InputError: a parameter is out of range, or samples and answers are no texts.

    Differences: GRUs in all recurrent ones, where Luong et al. have LSTMs; Bahdanau's maxout is a tanh layer; of the
    Transformer the norm comes first (Xiong et al. 2020).

    Source: Bahdanau, Cho and Bengio (2015), section 3 and appendix A; Luong, Pham and Manning (2015), sections 3.1 and
    3.3; Vaswani et al. (2017); Wu et al. (2016), eq. 14 for the length.
    """

    attention: str = "luong"
    units: int = 128
    layers: int = 2
    heads: int = 4
    dropout: float = 0.0
    beam: int = 1
    length_penalty: float = 0.6
    longest: int | None = None
    _: KW_ONLY
    embedding: int = 32
    token_dropout: float = 0.0
    learning_rate: float = 0.003
    clip_norm: float | None = 1.0

    kinds: ClassVar[tuple[str, ...]] = ("tokens",)

    def _network(self, shape: tuple[int, ...], answers: int) -> torch.nn.Module:
        from neuroloom.nets._layers.sequences import RecurrentTranslator, TransformerTranslator

        check_choice("attention", self.attention, ARCHITECTURES)
        units, heads = check_int("units", self.units, 2), check_int("heads", self.heads)
        layers, width = check_int("layers", self.layers), check_int("embedding", self.embedding)
        dropout = check_float("dropout", self.dropout, 0, 1, open_high=True)
        tokens = len(self.vocabulary_) + 1
        if units % 2 or (self.attention == "transformer" and units % heads):
            raise InputError(f"`units` must be even and a multiple of `heads`, but got {units} and {heads}.")
        if self.attention == "transformer":
            steps = max(shape[0], self.longest_) + 1
            return TransformerTranslator(tokens, answers, units, heads, layers, dropout, steps)
        return RecurrentTranslator(tokens, answers, width, units, self.attention, dropout)

    def _check(self) -> None:
        self._check_training()
        check_int("beam", self.beam)
        check_float("length_penalty", self.length_penalty, 0)
        if check_int("members", self.members) > 1:
            raise NotSupportedError("a sequence is written by one network; leave `members` at 1.")
        if check_float("token_dropout", self.token_dropout, 0, 1, open_high=True) or self.early_stopping:
            raise NotSupportedError(
                "texts are read whole, and to stop early it needs `eval_set`; leave `token_dropout` at 0 and "
                "`early_stopping` out."
            )

    def fit(self, X: Any, y: Any, eval_set: tuple[Any, Any] | None = None) -> Self:
        """Learn from texts and the texts that answer them.

        Args:
            X: ``(n, length)`` tokens, 0 behind the end.
            y: ``(n, length)`` tokens, likewise.
            eval_set: ``(X_val, y_val)`` to choose the epoch by and to stop early on.

        Raises:
            InputError: a parameter is out of range, or samples and answers are no texts of equal number.
        """
        import torch

        from neuroloom.core.devices import resolve_device
        from neuroloom.core.training import train

        check_lengths(X, y)
        values, wanted = self._learn_shape(X), token_batch(y)
        self._check()
        self.written_ = np.unique(wanted[wanted > 0])
        longest = int((wanted > 0).sum(1).max())
        self.longest_ = longest if self.longest is None else check_int("longest", self.longest)
        if longest > self.longest_:
            raise InputError(f"`longest` is {self.longest_}, but an answer has {longest} tokens; raise it.")
        self.n_answers_ = len(self.written_) + 1
        seed, device = as_seed(self.random_state), resolve_device(self.device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(seed, "weights"))
            network = self._network(self.shape_, self.n_answers_).to(device)
        source, target = (torch.from_numpy(a).to(device) for a in (values, self._targets(wanted)))

        def loss(net: torch.nn.Module, rows: Any) -> torch.Tensor:
            return self._loss(net, source[rows], target[rows]).mean()

        check = None
        if eval_set is not None:
            check_lengths(*eval_set)
            held = [torch.from_numpy(a).to(device)
                    for a in (self._read(eval_set[0]), self._targets(token_batch(eval_set[1])))]  # fmt: skip

            def check(net: torch.nn.Module) -> torch.Tensor:
                parts = zip(*(part.split(_AT_ONCE) for part in held), strict=True)
                return -torch.cat([self._loss(net, *pair) for pair in parts]).mean()

        still = {name: 0.0 for name, p in network.named_parameters() if p.ndim < 2}
        config = self._config(len(values), check is not None)
        result = train(network, loss, config=config, n_samples=len(values), seed=derive(seed, "train"), valid=check,
                       decay_scale=still, samples=digest(self, values, wanted))  # fmt: skip
        self.weights_ = [{k: v.cpu().numpy().copy() for k, v in network.state_dict().items()}]
        self.history_ = result.history
        self.n_parameters_ = sum(p.numel() for p in network.parameters())
        return self

    def _targets(self, wanted: Ints) -> Ints:
        """Return ``(n, longest + 1)`` answers in the network's numbers: 0 ends one, -1 is after its end or unknown."""
        made = np.full((len(wanted), self.longest_ + 1), -1, dtype=np.int64)
        ends = np.minimum((wanted > 0).sum(1), self.longest_)
        wanted = wanted[:, : self.longest_]
        at = np.minimum(np.searchsorted(self.written_, wanted), len(self.written_) - 1)
        made[:, : wanted.shape[1]] = np.where((self.written_[at] == wanted) & (wanted > 0), at + 1, -1)
        made[np.arange(len(made)), ends] = 0
        return made

    def _loss(self, net: torch.nn.Module, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return ``(b,)`` mean cross-entropies of the tokens and the end of each answer."""
        import torch
        from torch.nn import functional

        before = torch.cat([torch.full_like(target[:, :1], self.n_answers_), target[:, :-1]], dim=1)
        steps = int((target >= 0).any(0).sum())
        logits = net(source, before[:, :steps].clamp(min=0))
        target = target[:, :steps]
        each = functional.cross_entropy(logits.transpose(1, 2), target, ignore_index=-1, reduction="none")
        return each.sum(1) / (target >= 0).sum(1)

    def _written(self, X: Any, beam: int | None) -> list[Written]:
        import torch

        from neuroloom.nets._layers.sequences import search

        check_is_fitted(self)
        kept = check_int("beam", self.beam if beam is None else beam)
        penalty = check_float("length_penalty", self.length_penalty, 0)
        network, source = self._restored(0), torch.from_numpy(self._read(X))
        device = next(network.parameters()).device
        with torch.inference_mode():
            return [
                search(network, part.to(device), self.longest_, kept, penalty)
                for part in source.split(_AT_ONCE)
            ]

    def predict(self, X: Any, beam: int | None = None) -> Ints:
        """Return ``(n, longest)`` tokens that answer texts, 0 behind the end.

        Args:
            X: ``(n, length)`` tokens.
            beam: paths kept at each step; None takes the parameter.
        """
        answers = np.concatenate([[0], self.written_])
        made: Ints = np.zeros((len(token_batch(X)), self.longest_), dtype=np.int64)
        start = 0
        for found in self._written(X, beam):
            tokens = answers[found.tokens.cpu().numpy()]
            made[start : start + len(tokens), : tokens.shape[1]] = tokens
            start += len(tokens)
        return made

    def score(self, X: Any, y: Any) -> float:
        """Return the share of answers that are right from first to last token."""
        wanted, found = token_batch(y), self.predict(X)
        width = max(wanted.shape[1], found.shape[1])
        padded = [np.pad(a, ((0, 0), (0, width - a.shape[1]))) for a in (wanted, found)]
        return float((padded[0] == padded[1]).all(axis=1).mean())

    def attend(self, X: Any) -> list[NDArray[np.float64]]:
        """Return, for each text, the ``(written, read)`` weights with which each written token looked at each read one.

        Rows sum to 1; the last one is of the end. Without attention they are even.
        """
        read = (token_batch(X) > 0).sum(1)
        found: list[NDArray[np.float64]] = []
        for part in self._written(X, None):
            weights, ends = part.attention.double().cpu().numpy(), (part.tokens > 0).sum(1).tolist()
            for row, end in zip(weights, ends, strict=True):
                found.append(row[: end + 1, : read[len(found)]])
        return found
