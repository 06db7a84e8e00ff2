"""REINFORCE: Williams (1992), Simple statistical gradient-following algorithms for connectionist reinforcement
learning.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neuroloom.core.training import TrainConfig
from neuroloom.nets.experience import Lanes
from neuroloom.nets.gradient_policy import Learning
from neuroloom.nets.policy_gradient import Gathering, PolicyGradient

if TYPE_CHECKING:
    import torch


@dataclass(eq=False, repr=False, kw_only=True)
class REINFORCEPolicy(PolicyGradient):
    """REINFORCE policy: after a whole episode in every lane, one step up ``(G - b(s)) ∇ log π(a|s)``.

    ``G`` is the discounted return from a step on and the baseline ``b`` a critic that learns to foretell it, which
    leaves the expected gradient as it is and makes it steadier. Discrete actions are drawn by their log-odds,
    continuous ones from normals whose spread is learned.

    Args:
        steps: steps of the environment to learn from, at least 1; those of the evaluations come on top. The episodes
            under way when they are spent are played to their ends.
        lanes: episodes that go on at once, all of which make a step of learning, at least 1.
        hidden: units of each hidden layer, of actor and critic each.
        learning_rate: above 0.

    Attributes:
        weights_: name → array.
        history_: a dict for each evaluation: ``step``, ``seconds``, ``loss``, ``score`` (the best mean return so far),
            ``return`` (this one's), ``env_steps`` (of the environment, the evaluations' included).
        n_parameters_: of the network that acts.

    Raises:
        InputError: a parameter is out of its range.
        NotSupportedError: the environment's spaces are neither ``Box`` nor ``Discrete``.

    Differences:
        Of an episode that is cut by a limit of steps the critic's value of the last state counts as what would follow;
        ``G - b`` is standardised over the episodes; the step is Adam's.

    Source:
        Williams (1992), sections 4 and 6; Sutton and Barto (2018), Reinforcement learning, section 13.4.
    """

    learning_rate: float = 0.01

    def _learning(self, network: Any, lanes: Lanes, seed: int) -> Learning:
        gathering = Gathering(self, network, lanes, seed, None, 1.0)

        def loss(net: Any, _: Any) -> torch.Tensor:
            met = gathering.met
            outputs = net.best(met.rows)
            return self._loss(net, met, outputs, net.log_prob(outputs, met.actions) * met.advantages)

        config = TrainConfig(
            epochs=math.ceil(self.steps / len(lanes.all)),  # more than there can be; the steps spent end it
            optimizer="adam",
            learning_rate=self.learning_rate,
            clip_norm=self.clip_norm,
        )
        return Learning(config, None, loss, lambda _: gathering.act(), gathering.draw, [gathering])
