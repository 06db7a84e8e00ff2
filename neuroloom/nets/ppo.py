"""PPO: Schulman, Wolski, Dhariwal, Radford and Klimov (2017), Proximal policy optimization algorithms."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neuroloom.core.checks import check_float, check_int
from neuroloom.core.training import TrainConfig
from neuroloom.nets.experience import Lanes
from neuroloom.nets.gradient_policy import Learning
from neuroloom.nets.policy_gradient import Gathering, PolicyGradient

if TYPE_CHECKING:
    import torch


@dataclass(eq=False, repr=False, kw_only=True)
class PPOPolicy(PolicyGradient):
    """PPO policy: actor and critic learn from a stretch of every lane, in several passes.

    The actor's gain is ``min(ρ A, clip(ρ, 1 - ε, 1 + ε) A)``, ``ρ`` being how much more probable an action has become
    and ``A`` its generalised advantage (eqs. 7 and 11), so that no pass leads far away. Discrete actions are drawn by
    their log-odds, continuous ones from normals whose spread is learned.

    Args:
        horizon: steps in each lane between two rounds of learning, at least 1.
        passes: passes over them, at least 1.
        batch_size: steps in a batch, at least 1.
        clip_range: ε, above 0.
        trace: λ of the advantages, in [0, 1].
        hidden: units of each hidden layer, of actor and critic each.
        schedule: one of ``core.training.SCHEDULES``.

    Attributes:
        weights_: name → array.
        history_: a dict for each evaluation: ``step``, ``seconds``, ``loss``, ``score`` (the best mean return so far),
            ``return`` (this one's), ``env_steps`` (of the environment, the evaluations' included).
        n_parameters_: of the network that acts.

    Raises:
        InputError: a parameter is out of its range.
        NotSupportedError: the environment's spaces are neither ``Box`` nor ``Discrete``.

    Differences:
        Advantages are standardised over a stretch; observations and rewards are scaled by what was met so far.

    Source:
        Schulman et al. (2017), sections 3 to 5; the advantages: Schulman et al. (2016).
    """

    horizon: int = 128
    passes: int = 10
    batch_size: int = 128
    clip_range: float = 0.2
    trace: float = 0.95
    learning_rate: float = 0.001
    schedule: str = "linear"

    def _learning(self, network: Any, lanes: Lanes, seed: int) -> Learning:
        from neuroloom.nets._layers.policies import clipped_surrogate

        horizon, passes = check_int("horizon", self.horizon), check_int("passes", self.passes)
        check_float("clip_range", self.clip_range, 0, open_low=True)
        check_float("trace", self.trace, 0, 1)
        gathering = Gathering(self, network, lanes, seed, horizon, self.trace)

        def renew(epoch: int) -> None:
            if (epoch - 1) % passes == 0:
                gathering.act()

        def loss(net: Any, at: torch.Tensor) -> torch.Tensor:
            part = gathering.met.part(at)
            outputs = net.best(part.rows)
            ratio = net.log_prob(outputs, part.actions) - part.chances
            return self._loss(net, part, outputs, clipped_surrogate(ratio, part.advantages, self.clip_range))

        stretch = horizon * len(lanes.all)
        config = TrainConfig(
            epochs=math.ceil(self.steps / stretch) * passes,
            batch_size=self.batch_size,
            optimizer="adam",
            learning_rate=self.learning_rate,
            schedule=self.schedule,
            clip_norm=self.clip_norm,
        )
        return Learning(config, stretch, loss, renew, gathering.draw, [gathering], passes)
