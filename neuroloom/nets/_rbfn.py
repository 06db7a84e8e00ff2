"""What the radial basis function networks for classes and for numbers share: centres, widths, the search, evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from neuroloom.core.answers import some
from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.core.seeding import as_seed, derive, stream
from neuroloom.core.training import TrainConfig
from neuroloom.nets._radial import (
    KERNELS,
    SLOPES,
    draw_centres,
    evolve_centres,
    neighbour_widths,
    place_centres,
    select_centres,
    squared_distances,
)
from neuroloom.nets._ridge_head import RidgeFit, fit_ridge
from neuroloom.nets._scaling import robust_scale, smooth_clip

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PLACEMENTS = ("k-means", "k-means-per-class", "random", "orthogonal-least-squares", "evolved", "samples")
METRICS = ("auto", "euclidean", "diagonal", "full")
_WIDTHS = (1.0, 2.0, 4.0, 8.0)
_RIDGES = tuple(float(v) for v in 10.0 ** np.arange(-7, 4.01, 1 / 3))
_BLOCK = 4096
_HELD, _RATE, _PATIENCE = 0.2, 0.02, 30  # of fine-tuning
_FALL = (
    0.9,
    0.5,
)  # a learned metric knows the samples that are left out, so its error must fall: of numbers, classes


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


class _Found(NamedTuple):
    """The best network under one metric."""

    head: RidgeFit
    design: Floats
    centres: Floats
    metric: Floats | None
    widths: Floats
    factor: float
    skip: bool


@dataclass(eq=False, repr=False, kw_only=True)
class RadialNetwork(BaseEstimator):  # type: ignore[misc]
    """What classifier and regressor share: centres, widths, the search for width and penalty.

    Args:
        centres: most prototypes, at least 1; every distinct sample is one where there are no more.
        placement: ``"k-means"``, ``"k-means-per-class"`` (of a classifier: each class gets its share), ``"random"``
            samples, ``"orthogonal-least-squares"`` (the samples that explain most, one after another), ``"evolved"``
            (the samples that a genetic algorithm over subsets ends on) or ``"samples"`` (all).
        neighbours: how many nearest centres a width is the distance to, at least 1.
        width: factor on those distances, above 0; several candidates; or ``"auto"``: 1, 2, 4, 8.
        kernel: ``"gaussian"`` ``exp(−r²/2)``, ``"inverse-multiquadric"``, ``"multiquadric"``, ``"thin-plate"`` or
            ``"wendland"`` (compact support of three widths).
        skip: whether inputs also go to the outputs directly; ``"auto"`` leaves it to the left-out error, at twice
            the time.
        ridge: penalty above 0; several candidates; or ``"auto"``: 1e-7 … 1e4.
        criterion: ``"loo"`` (leave one out) or ``"gcv"``.
        metric: ``"euclidean"``; ``"full"``, distances ``‖(z − c_i) L‖`` with ``L Lᵀ`` the average gradient outer
            product of the network that was fitted before (a recursive feature machine); ``"diagonal"``, a width of its
            own for each feature that way; ``"auto"``, the full one where it lowers the left-out error of numbers by a
            tenth, or halves that of classes.
        rounds: how often the metric is learned anew, at least 1; the round of the least left-out error is kept.
        normalised: whether activations are divided by their sum.
        fine_tune: most gradient steps, at least 0, that move prototypes, widths and metric (unless ``"euclidean"``)
            down the left-out error, with the head in closed form after each. A fifth of the samples choose the step,
            and whether the moved ones are taken. It helps most where there are few prototypes.
        random_state: of the prototypes and of the samples that fine-tuning holds out.
    """

    centres: int = field(default=500, kw_only=False)
    placement: str = "k-means"
    neighbours: int = 5
    width: float | str | Sequence[float] = "auto"
    kernel: str = "gaussian"
    skip: bool | str = True
    ridge: float | str | Sequence[float] = "auto"
    criterion: str = "loo"
    metric: str = "auto"
    rounds: int = 3
    normalised: bool = False
    fine_tune: int = 0
    random_state: Any = None

    def _check(self) -> tuple[list[float], list[float], list[bool]]:
        """Check the parameters; return candidate width factors, penalties and choices of the skip."""
        check_int("centres", self.centres)
        check_choice("placement", self.placement, PLACEMENTS)
        check_int("neighbours", self.neighbours)
        check_choice("kernel", self.kernel, KERNELS)
        check_choice("criterion", self.criterion, ("loo", "gcv"))
        check_choice("metric", self.metric, METRICS)
        check_int("rounds", self.rounds)
        check_int("fine_tune", self.fine_tune, low=0)
        if self.normalised and self.kernel in ("thin-plate", "multiquadric"):
            raise InputError(
                f"`normalised` needs a kernel that is positive and fades, such as 'gaussian', but got {self.kernel!r}."
            )
        if self.skip not in (True, False, "auto"):
            raise InputError(f"`skip` must be True, False or 'auto', but got {self.skip!r}.")
        skips = [False, True] if self.skip == "auto" else [bool(self.skip)]
        return candidates("width", self.width, _WIDTHS), candidates("ridge", self.ridge, _RIDGES), skips

    def _learn(self, X: Floats, Y: Floats, groups: Ints | None) -> tuple[Floats, RidgeFit]:
        """Place centres and choose metric, width, skip and penalty; return the chosen design and its ridge head."""
        factors, ridges, skips = self._check()
        self.median_, self.inverse_spread_ = robust_scale(X)
        Z = smooth_clip(X, self.median_, self.inverse_spread_)
        best = self._search(Z, Y, groups, None, factors, ridges, skips)
        now, needed = best, np.inf if self.metric != "auto" else _FALL[groups is not None] * best.head.error
        for _ in range(0 if self.metric == "euclidean" else self.rounds):
            now = self._search(Z, Y, groups, self._next_metric(Z, now), factors, ridges, skips)
            if self.metric == "auto" and best.metric is None and now.head.error >= best.head.error:
                break
            if now.head.error < needed:
                best, needed = now, now.head.error
        if self.fine_tune:
            best = self._tuned(Z, Y, groups, best, ridges)
        self.centres_, self.metric_ = best.centres, best.metric
        self.width_factor_, self.skip_ = best.factor, best.skip
        self.widths_, self.ridge_ = best.widths, best.head.ridge
        return best.design, best.head

    def _search(
        self,
        Z: Floats,
        Y: Floats,
        groups: Ints | None,
        metric: Floats | None,
        factors: list[float],
        ridges: list[float],
        skips: list[bool],
    ) -> _Found:
        """Return the best network under one metric."""
        seed = derive(as_seed(self.random_state), "centres")
        if self.placement == "random":
            centres = draw_centres(Z, self.centres, seed)
        elif self.placement == "orthogonal-least-squares":
            centres = select_centres(Z, Y, self.centres, seed, metric)
        elif self.placement == "evolved":
            centres = evolve_centres(Z, Y, self.centres, seed, self.neighbours, metric)
        else:
            count = len(Z) if self.placement == "samples" else self.centres
            centres = place_centres(
                Z, count, seed, groups if self.placement == "k-means-per-class" else None, metric
            )
        mapped = centres if metric is None else centres @ metric
        base = neighbour_widths(mapped, self.neighbours)
        d2 = squared_distances(Z if metric is None else Z @ metric, mapped)
        best: _Found | None = None
        for factor in factors:
            widths = factor * base
            phi = self._activations(d2 / widths**2)
            for skip in skips:
                design = np.hstack([phi, Z]) if skip else phi
                head = fit_ridge(design, Y, np.array(ridges), self.criterion)
                if best is None or head.error < best.head.error:
                    best = _Found(head, design, centres, metric, widths, factor, skip)
        assert best is not None
        return best

    def _tuned(self, Z: Floats, Y: Floats, groups: Ints | None, found: _Found, ridges: list[float]) -> _Found:
        """Return the network with prototypes, widths and metric moved by gradient, where held-out samples gain.

        The head is then the closed-form one of all samples, over the activations where they now are.
        """
        from neuroloom.nets._rbfn_tuning import Hidden, tune

        held = some(len(Z), _HELD, stream(as_seed(self.random_state), "held out"))
        if not held.any() or held.all():
            return found
        metric = np.eye(Z.shape[1]) if found.metric is None and self.metric != "euclidean" else found.metric
        if metric is not None and self.metric == "diagonal":
            metric = np.diag(metric)
        hidden = Hidden(
            found.centres, metric, found.widths, found.head.ridge, self.kernel, self.normalised, found.skip
        )
        config = TrainConfig(epochs=self.fine_tune, learning_rate=_RATE, optimizer="adam", patience=_PATIENCE)
        tuned = tune(hidden, Z, Y, held, config)
        if not tuned.after < tuned.before:
            return found
        design = self._layer(Z, tuned.centres, tuned.metric, tuned.widths, found.skip)
        head = fit_ridge(design, Y, np.array(ridges), self.criterion)
        return _Found(head, design, tuned.centres, tuned.metric, tuned.widths, found.factor, found.skip)

    def _next_metric(self, Z: Floats, found: _Found) -> Floats:
        """Return the square root of the average gradient outer product of a network, ``(d, d)`` of mean square 1."""
        d = Z.shape[1]
        total = np.zeros((d, d))
        for i in range(0, len(Z), _BLOCK):
            for slope in self._gradients(Z[i : i + _BLOCK], found):
                total += slope.T @ slope
        if self.metric == "diagonal":
            total = np.diag(np.diag(total))
        size = np.trace(total)
        if not np.isfinite(size) or size <= 0:
            return np.eye(d)
        e, Q = np.linalg.eigh(total * (d / size))
        root: Floats = (Q * np.sqrt(np.maximum(e, 0.0))) @ Q.T
        return root

    def _gradients(self, Z: Floats, found: _Found) -> list[Floats]:
        """Return the gradient ``(n, d)`` of each output by the scaled samples."""
        L = np.eye(Z.shape[1]) if found.metric is None else found.metric
        mapped, C, m = Z @ L, found.centres @ L, len(found.centres)
        r2 = squared_distances(mapped, C) / found.widths**2
        phi, slope = KERNELS[self.kernel](r2), SLOPES[self.kernel](r2) * (2 / found.widths**2)

        def by_sample(weights: Floats) -> Floats:
            """Return the gradient of ``Σ_i weights_i φ_i``."""
            pull = slope * weights
            made: Floats = (mapped * pull.sum(axis=1)[:, None] - pull @ C) @ L.T
            return made

        out = []
        for w in found.head.coef.T:
            made = by_sample(w[:m])
            if self.normalised:
                total = np.maximum(phi.sum(axis=1), np.finfo(np.float64).tiny)[:, None]
                made = (made - (phi @ w[:m])[:, None] / total * by_sample(np.ones(m))) / total
            out.append(made + w[m:] if found.skip else made)
        return out

    def _activations(self, r2: Floats) -> Floats:
        """Return ``φ`` of ``r² (n, m)``, normalised or not."""
        phi = KERNELS[self.kernel](r2)
        if self.normalised:
            total = phi.sum(axis=1, keepdims=True)
            return phi / np.where(total > 0, total, 1.0)
        return phi

    def _design(self, X: Floats) -> Floats:
        """Return ``(n, m)`` activations and, with the skip, the scaled inputs beside them."""
        Z = smooth_clip(X, self.median_, self.inverse_spread_)
        return self._layer(Z, self.centres_, self.metric_, self.widths_, self.skip_)

    def _layer(self, Z: Floats, centres: Floats, metric: Floats | None, widths: Floats, skip: bool) -> Floats:
        """Return the design of scaled samples ``Z``, as ``_design`` does."""
        ends = (Z, centres) if metric is None else (Z @ metric, centres @ metric)
        phi = self._activations(squared_distances(*ends) / widths**2)
        return np.hstack([phi, Z]) if skip else phi

    def _scores(self, X: Any) -> Floats:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        blocks = [X[i : i + _BLOCK] for i in range(0, len(X), _BLOCK)]
        return np.vstack([self._design(b) @ self.coef_ + self.intercept_ for b in blocks])

    def _answer_module(
        self, link: str, coef: Floats, intercept: Floats, **to_answers: float
    ) -> torch.nn.Module:
        """Return the fitted network as a module over columns in their own unit, with the head it is given."""
        from neuroloom.nets._answering import Link, RadialAnswers, ScaledColumns
        from neuroloom.nets._rbfn_tuning import Hidden

        hidden = Hidden(
            self.centres_, self.metric_, self.widths_, 1.0, self.kernel, self.normalised, self.skip_
        )
        columns = ScaledColumns(self.median_, self.inverse_spread_)
        return RadialAnswers(columns, hidden, coef, intercept, Link(link, **to_answers)).eval()

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
    """Return what a parameter of one value, several or ``"auto"`` stands for."""
    if isinstance(value, str):
        check_choice(name, value, ("auto",))
        return list(auto)
    values = list(value) if isinstance(value, Sequence | np.ndarray) else [value]
    if not values:
        raise InputError(f"`{name}` must be a number above 0, several or 'auto', but got {value!r}.")
    return [check_float(name, v, 0, open_low=True) for v in values]


def count_numbers(*arrays: Floats | None) -> int:
    """Return how many numbers the arrays hold together."""
    return sum(a.size for a in arrays if a is not None)
