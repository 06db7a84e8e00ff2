"""What REINFORCE and PPO share: an actor that draws its actions, a critic, and advantages of what was met."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_float
from neuroloom.core.episodes import Spaces
from neuroloom.nets.experience import Floats, Lanes, ReturnScale, advantages, gather
from neuroloom.nets.gradient_policy import GradientPolicy, exploring

if TYPE_CHECKING:
    import torch


@dataclass(eq=False, repr=False, kw_only=True)
class PolicyGradient(GradientPolicy):
    """Base of the policies that raise the probability of what did better than expected.

    Args:
        value_weight: weight of the critic's error in the loss, at least 0.
        entropy_weight: weight of the actions' entropy, which keeps them varied, at least 0.
        scale_rewards: whether rewards are divided by the spread of the discounted returns so far.
    """

    value_weight: float = 0.5
    entropy_weight: float = 0.0
    scale_rewards: bool = True

    def _network(self, own: Spaces) -> torch.nn.Module:
        from neuroloom.nets._layers.policies import ActorCritic

        check_float("value_weight", self.value_weight, 0)
        check_float("entropy_weight", self.entropy_weight, 0)
        outputs = own.actions or own.low.size
        return ActorCritic(own.inputs, outputs, self.hidden, bool(own.actions), bool(own.states))

    def _loss(self, network: Any, met: Met, outputs: torch.Tensor, gained: torch.Tensor) -> torch.Tensor:
        """Return the loss: the critic's error, less the actor's gain ``(n,)`` and the entropy of its ``outputs``."""
        errors = 0.5 * (network.value(met.rows) - met.returns).square().mean()
        return self.value_weight * errors - gained.mean() - self.entropy_weight * network.entropy(outputs)


@dataclass(frozen=True, eq=False)
class Met:
    """What was met, a step a row, and what it was worth.

    Args:
        rows: ``(n, inputs)`` what was seen.
        actions: ``(n,)`` or ``(n, numbers)`` what was chosen.
        chances: ``(n,)`` log-probabilities of that when it was chosen.
        advantages: ``(n,)``, of mean 0 and spread 1.
        returns: ``(n,)`` what the critic is to say: its value then and the advantage.
    """

    rows: torch.Tensor
    actions: torch.Tensor
    chances: torch.Tensor
    advantages: torch.Tensor
    returns: torch.Tensor

    def part(self, at: torch.Tensor) -> Met:
        """Return the steps ``at``."""
        return Met(self.rows[at], self.actions[at], self.chances[at], self.advantages[at], self.returns[at])


class Gathering:
    """Acts by chance, and says what came of it.

    Args:
        policy: whose parameters count.
        network: the actor and critic.
        lanes: where to act.
        seed: of the chance.
        horizon: steps in each lane, or None for whole episodes.
        trace: λ of the advantages.

    Attributes:
        met: what was met last.
        draw: what actions are drawn from.
    """

    met: Met

    def __init__(
        self, policy: PolicyGradient, network: Any, lanes: Lanes, seed: int, horizon: int | None, trace: float
    ) -> None:
        self.policy, self.network, self.lanes = policy, network, lanes
        self.horizon, self.trace = horizon, trace
        self.draw = exploring(seed)
        self._scale = ReturnScale(len(lanes.all), policy.discount) if policy.scale_rewards else None

    def _choose(self, rows: Floats) -> NDArray[Any]:
        import torch

        with torch.inference_mode():
            outputs = self.network.best(torch.from_numpy(rows)).numpy()
            spread = None if self.network.log_spread is None else self.network.log_spread.exp().numpy()
        if spread is None:  # the largest log-odds with Gumbel noise is a draw by the odds
            return np.asarray((outputs + self.draw.gumbel(size=outputs.shape)).argmax(1))
        return np.asarray(outputs + spread * self.draw.standard_normal(outputs.shape), dtype=np.float32)

    def act(self) -> None:
        """Act, and see what was met and what it was worth."""
        import torch

        met = gather(self.lanes, self._choose, self.policy._as_actions, self.horizon)
        inside = met.inside
        with torch.no_grad():
            rows, actions = torch.from_numpy(met.rows[inside]), torch.from_numpy(met.actions[inside])
            chances = self.network.log_prob(
                self.network.best(rows), actions
            )  # as they were chosen, before the scale moves
            self.network.scale.see(rows)
            values, after = np.zeros((2, *inside.shape))
            values[inside] = self.network.value(rows).double().numpy()
            after[inside] = self.network.value(torch.from_numpy(met.after[inside])).double().numpy()
        rewards = met.rewards if self._scale is None else self._scale(met)
        gains = advantages(
            rewards, values, after, met.terminated, met.ended, self.policy.discount, self.trace
        )
        returns, gained = (gains + values)[inside], gains[inside]
        gained = (gained - gained.mean()) / (gained.std() + 1e-8)
        self.met = Met(
            rows,
            actions,
            chances,
            torch.from_numpy(gained.astype(np.float32)),
            torch.from_numpy(returns.astype(np.float32)),
        )

    def held(self) -> dict[str, Any]:
        """Return what was met last, and the scale of rewards."""
        return {"met": dict(vars(self.met)), "scale": None if self._scale is None else self._scale.held()}

    def hold(self, held: dict[str, Any]) -> None:
        """Go on from what :meth:`held` gave."""
        self.met = Met(**held["met"])
        if self._scale is not None:
            self._scale.hold(held["scale"])
