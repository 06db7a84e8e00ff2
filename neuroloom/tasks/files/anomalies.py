"""A table with a row for each moment, read as one series whose anomalies are to be found."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.errors import InputError
from neuroloom.tasks.anomalies import period_of, windows
from neuroloom.tasks.files.forecast import check_order, date_column, filled, numbers_of
from neuroloom.tasks.files.options import Loaded, Options
from neuroloom.tasks.files.table import Columns, read_columns

MARKS = ("anomaly", "is_anomaly", "anomalous", "anomalies", "outlier", "label", "marked")


def read_anomalies(options: Options) -> Loaded:
    """Read a table as the windows of a series: its columns of numbers are channels, one column may mark anomalies.

    The windows within the first ``normal`` rows are learned from; those after them are tested, each by the mark of its
    middle step. Without marks there are no answers: ``y`` is None.

    Raises:
        InputError: a column does not exist or holds no numbers, the marks are not of two values, or a stretch is
            shorter than a window.
    """
    assert options.normal is not None
    table = read_columns(options.path)
    notes = list(table.notes)
    when = date_column(table)
    if when is not None:
        notes.append(f"{when!r} holds the dates")
        check_order(table, when, options.path)
    marks = options.target
    if marks is not None and marks not in table.names:
        raise InputError(f"{options.path} has no column {marks!r}; it has {', '.join(table.names)}.")
    if marks is None:
        free = [name for name in table.names if name not in options.drop]
        marks = next((name for name in free if name.strip().lower() in MARKS), None)
    names = [n for n in table.names if n not in (when, marks, *options.drop)]
    values = {name: numbers_of(table, name) for name in names}
    channels = [name for name in names if np.isfinite(values[name]).any()]
    if not channels:
        raise InputError(f"{options.path} needs a column of numbers beside dates and marks.")
    x = np.stack([filled(values[name], name, notes) for name in channels])
    if not 0 < options.normal < x.shape[1]:
        raise InputError(
            f"`normal` must be between 1 and {x.shape[1] - 1}, rows of {options.path} at its beginning that hold no "
            f"anomaly, but got {options.normal}."
        )
    length = options.window or min(period_of(x[0, : options.normal]), options.normal // 2)
    if length < 4:
        raise InputError(f"a window must have at least 4 steps, but has {length}; pass a larger `window`.")
    marked = np.zeros(x.shape[1], dtype=np.int64) if marks is None else _marked(table, marks)
    data = windows(x, marked, options.normal, length)
    (split,) = data.extra["splits"]
    starts = np.concatenate(
        [split.train, split.test + length - 1]
    )  # none lies across the end of the normal rows
    notes.append(
        f"{', '.join(map(repr, channels))} read in windows of {length} steps"
        + ("" if options.window else ", the period of the normal rows (--window says another)")
        + f"; the first {options.normal} rows are taken as normal"
    )
    if marks is None:
        notes.append("no column marks anomalies, so scores cannot be judged (--target names one)")
    else:
        notes.append(f"{marks!r} marks {int(marked.sum())} steps as anomalies; methods are not told")
    schema = {"kind": "series", "anomalies": True, "channels": channels, "window": length, "date": when}
    middles = [int(start) + length // 2 for start in starts]
    y = None if marks is None else data.y
    return Loaded(
        "series", data.X, y, "detection", notes, schema, middles, marks, splits=data.extra["splits"]
    )


def _marked(table: Columns, name: str) -> NDArray[np.int64]:
    """Return 1 for each row of the rarer of two values.

    Raises:
        InputError: there are not two values.
    """
    cells = table.typed[name].tolist() if name in table.typed else table.cells[name]
    texts = np.array([str(cell).strip() for cell in cells])
    kinds, counts = np.unique(texts, return_counts=True)
    if len(kinds) != 2:
        raise InputError(
            f"column {name!r} must mark each step as normal or anomalous, in two values, but has {len(kinds)}; name "
            "another with --target, or leave it out with --drop."
        )
    found: NDArray[np.int64] = (texts == kinds[counts.argmin()]).astype(np.int64)
    return found
