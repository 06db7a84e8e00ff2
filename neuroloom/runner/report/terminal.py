"""The answer as plain text for a terminal of 80 columns, with the leaderboard."""

from __future__ import annotations

from collections.abc import Iterator

from neuroloom.runner.report import numbers
from neuroloom.runner.report.model import Group, ReportData
from neuroloom.runner.screen import WIDTH, wrapped

ROWS = 15
_SHOWN = ("Method", "Mean rank", "Score", "95 % interval", "Fit")


def render(data: ReportData) -> str:
    """Return the answer and the leaderboard of each kind of task, and the health of the run."""
    lines: list[str] = []
    for group in data.groups:
        text = group.answer if len(data.groups) == 1 else f"{group.title}: {group.answer}"
        lines += [*wrapped(text), "", *_board(group, data)]
    return "\n".join([*lines, *wrapped(data.health), *_never_fit(data)]) + "\n"


def _never_fit(data: ReportData) -> Iterator[str]:
    """Yield why methods that the user named fit no task at all."""
    fits = {row[0].method for group in data.groups for row in group.board.rows}
    ran = {data.methods[number].name for number in fits}
    for row in data.skips.rows if data.skips is not None else ():
        if row[0].text not in ran:
            yield from wrapped(f"  skipped: {row[2].text}")


def _board(group: Group, data: ReportData) -> Iterator[str]:
    """Yield the leaderboard, its first rows; nothing where one method is alone."""
    if len(group.board.rows) < 2:
        return
    shown = [k for k, c in enumerate(group.board.columns) if c.title in _SHOWN]
    if len(group.tasks) == 1:  # the score says it
        shown = [k for k in shown if group.board.columns[k].title != "Mean rank"]
    table = [[group.board.columns[k].title for k in shown]]
    fit = next(k for k, c in enumerate(group.board.columns) if c.title == "Fit")
    for row in group.board.rows[:ROWS]:
        method, *rest = (row[k] for k in shown)
        ended = row[fit].text != numbers.DASH  # else its score is what counts for trials that were not done
        table.append([data.methods[method.method].name, *(c.text if ended else numbers.DASH for c in rest)])
    widths = [max(len(line[k]) for line in table) for k in range(len(shown))]
    widths[0] = min(widths[0], WIDTH - sum(widths[1:]) - 2 * len(widths))
    for line in table:
        name = line[0] if len(line[0]) <= widths[0] else line[0][: widths[0] - 1] + "…"
        cells = (cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))
        yield "  " + "  ".join([name.ljust(widths[0]), *cells])
    if len(group.board.rows) > ROWS:
        yield f"  … and {len(group.board.rows) - ROWS} more"
    yield ""
