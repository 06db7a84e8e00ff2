"""Radial functions, their centres and widths.

Sources:
    Broomhead & Lowe (1988), "Multivariable functional interpolation and adaptive networks", Complex Systems 2.
    Moody & Darken (1989), "Fast learning in networks of locally-tuned processing units", Neural Computation 1.
    Poggio & Girosi (1990), "Networks for approximation and learning", Proceedings of the IEEE 78.
    Wendland (1995), "Piecewise polynomial, positive definite and compactly supported radial functions".
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def _thin_plate(r2: Floats) -> Floats:
    value: Floats = 0.5 * r2 * np.log(np.where(r2 > 0, r2, 1.0))
    return value


def _wendland(r2: Floats) -> Floats:
    r = np.sqrt(r2) / 3  # support of three widths, so that its core is as wide as the Gaussian's
    value: Floats = np.maximum(1 - r, 0.0) ** 4 * (4 * r + 1)
    return value


# name -> phi as a function of r² = ‖x − c‖² / σ²
KERNELS: dict[str, Callable[[Floats], Floats]] = {
    "gaussian": lambda r2: np.exp(-r2 / 2),
    "inverse-multiquadric": lambda r2: 1 / np.sqrt(1 + r2),
    "multiquadric": lambda r2: np.sqrt(1 + r2),
    "thin-plate": _thin_plate,
    "wendland": _wendland,
}


def squared_distances(X: Floats, C: Floats) -> Floats:
    """Return ``(n, m)`` squared Euclidean distances between the rows of ``X (n, d)`` and ``C (m, d)``."""
    found: Floats = (X**2).sum(axis=1)[:, None] + (C**2).sum(axis=1) - 2 * (X @ C.T)
    np.maximum(found, 0.0, out=found)
    return found


def place_centres(X: Floats, count: int, seed: int, groups: Ints | None = None) -> Floats:
    """Return at most ``count`` centres for ``X (n, d)`` by k-means; all distinct rows where there are no more.

    Args:
        X: samples.
        count: how many, at least 1.
        seed: of k-means.
        groups: ``(n,)`` class of each sample: k-means then runs within each class, on its share of ``count`` (at
            least one centre a class); None runs it once.
    """
    if groups is not None:
        kept = [X[groups == g] for g in np.unique(groups)]
        shares = [max(1, round(count * len(part) / len(X))) for part in kept]
        return np.vstack([place_centres(p, k, seed) for p, k in zip(kept, shares, strict=True)])
    distinct = np.unique(X, axis=0)
    if len(distinct) <= count:
        return distinct
    from sklearn.cluster import KMeans

    found: Floats = KMeans(count, n_init=1, max_iter=50, random_state=seed).fit(X).cluster_centers_
    return found


def neighbour_widths(C: Floats, neighbours: int) -> Floats:
    """Return each centre's root mean squared distance to its nearest ``neighbours`` others, ``(m,)``.

    This is Moody and Darken's heuristic; equal centres, or a single one, get the mean width (1 where all are 0).
    """
    if len(C) == 1:
        return np.ones(1)
    d2 = squared_distances(C, C)
    np.fill_diagonal(d2, np.inf)
    p = min(neighbours, len(C) - 1)
    nearest = np.partition(d2, p - 1, axis=1)[:, :p]
    widths: Floats = np.sqrt(nearest.mean(axis=1))
    tiny = widths <= 1e-9 * max(widths.max(), np.finfo(np.float64).tiny)
    widths[tiny] = widths[~tiny].mean() if (~tiny).any() else 1.0
    return widths
