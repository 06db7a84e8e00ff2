"""From raw columns to what a network likes: robust scaling with a smooth clip, and piecewise-linear encoding.

Robust scaling makes columns of any unit and tail numbers of about one, within (-3, 3):
``z = (x - median) · s`` with ``s`` the inverse of the interquartile range (of half the range where that is 0; 0 for a
constant column), then ``z / √(1 + (z/3)²)``.

Source: Holzmüller, Grinsztajn & Steinwart (2024), "Better by default: strong pre-tuned MLPs and boosted trees on
tabular data", section 3.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_FAR = 4.0  # beyond what the smooth clip lets through


def robust_scale(X: Floats) -> tuple[Floats, Floats]:
    """Return ``(median, s)``, each ``(features,)``, learned from ``X (n, features)``."""
    low, median, high = np.quantile(X, [0.25, 0.5, 0.75], axis=0)
    spread = high - low
    spread = np.where(spread > 0, spread, (X.max(axis=0) - X.min(axis=0)) / 2)
    usable = (spread > np.finfo(np.float64).eps * np.abs(X).max(axis=0)) & np.isfinite(spread)
    return median, np.where(usable, 1 / np.where(usable, spread, 1.0), 0.0)


def smooth_clip_inverse(Z: Floats, median: Floats, s: Floats) -> Floats:
    """Return the samples that :func:`smooth_clip` made ``Z`` of; constant columns are at their median."""
    z = Z / np.sqrt(np.maximum(1 - (Z / 3) ** 2, 1e-12))
    spread = np.where(s > 0, 1 / np.where(s > 0, s, 1.0), 0.0)
    found: Floats = z * spread + median
    return found


def smooth_clip(X: Floats, median: Floats, s: Floats) -> Floats:
    """Return ``X`` scaled and clipped smoothly into (-3, 3)."""
    z = (X - median) * s
    clipped: Floats = z / np.hypot(1.0, z / 3)
    return clipped


@dataclass(frozen=True)
class Encoding:
    """Piecewise-linear encoding: beside each scaled column, how far a value has come through each of its bins.

    ``e_t(z) = clip((z - b_{t-1}) / (b_t - b_{t-1}), 0, 1)`` with the bins' edges ``b`` at the column's quantiles, then
    standardised and divided by ``√bins``, so that all bins of a column together weigh as much as the column. Columns
    of two values or one need none.

    Args:
        column: ``(parts,)`` the column of each part.
        low: ``(parts,)`` lower edge.
        high: ``(parts,)`` upper edge.
        mean: ``(parts,)`` mean in training.
        factor: ``(parts,)`` what the centred part is multiplied by.

    Source: Gorishniy, Rubachev & Babenko (2022), "On embeddings for numerical features in tabular deep learning".

    Differences:
        The column itself is kept, and the parts are standardised and weighted as above.
    """

    column: NDArray[np.int64]
    low: Floats
    high: Floats
    mean: Floats
    factor: Floats

    @classmethod
    def of(cls, Z: Floats, bins: int) -> Encoding:
        """Learn the edges from scaled samples ``Z (n, features)``; no bins give an encoding that adds nothing."""
        parts: list[tuple[int, float, float]] = []
        if bins:
            quantiles = np.quantile(Z, np.linspace(0, 1, bins + 1), axis=0)
            for j in range(Z.shape[1]):
                edges = np.unique(quantiles[:, j])
                edges = edges[np.concatenate([[True], np.diff(edges) > 1e-9])]
                if len(edges) > 2:
                    parts += [(j, *pair) for pair in itertools.pairwise(edges.tolist())]
        flat = np.array(parts, dtype=np.float64).reshape(-1, 3)
        column, low, high = flat[:, 0].astype(np.int64), flat[:, 1], flat[:, 2]
        raw = cls(column, low, high, np.zeros(len(flat)), np.ones(len(flat)))(Z)[:, Z.shape[1] :]
        return cls(
            column, low, high, raw.mean(axis=0), 1 / ((raw.std(axis=0) + 1e-3) * np.sqrt(max(bins, 1)))
        )

    def __call__(self, Z: Floats) -> Floats:
        """Return ``(n, features + parts)``."""
        return np.hstack([Z, self._parts(Z)])

    def summed(self, Z: Floats) -> Floats:
        """Return ``(n, features)``: each column plus its parts, a rising curve of it.

        As every part rises, absolute differences between sums are those between encodings.
        """
        curved = Z.T.copy()
        np.add.at(curved, self.column, self._parts(Z).T)
        return curved.T

    def inverse_summed(self, U: Floats) -> Floats:
        """Return the ``Z (n, features)`` that ``summed`` made ``U`` of."""
        Z = np.empty_like(U)
        for j, column in enumerate(U.T):
            mine = self.column == j
            knots = np.unique(np.concatenate([[-_FAR, _FAR], self.low[mine], self.high[mine]]))
            rows = np.zeros((len(knots), U.shape[1]))
            rows[:, j] = knots
            Z[:, j] = np.interp(column, self.summed(rows)[:, j], knots)
        return Z

    def _parts(self, Z: Floats) -> Floats:
        come = np.clip((Z[:, self.column] - self.low) / (self.high - self.low), 0.0, 1.0)
        centred: Floats = (come - self.mean) * self.factor
        return centred
