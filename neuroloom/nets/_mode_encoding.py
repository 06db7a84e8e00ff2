"""Columns of a table as nets like to draw them: which mode of the column a value belongs to, and how far from its
centre.

A column becomes a mixture of normals; a value is one of its modes, one-hot, and its offset in units of four of the
mode's standard deviations. A column of few different values is these values, one-hot, and nothing beside.

Source: Xu, Skoularidou, Cuesta-Infante and Veeramachaneni (2019), "Modeling tabular data using conditional GAN",
section 4.2 (mode-specific normalisation).
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.seeding import derive, stream

Floats = NDArray[np.float64]
Column = dict[
    str, Any
]  # "centres" (modes,), "spreads" (modes,) or None where the values are all there is, "shares"
_WIDE = 4.0  # of a mode's standard deviations, that an offset of 1 stands for
_RARE = 0.005  # share of a column's values under which a mode is none
_ENOUGH = 4000  # values that the modes are found from


def learn_columns(X: Floats, modes: int, seed: int) -> list[Column]:
    """Return what each column of ``X (n, features)`` is made of, at most so many ``modes``."""
    return [_learn(X[:, j], modes, derive(seed, "column", j)) for j in range(X.shape[1])]


def _learn(values: Floats, modes: int, seed: int) -> Column:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import BayesianGaussianMixture

    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) <= modes:
        return {"centres": distinct, "spreads": None, "shares": counts / len(values)}
    some = values if len(values) <= _ENOUGH else stream(seed, "rows").permutation(values)[:_ENOUGH]
    middle, spread = some.mean(), some.std()
    mixture = BayesianGaussianMixture(
        n_components=min(modes, len(np.unique(some))), weight_concentration_prior_type="dirichlet_process",
        weight_concentration_prior=0.001, random_state=seed, reg_covar=1e-9,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        shares = mixture.fit(((some - middle) / spread)[:, None]).predict_proba(
            ((some - middle) / spread)[:, None]
        )
    shares = shares[:, mixture.weights_ > _RARE]
    total = shares.sum(axis=0)
    shares, total = shares[:, total > 1], total[total > 1]
    centres = shares.T @ some / total
    # the mixture's own variances lean to its prior, by a multiple where modes are narrow
    variances = (shares * (some[:, None] - centres) ** 2).sum(axis=0) / total
    return {
        "centres": centres,
        "spreads": np.sqrt(variances + (1e-6 * spread) ** 2),
        "shares": total / total.sum(),
    }


def sizes(columns: list[Column]) -> list[tuple[int, bool]]:
    """Return of each column how many modes it has and whether an offset follows them."""
    return [(len(c["centres"]), c["spreads"] is not None) for c in columns]


def encode(X: Floats, columns: list[Column], rng: np.random.Generator | None = None) -> Floats:
    """Return ``(n, width)``: of each column the mode, one-hot, and the offset from it, within -1 … 1.

    Args:
        X: ``(n, features)``.
        columns: what ``learn_columns`` gives.
        rng: draws a value's mode by how likely each is to have made it; None takes the likeliest.
    """
    parts: list[Floats] = []
    for j, column in enumerate(columns):
        centres, spreads = column["centres"], column["spreads"]
        if spreads is None:
            mode = np.abs(X[:, j : j + 1] - centres).argmin(axis=1)
            parts.append(np.eye(len(centres))[mode])
            continue
        z = (X[:, j : j + 1] - centres) / spreads
        log = np.log(column["shares"]) - np.log(spreads) - 0.5 * z**2
        if rng is not None:
            log = log + rng.gumbel(size=log.shape)
        mode = log.argmax(axis=1)
        offset = np.clip(z[np.arange(len(z)), mode] / _WIDE, -1, 1)
        parts += [np.eye(len(centres))[mode], offset[:, None]]
    return np.concatenate(parts, axis=1)


def decode(encoded: Floats, columns: list[Column]) -> Floats:
    """Return ``(n, features)`` values of what ``encode`` gives."""
    made, at = [], 0
    for column in columns:
        centres, spreads = column["centres"], column["spreads"]
        mode = encoded[:, at : at + len(centres)].argmax(axis=1)
        at += len(centres)
        value = centres[mode]
        if spreads is not None:
            value = value + _WIDE * spreads[mode] * encoded[:, at]
            at += 1
        made.append(value)
    return np.stack(made, axis=1)
