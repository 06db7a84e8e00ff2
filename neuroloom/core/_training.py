"""What :func:`neuroloom.core.training.train` keeps while it runs: flat weights, optimiser, best weights, records."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_int
from neuroloom.core.errors import InputError

if TYPE_CHECKING:
    import torch

    from neuroloom.core.parallel import SharedBatches
    from neuroloom.core.training import TrainConfig


class DivergenceWarning(UserWarning):
    """A job's loss or gradient stopped being finite; its last good weights were kept."""


class Progress(NamedTuple):
    """What the progress callback gets after each epoch; loss and score are means over the jobs still running."""

    epoch: int
    epochs: int
    running: int
    loss: float
    score: float | None


@dataclass(frozen=True)
class TrainResult:
    """What came out, one entry a job.

    Args:
        histories: per job one record an epoch: ``step`` (the epoch, from 1), ``seconds``, ``loss`` (the epoch's mean)
            and, with validation, ``score``.
        epochs: ``(jobs,)`` epochs done.
        kept: ``(jobs,)`` the epoch after which the kept weights were taken: the best with validation, else the last;
            0 stands for the initial weights.
        scores: ``(jobs,)`` validation score of the kept weights; NaN without validation.
        diverged: ``(jobs,)`` whether the job was stopped because its loss or gradient was not finite.
    """

    histories: list[list[dict[str, float]]]
    epochs: NDArray[np.int64]
    kept: NDArray[np.int64]
    scores: NDArray[np.float64]
    diverged: NDArray[np.bool_]

    @property
    def history(self) -> list[dict[str, float]]:
        """The records of the only job, or of the first."""
        return self.histories[0]


def each(value: Any) -> list[Any]:
    """Return ``value`` as a list: itself if it is a sequence or array, else of one."""
    return list(value) if isinstance(value, Sequence | np.ndarray) else [value]


