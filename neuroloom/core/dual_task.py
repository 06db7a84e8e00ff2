"""The dual task: one robot finds its way along a corridor by its range finders, then gathers food by its radar.

Risi and Stanley (2012), "An enhanced hypercube-based encoding for evolving the placement, density, and connectivity of
neurons", section 6. An environment of gymnasium, registered when it is first asked for: ``neuroloom/DualTask-v0``.

Of the paper: both courses and their sensors, that the radar is dark in the corridor, that a piece of food lies at
another random place once one is eaten, the fitness ``1 - d`` of the corridor and ``(n + 1 - d) / 4`` of the food, 1
for all of it, and their average; solved is 1. Of the authors' program, as far as it is published (their environment
file, their robot ``MazeRobotPieSlice`` and ``DualTaskFitness`` of a later study with the same courses): places and
walls, the robot, 45 s in steps of 0.2 s, within 20 units of a goal or food as reached, 650 units as the scale of the
corridor and the room's diagonal as that of the room. Of neither, and so ours: that both courses follow in one episode,
that the robot begins in the middle of the room and looks up, that food keeps 50 units from the walls, and the radar's
true direction (the program's takes degrees for radians).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DUAL_TASK = "neuroloom/DualTask-v0"
LIMIT = 225  # steps of a course at most: 45 s of 0.2 s each
FOODS = 4
PLACEMENTS = ("random", "published")
START = (255.0, 393.0)
GOAL = (394.0, 184.0)
UP = 270.0  # degrees, where y points down
FAR = 650.0  # the distance from the goal that is worth nothing
ROOM = (106.0, 416.0, 585.0, 766.0)  # x and y of its corners
MARGIN = 50.0  # of food from the walls
_PUBLISHED = ((171.0, 517.0), (398.0, 475.0), (204.0, 682.0), (399.0, 629.0))
_CORRIDOR = (
    (231, 416, 285, 417), (277, 417, 277, 340), (277, 340, 371, 341), (230, 294, 369, 295), (371, 341, 419, 341),
    (230, 294, 231, 426), (369, 295, 370, 165), (370, 165, 421, 166), (421, 166, 419, 341),
)  # fmt: skip


class Courses(NamedTuple):
    """Both courses as the kernels take them.

    Args:
        corridor: ``(9, 4)`` walls ``x1, y1, x2, y2``.
        room: ``(4, 4)`` walls.
        places: ``(3, 2)`` the start, the goal, and the middle of the room.
        scales: ``(2,)`` the distances from goal and food that are worth nothing.
    """

    corridor: Floats
    room: Floats
    places: Floats
    scales: Floats


def courses() -> Courses:
    """Return both courses."""
    left, top, right, bottom = ROOM
    room = [
        (left, top, right, top),
        (right, top, right, bottom),
        (right, bottom, left, bottom),
        (left, bottom, left, top),
    ]
    middle = (left + right) / 2, (top + bottom) / 2
    return Courses(
        np.array(_CORRIDOR, float),
        np.array(room),
        np.array([START, GOAL, middle]),
        np.array([FAR, math.hypot(right - left, bottom - top)]),
    )


def draw_food(placement: str, generator: np.random.Generator) -> Floats:
    """Return the places ``(4, 2)`` where food lies, one after another."""
    if placement == "published":
        return np.array(_PUBLISHED)
    left, top, right, bottom = ROOM
    low, high = (left + MARGIN, top + MARGIN), (right - MARGIN, bottom - MARGIN)
    return generator.uniform(low, high, (FOODS, 2))


class Robots:
    """Robots in numbered lanes, each somewhere in an episode.

    Args:
        lanes: how many there are.

    Attributes:
        state: ``(9, lanes)``: x, y, heading in degrees, course (0 or 1), steps of it, food eaten, what the courses so
            far have earned, and x and y where the corridor was left.
        food: ``(lanes, 4, 2)`` where food lies.
    """

    def __init__(self, lanes: int) -> None:
        self.courses = courses()
        self.state = np.zeros((9, lanes))
        self.food = np.zeros((lanes, FOODS, 2))

    def begin(self, lanes: NDArray[np.int64], food: Floats) -> NDArray[np.float32]:
        """Place robots at the start of the corridor, with ``food (lanes, 4, 2)`` to come, and return what they see."""
        self.state[:, lanes] = 0.0
        self.state[0, lanes], self.state[1, lanes], self.state[2, lanes] = *START, UP
        self.food[lanes] = food
        return self.observe(lanes)

    def step(
        self, lanes: NDArray[np.int64], actions: Floats
    ) -> tuple[NDArray[np.float32], Floats, NDArray[np.bool_]]:
        """Act by ``actions (lanes, 3)`` in [0, 1]; return what is seen, rewards, and whether all food is eaten."""
        from neuroloom.core._kernels_dual_task import act_lanes

        rewards, ended = np.empty(len(lanes)), np.empty(len(lanes), np.bool_)
        act_lanes(self.state, lanes, actions, self.food, *self.courses, rewards, ended)
        return self.observe(lanes), rewards, ended

    def over(self, lanes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whether the time of the second course is over."""
        return np.asarray((self.state[3, lanes] == 1) & (self.state[4, lanes] >= LIMIT))

    def observe(self, lanes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return what is seen ``(lanes, 9)``."""
        from neuroloom.core._kernels_dual_task import sense_lanes

        seen = np.empty((len(lanes), 9))
        sense_lanes(self.state, lanes, self.food, self.courses.corridor, self.courses.room, seen)
        return seen.astype(np.float32)

    def behaviour(self, lanes: NDArray[np.int64]) -> Floats:
        """Return ``(lanes, 3)`` in [0, 1]: where the corridor was left, as shares of its size, and food, of all."""
        ends = self.courses.corridor.reshape(-1, 2)
        low, high = ends.min(axis=0), ends.max(axis=0)
        left = np.where(self.state[3, lanes] == 1, self.state[7:9, lanes], self.state[:2, lanes]).T
        return np.column_stack([((left - low) / (high - low)).clip(0, 1), self.state[5, lanes] / FOODS])


def register() -> None:
    """Make the environment known to gymnasium, if it is not."""
    import gymnasium

    if DUAL_TASK not in gymnasium.registry:
        gymnasium.register(
            DUAL_TASK,
            entry_point="neuroloom.core.dual_task_env:DualTaskEnv",
            max_episode_steps=2 * LIMIT,
            reward_threshold=1.0 - 1e-9,
        )
