"""What dense networks for classes and for numbers do with their targets: scales, links, weights, temperature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, validate_data

from neuroloom.core.checks import check_choice, check_float
from neuroloom.core.errors import InputError
from neuroloom.nets._mlp import DenseNetworks, Prepared

if TYPE_CHECKING:
    from neuroloom.nets._losses import Loss
    from neuroloom.nets._mlp_fit import Fitted

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NUMBER_LOSSES = ("absolute", "gaussian", "huber", "quantile", "squared")
CLASS_LOSSES = ("cross-entropy", "focal", "hinge")
OUTPUTS = ("exp", "identity", "softplus")
_ROBUST = ("absolute", "huber", "quantile")


class ClassNetworks(ClassifierMixin, DenseNetworks):  # type: ignore[misc]
    """Dense networks that answer with classes."""

    loss: str = "cross-entropy"
    losses: ClassVar[tuple[str, ...]] = CLASS_LOSSES
    gamma: float = 2.0
    class_weight: str | Mapping[Any, float] | None = None

    def _check(self) -> None:
        super()._check()
        check_float("gamma", self.gamma, 0)
        if self.label_smoothing and self.loss != "cross-entropy":
            raise InputError(
                f"`label_smoothing` goes with the loss 'cross-entropy', but `loss` is {self.loss!r}; set it to 0."
            )

    def _loss(self) -> Loss:
        from neuroloom.nets._losses import Loss

        return Loss(self.loss, float(self.gamma) if self.loss == "focal" else 0.0)

    def _prepare(self, X: Any, y: Any, eval_set: tuple[Any, Any] | None, sample_weight: Any) -> Prepared:
        self._check()
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        X, y, weight = _weighted(X, y, sample_weight)
        self.classes_, labels = np.unique(y, return_inverse=True)
        weight = self._class_weighted(labels, weight)
        counts = np.bincount(labels, weights=weight)
        prior = np.log(counts / counts.sum())
        evaluation = None
        if eval_set is not None:
            X_val, y_val = validate_data(self, *eval_set, dtype=np.float64, reset=False)
            strange = np.setdiff1d(y_val, self.classes_)
            if len(strange):
                first = strange.tolist()[0]
                raise InputError(
                    f"`eval_set` holds the class {first!r}, which `y` does not; leave its samples out of it."
                )
            evaluation = X_val, np.searchsorted(self.classes_, y_val)
        return self._ready(X, labels, prior, labels, evaluation, weight)

    def _class_weighted(self, labels: Ints, weight: Floats | None) -> Floats | None:
        if self.class_weight is None:
            return weight
        if isinstance(self.class_weight, str):
            check_choice("class_weight", self.class_weight, ("balanced",))
            counts = np.bincount(labels, weights=weight)
            factors = counts.sum() / (len(counts) * counts)
        else:
            factors = np.array([float(self.class_weight.get(c, 1.0)) for c in self.classes_.tolist()])
            for factor in factors:
                check_float("class_weight", factor, 0, open_low=True)
        found: Floats = factors[labels] * (1.0 if weight is None else weight)
        scaled: Floats = found / found.mean()
        return scaled

    def _adopt(self, job: Prepared, fitted: Sequence[Fitted]) -> None:
        super()._adopt(job, fitted)
        self._learn_posterior(job, fitted)
        self.slope_ = 1.0
        if len(self.classes_) > 1 and any(len(m.held_out) for m in job.members):
            self.slope_ = likeliest_slope(*self._held_out_outputs(job))

    def predict_proba(self, X: Any) -> Floats:
        """Return ``(n, classes)`` probabilities, columns in the order of ``classes_``."""
        mean: Floats = softmax(self._answers(X) * self.slope_).mean(axis=0)
        return mean

    def predict(self, X: Any) -> NDArray[Any]:
        """Return ``(n,)`` labels: the likeliest class."""
        p = self.predict_proba(X)
        found: NDArray[Any] = self.classes_[p.argmax(axis=1)]
        return found


class NumberNetworks(RegressorMixin, DenseNetworks):  # type: ignore[misc]
    """Dense networks that answer with numbers."""

    loss: str = "squared"
    losses: ClassVar[tuple[str, ...]] = NUMBER_LOSSES
    quantile: float = 0.5
    delta: float = 1.0
    output: str = "identity"
    bounds: tuple[float, float] | None = None

    def _check(self) -> None:
        super()._check()
        check_float("quantile", self.quantile, 0, 1, open_low=True, open_high=True)
        check_float("delta", self.delta, 0, open_low=True)
        check_choice("output", self.output, OUTPUTS)
        if self.bounds is not None:
            given = list(self.bounds)
            if len(given) != 2 or not np.isfinite(given).all() or given[0] >= given[1]:
                raise InputError(
                    f"`bounds` must be two finite numbers (low, high), low < high, but got {self.bounds!r}."
                )
            if self.output != "identity":
                raise InputError(f"`bounds` takes the place of `output`; leave out {self.output!r}.")
        if self.loss == "gaussian" and self._link() != "identity":
            raise InputError(
                "the loss 'gaussian' answers on the whole line; leave out `output` and `bounds`, or take another loss."
            )

    def _link(self) -> str:
        return self.output if self.bounds is None else "sigmoid"

    def _loss(self) -> Loss:
        from neuroloom.nets._losses import Loss

        parameter = {"quantile": self.quantile, "huber": self.delta}.get(self.loss, 0.0)
        return Loss(self.loss, float(parameter), self._link())

    def _prepare(self, X: Any, y: Any, eval_set: tuple[Any, Any] | None, sample_weight: Any) -> Prepared:
        self._check()
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        X, y, weight = _weighted(X, y.astype(np.float64), sample_weight)
        self._scale_target(y)
        evaluation = None
        if eval_set is not None:
            X_val, y_val = validate_data(self, *eval_set, dtype=np.float64, y_numeric=True, reset=False)
            evaluation = X_val, self._standard(y_val)
        target = self._standard(y)
        return self._ready(X, target, self._prior(target), np.zeros(len(y), np.int64), evaluation, weight)

    def _scale_target(self, y: Floats) -> None:
        """Learn the target's centre and scale: 0 and its mean for positive answers, the bounds for bounded ones."""
        if self.bounds is not None:
            low, high = (float(b) for b in self.bounds)
            if y.min() < low or y.max() > high:
                raise InputError(f"`y` must lie within `bounds` ({low:g}, {high:g}), but reaches from {y.min():g} to "
                                 f"{y.max():g}; widen the bounds.")  # fmt: skip
            self.target_mean_, self.target_scale_ = low, high - low
            return
        if self.output != "identity":
            if y.min() < 0:
                raise InputError(
                    f"`output={self.output!r}` answers with positive numbers, but `y` holds {y.min():g}; leave it out."
                )
            centre, scale = 0.0, float(y.mean())
        elif self.loss in _ROBUST:
            low, centre, high = (float(q) for q in np.quantile(y, [0.25, 0.5, 0.75]))
            scale = (
                (high - low) / 1.349 if high > low else float(y.std())
            )  # of a normal target: its deviation
        else:
            centre, scale = float(y.mean()), float(y.std())
        self.target_mean_, self.target_scale_ = centre, scale if scale > 0 else 1.0

    def _standard(self, y: NDArray[Any]) -> Floats:
        standard: Floats = ((y.astype(np.float64) - self.target_mean_) / self.target_scale_)[:, None]
        return standard

    def _prior(self, target: Floats) -> Floats:
        """Return where the output biases start: at the constant answer, about, that the loss likes best."""
        if self.loss == "gaussian":
            return np.array([0.0, np.log(np.expm1(1.0))])
        if self._link() == "identity":
            return np.array([np.quantile(target, self.quantile) if self.loss == "quantile" else 0.0])
        mean = float(np.clip(target.mean(), 1e-3, None if self.bounds is None else 1 - 1e-3))
        match self._link():
            case "softplus":
                return np.array([np.log(np.expm1(mean))])
            case "exp":
                return np.array([np.log(mean)])
        return np.array([np.log(mean / (1 - mean))])

    def _linked(self, output: Floats) -> Floats:
        """Return answers in the target's unit from what the networks give."""
        match self._link():
            case "softplus":
                output = np.logaddexp(0.0, output)
            case "exp":
                output = np.exp(np.minimum(output, 30.0))
            case "sigmoid":
                output = (1 + np.tanh(output / 2)) / 2
        return output * self.target_scale_ + self.target_mean_

    def predict(self, X: Any) -> Floats:
        """Return ``(n,)`` numbers."""
        answers = self._answers(X)[:, :, 0]
        if self._link() == "identity":
            return self._linked(answers.mean(axis=0))
        found: Floats = self._linked(answers).mean(axis=0)
        return found


