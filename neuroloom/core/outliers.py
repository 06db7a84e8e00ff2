"""What detectors of outliers share: a limit on their scores, scores of samples left out, distances to the nearest."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OutlierMixin

from neuroloom.core.checks import check_float

Floats = NDArray[np.float64]
_BLOCK = 1 << 21  # distances computed at once


class ScoredDetector(OutlierMixin, BaseEstimator):  # type: ignore[misc]
    """A detector by a score and a limit that all but a share of the training samples keep.

    Attributes:
        contamination: share of the training samples that ``predict`` calls outliers, in (0, 0.5].
        offset_: the limit.
    """

    contamination: float
    offset_: float

    def _checked_share(self) -> float:
        return check_float("contamination", self.contamination, 0, 0.5, open_low=True)

    @abstractmethod
    def score_samples(self, X: Any) -> Floats:
        """Return ``(n,)`` how usual each sample is; lower is stranger."""

    def decision_function(self, X: Any) -> Floats:
        """Return ``(n,)`` scores less the limit: below 0 is an outlier."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> NDArray[np.int64]:
        """Return ``(n,)`` 1 for samples like those learned from, -1 for outliers."""
        return np.where(self.decision_function(X) < 0, -1, 1).astype(np.int64)


def left_out(rows: Floats, score: Callable[[Floats, Floats], Floats], parts: int = 5) -> Floats:
    """Return ``(n,)`` scores of samples that the references do not hold: ``score(rest, part)`` for each part in turn.

    The parts are stretches in the given order, so that windows of one series hardly overlap with the rest.
    """
    cuts = np.array_split(np.arange(len(rows)), min(parts, len(rows)))
    return np.concatenate([score(np.delete(rows, cut, axis=0), rows[cut]) for cut in cuts])


def nearest_distance(references: Floats, rows: Floats) -> Floats:
    """Return ``(n,)`` the Euclidean distance of each of ``rows (n, d)`` to the nearest of ``references (m, d)``."""
    half = 0.5 * np.einsum("ij,ij->i", references, references)
    out = np.empty(len(rows))
    size = max(1, _BLOCK // len(references))
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        found = references[np.argmin(half - part @ references.T, axis=1)]
        out[start : start + size] = np.sqrt(np.einsum("ij,ij->i", part - found, part - found))
    return out
