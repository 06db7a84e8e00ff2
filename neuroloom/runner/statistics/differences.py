"""Paired differences between the methods of one task, tested and adjusted together.

Family and error: all pairs of methods are tested by the corrected resampled t-test (``corrected_t.py``) and adjusted
by Holm, so the chance that *any* two equal methods are told apart is ``alpha`` at most. The winner of a task is chosen
from the same data; since every pair is in the family, comparing the others with it needs no further correction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from neuroloom.runner.statistics.corrected_t import CorrectedT
from neuroloom.runner.statistics.holm import holm_adjust
from neuroloom.runner.statistics.scores import TaskScores


@dataclass(frozen=True)
class Difference:
    """How much better ``a`` is than ``b`` on a task.

    Args:
        a: a method.
        b: another.
        n: splits (or seeds) that both have.
        mean: mean difference, turned so that above 0 ``a`` is better, whichever way the metric points.
        low, high: its 95 % interval on its own.
        joint_low, joint_high: interval such that those of all pairs of the task hold together (Bonferroni); use it for
            methods that were picked for their scores.
        p: p-value of the corrected t-test, NaN where ``why`` says that there is none.
        p_holm: adjusted by Holm over all pairs of the task.
        apart: whether ``p_holm`` is at or below ``alpha``.
        why: why there is no p-value, else empty.
    """

    a: str
    b: str
    n: int
    mean: float
    low: float
    high: float
    joint_low: float
    joint_high: float
    p: float
    p_holm: float
    apart: bool
    why: str = ""

    def turned(self) -> Difference:
        """Return the same seen from ``b``."""
        return replace(
            self,
            a=self.b,
            b=self.a,
            mean=-self.mean,
            low=-self.high,
            high=-self.low,
            joint_low=-self.joint_high,
            joint_high=-self.joint_low,
        )


def paired_table(scores: TaskScores, order: Sequence[int], alpha: float) -> pd.DataFrame:
    """Return one row a pair of the columns ``order`` (best first), tested and adjusted together."""
    fields = list(Difference.__dataclass_fields__)
    couples = [(i, j) for place, i in enumerate(order) for j in order[place + 1 :]]
    if not couples:
        return pd.DataFrame(columns=fields)
    left, right = (np.array(side) for side in zip(*couples, strict=True))
    gains = scores.gains
    columns = gains[:, left] - gains[:, right]
    size = np.fmax(np.abs(gains[:, left]), np.abs(gains[:, right]))
    test = scores.test(columns, np.nanmax(np.where(np.isnan(columns), 0.0, size), axis=0, initial=0.0))
    low, high = test.interval(1 - alpha)
    adjusted = holm_adjust(test.p)
    joint_low, joint_high = test.interval(1 - alpha / max(1, int((~np.isnan(test.p)).sum())))
    return pd.DataFrame(
        {
            "a": [scores.methods[i] for i in left],
            "b": [scores.methods[j] for j in right],
            "n": test.n,
            "mean": test.mean,
            "low": low,
            "high": high,
            "joint_low": joint_low,
            "joint_high": joint_high,
            "p": test.p,
            "p_holm": adjusted,
            "apart": adjusted <= alpha,
            "why": [_why(scores, test, k) for k in range(len(couples))],
        },
        columns=fields,
    )


def _why(scores: TaskScores, test: CorrectedT, k: int) -> str:
    """Return why pair ``k`` has no p-value, or an empty text."""
    if not np.isnan(test.p[k]):
        return ""
    if test.n[k] == 0:
        return f"they share none of the {scores.unit}"
    if test.n[k] == 1:
        one = scores.unit[:-1]
        return f"one {one} in common: at least two are needed to see how much differences vary"
    if test.sd[k] == 0:
        return f"the same difference on all {test.n[k]} {scores.unit}, so there is no variance to test it against"
    return "sizes of the training and test parts are unknown, so the variance cannot be corrected"
