"""What the radial basis function networks for classes and for numbers share: centres, widths, the search, evidence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
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
    by_norm,
    distances,
    draw_centres,
    evolve_centres,
    neighbour_widths,
    place_centres,
    power_of,
    select_centres,
)
from neuroloom.nets._ridge_head import RidgeFit, fit_function, fit_ridge
from neuroloom.nets._scaling import Encoding, robust_scale, smooth_clip, smooth_clip_inverse

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PLACEMENTS = ("k-means", "k-means-per-class", "random", "orthogonal-least-squares", "evolved", "samples")
METRICS = ("auto", "euclidean", "diagonal", "full")
_WIDTHS = (1.0, 2.0, 4.0, 8.0)
_RIDGES = tuple(float(v) for v in 10.0 ** np.arange(-7, 4.01, 1 / 3))
_NORM_RIDGES = tuple(float(v) for v in 10.0 ** np.arange(-3, 1.01, 1 / 2))  # of a function's norm
_MOST = 5000  # samples that are all prototypes; of more, as many that there are no more activations
_SOME = (500, 2500)  # fewest and most prototypes then
_JUDGED = 1000  # samples that width, skip and metric are chosen on
_ACTIVATIONS = 1 << 23  # at a time
_HELD, _RATE, _PATIENCE = 0.2, 0.02, 30  # of fine-tuning
_HALVED = 20  # fewest samples of which a half judges a metric that the other has learned
_TOUCHING = 1e-9  # a scaled distance that is none
_ROOT = {"full": 1 / 2, "diagonal": 1 / 4}  # of the average gradient outer product


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
        centres: most prototypes, at least 1; every sample is one where there are no more. ``"auto"``: all samples up to
            5,000; of more, as many that samples times prototypes are 5,000², from 500 to 2,500.
        placement: ``"k-means"``, ``"k-means-per-class"`` (of a classifier: each class gets its share), ``"random"``
            samples, ``"orthogonal-least-squares"`` (the samples that explain most, one after another), ``"evolved"``
            (the samples that a genetic algorithm over subsets ends on) or ``"samples"`` (all).
        neighbours: how many nearest centres a width is the distance to, at least 1.
        width: factor on those distances, above 0; several candidates; or ``"auto"``: 1, 2, 4, 8.
        kernel: ``"laplace"`` ``exp(−r)`` of the sum of absolute differences, with one width for all (the mean) and the
            norm of the function as the penalty, ``wᵀ φ(c, c) w``; or of the Euclidean distance, with a width of its own
            for each prototype and ``‖w‖²`` as the penalty: ``"gaussian"`` ``exp(−r²/2)``, ``"inverse-multiquadric"``,
            ``"multiquadric"``, ``"thin-plate"`` or ``"wendland"`` (compact support of three widths).
        bins: of the piecewise-linear encoding whose parts are added to each scaled column, at least 0 (none).
        skip: whether inputs also go to the outputs directly; ``"auto"`` leaves it to the left-out error, at twice
            the time.
        ridge: penalty above 0; several candidates; or ``"auto"``: 1e-7 … 1e4, of a function's norm 1e-3 … 10.
        criterion: ``"loo"`` (leave one out) or ``"gcv"``.
        metric: ``"euclidean"`` (as it is); ``"full"``, differences ``(z − c_i) L`` with ``L Lᵀ`` the average gradient
            outer product ``M`` of the network that was fitted before (a recursive feature machine); ``"diagonal"``, a
            scale of its own for each feature, ``M_jj^(1/4)``; ``"auto"``, whichever of these
            three serves best.
        rounds: how often a metric is learned anew at most, at least 1. Kind and rounds are those of the least left-out
            error where each half of the samples judges what the other has learned.
        normalised: whether activations are divided by their sum; the penalty is then ``‖w‖²``.
        fine_tune: most gradient steps, at least 0, that move prototypes, widths and metric (unless ``"euclidean"``)
            down the left-out error, with the head in closed form after each. A fifth of the samples choose the step,
            and whether the moved ones are taken. It helps most where there are few prototypes.
        random_state: of the prototypes, of the 1,000 samples that width, skip and metric are chosen on where there are
            more, and of those that fine-tuning holds out.
    """

    centres: int | str = field(default="auto", kw_only=False)
    placement: str = "k-means"
    neighbours: int = 5
    width: float | str | Sequence[float] = "auto"
    kernel: str = "laplace"
    bins: int = 8
    skip: bool | str = False
    ridge: float | str | Sequence[float] = "auto"
    criterion: str = "loo"
    metric: str = "auto"
    rounds: int = 3
    normalised: bool = False
    fine_tune: int = 0
    random_state: Any = None

    def _check(self) -> tuple[list[float], list[float], list[bool]]:
        """Check the parameters; return candidate width factors, penalties and choices of the skip."""
        if self.centres != "auto":
            check_int("centres", self.centres)
        check_choice("placement", self.placement, PLACEMENTS)
        check_int("neighbours", self.neighbours)
        check_choice("kernel", self.kernel, KERNELS)
        check_int("bins", self.bins, low=0)
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
        ridges = candidates("ridge", self.ridge, _NORM_RIDGES if self._by_norm else _RIDGES)
        return candidates("width", self.width, _WIDTHS), ridges, skips

    @property
    def _by_norm(self) -> bool:
        return by_norm(self.kernel, self.normalised)

    def _learn(self, X: Floats, Y: Floats, groups: Ints | None) -> tuple[Floats, RidgeFit]:
        """Place centres and choose metric, width, skip and penalty; return the chosen design and its ridge head."""
        factors, ridges, skips = self._check()
        self.median_, self.inverse_spread_ = robust_scale(X)
        self.encoding_ = vars(Encoding.of(smooth_clip(X, self.median_, self.inverse_spread_), self.bins))
        Z = self._scaled(X)
        few = np.arange(len(Z))
        if len(Z) > _JUDGED:
            few = np.sort(stream(as_seed(self.random_state), "judged").permutation(len(Z))[:_JUDGED])
        best = self._search(Z[few], Y[few], None if groups is None else groups[few], factors, ridges, skips)
        if len(few) < len(Z):
            ridges = [best.head.ridge] if self._by_norm else ridges
            best = self._network(Z, Y, groups, best.metric, [best.factor], ridges, [best.skip])
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
        factors: list[float],
        ridges: list[float],
        skips: list[bool],
    ) -> _Found:
        """Return the best network over width, skip and penalty, then over metrics at that width and skip."""
        best = self._network(Z, Y, groups, None, factors, ridges, skips)

        def net(rows: Ints, metric: Floats | None) -> _Found:
            some_groups = None if groups is None else groups[rows]
            return self._network(Z[rows], Y[rows], some_groups, metric, [best.factor], ridges, [best.skip])

        kind, rounds = self._judge_metrics(Z, net)
        for _ in range(rounds):
            best = net(np.arange(len(Z)), self._next_metric(Z, best, kind))
        return best

    def _judge_metrics(self, Z: Floats, net: Callable[[Ints, Floats | None], _Found]) -> tuple[str, int]:
        """Return the metric's kind and rounds that serve best, 0 rounds for none.

        Each half of the samples judges, by leaving one out, the metrics that the other half has learned.
        """
        kinds = {"auto": ("diagonal", "full"), "euclidean": ()}.get(self.metric, (self.metric,))
        if not kinds:
            return self.metric, 0
        order = stream(as_seed(self.random_state), "halves").permutation(len(Z))
        halves = (order[::2], order[1::2]) if len(Z) >= _HALVED else (order, order)
        errors: dict[tuple[str, int], float] = defaultdict(float)
        for learned, judged in (halves, halves[::-1]):
            first = net(learned, None)
            if self.metric == "auto":
                errors["euclidean", 0] += net(judged, None).head.error
            for kind in kinds:
                now = first
                for done in range(1, self.rounds + 1):
                    now = net(learned, self._next_metric(Z[learned], now, kind))
                    errors[kind, done] += net(judged, now.metric).head.error
        return min(errors, key=errors.__getitem__)

    def _network(
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
        centres = self._placed(Z, Y, groups, metric)
        ends = (Z, centres) if metric is None else (Z @ metric, centres @ metric)
        power = power_of(self.kernel)
        base = neighbour_widths(ends[1], self.neighbours, power)
        if self.kernel == "laplace":
            base = np.full_like(base, base.mean())
        apart = distances(*ends, power)
        best: _Found | None = None
        for factor in factors:
            widths = factor * base
            phi = self._activations(apart / widths**power)
            for skip in skips:
                linear = Z if skip else Z[:, :0]
                design = np.hstack([phi, Z]) if skip else phi
                head = self._head(
                    phi, linear, Y, centres if centres is not Z else None, metric, widths, ridges
                )
                if best is None or head.error < best.head.error:
                    best = _Found(head, design, centres, metric, widths, factor, skip)
        assert best is not None
        return best

    def _placed(self, Z: Floats, Y: Floats, groups: Ints | None, metric: Floats | None) -> Floats:
        """Return the prototypes; ``Z`` itself where every sample is one."""
        many = _MOST if len(Z) <= _MOST else int(np.clip(_MOST**2 // len(Z), *_SOME))
        count = many if self.centres == "auto" else int(self.centres)
        if self.placement == "samples" or count >= len(Z):
            return Z
        seed = derive(as_seed(self.random_state), "centres")
        if self.placement == "random":
            return draw_centres(Z, count, seed)
        if self.placement == "orthogonal-least-squares":
            return select_centres(Z, Y, count, seed, metric)
        if self.placement == "evolved":
            return evolve_centres(Z, Y, count, seed, self.neighbours, metric)
        return place_centres(
            Z, count, seed, groups if self.placement == "k-means-per-class" else None, metric
        )

    def _head(
        self,
        phi: Floats,
        linear: Floats,
        Y: Floats,
        centres: Floats | None,
        metric: Floats | None,
        widths: Floats,
        ridges: list[float],
    ) -> RidgeFit:
        """Return the head over activations and linear columns; no ``centres`` stand for all samples."""
        if not self._by_norm:
            return fit_ridge(np.hstack([phi, linear]), Y, np.array(ridges), self.criterion)
        gram = phi if centres is None else self._layer(centres, centres, metric, widths, skip=False)
        return fit_function(phi, gram, linear, Y, np.array(ridges), self.criterion)

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
        widths = found.widths[:1] if self.kernel == "laplace" else found.widths
        hidden = Hidden(
            found.centres, metric, widths, found.head.ridge, self.kernel, self.normalised, found.skip
        )
        config = TrainConfig(epochs=self.fine_tune, learning_rate=_RATE, optimizer="adam", patience=_PATIENCE)
        tuned = tune(hidden, Z, Y, held, config)
        if not tuned.after < tuned.before:
            return found
        widths = np.broadcast_to(tuned.widths, len(tuned.centres)).copy()
        design = self._layer(Z, tuned.centres, tuned.metric, widths, found.skip)
        m = len(widths)
        head = self._head(design[:, :m], design[:, m:], Y, tuned.centres, tuned.metric, widths, ridges)
        return _Found(head, design, tuned.centres, tuned.metric, widths, found.factor, found.skip)

    def _next_metric(self, Z: Floats, found: _Found, kind: str) -> Floats:
        """Return the root of the average gradient outer product of a network, ``(d, d)`` of mean 1."""
        d = Z.shape[1]
        slopes = self._gradients(Z, found).reshape(-1, d)
        total = slopes.T @ slopes
        if kind == "diagonal":
            total = np.diag(np.diag(total))
        size = np.trace(total)
        if not np.isfinite(size) or size <= 0:
            return np.eye(d)
        e, Q = np.linalg.eigh(total * (d / size))
        root: Floats = (Q * np.maximum(e, 0.0) ** _ROOT[kind]) @ Q.T
        return root

    def _gradients(self, Z: Floats, found: _Found) -> Floats:
        """Return the gradient ``(n, outputs, d)`` of the outputs by the scaled samples."""
        L = np.eye(Z.shape[1]) if found.metric is None else found.metric
        mapped, C, m = Z @ L, found.centres @ L, len(found.centres)
        power = power_of(self.kernel)
        t = distances(mapped, C, power) / found.widths**power
        phi, slope = KERNELS[self.kernel](t), SLOPES[self.kernel](t) / found.widths**power
        w = found.head.coef[:m]

        def by_sample(weights: Floats) -> Floats:
            """Return the gradient ``(n, k, d)`` of ``Σ_i weights_i φ_i`` for ``weights (m, k)``."""
            gaps = (x[:, None] - c for x, c in zip(mapped.T, C.T, strict=True))
            parts = [(slope * (2 * gap if power == 2 else _sign(gap))) @ weights for gap in gaps]
            made: Floats = np.stack(parts, axis=2) @ L.T
            return made

        made = by_sample(w)
        if self.normalised:
            total = np.maximum(phi.sum(axis=1), np.finfo(np.float64).tiny)[:, None, None]
            made = (made - (phi @ w)[:, :, None] / total * by_sample(np.ones((m, 1)))) / total
        return made + found.head.coef[m:].T if found.skip else made

    def _activations(self, r2: Floats) -> Floats:
        """Return ``φ`` of ``r² (n, m)``, normalised or not."""
        phi = KERNELS[self.kernel](r2)
        if self.normalised:
            total = phi.sum(axis=1, keepdims=True)
            return phi / np.where(total > 0, total, 1.0)
        return phi

    def _scaled(self, X: Floats) -> Floats:
        """Return ``X`` scaled, clipped smoothly, and with the parts of the encoding added to each column."""
        return Encoding(**self.encoding_).summed(smooth_clip(X, self.median_, self.inverse_spread_))

    def _design(self, X: Floats) -> Floats:
        """Return ``(n, m)`` activations and, with the skip, the scaled inputs beside them."""
        return self._layer(self._scaled(X), self.centres_, self.metric_, self.widths_, self.skip_)

    def _layer(self, Z: Floats, centres: Floats, metric: Floats | None, widths: Floats, skip: bool) -> Floats:
        """Return the design of scaled samples ``Z``, as ``_design`` does."""
        ends = (Z, centres) if metric is None else (Z @ metric, centres @ metric)
        power = power_of(self.kernel)
        phi = self._activations(distances(*ends, power) / widths**power)
        return np.hstack([phi, Z]) if skip else phi

    def _scores(self, X: Any) -> Floats:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        rows = max(1, _ACTIVATIONS // len(self.centres_))
        blocks = [X[i : i + rows] for i in range(0, len(X), rows)]
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
        columns = ScaledColumns(self.median_, self.inverse_spread_, Encoding(**self.encoding_), summed=True)
        return RadialAnswers(columns, hidden, coef, intercept, Link(link, **to_answers)).eval()

    def _evidence(self, X: Any, weights: Floats, top: int) -> list[list[Evidence]]:
        """Return each sample's ``top`` prototypes by size of contribution; ``weights`` is ``(n, prototypes)``."""
        phi = self._design(X)[:, : len(self.centres_)]
        parts = phi * weights
        order = np.argsort(-np.abs(parts), axis=1, kind="stable")[:, :top]
        Z = Encoding(**self.encoding_).inverse_summed(self.centres_)
        C = smooth_clip_inverse(Z, self.median_, self.inverse_spread_)
        return [[Evidence(int(j), C[j], float(phi[i, j]), float(parts[i, j])) for j in row]
                for i, row in enumerate(order)]  # fmt: skip


def _sign(gap: Floats) -> Floats:
    """Return -1, 0 or 1; 0 where only rounding tells a coordinate from a prototype's, as in a mean of equal values."""
    found: Floats = np.sign(np.where(np.abs(gap) < _TOUCHING, 0.0, gap))
    return found


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
