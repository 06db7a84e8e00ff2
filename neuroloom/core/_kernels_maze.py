"""Kernels: a robot among walls, what it senses and how it moves.

Importing this module imports numba. Robot and sensors are those of Lehman and Stanley (2011), "Abandoning objectives:
Evolution through the search for novelty alone", figure 4, with the constants of their program. A state is
``(x, y, heading, speed, turn)``, the heading and the turn of a step in degrees; a wall is ``(x1, y1, x2, y2)``.
"""

from __future__ import annotations

import math

from numba import njit

RADIUS = 8.0
RANGE = 100.0
FASTEST = 3.0  # of speed, in units a step, and of turn, in degrees a step
PUSH = 0.5  # by which a full action changes them
REACHED = 5.0  # distance from the goal at which it counts as reached
FINDERS, SLICES = 6, 4
FINDER_ANGLES = (-90.0, -45.0, 0.0, 45.0, 90.0, -180.0)

kernel = njit(cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True, _nrt=False)


@kernel
def distance_to_wall(x, y, wall):  # type: ignore[no-untyped-def]
    """Return the distance of a point from a segment ``wall (4,)``."""
    ax, ay = wall[0], wall[1]
    bx, by = wall[2] - ax, wall[3] - ay
    t = ((x - ax) * bx + (y - ay) * by) / (bx * bx + by * by)
    t = min(max(t, 0.0), 1.0)
    return math.hypot(x - ax - t * bx, y - ay - t * by)


@kernel
def free_way(x, y, angle, walls):  # type: ignore[no-untyped-def]
    """Return how far a ray at ``angle`` radians goes before it meets one of ``walls (w, 4)``, at most ``RANGE``."""
    cos, sin = math.cos(angle), math.sin(angle)
    nearest = RANGE
    for w in range(walls.shape[0]):
        ax, ay = walls[w, 0] - x, walls[w, 1] - y
        bx, by = walls[w, 2] - walls[w, 0], walls[w, 3] - walls[w, 1]
        across = cos * by - sin * bx
        if across == 0.0:
            continue
        far = (ax * by - ay * bx) / across  # along the ray
        along = (ax * sin - ay * cos) / across  # along the wall
        if 0.0 <= along <= 1.0 and 0.0 <= far < nearest:
            nearest = far
    return nearest


@kernel
def sense(state, e, walls, goal, seen):  # type: ignore[no-untyped-def]
    """Fill ``seen (10,)`` with what the robot in column ``e`` of ``state (5, n)`` senses.

    First six range finders, 0 at a wall to 1 where there is none in range; then the goal's direction, a 1 in one of
    four quarters, right, behind, left, ahead, where y points down.
    """
    x, y, heading = state[0, e], state[1, e], state[2, e]
    for k in range(FINDERS):
        seen[k] = free_way(x, y, math.radians(heading + FINDER_ANGLES[k]), walls) / RANGE
    at = (math.degrees(math.atan2(goal[1] - y, goal[0] - x)) - heading - 45.0) % 360.0
    slice_ = min(int(at // 90.0), SLICES - 1)
    for k in range(SLICES):
        seen[FINDERS + k] = 1.0 if k == slice_ else 0.0


@kernel
def move(state, e, turn, push, walls):  # type: ignore[no-untyped-def]
    """Move the robot in column ``e`` of ``state (5, n)`` by one step; ``turn`` and ``push`` in [-1, 1]."""
    state[4, e] = min(max(state[4, e] + PUSH * turn, -FASTEST), FASTEST)
    state[3, e] = min(max(state[3, e] + PUSH * push, -FASTEST), FASTEST)
    angle = math.radians(state[2, e])
    x, y = state[0, e] + math.cos(angle) * state[3, e], state[1, e] + math.sin(angle) * state[3, e]
    state[2, e] = (state[2, e] + state[4, e]) % 360.0
    for w in range(walls.shape[0]):
        if distance_to_wall(x, y, walls[w]) < RADIUS:
            return
    state[0, e], state[1, e] = x, y


@kernel
def move_lanes(state, lanes, actions, walls, goal, rewards, ended):  # type: ignore[no-untyped-def]
    """Move in the columns ``lanes`` of ``state`` by ``actions (lanes, 2)``; fill ``rewards`` and ``ended``."""
    for k in range(len(lanes)):
        e = lanes[k]
        before = math.hypot(state[0, e] - goal[0], state[1, e] - goal[1])
        move(state, e, actions[k, 0], actions[k, 1], walls)
        after = math.hypot(state[0, e] - goal[0], state[1, e] - goal[1])
        rewards[k] = before - after
        ended[k] = after < REACHED


@kernel
def sense_lanes(state, lanes, walls, goal, seen):  # type: ignore[no-untyped-def]
    """Fill ``seen (lanes, 10)`` with what the robots in the columns ``lanes`` sense."""
    for k in range(len(lanes)):
        sense(state, lanes[k], walls, goal, seen[k])
