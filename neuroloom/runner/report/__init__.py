"""Reports: one self-contained HTML page, Markdown, CSV or LaTeX, all from the same prepared values."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from neuroloom.core.errors import unknown

if TYPE_CHECKING:
    from neuroloom.runner.report.model import ReportData
    from neuroloom.runner.results import Results

_LAST: WeakKeyDictionary[Results, ReportData] = WeakKeyDictionary()

__all__ = ["FORMATS", "render", "write"]

FORMATS = {"html": ".html", "md": ".md", "csv": ".csv", "latex": ".tex", "text": ".txt"}
_ALIASES = {"markdown": "md", "tex": "latex", "htm": "html"}


def render(results: Results, format: str = "html") -> str:
    """Return the report as text.

    Args:
        results: what was run.
        format: ``html``, ``md``, ``csv``, ``latex``, or ``text`` (the answer alone, for a terminal).

    Raises:
        InputError: the format is none of these.
    """
    chosen = _format(format)
    if chosen == "csv":
        from neuroloom.runner.report import table

        return table.render(results)
    data = _prepared(results)
    if chosen == "html":
        from neuroloom.runner.report import html

        return html.render(data)
    if chosen == "md":
        from neuroloom.runner.report import markdown

        return markdown.render(data)
    if chosen == "text":
        from neuroloom.runner.report import terminal

        return terminal.render(data)
    from neuroloom.runner.report import latex

    return latex.render(data)


def _prepared(results: Results) -> ReportData:
    """Return the values of a report; those of the last results are kept, since one run writes several forms."""
    from neuroloom.runner.report.prepare import prepare

    if _LAST.get(results) is None:
        _LAST.clear()
        _LAST[results] = prepare(results)
    return _LAST[results]


def write(results: Results, path: str | os.PathLike[str], format: str | None = None) -> Path:
    """Write the report to ``path`` and return it; the old file stays until the new one is whole.

    Args:
        results: what was run.
        path: the file.
        format: as for :func:`render`; None reads it off the file's ending, ``html`` where that says nothing.

    Raises:
        InputError: the format is not known.
    """
    target = Path(path)
    if format is None:
        ending = target.suffix.lower()
        format = next((name for name, suffix in FORMATS.items() if suffix == ending), "html")
    text = render(results, format)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    part.write_text(text, encoding="utf-8", newline="\n")
    part.replace(target)
    return target


def _format(name: str) -> str:
    chosen = _ALIASES.get(name.lower(), name.lower())
    if chosen not in FORMATS:
        raise unknown("the report format", name, FORMATS)
    return chosen
