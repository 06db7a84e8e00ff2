"""What the nets that learn without answers share: samples of any shape, their scale, the training, the kept weights.

Autoencoders and samplers learn from rows of a table, from series and from pictures alike, and give samples back in the
unit they came in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from neuroloom.core.checkpoints import digest
from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.core.seeding import as_seed, derive
from neuroloom.core.signals import same_shape, signal_batch
from neuroloom.core.training import (
    DEEP_OPTIONS,
    OPTIMIZERS,
    SCHEDULES,
    TrainConfig,
    TrainResult,
    steps_per_epoch,
    training_options,
)

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float64]
NORMALIZE = ("channel", "none", "range")
FEWEST_EPOCHS, MOST_EPOCHS = 20, 1000  # what epochs="auto" keeps to
AT_ONCE = 512  # samples answered at once


@dataclass(eq=False, repr=False, kw_only=True)
class SampleNetwork(BaseEstimator):  # type: ignore[misc]
    """Base of the nets that learn from samples alone: what samples are like, and the kept weights.

    Args:
        epochs: passes over the training samples, at least 1; ``"auto"``: as many as make the steps that the model
            wants.
        batch_size: at most so many samples a step, at least 1.
        learning_rate: the schedule's largest, above 0.
        normalize: ``"channel"`` gives each column or channel mean 0 and spread 1 over the training samples; ``"range"``
            brings each into 0 … 1; ``"none"``.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``, …
        random_state: int, generator or None.
    """

    epochs: int | str = "auto"
    batch_size: int = 64
    learning_rate: float = 0.003
    normalize: str = "channel"
    device: str = "auto"
    random_state: Any = None

    # -- samples ----------------------------------------------------------------------------------------------

    def _learn_shape(self, X: Any) -> Floats:
        """Check the training samples, learn their shape and scale, and return them scaled."""
        check_choice("normalize", self.normalize, NORMALIZE)
        if _dimensions(X) > 2:
            values = signal_batch(X)
        else:
            values = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        if len(values) < 2:
            raise InputError(f"expected at least 2 samples to learn from, but got {len(values)}.")
        self.shape_ = tuple(int(s) for s in values.shape[1:])
        axes = (0, *range(2, values.ndim))
        if self.normalize == "channel":
            self.origin_: Floats = values.mean(axis=axes, dtype=np.float64)
            spread = values.std(axis=axes, dtype=np.float64)
        elif self.normalize == "range":
            self.origin_ = values.min(axis=axes).astype(np.float64)
            spread = values.max(axis=axes).astype(np.float64) - self.origin_
        else:
            self.origin_ = np.zeros(self.shape_[0])
            spread = np.ones(self.shape_[0])
        varies = spread > 1e-12 * np.maximum(np.abs(self.origin_), 1e-300)
        self.scale_: Floats = np.where(varies, spread, 1.0)
        return self._scaled(values)

    def _read(self, X: Any) -> Floats:
        """Return samples like those of ``fit``, scaled.

        Raises:
            InputError: they have another shape, or missing values.
        """
        check_is_fitted(self)
        if len(self.shape_) == 1:
            return self._scaled(validate_data(self, X, dtype=np.float64, reset=False))
        return self._scaled(same_shape(signal_batch(X), self.shape_))

    def _scaled(self, values: NDArray[Any]) -> Floats:
        offset, scale = self._per_channel()
        found: Floats = (values.astype(np.float64) - offset) / scale
        return found

    def _unscaled(self, values: NDArray[Any]) -> Floats:
        """Return scaled samples in the unit of the training samples."""
        offset, scale = self._per_channel()
        found: Floats = values.astype(np.float64) * scale + offset
        return found

    def _per_channel(self) -> tuple[Floats, Floats]:
        places = [1] * (len(self.shape_) - 1)
        return self.origin_.reshape(-1, *places), self.scale_.reshape(-1, *places)

    def _check_common(self) -> None:
        if self.epochs != "auto":
            check_int("epochs", self.epochs)
        check_int("batch_size", self.batch_size)
        check_float("learning_rate", self.learning_rate, 0, open_low=True)

    def _steps(self) -> int:
        """Return how many steps ``epochs="auto"`` makes or aims at."""
        return 2000

    def _build(self) -> torch.nn.Module:
        """Check the model's parameters and return its network, untrained, for samples of ``shape_``."""
        raise NotImplementedError

    def _keep(self, network: torch.nn.Module) -> None:
        self.weights_ = {k: v.cpu().numpy().copy() for k, v in network.state_dict().items()}
        self.n_parameters_ = int(sum(p.numel() for p in network.parameters() if p.requires_grad))

    # -- the fitted network -----------------------------------------------------------------------------------

    def torch_module(self) -> torch.nn.Module:
        """Return the fitted network as a torch module over scaled samples, in evaluation mode, its weights copies."""
        import torch

        from neuroloom.core.devices import resolve_device

        check_is_fitted(self)
        with torch.random.fork_rng(devices=[]):
            network = self._build()
        network.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in self.weights_.items()})
        return network.to(resolve_device(self.device)).eval()

    def _map(
        self, function: Callable[[Any, torch.Tensor], torch.Tensor], values: NDArray[Any]
    ) -> NDArray[np.float64]:
        """Return ``function(network, part)`` of all parts of ``values``, one after the other.

        In double precision, where the device has it, so that a sample's answer does not depend on its neighbours.
        """
        import torch

        network = self.torch_module()
        device = next(network.parameters()).device
        dtype = torch.float32 if device.type == "mps" else torch.float64
        network.to(dtype)
        with torch.no_grad():
            parts = torch.as_tensor(np.ascontiguousarray(values), dtype=dtype).split(AT_ONCE)
            found: Floats = torch.cat([function(network, p.to(device)) for p in parts]).double().cpu().numpy()
        return found


