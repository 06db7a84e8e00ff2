"""Kernels: the robot of the dual task, what it senses and how it acts; see :mod:`neuroloom.core.dual_task`.

Importing this module imports numba. The columns of a state are those of :class:`~neuroloom.core.dual_task.Robots`; y
points down, so that a heading grows to the right.
"""

from __future__ import annotations

import math

from neuroloom.core._kernels_maze import distance_to_wall, free_way, kernel
from neuroloom.core.dual_task import FOODS, LIMIT

RADIUS = 10.5
RANGE = 40.0  # of the range finders, from the robot's skin
BLIND = 0.25  # readings up to this are 0
FINDERS, SLICES = 5, 4
SPREAD = math.degrees(1.3398)  # the outer range finders' angles from ahead
SPEED, TURN = 20.0, math.degrees(4.28)  # units and degrees a second
SECONDS = 0.2  # of a step
REACHED = 20.0


@kernel
def sense(state, e, food, corridor, room, seen):  # type: ignore[no-untyped-def]
    """Fill ``seen (9,)``: five range finders from left to right, then the food ahead, right, behind or left."""
    x, y, heading = state[0, e], state[1, e], state[2, e]
    gathers = state[3, e] == 1.0
    walls = room if gathers else corridor
    for k in range(FINDERS):
        angle = math.radians(heading - SPREAD + 2.0 * SPREAD * k / (FINDERS - 1))
        read = min((free_way(x, y, angle, walls) - RADIUS) / RANGE, 1.0)
        seen[k] = read if read > BLIND else 0.0
    for k in range(SLICES):
        seen[FINDERS + k] = 0.0
    if gathers:
        next_ = food[e, min(int(state[5, e]), FOODS - 1)]
        at = (math.degrees(math.atan2(next_[1] - y, next_[0] - x)) - heading + 45.0) % 360.0
        seen[FINDERS + min(int(at // 90.0), SLICES - 1)] = 1.0


@kernel
def drive(state, e, left, forward, right, walls):  # type: ignore[no-untyped-def]
    """Turn and drive for one step, where no wall is in the way."""
    state[2, e] = (state[2, e] + (right - left) * TURN * SECONDS) % 360.0
    angle = math.radians(state[2, e])
    x = state[0, e] + math.cos(angle) * SPEED * forward * SECONDS
    y = state[1, e] + math.sin(angle) * SPEED * forward * SECONDS
    for w in range(walls.shape[0]):
        if distance_to_wall(x, y, walls[w]) < RADIUS:
            return
    state[0, e], state[1, e] = x, y


@kernel
def act(state, e, action, food, corridor, room, places, scales):  # type: ignore[no-untyped-def]
    """Act for one step; return whether all food is eaten, or the time for it is over, and what was earned."""
    gathers = state[3, e] == 1.0
    drive(state, e, action[0], action[1], action[2], room if gathers else corridor)
    state[4, e] += 1.0
    before = state[6, e]
    if gathers:
        here = food[e, int(state[5, e])]
        if math.hypot(state[0, e] - here[0], state[1, e] - here[1]) < REACHED:
            state[5, e] += 1.0
        eaten = int(state[5, e])
        worth = 1.0
        if eaten < FOODS:
            far = math.hypot(state[0, e] - food[e, eaten, 0], state[1, e] - food[e, eaten, 1])
            worth = (eaten + max(1.0 - far / scales[1], 0.0)) / FOODS
        state[6, e] = worth
        return eaten == FOODS, 0.5 * (worth - before)
    far = math.hypot(state[0, e] - places[1, 0], state[1, e] - places[1, 1])
    there = far < REACHED
    worth = 1.0 if there else max(1.0 - far / scales[0], 0.0)
    state[6, e] = worth
    if there or state[4, e] >= LIMIT:
        state[7, e], state[8, e] = state[0, e], state[1, e]
        state[0, e], state[1, e], state[2, e] = places[2, 0], places[2, 1], 270.0
        state[3, e], state[4, e], state[6, e] = 1.0, 0.0, 0.0
    return False, 0.5 * (worth - before)


@kernel
def act_lanes(state, lanes, actions, food, corridor, room, places, scales, rewards, ended):  # type: ignore[no-untyped-def]
    """Act in the columns ``lanes`` of ``state`` by ``actions (lanes, 3)``; fill ``rewards`` and ``ended``."""
    for k in range(len(lanes)):
        ended[k], rewards[k] = act(state, lanes[k], actions[k], food, corridor, room, places, scales)


@kernel
def sense_lanes(state, lanes, food, corridor, room, seen):  # type: ignore[no-untyped-def]
    """Fill ``seen (lanes, 9)`` with what the robots in the columns ``lanes`` sense."""
    for k in range(len(lanes)):
        sense(state, lanes[k], food, corridor, room, seen[k])
