"""DQN: Mnih et al. (2015), Human-level control through deep reinforcement learning, with the targets of van Hasselt,
Guez and Silver (2016), Deep reinforcement learning with double Q-learning, over several steps as in Hessel et al.
(2018), Rainbow: combining improvements in deep reinforcement learning.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_float, check_int
from neuroloom.core.episodes import Spaces
from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.core.training import TrainConfig
from neuroloom.nets.experience import Lanes, Replay
from neuroloom.nets.gradient_policy import GradientPolicy, Learning, exploring

if TYPE_CHECKING:
    import torch


@dataclass(eq=False, repr=False, kw_only=True)
class DQNPolicy(GradientPolicy):
    """DQN policy: a network learns the value of each action in a state, and the largest one is done.

    After a step in every lane it learns from a batch of the steps remembered: the value of what was done moves towards
    ``r_0 + γ r_1 + … + γ^(n-1) r_(n-1) + γ^n Q_target(s_n, argmax Q(s_n))``, by a second network that follows the first
    slowly (double Q-learning over n steps). With a probability that falls from 1, actions are drawn evenly.

    Args:
        lanes: episodes that go on at once, at least 1; a step in each goes before each batch.
        batch_size: steps in a batch, at least 1.
        memory: steps that are remembered, at least as many as ``lanes``.
        warm_up: steps at random before it learns, at least 1.
        ahead: n, the steps whose rewards are added up, fewer where an episode ends, at least 1.
        target_every: batches after which the second network is moved, at least 1.
        target_rate: the share of the way to the first that it moves, in (0, 1]; 1 copies it, as Mnih et al. do every
            10,000 batches.
        exploration: share of ``steps`` over which the probability of a random action falls, in (0, 1].
        final_exploration: what it falls to, in [0, 1].
        learning_rate: above 0.

    Attributes:
        weights_: name → array.
        history_: a dict for each evaluation: ``step``, ``seconds``, ``loss``, ``score`` (the best mean return so far),
            ``return`` (this one's), ``env_steps`` (of the environment, the evaluations' included).
        n_parameters_: of the network.

    Raises:
        InputError: a parameter is out of its range.
        NotSupportedError: actions are not ``Discrete``, or observations neither ``Box`` nor ``Discrete``.

    Differences:
        Observations are standardised by what was seen so far. The network's own values are those times ``1 - γ``, a
        reward a step. Steps after the first are taken as they were done, though the policy may do others by now. The
        second network moves a little after each batch (Lillicrap et al. 2016, "Continuous control with deep
        reinforcement learning").

    Source:
        Mnih et al. (2015), algorithm 1; van Hasselt et al. (2016), eq. 4; Hessel et al. (2018), "Multi-step learning".
    """

    hidden: tuple[int, ...] | list[int] = (128, 128)
    batch_size: int = 128
    memory: int = 100_000
    warm_up: int = 1_000
    ahead: int = 8
    target_every: int = 1
    target_rate: float = 0.01
    exploration: float = 0.1
    final_exploration: float = 0.05
    clip_norm: float | None = 10.0

    def _network(self, own: Spaces) -> torch.nn.Module:
        from neuroloom.nets._layers.policies import ActionValues

        if not own.actions:
            raise NotSupportedError("DQN weighs discrete actions one by one; take PPO for continuous ones.")
        return ActionValues(own.inputs, own.actions, self.hidden, bool(own.states))

    def _learning(self, network: Any, lanes: Lanes, seed: int) -> Learning:
        for name in ("batch_size", "warm_up", "ahead", "target_every"):
            check_int(name, getattr(self, name))
        check_float("target_rate", self.target_rate, 0, 1, open_low=True)
        check_float("exploration", self.exploration, 0, 1, open_low=True)
        check_float("final_exploration", self.final_exploration, 0, 1)
        check_int("memory", self.memory, len(lanes.all))
        if self.warm_up >= self.steps:
            raise InputError(
                f"`warm_up` must be less than `steps`, {self.steps}, but got {self.warm_up}; nothing would be learned."
            )
        replaying = _Replaying(self, network, lanes, seed)
        epoch = math.ceil((self.steps - self.warm_up) / (len(lanes.all) * self.evaluations))  # batches
        config = TrainConfig(
            epochs=self.evaluations,
            batch_size=self.batch_size,
            optimizer="adam",
            learning_rate=self.learning_rate,
            clip_norm=self.clip_norm,
        )
        return Learning(
            config, epoch * self.batch_size, replaying.loss, replaying.renew, replaying.draw, [replaying]
        )

    @property
    def _unit(self) -> float:
        """What the network's values are those of the returns times."""
        return max(1 - self.discount, 0.001)

    def action_values(self, observations: NDArray[Any]) -> NDArray[np.float64]:
        """Return what each action is worth, discounted, for ``(n, …)`` observations: ``(n, actions)``."""
        import torch

        network = self._restored()
        with torch.inference_mode():
            rows = torch.from_numpy(self._spaces().flatten(observations))
            return np.asarray(network.best(rows).double().numpy() / self._unit)


class _Replaying:
    """Acts, remembers it, and learns from what is remembered.

    Args:
        policy: whose parameters count.
        network: gives the values of actions.
        lanes: where to act.
        seed: of the exploring actions and of the batches.

    Attributes:
        draw: what both are drawn from.
    """

    def __init__(self, policy: DQNPolicy, network: Any, lanes: Lanes, seed: int) -> None:
        self.policy, self.network, self.lanes = policy, network, lanes
        self.draw, self._target, self._batches = exploring(seed), copy.deepcopy(network), 0
        self._replay = Replay(policy.memory, lanes.own.inputs, len(lanes.all), policy.ahead, policy.discount)

    def _act(self) -> None:
        """Take a step in every lane and remember it."""
        import torch

        policy, lanes = self.policy, self.lanes
        rows, count = lanes.rows.copy(), len(lanes.all)
        left = max(0.0, 1 - max(0, lanes.taken - policy.warm_up) / (policy.exploration * policy.steps))
        chance = policy.final_exploration + (1 - policy.final_exploration) * left
        random, chosen = self.draw.random(count) < chance, self.draw.integers(lanes.own.actions, size=count)
        if not random.all():
            with torch.inference_mode():
                best = self.network.best(torch.from_numpy(rows)).numpy().argmax(1)
            chosen = np.where(random, chosen, best)
        stepped = lanes.step(lanes.all, policy._as_actions(chosen))
        self.network.scale.see(torch.from_numpy(rows))
        self._replay.add(rows, chosen, stepped)
        ended = stepped.terminated | stepped.truncated
        if ended.any():
            lanes.begin(lanes.all[ended])

    def renew(self, epoch: int) -> None:
        """Before the first epoch, act at random and begin the second network from the first."""
        while self.lanes.taken < self.policy.warm_up:
            self._act()
        if epoch == 1:
            self._target.load_state_dict(self.network.state_dict())

    def loss(self, net: Any, _: Any) -> torch.Tensor:
        """Act once, and return the loss of a batch that is drawn from what is remembered."""
        import torch

        from neuroloom.nets._layers.policies import double_q_targets, follow, huber

        self._act()
        drawn = self._replay.draw(self.policy.batch_size, self.draw)
        rows, actions, rewards, after, counts = (torch.from_numpy(part) for part in drawn)
        with torch.no_grad():
            best, worth = net.best(after), self._target.best(after)
            wanted = double_q_targets(rewards * self.policy._unit, counts, best, worth)
        found = net.best(rows).gather(1, actions[:, None])[:, 0]
        self._batches += 1
        if self._batches % self.policy.target_every == 0:
            follow(self._target, net, self.policy.target_rate)
        return huber(found, wanted)

    def held(self) -> dict[str, Any]:
        """Return what is remembered, and the second network."""
        target = dict(self._target.state_dict())
        return {"replay": self._replay.held(), "target": target, "batches": self._batches}

    def hold(self, held: dict[str, Any]) -> None:
        """Go on from what :meth:`held` gave."""
        self._replay.hold(held["replay"])
        self._target.load_state_dict(held["target"])
        self._batches = held["batches"]
