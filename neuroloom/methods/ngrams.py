"""Bags of n-grams: what any net of tokens has to beat."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from neuroloom.core.checks import check_int
from neuroloom.core.errors import InputError
from neuroloom.core.tokens import token_batch

Gram = tuple[int, ...]


class NGramFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Tokens and runs of neighbouring ones, counted and weighed: ``(1 + log tf) (1 + log((1 + n) / (1 + df)))``.

    ``tf`` is how often a run stands in a text, ``df`` in how many of the ``n`` training texts; each text's vector is
    divided by its norm. Where the text begins and where it ends count as a neighbour.

    Args:
        longest: tokens in a run, at most, at least 1.
        features: runs that are kept, those in the most training texts, at least 1.

    Attributes:
        grams_: the runs, as tuples of tokens; -1 for the text's begin and end.

    Source: Salton and Buckley (1988), Term-weighting approaches in automatic text retrieval.
    """

    def __init__(self, longest: int = 3, features: int = 3000) -> None:
        self.longest = longest
        self.features = features

    def fit(self, X: Any, y: Any = None) -> Self:
        """Choose the runs.

        Args:
            X: ``(n, length)`` tokens, 0 for padding.
            y: not used, but as many as there are texts.

        Raises:
            InputError: a parameter is out of range, or samples are no tokens.
        """
        check_int("longest", self.longest)
        check_int("features", self.features)
        texts = token_batch(X)
        if y is not None and len(y) != len(texts):
            raise InputError(f"X and y must have equal lengths, but have {len(texts)} and {len(y)}.")
        held: Counter[Gram] = Counter()
        for text in texts:
            held.update(self._counts(text).keys())
        ranked = sorted(held.items(), key=lambda item: (-item[1], len(item[0]), item[0]))[: self.features]
        self.grams_ = [gram for gram, _ in ranked]
        self.idf_ = np.array([1 + np.log((1 + len(texts)) / (1 + df)) for _, df in ranked])
        self.n_parameters_ = len(self.idf_)
        return self

    def _counts(self, text: NDArray[np.int64]) -> Counter[Gram]:
        whole = [-1, *text[text > 0].tolist(), -1]
        found: Counter[Gram] = Counter((token,) for token in whole[1:-1])
        if self.longest > 1:
            found.update(pairwise(whole))
        for n in range(3, self.longest + 1):
            found.update(tuple(whole[i : i + n]) for i in range(len(whole) - n + 1))
        return found

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Return ``(n, runs)``."""
        check_is_fitted(self)
        texts, place = token_batch(X), {gram: i for i, gram in enumerate(self.grams_)}
        made = np.zeros((len(texts), len(self.grams_)))
        for row, text in zip(made, texts, strict=True):
            for gram, count in self._counts(text).items():
                if gram in place:
                    row[place[gram]] = 1 + np.log(count)
        made *= self.idf_
        return made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-12)  # type: ignore[no-any-return]

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return names like ``3_17``: the run's tokens, ``edge`` for the text's begin and end."""
        check_is_fitted(self)
        told = ["_".join("edge" if t < 0 else str(t) for t in gram) for gram in self.grams_]
        return np.array(told, dtype=object)
