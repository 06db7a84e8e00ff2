"""The one torch training loop of the package: a module, or J independent modules stacked in one.

Why not skorch or Lightning Fabric. skorch's ``NeuralNet`` is one module and one optimiser an estimator, with stopping
by callbacks that act on the whole net; Fabric leaves the loop to its user and brings devices and precision. Neither
knows members that share a module but stop, clip, diverge and draw on their own, which is what makes a hundred small
nets cost as much as a few. What torch does well is used as it is: its own optimisers take every step here.

All trainable parameters become views of one ``(jobs, P)`` matrix. torch's optimiser runs at learning rate 1 over a
matrix of zeros of that shape, which leaves in it the step's direction ``-d``; the loop then adds ``rate_j · (-d_j)``,
so that rates, weight decay, clipping and stopping are a job's own while the optimiser is one call. Every optimiser
on offer is linear in its learning rate, so the numbers are those of a loop written by hand.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neuroloom.core._training import DivergenceWarning, Optimizing, Progress, TrainResult, each
from neuroloom.core.checkpoints import Beside, kept_here
from neuroloom.core.checks import check_choice, check_float, check_int
from neuroloom.core.errors import InputError, unknown
from neuroloom.core.parallel import shared
from neuroloom.core.seeding import derive, stream
from neuroloom.core.watching import told

if TYPE_CHECKING:
    import torch

__all__ = [
    "OPTIMIZERS",
    "PRECISIONS",
    "SCHEDULES",
    "DivergenceWarning",
    "Progress",
    "TrainConfig",
    "TrainResult",
    "steps_per_epoch",
    "train",
]
OPTIMIZERS = ("adadelta", "adagrad", "adam", "adamax", "adamw", "lion", "momentum", "nadam", "nesterov", "radam",
              "rmsprop", "sgd")  # fmt: skip
PRECISIONS = ("float32", "mixed")
SCHEDULES = (
    "none",
    "cosine",
    "exponential",
    "flat-cosine",
    "linear",
    "one-cycle",
    "piecewise",
    "plateau",
    "power",
    "step",
)


@dataclass(frozen=True)
class TrainConfig:
    """How to train; every field is checked when the value is made.

    Args:
        epochs: passes over the samples, at least 1.
        batch_size: at most so many samples a step, dealt out evenly (100 samples at 32 give 4 batches of 25); None
            takes all at once (a full graph).
        optimizer: one of ``OPTIMIZERS``.
        learning_rate: above 0; a sequence gives each job its own.
        weight_decay: at least 0; decoupled for ``adamw`` (Loshchilov & Hutter 2019) and ``lion`` (Chen et al. 2023),
            else an L2 term in the gradient. A sequence gives each job its own.
        momentum: in [0, 1), for ``momentum``, ``nesterov`` and ``rmsprop``.
        betas: two numbers in [0, 1), for the Adam family.
        schedule: factor on the rate over the run's share ``t`` in [0, 1): ``none``; ``cosine`` ``(1 + cos πt) / 2``;
            ``one-cycle`` (Smith 2018: up from 1/25 over the first 0.3, then down to 1/250,000, both as cosines);
            ``flat-cosine`` (1 for the first half, then a cosine to 0); ``linear`` ``1 - t``; ``exponential``
            ``decay^epoch``; ``step`` ``decay^(epoch // every)``; ``piecewise`` ``decay^m`` after ``m`` of the
            ``milestones``; ``power`` ``(1 + epoch / every)^-decay``; ``plateau``: times ``decay`` after ``every``
            epochs in which a job's score (its training loss, without validation) did not improve.
        decay: in (0, 1], for ``exponential``, ``step``, ``piecewise``, ``power`` and ``plateau``.
        every: epochs, at least 1, for ``step``, ``power`` and ``plateau``.
        milestones: rising epochs, each at least 1, for ``piecewise``, which needs some.
        clip_norm: largest L2 norm of a job's gradient, above 0, or None.
        patience: stop a job after so many epochs without a better validation score; None never stops early.
        min_epochs: no job stops before it has done so many.
        precision: ``"float32"``: as the weights are; ``"mixed"``: products in bfloat16, weights and losses as they are
            (Micikevicius et al. 2018), which is faster where the processor has it.

    Raises:
        InputError: a field lies outside its range.
    """

    epochs: int = 100
    batch_size: int | None = None
    optimizer: str = "adamw"
    learning_rate: float | Sequence[float] = 1e-3
    weight_decay: float | Sequence[float] = 0.0
    momentum: float = 0.9
    betas: tuple[float, float] = (0.9, 0.999)
    schedule: str = "none"
    decay: float = 0.5
    every: int = 10
    milestones: tuple[int, ...] = ()
    clip_norm: float | None = None
    patience: int | None = None
    min_epochs: int = 0
    precision: str = "float32"

    def __post_init__(self) -> None:
        check_int("epochs", self.epochs)
        if self.batch_size is not None:
            check_int("batch_size", self.batch_size)
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        for rate in each(self.learning_rate):
            check_float("learning_rate", rate, 0, open_low=True)
        for rate in each(self.weight_decay):
            check_float("weight_decay", rate, 0)
        check_float("momentum", self.momentum, 0, 1, open_high=True)
        for beta in self.betas:
            check_float("betas", beta, 0, 1, open_high=True)
        check_choice("schedule", self.schedule, SCHEDULES)
        check_float("decay", self.decay, 0, 1, open_low=True)
        check_int("every", self.every)
        for milestone in self.milestones:
            check_int("milestones", milestone)
        if list(self.milestones) != sorted(set(self.milestones)):
            raise InputError(f"`milestones` must rise, but got {self.milestones!r}; sort them.")
        if self.schedule == "piecewise" and not self.milestones:
            raise InputError("the schedule 'piecewise' needs `milestones`; pass epochs such as (50, 100).")
        if self.clip_norm is not None:
            check_float("clip_norm", self.clip_norm, 0, open_low=True)
        if self.patience is not None:
            check_int("patience", self.patience)
        check_int("min_epochs", self.min_epochs, low=0)
        check_choice("precision", self.precision, PRECISIONS)


OPTIONS = ("betas", "clip_norm", "decay", "every", "milestones", "min_epochs", "momentum")
DEEP_OPTIONS = tuple(name for name in OPTIONS if name != "clip_norm")  # which deep nets have as a parameter


def training_options(given: Mapping[str, Any] | None, known: Sequence[str] = OPTIONS) -> dict[str, Any]:
    """Return fields of :class:`TrainConfig` that a user named, lists as tuples.

    Raises:
        InputError: a name is not one of ``known``.
    """
    for name in given or {}:
        if name not in known:
            raise unknown("training option", name, known, "They are fields of core.training.TrainConfig.")
    return {name: tuple(v) if isinstance(v, list) else v for name, v in (given or {}).items()}


def steps_per_epoch(n_samples: int, batch_size: int | None) -> int:
    """Return how many steps an epoch over ``n_samples`` takes; jobs of one stack must agree in it."""
    return 1 if batch_size is None else max(1, math.ceil(n_samples / batch_size))


def train(
    network: torch.nn.Module,
    loss: Callable[[Any, torch.Tensor | None], torch.Tensor],
    *,
    config: TrainConfig,
    n_samples: int | Sequence[int] | None = None,
    seed: int | Sequence[int] = 0,
    valid: Callable[[Any], torch.Tensor] | None = None,
    jobs: int | None = None,
    rate_scale: Mapping[str, float] | None = None,
    decay_scale: Mapping[str, float] | None = None,
    shrink: Callable[[torch.Tensor], None] | None = None,
    project: Callable[[], object] | None = None,
    renew: Callable[[int], object] | None = None,
    progress: Callable[[Progress], object] | None = None,
    samples: str | None = None,
    draws: Sequence[np.random.Generator] = (),
    beside: Sequence[Beside] = (),
) -> TrainResult:
    """Train ``network`` in place and return what happened; it ends on the weights to keep.

    Within :func:`~neuroloom.core.parallel.data_parallel` all processes share each batch of a plain module; ``loss``
    must then be a mean over its rows.

    Args:
        network: any module (``jobs=None``), or one whose every trainable parameter holds ``jobs`` independent members
            in its first dimension. All trainable parameters of one floating type on one device.
        loss: ``loss(network, rows)``, called in training mode, gives a scalar, or ``(jobs,)`` for a stack. ``rows`` is
            None when ``config.batch_size`` is; else the indices of the step's samples, ``(b,)``, or ``(jobs, b)`` for
            a stack, where -1 fills the rows of a job that has fewer: give those weight 0.
        config: how to train.
        n_samples: samples that batches are dealt from, one number or one a job; not needed without ``batch_size``.
        seed: of the batches, one number or one a job. A plain module's random layers draw from torch's generator,
            which is seeded with it and put back afterwards; those of a stack must draw from streams of their own.
        valid: ``valid(network)``, called in evaluation mode and without gradients after every epoch, gives scores,
            greater is better, a scalar or ``(jobs,)``. With it each job ends on its best weights.
        jobs: members in the stack, at least 1; None for a plain module.
        rate_scale: parameter name -> factor on its learning rate; 1 where a name is missing.
        decay_scale: parameter name -> factor on its weight decay; 1 where a name is missing.
        shrink: with it, jobs of a validated stack that stopped early leave it, so that they cost nothing more:
            ``shrink(rows)`` is called with the rows of the present stack that stay, for the caller to cut whatever
            ``loss`` and ``valid`` hold a row a job of (the parameters are cut already). At the end the parameters hold
            all jobs again. Not done for a stack with buffers.
        project: called after every step, to bring the weights back to where they may be; it must leave weights that
            are there already as they are.
        renew: called before every epoch, with its number from 1, to renew what ``loss`` looks at.
        progress: called after every epoch, before those of :func:`~neuroloom.core.watching.watched`; a true answer
            ends the training.
        samples: what tells the samples from others, as :func:`~neuroloom.core.checkpoints.digest` does. With it the
            training is kept within :func:`~neuroloom.core.checkpoints.checkpoints`, so that it can go on after the
            process was killed; ``loss`` and ``valid`` must then draw from torch's generator and ``draws`` alone, and
            remember nothing from call to call but what ``renew`` sets anew each epoch, buffers, and ``beside``.
        draws: generators that ``loss`` and ``renew`` draw from; their states are kept with the training.
        beside: what else ``loss``, ``valid``, ``renew`` and ``progress`` go on from; kept with the training.

    Raises:
        InputError: the settings, the samples and the stack do not fit each other.
    """
    import torch

    if config.patience is not None and valid is None:
        raise InputError(
            "`patience` stops on a validation score, but there is no `valid`; pass one or leave `patience` out."
        )
    run = Optimizing(network, config, jobs, rate_scale, decay_scale, validated=valid is not None)
    run.shared = shared(
        network, run.parameters, loss, jobs, lambda: _told(f"{samples} {n_samples}", config, seed, run)
    )
    rank = 0 if run.shared is None else run.shared.rank
    generators = _generators(n_samples, seed, jobs or 1)
    deal = _deal(config.batch_size, n_samples, generators, jobs, run)
    kept = None if samples is None else kept_here(_told(samples, config, seed, run))
    forked = [run.device] if run.device.type == "cuda" else []
    began, was_training, done, ended = time.perf_counter(), network.training, 0, False
    try:
        with torch.random.fork_rng(devices=forked), told(progress, config.epochs) as tell:
            torch.manual_seed(derive(each(seed)[0], "layers", *([rank] if rank else [])))
            if kept is not None:
                done, seconds, ended = kept.restore(run, [*generators, *draws], beside, shrink)
                began -= seconds
            for epoch in range(done + 1, 0 if ended else config.epochs + 1):
                network.train()
                if renew is not None:
                    renew(epoch)
                batches = next(deal)
                for step, rows in enumerate(batches):
                    run.step(loss, rows, epoch - 1 + step / len(batches))
                    if project is not None:
                        project()
                score = None
                if valid is not None:
                    network.eval()
                    with torch.no_grad():
                        score = valid(network)
                run.end_epoch(epoch, len(batches), score, time.perf_counter() - began)
                ended = tell is not None and tell(run.report(epoch))
                ended |= not run.running.any() or epoch == config.epochs
                if run.shared is not None:
                    ended = run.shared.any(ended)
                if shrink is not None and not ended:
                    staying = run.shrink()
                    if staying is not None:
                        shrink(staying)
                if kept is not None and rank == 0:
                    spent = time.perf_counter() - began
                    kept.write(run, [*generators, *draws], beside, epoch, spent, ended)
                if ended:
                    break
    finally:
        run.finish()
        network.train(was_training)
    return run.result()


def _generators(
    n_samples: int | Sequence[int] | None, seed: int | Sequence[int], count: int
) -> list[np.random.Generator]:
    """Return the generator that each job's batches are drawn from."""
    for name, value in (("n_samples", n_samples), ("seed", seed)):
        if len(each(value)) not in (1, count):
            raise InputError(
                f"`{name}` must be one number or {count}, one a job, but got {len(each(value))}."
            )
    seeds = each(seed)
    return [stream(s, "batches") for s in (seeds if len(seeds) > 1 else seeds * count)]


def _told(samples: str, config: TrainConfig, seed: int | Sequence[int], run: Optimizing) -> str:
    """Return what a training is of: samples, settings, seed and first weights."""
    first = run.flat.detach().cpu().numpy().tobytes()
    return hashlib.sha256(f"{samples} {config} {seed}".encode() + first).hexdigest()


def _deal(
    batch_size: int | None,
    n_samples: int | Sequence[int] | None,
    generators: Sequence[np.random.Generator],
    jobs: int | None,
    run: Optimizing,
) -> Iterator[Sequence[torch.Tensor | None]]:
    """Yield each epoch's batches; a job's come from its own seed, so its neighbours do not matter."""
    import torch

    if batch_size is None:
        while True:
            yield [None]
    sizes = each(0 if n_samples is None else n_samples)
    sizes = sizes * ((jobs or 1) if len(sizes) == 1 else 1)
    for size in sizes:
        check_int("n_samples", size)
    steps = {steps_per_epoch(size, batch_size) for size in sizes}
    if len(steps) > 1:
        raise InputError(
            f"jobs of one stack must take equally many steps an epoch, but take {sorted(steps)}; group them by "
            "steps_per_epoch(n_samples, batch_size)."
        )
    n_steps = steps.pop()
    widest = max(-(-size // n_steps) for size in sizes)
    edges = [np.linspace(0, size, n_steps + 1).astype(np.int64) for size in sizes]
    while True:
        table = np.full((len(run.at), n_steps, widest), -1, dtype=np.int64)
        for row, job in enumerate(run.at):
            order, edge = generators[int(job)].permutation(sizes[job]), edges[job]
            for step in range(n_steps):
                part = order[edge[step] : edge[step + 1]]
                table[row, step, : len(part)] = part
        filled = torch.from_numpy(table).to(run.device)
        if jobs is None:
            yield [filled[0, s, : int(edges[0][s + 1] - edges[0][s])] for s in range(n_steps)]
        else:
            yield [filled[:, s] for s in range(n_steps)]
