"""The dual task as a gymnasium environment; see :mod:`neuroloom.core.dual_task`."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_choice
from neuroloom.core.dual_task import PLACEMENTS, Robots, draw_food

_LANE = np.zeros(1, np.int64)


class DualTaskEnv(gymnasium.Env):  # type: ignore[misc]
    """A round robot drives along a corridor to a goal and then, in a room, to four pieces of food.

    It sees five range finders, from the left to the right (0 from a quarter of their 40 units on, 1 where no wall is in
    range), and in which quarter the next food lies: ahead, right, behind, left; in the corridor none does. An action
    in [0, 1]³ turns it left, drives it forward (up to 4 units a step) and turns it right (up to 49 degrees a step); it
    does not drive into walls. Each course is over when all is reached, or after 225 steps. A return is the average of
    ``1 - distance / 650`` at the corridor's end, or 1 within 20 units of the goal, and, in the room, a quarter of the
    food eaten and how near the next is, ``(n + 1 - distance / diagonal) / 4``, or 1 for all four: in [0, 1], solved
    at 1. ``info["behaviour"]`` is where the corridor was left, as shares of its size, and the share of the food.

    Args:
        food: ``"random"`` places by the seed, as in the paper, or the four ``"published"`` ones of its program.

    Shapes:
        observation ``(9,)`` float32; action ``(3,)``.

    Source:
        Risi and Stanley (2012), "An enhanced hypercube-based encoding for evolving the placement, density, and
        connectivity of neurons"; what is of the paper and what is not, see :mod:`neuroloom.core.dual_task`.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 (gymnasium's own declaration)

    def __init__(self, food: str = "random") -> None:
        self._food = check_choice("food", food, PLACEMENTS)
        self.robots = Robots(1)
        self.action_space = gymnasium.spaces.Box(0.0, 1.0, (3,), np.float32)
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (9,), np.float32)
        self.behaviour_space = gymnasium.spaces.Box(0.0, 1.0, (3,), np.float64)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin in the corridor."""
        super().reset(seed=seed)
        seen = self.robots.begin(_LANE, draw_food(self._food, self.np_random)[None])
        return seen[0], self._info()

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Act for one step; return observation, reward, whether all food is eaten, whether time is over, and more."""
        rows = np.clip(np.asarray(action, dtype=np.float64).reshape(1, 3), 0.0, 1.0)
        seen, rewards, ended = self.robots.step(_LANE, rows)
        cut = bool(self.robots.over(_LANE)[0]) and not ended[0]
        return seen[0], float(rewards[0]), bool(ended[0]), cut, self._info()

    def _info(self) -> dict[str, Any]:
        return {"behaviour": self.robots.behaviour(_LANE)[0]}
