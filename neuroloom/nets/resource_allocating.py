"""Resource-allocating networks: radial basis function networks that grow, one sample after another.

Sources:
    Platt (1991), "A resource-allocating network for function interpolation", Neural Computation 3.
    Kadirkamanathan & Niranjan (1993), "A function estimation approach to sequential learning with neural networks",
    Neural Computation 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.core.seeding import as_seed, stream
from neuroloom.nets._radial import squared_distances
from neuroloom.nets._scaling import robust_scale, smooth_clip

Floats = NDArray[np.float64]
_LEAST = 1e-3  # smallest share of probability a class gets before all are brought to sum 1
_BLOCK = 4096
_FORGOTTEN = 0.2  # share of what is known that is forgotten at once, where it can be


@dataclass(eq=False, repr=False, kw_only=True)
class _Growing(BaseEstimator):  # type: ignore[misc]
    """What classifier and regressor share: the parameters, the state, the step for a sample, the answers."""

    error: float = 0.1
    far: float = 0.2
    near: float = 0.1
    decay: float = 200.0
    overlap: float = 0.7
    max_centres: int = 500
    learning: str = "rls"
    rate: float = 0.02
    ridge: float = 1.0
    forgetting: float = 1.0
    random_state: Any = None

    def _check(self) -> None:
        check_float("error", self.error, 0)
        check_float("near", self.near, 0)
        check_float("far", self.far, self.near)
        check_float("decay", self.decay, 0, open_low=True)
        check_float("overlap", self.overlap, 0, open_low=True)
        check_int("max_centres", self.max_centres)
        check_choice("learning", self.learning, ("rls", "lms"))
        check_float("rate", self.rate, 0, open_low=True)
        check_float("ridge", self.ridge, 0, open_low=True)
        check_float("forgetting", self.forgetting, 0, 1, open_low=True)

    def _begin(self, X: Floats, outputs: int) -> None:
        """Learn the inputs' scale from the first samples, and start without a prototype."""
        self._check()
        if len(X) < 2:
            raise InputError(
                "the first samples give the scale of the inputs, but got 1 sample; pass several to the first "
                "`partial_fit`, typical ones."
            )
        self.median_, self.inverse_spread_ = robust_scale(X)
        d = X.shape[1]
        self.centres_ = np.empty((0, d))
        self.widths_ = np.empty(0)
        self.coef_ = np.zeros((1 + d, outputs))
        self.covariance_ = np.eye(1 + d) / self.ridge
        self.n_seen_ = 0

    def _learn(self, X: Floats, Y: Floats) -> None:
        """Take samples ``X (n, d)`` with targets ``Y (n, outputs)`` one after another."""
        Z = smooth_clip(X, self.median_, self.inverse_spread_)
        room = _Room(self, min(len(Z), max(0, self.max_centres - len(self.widths_))))
        unit = np.sqrt(Z.shape[1])
        every = max(1, round(_FORGOTTEN / (1 - self.forgetting))) if self.forgetting < 1 else 0
        for z, y in zip(Z, Y, strict=True):
            m = room.size
            d2 = ((room.centres[:m] - z) ** 2).sum(axis=1)
            nearest = np.sqrt(d2.min()) if m else self.far * unit
            phi = np.concatenate([[1.0], z, np.exp(-d2 / (2 * room.widths[:m] ** 2))])
            gap = y - phi @ room.coef[: len(phi)]
            apart = max(self.far * np.exp(-self.n_seen_ / self.decay), self.near) * unit
            self.n_seen_ += 1
            if m < self.max_centres and np.abs(gap).max() > self.error and nearest >= apart:
                if self.learning == "lms":
                    room.allocate(z, self.overlap * nearest, gap, 0.0)
                    continue
                room.allocate(z, self.overlap * nearest, 0 * gap, 1 / self.ridge)
                phi = np.concatenate([phi, [1.0]])
            if self.learning == "rls":
                room.least_squares(phi, gap)
                if every and self.n_seen_ % every == 0:
                    room.forget(1 - self.forgetting**every, self.ridge)
            else:
                room.gradient_step(z, phi, gap, self.rate)
        room.hand_over(self)

    def _scores(self, X: Any) -> Floats:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        found = []
        for i in range(0, len(X), _BLOCK):
            Z = smooth_clip(X[i : i + _BLOCK], self.median_, self.inverse_spread_)
            phi = np.exp(-squared_distances(Z, self.centres_) / (2 * self.widths_**2))
            d = 1 + Z.shape[1]
            found.append(self.coef_[0] + Z @ self.coef_[1:d] + phi @ self.coef_[d:])
        return np.vstack(found)

    @property
    def n_parameters_(self) -> int:
        """Numbers in prototypes, widths and weights."""
        return int(self.centres_.size + self.widths_.size + self.coef_.size)


