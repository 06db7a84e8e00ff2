"""What all deep nets over series and pictures share, and how a model and a role make an estimator.

A *model* is a dataclass over :class:`DeepNetwork`, one a file (``fcn.py``: :class:`~neuroloom.nets.fcn.FCN`): its
fields are the constructor's parameters and ``_encoder`` makes the torch module that turns samples into vectors. A
*role* (``deep_roles.py``) says what is learned from them: classes, numbers, or the vectors themselves as features. An
estimator is both, ``class FCNClassifier(DeepClassifier, FCN)``. A new model is one file and a line in the registry; a
new role serves every model.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.core.signals import same_shape, signal_batch
from neuroloom.core.training import (
    DEEP_OPTIONS,
    OPTIMIZERS,
    PRECISIONS,
    SCHEDULES,
    TrainConfig,
    steps_per_epoch,
    training_options,
)

if TYPE_CHECKING:
    import torch

Floats32 = NDArray[np.float32]
NORMALIZE = ("channel", "sample", "none")
STEPS, FEWEST_EPOCHS, MOST_EPOCHS = 400, 20, 200  # what epochs="auto" aims at


@dataclass(eq=False, repr=False, kw_only=True)
class DeepNetwork(BaseEstimator):  # type: ignore[misc]
    """Base of the models: how they are trained, how samples are scaled, how their weights are kept.

    Args:
        epochs: passes over the training samples, at least 1; ``"auto"``: as many as make 400 steps, from 20 to 200.
        batch_size: at most so many samples a step, at least 1.
        optimizer: one of ``core.training.OPTIMIZERS``.
        learning_rate: the schedule's largest, above 0.
        weight_decay: at least 0; biases, norms and other vectors do not decay.
        schedule: one of ``core.training.SCHEDULES``.
        training_options: further fields of ``core.training.TrainConfig`` by name: ``betas``, ``decay``, ``every``,
            ``milestones`` (which the schedule ``piecewise`` needs), ``min_epochs``, ``momentum``.
        clip_norm: largest L2 norm of a step's gradient, above 0; None does not clip.
        early_stopping: whether to hold out samples to stop on when there is no ``eval_set``.
        patience: epochs without a better validation score after which training stops, at least 1.
        validation_fraction: share of the samples held out for early stopping, in (0, 1).
        monitor: what chooses the epoch on the validation samples: ``"score"``, the accuracy, equals by the loss, or
            ``"loss"``.
        members: networks that are trained from different seeds and answer by their mean, at least 1.
        normalize: ``"channel"`` gives each channel mean 0 and spread 1 over all training samples; ``"sample"`` gives
            it to each channel of each sample, which takes its level and size away; ``"none"``.
        augment: names of what is done to a training sample before each step, one by one:
            ``"affine"`` (pictures), ``"cutout"``, ``"flip"``, ``"mixup"``, ``"noise"``, ``"scale"``, ``"shift"``; see
            ``neuroloom.nets._layers.augmentation``.
        precision: ``"float32"``, or ``"mixed"``: in training products are taken in bfloat16, which is about twice as
            fast where the processor has it; answers are in float32.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``, …
        random_state: int, generator or None.
    """

    epochs: int | str = "auto"
    batch_size: int = 32
    optimizer: str = "adamw"
    learning_rate: float = 0.001
    weight_decay: float = 0.01
    schedule: str = "one-cycle"
    training_options: Mapping[str, Any] | None = None
    clip_norm: float | None = None
    early_stopping: bool = False
    patience: int = 50
    validation_fraction: float = 0.2
    monitor: str = "loss"
    members: int = 1
    normalize: str = "channel"
    augment: tuple[str, ...] | list[str] = ()
    precision: str = "float32"
    device: str = "auto"
    random_state: Any = None

    takes: ClassVar[tuple[int, ...]] = (1, 2)  # dimensions of a channel: 1 for series, 2 for pictures
    takes_padding: ClassVar[bool] = (
        False  # whether NaN at the end of a series is padding that it does not read
    )
    per_step: ClassVar[bool] = False  # whether it answers at every step of a series

    # -- what a model says ----------------------------------------------------------------------------------

    @abstractmethod
    def _encoder(self, shape: tuple[int, ...]) -> torch.nn.Module:
        """Check the model's parameters and return it untrained.

        The module takes ``(b, *shape)`` and gives ``(b, width)``, ``width`` being an attribute of it.
        """

    def _network(self, shape: tuple[int, ...], answers: int) -> torch.nn.Module:
        """Return the encoder with a linear head of so many answers."""
        import torch

        encoder = self._encoder(shape)
        network = torch.nn.Sequential()
        network.add_module("encoder", encoder)
        network.add_module("head", torch.nn.Linear(encoder.width, answers))
        return network

    def _take_over(self, network: torch.nn.Module, member: int) -> None:
        """Give a new network the weights that the model begins with, where it does not draw them."""

    def _rates(self, network: torch.nn.Module) -> Mapping[str, float] | None:
        """Return factors on the learning rate by the parameter's name; None: all learn alike."""
        return None

    def _example(self) -> torch.Tensor:
        """Return one sample as the network takes it, of no particular values."""
        import torch

        return torch.zeros(1, *self.shape_)

    # -- parameters and samples -----------------------------------------------------------------------------

    def _check_training(self) -> None:
        from neuroloom.nets._layers.augmentation import AUGMENTATIONS

        if self.epochs != "auto":
            check_int("epochs", self.epochs)
        check_int("batch_size", self.batch_size)
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_float("learning_rate", self.learning_rate, 0, open_low=True)
        check_float("weight_decay", self.weight_decay, 0)
        check_choice("schedule", self.schedule, SCHEDULES)
        training_options(self.training_options, DEEP_OPTIONS)
        check_int("patience", self.patience)
        check_float("validation_fraction", self.validation_fraction, 0, 1, open_low=True, open_high=True)
        check_choice("monitor", self.monitor, ("score", "loss"))
        check_int("members", self.members)
        check_choice("normalize", self.normalize, NORMALIZE)
        check_choice("precision", self.precision, PRECISIONS)
        if not isinstance(self.augment, tuple | list):
            raise InputError(f"`augment` must be a list of names, but got {self.augment!r}; put it in [ ].")
        for name in self.augment:
            check_choice("augment", name, AUGMENTATIONS)
        if "affine" in self.augment and len(self.shape_) != 3:
            raise InputError("augment 'affine' turns pictures; for series take 'shift', 'scale' or 'noise'.")

    def _learn_shape(self, X: Any) -> NDArray[Any]:
        """Check the training samples, learn their shape and scale, and return them scaled."""
        values = self._values(X)
        self.shape_ = tuple(int(s) for s in values.shape[1:])
        axes = (0, *range(2, values.ndim))
        self.mean_: NDArray[np.float64] | None = None
        self.scale_: NDArray[np.float64] | None = None
        if self.normalize == "channel":
            self.mean_ = np.nanmean(values, axis=axes, dtype=np.float64)
            spread = np.nanstd(values, axis=axes, dtype=np.float64)
            self.scale_ = np.where(spread > 1e-12 * np.maximum(np.abs(self.mean_), 1e-300), spread, 1.0)
        return self._scaled(values)

    def _read(self, X: Any) -> NDArray[Any]:
        """Return samples like those of ``fit``, scaled.

        Raises:
            InputError: they have another shape, or missing values.
        """
        return self._scaled(same_shape(self._values(X), self.shape_))

    def _values(self, X: Any) -> NDArray[Any]:
        """Return ``X`` as ``(n, channels, …)``; NaN is left only where it is padding."""
        padding = None
        if self.takes_padding and isinstance(X, np.ndarray) and X.ndim in (2, 3) and X.dtype.kind == "f":
            padding = _padding(X)
        values = signal_batch(X if padding is None else np.where(padding, X.dtype.type(0), X))
        if values.ndim - 2 not in self.takes:
            wanted = " or ".join({1: "series", 2: "pictures"}[d] for d in self.takes)
            came = {1: "series", 2: "pictures"}[values.ndim - 2]
            raise InputError(f"{type(self).__name__} takes {wanted}, but got {came} of shape {values.shape}.")
        if padding is None:
            return values
        return np.where(padding.reshape(values.shape), values.dtype.type(np.nan), values)

    def _scaled(self, values: NDArray[Any]) -> NDArray[Any]:
        if self.normalize == "none":
            return np.ascontiguousarray(values, dtype=np.float32)
        if self.mean_ is not None and self.scale_ is not None:
            mean, scale = (s.reshape(-1, *[1] * (values.ndim - 2)) for s in (self.mean_, self.scale_))
        else:
            axes = tuple(range(2, values.ndim))
            mean = np.nanmean(values, axis=axes, keepdims=True)
            spread = np.nanstd(values, axis=axes, keepdims=True)
            scale = np.where(spread > 1e-6 * np.maximum(np.abs(mean), 1e-30), spread, 1.0)
        return np.ascontiguousarray((values - mean) / scale, dtype=np.float32)

    def _config(self, n: int, validated: bool) -> TrainConfig:
        per_epoch = steps_per_epoch(n, self.batch_size)
        epochs = self.epochs
        if isinstance(epochs, str):
            epochs = min(max(math.ceil(STEPS / per_epoch), FEWEST_EPOCHS), MOST_EPOCHS)
        return TrainConfig(
            epochs=epochs,
            batch_size=self.batch_size,
            optimizer=self.optimizer,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            schedule=self.schedule,
            clip_norm=self.clip_norm,
            precision=self.precision,
            patience=self.patience if validated else None,
            **training_options(self.training_options, DEEP_OPTIONS),
        )

    # -- weights --------------------------------------------------------------------------------------------

    def _restored(self, member: int) -> torch.nn.Module:
        """Return a member with its kept weights, ready to answer on the device."""
        import torch

        from neuroloom.core.devices import resolve_device

        with torch.random.fork_rng(devices=[]):
            network = self._network(self.shape_, self.n_answers_)
        kept = {name: torch.from_numpy(np.array(value)) for name, value in self.weights_[member].items()}
        network.load_state_dict(kept)
        return network.to(resolve_device(self.device)).eval()

    def torch_module(self, member: int = 0) -> torch.nn.Module:
        """Return the fitted network as a torch module over scaled samples ``(b, *shape_)``, in evaluation mode.

        Its ``encoder`` gives the vectors before the ``head``. Weights are copies; training it changes nothing here.

        Args:
            member: which of the ensemble, from 0.
        """
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        check_int("member", member, 0, len(self.weights_) - 1)
        return self._restored(member)


def _padding(X: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Return which steps lie after the end of their series, NaN in all channels up to the last; None for none."""
    missing = np.isnan(X)
    if not missing.any():
        return None
    together = missing.all(axis=1, keepdims=True) if X.ndim == 3 else missing
    ended = np.flip(np.logical_and.accumulate(np.flip(together, -1), axis=-1), -1)
    found: NDArray[np.bool_] = np.broadcast_to(ended, X.shape).copy()
    if found.all(axis=tuple(range(1, X.ndim))).any():
        raise InputError("a series holds no value at all, only NaN; drop it.")
    return found
