"""Deceptive mazes: a robot that is rewarded for coming nearer to its goal runs into dead ends.

Lehman and Stanley (2011), "Abandoning objectives: Evolution through the search for novelty alone". Two environments of
gymnasium, registered when they are first asked for: ``neuroloom/MediumMaze-v0`` and ``neuroloom/HardMaze-v0``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MEDIUM = "neuroloom/MediumMaze-v0"
HARD = "neuroloom/HardMaze-v0"
MAZES = (MEDIUM, HARD)
LIMIT = 400  # steps that an episode lasts at most


class Maze(NamedTuple):
    """Walls, start and goal of a maze, in units of an eighth of the robot's radius.

    Args:
        walls: ``(w, 4)`` segments ``x1, y1, x2, y2``, the outer ones first.
        start: ``(3,)`` place and heading, in degrees.
        goal: ``(2,)`` place.
    """

    walls: Floats
    start: Floats
    goal: Floats

    @property
    def size(self) -> Floats:
        """``(2, 2)`` the lowest and the highest x and y."""
        ends = self.walls.reshape(-1, 2)
        return np.stack([ends.min(axis=0), ends.max(axis=0)])


def maze(env_id: str) -> Maze:
    """Return the maze of ``env_id``, one of ``MAZES``."""
    if env_id == MEDIUM:
        inner = [
            (241, 135, 58, 65), (114, 5, 73, 42), (130, 91, 107, 46), (196, 5, 139, 51), (219, 125, 182, 63),
            (267, 5, 214, 63), (271, 135, 237, 88),
        ]  # fmt: skip
        width, height, start, goal = 295, 135, (30, 22, 0), (270, 100)
    else:
        inner = [
            (5, 49, 57, 53), (56, 54, 56, 157), (57, 106, 158, 162), (77, 200, 108, 164), (5, 80, 33, 121),
            (200, 146, 87, 91), (56, 55, 133, 30),
        ]  # fmt: skip
        width, height, start, goal = 200, 200, (36, 184, 0), (31, 20)
    outer = [(5, 5, width, 5), (5, 5, 5, height), (5, height, width, height), (width, 5, width, height)]
    return Maze(np.array([*outer, *inner], float), np.array(start, float), np.array(goal, float))


def first_state(own: Maze, spread: float, generator: np.random.Generator) -> Floats:
    """Return a state ``(5,)`` at the start, the heading within ``spread`` degrees of the maze's own."""
    return np.array([*own.start[:2], own.start[2] + generator.uniform(-spread, spread), 0.0, 0.0])


def as_behaviour(own: Maze, places: Floats) -> Floats:
    """Return ``places (n, 2)`` as shares of the maze's width and height, in [0, 1]."""
    low, high = own.size
    return np.asarray((places - low) / (high - low))


def register() -> None:
    """Make both environments known to gymnasium, if they are not."""
    import gymnasium

    for env_id in MAZES:
        if env_id not in gymnasium.registry:
            own = maze(env_id)
            gymnasium.register(
                env_id,
                entry_point="neuroloom.core.maze_env:MazeEnv",
                max_episode_steps=LIMIT,
                reward_threshold=float(np.hypot(*(own.start[:2] - own.goal))) - 5.0,
                kwargs={"name": env_id},
            )
