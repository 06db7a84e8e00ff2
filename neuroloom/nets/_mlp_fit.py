"""Fitting many dense networks as one: members of one architecture are stacked, padded and trained together.

Imports torch, so import it late.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from neuroloom.core.checkpoints import digest_of, keeping
from neuroloom.core.devices import resolve_device
from neuroloom.core.training import TrainConfig, steps_per_epoch, train
from neuroloom.nets._dense_init import first_weights
from neuroloom.nets._dense_stack import DenseStack
from neuroloom.nets._losses import Loss

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
STACK = 128  # most members trained as one: beyond it their activations leave the cache and nothing is gained
WEIGHTS = 1_200_000  # most weights of a stack, which leave the cache likewise


class Sample(NamedTuple):
    """The samples of one job, which its members share.

    Args:
        X: ``(n, features)`` scaled inputs.
        target: ``(n,)`` class indices (int64), or ``(n, outputs)`` standardised numbers (float64).
        prior: ``(outputs,)`` where the output biases start.
        weight: ``(n,)`` of the samples, of mean 1 over those learned from, or None.
    """

    X: Floats
    target: NDArray[Any]
    prior: Floats
    weight: Floats | None = None


class Member(NamedTuple):
    """One network to train.

    Args:
        sample: index of its job's samples.
        rows: ``(n,)`` rows it learns from.
        held_out: ``(m,)`` rows it stops on, perhaps none.
        seed: of weights, batches and dropout.
        learning_rate: above 0.
        weight_decay: at least 0.
        dropout: in [0, 1).
        label_smoothing: in [0, 1), for classes.
        l1: at least 0, of the weights' absolute values.
    """

    sample: int
    rows: Ints
    held_out: Ints
    seed: int
    learning_rate: float
    weight_decay: float
    dropout: float
    label_smoothing: float
    l1: float = 0.0


@dataclass(frozen=True)
class Plan:
    """What all members share.

    Args:
        hidden: units of each hidden layer.
        activation: key of ``ACTIVATION``.
        dtype: ``"float64"`` or ``"float32"``.
        device: as ``resolve_device`` takes it.
        config: learning rates and weight decays of the members, and whether they stop early -> how to train.
        batch_size: most samples a step.
        loss: what is minimised.
        init: of the hidden layers' weights.
        normalization: ``none``, ``batch`` or ``layer``.
        frequencies: of the periodic encoding of each column, 0 for none.
        frequency_scale: standard deviation of the first frequencies.
        max_norm: largest norm of a hidden unit's incoming weights, or None.
        network: builds the stack from the members' weights; takes what ``DenseStack`` takes.
        after: called with an untrained stack, its members and their weights, once they are trained; gives further
            arrays by name, ``(J, …)``.
    """

    hidden: tuple[int, ...]
    activation: str
    dtype: str
    device: str
    config: Callable[[list[float], list[float], bool], TrainConfig]
    batch_size: int
    loss: Loss = field(default_factory=lambda: Loss("squared"))
    init: str = "auto"
    normalization: str = "none"
    frequencies: int = 0
    frequency_scale: float = 0.1
    max_norm: float | None = None
    network: Callable[..., DenseStack] = DenseStack
    after: Callable[[Stack, Sequence[Member], Mapping[str, Floats]], dict[str, Floats]] | None = None


class Fitted(NamedTuple):
    """What one member learned: arrays by name, a record an epoch, and the epoch its weights are from."""

    weights: dict[str, Floats]
    history: list[dict[str, float]]
    kept: int
    extra: dict[str, Floats]


def fit_members(samples: Sequence[Sample], members: Sequence[Member], plan: Plan) -> list[Fitted]:
    """Train every member; those that take equally many steps an epoch go together, as many as ``_together`` says."""
    groups: dict[tuple[int, bool], list[int]] = defaultdict(list)
    for i, member in enumerate(members):
        groups[steps_per_epoch(len(member.rows), plan.batch_size), len(member.held_out) > 0].append(i)
    fitted: dict[int, Fitted] = {}
    for indices in groups.values():
        most = _together(samples[members[indices[0]].sample], plan)
        for start in range(0, len(indices), most):
            part = indices[start : start + most]
            fitted |= dict(zip(part, _fit_stack(samples, [members[i] for i in part], plan), strict=True))
    return [fitted[i] for i in range(len(members))]


def _together(sample: Sample, plan: Plan) -> int:
    """Return how many members are trained as one."""
    widths = [sample.X.shape[1] * (1 + 2 * plan.frequencies), *plan.hidden, len(sample.prior)]
    each: int = sum(before * after for before, after in pairwise(widths))
    most: int = min(STACK, WEIGHTS // each)
    return max(1, most)


class Stack:
    """A stack's network, samples and the losses over them."""

    def __init__(self, samples: Sequence[Sample], members: Sequence[Member], plan: Plan) -> None:
        self.plan = plan
        self.device, self.dtype = resolve_device(plan.device), getattr(torch, plan.dtype)
        used = sorted({m.sample for m in members})
        first = samples[used[0]]
        self.X = torch.from_numpy(np.concatenate([samples[i].X for i in used])).to(self.device, self.dtype)
        target = torch.from_numpy(np.concatenate([samples[i].target for i in used])).to(self.device)
        self.target = target.to(self.dtype) if target.is_floating_point() else target
        given = [samples[i].weight for i in used]
        self.weight = None
        if given[0] is not None:
            self.weight = torch.from_numpy(np.concatenate([w for w in given if w is not None])).to(self.X)
        starts = dict(zip(used, np.cumsum([0, *(len(samples[i].X) for i in used)])[:-1], strict=True))
        self.rows, _ = self._table([m.rows + starts[m.sample] for m in members])
        self.held_out, self.held_weight = self._table([m.held_out + starts[m.sample] for m in members])
        self.smoothing = torch.tensor([[m.label_smoothing] for m in members], dtype=torch.float64).to(self.X)
        self.l1 = torch.tensor([m.l1 for m in members], dtype=torch.float64).to(self.X)
        self.penalised = any(m.l1 for m in members)
        self.sizes = torch.tensor([len(m.rows) for m in members]).to(self.device, self.dtype)
        weights = [
            first_weights(first.X.shape[1], plan.hidden, plan.activation, m.seed, samples[m.sample].prior,
                          init=plan.init, normalization=plan.normalization, frequencies=plan.frequencies,
                          frequency_scale=plan.frequency_scale)
            for m in members
        ]  # fmt: skip
        stacked = {name: np.stack([w[name] for w in weights]) for name in weights[0]}
        self.network = plan.network(stacked, plan.activation, self.dtype, self.device,
                                    [m.dropout for m in members], [m.seed for m in members], plan.batch_size,
                                    plan.normalization)  # fmt: skip

    def _table(self, rows: Sequence[Ints]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return row indices as one array and their weights, 0 where a member has fewer."""
        table = np.zeros((len(rows), max(len(r) for r in rows)), dtype=np.int64)
        weight = np.zeros(table.shape)
        for i, r in enumerate(rows):
            table[i, : len(r)], weight[i, : len(r)] = r, 1.0
        return torch.from_numpy(table).to(self.device), torch.from_numpy(weight).to(self.device, self.dtype)

    def shrink(self, rows: torch.Tensor) -> None:
        """Keep the members that are still in training."""
        self.rows, self.held_out, self.held_weight, self.smoothing, self.l1, self.sizes = (
            t[rows] for t in (self.rows, self.held_out, self.held_weight, self.smoothing, self.l1, self.sizes)
        )
        self.network.shrink(rows)

    def loss(self, network: DenseStack, batch: torch.Tensor | None) -> torch.Tensor:
        """Return each member's mean loss over its batch, and its penalties, ``(J,)``."""
        assert batch is not None
        present = (batch >= 0).to(self.dtype)
        rows = self.rows.gather(1, batch.clamp(min=0))
        losses = self._losses(network, rows, self.smoothing, present)
        if self.weight is not None:
            losses = losses * self.weight[rows]
        mean = (losses * present).sum(dim=1) / present.sum(dim=1)
        if self.penalised:
            parts = (w.abs().sum(dim=(1, 2)) for n, w in network.named_parameters() if n.startswith("weight"))
            mean = mean + self.l1 * sum(parts)
        divergence = network.divergence()
        return mean if divergence is None else mean + divergence / self.sizes

    def score(self, network: DenseStack) -> torch.Tensor:
        """Return minus each member's mean loss over its held-out rows, without smoothing and penalties, ``(J,)``."""
        losses = self._losses(network, self.held_out, torch.zeros_like(self.smoothing), None)
        weight = self.held_weight
        if self.weight is not None:
            weight = weight * self.weight[self.held_out]
        return -(losses * weight).sum(dim=1) / weight.sum(dim=1)

    def _losses(
        self, network: DenseStack, rows: torch.Tensor, smoothing: torch.Tensor, present: torch.Tensor | None
    ) -> torch.Tensor:
        flat = rows.reshape(-1)
        output = network(self.X.index_select(0, flat).view(*rows.shape, -1), present)
        target = self.target.index_select(0, flat).view(*rows.shape, *self.target.shape[1:])
        return self.plan.loss(output, target, smoothing)


def _fit_stack(samples: Sequence[Sample], members: Sequence[Member], plan: Plan) -> list[Fitted]:
    stack = Stack(samples, members, plan)
    stops = len(members[0].held_out) > 0
    largest = plan.max_norm
    result = train(
        stack.network,
        stack.loss,
        config=plan.config([m.learning_rate for m in members], [m.weight_decay for m in members], stops),
        n_samples=[len(m.rows) for m in members],
        seed=[m.seed for m in members],
        valid=stack.score if stops else None,
        jobs=len(members),
        shrink=stack.shrink,
        project=None if largest is None else lambda: stack.network.limit(largest),
        decay_scale=no_decay(stack.network),
        samples=_told(samples, members, plan) if keeping() else None,
    )
    weights = stack.network.folded()
    extra: Mapping[str, Floats] = {}
    if plan.after is not None:
        extra = plan.after(Stack(samples, members, plan), members, weights)
    return [
        Fitted(
            {n: w[i] for n, w in weights.items()},
            result.histories[i],
            int(result.kept[i]),
            {n: value[i] for n, value in extra.items()},
        )
        for i in range(len(members))
    ]


def _told(samples: Sequence[Sample], members: Sequence[Member], plan: Plan) -> str:
    """Return what tells the training of a stack from others, beside what ``train`` itself tells."""
    aside = ("config", "device", "network", "after")  # told by the training's settings and first weights
    shared = [getattr(plan, f.name) for f in fields(plan) if f.name not in aside]
    own = [(m.sample, *m[3:]) for m in members]  # all but the rows
    used = [samples[i] for i in sorted({m.sample for m in members})]
    rows = [part for m in members for part in (m.rows, m.held_out)]
    return digest_of(f"{shared} {own}", *(part for sample in used for part in sample), *rows)


def no_decay(network: DenseStack) -> dict[str, float]:
    """Return what ``train`` takes as ``decay_scale``: weights decay, biases, slopes and frequencies do not."""
    return {n: 0.0 for n, _ in network.named_parameters() if not n.startswith("weight")}


def fitted_stack(
    weights: Mapping[str, Floats], activation: str, dtype: str, device: str, normalization: str
) -> tuple[DenseStack, torch.device, torch.dtype]:
    """Return the networks with ``weights``, ready to answer, and the device and type of their numbers."""
    where, kind = resolve_device(device), getattr(torch, dtype)
    return DenseStack(weights, activation, kind, where, normalization=normalization).eval(), where, kind


def outputs(
    weights: Mapping[str, Floats], activation: str, X: Floats, dtype: str, device: str,
    normalization: str = "none", hidden: bool = False,
) -> Floats:  # fmt: skip
    """Return ``(members, n, outputs)`` of the networks with ``weights`` for scaled inputs ``X (n, features)``.

    ``normalization`` is ``"none"`` or ``"layer"``; with ``hidden``, what enters the output layer is returned instead.
    """
    network, where, kind = fitted_stack(weights, activation, dtype, device, normalization)
    block = max(64, (1 << 20) // max(w[0].size for w in weights.values()))
    answer = network.last_hidden if hidden else network
    with torch.no_grad():
        parts = [
            answer(torch.from_numpy(X[None, i : i + block]).to(where, kind)) for i in range(0, len(X), block)
        ]
        found: Floats = torch.cat(parts, dim=1).cpu().double().numpy()
    return found
