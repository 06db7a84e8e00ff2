"""Kinds of answers that a network learns, whatever its samples are: classes, several labels, numbers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin

from neuroloom.core.checks import check_choice
from neuroloom.core.errors import InputError
from neuroloom.core.seeding import stream

if TYPE_CHECKING:
    import torch

Ints = NDArray[np.int64]


class Judged(Protocol):
    """What training asks of a kind of answers: a loss, and a score of what is held out."""

    def _losses(self, target: NDArray[Any], device: torch.device) -> Callable[[Any, Any], torch.Tensor]:
        """Return the loss as a function of outputs and rows of the target, None for all."""

    def _scores(self, target: NDArray[Any], device: torch.device) -> Callable[[Any], torch.Tensor]:
        """Return the validation score as a function of outputs; greater is better."""


class Answers:
    """What a kind of answers says to the role that trains for it."""

    validation_fraction: float
    monitor: str

    @abstractmethod
    def _read_target(self, y: Any) -> NDArray[Any]:
        """Learn what there is to answer from ``y``, and return it as numbers, a row a sample."""

    @abstractmethod
    def _known_target(self, y: Any) -> tuple[NDArray[np.bool_], NDArray[Any]]:
        """Return which of the validation answers ``y`` can be scored, and these as numbers."""

    @abstractmethod
    def _n_answers(self) -> int:
        """Return how many numbers the network gives a sample."""

    @abstractmethod
    def _losses(self, target: NDArray[Any], device: torch.device) -> Callable[[Any, Any], torch.Tensor]:
        """Return the loss as a function of outputs and rows of the target, None for all."""

    @abstractmethod
    def _scores(self, target: NDArray[Any], device: torch.device) -> Callable[[Any], torch.Tensor]:
        """Return the validation score as a function of outputs; greater is better."""

    @abstractmethod
    def _held_out(self, target: NDArray[Any], seed: int) -> NDArray[np.bool_]:
        """Return which samples are held out."""

    if TYPE_CHECKING:

        def _outputs(self, X: Any) -> NDArray[np.float64]:
            """Return ``(n, answers)`` outputs of the fitted network for samples; the role has it."""


@dataclass(eq=False, repr=False, kw_only=True)
class Classification(ClassifierMixin, Answers):  # type: ignore[misc]
    """Classifier of one label a sample or, for ``y (n, labels)`` of 0 and 1, of any number of labels.

    Args:
        class_weight: ``"balanced"`` weighs the loss of a sample by n / (classes · samples of its class); None weighs
            all alike. One label a sample only.
    """

    class_weight: str | None = None

    def _read_target(self, y: Any) -> NDArray[Any]:
        check_choice("class_weight", self.class_weight or "none", ("none", "balanced"))
        y = np.asarray(y)
        self.multilabel_ = y.ndim == 2
        if self.multilabel_:
            if y.size == 0 or not np.isin(y, (0, 1)).all():
                raise InputError(
                    "for several labels a sample, y must be an (n, labels) array of 0 and 1, but it holds "
                    f"{np.unique(y)[:5].tolist()}."
                )
            self.classes_ = np.arange(y.shape[1])
            flags: NDArray[Any] = y.astype(np.float32)
            return flags
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(
                f"a classifier needs at least two classes, but y holds only {self.classes_.tolist()}."
            )
        return codes.astype(np.int64)

    def _known_target(self, y: Any) -> tuple[NDArray[np.bool_], NDArray[Any]]:
        wanted = np.asarray(y)
        if self.multilabel_:
            if wanted.shape[1:] != self.classes_.shape:
                raise InputError(
                    f"the answers of `eval_set` must have {len(self.classes_)} labels a sample, but have shape "
                    f"{wanted.shape}."
                )
            return np.ones(len(wanted), dtype=bool), wanted.astype(np.float32)
        at = np.minimum(np.searchsorted(self.classes_, wanted), len(self.classes_) - 1)
        known = self.classes_[at] == wanted
        return known, at[known]

    def _n_answers(self) -> int:
        return len(self.classes_)

    def _losses(self, target: NDArray[Any], device: torch.device) -> Callable[[Any, Any], torch.Tensor]:
        import torch
        from torch.nn import functional

        wanted = torch.as_tensor(target, device=device)
        if self.multilabel_:
            return lambda out, rows: functional.binary_cross_entropy_with_logits(
                out, wanted if rows is None else wanted[rows]
            )
        weight = None
        if self.class_weight == "balanced":
            counts = np.bincount(target, minlength=len(self.classes_))
            each = np.where(counts > 0, len(target) / (len(counts) * np.maximum(counts, 1)), 0)
            weight = torch.tensor(each, dtype=torch.float32, device=device)
        return lambda out, rows: functional.cross_entropy(
            out, wanted if rows is None else wanted[rows], weight
        )

    def _scores(self, target: NDArray[Any], device: torch.device) -> Callable[[Any], torch.Tensor]:
        """Return the accuracy less a ten-thousandth of the cross-entropy, which decides between equals; or that
        alone.
        """
        import torch
        from torch.nn import functional

        wanted = torch.as_tensor(target, device=device)

        def score(out: torch.Tensor) -> torch.Tensor:
            if self.multilabel_:
                return -functional.binary_cross_entropy_with_logits(out, wanted).double()
            entropy = functional.cross_entropy(out, wanted).double()
            if self.monitor == "loss":
                return -entropy
            return (out.argmax(1) == wanted).double().mean() - 1e-4 * entropy

        return score

    def _held_out(self, target: NDArray[Any], seed: int) -> NDArray[np.bool_]:
        draws = stream(seed, "held out")
        if self.multilabel_:
            return some(len(target), self.validation_fraction, draws)
        if np.bincount(target).min() < 2:
            return np.zeros(len(target), dtype=bool)
        return hold_out(target, self.validation_fraction, draws)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return ``(n, classes)`` probabilities of samples.

        Of several labels a sample each has its own, between 0 and 1; of one, they sum to 1.
        """
        out = self._outputs(X)
        if self.multilabel_:
            shares: NDArray[np.float64] = 0.5 * (1 + np.tanh(out / 2))
            return shares
        odds = np.exp(out - out.max(axis=1, keepdims=True))
        shares = odds / odds.sum(axis=1, keepdims=True)
        return shares

    def predict(self, X: Any) -> NDArray[Any]:
        """Return ``(n,)`` labels, or ``(n, labels)`` of 0 and 1, of samples."""
        out = self._outputs(X)
        if self.multilabel_:
            return (out > 0).astype(np.int64)
        return self.classes_[out.argmax(axis=1)]  # type: ignore[no-any-return]


