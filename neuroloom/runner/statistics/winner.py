"""The winner of a task: its tied group, its lead and its cost."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import pandas as pd

from neuroloom.runner.statistics.differences import Difference
from neuroloom.runner.statistics.scores import TaskScores


@dataclass(frozen=True)
class Winner:
    """The method with the best mean on a task.

    Args:
        method: its label.
        mean, low, high: its mean score and interval.
        tied: methods that were not told apart from it, best first, without itself.
        second: the method with the next best mean, None when there is no other.
        margin: its difference from ``second``.
        next_outside: the best method that *was* told apart from it, None when there is none.
        outside_margin: its difference from that one.
        fit_seconds: its median wall-clock seconds for a fit, NaN if unknown.
        predict_seconds: likewise for predicting the test part.
        sentence: all this in words.
    """

    method: str
    mean: float
    low: float
    high: float
    tied: tuple[str, ...]
    second: str | None
    margin: Difference | None
    next_outside: str | None
    outside_margin: Difference | None
    fit_seconds: float
    predict_seconds: float
    sentence: str


def find_winner(scores: TaskScores, methods: pd.DataFrame, pairs: pd.DataFrame) -> Winner:
    """Return the best method with what can be said of its lead."""
    best = methods.iloc[0]
    name = str(best["method"])
    against = [Difference(**row._asdict()) for row in pairs.itertuples(index=False) if row.a == name]
    outside = next((d for d in against if d.apart), None)
    winner = Winner(
        method=name,
        mean=float(best["mean"]),
        low=float(best["low"]),
        high=float(best["high"]),
        tied=tuple(d.b for d in against if not d.apart),
        second=against[0].b if against else None,
        margin=against[0] if against else None,
        next_outside=outside.b if outside else None,
        outside_margin=outside,
        fit_seconds=float(best["fit_seconds"]),
        predict_seconds=float(best["predict_seconds"]),
        sentence="",
    )
    return replace(winner, sentence=_sentence(scores, winner))


def _sentence(scores: TaskScores, winner: Winner) -> str:
    """Return the winner, its group, margin and cost in words."""
    text = f"{winner.method} has the best mean {scores.metric} on {scores.task}: {_number(winner.mean)}"
    if not math.isnan(winner.low):
        text += f" ({_number(winner.low)} to {_number(winner.high)} over {scores.unit})"
    if winner.margin is not None:
        tied = list(winner.tied)
        if not tied:
            text += "; it was told apart from every other method"
        elif winner.outside_margin is None:
            text += "; no other method was told apart from it"
        else:
            text += f"; not told apart from it: {', '.join(tied)}"
        margin = winner.outside_margin if winner.outside_margin is not None else winner.margin
        text += f". Its lead over {margin.b} is {_number(margin.mean)}"
        if not math.isnan(margin.joint_low):
            text += f" ({_number(margin.joint_low)} to {_number(margin.joint_high)})"
    if not math.isnan(winner.fit_seconds):
        text += f". A fit takes {winner.fit_seconds:.3g} s"
    return text + "."


def _number(value: float) -> str:
    return f"{value:.3f}" if 1e-3 <= abs(value) < 1e3 or value == 0 else f"{value:.3g}"
