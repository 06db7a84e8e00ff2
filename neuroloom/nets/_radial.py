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
_CANDIDATES = 1500
_GENOMES, _GENERATIONS = 20, 30
_PENALTIES = 10.0 ** np.arange(-6, 3)


def _thin_plate(r2: Floats) -> Floats:
    value: Floats = 0.5 * r2 * np.log(np.where(r2 > 0, r2, 1.0))
    return value


def _wendland(r2: Floats) -> Floats:
    r = np.sqrt(r2) / 3  # support of three widths, so that its core is as wide as the Gaussian's
    value: Floats = np.maximum(1 - r, 0.0) ** 4 * (4 * r + 1)
    return value


# name -> phi as a function of r² = ‖x − c‖² / σ², "laplace" of r = ‖x − c‖₁ / σ
KERNELS: dict[str, Callable[[Floats], Floats]] = {
    "laplace": lambda r: np.exp(-r),
    "gaussian": lambda r2: np.exp(-r2 / 2),
    "inverse-multiquadric": lambda r2: 1 / np.sqrt(1 + r2),
    "multiquadric": lambda r2: np.sqrt(1 + r2),
    "thin-plate": _thin_plate,
    "wendland": _wendland,
}


def _thin_plate_slope(r2: Floats) -> Floats:
    value: Floats = 0.5 * (np.log(np.where(r2 > 0, r2, np.exp(-1.0))) + 1)
    return value


def _wendland_slope(r2: Floats) -> Floats:
    value: Floats = -10 / 9 * np.maximum(1 - np.sqrt(r2) / 3, 0.0) ** 3
    return value


# name -> the derivative of phi by r² ("laplace": by r)
SLOPES: dict[str, Callable[[Floats], Floats]] = {
    "laplace": lambda r: -np.exp(-r),
    "gaussian": lambda r2: -0.5 * np.exp(-r2 / 2),
    "inverse-multiquadric": lambda r2: -0.5 * (1 + r2) ** -1.5,
    "multiquadric": lambda r2: 0.5 / np.sqrt(1 + r2),
    "thin-plate": _thin_plate_slope,
    "wendland": _wendland_slope,
}


def power_of(kernel: str) -> int:
    """Return the ``p`` of ``Σ_j |x_j − c_j|^p / σ^p``, which a kernel is a function of."""
    return 1 if kernel == "laplace" else 2


def by_norm(kernel: str, normalised: bool) -> bool:
    """Whether the norm of the function is the penalty, for which the kernel must be positive definite."""
    return kernel == "laplace" and not normalised


def distances(X: Floats, C: Floats, power: int) -> Floats:
    """Return ``(n, m)`` sums ``Σ_j |x_j − c_j|^power`` between the rows of ``X (n, d)`` and ``C (m, d)``."""
    if power == 2:
        return squared_distances(X, C)
    from scipy.spatial.distance import cdist

    found: Floats = cdist(X, C, "cityblock")
    return found


def squared_distances(X: Floats, C: Floats) -> Floats:
    """Return ``(n, m)`` squared Euclidean distances between the rows of ``X (n, d)`` and ``C (m, d)``."""
    found: Floats = (X**2).sum(axis=1)[:, None] + (C**2).sum(axis=1) - 2 * (X @ C.T)
    np.maximum(found, 0.0, out=found)
    return found


def place_centres(
    X: Floats, count: int, seed: int, groups: Ints | None = None, metric: Floats | None = None
) -> Floats:
    """Return at most ``count`` centres for ``X (n, d)`` by k-means; all distinct rows where there are no more.

    Args:
        X: samples.
        count: how many, at least 1.
        seed: of k-means.
        groups: ``(n,)`` class of each sample: k-means then runs within each class, on its share of ``count`` (at
            least one centre a class); None runs it once.
        metric: ``(d, d)`` map ``L`` under which distances count, ``‖(x − c) L‖``; None leaves them as they are.
    """
    if groups is not None:
        kept = [X[groups == g] for g in np.unique(groups)]
        shares = [max(1, round(count * len(part) / len(X))) for part in kept]
        parts = zip(kept, shares, strict=True)
        return np.vstack([place_centres(p, k, seed, metric=metric) for p, k in parts])
    distinct = np.unique(X, axis=0)
    if len(distinct) <= count:
        return distinct
    from sklearn.cluster import KMeans

    made = KMeans(count, n_init=1, max_iter=50, random_state=seed).fit(X if metric is None else X @ metric)
    if metric is None:
        found: Floats = made.cluster_centers_
        return found
    sums = np.zeros((count, X.shape[1]))
    np.add.at(sums, made.labels_, X)
    return sums / np.bincount(made.labels_, minlength=count)[:, None]


