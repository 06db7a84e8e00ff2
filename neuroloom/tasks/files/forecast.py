"""A table with a row for each moment, read as one series to forecast."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.errors import InputError
from neuroloom.core.origins import OriginSet
from neuroloom.tasks.files.columns import convert, detect, present
from neuroloom.tasks.files.options import Loaded, Options
from neuroloom.tasks.files.table import Columns, read_columns
from neuroloom.tasks.files.target import choose_target
from neuroloom.tasks.rolling import rolling_origin
from neuroloom.tasks.seasons import next_dates, season_of

Floats = NDArray[np.float64]
_TIME_NAMES = ("date", "time", "datetime", "timestamp", "ds", "day", "week", "month", "quarter", "year")


def read_forecast(options: Options) -> Loaded:
    """Read a table as a series: its dates, what is forecast, and further columns of numbers as channels.

    Raises:
        InputError: a column does not exist or holds no numbers, or the series is too short.
    """
    assert options.horizon is not None
    table = read_columns(options.path)
    notes = list(table.notes)
    when = date_column(table)
    names = [name for name in table.names if name != when and name not in options.drop]
    if not names:
        raise InputError(f"{options.path} needs a column of values beside the dates.")
    target, note = choose_target(names, options.target, options.path)
    notes += [note] if note else []
    for name in options.known:
        if name not in names or name == target:
            raise InputError(
                f"--known {name!r} is no column beside the target; the columns are {', '.join(names)}."
            )
    numbers = {name: numbers_of(table, name) for name in names}
    others = [n for n in names if n not in (target, *options.known) and np.isfinite(numbers[n]).any()]
    left = [n for n in names if n not in (target, *options.known, *others)]
    if left:
        notes.append(
            f"{', '.join(map(repr, left))} hold{'s' if len(left) == 1 else ''} no numbers and is left out"
        )
    if when is not None:
        notes.append(f"{when!r} holds the dates")
        check_order(table, when, options.path)
    season, why = options.season, "as you say"
    if season is None:
        season, why = season_of(table.cells[when]) if when is not None else season_of([])
    notes.append(
        f"{why} (--season says another)" if options.season is None else f"a season is {season} steps"
    )
    schema = {"kind": "series", "forecast": True, "target": target, "others": others, "known": list(options.known),
              "date": when, "season": season}  # fmt: skip
    values, known = _series(numbers, schema, options.path, notes)
    X, y = OriginSet.of(values, options.horizon, season, known)
    if others:
        notes.append(f"{', '.join(map(repr, others))} are read beside it; --drop leaves a column out")
    splits = rolling_origin(values.shape[1], options.horizon)
    notes.append(
        f"{options.horizon} steps ahead, judged at {sum(len(s.test) for s in splits)} origins of the last third"
    )
    return Loaded(
        "series", X, y, "forecast", notes, schema, [int(o) for o in X.origins], target, splits=splits
    )


def read_like_forecast(path: Path, schema: dict[str, Any]) -> tuple[OriginSet, list[str], str | None]:
    """Return the end of the series in a file as an origin, the latest dates, and the column of dates.

    Raises:
        InputError: a column of training is missing.
    """
    table = read_columns(path)
    wanted = [schema["target"], *schema["others"], *schema["known"]]
    missing = [name for name in wanted if name not in table.names]
    if missing:
        raise InputError(f"{path} lacks {', '.join(map(repr, missing))}, which the model learned from.")
    numbers = {name: numbers_of(table, name) for name in wanted}
    values, known = _series(numbers, schema, path, [])
    when = schema["date"] if schema["date"] in table.names else None
    dates = [] if when is None else table.cells[when][: values.shape[1]]
    return OriginSet(values, None, int(schema["season"]), known), dates, when


def origins_like(arrays: Mapping[str, Any], schema: dict[str, Any]) -> OriginSet:
    """Return the end of a series that came as arrays as an origin.

    Args:
        arrays: column -> ``(steps,)`` numbers, NaN where missing; those known in advance may go further.
        schema: of the model.

    Raises:
        InputError: a column is not as long as it must be, or holds no number.
    """
    numbers = {name: np.asarray(values, dtype=np.float64) for name, values in arrays.items()}
    steps = len(numbers[schema["target"]])
    for name in (*schema["others"], *schema["known"]):
        if len(numbers[name]) < steps:
            raise InputError(
                f"{name!r} holds {len(numbers[name])} values, but {schema['target']!r} holds {steps}; give as many, "
                "and more of what is known in advance."
            )
    values, known = _series(numbers, schema, Path("the request"), [])
    return OriginSet(values, None, int(schema["season"]), known)


def answers_ahead(dates: list[str], horizon: int) -> list[str]:
    """Return what the steps ahead are called: their dates where these are regular, else ``+1``, ``+2``, …"""
    return next_dates(dates, horizon) or [f"+{k + 1}" for k in range(horizon)]


def numbers_of(table: Columns, name: str) -> Floats:
    """Return a column as numbers, NaN where there is none."""
    if name in table.typed:
        import pandas as pd

        return pd.to_numeric(table.typed[name], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)  # type: ignore[no-any-return]
    kind, _ = detect(table.cells[name], table.decimal)
    if kind["kind"] not in ("number", "bool"):
        return np.full(table.n, np.nan)
    made: Floats = convert(table.cells[name], kind).astype(float).to_numpy(dtype=np.float64, na_value=np.nan)
    return made


def _series(
    numbers: dict[str, Floats], schema: dict[str, Any], path: Path, notes: list[str]
) -> tuple[Floats, Floats | None]:
    """Return the channels up to the last value of the target and the known variables to the end of the file."""
    there = np.flatnonzero(np.isfinite(numbers[schema["target"]]))
    if len(there) < 2:
        raise InputError(
            f"column {schema['target']!r} of {path} must hold numbers, but has {len(there)} of them."
        )
    end = int(there[-1]) + 1
    channels = [filled(numbers[name][:end], name, notes) for name in (schema["target"], *schema["others"])]
    if not schema["known"]:
        return np.stack(channels), None
    return np.stack(channels), np.stack([filled(numbers[name], name, notes) for name in schema["known"]])


def filled(values: Floats, name: str, notes: list[str]) -> Floats:
    """Return a column without gaps, filled along a line; says so in ``notes``.

    Raises:
        InputError: it holds no number.
    """
    there = np.isfinite(values)
    if there.all():
        return values
    if not there.any():
        raise InputError(f"column {name!r} holds no number where the target does; leave it out with --drop.")
    notes.append(f"{int((~there).sum())} missing values of {name!r} were filled along a line")
    steps = np.arange(len(values))
    found: Floats = np.interp(steps, steps[there], values[there])
    return found


def date_column(table: Columns) -> str | None:
    """Return the column of dates: one of the usual names, else the first that holds dates."""
    for name in table.names:
        if name.strip().lower() in _TIME_NAMES:
            return name
    for name in table.names:
        if name in table.typed:
            if table.typed[name].dtype.kind == "M":
                return name
        elif detect(table.cells[name], table.decimal)[0]["kind"] == "date":
            return name
    return None


def check_order(table: Columns, name: str, path: Path) -> None:
    """Check that dates rise.

    Raises:
        InputError: they do not.
    """
    kind, _ = detect(table.cells[name], table.decimal)
    if kind["kind"] not in ("date", "number") or not present(table.cells[name]).all():
        return
    values = convert(table.cells[name], kind).to_numpy()
    if len(values) > 1 and not (values[1:] > values[:-1]).all():
        raise InputError(
            f"the dates in column {name!r} of {path} must rise from row to row; sort the rows, and give several series "
            "a file each."
        )