class _Room:
    """The state with room to grow, so that no array is made anew for a sample."""

    def __init__(self, net: Any, more: int) -> None:
        self.size = m = len(net.widths_)
        d, p = net.centres_.shape[1], len(net.coef_)
        self.centres = np.vstack([net.centres_, np.empty((more, d))])
        self.widths = np.concatenate([net.widths_, np.ones(more)])
        self.coef = np.vstack([net.coef_, np.zeros((more, net.coef_.shape[1]))])
        self.covariance = np.zeros((p + more, p + more))
        self.covariance[:p, :p] = net.covariance_
        self.inputs = p - m  # the intercept and the direct links

    def allocate(self, z: Floats, width: float, gap: Floats, variance: float) -> None:
        """Put a prototype on the sample, of a weight that answers it exactly."""
        m, p = self.size, self.inputs + self.size
        self.centres[m], self.widths[m], self.coef[p] = z, max(width, 1e-9), gap
        self.covariance[p, p] = variance
        self.size += 1

    def least_squares(self, phi: Floats, gap: Floats) -> None:
        """Recursive least squares of all weights."""
        P = self.covariance[: len(phi), : len(phi)]
        pull = P @ phi
        gain = pull / (1 + phi @ pull)
        self.coef[: len(phi)] += np.outer(gain, gap)
        P -= np.outer(gain, pull)

    def forget(self, share: float, ridge: float) -> None:
        """Give ``share`` of what samples have told back to what was known at first, ``P⁻¹ ← (1 − s) P⁻¹ + s ridge I``.

        Plain exponential forgetting would make weights that no sample speaks of unsure without end.

        Source: Kulhavý & Zarrop (1993), "On a general concept of forgetting", International Journal of Control 58.
        """
        p = self.inputs + self.size
        P = self.covariance[:p, :p]
        known = (1 - share) * np.linalg.inv(P) + share * ridge * np.eye(p)
        P[:] = np.linalg.inv((known + known.T) / 2)

    def gradient_step(self, z: Floats, phi: Floats, gap: Floats, rate: float) -> None:
        """Platt's step: weights and centres down the slope of the squared error."""
        m, p = self.size, len(phi)
        pull = phi[self.inputs :] * (self.coef[self.inputs : p] @ gap) / self.widths[:m] ** 2
        self.coef[:p] += rate * np.outer(phi, gap)
        self.centres[:m] += rate * pull[:, None] * (z - self.centres[:m])

    def hand_over(self, net: Any) -> None:
        """Give the network its arrays, without the room that is left."""
        m, p = self.size, self.inputs + self.size
        net.centres_, net.widths_ = self.centres[:m].copy(), self.widths[:m].copy()
        net.coef_, net.covariance_ = self.coef[:p].copy(), self.covariance[:p, :p].copy()


