"""Kernel: a whole population balances the cart pole, network and physics in one loop.

Importing this module imports numba. The physics is that of gymnasium's ``CartPole-v1`` (Barto, Sutton and Anderson
1983, Euler steps of 0.02 s, a reward of 1 for each step), operation by operation; only the calls from Python are
left out. A test compares the returns with gymnasium's.
"""

from __future__ import annotations

import math

import numpy as np

from neuroloom.evolve._kernels import kernel
from neuroloom.evolve._kernels_phenotype import forward

_ANGLE = 12 * 2 * math.pi / 360
_TOTAL, _POLE = 0.1 + 1.0, 0.1 * 0.5


@kernel
def balance(net, mean, scale, starts, limit, start, stop, returns, ends, values, bits, powers, state, lane):  # type: ignore[no-untyped-def]
    """Play the episodes that begin in the states ``starts (4, episodes)``, with each genome ``start … stop - 1``.

    ``mean`` and ``scale``, ``(4,)``, standardise observations; an episode ends after ``limit`` steps at the latest.
    Fills ``returns (genomes, episodes)`` and ``ends (genomes, episodes, 4)``, the last states. ``values``, ``bits`` and
    ``powers`` come from ``block_room``; ``state``, ``(4, episodes)`` float64, and ``lane``, ``(episodes,)`` int64, are
    scratch too.
    """
    episodes = starts.shape[1]
    for g in range(start, stop):
        for e in range(episodes):
            lane[e] = e
            returns[g, e] = 0.0
            for i in range(4):
                state[i, e] = starts[i, e]
        live = episodes
        for _ in range(limit):
            for i in range(4):
                for e in range(live):
                    values[i, e] = np.float32((np.float64(np.float32(state[i, e])) - mean[i]) / scale[i])
            forward(net, g, 4, values, live, bits, powers)
            kept = 0
            for e in range(live):
                force = 10.0 if values[net.outputs[g, 1], e] > values[net.outputs[g, 0], e] else -10.0
                x, dx, angle, spin = state[0, e], state[1, e], state[2, e], state[3, e]
                cos, sin = math.cos(angle), math.sin(angle)
                push = (force + _POLE * (spin * spin) * sin) / _TOTAL
                turn = (9.8 * sin - cos * push) / (0.5 * (4.0 / 3.0 - 0.1 * (cos * cos) / _TOTAL))
                pull = push - _POLE * turn * cos / _TOTAL
                x, dx, angle, spin = x + 0.02 * dx, dx + 0.02 * pull, angle + 0.02 * spin, spin + 0.02 * turn
                returns[g, lane[e]] += 1.0
                if abs(x) <= 2.4 and abs(angle) <= _ANGLE:
                    state[0, kept], state[1, kept], state[2, kept], state[3, kept] = x, dx, angle, spin
                    lane[kept] = lane[e]
                    kept += 1
                else:
                    last = ends[g, lane[e]]
                    last[0], last[1], last[2], last[3] = x, dx, angle, spin
            live = kept
            if live == 0:
                break
        for e in range(live):
            for i in range(4):
                ends[g, lane[e], i] = state[i, e]
