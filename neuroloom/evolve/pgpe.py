"""Policy gradients with parameter-based exploration, by ClipUp, from one start or the best of several."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_float, check_int

if TYPE_CHECKING:
    from neuroloom.evolve.weights import WeightSearch

Floats = NDArray[np.float64]


def pgpe(
    search: WeightSearch,
    speed: float,
    momentum: float,
    sigma_lr: float,
    final: float,
    sigma_final: float,
    starts: int,
    trial: float,
) -> None:
    """Policy gradients with parameter-based exploration: a normal distribution whose mean and deviations are learned.

    Mirrored steps about the mean, fitness by centred ranks, each weight with a deviation of its own, which changes by a
    fifth a generation at most. The mean goes along its gradient by ClipUp: the gradient's length is half of a greatest
    ``speed``, momentum gathers, and what is faster is cut to it; the speed is a share of the radius √n · sigma that the
    samples lie at, and falls to the share ``final`` of itself over the run, the steps to ``sigma_final``. The mean is
    judged, too.

    Where a search is caught by what it finds first, ``starts`` of them take turns, a generation each, until the share
    ``trial`` of the run is spent; the one whose means did best in the last quarter of its generations goes on alone.

    Sehnke, Osendorfer, Rückstieß, Graves, Peters and Schmidhuber (2010), "Parameter-exploring policy gradients", with
    symmetric samples; Toklu, Liskowski and Srivastava (2020), "ClipUp: a simple and powerful optimizer for
    distribution-based policy evolution", algorithm 1. Starts and the fall of speed and steps are ours.
    """
    check_float("sigma_final", sigma_final, 0, open_low=True)
    check_int("starts", starts)
    check_float("trial", trial, 0, 1)
    rng, count = search.rng, (search.population - 1) // 2
    rivals = [_Distribution(search.centre(), search.sigma) for _ in range(starts)]
    while True:
        spent = search.spent
        if len(rivals) > 1 and spent >= trial:
            rivals = [max(rivals, key=_Distribution.worth)]
        one = min(rivals, key=lambda rival: len(rival.seen))
        deviation = (1 - (1 - sigma_final) * spent) * one.deviation
        limit = (1 - (1 - final) * spent) * speed * search.sigma * np.sqrt(len(one.mean))
        steps = deviation * rng.standard_normal((count, len(one.mean)))
        fitness = search.judge_both(np.vstack([one.mean + steps, one.mean - steps, one.mean]))[0]
        search.close()
        one.learn(steps, deviation, fitness, limit, momentum, sigma_lr)


class _Distribution:
    """The normal distribution of one start.

    Attributes:
        mean: ``(n,)``.
        deviation: ``(n,)``.
        seen: the fitness of the mean, by generation.
    """

    def __init__(self, centre: Floats, sigma: float) -> None:
        self.mean, self.deviation = centre, np.full(len(centre), sigma)
        self._velocity = np.zeros(len(centre))
        self.seen: list[float] = []

    def worth(self) -> float:
        """Return what its means of the last quarter of its generations are worth."""
        late = self.seen[-max(len(self.seen) // 4, 1) :]
        return float(np.mean(late)) if late else -np.inf

    def learn(
        self, steps: Floats, deviation: Floats, fitness: Floats, limit: float, momentum: float, rate: float
    ) -> None:
        """Learn from the fitness ``(2 · count + 1,)`` of ``mean + steps``, ``mean - steps`` and the mean."""
        self.seen.append(float(fitness[-1]))
        count = len(steps)
        worth = np.empty(2 * count)
        worth[np.argsort(fitness[:-1], kind="stable")] = np.linspace(-0.5, 0.5, 2 * count)
        up, down = worth[:count], worth[count:]
        slope = (up - down) @ steps
        velocity = momentum * self._velocity + 0.5 * limit * slope / max(float(np.linalg.norm(slope)), 1e-12)
        self._velocity = velocity * min(1.0, limit / max(float(np.linalg.norm(velocity)), 1e-12))
        self.mean = self.mean + self._velocity
        change = 0.5 * (up + down) @ ((steps**2 - deviation**2) / deviation) / count
        self.deviation = self.deviation + np.clip(rate * change, -0.2 * self.deviation, 0.2 * self.deviation)
