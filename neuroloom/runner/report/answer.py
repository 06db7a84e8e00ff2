"""The answer in a sentence: who is best, who cannot be told from it, by how much, at what cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from neuroloom.runner.report import numbers

if TYPE_CHECKING:
    from neuroloom.runner.statistics import Statistics, TaskStatistics

NAMES = 4
DUMMY = "dummy"


def of_task(stats: TaskStatistics, decimals: int) -> str:
    """Return the answer for one task."""
    w = stats.winner
    if w is None:
        return "No trial on this task was done."
    text = f"{w.method} is best with {stats.metric} {numbers.fixed(w.mean, decimals)}"
    if w.second is None:
        return f"{w.method} is alone, with {stats.metric} {numbers.fixed(w.mean, decimals)}{_cost(w.fit_seconds)}."
    others = len(stats.methods) - 1
    text += _tied(w.tied, others, single=stats.over[:-1] if len(stats.scores.cells) == 1 else "")
    margin = w.outside_margin or w.margin
    if margin is not None and math.isfinite(margin.mean):
        ends = numbers.interval(margin.joint_low, margin.joint_high, decimals)
        gap = numbers.fixed(margin.mean, decimals)
        if gap.strip("0."):
            text += f"; {gap} ahead of {margin.b}{' ' + ends if ends else ''}"
        else:
            text += f"; level with {margin.b}"
    return f"{text}{_cost(w.fit_seconds)}.{_chance(w.method, w.tied, len(stats.scores.cells))}"


def of_group(stats: Statistics, noun: str, decimals: int) -> str:
    """Return the answer for tasks that may be ranked together; that of the task where there is only one."""
    from neuroloom.runner.report.pages import score_decimals

    if len(stats.tasks) == 1:
        task = next(iter(stats.tasks.values()))
        text = of_task(task, score_decimals(task))
        return f"On {task.task}, {text}" if task.winner else text
    w = stats.across.winner
    if w is None:
        return f"No trial on {noun} was done, so there is nothing to compare."
    count = len(stats.across.common.tasks) or len(stats.tasks)
    text = (
        f"{w.method} is best over {numbers.plural(count, 'task')} (mean rank {numbers.fixed(w.mean_rank, 2)})"
    )
    if w.second is not None and stats.across.tested:
        text += _tied(w.tied, len(stats.across.common.methods) - 1, single="")
    elif w.second is not None:
        text += ", with too few tasks for a test"
    if w.second is not None and math.isfinite(w.difference):
        ends = numbers.interval(w.low, w.high, decimals)
        side = "below" if w.difference < 0 else "above"
        gap = numbers.fixed(abs(w.difference), decimals)
        lead = f"{gap} {side}" if gap.strip("0.") else "equal to"
        text += f"; its mean score is {lead} that of {w.second}{' ' + ends if ends else ''}"
    return f"{text}{_cost(w.fit_seconds)}."


def _chance(best: str, tied: tuple[str, ...], splits: int) -> str:
    """Return what to say when nothing learned does better than answering without a look at the data."""
    if DUMMY == best:
        return f" {DUMMY} does not look at the data, so nothing was learned here."
    if DUMMY in tied and splits > 1:
        return f" {DUMMY} does not look at the data, so it is open whether anything was learned here."
    return ""


def _tied(tied: tuple[str, ...], others: int, single: str) -> str:
    if single:
        return f", on one {single} alone, which tells no two methods apart"
    if not tied:
        return ", and told apart from every other method"
    if len(tied) == others:
        return (
            ", but no other method can be told from it"
            if others > 1
            else f", but {tied[0]} cannot be told from it"
        )
    return f", but {numbers.listing(list(tied), NAMES)} cannot be told from it"


def _cost(seconds: float) -> str:
    return f", at {numbers.seconds(seconds)} a fit" if math.isfinite(seconds) else ""