def draw_centres(X: Floats, count: int, seed: int) -> Floats:
    """Return ``count`` of the distinct rows of ``X`` at random, all of them where there are no more."""
    distinct = np.unique(X, axis=0)
    if len(distinct) <= count:
        return distinct
    rows = np.random.default_rng(seed).permutation(len(distinct))[:count]
    return distinct[np.sort(rows)]


def evolve_centres(
    X: Floats, Y: Floats, count: int, seed: int, neighbours: int, metric: Floats | None = None
) -> Floats:
    """Return ``count`` rows of ``X`` chosen by a genetic algorithm over subsets, by generalised cross-validation.

    Candidates are all distinct rows, or 1,500 of them at random. A genome is a subset; the first is that of
    :func:`select_centres`, the others are random. Parents win tournaments of 2, a child keeps what they share, draws
    the rest from what either has, and trades one in ten for other candidates; of parents and children the best go on.
    All have one width, twice the root mean squared distance that ``count`` random candidates have to their nearest
    ``neighbours``, and are judged by the least generalised cross-validation error of ``Y (n, outputs)`` over penalties
    1e-6 … 1e2.

    Source: Billings & Zheng (1995), "Radial basis function network configuration using genetic algorithms", Neural
    Networks 8.

    Differences:
        Prototypes are a given number of samples; Billings and Zheng also evolve how many.
    """
    rows = draw_centres(X, _CANDIDATES, seed)
    if len(rows) <= count:
        return rows
    mapped = rows if metric is None else rows @ metric
    generator = np.random.default_rng(seed)
    typical = neighbour_widths(mapped[generator.choice(len(rows), count, replace=False)], neighbours)
    phi = np.exp(-squared_distances(X if metric is None else X @ metric, mapped) / (8 * np.mean(typical**2)))
    phi -= phi.mean(axis=0)
    rest = Y - Y.mean(axis=0)
    gram, moment, total = phi.T @ phi, phi.T @ rest, float((rest**2).sum())

    def error(genome: Ints) -> float:
        return _least_gcv(gram[np.ix_(genome, genome)], moment[genome], total, len(X))

    first = orthogonal_least_squares(phi, Y, count)
    missing = np.setdiff1d(np.arange(len(rows)), first)
    first = np.sort(np.concatenate([first, missing[: count - len(first)]]))
    population = [
        first,
        *(np.sort(generator.choice(len(rows), count, replace=False)) for _ in range(_GENOMES - 1)),
    ]
    errors = np.array([error(g) for g in population])
    for _ in range(_GENERATIONS):
        children = []
        for _ in range(_GENOMES):
            mother, father = (
                population[min(generator.integers(_GENOMES, size=2), key=errors.__getitem__)] for _ in "mf"
            )
            children.append(_child(mother, father, len(rows), generator))
        pool, judged = population + children, np.concatenate([errors, [error(c) for c in children]])
        kept = np.argsort(judged, kind="stable")[:_GENOMES]
        population, errors = [pool[i] for i in kept], judged[kept]
    best: Floats = rows[population[0]]
    return best


def _child(mother: Ints, father: Ints, candidates: int, generator: np.random.Generator) -> Ints:
    """Return a subset of the parents' size: what they share, some of what either has, a tenth from elsewhere."""
    shared, either = np.intersect1d(mother, father), np.setxor1d(mother, father)
    own = np.concatenate([shared, generator.permutation(either)[: len(mother) - len(shared)]])
    traded = min(1 + generator.poisson(len(own) / 10), len(own), candidates - len(own))
    others = generator.permutation(np.setdiff1d(np.arange(candidates), own))[:traded]
    return np.sort(np.concatenate([generator.permutation(own)[traded:], others]))


