"""Trials that did not end as done, and pairings that were not run: how many, where, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neuroloom.runner.report import numbers
from neuroloom.runner.report.model import Cell, Column, Table

if TYPE_CHECKING:
    import pandas as pd

LONGEST_REASON = 400
MOST_NAMES = 6


def failures(main: pd.DataFrame) -> Table | None:
    """Return failed, timed-out, killed and out-of-memory trials by method and reason, most frequent first."""
    bad = main[~main["status"].isin(["done", "skipped"])]
    if bad.empty:
        return None
    rows = []
    for (method, status, reason), part in bad.groupby(["method", "status", "reason"], sort=False):
        tasks = list(dict.fromkeys(part["task"]))
        seeds = [f"{s}/{f}" for s, f in zip(part["seed"], part["fold"], strict=True)]
        told = numbers.shorten(str(reason) or "no reason was given", LONGEST_REASON)
        rows.append((
            Cell(str(method)), Cell(str(status)), Cell(f"{len(part):,}", float(len(part))),
            Cell(numbers.listing(tasks, MOST_NAMES)), Cell(told, tip=f"seed/fold: {numbers.listing(seeds, 12)}"),
        ))  # fmt: skip
    rows.sort(key=lambda row: -(row[2].value or 0))
    columns = (
        Column("Method", number=False), Column("Status", number=False), Column("Trials"), Column("Tasks", number=False),
        Column("Reason", number=False),
    )  # fmt: skip
    return Table(
        f"{numbers.plural(len(bad), 'trial')} without a score, by method and reason", columns, tuple(rows)
    )


def skips(main: pd.DataFrame) -> Table | None:
    """Return pairings of task and method that were not run, by reason."""
    left = main[main["status"] == "skipped"].drop_duplicates(["task", "method"])
    if left.empty:
        return None
    rows = []
    for (method, reason), part in left.groupby(["method", "reason"], sort=False):
        tasks = list(dict.fromkeys(part["task"]))
        reason = numbers.shorten(str(reason) or "no reason was given", LONGEST_REASON)
        rows.append((Cell(str(method)), Cell(numbers.listing(tasks, MOST_NAMES)), Cell(reason)))
    columns = (Column("Method", number=False), Column("Tasks", number=False), Column("Reason", number=False))
    return Table(f"{numbers.plural(len(left), 'pairing')} of task and method not run", columns, tuple(rows))
