"""Reversal learning: two arms of which one pays, and in the midst of an episode the other begins to.

An episode is a row of trials of two steps each: a choice, and a look at what it brought. When the next choice is due,
nothing is to be seen of the last, so that who does not remember gets half at most. One environment of gymnasium,
registered when it is first asked for: ``neuroloom/ReversalBandit-v0``.

Blynel and Floreano (2003), "Exploring the T-maze: Evolving learning-like robot behaviors using CTRNNs", and Soltoggio,
Bullinaria, Mattiussi, Dürr and Floreano (2008), "Evolutionary advantages of neuromodulated plasticity in dynamic,
reward-based scenarios", for a reward that moves from one arm of a T-maze to the other.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checks import check_float, check_int
from neuroloom.core.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

REVERSAL_BANDIT = "neuroloom/ReversalBandit-v0"
ARMS, SEEN = 2, 4
THRESHOLD = 36.0  # of 40 trials: who stays where it pays and leaves where it does not gets 38.5 on average


class Bandit(NamedTuple):
    """What an episode is drawn from.

    Args:
        trials: choices in an episode, at least 4.
        reversals: how often the better arm changes, at distinct trials drawn evenly from the middle half, at least 0.
        probability: chance in (0.5, 1] that the better arm pays 1 in a trial; the other pays where it does not.

    Raises:
        InputError: one is out of its range (from :func:`bandit`).
    """

    trials: int
    reversals: int
    probability: float

    @property
    def middle(self) -> tuple[int, int]:
        """The first trial that a reversal may come before, and the one after the last."""
        return self.trials // 4, 3 * self.trials // 4


def bandit(trials: int = 40, reversals: int = 1, probability: float = 1.0) -> Bandit:
    """Return the checked settings; see :class:`Bandit`."""
    own = Bandit(
        check_int("trials", trials, 4),
        check_int("reversals", reversals, 0),
        check_float("probability", probability, 0.5, 1.0, open_low=True),
    )
    low, high = own.middle
    if own.reversals > high - low:
        raise InputError(
            f"`reversals` must be at most {high - low}, the trials in the middle half of {trials}, but got {reversals}."
        )
    return own


def draw_payments(own: Bandit, generator: np.random.Generator) -> Floats:
    """Return ``(trials, 2)``: what each arm would pay in each trial of an episode, 0 or 1, one of the two always."""
    better = np.full(own.trials, generator.integers(ARMS))
    for trial in generator.choice(np.arange(*own.middle), size=own.reversals, replace=False):
        better[trial:] = 1 - better[trial:]
    pays = np.where(generator.random(own.trials) < own.probability, better, 1 - better)
    return np.eye(ARMS)[pays]


class Trials:
    """Episodes in numbered lanes, stepped together.

    Args:
        own: the settings.
        lanes: how many lanes there are.
    """

    def __init__(self, own: Bandit, lanes: int) -> None:
        self.bandit, self.pays = own, np.zeros((lanes, own.trials, ARMS))
        self._clock, self._chosen = np.zeros((2, lanes), np.int64)
        self._paid = np.zeros(lanes)

    def begin(self, lanes: Ints, pays: Floats) -> NDArray[np.float32]:
        """Begin in ``lanes`` episodes of the payments ``(len(lanes), trials, 2)`` and return what is seen."""
        self.pays[lanes], self._clock[lanes] = pays, 0
        return self._seen(lanes)

    def step(self, lanes: Ints, actions: Ints) -> tuple[NDArray[np.float32], Floats, NDArray[np.bool_]]:
        """Choose or look in ``lanes``; return what is seen, rewards, and which episodes made their last choice."""
        trial, looks = np.divmod(self._clock[lanes], 2)
        due = looks == 0
        choosing = lanes[due]
        self._chosen[choosing] = actions[due]
        self._paid[choosing] = self.pays[choosing, trial[due], actions[due]]
        self._clock[lanes] += 1
        ended = self._clock[lanes] >= 2 * self.bandit.trials - 1
        return self._seen(lanes), np.where(due, self._paid[lanes], 0.0), ended

    def _seen(self, lanes: Ints) -> NDArray[np.float32]:
        """Return ``(len(lanes), 4)``: a choice is due, the first arm was chosen, the second was, what it paid."""
        due, chosen = self._clock[lanes] % 2 == 0, self._chosen[lanes]
        paid = np.where(due, 0.0, self._paid[lanes])
        return np.stack([due, ~due & (chosen == 0), ~due & (chosen == 1), paid], axis=1).astype(np.float32)


def register() -> None:
    """Make the environment known to gymnasium, if it is not."""
    import gymnasium

    if REVERSAL_BANDIT not in gymnasium.registry:
        gymnasium.register(
            REVERSAL_BANDIT,
            entry_point="neuroloom.core.reversal_bandit_env:ReversalBanditEnv",
            reward_threshold=THRESHOLD,
        )