def _least_gcv(gram: Floats, moment: Floats, total: float, n: int) -> float:
    """Return the least ``n Σ residual² / (n − 1 − tr H)²`` over penalties, of a centred design's ``DᵀD`` and ``DᵀY``.

    Source: Golub, Heath & Wahba (1979), "Generalized cross-validation as a method for choosing a good ridge parameter".
    """
    e, Q = np.linalg.eigh(gram)
    e, weights = np.maximum(e, 0.0)[:, None], ((Q.T @ moment) ** 2).sum(axis=1)[:, None]
    inner = e + _PENALTIES
    residual = total - (weights * (2 / inner - e / inner**2)).sum(axis=0)
    left = np.maximum(n - 1 - (e / inner).sum(axis=0), 1e-3)
    return float((n * np.maximum(residual, 0.0) / left**2).min())


def select_centres(X: Floats, Y: Floats, count: int, seed: int, metric: Floats | None = None) -> Floats:
    """Return the ``count`` rows of ``X`` whose Gaussians explain most of ``Y (n, outputs)``, one after another.

    Candidates are all distinct rows, or 1,500 of them at random; all have one width, the median distance.

    Source: Chen, Cowan & Grant (1991), "Orthogonal least squares learning algorithm for radial basis function
    networks", IEEE Transactions on Neural Networks 2.
    """
    rows = draw_centres(X, _CANDIDATES, seed)
    if len(rows) <= count:
        return rows
    d2 = squared_distances(*((X, rows) if metric is None else (X @ metric, rows @ metric)))
    typical = float(np.median(d2))
    phi = np.exp(-d2 / (2 * typical if typical > 0 else 1.0))
    return rows[orthogonal_least_squares(phi, Y, count)]


def orthogonal_least_squares(D: Floats, Y: Floats, count: int) -> Ints:
    """Return the columns of ``D (n, m)`` that least squares with an intercept takes one after another, ``(count,)``.

    Each is the one that lowers the squared error of ``Y (n, outputs)`` most beside those before it; none is taken that
    they already span.
    """
    left, rest = D - D.mean(axis=0), Y - Y.mean(axis=0)
    start = (left**2).sum(axis=0)
    chosen: list[int] = []
    for _ in range(min(count, D.shape[1])):
        size = (left**2).sum(axis=0)
        usable = size > 1e-10 * np.maximum(start, np.finfo(np.float64).tiny)
        gain = np.where(usable, ((left.T @ rest) ** 2).sum(axis=1) / np.where(usable, size, 1.0), -1.0)
        best = int(gain.argmax())
        if gain[best] < 0:
            break
        chosen.append(best)
        q = left[:, best] / np.sqrt(size[best])
        left = left - np.outer(q, q @ left)
        rest = rest - np.outer(q, q @ rest)
        left[:, best] = 0.0
    return np.array(chosen, dtype=np.int64)


def neighbour_widths(C: Floats, neighbours: int, power: int = 2) -> Floats:
    """Return each centre's distance to its nearest ``neighbours`` others, ``(m,)``.

    It is Moody and Darken's root mean square of Euclidean distances, or with ``power=1`` the mean of sums of absolute
    differences; equal centres, or a single one, get the mean width (1 where all are 0).
    """
    if len(C) == 1:
        return np.ones(1)
    apart = distances(C, C, power)
    np.fill_diagonal(apart, np.inf)
    p = min(neighbours, len(C) - 1)
    nearest = np.partition(apart, p - 1, axis=1)[:, :p]
    widths: Floats = nearest.mean(axis=1) ** (1 / power)
    tiny = widths <= 1e-9 * max(widths.max(), np.finfo(np.float64).tiny)
    widths[tiny] = widths[~tiny].mean() if (~tiny).any() else 1.0
    return widths