class Optimizing:
    """The state of one run; all trainable parameters are views of ``flat``, ``(jobs, P)``."""

    def __init__(
        self,
        network: torch.nn.Module,
        config: TrainConfig,
        jobs: int | None,
        rate_scale: Mapping[str, float] | None,
        decay_scale: Mapping[str, float] | None,
        validated: bool,
    ) -> None:
        import torch

        self.network, self.config, self.validated = network, config, validated
        self.jobs = 1 if jobs is None else check_int("jobs", jobs)
        named = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
        _check_parameters(named, jobs)
        self.parameters = [p for _, p in named]
        self.device, self.dtype = self.parameters[0].device, self.parameters[0].dtype
        self.flat = torch.cat([p.detach().reshape(self.jobs, -1) for p in self.parameters], dim=1)
        self.grad = torch.zeros_like(self.flat)
        self.shapes = [p.shape if jobs is None else p.shape[1:] for p in self.parameters]
        self.stacked, self.at = jobs is not None, np.arange(self.jobs)  # which job each row of `flat` is
        self._point(self.flat)
        self.delta = torch.zeros_like(self.flat)
        self.delta.grad = self.grad
        self.optimizer = _optimizer(config, self.delta)
        self.rates = self._per_job("learning_rate", config.learning_rate)
        self.decays = self._per_job("weight_decay", config.weight_decay)
        self.rate_scale = self._per_parameter(rate_scale, named)
        self.decay_scale = self._per_parameter(decay_scale, named)
        self.decaying = bool(self.decays.any())
        self.best_flat = self.flat.clone()
        self.best_buffers = {name: b.clone() for name, b in self._buffers().items()}
        self.alive = torch.ones((self.jobs, 1), dtype=torch.bool, device=self.device)
        self.losses = torch.zeros(self.jobs, dtype=self.dtype, device=self.device)
        self.loss, self.score = np.full(self.jobs, np.nan), np.full(self.jobs, np.nan)
        self.running, self.diverged = np.ones(self.jobs, bool), np.zeros(self.jobs, bool)
        self.epochs, self.best_epoch = np.zeros(self.jobs, np.int64), np.zeros(self.jobs, np.int64)
        self.best, self.cut = np.full(self.jobs, -np.inf), np.zeros(self.jobs, np.int64)
        self.histories: list[list[dict[str, float]]] = [[] for _ in range(self.jobs)]
        self.shared: SharedBatches | None = None

    def _per_job(self, name: str, value: float | Sequence[float]) -> torch.Tensor:
        import torch

        values = each(value)
        if len(values) not in (1, self.jobs):
            raise InputError(f"`{name}` must be one number or {self.jobs}, one a job, but got {len(values)}.")
        return torch.tensor(values, dtype=self.dtype, device=self.device).expand(self.jobs).clone()[:, None]

    def _per_parameter(
        self, scale: Mapping[str, float] | None, named: Sequence[tuple[str, Any]]
    ) -> torch.Tensor | None:
        import torch

        if scale is None:
            return None
        names = [name for name, _ in named]
        strange = sorted(set(scale) - set(names))
        if strange:
            raise InputError(f"no trainable parameter is called {strange[0]!r}; there are {names}.")
        parts = [torch.full((p.numel() // self.jobs,), float(scale.get(name, 1.0))) for name, p in named]
        return torch.cat(parts).to(self.flat)

    def _buffers(self) -> dict[str, torch.Tensor]:
        """Return the floating buffers that go with the weights; a layer may put new tensors in their place."""
        return {
            name: b
            for name, b in self.network.named_buffers()
            if b.is_floating_point() and (not self.stacked or b.shape[:1] == (self.jobs,))
        }

    def _point(self, flat: torch.Tensor) -> None:
        """Make the parameters views of ``flat``."""
        start = 0
        for p, shape in zip(self.parameters, self.shapes, strict=True):
            stop = start + shape.numel()
            p.data = flat[:, start:stop].view((len(flat), *shape) if self.stacked else shape)
            start = stop

    def shrink(self) -> torch.Tensor | None:
        """Drop finished jobs once they are a third of the rows; return the rows that stay, or None for all."""
        stay = np.flatnonzero(self.running[self.at])
        if not len(stay) or 3 * len(stay) > 2 * len(self.at) or self.best_buffers or not self.validated:
            return None
        return self.take(stay)

    def take(self, stay: NDArray[np.int64]) -> torch.Tensor:
        """Drop all rows but ``stay``, and return those."""
        import torch

        rows = torch.from_numpy(stay).to(self.device)
        state = self.optimizer.state.get(self.delta, {})
        self.at = self.at[stay]
        self.flat, self.grad, self.delta = self.flat[rows], self.grad[rows], torch.zeros_like(self.flat[rows])
        self.rates, self.decays, self.alive = self.rates[rows], self.decays[rows], self.alive[rows]
        self.losses = self.losses[rows]
        self.delta.grad = self.grad
        self.optimizer = _optimizer(self.config, self.delta)
        self.optimizer.state[self.delta] = {
            name: value[rows] if value.ndim == 2 else value for name, value in state.items()
        }
        self._point(self.flat)
        return rows

    def step(self, loss: Callable[[Any, Any], torch.Tensor], rows: Any, at: float) -> None:
        """Take one step of every running job, ``at`` epochs from the start; a job that is not finite stays put."""
        import torch

        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "mixed"):
            if self.shared is None:
                value = loss(self.network, rows)
                gradients = torch.autograd.grad(value.sum(), self.parameters, materialize_grads=True)
            else:
                value, gradients = self.shared.gradients(rows)
        with torch.no_grad():
            value = value.detach().reshape(-1)
            torch.cat([g.reshape(len(self.at), -1) for g in gradients], dim=1, out=self.grad)
            norm = torch.linalg.vector_norm(self.grad, dim=1, keepdim=True)
            self.losses += value
            self.alive &= (torch.isfinite(value) & torch.isfinite(norm[:, 0]))[:, None]
            if self.config.clip_norm is not None:
                self.grad.mul_((self.config.clip_norm / (norm + 1e-6)).clamp(max=1.0))
            rates: torch.Tensor = torch.where(self.alive, self.rates * _factor(self.config, at), 0.0)
            if self.rate_scale is not None:
                rates = rates * self.rate_scale
            if self.decaying:
                decays = self.decays if self.decay_scale is None else self.decays * self.decay_scale
                if self.config.optimizer in ("adamw", "lion"):
                    self.flat.mul_(1 - rates * decays)
                else:
                    self.grad.add_(self.flat * decays)
            self.optimizer.step()
            self.flat.add_(self.delta.mul_(rates).masked_fill_(~self.alive, 0.0))
            self.delta.zero_()

    def end_epoch(self, epoch: int, steps: int, score: torch.Tensor | None, seconds: float) -> None:
        """Record the epoch, keep the weights of jobs that improved, and stop those that are done."""
        import torch

        self.loss[self.at] = (self.losses / steps).double().cpu().numpy()
        self.losses.zero_()
        alive = np.zeros(self.jobs, bool)
        alive[self.at] = self.alive[:, 0].cpu().numpy()
        self.score = -self.loss
        if score is not None:
            self.score[self.at] = score.detach().double().reshape(-1).cpu().numpy()
        was_running = self.running.copy()
        self.epochs[was_running] = epoch
        for job in np.flatnonzero(was_running):
            record = {"step": epoch, "seconds": seconds, "loss": float(self.loss[job])}
            self.histories[job].append(
                record if score is None else record | {"score": float(self.score[job])}
            )
        better = was_running & alive & (self.score > self.best)  # False where the score is not a number
        if better.any():
            better[self.at] &= torch.isfinite(self.flat).all(dim=1).cpu().numpy()
            self._keep(better)
            self.best[better], self.best_epoch[better] = self.score[better], epoch
        self.diverged |= was_running & ~alive
        self.running &= alive
        if self.config.patience is not None and epoch >= self.config.min_epochs:
            self.running &= epoch - self.best_epoch < self.config.patience
        if self.config.schedule == "plateau":
            waited = epoch - np.maximum(self.best_epoch, self.cut) >= self.config.every
            self.cut[waited] = epoch
            self.rates.mul_(
                torch.from_numpy(np.where(waited, self.config.decay, 1.0)[self.at, None]).to(self.rates)
            )
        self.alive.copy_(torch.from_numpy(self.running[self.at])[:, None])

    def _keep(self, better: NDArray[np.bool_]) -> None:
        """Copy the weights and buffers of the jobs that are ``better`` to the best ones."""
        import torch

        rows = torch.from_numpy(np.flatnonzero(better[self.at])).to(self.device)
        self.best_flat[torch.from_numpy(self.at).to(self.device)[rows]] = self.flat[rows]
        now = self._buffers()
        for name, kept in self.best_buffers.items():  # a plain module's buffers have no dimension of jobs
            if self.stacked:
                kept[rows] = now[name][rows]
            elif len(rows):
                kept.copy_(now[name])

    def report(self, epoch: int) -> Progress:
        """Return what the progress callback is told."""
        who = self.running if self.running.any() else np.ones(self.jobs, bool)
        score = float(self.score[who].mean()) if self.validated else None
        return Progress(
            epoch, self.config.epochs, int(self.running.sum()), float(self.loss[who].mean()), score
        )

    def finish(self) -> None:
        """Put the kept weights into the network, whose parameters get memory of their own again."""
        import torch

        back = torch.from_numpy(self.diverged | self.validated).to(self.device)
        kept = self.best_flat
        if len(self.at) == self.jobs:
            kept = torch.where(back[:, None], self.best_flat, self.flat)
        self._point(kept)
        now = self._buffers()
        for name, best in self.best_buffers.items():
            if self.stacked:
                now[name][back] = best[back]
            elif bool(back):
                now[name].copy_(best)
        for p in self.parameters:
            p.data = p.data.clone(memory_format=torch.contiguous_format)

    def result(self) -> TrainResult:
        """Return the records, and warn of jobs that diverged."""
        back = self.diverged | self.validated
        kept = np.where(back, self.best_epoch, self.epochs)
        for job in np.flatnonzero(self.diverged):
            which = "" if self.jobs == 1 else f" of job {job} (of {self.jobs})"
            warnings.warn(
                f"training{which} diverged in epoch {self.epochs[job]}: the loss or its gradient is not finite. The "
                f"weights after epoch {kept[job]} were kept; lower `learning_rate` (now "
                f"{each(self.config.learning_rate)[job % len(each(self.config.learning_rate))]:g}), set `clip_norm`, "
                "or check the scale of the inputs.",
                DivergenceWarning,
                stacklevel=3,
            )
        scores = np.where(self.validated & np.isfinite(self.best), self.best, np.nan)
        return TrainResult(self.histories, self.epochs, kept, scores, self.diverged)


def _check_parameters(named: Sequence[tuple[str, Any]], jobs: int | None) -> None:
    if not named:
        raise InputError("the network has no trainable parameter; there is nothing to train.")
    kinds = {(str(p.dtype), str(p.device)) for _, p in named}
    if len(kinds) > 1:
        raise InputError(
            f"all trainable parameters must share one type and device, but have {sorted(kinds)}."
        )
    for name, p in named:
        if jobs is not None and p.shape[:1] != (jobs,):
            raise InputError(
                f"parameter {name!r} of a stack of {jobs} jobs must have shape ({jobs}, …), but has {tuple(p.shape)}."
            )


def _optimizer(config: TrainConfig, delta: torch.Tensor) -> torch.optim.Optimizer:
    """Return torch's optimiser over ``delta`` at rate 1; rates and weight decay are the caller's."""
    from torch import optim

    adam: dict[str, Any] = {"lr": 1.0, "betas": config.betas, "weight_decay": 0.0}
    makers: dict[str, Callable[[], optim.Optimizer]] = {
        "sgd": lambda: optim.SGD([delta], lr=1.0),
        "momentum": lambda: optim.SGD([delta], lr=1.0, momentum=config.momentum),
        "nesterov": lambda: optim.SGD([delta], lr=1.0, momentum=config.momentum, nesterov=True),
        "adam": lambda: optim.Adam([delta], **adam),
        "adamw": lambda: optim.Adam([delta], **adam),
        "nadam": lambda: optim.NAdam([delta], **adam),
        "radam": lambda: optim.RAdam([delta], **adam),
        "rmsprop": lambda: optim.RMSprop([delta], lr=1.0, momentum=config.momentum),
        "adagrad": lambda: optim.Adagrad([delta], lr=1.0),
        "adadelta": lambda: optim.Adadelta([delta], lr=1.0),
        "adamax": lambda: optim.Adamax([delta], **adam),
        "lion": lambda: _lion(delta, config.betas),
    }
    return makers[config.optimizer]()


def _lion(delta: torch.Tensor, betas: tuple[float, float]) -> torch.optim.Optimizer:
    """Return Lion, which torch has not, at rate 1 and without its weight decay.

    ``d = sign(β₁ m + (1 - β₁) g)``, then ``m = β₂ m + (1 - β₂) g`` (Chen et al. 2023, "Symbolic discovery of
    optimization algorithms", algorithm 2).
    """
    import torch

    class Lion(torch.optim.Optimizer):  # type: ignore[misc]
        def step(self, closure: Any = None) -> None:
            state = self.state[delta]
            m = state.setdefault("exp_avg", torch.zeros_like(delta))
            delta.sub_(torch.sign(betas[0] * m + (1 - betas[0]) * delta.grad))
            m.mul_(betas[1]).add_(delta.grad, alpha=1 - betas[1])

    return Lion([delta], {})


def _factor(config: TrainConfig, at: float) -> float:
    """Return the schedule's factor ``at`` epochs from the start."""
    t, epoch = at / config.epochs, math.floor(at)
    match config.schedule:
        case "cosine":
            return (1 + math.cos(math.pi * t)) / 2
        case "flat-cosine":
            return 1.0 if t < 0.5 else (1 + math.cos(math.pi * (2 * t - 1))) / 2
        case "linear":
            return 1 - t
        case "one-cycle":
            if t < 0.3:
                return 1 / 25 + (1 - 1 / 25) * (1 - math.cos(math.pi * t / 0.3)) / 2
            return 4e-6 + (1 - 4e-6) * (1 + math.cos(math.pi * (t - 0.3) / 0.7)) / 2
        case "exponential":
            return config.decay**epoch
        case "step":
            return config.decay ** (epoch // config.every)
        case "piecewise":
            return config.decay ** sum(epoch >= milestone for milestone in config.milestones)
        case "power":
            return float((1 + epoch / config.every) ** -config.decay)
    return 1.0
