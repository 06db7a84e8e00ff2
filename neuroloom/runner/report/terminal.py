"""The answer as plain text for a terminal of 80 columns."""

from __future__ import annotations

import textwrap

from neuroloom.runner.report.model import ReportData


def render(data: ReportData) -> str:
    """Return the answer of each kind of task and the health of the run."""
    lines: list[str] = []
    for group in data.groups:
        text = group.answer if len(data.groups) == 1 else f"{group.title}: {group.answer}"
        lines += [*textwrap.wrap(text, 79, break_long_words=False, break_on_hyphens=False), ""]
    return "\n".join([*lines, *textwrap.wrap(data.health, 79, break_on_hyphens=False)]) + "\n"
