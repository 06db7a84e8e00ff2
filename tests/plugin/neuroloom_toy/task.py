"""Two dots of points as a plug-in task."""

from typing import ClassVar

import numpy as np

from neuroloom.core.seeding import stream
from neuroloom.tasks import Data, Split, Task


class TwoDots(Task):
    """Sixty points around two centres."""

    name = "two-dots"
    kind = "table"
    problem = "classification"
    metrics = ("accuracy",)
    summary = "60 points around two centres"
    source = "drawn here"
    spec: ClassVar = {"name": "two-dots"}

    def fingerprint(self) -> str:
        return "two-dots-1"

    def load(self, seed: int = 0) -> Data:
        rng = stream(0, "data", self.name)
        y = np.repeat(["left", "right"], 30)
        return Data(rng.normal(np.where(y == "left", -2, 2)[:, None], 1, (60, 2)), y)

    def split(self, data: Data, seed: int, fold: int, folds: int) -> Split:
        order = stream(seed, "split", self.name).permutation(60)
        test = np.sort(order[fold::folds])
        return Split(np.setdiff1d(order, test), test)
