"""Series of the user's: ``.ts``, ``.tsv`` of the UCR archive, or CSV with a row for each point or each series."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.errors import InputError
from neuroloom.tasks.files.columns import convert, detect, present
from neuroloom.tasks.files.options import Loaded, Options
from neuroloom.tasks.files.table import Columns, read_columns
from neuroloom.tasks.files.target import choose_target, decide
from neuroloom.tasks.files.text import read_rows
from neuroloom.tasks.files.ts import Parsed, read_ts, read_ucr_tsv, regular
from neuroloom.tasks.task import Split

_ID = re.compile(
    r"(series|sample|case|subject|signal|instance|trial|recording|record|unit|sensor)?[_ ]?(id|no|nr)?"
)
_TIME = re.compile(
    r"(time|t|timestamp|time_?step|step|date|datetime|tick|frame|reading_?id|second|seconds|ms|index)"
)
_CHANNEL = re.compile(r"(channel|dim|dimension|dim_?id|variable)")
_SHORTEST = 4


def partner(path: Path) -> tuple[Path, Path] | None:
    """Return training and test file when ``path`` is one of a pair ``NAME_TRAIN`` and ``NAME_TEST`` that both exist."""
    for mark, other in (("_TRAIN", "_TEST"), ("_TEST", "_TRAIN")):
        if path.stem.endswith(mark):
            twin = path.with_name(path.stem.removesuffix(mark) + other + path.suffix)
            if twin.is_file():
                return (path, twin) if mark == "_TRAIN" else (twin, path)
    return None


def read_parsed(path: Path) -> Parsed:
    """Read a ``.ts`` or UCR ``.tsv`` file."""
    return read_ts(path) if path.suffix.lower() == ".ts" else read_ucr_tsv(path)


def read_archive(options: Options) -> Loaded:
    """Read ``.ts`` or ``.tsv`` series; a pair of training and test file gives the published split.

    Raises:
        InputError: a file is damaged or has no labels, or the pair does not fit together.
    """
    pair = partner(options.path)
    parsed = [read_parsed(path) for path in (pair or (options.path,))]
    first = parsed[0]
    labels = [label for part in parsed for label in part.labels]
    series = [one for part in parsed for one in part.series]
    if len(labels) != len(series):
        raise InputError(
            f"{options.path} has no labels (@classLabel false), so there is nothing to learn; write each series' label "
            "after a last colon and say @classLabel true, or @targetLabel true for numbers."
        )
    if len({one.shape[0] for one in series}) > 1:
        raise InputError(
            f"{pair[0] if pair else options.path} and its test file differ in their number of channels."
        )
    problem = options.problem or ("regression" if first.regression else "classification")
    notes = list(first.notes)
    sizes = None
    if pair is not None:
        sizes = len(first.series)
        notes.append(f"{pair[0].name} trains and {pair[1].name} tests")
    return assembled(series, labels, problem, notes, train=sizes)


def assembled(
    series: list[Any], labels: list[str], problem: str | None, notes: list[str], train: int | None = None,
    names: list[Any] | None = None, name: str = "",
) -> Loaded:  # fmt: skip
    """Return series and labels as learning data; the first ``train`` of them are the published training part."""
    X, kept, said = regular(series)
    notes = [*notes, *said]
    if X.size and X.shape[2] < _SHORTEST:
        raise InputError(f"the series have {X.shape[2]} points; at least {_SHORTEST} are needed.")
    names = [n for n, ok in zip(names or range(1, len(series) + 1), kept, strict=True) if ok]
    numbers = np.flatnonzero(kept)
    y, there, problem, reasons = decide([labels[i] for i in numbers], ".", name, problem)
    notes += reasons
    if not there.all():
        notes.append(f"{int((~there).sum())} series without a label were left out")
    splits = None
    if train is not None:
        early = numbers[there] < train
        if early.all() or not early.any():
            raise InputError("the training or the test file holds no series with a label.")
        splits = [Split(train=np.flatnonzero(early), test=np.flatnonzero(~early))]
    X = X[there]
    notes.append(f"{len(X)} series, {X.shape[1]} channel{'s' if X.shape[1] > 1 else ''}, {X.shape[2]} points")
    schema = {"kind": "series", "channels": int(X.shape[1]), "length": int(X.shape[2])}
    named = [n for n, ok in zip(names, there, strict=True) if ok]
    return Loaded("series", X, y, problem, notes, schema, named, name or None, splits=splits)


# -- CSV --------------------------------------------------------------------------------------------------------


def named_roles(names: Sequence[str]) -> dict[str, str]:
    """Return which columns are called like an ``id`` of series, a ``time`` or a ``channel``."""
    roles: dict[str, str] = {}
    for role, pattern in (("id", _ID), ("time", _TIME), ("channel", _CHANNEL)):
        named = [n for n in names if n and n not in roles.values() and pattern.fullmatch(n.strip().lower())]
        if named:
            roles[role] = named[0]
    return roles


def long_roles(columns: Columns) -> dict[str, str] | None:
    """Return which columns are ``id``, ``time`` and maybe ``channel`` of a long table of series, or None.

    It is one when a column named as an identifier repeats its values, another is named as a time, and no two rows
    have both alike (and the channel).
    """
    roles = named_roles(columns.names)
    if "id" not in roles or "time" not in roles:
        return None
    ids = columns.cells[roles["id"]]
    together = set(zip(*(columns.cells[name] for name in roles.values()), strict=True))
    repeated = len(set(ids)) <= len(ids) / 2 and len(set(ids)) > 1
    return roles if repeated and len(together) == len(ids) else None


def read_csv_series(options: Options, columns: Columns | None = None) -> Loaded:
    """Read a long CSV (columns id, time, value …) or a wide one (a series in each row).

    Raises:
        InputError: there is no label for the series, or no column of values.
    """
    columns = columns if columns is not None else read_columns(options.path)
    roles = long_roles(columns)
    if roles is None:
        return _wide(options, columns)
    ids, series, taken = long_series(columns, roles, options.path, _constant(columns, roles, options))
    if options.labels is not None:
        labels, said = label_file(options.labels, ids, options.target)
        notes = [*columns.notes, *said]
        target = options.target or ""
    else:
        if taken is None:
            raise InputError(
                f"{options.path} has no column whose value is the same throughout each series, so there is nothing to "
                "learn; add a label column, or name a file of labels with --labels."
            )
        first = {i: row for row, i in reversed(list(enumerate(columns.cells[roles["id"]])))}
        labels = [columns.cells[taken][first[i]] for i in ids]
        notes, target = list(columns.notes), taken
        if options.target is None:
            notes.append(f"{taken!r} is learned, as it is the same throughout each series")
    shown = ", ".join(f"{name!r} as {role}" for role, name in roles.items())
    notes.append(f"read as series with a row for each point: {shown}; --kind table reads it as a plain table")
    made = assembled(series, labels, options.problem, notes, names=ids, name=target)
    made.schema["target"] = target
    return made


def _constant(columns: Columns, roles: dict[str, str], options: Options) -> str | None:
    """Return the label column of a long table: the one named, or the last that is constant within each series."""
    if options.labels is not None:
        return None
    others = [name for name in columns.names if name not in roles.values()]
    ids = columns.cells[roles["id"]]
    if options.target is not None:
        name, _ = choose_target(columns.names, options.target, options.path)
        if len(set(zip(ids, columns.cells[name], strict=True))) > len(set(ids)):
            raise InputError(
                f"{options.path}: {name!r} changes within a series, so it cannot be its label; pass --kind table to "
                "learn it row by row."
            )
        return name
    fit = [n for n in others if len(set(zip(ids, columns.cells[n], strict=True))) == len(set(ids))]
    return fit[-1] if fit and len(others) > 1 else None


def long_series(
    columns: Columns, roles: dict[str, str], path: Path, label: str | None
) -> tuple[list[str], list[NDArray[np.float64]], str | None]:
    """Return ids, series in order of time, and the label column of a long table."""
    values = [n for n in columns.names if n not in roles.values() and n != label]
    numbers: dict[str, NDArray[np.float64]] = {}
    for name in values:
        kind, _ = detect(columns.cells[name], columns.decimal)
        if kind["kind"] == "number":
            numbers[name] = np.asarray(convert(columns.cells[name], kind), dtype=np.float64)
    if not numbers:
        raise InputError(f"{path} has no column of numbers besides {', '.join(map(repr, roles.values()))}.")
    rank = _order(columns.cells[roles["time"]], columns.decimal)
    by_id: dict[str, list[int]] = {}
    for row, name in enumerate(columns.cells[roles["id"]]):
        by_id.setdefault(name, []).append(row)
    channels = sorted(set(columns.cells[roles["channel"]])) if "channel" in roles else None
    series = []
    for rows in by_id.values():
        ordered = np.array(sorted(rows, key=lambda row: rank[row]))
        if channels is None:
            series.append(np.stack([column[ordered] for column in numbers.values()]))
        else:
            value = next(iter(numbers.values()))
            marks = np.array(columns.cells[roles["channel"]], dtype=str)[ordered]
            parts = [value[ordered[marks == channel]] for channel in channels]
            longest = max(len(part) for part in parts)
            series.append(np.stack([np.pad(p, (0, longest - len(p)), constant_values=np.nan) for p in parts]))
    return list(by_id), series, label


def _order(cells: list[str], decimal: str) -> NDArray[np.float64]:
    """Return numbers that sort as the times do."""
    kind, _ = detect(cells, decimal)
    if kind["kind"] in ("number", "date"):
        found = convert(cells, kind)
        if not found.isna().any():
            return np.asarray(found.rank(method="dense").to_numpy(), dtype=np.float64)
    return np.unique(np.asarray(cells, dtype=str), return_inverse=True)[1].astype(np.float64)


def _wide(options: Options, columns: Columns) -> Loaded:
    target, note = choose_target(columns.names, options.target, options.path)
    cells = {name: values for name, values in columns.cells.items() if name != target}
    series = wide_series(cells, columns.decimal, options.path)
    notes = [
        *columns.notes,
        *([note] if note else []),
        f"read as series with a row for each, {len(cells)} points",
    ]
    made = assembled(series, columns.cells[target], options.problem, notes, name=target)
    made.schema["target"] = target
    return made


def wide_series(cells: dict[str, list[str]], decimal: str, path: Path) -> list[NDArray[np.float64]]:
    """Return a ``(1, length)`` series for each row."""
    made = []
    for name, column in cells.items():
        kind, _ = detect(column, decimal)
        if kind["kind"] not in ("number", "missing"):
            raise InputError(
                f"{path}, column {name!r} holds no numbers, so a row is no series; expected one row for each "
                "series, or columns called id, time and value with a row for each point."
            )
        made.append(np.asarray(convert(column, {"kind": "number", "decimal": decimal, **kind}), dtype=np.float64)
                    if kind["kind"] == "number" else np.full(len(column), np.nan))  # fmt: skip
    return [row[None, :] for row in np.column_stack(made)]


def label_file(path: Path, ids: list[str], target: str | None = None) -> tuple[list[str], list[str]]:
    """Return the label of each id from a file of ids and labels ("" where it has none), and notes.

    Raises:
        InputError: the file has a single column, or knows none of the ids.
    """
    rows = read_rows(path, header=False)
    if len(rows.cells[0]) < 2:
        raise InputError(f"{path} has a single column; a label file holds a name and a label in each line.")
    known = set(ids)
    lines = rows.cells
    column = -1
    notes = [f"labels: {note}" for note in rows.notes]
    if lines[0][0] not in known and any(line[0] in known for line in lines[1:]):
        notes.append(f"the first line of {path.name} is a header")
        if target is not None and target in lines[0]:
            column = lines[0].index(target)
        lines = lines[1:]
    by_name = {line[0]: line[column] for line in lines}
    found = [by_name.get(name, "") for name in ids]
    if not present(found).any():
        sample = ", ".join(repr(name) for name in list(by_name)[:3])
        raise InputError(
            f"{path} names none of the {len(ids)} samples: it has {sample}, the data {ids[0]!r}, …."
        )
    return found, notes
