"""Fitting many dense networks as one: members of one architecture are stacked, padded and trained together.

Imports torch, so import it late.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from neuroloom.core.devices import resolve_device
from neuroloom.core.training import TrainConfig, steps_per_epoch, train
from neuroloom.nets._dense_stack import DenseStack, initial_weights

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
STACK = 128  # most members trained as one: beyond it their activations leave the cache and nothing is gained


class Sample(NamedTuple):
    """The samples of one job, which its members share.

    Args:
        X: ``(n, features)`` scaled inputs.
        target: ``(n,)`` class indices (int64), or ``(n, outputs)`` standardised numbers (float64).
        prior: ``(outputs,)`` where the output biases start.
    """

    X: Floats
    target: NDArray[Any]
    prior: Floats


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
    """

    sample: int
    rows: Ints
    held_out: Ints
    seed: int
    learning_rate: float
    weight_decay: float
    dropout: float
    label_smoothing: float


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
    """

    hidden: tuple[int, ...]
    activation: str
    dtype: str
    device: str
    config: Callable[[list[float], list[float], bool], TrainConfig]
    batch_size: int


class Fitted(NamedTuple):
    """A trained member: its weights, its record an epoch, and the epoch they were taken after."""

    weights: dict[str, Floats]
    history: list[dict[str, float]]
    kept: int


def fit_members(samples: Sequence[Sample], members: Sequence[Member], plan: Plan) -> list[Fitted]:
    """Train every member; those that take equally many steps an epoch go together, at most ``STACK`` at a time."""
    groups: dict[tuple[int, bool], list[int]] = defaultdict(list)
    for i, member in enumerate(members):
        groups[steps_per_epoch(len(member.rows), plan.batch_size), len(member.held_out) > 0].append(i)
    fitted: dict[int, Fitted] = {}
    for indices in groups.values():
        for start in range(0, len(indices), STACK):
            part = indices[start : start + STACK]
            fitted |= dict(zip(part, _fit_stack(samples, [members[i] for i in part], plan), strict=True))
    return [fitted[i] for i in range(len(members))]


class _Stack:
    """A stack's network, samples and the losses over them."""

    def __init__(self, samples: Sequence[Sample], members: Sequence[Member], plan: Plan) -> None:
        self.device, self.dtype = resolve_device(plan.device), getattr(torch, plan.dtype)
        used = sorted({m.sample for m in members})
        first = samples[used[0]]
        self.X = torch.from_numpy(np.concatenate([samples[i].X for i in used])).to(self.device, self.dtype)
        target = torch.from_numpy(np.concatenate([samples[i].target for i in used])).to(self.device)
        self.target = target.to(self.dtype) if target.is_floating_point() else target
        starts = dict(zip(used, np.cumsum([0, *(len(samples[i].X) for i in used)])[:-1], strict=True))
        self.rows, _ = self._table([m.rows + starts[m.sample] for m in members])
        self.held_out, self.held_weight = self._table([m.held_out + starts[m.sample] for m in members])
        self.smoothing = torch.tensor([[m.label_smoothing] for m in members]).to(self.device, self.dtype)
        widths = [first.X.shape[1], *plan.hidden, len(first.prior)]
        weights = [initial_weights(widths, plan.activation, m.seed, samples[m.sample].prior) for m in members]
        stacked = {name: np.stack([w[name] for w in weights]) for name in weights[0]}
        self.network = DenseStack(stacked, plan.activation, self.dtype, self.device,
                                  [m.dropout for m in members], [m.seed for m in members], plan.batch_size)  # fmt: skip

    def _table(self, rows: Sequence[Ints]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return row indices as one array and their weights, 0 where a member has fewer."""
        table = np.zeros((len(rows), max(len(r) for r in rows)), dtype=np.int64)
        weight = np.zeros(table.shape)
        for i, r in enumerate(rows):
            table[i, : len(r)], weight[i, : len(r)] = r, 1.0
        return torch.from_numpy(table).to(self.device), torch.from_numpy(weight).to(self.device, self.dtype)

    def shrink(self, rows: torch.Tensor) -> None:
        """Keep the members that are still in training."""
        self.rows, self.held_out, self.held_weight, self.smoothing = (
            t[rows] for t in (self.rows, self.held_out, self.held_weight, self.smoothing)
        )
        self.network.shrink(rows)

    def loss(self, network: DenseStack, batch: torch.Tensor | None) -> torch.Tensor:
        """Return each member's mean loss over its batch, ``(J,)``."""
        assert batch is not None
        weight = (batch >= 0).to(self.dtype)
        rows = self.rows.gather(1, batch.clamp(min=0))
        return self._mean(network, rows, weight, self.smoothing)

    def score(self, network: DenseStack) -> torch.Tensor:
        """Return minus each member's mean loss over the rows it holds out, without label smoothing, ``(J,)``."""
        return -self._mean(network, self.held_out, self.held_weight, torch.zeros_like(self.smoothing))

    def _mean(
        self, network: DenseStack, rows: torch.Tensor, weight: torch.Tensor, smoothing: torch.Tensor
    ) -> torch.Tensor:
        flat = rows.reshape(-1)
        output = network(self.X.index_select(0, flat).view(*rows.shape, -1))
        target = self.target.index_select(0, flat).view(*rows.shape, *self.target.shape[1:])
        if target.ndim == 3:
            losses = ((output - target) ** 2).mean(dim=2)
        else:
            log_p = torch.log_softmax(output, dim=2)
            hit = log_p.gather(2, target[..., None])[..., 0]
            losses = (smoothing - 1) * hit - smoothing * log_p.mean(dim=2)
        return (losses * weight).sum(dim=1) / weight.sum(dim=1)


def _fit_stack(samples: Sequence[Sample], members: Sequence[Member], plan: Plan) -> list[Fitted]:
    stack = _Stack(samples, members, plan)
    stops = len(members[0].held_out) > 0
    result = train(
        stack.network,
        stack.loss,
        config=plan.config([m.learning_rate for m in members], [m.weight_decay for m in members], stops),
        n_samples=[len(m.rows) for m in members],
        seed=[m.seed for m in members],
        valid=stack.score if stops else None,
        jobs=len(members),
        shrink=stack.shrink,
        decay_scale={n: 0.0 for n, _ in stack.network.named_parameters() if n.startswith("bias")},
    )
    weights = {n: p.detach().cpu().double().numpy() for n, p in stack.network.named_parameters()}
    return [
        Fitted({n: w[i] for n, w in weights.items()}, result.histories[i], int(result.kept[i]))
        for i in range(len(members))
    ]


def outputs(weights: dict[str, Floats], activation: str, X: Floats, dtype: str, device: str) -> Floats:
    """Return ``(members, n, outputs)`` of the networks with ``weights`` for scaled inputs ``X (n, features)``."""
    where, kind = resolve_device(device), getattr(torch, dtype)
    network = DenseStack(weights, activation, kind, where).eval()
    block = max(64, (1 << 20) // max(w[0].size for w in weights.values()))
    with torch.no_grad():
        parts = [
            network(torch.from_numpy(X[None, i : i + block]).to(where, kind)) for i in range(0, len(X), block)
        ]
        found: Floats = torch.cat(parts, dim=1).cpu().double().numpy()
    return found
