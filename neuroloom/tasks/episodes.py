"""Control: episodes of a gymnasium environment."""

from __future__ import annotations

import numpy as np

from neuroloom.core.samples import EnvSet
from neuroloom.core.seeding import stream
from neuroloom.tasks.base import DrawnTask
from neuroloom.tasks.metrics import DEFAULTS
from neuroloom.tasks.task import Data, Split

TRAIN, TEST = 1000, 100


class CartPole(DrawnTask):
    """Balance a pole on a cart.

    A policy may use the 1,000 training starts as it likes and is scored by its mean return over 100 others; both are
    drawn for each repetition and share no seed.
    """

    kind = "episodes"
    problem = "control"
    metrics = DEFAULTS["control"]
    protocol = "published"
    published_splits = 1
    summary = "CartPole-v1: keep a pole upright for up to 500 steps, scored over 100 fresh episodes"
    source = "Barto, Sutton and Anderson 1983; gymnasium's CartPole-v1"

    def load(self, seed: int = 0) -> Data:
        """Return an ``EnvSet`` of 1,000 training and 100 test starts."""
        seeds = stream(seed, "data", self.name).choice(2**31 - 1, size=TRAIN + TEST, replace=False)
        split = Split(train=np.arange(TRAIN), test=np.arange(TRAIN, TRAIN + TEST))
        return Data(EnvSet("CartPole-v1", seeds), None, extra={"splits": [split]})
