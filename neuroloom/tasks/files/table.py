"""A table of the user's: CSV in any dialect, or Parquet, as a DataFrame of numbers, categories, dates and truths."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuroloom.core.errors import InputError
from neuroloom.core.free_text import is_free_text
from neuroloom.tasks.files.clean import read_fields
from neuroloom.tasks.files.columns import ColumnType, decimal_mark, read_column
from neuroloom.tasks.files.options import Loaded, Options
from neuroloom.tasks.files.target import choose_target, decide
from neuroloom.tasks.files.text import SEPARATORS

PARQUET = (".parquet", ".pq")
_ID = re.compile(r"(^|[^a-z])(ids?|uuid|guid|index|idx|key|row|rownum|rowid|rownames?|no|nr)$")
_TIME = re.compile(r"(year|month|week|day|date|time|hour|minute|second|age|step|^t$)", re.IGNORECASE)


@dataclass
class Columns:
    """A table as columns of text, or, from Parquet, typed columns.

    Args:
        cells: name -> fields as text, in the file's order.
        typed: name -> pandas Series, for columns that have a type already.
        decimal: decimal mark of the text.
        notes: what was noticed.
    """

    cells: dict[str, list[str]]
    typed: dict[str, Any]
    decimal: str
    notes: list[str]

    @property
    def names(self) -> list[str]:
        """All column names."""
        return list(self.cells)

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(next(iter(self.cells.values()), []))


def read_columns(path: Path, expected: tuple[str, ...] = ()) -> Columns:
    """Read a table as columns.

    Raises:
        InputError: the file is no table.
    """
    if path.suffix.lower() in PARQUET:
        return _read_parquet(path)
    rows = read_fields(path, expected)
    notes = list(rows.notes)
    if rows.separator != ",":
        notes.append(f"columns are separated by {SEPARATORS[rows.separator]}s")
    width = len(rows.columns)
    header = rows.header
    if header is None:
        header = [f"column_{k + 1}" for k in range(width)]
        notes.append("the first line holds data, so the columns were named column_1 … column_" + str(width))
    names = _different(header, notes)
    columns = rows.columns
    decimal = decimal_mark(columns, rows.separator)
    if decimal == ",":
        notes.append("numbers have a decimal comma")
    return Columns(dict(zip(names, columns, strict=True)), {}, decimal, notes)


def _read_parquet(path: Path) -> Columns:
    import pandas as pd

    try:
        frame = pd.read_parquet(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read as Parquet: {error}.") from error
    except ValueError as error:  # pyarrow's own error for damaged files is one
        raise InputError(f"{path} cannot be read as Parquet: {error}.") from error
    if frame.empty:
        raise InputError(f"{path} is empty; it holds {len(frame)} rows and {frame.shape[1]} columns.")
    notes: list[str] = []
    frame = frame.reset_index(drop=True)
    frame.columns = _different([str(name) for name in frame.columns], notes)
    cells: dict[str, list[str]] = {}
    typed: dict[str, Any] = {}
    for name in frame.columns:
        column = frame[name]
        filled = column.dropna()
        if len(filled) and isinstance(filled.iloc[0], list | dict | np.ndarray | tuple):
            notes.append(f"column {name!r} holds nested values and was left out")
            continue
        if pd.api.types.is_timedelta64_dtype(column.dtype):
            column = column.dt.total_seconds()
        if pd.api.types.is_bool_dtype(column.dtype) or pd.api.types.is_numeric_dtype(column.dtype):
            typed[name] = column
        elif pd.api.types.is_datetime64_any_dtype(column.dtype):
            typed[name] = (
                column.dt.tz_convert("UTC").dt.tz_localize(None) if column.dt.tz is not None else column
            )
        cells[name] = [
            "" if missing else str(value) for value, missing in zip(column, column.isna(), strict=True)
        ]
    return Columns(cells, typed, ".", notes)


def _different(header: list[str], notes: list[str]) -> list[str]:
    """Return the names, those that repeat numbered and empty ones named."""
    seen: dict[str, int] = {}
    names: list[str] = []
    repeated: list[str] = []
    for k, name in enumerate(header):
        name = " ".join(name.split()) or f"column_{k + 1}"
        if name in seen:
            repeated.append(name)
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    if repeated:
        shown = ", ".join(repr(name) for name in dict.fromkeys(repeated))
        notes.append(f"several columns are called {shown}; the later ones were numbered")
    return names


def read_table(options: Options) -> Loaded:
    """Read a table with its target.

    Raises:
        InputError: the file is no table, the target does not exist or cannot be learned, or no column is left.
    """
    columns = read_columns(options.path, tuple(n for n in (options.target, options.groups) if n))
    if len(columns.names) < 2:
        raise InputError(
            f"{options.path} has a single column, {columns.names[0]!r}; a table needs a target and something to learn "
            "it from. Are the fields separated by commas, semicolons, tabs or bars?"
        )
    target, note = choose_target(columns.names, options.target, options.path)
    notes = columns.notes + ([note] if note else [])
    y, there, problem, said = decide(columns.cells[target], columns.decimal, target, options.problem)
    notes += said
    if not there.all():
        gone = int((~there).sum())
        notes.append(
            f"{gone} row{'s' if gone > 1 else ''} without a value of {target!r} {_were(gone)} left out"
        )
    groups = None
    if options.groups is not None:
        by, _ = choose_target(columns.names, options.groups, options.path)
        groups = np.asarray(columns.cells[by], dtype=str)[there]
        notes.append(f"rows of one {by!r} are never divided between training and test")
    rows = np.flatnonzero(there)
    X, types = _features(columns, {target, options.groups}, rows, options, notes)
    left = [
        n
        for n in columns.names
        if n not in {t["name"] for t in types} and n != target and len(set(columns.cells[n])) == columns.n
    ]
    schema = {"kind": "table", "columns": types, "target": target, "id": left[0] if left else None}
    if problem == "classification":
        notes += giveaways(X, y, target)
    copies = _copies(X, y)
    if copies:
        notes.append(
            f"{copies} row{'s repeat others' if copies > 1 else ' repeats another'} exactly; all were kept"
        )
    return Loaded("table", X, y, problem, notes, schema, (rows + 1).tolist(), target, groups)


def giveaways(X: Any, y: Any, target: str) -> list[str]:
    """Return warnings of columns whose every value has a single answer, each value standing in several rows.

    With as many values as classes, the column is the target in other words; with more, it names something (a patient, a
    device) whose rows share one answer, so that a split row by row tests nothing new.
    """
    import pandas as pd

    found = []
    classes = len(np.unique(y))
    for name in X.columns:
        codes, values = pd.factorize(X[name])
        filled = codes >= 0
        whole = X[name].dtype.kind != "f" or bool(np.all(np.mod(X[name].dropna(), 1) == 0))
        if X[name].dtype.kind == "M" or not whole or len(values) < 2 or filled.sum() < 5 * len(values):
            continue
        if len(pd.DataFrame({"x": codes, "y": y})[filled].drop_duplicates()) > len(values):
            continue
        if len(values) <= classes:
            found.append(
                f"WARNING: column {name!r} alone tells {target!r}; if it is not known before {target!r} is, leave it "
                f"out with --drop {name!r} (drop = [{name!r}] in a [[task]])"
            )
        else:
            found.append(
                f"WARNING: each {name!r} has one {target!r} in all of its rows, so rows of it in the training part "
                f"give those in the test part away; --groups {name!r} (groups = {name!r} in a [[task]]) keeps them "
                "together"
            )
    return found


def _copies(X: Any, y: Any) -> int:
    """Return how many rows repeat an earlier one in every column and in the target."""
    import pandas as pd

    whole = X.assign(**{"\0target": y})
    return int(pd.util.hash_pandas_object(whole, index=False).duplicated().sum())


def _were(count: int) -> str:
    return "were" if count > 1 else "was"


def _features(
    columns: Columns, taken: Iterable[str | None], rows: Any, options: Options, notes: list[str]
) -> tuple[Any, list[dict[str, Any]]]:
    """Return the DataFrame to learn from and the type of each column; says in ``notes`` what was left out."""
    import pandas as pd

    for name in (set(options.keep) - {"*"}) | set(options.drop):
        choose_target(columns.names, name, options.path)
    taken = {name for name in taken if name} | set(options.drop)
    made: dict[str, Any] = {}
    types: list[dict[str, Any]] = []
    left_out: dict[str, list[str]] = {"missing": [], "constant": [], "id": [], "text": []}
    for name in columns.names:
        if name in taken:
            continue
        values, kind, note = _typed(columns, name, rows)
        why = _useless(name, values, kind)
        if why != "missing" and (name in options.keep or "*" in options.keep):
            why = None
        if why is not None:
            left_out[why].append(name)
            continue
        if kind["kind"] == "category" and is_free_text(values):
            note = "free text, read by its words (TF-IDF, and its main directions where there are many)"
        if note:
            notes.append(f"column {name!r}: {note}")
        made[name] = values
        types.append({"name": name, **kind})
    said = {
        "missing": "without any value",
        "constant": "with a single value throughout",
        "id": "that only number or name the rows",
        "text": "of names that differ in every row",
    }
    for why, names in left_out.items():
        if names:
            shown = ", ".join(repr(name) for name in names[:5]) + (", …" if len(names) > 5 else "")
            again = "" if why == "missing" else "; `keep` in a [[task]] keeps them"
            notes.append(f"columns {said[why]} were left out: {shown}{again}")
    if not made:
        raise InputError(
            f"{options.path} has no column left to learn from: {notes[-1]}."
            if any(left_out.values())
            else f"{options.path} has no column besides the target."
        )
    return pd.DataFrame(made), types


def _typed(columns: Columns, name: str, rows: Any) -> tuple[Any, ColumnType, str]:
    """Return the column's values in the rows kept, its type and a note."""
    if name in columns.typed:
        import pandas as pd

        values = columns.typed[name].iloc[rows].reset_index(drop=True)
        if values.isna().all():
            return values, {"kind": "missing"}, ""
        if pd.api.types.is_datetime64_any_dtype(values.dtype):
            return values, {"kind": "date", "format": ""}, ""
        if pd.api.types.is_bool_dtype(values.dtype):
            return values, {"kind": "bool", "true": "true", "false": "false"}, ""
        values = values.astype("float64") if values.isna().any() else values
        infinite = np.isinf(values.to_numpy(dtype=np.float64))
        return values.mask(infinite) if infinite.any() else values, {"kind": "number", "decimal": "."}, ""
    cells = columns.cells[name]
    kept = [cells[i] for i in rows]
    return read_column(kept, columns.decimal)


def _useless(name: str, values: Any, kind: ColumnType) -> str | None:
    """Return why a column is left out: ``missing``, ``constant``, ``id`` or ``text``; None keeps it."""
    if kind["kind"] == "missing":
        return "missing"
    there = values.dropna()
    distinct = there.nunique()
    if distinct == 1 and len(there) == len(values):
        return "constant"
    if distinct < len(values) or len(values) < 10:
        return None
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    if kind["kind"] == "category":
        if _ID.search(words):
            return "id"
        return "text" if len(values) >= 20 and not is_free_text(values) else None
    if kind["kind"] != "number":
        return None
    numbers = values.to_numpy(dtype=np.float64)
    if not np.all(numbers == np.round(numbers)):
        return None
    steps = np.diff(numbers)
    counts = bool(np.all(steps == steps[0])) and abs(steps[0]) == 1 and not _TIME.search(name)
    named = _ID.search(words) or (re.fullmatch(r"(column_\d+|unnamed.*)", words) and counts)
    return "id" if named or counts else None
