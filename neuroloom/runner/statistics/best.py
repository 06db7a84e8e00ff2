"""The best method across tasks: its tied group, its lead and its cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from neuroloom.runner.results import Results
from neuroloom.runner.statistics.matrix import mean_interval, paired_differences
from neuroloom.runner.statistics.scores import TaskScores


@dataclass(frozen=True)
class BestOfAll:
    """The method with the best mean rank across tasks.

    Args:
        method: its label.
        mean_rank: over the common tasks.
        tied: methods that were not told apart from it (Wilcoxon, Holm), by mean rank; all others where no test is made.
        second: the next by mean rank, None when there is no other.
        difference: mean difference of scores from ``second``, above 0 being better; NaN where metrics differ.
        low, high: its interval over tasks, NaN where metrics differ or tasks are fewer than two.
        fit_seconds: its median seconds for a fit, averaged over the common tasks.
        predict_seconds: likewise for predicting.
        sentence: all this in words.
    """

    method: str
    mean_rank: float
    tied: tuple[str, ...]
    second: str | None
    difference: float
    low: float
    high: float
    fit_seconds: float
    predict_seconds: float
    sentence: str


def best_of_all(
    results: Results,
    scores: Mapping[str, TaskScores],
    ranks: pd.DataFrame,
    tasks: Sequence[str],
    metric: str | None,
    tested: bool,
    told: set[frozenset[str]],
    alpha: float,
) -> BestOfAll | None:
    """Return the method with the best mean rank and what can be said of its lead."""
    if ranks.empty:
        return None
    names = list(ranks["method"])
    best, others = names[0], names[1:]
    rows = results.main()
    rows = rows[(rows["method"] == best) & rows["task"].isin(list(tasks)) & (rows["status"] == "done")]
    cost = rows.groupby("task")[["fit_seconds", "predict_seconds"]].median().mean()
    second = others[0] if others else None
    difference, low, high = math.nan, math.nan, math.nan
    if second is not None and metric is not None:
        d = paired_differences(scores, tasks, best, second)
        difference = float(d.mean())
        low, high = mean_interval(d, alpha)
    winner = BestOfAll(
        method=best,
        mean_rank=float(ranks["mean_rank"].iloc[0]),
        tied=tuple(name for name in others if frozenset((best, name)) not in told),
        second=second,
        difference=difference,
        low=low,
        high=high,
        fit_seconds=float(cost["fit_seconds"]),
        predict_seconds=float(cost["predict_seconds"]),
        sentence="",
    )
    return replace(winner, sentence=_sentence(winner, len(names), len(tasks), tested))


def _sentence(winner: BestOfAll, methods: int, tasks: int, tested: bool) -> str:
    """Return the best method, its group and its lead in words."""
    text = f"{winner.method} has the best mean rank, {winner.mean_rank:.2f} of {methods}, over {tasks} tasks"
    if winner.second is None:
        return text + "."
    if not tested:
        text += "; with so few tasks this is a description, not a test"
    elif not winner.tied:
        text += "; it was told apart from every other method"
    elif len(winner.tied) == methods - 1:
        text += "; no other method was told apart from it"
    else:
        text += f"; not told apart from it: {', '.join(winner.tied)}"
    if not math.isnan(winner.difference):
        side = "better" if winner.difference >= 0 else "worse"
        text += f". Its mean score is {abs(winner.difference):.3g} {side} than that of {winner.second}"
        if not math.isnan(winner.low):
            text += f" (interval of the lead over tasks: {winner.low:.3g} to {winner.high:.3g})"
    return text + "."
