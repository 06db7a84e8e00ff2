"""The coverage map: every task and method, the mean score where there is one and the reason where there is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from neuroloom.runner.report import numbers
from neuroloom.runner.report.model import Heat, MethodView, TaskView

if TYPE_CHECKING:
    import pandas as pd

FAILED = ("failed", "timeout", "memory", "killed")
SHADES = 8
LONGEST = 400


def coverage(
    table: pd.DataFrame, tasks: Sequence[TaskView], methods: Sequence[MethodView]
) -> tuple[tuple[Heat, ...], ...]:
    """Return a row of cells for each task, its methods in the order given.

    Args:
        table: a row per task and method with ``trials``, counts by status and ``reasons``.
        tasks: the rows.
        methods: the columns.
    """
    found = {(r["task"], r["method"]): r for r in table.to_dict("records")}
    return tuple(_row(t, methods, {m.name: found.get((t.name, m.name)) for m in methods}) for t in tasks)


def _row(
    task: TaskView, methods: Sequence[MethodView], found: dict[str, dict[str, object] | None]
) -> tuple[Heat, ...]:
    means = {m.method: m for m in task.members}
    sign = 1.0 if task.greater else -1.0
    scores = sorted(sign * m.mean for m in task.members if math.isfinite(m.mean))
    return tuple(_cell(task, m, means[m.number].mean if m.number in means else math.nan, sign, scores, found[m.name])
                 for m in methods)  # fmt: skip


def _shade(score: float, scores: Sequence[float]) -> int:
    """Return 0 for the worst to 8 for the best: half by place among the methods, half by size of the score."""
    if len(scores) < 2 or scores[-1] == scores[0]:
        return SHADES
    place = sum(s < score for s in scores) / (len(scores) - 1)
    size = (score - scores[0]) / (scores[-1] - scores[0])
    return round(SHADES * (place + size) / 2)


def _cell(
    task: TaskView,
    method: MethodView,
    mean: float,
    sign: float,
    scores: Sequence[float],
    row: dict[str, object] | None,
) -> Heat:
    title = f"{method.name} on {task.name}"
    if row is None or not row["trials"]:
        return Heat(method.number, "", -1, "absent", f"{title}\nnot part of the run")
    counts = {status: int(str(row[status])) for status in ("done", *FAILED, "skipped")}
    trials, done = int(str(row["trials"])), counts["done"]
    reason = numbers.shorten(str(row["reasons"]), LONGEST)
    if counts["skipped"] == trials:
        return Heat(method.number, "·", -1, "skipped", f"{title}\nnot run: {reason}")
    others = ", ".join(f"{n} {status}" for status, n in counts.items() if n and status != "done")
    if not math.isfinite(mean) or not done:
        return Heat(
            method.number,
            "✕",
            -1,
            "none",
            f"{title}\nno trial of {trials} done: {others}\n{reason}",
            f"0/{trials}",
        )
    text = numbers.fixed(mean, task.decimals)
    lines = [title, f"{task.metric} {text}", f"{done} of {trials} trials done"]
    whole = done == trials
    lines += [] if whole else [others, reason]
    state, count = ("done", "") if whole else ("partial", f"{done}/{trials}")
    return Heat(method.number, text, _shade(sign * mean, scores), state, "\n".join(lines), count)
