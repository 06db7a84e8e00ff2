"""How good drawn samples are: near enough to real ones, and near enough of them.

Kynkäänniemi, Karras, Laine, Lehtinen and Aila (2019), Improved precision and recall metric for assessing generative
models; Naeem, Oh, Uh, Choi and Yoo (2020), Reliable fidelity and diversity metrics for generative models (coverage);
Heusel, Ramsauer, Unterthiner, Nessler and Hochreiter (2017), GANs trained by a two time-scale update rule (Fréchet
distance).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_int
from neuroloom.core.errors import InputError

Floats = NDArray[np.float64]


def precision_recall(real: Any, drawn: Any, k: int = 3) -> tuple[float, float]:
    """Return precision and recall by the balls of k nearest neighbours.

    Precision is the share of drawn samples that lie in a ball around a real sample with its k-th nearest real
    neighbour on the surface; recall is the share of real samples in such balls around drawn ones (eqs. 1 and 2 of
    Kynkäänniemi et al.).

    Args:
        real: ``(n, …)`` samples, or features of them.
        drawn: ``(m, …)`` of the same shape.
        k: neighbours, at least 1 and fewer than samples.

    Raises:
        InputError: there are too few samples, or their shapes differ.
    """
    a, b = _rows(real, drawn, k)
    return _inside(b, a, k), _inside(a, b, k)


def coverage(real: Any, drawn: Any, k: int = 5) -> float:
    """Return the share of real samples with a drawn one no farther than their k-th nearest real neighbour.

    Args:
        real: ``(n, …)`` samples, or features of them.
        drawn: ``(m, …)`` of the same shape.
        k: neighbours, at least 1 and fewer than samples.

    Raises:
        InputError: there are too few samples, or their shapes differ.
    """
    from sklearn.neighbors import NearestNeighbors

    a, b = _rows(real, drawn, k)
    nearest = NearestNeighbors(n_neighbors=1).fit(b).kneighbors(a)[0][:, 0]
    return float(np.mean(nearest <= _radii(a, k)))


def frechet_distance(real: Any, drawn: Any, features: Any = None) -> float:
    """Return the squared Fréchet distance of two normals, one fitted to real samples and one to drawn ones.

    ``‖m - m'‖² + tr(C + C' - 2 (C C')^½)`` over features, as the FID has it over those of a net trained on ImageNet;
    here they are what you pass, as ``CNNFeatures().fit(X, y)``.

    Args:
        real: ``(n, …)`` samples.
        drawn: ``(m, …)`` of the same shape.
        features: a fitted transformer, or None for the samples' own numbers.

    Raises:
        InputError: there are too few samples, or their shapes differ.
    """
    if features is not None:
        real, drawn = features.transform(real), features.transform(drawn)
    a, b = _rows(real, drawn, 1)
    first, second = np.atleast_2d(np.cov(a.T)), np.atleast_2d(np.cov(b.T))
    # tr (C C')^½ = tr (R C' R)^½ with R = C^½, whose eigenvalues are real
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    both = np.sqrt(np.linalg.eigvalsh(root @ second @ root).clip(0)).sum()
    apart = np.square(a.mean(axis=0) - b.mean(axis=0)).sum()
    return float(max(0.0, apart + np.trace(first) + np.trace(second) - 2 * both))


def _rows(real: Any, drawn: Any, k: int) -> tuple[Floats, Floats]:
    check_int("k", k)
    a, b = (np.asarray(one, dtype=np.float64) for one in (real, drawn))
    if a.ndim < 2 or a.shape[1:] != b.shape[1:]:
        raise InputError(f"samples must be of one shape, but are of {a.shape} and {b.shape}.")
    if min(len(a), len(b)) <= k:
        raise InputError(f"{k} neighbours need more than {k} samples, but got {len(a)} and {len(b)}.")
    return a.reshape(len(a), -1), b.reshape(len(b), -1)


def _radii(rows: Floats, k: int) -> Floats:
    from sklearn.neighbors import NearestNeighbors

    found: Floats = NearestNeighbors(n_neighbors=k + 1).fit(rows).kneighbors(rows)[0][:, k]
    return found


def _inside(points: Floats, centres: Floats, k: int) -> float:
    """Return the share of ``points`` that lie in the ball of one of the ``centres``, part by part."""
    from sklearn.metrics import pairwise_distances

    radii = _radii(centres, k)
    parts = [pairwise_distances(points[i : i + 1000], centres) <= radii for i in range(0, len(points), 1000)]
    return float(np.mean(np.concatenate([part.any(axis=1) for part in parts])))
