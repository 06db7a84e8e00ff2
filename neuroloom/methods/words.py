"""From free text in a table to few numbers: words counted and weighed, and their main directions.

Salton and Buckley (1988), Term-weighting approaches in automatic text retrieval; Deerwester, Dumais, Furnas, Landauer
and Harshman (1990), Indexing by latent semantic analysis.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from neuroloom.core.checks import check_int

_COUNT = "word count"  # with a space: no word is called so


class WordFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Numbers from columns of free text, each by itself.

    Words that stand in two training texts or more are weighed by ``(1 + log tf) (1 + log((1 + n) / (1 + df)))``, each
    text's vector divided by its norm (scikit-learn's TF-IDF); where there are more of them than ``components``, their
    first singular directions over the training texts take their place. The logarithm of one and the number of words
    comes behind.

    Args:
        components: numbers of a text, at most, besides its length, at least 1.
        words: that are counted, those that come most often, at least 1.

    Attributes:
        texts_: for each column ``words``, their ``weights`` and ``directions (numbers, words)``, or None for the words
            themselves.
    """

    def __init__(self, components: int = 100, words: int = 5000) -> None:
        self.components = components
        self.words = words

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the words of ``X (n, columns)``, a DataFrame of text."""
        check_int("components", self.components)
        check_int("words", self.words)
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.texts_ = [self._learned(X.iloc[:, i].tolist()) for i in range(X.shape[1])]
        return self

    def _learned(self, texts: list[str]) -> dict[str, Any]:
        from sklearn.decomposition import TruncatedSVD

        counter = _counter(min_df=2, max_features=self.words)
        try:
            counted = counter.fit_transform(texts)
        except ValueError:  # no word stands in two texts
            return {"words": [], "weights": np.zeros(0), "directions": None}
        words = counter.get_feature_names_out().tolist()
        directions = None
        if len(words) > self.components:
            size = min(self.components, len(texts) - 1)
            directions = TruncatedSVD(size, random_state=0).fit(counted).components_
        return {"words": words, "weights": counter.idf_, "directions": directions}

    def widths(self) -> list[int]:
        """Return how many columns each text becomes."""
        return [1 + len(t["words"] if t["directions"] is None else t["directions"]) for t in self.texts_]

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Return ``(n, numbers)``."""
        parts = []
        for i, learned in enumerate(self.texts_):
            texts = X.iloc[:, i].tolist()
            if learned["words"]:
                counter = _counter(vocabulary=learned["words"])
                counter.idf_ = learned["weights"]
                counted = counter.transform(texts)
                directions = learned["directions"]
                parts.append(counted.toarray() if directions is None else np.asarray(counted @ directions.T))
            parts.append(np.log1p([[len(text.split())] for text in texts]))
        return np.hstack(parts)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return names like ``review__good`` or ``review__topic3``, and ``review__word count``."""
        names: list[str] = []
        for column, learned in zip(self.feature_names_in_, self.texts_, strict=True):
            own = learned["words"]
            if learned["directions"] is not None:
                own = [f"topic{k}" for k in range(len(learned["directions"]))]
            names += [f"{column}__{name}" for name in (*own, _COUNT)]
        return np.array(names, dtype=object)


def _counter(**settings: Any) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(token_pattern=r"(?u)\b\w+\b", sublinear_tf=True, **settings)
