"""What the radial basis function networks for classes and for numbers share: centres, widths, the search, evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.core.seeding import as_seed, derive
from neuroloom.nets._radial import KERNELS, neighbour_widths, place_centres, squared_distances
from neuroloom.nets._ridge_head import RidgeFit, fit_ridge
from neuroloom.nets._scaling import robust_scale, smooth_clip

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PLACEMENTS = ("k-means", "k-means-per-class", "samples")
_WIDTHS = (1.0, 2.0, 4.0, 8.0)
_RIDGES = tuple(float(v) for v in 10.0 ** np.arange(-7, 4.01, 1 / 3))
_BLOCK = 4096


class Evidence(NamedTuple):
    """A prototype's part in an answer.

    Args:
        prototype: its row in ``centres_``.
        centre: ``(features,)`` where it stands, in the units of the data.
        activation: ``φ(x)``, how near the sample is.
        contribution: what it adds to the answer: to a regressor's in the target's unit; to the log-odds of a
            classifier's chosen class against the mean over the classes.
    """

    prototype: int
    centre: Floats
    activation: float
    contribution: float


class RadialNetwork(BaseEstimator):  # type: ignore[misc]
    """What classifier and regressor share: centres, widths, the search for width and penalty."""

    centres: int
    placement: str
    neighbours: int
    width: float | str | Sequence[float]
    kernel: str
    skip: bool | str
    ridge: float | str | Sequence[float]
    criterion: str
    random_state: Any

    def _check(self) -> tuple[list[float], list[float], list[bool]]:
        """Check the parameters; return candidate width factors, penalties and choices of the skip."""
        check_int("centres", self.centres)
        check_choice("placement", self.placement, PLACEMENTS)
        check_int("neighbours", self.neighbours)
        check_choice("kernel", self.kernel, KERNELS)
        check_choice("criterion", self.criterion, ("loo", "gcv"))
        if self.skip not in (True, False, "auto"):
            raise InputError(f"`skip` must be True, False or 'auto', but got {self.skip!r}.")
        skips = [False, True] if self.skip == "auto" else [bool(self.skip)]
        return candidates("width", self.width, _WIDTHS), candidates("ridge", self.ridge, _RIDGES), skips

    def _learn(self, X: Floats, Y: Floats, groups: Ints | None) -> tuple[Floats, RidgeFit]:
        """Place centres and choose width, skip and penalty; return the chosen design and its ridge head."""
        factors, ridges, skips = self._check()
        self.median_, self.inverse_spread_ = robust_scale(X)
        Z = smooth_clip(X, self.median_, self.inverse_spread_)
        count = len(X) if self.placement == "samples" else self.centres
        per_class = groups if self.placement == "k-means-per-class" else None
        self.centres_ = place_centres(Z, count, derive(as_seed(self.random_state), "centres"), per_class)
        base = neighbour_widths(self.centres_, self.neighbours)
        d2 = squared_distances(Z, self.centres_)
        best: tuple[RidgeFit, Floats, float, bool] | None = None
        for factor in factors:
            phi = KERNELS[self.kernel](d2 / (factor * base) ** 2)
            for skip in skips:
                design = np.hstack([phi, Z]) if skip else phi
                head = fit_ridge(design, Y, np.array(ridges), self.criterion)
                if best is None or head.error < best[0].error:
                    best = head, design, factor, skip
        assert best is not None
        head, design, self.width_factor_, self.skip_ = best
        self.widths_ = self.width_factor_ * base
        self.ridge_ = head.ridge
        return design, head

    def _design(self, X: Floats) -> Floats:
        """Return ``(n, m)`` activations and, with the skip, the scaled inputs beside them."""
        Z = smooth_clip(X, self.median_, self.inverse_spread_)
        phi = KERNELS[self.kernel](squared_distances(Z, self.centres_) / self.widths_**2)
        return np.hstack([phi, Z]) if self.skip_ else phi

    def _scores(self, X: Any) -> Floats:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        blocks = [X[i : i + _BLOCK] for i in range(0, len(X), _BLOCK)]
        return np.vstack([self._design(b) @ self.coef_ + self.intercept_ for b in blocks])

    def _evidence(self, X: Any, weights: Floats, top: int) -> list[list[Evidence]]:
        """Return each sample's ``top`` prototypes by size of contribution; ``weights`` is ``(n, prototypes)``."""
        phi = self._design(X)[:, : len(self.centres_)]
        parts = phi * weights
        order = np.argsort(-np.abs(parts), axis=1, kind="stable")[:, :top]
        z = self.centres_ / np.sqrt(np.maximum(1 - (self.centres_ / 3) ** 2, 1e-12))  # undoes the smooth clip
        spread = np.where(
            self.inverse_spread_ > 0, 1 / np.where(self.inverse_spread_ > 0, self.inverse_spread_, 1), 0
        )
        C = z * spread + self.median_
        return [[Evidence(int(j), C[j], float(phi[i, j]), float(parts[i, j])) for j in row]
                for i, row in enumerate(order)]  # fmt: skip


def candidates(name: str, value: Any, auto: Sequence[float]) -> list[float]:
    if isinstance(value, str):
        check_choice(name, value, ("auto",))
        return list(auto)
    values = list(value) if isinstance(value, Sequence | np.ndarray) else [value]
    if not values:
        raise InputError(f"`{name}` must be a number above 0, several or 'auto', but got {value!r}.")
    return [check_float(name, v, 0, open_low=True) for v in values]


def count_numbers(*arrays: Floats) -> int:
    return sum(a.size for a in arrays)