@dataclass(eq=False, repr=False, kw_only=True)
class UnlabelledNetwork(SampleNetwork):
    """Base of those that are one network with one loss: how it is trained, from 20 to 1,000 passes by ``"auto"``.

    Args:
        optimizer: one of ``core.training.OPTIMIZERS``.
        weight_decay: at least 0; biases and other vectors do not decay.
        schedule: one of ``core.training.SCHEDULES``.
        training_options: further fields of ``core.training.TrainConfig`` by name: ``betas``, ``decay``, ``every``,
            ``milestones`` (which the schedule ``piecewise`` needs), ``min_epochs``, ``momentum``.
        clip_norm: largest L2 norm of a step's gradient, above 0; None does not clip.
    """

    optimizer: str = "adamw"
    weight_decay: float = 0.0
    schedule: str = "one-cycle"
    training_options: Mapping[str, Any] | None = None
    clip_norm: float | None = 1.0

    def _check_training(self) -> None:
        self._check_common()
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_float("weight_decay", self.weight_decay, 0)
        check_choice("schedule", self.schedule, SCHEDULES)
        training_options(self.training_options, DEEP_OPTIONS)
        if self.clip_norm is not None:
            check_float("clip_norm", self.clip_norm, 0, open_low=True)

    def _epochs(self, n: int) -> int:
        if not isinstance(self.epochs, str):
            return self.epochs
        wanted = math.ceil(self._steps() / steps_per_epoch(n, self.batch_size))
        return min(max(wanted, FEWEST_EPOCHS), MOST_EPOCHS)

    def _fit_network(
        self,
        loss: Callable[..., torch.Tensor],
        values: Floats,
        valid: Callable[[Any], torch.Tensor] | None = None,
        patience: int | None = None,
        rate_scale: dict[str, float] | None = None,
        *,
        target: NDArray[Any] | None = None,
        prepare: Callable[[Any, torch.Tensor], None] | None = None,
    ) -> None:
        """Train a new network by ``loss(network, batch)``, or ``loss(network, batch, target)``, and keep its weights.

        ``prepare(network, samples)`` is called before.
        """
        import torch

        from neuroloom.core.devices import resolve_device

        self._check_training()
        self.seed_ = as_seed(self.random_state)
        device = resolve_device(self.device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(self.seed_, "weights"))
            network = self._build().to(device)
        x = torch.from_numpy(values.astype(np.float32)).to(device)
        if prepare is not None:
            prepare(network, x)
        known = None if target is None else torch.from_numpy(target).to(device)

        def batch_loss(net: Any, rows: Any) -> torch.Tensor:
            return loss(net, x[rows]) if known is None else loss(net, x[rows], known[rows])

        told = digest(self, values, target)
        result = self._trained(
            network,
            batch_loss,
            len(values),
            "train",
            told,
            valid=valid,
            patience=patience,
            rate_scale=rate_scale,
        )
        self._keep(network)
        self.history_ = result.history
        self.best_epoch_ = int(result.kept[0])

    def _trained(
        self,
        network: torch.nn.Module,
        loss: Callable[[Any, Any], torch.Tensor],
        n: int,
        name: str,
        samples: str,
        *,
        valid: Callable[[Any], torch.Tensor] | None = None,
        patience: int | None = None,
        rate_scale: dict[str, float] | None = None,
    ) -> TrainResult:
        """Train a network over ``n`` samples as the parameters say; ``name`` tells its random stream from others.

        ``samples`` tells the samples from others, for checkpoints.
        """
        from neuroloom.core.training import train

        config = TrainConfig(
            epochs=self._epochs(n), batch_size=self.batch_size, optimizer=self.optimizer,
            learning_rate=self.learning_rate, weight_decay=self.weight_decay, schedule=self.schedule,
            clip_norm=self.clip_norm, patience=patience, **training_options(self.training_options, DEEP_OPTIONS),
        )  # fmt: skip
        still = {name: 0.0 for name, p in network.named_parameters() if p.ndim < 2}
        return train(network, loss, config=config, n_samples=n, seed=derive(self.seed_, name), valid=valid,
                     decay_scale=still, rate_scale=rate_scale, samples=samples)  # fmt: skip


def _dimensions(X: Any) -> int:
    if isinstance(X, list | tuple):
        return np.ndim(X)
    return int(getattr(X, "ndim", 2))
