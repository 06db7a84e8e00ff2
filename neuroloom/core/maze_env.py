"""Deceptive mazes as gymnasium environments; see :mod:`neuroloom.core.maze`."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_float
from neuroloom.core.maze import as_behaviour, first_state, maze


class MazeEnv(gymnasium.Env):  # type: ignore[misc]
    """A round robot seeks the goal of a maze.

    It sees six range finders (to the left, half left, ahead, half right, right and behind, 0 at a wall and 1 where none
    is within 100 units) and in which quarter the goal lies. An action in [-1, 1]² changes how fast it turns (degrees a
    step) and drives (units a step) by up to a half; both stay within 3, and it does not drive into walls. A step
    earns what it comes nearer, so a return is the way gained towards the goal, as the crow flies. An episode ends
    within 5 units of the goal and is cut after 400 steps. ``info["behaviour"]`` is where it stands, as shares of width
    and height.

    Args:
        name: ``"neuroloom/MediumMaze-v0"`` or ``"neuroloom/HardMaze-v0"``.
        spread: degrees by which the first heading may differ from the published one; 0 is the published task.

    Shapes:
        observation ``(10,)`` float32; action ``(2,)``.

    Source:
        Lehman and Stanley (2011), "Abandoning objectives: Evolution through the search for novelty alone".
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 (gymnasium's own declaration)

    def __init__(self, name: str, spread: float = 0.0) -> None:
        self.maze, self._spread = maze(name), check_float("spread", spread, 0, 180)
        self.state = np.zeros((5, 1))
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (10,), np.float32)
        self.behaviour_space = gymnasium.spaces.Box(0.0, 1.0, (2,), np.float64)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin at the start of the maze, at rest."""
        super().reset(seed=seed)
        self.state[:, 0] = first_state(self.maze, self._spread, self.np_random)
        return self._observe(), self._info()

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Drive for one step and return observation, reward, whether the goal is reached, False, and the place."""
        from neuroloom.core._kernels_maze import move_lanes

        rows = np.clip(np.asarray(action, dtype=np.float64).reshape(1, 2), -1.0, 1.0)
        rewards, ended = np.zeros(1), np.zeros(1, np.bool_)
        move_lanes(self.state, np.zeros(1, np.int64), rows, self.maze.walls, self.maze.goal, rewards, ended)
        return self._observe(), float(rewards[0]), bool(ended[0]), False, self._info()

    def _observe(self) -> NDArray[np.float32]:
        from neuroloom.core._kernels_maze import sense_lanes

        seen = np.zeros((1, 10))
        sense_lanes(self.state, np.zeros(1, np.int64), self.maze.walls, self.maze.goal, seen)
        return np.asarray(seen[0], dtype=np.float32)

    def _info(self) -> dict[str, Any]:
        return {"behaviour": as_behaviour(self.maze, self.state[:2].T)[0]}
