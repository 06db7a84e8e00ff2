"""Roles of the nets that read a series step by step: an answer at each step (synchronous many to many).

Graves (2012), Supervised sequence labelling with recurrent neural networks, for the setting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin

from neuroloom.core.answers import Answers, some
from neuroloom.core.errors import InputError
from neuroloom.core.seeding import stream
from neuroloom.nets.deep_roles import DeepRole

if TYPE_CHECKING:
    import torch

_AUGMENTATIONS = ("noise", "scale")  # which leave every step where it is


@dataclass(eq=False, repr=False, kw_only=True)
class StepRole(DeepRole):
    """Role of a net that answers at every step of a series.

    A net that reads forwards only answers from what came before; series may end in NaN, in all channels, and what is
    said of steps after the end counts for nothing.
    """

    pooling: str = field(default="steps", init=False)
    per_step: ClassVar[bool] = True

    def fit(self, X: Any, y: Any, eval_set: tuple[Any, Any] | None = None) -> Self:
        """Learn from series and their answers.

        Args:
            X: ``(n, channels, length)`` series, or ``(n, length)`` of one channel.
            y: ``(n, length)`` labels or numbers.
            eval_set: ``(X_val, y_val)`` to choose the epoch by and to stop early on.

        Raises:
            InputError: a parameter is out of range, or series and answers are not usable.
        """
        held = None if eval_set is None else (eval_set[0], self._of_steps(*eval_set))
        return super().fit(X, self._of_steps(X, y), held)

    def _of_steps(self, X: Any, y: Any) -> Any:
        """Return ``y (n, length)`` with the steps masked that ``X`` has not."""
        values, wanted = self._values(X), np.asarray(y)
        if wanted.shape != (len(values), values.shape[2]):
            raise InputError(
                f"y must hold an answer for each step, shape {(len(values), values.shape[2])}, but has {wanted.shape}."
            )
        return np.ma.array(wanted, mask=np.isnan(values).all(axis=1))

    def _check_training(self) -> None:
        super()._check_training()
        for name in self.augment:
            if name not in _AUGMENTATIONS:
                raise InputError(
                    f"augment {name!r} moves steps away from their answers; take 'noise' or 'scale'."
                )

    def _held_out(self, target: NDArray[Any], seed: int) -> NDArray[np.bool_]:
        return some(len(target), self.validation_fraction, stream(seed, "held out"))


@dataclass(eq=False, repr=False, kw_only=True)
class StepClassifier(ClassifierMixin, StepRole, Answers):  # type: ignore[misc]
    """Role of a classifier of every step; with several members the mean of their probabilities answers."""

    def _read_target(self, y: Any) -> NDArray[Any]:
        labels = y.compressed()
        if labels.dtype.kind == "f" and not np.isfinite(labels).all():
            raise InputError(
                "y must name a class at every step of a series, but holds missing or infinite ones."
            )
        self.classes_ = np.unique(labels)
        if len(self.classes_) < 2:
            raise InputError(
                f"a classifier needs at least two classes, but y holds only {self.classes_.tolist()}."
            )
        return self._known_target(y)[1]

    def _known_target(self, y: Any) -> tuple[NDArray[np.bool_], NDArray[Any]]:
        at = np.minimum(np.searchsorted(self.classes_, y.data), len(self.classes_) - 1)
        known = (self.classes_[at] == y.data) & ~y.mask
        codes = np.where(known, at, -1)
        return known.any(axis=1), codes[known.any(axis=1)]

    def _n_answers(self) -> int:
        return len(self.classes_)

    def _losses(self, target: NDArray[Any], device: torch.device) -> Callable[[Any, Any], torch.Tensor]:
        import torch
        from torch.nn import functional

        wanted = torch.as_tensor(target, device=device)
        return lambda out, rows: functional.cross_entropy(
            out.transpose(1, 2), wanted if rows is None else wanted[rows], ignore_index=-1
        )

    def _scores(self, target: NDArray[Any], device: torch.device) -> Callable[[Any], torch.Tensor]:
        import torch

        wanted, losses = torch.as_tensor(target, device=device), self._losses(target, device)

        def score(out: torch.Tensor) -> torch.Tensor:
            entropy = losses(out, None).double()
            if self.monitor == "loss":
                return -entropy
            return (out.argmax(2) == wanted)[wanted >= 0].double().mean() - 1e-4 * entropy

        return score

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return ``(n, length, classes)`` probabilities, which sum to 1 at each step."""
        from scipy.special import softmax

        found: NDArray[np.float64] = softmax(self._member_outputs(X), axis=-1).mean(axis=0)
        return found

    def predict(self, X: Any) -> NDArray[Any]:
        """Return ``(n, length)`` labels."""
        found: NDArray[Any] = self.classes_[self.predict_proba(X).argmax(axis=-1)]
        return found

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the share of steps that are answered rightly; ``sample_weight (n, length)`` weighs them."""
        wanted = self._of_steps(X, y)
        inside = ~wanted.mask
        right = (self.predict(X) == wanted.data)[inside]
        weights = None if sample_weight is None else np.asarray(sample_weight)[inside]
        return float(np.average(right, weights=weights))


@dataclass(eq=False, repr=False, kw_only=True)
class StepRegressor(RegressorMixin, StepRole, Answers):  # type: ignore[misc]
    """Role of a regressor of every step, learned standardised by squared error; the members' mean answers."""

    def _read_target(self, y: Any) -> NDArray[Any]:
        known = self._numbers(y).compressed()
        self.target_mean_, spread = float(known.mean()), float(known.std())
        self.target_scale_ = spread if spread > 0 else 1.0
        return self._known_target(y)[1]

    def _numbers(self, y: Any) -> Any:
        try:
            values = y.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"a regressor needs numbers in y, but {error}.") from error
        if not np.isfinite(values.compressed()).all():
            raise InputError("y must be finite at every step of a series, but is not.")
        return values

    def _known_target(self, y: Any) -> tuple[NDArray[np.bool_], NDArray[Any]]:
        scaled = (self._numbers(y) - self.target_mean_) / self.target_scale_
        return np.ones(len(scaled), dtype=bool), scaled.filled(np.nan).astype(np.float32)

    def _n_answers(self) -> int:
        return 1

    def _losses(self, target: NDArray[Any], device: torch.device) -> Callable[[Any, Any], torch.Tensor]:
        import torch

        wanted = torch.as_tensor(target, device=device)

        def loss(out: torch.Tensor, rows: Any) -> torch.Tensor:
            there = wanted if rows is None else wanted[rows]
            inside = ~torch.isnan(there)
            return (out[..., 0] - there)[inside].square().mean()

        return loss

    def _scores(self, target: NDArray[Any], device: torch.device) -> Callable[[Any], torch.Tensor]:
        losses = self._losses(target, device)
        return lambda out: -losses(out, None).double()

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return ``(n, length)`` numbers."""
        found: NDArray[np.float64] = self._member_outputs(X).mean(axis=0)[..., 0]
        return found * self.target_scale_ + self.target_mean_

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R² over all steps; ``sample_weight (n, length)`` weighs them."""
        from sklearn.metrics import r2_score

        wanted = self._of_steps(X, y)
        inside = ~wanted.mask
        weights = None if sample_weight is None else np.asarray(sample_weight)[inside]
        return float(r2_score(wanted.data[inside], self.predict(X)[inside], sample_weight=weights))
