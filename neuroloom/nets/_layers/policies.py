"""Networks of policies that learn by gradient: actor and critic, values of actions, a running scale of what is seen."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

_FARTHEST = 10.0  # standard deviations, beyond which an observation counts as no farther
_LOG_2PI = math.log(2 * math.pi)


class RunningScale(nn.Module):  # type: ignore[misc]
    """Standardises observations by the mean and spread of all that were seen so far; kept with the weights.

    Args:
        inputs: numbers in an observation.
        fixed: whether to leave observations as they are (one-hot ones).
    """

    def __init__(self, inputs: int, fixed: bool) -> None:
        super().__init__()
        self.fixed = fixed
        self.register_buffer("count", torch.zeros((), dtype=torch.float64))
        self.register_buffer("mean", torch.zeros(inputs, dtype=torch.float64))
        self.register_buffer("variance", torch.ones(inputs, dtype=torch.float64))

    def see(self, rows: torch.Tensor) -> None:
        """Take in ``rows (n, inputs)``, at least one (Chan, Golub and LeVeque 1979)."""
        if self.fixed:
            return
        n, before = len(rows), self.count.clone()
        total = before + n
        gap = rows.mean(0) - self.mean
        squares = self.variance * before + rows.var(0, correction=0) * n + gap.square() * before * n / total
        self.mean.add_(gap * n / total)
        self.variance.copy_(squares / total)
        self.count.copy_(total)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return ``(n, inputs)`` floats for ``rows`` of doubles."""
        if not self.fixed:
            spread = torch.where(self.variance > 1e-12, self.variance, 1.0).sqrt()
            rows = ((rows - self.mean) / spread).clamp(-_FARTHEST, _FARTHEST)
        return rows.float()


def dense(
    inputs: int, hidden: Sequence[int], outputs: int, activation: type[nn.Module], last: float
) -> nn.Sequential:
    """Return a dense net whose weights are orthogonal, of gain √2 and in the last layer ``last``, and biases 0."""
    made = nn.Sequential()
    for units in hidden:
        made.append(nn.Linear(inputs, units)).append(activation())
        inputs = units
    made.append(nn.Linear(inputs, outputs))
    layers = [layer for layer in made if isinstance(layer, nn.Linear)]
    for layer in layers:
        nn.init.orthogonal_(layer.weight, last if layer is layers[-1] else math.sqrt(2))
        nn.init.zeros_(layer.bias)
    return made


class ActorCritic(nn.Module):  # type: ignore[misc]
    """Two dense nets over what is seen: the actor's outputs, and the critic's value of the state.

    The outputs are log-odds of discrete actions, or means of normal ones, whose spread is a learned number each.

    Args:
        inputs: numbers in an observation.
        outputs: actions, or numbers in one.
        hidden: units of the hidden layers of either net.
        discrete: whether actions are discrete.
        fixed: as for :class:`RunningScale`.
    """

    def __init__(self, inputs: int, outputs: int, hidden: Sequence[int], discrete: bool, fixed: bool) -> None:
        super().__init__()
        self.scale = RunningScale(inputs, fixed)
        self.actor = dense(inputs, hidden, outputs, nn.Tanh, 0.01)
        self.critic = dense(inputs, hidden, 1, nn.Tanh, 1.0)
        self.log_spread = None if discrete else nn.Parameter(torch.zeros(outputs))

    def best(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the outputs ``(n, outputs)``: log-odds or means."""
        return self.actor(self.scale(rows))

    def value(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the ``(n,)`` values of states."""
        return self.critic(self.scale(rows))[:, 0]

    def log_prob(self, outputs: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
        """Return the ``(n,)`` log-probabilities or log-densities of ``actions (n,)`` or ``(n, outputs)``."""
        if self.log_spread is None:
            return torch.log_softmax(outputs, 1).gather(1, actions[:, None])[:, 0]
        far = (actions - outputs) / self.log_spread.exp()
        return -(0.5 * far.square() + self.log_spread + 0.5 * _LOG_2PI).sum(1)

    def entropy(self, outputs: torch.Tensor) -> torch.Tensor:
        """Return the mean entropy of the actions, in nats."""
        if self.log_spread is None:
            log = torch.log_softmax(outputs, 1)
            return -(log.exp() * log).sum(1).mean()
        return (self.log_spread + 0.5 * (1 + _LOG_2PI)).sum()

    @property
    def n_acting(self) -> int:
        """How many parameters it takes to act."""
        return sum(p.numel() for p in self.actor.parameters())


class ActionValues(nn.Module):  # type: ignore[misc]
    """A dense net that gives the value of each action.

    Args:
        inputs: numbers in an observation.
        actions: how many there are.
        hidden: units of the hidden layers.
        fixed: as for :class:`RunningScale`.
    """

    def __init__(self, inputs: int, actions: int, hidden: Sequence[int], fixed: bool) -> None:
        super().__init__()
        self.scale = RunningScale(inputs, fixed)
        self.values = dense(inputs, hidden, actions, nn.ReLU, 1.0)

    def best(self, rows: torch.Tensor) -> torch.Tensor:
        """Return ``(n, actions)`` values."""
        return self.values(self.scale(rows))

    @property
    def n_acting(self) -> int:
        """How many parameters it takes to act."""
        return sum(p.numel() for p in self.values.parameters())


def double_q_targets(
    rewards: torch.Tensor, counts: torch.Tensor, online: torch.Tensor, target: torch.Tensor
) -> torch.Tensor:
    """Return ``r + c Q_target(s', argmax Q_online(s'))``, ``c`` being γ, or 0 where the episode terminated.

    Source: van Hasselt, Guez and Silver (2016), Deep reinforcement learning with double Q-learning, eq. 4.

    Args:
        rewards: ``(n,)``.
        counts: ``(n,)`` what the value of what was seen next counts for.
        online: ``(n, actions)`` values of what was seen next, by the network that learns.
        target: ``(n, actions)`` the same by the one that follows it slowly.
    """
    return rewards + counts * target.gather(1, online.argmax(1, keepdim=True))[:, 0]


def follow(target: nn.Module, network: nn.Module, rate: float) -> None:
    """Move the weights of ``target`` by a share ``rate`` of the way to those of ``network``, and copy its buffers."""
    with torch.no_grad():
        for old, new in zip(target.parameters(), network.parameters(), strict=True):
            old.lerp_(new, rate)
        for old, new in zip(target.buffers(), network.buffers(), strict=True):
            old.copy_(new)


def clipped_surrogate(log_ratio: torch.Tensor, advantages: torch.Tensor, clip: float) -> torch.Tensor:
    """Return ``(n,)`` ``min(ρ A, clip(ρ, 1 - ε, 1 + ε) A)`` (Schulman et al. 2017, eq. 7), ``ρ = exp(log_ratio)``."""
    ratio = log_ratio.exp()
    return torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)


def huber(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Return the mean of half the square of small errors and of the absolute value of large ones (Mnih et al. 2015)."""
    return functional.smooth_l1_loss(found, wanted)
