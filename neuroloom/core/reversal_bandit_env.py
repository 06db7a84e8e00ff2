"""Reversal learning as an environment of gymnasium; see :mod:`neuroloom.core.reversal_bandit`."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from neuroloom.core.reversal_bandit import ARMS, SEEN, Trials, bandit, draw_payments

_LANE = np.zeros(1, np.int64)


class ReversalBanditEnv(gymnasium.Env):  # type: ignore[misc]
    """Two arms: which one pays is to be found out, and again when that changes.

    Every other step is a choice, which earns what the arm pays; the step after it shows the choice and what it paid,
    and what is done then has no effect. An episode ends with the last choice.

    Args:
        trials: choices in an episode, at least 4.
        reversals: how often the better arm changes, each time at a trial drawn from the middle half, at least 0.
        probability: chance in (0.5, 1] that the better arm pays 1 in a trial; the other pays where it does not.

    Shapes:
        observation ``(4,)`` float32: a choice is due, the first arm was chosen, the second was, what it paid, each 0 or
        1; action 0 or 1.

    Raises:
        InputError: a parameter is out of its range.

    Source:
        Blynel and Floreano (2003), "Exploring the T-maze: Evolving learning-like robot behaviors using CTRNNs".
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 (gymnasium's own declaration)

    def __init__(self, trials: int = 40, reversals: int = 1, probability: float = 1.0) -> None:
        self.trials = Trials(bandit(trials, reversals, probability), 1)
        self.action_space = gymnasium.spaces.Discrete(ARMS)
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (SEEN,), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Draw which arm pays in each trial, and have the first choice due."""
        super().reset(seed=seed)
        pays = draw_payments(self.trials.bandit, self.np_random)
        return self.trials.begin(_LANE, pays[None])[0], {}

    def step(self, action: int) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Choose, or look; return observation, reward, whether the last choice is made, False, and nothing."""
        seen, rewards, ended = self.trials.step(_LANE, np.array([int(action)]))
        return seen[0], float(rewards[0]), bool(ended[0]), False, {}