class ResourceAllocatingClassifier(ClassifierMixin, _Growing):  # type: ignore[misc]
    """Resource-allocating network for classes: learns from a stream, each sample once, and grows where it is surprised.

    ``f(x) = w_0 + V z + Σ_i w_i exp(−‖z − c_i‖² / (2 σ_i²))`` with ``z`` the robustly scaled sample. A sample that is
    answered by more than ``error`` off, and lies farther than ``δ`` from every prototype, becomes one: its width is
    ``overlap`` times the distance to the nearest. Then the weights move: by recursive least squares, from 0 for the
    new prototype, or as in the paper, where the new one takes what was missing and other samples make a gradient step.
    ``δ`` shrinks from ``far`` to ``near`` as samples go by. Scores are least squares on the classes' indicators, made
    probabilities by clipping to at least 0.001 and bringing to sum 1.

    Args:
        error: how far an answer may be off, at least 0: of indicators 0 and 1.
        far: ``δ`` at the first sample, in units of ``√features`` scaled units, at least ``near``.
        near: the least ``δ``, at least 0.
        decay: samples over which ``δ`` falls to 1/e, above 0.
        overlap: factor ``κ`` of widths, above 0.
        max_centres: most prototypes, at least 1.
        learning: ``"rls"``, or ``"lms"`` as in the paper, which moves centres, too.
        rate: of a gradient step, above 0.
        ridge: penalty on the weights that least squares starts from, above 0.
        forgetting: in (0, 1]: weight of all older samples after each further one, for least squares; below 1 follows
            what drifts. A fifth is forgotten at once, so that there are fewer inversions of ``covariance_``.
        random_state: of the order in which ``fit`` takes the samples.

    Attributes:
        centres_: ``(m, features)`` in scaled units; ``widths_``: ``(m,)``; ``coef_``: ``(1 + features + m, classes)``,
            of the intercept, the inputs and the prototypes; ``covariance_``: of the weights; ``classes_``; ``n_seen_``:
            samples so far; ``n_parameters_``.

    Raises:
        InputError: a parameter lies outside its range; the first samples are fewer than 2.

    Source: Platt (1991); recursive least squares in place of its gradient step after Kadirkamanathan & Niranjan (1993).

    Differences:
        Inputs go to the outputs directly, too, and are scaled by the first samples. With least squares a new
        prototype starts from weight 0: started from what was missing, it learns the noise.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Start anew and take ``X (n, features)`` with labels ``y (n,)`` once, in random order."""
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        self._begin(X, len(self.classes_))
        order = stream(as_seed(self.random_state), "order").permutation(len(X))
        self._learn(X[order], np.eye(len(self.classes_))[labels[order]])
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Take further samples in the order they come.

        Args:
            X: ``(n, features)``; the first ones, at least 2, give the scale of the inputs.
            y: ``(n,)`` labels.
            classes: all labels that will come, needed at the first call only.

        Raises:
            InputError: the first call lacks ``classes``, or a label is none of them.
        """
        first = not hasattr(self, "classes_")
        X, y = validate_data(self, X, y, dtype=np.float64, reset=first)
        if first:
            if classes is None:
                raise InputError("the first `partial_fit` needs all labels that will come; pass `classes=`.")
            known = np.unique(classes)
        else:
            known = self.classes_
        strange = np.setdiff1d(y, known)
        if len(strange):
            raise InputError(f"the labels {strange[:5].tolist()} are none of the {len(known)} classes; pass all to the "
                             "first `partial_fit`.")  # fmt: skip
        if first:
            self._begin(X, len(known))
            self.classes_ = known
        self._learn(X, np.eye(len(known))[np.searchsorted(known, y)])
        return self

    def predict_proba(self, X: Any) -> Floats:
        """Return ``(n, classes)`` probabilities, columns in the order of ``classes_``."""
        found = np.maximum(self._scores(X), _LEAST)
        shares: Floats = found / found.sum(axis=1, keepdims=True)
        return shares

    def predict(self, X: Any) -> NDArray[Any]:
        """Return ``(n,)`` labels."""
        scores = self._scores(X)
        found: NDArray[Any] = self.classes_[scores.argmax(axis=1)]
        return found


class ResourceAllocatingRegressor(RegressorMixin, _Growing):  # type: ignore[misc]
    """Resource-allocating network for numbers: learns from a stream, each sample once, and grows where it is surprised.

    ``f(x) = w_0 + V z + Σ_i w_i exp(−‖z − c_i‖² / (2 σ_i²))`` with ``z`` the robustly scaled sample; a sample that is
    answered by more than ``error`` off, and lies farther than ``δ`` from every prototype, becomes one (see
    :class:`ResourceAllocatingClassifier`).

    Args:
        error: how far an answer may be off, at least 0, in standard deviations of the first targets.
        far: ``δ`` at the first sample, in units of ``√features`` scaled units, at least ``near``.
        near: the least ``δ``, at least 0.
        decay: samples over which ``δ`` falls to 1/e, above 0.
        overlap: factor ``κ`` of widths, above 0.
        max_centres: most prototypes, at least 1.
        learning: ``"rls"``, or ``"lms"`` as in the paper, which moves centres, too.
        rate: of a gradient step, above 0.
        ridge: penalty on the weights that least squares starts from, above 0.
        forgetting: in (0, 1]: weight of all older samples after each further one, for least squares; below 1 follows
            what drifts. A fifth is forgotten at once, so that there are fewer inversions of ``covariance_``.
        random_state: of the order in which ``fit`` takes the samples.

    Attributes:
        centres_: ``(m, features)`` in scaled units; ``widths_``: ``(m,)``; ``coef_``: ``(1 + features + m, 1)``, of the
            intercept, the inputs and the prototypes, for the standardised target; ``covariance_``: of the weights;
            ``target_mean_``, ``target_scale_``: of the first targets; ``n_seen_``: samples so far; ``n_parameters_``.

    Raises:
        InputError: a parameter lies outside its range; the first samples are fewer than 2.

    Source: Platt (1991); recursive least squares in place of its gradient step after Kadirkamanathan & Niranjan (1993).
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Start anew and take ``X (n, features)`` with numbers ``y (n,)`` once, in random order."""
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        self._start(X, y)
        order = stream(as_seed(self.random_state), "order").permutation(len(X))
        self._learn(X[order], self._standard(y[order]))
        return self

    def partial_fit(self, X: Any, y: Any) -> Self:
        """Take further samples ``X (n, features)`` with numbers ``y (n,)`` in the order they come.

        The first ones, at least 2, give the scale of the inputs and of the target.
        """
        first = not hasattr(self, "centres_")
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True, reset=first)
        if first:
            self._start(X, y)
        self._learn(X, self._standard(y))
        return self

    def _start(self, X: Floats, y: Floats) -> None:
        self._begin(X, 1)
        self.target_mean_, scale = float(y.mean()), float(y.std())
        self.target_scale_ = scale if scale > 0 else 1.0

    def _standard(self, y: Floats) -> Floats:
        found: Floats = ((y.astype(np.float64) - self.target_mean_) / self.target_scale_)[:, None]
        return found

    def predict(self, X: Any) -> Floats:
        """Return ``(n,)`` numbers."""
        return self._scores(X)[:, 0] * self.target_scale_ + self.target_mean_
