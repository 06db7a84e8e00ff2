"""The linear map beside a forecasting network: ridge regression of all steps ahead on the whole window.

Toner and Darlow (2024), An analysis of linear time series forecasting models: DLinear, NLinear and their like are
linear regressions, which the closed form fits better than gradient descent does. Burman, Chow and Nolan (1994), A
cross-validatory method for dependent data.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuroloom.nets.deep_forecaster import FEWEST_LEARNED, around

Floats = NDArray[np.float64]
RIDGES = tuple(float(r) for r in np.logspace(-5, 2, 15))  # penalties a sample, to choose from
BLOCKS = 5
LEAST_UNPROVED = 0.1  # penalty where the windows are too few to leave out each block


def fit_linear(D: Floats, Y: Floats, ridges: NDArray[np.float64]) -> tuple[Floats, Floats]:
    """Return coefficients ``(ridges, m, outputs)`` and intercepts ``(ridges, outputs)`` of ridge regressions.

    Args:
        D: ``(n, m)`` windows.
        Y: ``(n, outputs)`` answers.
        ridges: penalties a sample, above 0: the sum of squares is penalised by ``n`` times them.
    """
    mean_d, mean_y = D.mean(axis=0), Y.mean(axis=0)
    U, s, Vt = np.linalg.svd(D - mean_d, full_matrices=False)
    shrunk = s / (s**2 + len(D) * ridges[:, None])
    coef: Floats = Vt.T @ (shrunk[..., None] * (U.T @ (Y - mean_y)))
    return coef, mean_y - mean_d @ coef


def choose_ridge(D: Floats, Y: Floats, origins: NDArray[np.int64], horizon: int) -> float:
    """Return the penalty a sample of the least mean absolute error over blocks of time, each left out in turn.

    Where a block leaves next to nothing to learn from, penalties below 0.1 are not asked: the others may then prove a
    map that goes through all of the few windows, and goes astray elsewhere.

    Args:
        D: ``(n, m)`` windows.
        Y: ``(n, horizon)`` answers.
        origins: ``(n,)`` rising, where the windows end.
        horizon: origins less than so many steps from a block are left out with it.
    """
    ridges = np.array(RIDGES)
    missed = np.zeros(len(ridges))
    for block in np.array_split(np.arange(len(D)), min(BLOCKS, len(D))):
        learned = ~around(origins, block, horizon)
        if learned.sum() < FEWEST_LEARNED:
            missed[ridges < LEAST_UNPROVED] = np.inf
            continue
        coef, intercept = fit_linear(D[learned], Y[learned], ridges)
        missed += np.abs(Y[block] - (D[block] @ coef + intercept[:, None])).sum(axis=(1, 2))
    return float(ridges[np.argmin(missed)])
