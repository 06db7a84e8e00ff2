"""What objects show in a notebook: small tables whose every text is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def html_table(caption: str, rows: Sequence[Sequence[object]], header: Sequence[object] = ()) -> str:
    """Return an HTML table with a caption; the first cell of a row heads it.

    Args:
        caption: one line over the table.
        rows: cells as they are to be read; a :class:`Best` is set in bold.
        header: cells over the columns, or none.
    """
    head = (
        f"<thead><tr>{''.join(f'<th>{_text(cell)}</th>' for cell in header)}</tr></thead>" if header else ""
    )
    body = "".join(
        f"<tr><th>{_text(row[0])}</th>{''.join(f'<td>{_text(cell)}</td>' for cell in row[1:])}</tr>"
        for row in rows
    )
    style = "caption-side: top; text-align: left; white-space: nowrap"
    return f'<table><caption style="{style}">{_text(caption)}</caption>{head}<tbody>{body}</tbody></table>'


class Best(str):
    """A text that stands out."""

    __slots__ = ()


def _text(cell: object) -> str:
    shown = escape(str(cell))
    return f"<b>{shown}</b>" if isinstance(cell, Best) else shown
