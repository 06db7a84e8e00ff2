"""What a batch of tokens may look like when it comes in, and how letters become tokens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.errors import InputError

Ints = NDArray[np.int64]


def token_batch(X: Any) -> Ints:
    """Return ``X`` as ``(n, length)`` int64: tokens from 1 on, 0 for padding, which stands at the end alone.

    Args:
        X: an array of whole numbers, or a sequence of texts of unequal lengths as lists of whole numbers.

    Raises:
        InputError: another shape or type, no samples, a negative number, or padding before the end of a sample.
    """
    if isinstance(X, list | tuple) and X and all(isinstance(row, list | tuple | np.ndarray) for row in X):
        width = max([1, *(len(row) for row in X)])
        if len({len(row) for row in X}) > 1:
            X = [[*row, *[0] * (width - len(row))] for row in X]
    array = np.asarray(X)
    if array.ndim != 2 or 0 in array.shape:
        raise InputError(f"expected tokens of shape (n, length), but got an array of shape {array.shape}.")
    if array.dtype.kind not in "iu":
        whole = array.dtype.kind == "f" and bool(np.all(np.mod(array, 1) == 0))  # NaN is not whole
        if not whole:
            raise InputError(
                f"tokens are whole numbers, 0 for padding, but got {array.dtype} with missing or other values; number "
                "words or letters from 1 on."
            )
    tokens = array.astype(np.int64)
    if tokens.min() < 0:
        raise InputError(f"tokens are whole numbers of at least 0 (padding), but got {tokens.min()}.")
    gaps = (tokens[:, :-1] == 0) & (tokens[:, 1:] > 0)
    if gaps.any():
        raise InputError(
            f"0 is padding and stands at the end of a text alone, but in text {int(np.argmax(gaps.any(1)))} tokens "
            "follow it; put padding behind, and number tokens from 1."
        )
    return tokens


class Alphabet:
    """Letters numbered from 1 in the order of their code points; 0 is padding.

    Args:
        letters: each one once, or any texts, whose letters are taken.
    """

    def __init__(self, letters: Iterable[str]) -> None:
        self.letters = "".join(sorted(set("".join(letters))))

    def __len__(self) -> int:
        return len(self.letters)

    def encode(self, texts: Sequence[str]) -> Ints:
        """Return ``(n, longest)`` tokens of texts; letters that the alphabet lacks get the number after its last."""
        number = {letter: i for i, letter in enumerate(self.letters, 1)}
        made = np.zeros((len(texts), max([1, *(len(text) for text in texts)])), dtype=np.int64)
        for row, text in zip(made, texts, strict=True):
            row[: len(text)] = [number.get(letter, len(self) + 1) for letter in text]
        return made

    def decode(self, tokens: Any) -> list[str]:
        """Return the texts of ``(n, length)`` tokens; what the alphabet lacks is written as �."""
        letters = ["", *self.letters]
        return [
            "".join(letters[t] if t < len(letters) else "\ufffd" for t in row) for row in token_batch(tokens)
        ]
