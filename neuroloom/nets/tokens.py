"""Nets of tokens: an embedding in front of a net of series, which reads no padding.

Bengio, Ducharme, Vincent and Jauvin (2003), A neural probabilistic language model (learned vectors of words).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.core.tokens import token_batch
from neuroloom.nets.deep_network import DeepNetwork

if TYPE_CHECKING:
    import torch


@dataclass(eq=False, repr=False, kw_only=True)
class TokenNetwork(DeepNetwork):
    """A net of series that reads tokens: each is looked up as a vector, which is learned; 0 is padding and is not read.

    Tokens are whole numbers of at least 1 with any gaps between them. Those that the fit has not seen are read as one
    unknown token, the zero vector, as some are in training. Samples may be shorter than those of the fit, not longer.

    Args:
        embedding: numbers in a token's vector, at least 1.
        token_dropout: share of the tokens that are read as the unknown one in training, in [0, 1).

    Attributes:
        vocabulary_: ``(tokens,)`` those that the fit has seen, rising.

    Raises:
        InputError: samples are no ``(n, length)`` whole numbers, or 0 stands before the end of one.

    Differences from the net of series: ``normalize`` means nothing, and ``augment`` must be empty.
    """

    embedding: int = 64
    token_dropout: float = 0.1

    def _check_training(self) -> None:
        super()._check_training()
        if self.augment:
            raise InputError(
                "tokens cannot be augmented; leave `augment` empty, and set `token_dropout` instead."
            )

    def _learn_shape(self, X: Any) -> NDArray[Any]:
        tokens = token_batch(X)
        self.shape_ = (tokens.shape[1],)
        self.vocabulary_ = np.unique(tokens[tokens > 0])
        if not len(self.vocabulary_):
            raise InputError("there is no token at all, only padding (0).")
        return self._values(tokens)

    def _read(self, X: Any) -> NDArray[Any]:
        return self._values(X)

    def _values(self, X: Any) -> NDArray[Any]:
        """Return ``(n, length)`` places in the vocabulary from 1, one more for unknown tokens, 0 for padding."""
        tokens, length = token_batch(X), self.shape_[0]
        if tokens[:, length:].any():
            raise InputError(
                f"fitted on texts of at most {length} tokens, but got one of {int((tokens > 0).sum(1).max())}; cut it."
            )
        tokens = np.pad(tokens[:, :length], ((0, 0), (0, max(0, length - tokens.shape[1]))))
        at = np.minimum(np.searchsorted(self.vocabulary_, tokens), len(self.vocabulary_) - 1)
        codes: NDArray[Any] = np.where(self.vocabulary_[at] == tokens, at + 1, len(self.vocabulary_) + 1)
        codes[tokens == 0] = 0
        codes[codes[:, 0] == 0, 0] = len(self.vocabulary_) + 1  # a text without tokens has an unknown one
        return codes

    def _scaled(self, values: NDArray[Any]) -> NDArray[Any]:
        return values

    def _example(self) -> torch.Tensor:
        import torch

        return torch.ones((1, *self.shape_), dtype=torch.int64)

    def _encoder(self, shape: tuple[int, ...]) -> torch.nn.Module:
        from neuroloom.nets._layers.embedding import TokenEncoder

        width = check_int("embedding", self.embedding)
        drop = check_float("token_dropout", self.token_dropout, 0, 1, open_high=True)
        inner = super()._encoder((width, *shape))  # type: ignore[safe-super]  # a net of series comes next
        return TokenEncoder(len(self.vocabulary_), width, drop, inner)
