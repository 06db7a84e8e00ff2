"""The quick way through a text file without quotes, comments or ragged lines: pandas' own parser.

It gives what :func:`neuroloom.tasks.files.text.read_rows` gives, as columns, or None where that could differ.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from neuroloom.tasks.files.text import Fields, has_header, read_rows, read_text, sniff

_LOOKED_AT = 200


def read_fields(path: Path, expected: Sequence[str] = ()) -> Fields:
    """Return the fields of a text file by column, read quickly where the file is clean and carefully where it is not.

    Args:
        path: the file.
        expected: names that prove a header when the first line holds one of them.

    Raises:
        InputError: as :func:`read_rows`.
    """
    text, notes = read_text(path)
    found = clean_fields(text.replace("\r\n", "\n"), notes, expected)
    if found is not None:
        return found
    rows = read_rows(path, expected=expected)
    columns = [list(column) for column in zip(*rows.cells, strict=True)]
    return Fields(rows.header, columns, rows.separator, rows.notes)


def clean_fields(text: str, notes: tuple[str, ...], expected: Sequence[str]) -> Fields | None:
    """Return the fields of a clean text by column, or None if it is not clean.

    Clean is: no quote, every line with as many separators as the first, no line without any value, no comment before
    the first, no white space before a separator, and some value in the last column.
    """
    import pandas as pd

    head = text.split("\n", _LOOKED_AT)[:_LOOKED_AT]
    if '"' in text or "\r" in text or not head[0].strip() or head[0].lstrip()[:1] in ("#", "%"):
        return None
    separator = sniff(head)
    if separator == " ":
        return None
    try:
        frame = pd.read_csv(
            io.StringIO(text),
            sep=separator,
            header=None,
            dtype=object,
            na_filter=False,
            quoting=3,
            skipinitialspace=True,
            low_memory=False,
        )
    except (ValueError, UnicodeError):  # pandas' ParserError is a ValueError
        return None
    n, width = frame.shape
    if n < 2 or width < 2 or text.count(separator) != n * (width - 1):
        return None
    columns = [frame[name].tolist() for name in frame.columns]
    if any(cell != cell.strip() for column in columns for cell in column):
        return None
    if not any(columns[-1][1:]) or _blank_line(columns):
        return None
    first = [column[0] for column in columns]
    sample = list(zip(*(column[1 : 1 + _LOOKED_AT] for column in columns), strict=True))
    if not has_header(first, sample, expected):
        return Fields(None, columns, separator, notes)
    return Fields(first, [column[1:] for column in columns], separator, notes)


def _blank_line(columns: list[list[str]]) -> bool:
    left: Sequence[int] = [i for i, cell in enumerate(columns[0]) if not cell]
    for column in columns[1:]:
        left = [i for i in left if not column[i]]
    return bool(left)
