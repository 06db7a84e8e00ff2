"""Whether encoded columns say more than the columns alone: a trial by ridge regression, leaving one out.

Both designs are fitted in closed form, each with its best penalty, and judged by the squared errors of the samples left
out. An encoding that lets a linear model see no more has nothing to bend: its many columns are then only more to
overfit with, and a network is better off without them.

Source: Breiman, Friedman, Olshen & Stone (1984), "Classification and regression trees", section 3.4 (of two models
within one standard error, the simpler).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.seeding import stream
from neuroloom.nets._ridge_head import fit_ridge

Floats = NDArray[np.float64]
_PENALTIES = np.logspace(-1, 4, 11)
_MOST = 1000  # samples of a trial: more would not change what it finds


def says_more(encoded: Floats, plain: Floats, target: NDArray[np.generic], seed: int) -> bool:
    """Return whether the encoded columns take more than a standard error off the squared error left out.

    Args:
        encoded: ``(n, features + parts)``.
        plain: ``(n, features)``.
        target: ``(n,)`` class indices or ``(n, outputs)`` numbers.
        seed: of the samples in the trial, at most 1,000.
    """
    if encoded.shape[1] == plain.shape[1]:
        return False
    few = np.sort(stream(seed, "encoding").permutation(len(plain))[:_MOST])
    Y = target[few].astype(np.float64) if target.ndim == 2 else np.eye(int(target.max()) + 1)[target[few]]
    before, after = (
        ((Y - fit_ridge(D[few], Y, _PENALTIES).left_out) ** 2).sum(axis=1) for D in (plain, encoded)
    )
    gain = before - after
    return bool(gain.mean() > gain.std() / np.sqrt(len(gain)))