@dataclass(eq=False, repr=False, kw_only=True)
class Regression(RegressorMixin, Answers):  # type: ignore[misc]
    """Regressor of one number a sample, which it learns standardised, by squared error."""

    def _read_target(self, y: Any) -> NDArray[Any]:
        y = _numbers(y)
        self.target_mean_, spread = float(y.mean()), float(y.std())
        self.target_scale_ = spread if spread > 0 else 1.0
        return self._standard(y)

    def _standard(self, y: NDArray[np.float64]) -> NDArray[np.float32]:
        return ((y - self.target_mean_) / self.target_scale_).astype(np.float32)[:, None]

    def _known_target(self, y: Any) -> tuple[NDArray[np.bool_], NDArray[Any]]:
        return np.ones(len(y), dtype=bool), self._standard(_numbers(y))

    def _n_answers(self) -> int:
        return 1

    def _losses(self, target: NDArray[Any], device: torch.device) -> Callable[[Any, Any], torch.Tensor]:
        import torch

        wanted = torch.as_tensor(target, device=device)
        return lambda out, rows: (out - (wanted if rows is None else wanted[rows])).square().mean()

    def _scores(self, target: NDArray[Any], device: torch.device) -> Callable[[Any], torch.Tensor]:
        import torch

        wanted = torch.as_tensor(target, device=device)
        return lambda out: -(out - wanted).square().mean().double()

    def _held_out(self, target: NDArray[Any], seed: int) -> NDArray[np.bool_]:
        return some(len(target), self.validation_fraction, stream(seed, "held out"))

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return ``(n,)`` numbers for samples."""
        return self._outputs(X)[:, 0] * self.target_scale_ + self.target_mean_


def _numbers(y: Any) -> NDArray[np.float64]:
    try:
        values = np.asarray(y, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"a regressor needs numbers in y, but {error}.") from error
    if values.ndim != 1 or not np.isfinite(values).all():
        raise InputError(f"y must be a line of finite numbers, but has shape {values.shape} or NaN in it.")
    return values


def some(count: int, share: float, draws: np.random.Generator) -> NDArray[np.bool_]:
    """Return which of ``count`` samples are held out: the share, rounded, at least one."""
    held = np.zeros(count, dtype=bool)
    held[draws.permutation(count)[: max(1, round(share * count))]] = True
    return held


def hold_out(codes: Ints, share: float, draws: np.random.Generator) -> NDArray[np.bool_]:
    """Return which samples are held out: of each class the share, rounded, at least one and never all."""
    held = np.zeros(len(codes), dtype=bool)
    for code in np.unique(codes):
        members = draws.permutation(np.flatnonzero(codes == code))
        held[members[: min(max(1, round(share * len(members))), len(members) - 1)]] = True
    return held
