"""What a task's methods rest on: how far their score falls when a part of the samples is shuffled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from neuroloom.runner.report import numbers
from neuroloom.runner.report.model import Cell, Column, MethodView, Table

if TYPE_CHECKING:
    import pandas as pd

    from neuroloom.runner.statistics import TaskStatistics

MOST = 8  # parts shown
_NOUNS = {"table": ("column", "columns"), "series": ("stretch", "stretches"), "image": ("patch", "patches")}


def view(
    stats: TaskStatistics,
    kind: str,
    drops: pd.DataFrame,
    ran: Sequence[str],
    methods: Mapping[str, MethodView],
) -> Table | None:
    """Return a table with a row for each method and a column for each of the parts that methods rest on most.

    Args:
        stats: comparison within the task.
        kind: kind of its samples.
        drops: the task's rows of ``Results.importances``.
        ran: methods with a finished trial, the best first.
        methods: label -> method.
    """
    told = [m for m in ran if m in set(drops["method"]) and methods[m].expression != "dummy"]
    if not told:
        return None
    means = drops.groupby(["method", "part"])["drop"].mean().unstack(fill_value=0.0).loc[told]
    order = means.clip(lower=0).mean().sort_values(ascending=False, kind="stable")
    shown = [str(part) for part in order.index[:MOST]]
    decimals = numbers.decimals_for(float(means[shown].abs().to_numpy().max()) or 1.0)
    rows = [
        (
            Cell(m, method=methods[m].number),
            *(
                Cell(numbers.fixed(v, decimals), v, best=v == means.loc[m, shown].max() and v > 0)
                for v in (float(means.loc[m, part]) for part in shown)
            ),
        )
        for m in told
    ]
    one, many = _NOUNS[kind]
    notes = [
        f"Fall of {stats.metric} on the test part, mean over trials; bold is what a method rests on most. A {one} that "
        "others can stand in for counts little by itself."
    ]
    if len(order) > MOST:
        notes.append(f"The {MOST} of {len(order)} {many} that bring most to the methods together are shown.")
    columns = (Column("Method", number=False), *(Column(part, f"Shuffling {part}") for part in shown))
    return Table(
        f"{stats.task}: fall of {stats.metric} when a {one} is shuffled", columns, tuple(rows), tuple(notes)
    )
