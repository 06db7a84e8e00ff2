"""The Bayesian signed-rank test with a region of practical equivalence (ROPE).

Source: A. Benavoli, G. Corani, J. Demšar and M. Zaffalon, "Time for a change: a tutorial for comparing multiple
classifiers through Bayesian analysis", JMLR 18, 2017, section 4.2; the test is from A. Benavoli et al., "A Bayesian
Wilcoxon signed-rank test based on the Dirichlet process", ICML 2014.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from neuroloom.core.seeding import stream

PRIOR_STRENGTH = 0.5
"""Weight of the pseudo-observation at zero, as in the paper's own code."""


@dataclass(frozen=True)
class SignedRankPosterior:
    """Posterior probabilities for the next task.

    Args:
        better: the first method is better by more than the ROPE.
        same: they are practically equivalent.
        worse: the second method is better by more than the ROPE.
    """

    better: float
    same: float
    worse: float


def bayesian_signed_rank(
    differences: ArrayLike, rope: float = 0.01, *, samples: int = 20_000, seed: int = 0
) -> SignedRankPosterior:
    """Return how probable it is that either method is practically better, or neither.

    With ``w ~ Dirichlet(s, 1, …, 1)`` over ``z = (0, d_1, …, d_n)``, the mass of each region is the sum of ``w_i w_j``
    over the pairs with ``z_i + z_j`` above ``2 rope``, within ``±2 rope`` or below ``-2 rope``; a region's probability
    is how often it has the largest mass.

    Args:
        differences: ``(n,)``, first method minus second, greater being better.
        rope: half-width of the region of practical equivalence, at least 0, in the metric's unit.
        samples: Monte-Carlo draws of the weights.
        seed: of the draws.
    """
    d = np.asarray(differences, dtype=np.float64)
    z = np.concatenate([[0.0], d])
    sums = z[:, None] + z[None, :]
    regions = [sums > 2 * rope, np.abs(sums) <= 2 * rope]
    alpha = np.concatenate([[PRIOR_STRENGTH], np.ones(len(d))])
    draws = stream(seed, "bayesian signed rank").dirichlet(alpha, samples)
    better, same = (np.einsum("si,si->s", draws @ region.astype(np.float64), draws) for region in regions)
    mass = np.stack([better, same, 1.0 - better - same])
    wins = np.bincount(mass.argmax(axis=0), minlength=3) / samples
    return SignedRankPosterior(float(wins[0]), float(wins[1]), float(wins[2]))
