"""How far a classifier keeps its answer when a sample is shifted: Zhang (2019), Making convolutional networks
shift-invariant again.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neuroloom.core.checks import check_int
from neuroloom.core.seeding import as_seed, stream
from neuroloom.core.signals import signal_batch


def shift_consistency(
    model: Any, X: Any, shift: int | None = None, draws: int = 5, random_state: Any = 0
) -> float:
    """Return the share of samples that two random shifts leave with the same answer, from 0 to 1 (section 4.1).

    What is shifted out on one side comes in on the other, so no value is lost and only the place changes.

    Args:
        model: anything with ``predict``, fitted.
        X: ``(n, channels, length)`` series or ``(n, channels, height, width)`` pictures.
        shift: steps in each dimension, from 0 to so many, at least 1; None: any shift at all.
        draws: pairs of shifts for each sample, at least 1.
        random_state: seed, generator or None.

    Raises:
        InputError: ``X`` is no set of series or pictures, or ``shift`` is more than the length of a sample.
    """
    values = signal_batch(X)
    lengths = values.shape[2:]
    if shift is not None:
        lengths = (check_int("shift", shift, 1, min(lengths) - 1) + 1,) * len(lengths)
    draw, same = stream(as_seed(random_state), "shifts"), []
    for _ in range(check_int("draws", draws)):
        answers = []
        for _ in range(2):
            moves = [draw.integers(length, size=len(values)) for length in lengths]
            answers.append(np.asarray(model.predict(_rolled(values, moves))))
        same.append(float(np.mean(answers[0] == answers[1])))
    return float(np.mean(same))


def _rolled(values: Any, moves: list[Any]) -> Any:
    """Return each sample moved around by its own steps."""
    for axis, steps in enumerate(moves):
        length = values.shape[2 + axis]
        at = (np.arange(length) - steps[:, None]) % length
        shape = [len(values), 1, *[1] * len(moves)]
        shape[2 + axis] = length
        values = np.take_along_axis(values, at.reshape(shape), axis=2 + axis)
    return values
