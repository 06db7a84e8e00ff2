"""Mixtures of normals on which it can be counted what a sampler misses: the ring of 8 and the grid of 25.

Metz, Poole, Pfau and Sohl-Dickstein (2017), Unrolled generative adversarial networks (the ring); Srivastava, Valkov,
Russell, Gutmann and Sutton (2017), VEEGAN (the grid, and how modes are counted).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_int
from neuroloom.core.errors import InputError
from neuroloom.core.seeding import as_seed, stream

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Mixture:
    """Normals of one spread around centres, all equally likely.

    Args:
        centres: ``(modes, features)``.
        spread: standard deviation of each, above 0.
    """

    centres: Floats
    spread: float

    def draw(self, n: int, random_state: Any = None) -> Floats:
        """Return ``(n, features)`` points.

        Args:
            n: how many, at least 1.
            random_state: int, generator or None.
        """
        rng = stream(as_seed(random_state), "mixture")
        chosen = self.centres[rng.integers(0, len(self.centres), check_int("n", n))]
        return chosen + self.spread * rng.standard_normal(chosen.shape)

    def covered(self, samples: Any, share: float = 0.1) -> tuple[int, float]:
        """Return how many modes samples cover, and the share of samples within three standard deviations of a mode.

        Args:
            samples: ``(n, features)``.
            share: of an even part of all samples that a mode needs within three standard deviations to be covered.

        Raises:
            InputError: the samples have another number of features.
        """
        rows = np.asarray(samples, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != self.centres.shape[1]:
            raise InputError(f"expected samples of shape (n, {self.centres.shape[1]}), but got {rows.shape}.")
        distance = np.linalg.norm(rows[:, None] - self.centres, axis=2)
        near = distance.min(axis=1) <= 3 * self.spread
        counts = np.bincount(distance.argmin(axis=1)[near], minlength=len(self.centres))
        return int((counts >= share * len(rows) / len(self.centres)).sum()), float(near.mean())


def ring_of_normals(modes: int = 8, radius: float = 2.0, spread: float = 0.02) -> Mixture:
    """Return normals on a circle.

    Args:
        modes: how many, at least 1.
        radius: of the circle.
        spread: standard deviation of each.
    """
    turn = 2 * np.pi * np.arange(check_int("modes", modes)) / modes
    return Mixture(radius * np.stack([np.cos(turn), np.sin(turn)], axis=1), spread)


def grid_of_normals(side: int = 5, apart: float = 2.0, spread: float = 0.05) -> Mixture:
    """Return normals on a square grid.

    Args:
        side: how many in a row, at least 1.
        apart: distance of neighbours.
        spread: standard deviation of each.
    """
    line = apart * (np.arange(check_int("side", side)) - (side - 1) / 2)
    return Mixture(np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2), spread)