def _weighted(X: Floats, y: NDArray[Any], sample_weight: Any) -> tuple[Floats, NDArray[Any], Floats | None]:
    """Return the samples that weigh anything, and their weights scaled to a mean of 1, or None."""
    if sample_weight is None:
        return X, y, None
    weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    kept = weight > 0
    weight = weight[kept]
    return X[kept], y[kept], None if (weight == weight[0]).all() else weight / weight.mean()


def softmax(logits: Floats) -> Floats:
    """Return probabilities over the last axis."""
    p = np.exp(logits - logits.max(axis=-1, keepdims=True))
    found: Floats = p / p.sum(axis=-1, keepdims=True)
    return found


def likeliest_slope(logits: Floats, labels: Ints, weight: Floats | None = None) -> float:
    """Return the ``s`` in [1/10, 10] with the least log loss of the mean over draws of ``softmax(s · logits)``.

    ``logits`` are ``(draws, n, classes)``.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax, logsumexp

    rows = np.arange(len(labels))

    def loss(log_s: float) -> float:
        hit = log_softmax(np.exp(log_s) * logits, axis=2)[:, rows, labels]
        if len(hit) > 1:
            hit = logsumexp(hit, axis=0, keepdims=True) - np.log(len(hit))
        return -float(np.average(hit[0], weights=weight))

    found = minimize_scalar(loss, bounds=(-np.log(10), np.log(10)), method="bounded")
    return float(np.exp(found.x))
