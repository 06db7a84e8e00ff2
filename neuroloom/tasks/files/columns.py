"""What a column of text holds: numbers in any notation, truth values, dates, or categories.

A column's type is plain JSON, ``{"kind": "number" | "bool" | "date" | "category" | "missing", …}``, so that a model
can keep it and read new files the same way.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.tasks.files.text import is_number

ColumnType = dict[str, Any]

MISSING = frozenset(
    {"", "na", "n/a", "n.a.", "nan", "null", "none", "nil", "?", "-", "--", ".", "#n/a", "#na", "#value!", "missing",
     "<na>", "nat"}
)  # fmt: skip
_PAIRS = (("true", "false"), ("yes", "no"), ("y", "n"), ("t", "f"), ("on", "off"))
_THOUSANDS = {
    ",": re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?"),
    ".": re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d+)?"),
    " ": re.compile("[+-]?\\d{1,3}([ '’\u00a0\u202f]\\d{3})+([.,]\\d+)?"),
}
_COMMA_NUMBER = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d*),\d+([eE][+-]?\d+)?")
_SYMBOLS = ("%", "$", "€", "£", "¥")
_SPACES = " '’\u00a0\u202f"
_STRAY = 0.05
_DATES = (
    "%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%d %H:%M:%S%z", "%Y/%m/%d",
    "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y.%m.%d", "%Y-%m",
    "%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d.%m.%y", "%d-%m-%Y", "%d-%m-%Y %H:%M:%S",
    "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%b %d %Y", "%d %B %Y", "%B %d, %Y", "%B %d %Y", "%b %Y", "%b-%Y",
)  # fmt: skip
_SLASHED = ("%d/%m/%Y", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%y")
_SLASHED_US = ("%m/%d/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%y")


def present(cells: Any) -> NDArray[np.bool_]:
    """Return which text fields hold a value rather than a mark for a missing one."""
    marks = _marks(cells)
    return (
        np.array([cell not in marks for cell in cells], dtype=bool)
        if marks
        else np.ones(len(cells), dtype=bool)
    )


def _marks(cells: Any) -> set[str]:
    """Return the different fields that stand for a missing value."""
    return {cell for cell in set(cells) if len(cell) <= 9 and cell.strip().lower() in MISSING}


def decimal_mark(columns: list[list[str]], separator: str) -> str:
    """Return the decimal mark of a whole file, ``"."`` or ``","``.

    It is a comma when some column consists of numbers of which one at least has a comma, and either one of these
    cannot be a thousands separator (``1,5``) or fields are divided by semicolons, as where commas are decimal marks.
    """
    undecided = False
    for cells in columns:
        if "," not in "\n".join(cells):
            continue
        marks = _marks(cells)
        filled = [c for c in cells if c not in marks]
        with_comma = [c for c in filled if "," in c]
        if not all(_COMMA_NUMBER.fullmatch(c) for c in with_comma):
            continue
        rest = [c for c in filled if "," not in c]
        if not all(re.fullmatch(r"[+-]?\d+", c) or _THOUSANDS["."].fullmatch(c) for c in rest):
            continue
        if not all(_THOUSANDS[","].fullmatch(c) for c in with_comma):
            return ","
        undecided = True
    return "," if undecided and separator == ";" else "."


def detect(cells: list[str], decimal: str = ".", day_first: bool | None = None) -> tuple[ColumnType, str]:
    """Return the type of a column of text and a note for the user, "" when there is nothing to say.

    Args:
        cells: the fields, stripped.
        decimal: the file's decimal mark.
        day_first: whether 03/04/2020 is in April; None finds out, and takes month first where both would do.
    """
    marks = _marks(cells)
    filled = [cell for cell in cells if cell not in marks] if marks else cells
    if not filled:
        return {"kind": "missing"}, ""
    number, note = _detect_number(filled, decimal)
    if number is not None:
        return number, note
    lower = {cell.lower() for cell in filled}
    for yes, no in _PAIRS:
        if lower == {yes, no}:
            return {"kind": "bool", "true": yes, "false": no}, ""
    date, note = _detect_date(
        filled, day_first if day_first is not None else (True if decimal == "," else None)
    )
    if date is not None:
        return date, note
    return {"kind": "category"}, ""


def _detect_number(filled: list[str], decimal: str) -> tuple[ColumnType | None, str]:
    kind: ColumnType = {"kind": "number", "decimal": decimal}
    note = ""
    for symbol in _SYMBOLS:
        if all(cell.endswith(symbol) or cell.startswith(symbol) for cell in filled):
            kind["strip"] = symbol
            filled = [cell.strip(symbol).strip() for cell in filled]
            note = f"read as numbers without the {symbol} sign"
            break
    if _codes(filled):
        return None, ""
    marks = (decimal, "." if decimal == "," else ",", " ")
    together = "\n".join(filled)
    for mark in marks[1:]:
        signs = mark if mark != " " else _SPACES
        if not any(sign in together for sign in signs):
            continue
        marked = [cell for cell in filled if any(sign in cell for sign in signs)]
        if marked and all(_THOUSANDS[mark].fullmatch(cell) for cell in marked):
            kind["thousands"] = mark
            note = note or f"read as numbers with thousands set off, as in {marked[0]!r}"
    values = _numbers(filled, kind)
    bad = ~np.isfinite(values)
    if not bad.any():
        if _whole(values):
            kind["whole"] = True
        return kind, note
    if bad.sum() > _STRAY * len(values):
        return None, ""
    strays = sorted({filled[i] for i in np.flatnonzero(bad)})
    shown = ", ".join(repr(stray) for stray in strays[:3]) + (", …" if len(strays) > 3 else "")
    return kind, f"read as numbers; {int(bad.sum())} other values ({shown}) count as missing"


def _numbers(cells: list[str], kind: ColumnType) -> NDArray[np.float64]:
    """Return the numbers, NaN where a field is none."""
    import pandas as pd

    strip, thousands, decimal = kind.get("strip"), kind.get("thousands"), kind.get("decimal", ".")
    made = cells if not strip and not thousands and decimal == "." else []
    for cell in cells if made is not cells else ():
        if strip:
            cell = cell.strip(strip).strip()
        if thousands == " ":
            cell = re.sub("[ '’\u00a0\u202f]", "", cell)
        elif thousands:
            cell = cell.replace(thousands, "")
        made.append(cell.replace(",", ".") if decimal == "," else cell)
    found = pd.to_numeric(pd.Series(made, dtype=object), errors="coerce")
    return np.array(
        found.to_numpy(dtype=np.float64, na_value=np.nan)
    )  # a copy: pandas gives a read-only view


def _detect_date(filled: list[str], day_first: bool | None) -> tuple[ColumnType | None, str]:
    if not all(re.search(r"\d", cell) and re.search(r"[-/.: ]", cell) for cell in filled[:20]):
        return None, ""
    slashed = [_SLASHED, _SLASHED_US] if day_first else [_SLASHED_US, _SLASHED]
    for formats in (_DATES, *slashed):
        for form in formats:
            if _dates(filled[:20], form).isna().any() or _dates(filled, form).isna().any():
                continue
            note = f"read as dates of the form {form}"
            if "/" in form and not form.startswith("%Y"):
                other = form.replace("%d", "%x").replace("%m", "%d").replace("%x", "%m")
                if not _dates(filled, other).isna().any():
                    said = "day" if form.startswith("%d") else "month"
                    note += f"; day and month could be the other way round, {said} first was taken"
            return {"kind": "date", "format": form}, note
    return None, ""


def _dates(cells: list[str], form: str) -> Any:
    import pandas as pd

    found = pd.to_datetime(pd.Series(cells, dtype=object), format=form, errors="coerce", utc="%z" in form)
    return found.dt.tz_localize(None) if "%z" in form else found


def read_column(cells: list[str], decimal: str = ".") -> tuple[Any, ColumnType, str]:
    """Return a column of text as a pandas Series, its type and a note: :func:`detect` and :func:`convert` in one.

    A column of plain numbers alone, the usual one, is parsed once.
    """
    if decimal == "." and all(map(is_number, cells[:20])):
        values = _numbers(cells, {})
        if np.isfinite(values).all() and not _codes(cells):
            kind: ColumnType = {"kind": "number", "decimal": decimal}
            if _whole(values):
                kind["whole"] = True
            return _number_series(values, kind), kind, ""
    kind, note = detect(cells, decimal)
    return convert(cells, kind), kind, note


def _codes(cells: list[str]) -> bool:
    """Return whether digits stand for names, as in 00501."""
    return any(cell[:1] == "0" and len(cell) > 1 for cell in cells) and all(cell.isdigit() for cell in cells)


def _whole(values: NDArray[np.float64]) -> bool:
    return bool(np.all(values == np.round(values)) and np.abs(values).max() < 2**53)


def _number_series(values: NDArray[np.float64], kind: ColumnType) -> Any:
    import pandas as pd

    values[~np.isfinite(values)] = np.nan
    whole = kind.get("whole") and np.isfinite(values).all() and np.all(values == np.round(values))
    return pd.Series(values.astype(np.int64) if whole else values)


def convert(cells: list[str], kind: ColumnType) -> Any:
    """Return a pandas Series of the column's type; what does not fit the type counts as missing."""
    import pandas as pd

    if kind["kind"] == "number":
        return _number_series(
            _numbers(cells, kind), kind
        )  # no mark of a missing value reads as a finite number
    there = present(cells)
    if kind["kind"] == "bool":
        names = {kind["true"]: True, kind["false"]: False}
        truth = pd.Series([names.get(cell.lower()) for cell in cells], dtype=object)
        return truth.astype(bool) if not truth.isna().any() else truth
    if kind["kind"] == "date":
        return _dates([cell if ok else "" for cell, ok in zip(cells, there, strict=True)], kind["format"])
    values_ = [cell if ok else None for cell, ok in zip(cells, there, strict=True)]
    return pd.Series(values_, dtype=object).astype("category")
