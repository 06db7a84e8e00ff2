"""The report's tables as LaTeX (booktabs): one ``table`` each, ready to ``\\input`` into a paper.

Text is escaped; signs that pdfLaTeX lacks become the nearest that it has, so a document needs ``booktabs`` and
``graphicx`` only.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neuroloom.runner.report.model import Cell, ReportData, Table

_SIGNS = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "−": "$-$", "–": "--", "—": "---", "×": r"$\times$", "±": r"$\pm$", "≤": r"$\leq$",
    "≥": r"$\geq$", "µ": r"$\mu$", "·": r"$\cdot$", "…": r"\ldots{}", "’": "'", "‘": "`", "“": "``", "”": "''",
    "\u202f": r"\,", "\u00a0": "~", '"': r"\textquotedbl{}", "→": r"$\to$", "✕": r"$\times$",
}  # fmt: skip
_WIDEST = 8


def render(data: ReportData) -> str:
    """Return the tables as LaTeX text."""
    return "\n".join(_lines(data)).rstrip() + "\n"


def escape(text: str) -> str:
    """Return text that LaTeX sets as it is, in one line."""
    return "".join(_sign(sign) for sign in " ".join(text.split()))


def _sign(sign: str) -> str:
    if sign in _SIGNS:
        return _SIGNS[sign]
    if sign.isascii():
        return sign if sign.isprintable() else ""
    plain = unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode()
    return "".join(_SIGNS.get(s, s) for s in plain) if plain else "?"


def _lines(data: ReportData) -> Iterator[str]:
    yield "% Made by neuroloom. Needs \\usepackage{booktabs} and \\usepackage{graphicx}."
    yield f"% {escape(data.answer)}"
    yield f"% {escape(data.health)}"
    for group in data.groups:
        yield f"\n% {escape(group.title)}"
        tables = {
            "board": group.board, "pairs": group.pairs, "bayes": group.bayes, "left-out": group.sensitivity,
            "policy": group.policy,
        }  # fmt: skip
        for name, table in tables.items():
            if table is not None:
                yield from _table(table, f"{name}-{group.key}", data)
        yield from (f"% {escape(line)}" for line in (*group.absent, *group.statements))
    for task in data.tasks:
        if task.members:
            yield from _table(task.table, f"task-{task.number}", data)
            yield from _table(task.metrics, f"costs-{task.number}", data)
    if data.failures is not None:
        yield from _table(data.failures, "not-done", data)
    yield from _table(data.splits, "splits", data)


def _table(table: Table, label: str, data: ReportData) -> Iterator[str]:
    layout = "".join("r" if c.number else "l" for c in table.columns)
    wide = len(table.columns) > _WIDEST or any(not c.number for c in table.columns[1:])
    yield ""
    yield r"\begin{table}"
    yield r"\centering"
    yield rf"\caption{{{escape(table.caption)}}}"
    yield rf"\label{{tab:{re.sub(r'[^a-zA-Z0-9-]', '-', label)}}}"
    if wide:
        yield r"\resizebox{\linewidth}{!}{%"
    yield rf"\begin{{tabular}}{{{layout}}}"
    yield r"\toprule"
    yield " & ".join(escape(c.title) for c in table.columns) + r" \\"
    yield r"\midrule"
    yield from (" & ".join(_cell(c, data) for c in row) + r" \\" for row in table.rows)
    yield r"\bottomrule"
    yield r"\end{tabular}" + ("}" if wide else "")
    yield from (rf"\par\smallskip\footnotesize {escape(note)}" for note in table.notes)
    yield r"\end{table}"


def _cell(cell: Cell, data: ReportData) -> str:
    text = escape(data.methods[cell.method].name if cell.method >= 0 else cell.text)
    return rf"\textbf{{{text}}}" if cell.best and text else text
