"""The report as Markdown (GitHub's tables): the answer, leaderboards, statistics, every task, what was not done."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neuroloom.runner.report.model import Cell, Group, ReportData, Table, TaskView

_SIGNS = re.compile(r"([\\`*_{}\[\]<>#|~$])")


def render(data: ReportData) -> str:
    """Return the report as Markdown text."""
    return "\n".join(_lines(data)).rstrip() + "\n"


def escape(text: str) -> str:
    """Return text that Markdown shows as it is: on one line, with its signs and HTML disarmed."""
    flat = " ".join(text.split())
    return _SIGNS.sub(r"\\\1", flat.replace("&", "&amp;")).replace("\\<", "&lt;").replace("\\>", "&gt;")


def _lines(data: ReportData) -> Iterator[str]:
    yield f"# {escape(data.title)}"
    yield f"\n**{escape(data.answer)}**"
    yield f"\n{escape(data.health)}\n"
    for group in data.groups:
        yield from _group(group, data)
    yield "## Task by task\n"
    for task in data.tasks:
        yield from _task(task, data)
    if data.failures:
        yield "## Trials that were not done\n"
        yield from (f"{escape(line)}\n" for line in data.policy)
        yield from _table(data.failures, data)
    if data.skips:
        yield "## Pairings that were not run\n"
        yield from _table(data.skips, data)
    yield "## Run it again\n"
    yield from (f"- {escape(label)}: {_code(text)}" for label, text in data.reproduce)
    yield ""
    if data.config:
        fence = _fence(data.config)
        yield f"{fence}toml\n{data.config.rstrip()}\n{fence}\n"
    yield from _table(data.splits, data)
    yield from _table(data.versions, data)


def _group(group: Group, data: ReportData) -> Iterator[str]:
    yield f"## {escape(group.title)}\n"
    yield f"{escape(group.answer)}\n"
    yield from _table(group.board, data)
    yield from (f"{escape(line)}\n" for line in (*group.absent, *group.statements))
    for table in (group.pairs, group.bayes, group.sensitivity, group.policy):
        if table is not None:
            yield from _table(table, data)


def _task(task: TaskView, data: ReportData) -> Iterator[str]:
    yield f"### {escape(task.name)}\n"
    yield f"{escape(task.answer)}\n"
    yield from (f"- {escape(label)}: {escape(text)}" for label, text in task.facts)
    yield from (f"- Note: {escape(note)}" for note in task.notes)
    yield ""
    if task.members:
        yield from _table(task.table, data)
    yield from (f"{escape(line)}\n" for line in task.missing)
    if task.members:
        yield from _table(task.metrics, data)
        if task.calibration:
            yield from _table(task.calibration.table, data)
        if task.coverage:
            yield f"{escape(task.coverage.lead)}\n"
            yield from _table(task.coverage.table, data)
        if task.rests:
            yield from _table(task.rests, data)
        if task.tuned:
            yield from _table(task.tuned, data)


def _table(table: Table, data: ReportData) -> Iterator[str]:
    yield f"*{escape(table.caption)}*\n"
    yield "| " + " | ".join(escape(c.title) for c in table.columns) + " |"
    yield "|" + "|".join("---:" if c.number else "---" for c in table.columns) + "|"
    for row in table.rows:
        yield "| " + " | ".join(_cell(c, data) for c in row) + " |"
    yield ""
    yield from (f"{escape(note)}\n" for note in table.notes)


def _cell(cell: Cell, data: ReportData) -> str:
    text = escape(data.methods[cell.method].name if cell.method >= 0 else cell.text)
    return f"**{text}**" if cell.best and text else text


def _code(text: str) -> str:
    flat = " ".join(text.split())
    ticks = "`" * (1 + max((len(run) for run in re.findall(r"`+", flat)), default=0))
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{ticks}{pad}{flat}{pad}{ticks}"


def _fence(text: str) -> str:
    return "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
