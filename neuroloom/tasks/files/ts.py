"""The ``.ts`` text format of the time series archives, and the ``.tsv`` of the UCR archive of 2018."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.errors import InputError
from neuroloom.tasks.files.text import is_number, read_text

Floats = NDArray[np.float64]


@dataclass
class Parsed:
    """Series as they stand in a file.

    Args:
        series: one ``(channels, length)`` float array each; NaN where a value is missing.
        labels: label or target of each as text; empty where the file has none.
        regression: whether the file says that its targets are numbers.
        notes: what was noticed.
    """

    series: list[Floats]
    labels: list[str]
    regression: bool = False
    notes: list[str] = field(default_factory=list)


def read_ts(path: Path) -> Parsed:
    """Read a ``.ts`` file; channels are divided by colons, values by commas, the label comes last.

    ``@equalLength`` and the like need not be there: lengths and channels are counted. Time stamps are refused.

    Raises:
        InputError: the file is damaged; says where.
    """
    text, notes = read_text(path)
    lines = text.splitlines()
    tags, start = _tags(path, lines)
    if tags.get("timestamps", "").startswith("true"):
        raise InputError(
            f"{path} has time stamps (@timestamps true), which are not read; write the values alone, at equal steps, "
            "or make it a long CSV with columns id, time and value."
        )
    labelled: bool | None = None
    for tag in ("classlabel", "targetlabel"):
        if tag in tags:
            labelled = tags[tag].startswith("true") or bool(labelled)
    body = [(number, line.strip()) for number, line in enumerate(lines[start:], start + 1)]
    body = [(number, line) for number, line in body if line and not line.startswith("#")]
    if not body:
        raise InputError(f"{path} holds no series after @data.")
    if labelled is None:
        labelled = all("," not in line.rpartition(":")[2] and ":" in line for _, line in body)
    made = Parsed([], [], tags.get("targetlabel", "").startswith("true"), list(notes))
    for number, line in body:
        fields = line.split(":")
        if labelled:
            if len(fields) < 2:
                raise InputError(
                    f"{path}, line {number}: expected values, a colon and a label, but found no colon."
                )
            made.labels.append(fields.pop().strip())
        made.series.append(_channels(path, number, fields))
    counts = {len(one) for one in made.series}
    if len(counts) > 1:
        raise InputError(
            f"{path}: series have {min(counts)} to {max(counts)} channels; all must have as many."
        )
    declared = set(tags.get("classlabel", "").split()[1:])
    odd = sorted(set(made.labels) - declared) if declared else []
    if odd:
        made.notes.append(f"labels that @classLabel does not name occur: {', '.join(odd[:5])}")
    return made


def _tags(path: Path, lines: Sequence[str]) -> tuple[dict[str, str], int]:
    """Return the header's tags in lower case and the number of the first data line."""
    tags: dict[str, str] = {}
    for number, line in enumerate(lines):
        stripped = line.strip()
        if stripped.startswith("@"):
            name, _, value = stripped[1:].partition(" ")
            if name.lower() == "data":
                return tags, number + 1
            value = value.strip()
            tags[name.lower()] = (
                value if name.lower() == "classlabel" and value[:1] not in "tT" else _lower_head(value)
            )
        elif stripped and not stripped.startswith("#"):
            raise InputError(
                f"{path}, line {number + 1}: expected a line that begins with @ or #, or @data before the series; is "
                "this a .ts file? Tables end in .csv, the UCR archive's other form in .tsv."
            )
    raise InputError(f"{path} has no @data line, after which its series would stand.")


def _lower_head(value: str) -> str:
    head, _, rest = value.partition(" ")
    return f"{head.lower()} {rest}".strip()


def _channels(path: Path, number: int, fields: Sequence[str]) -> Floats:
    rows: list[list[float]] = []
    for text in fields:
        cells = [cell.strip() for cell in text.strip().strip(",").split(",")]
        try:
            rows.append([np.nan if cell in ("?", "", "NaN", "nan") else float(cell) for cell in cells])
        except ValueError:
            bad = next(cell for cell in cells if not is_number(cell) and cell.lower() not in ("?", "", "nan"))
            raise InputError(f"{path}, line {number}: {bad!r} is no number.") from None
    longest = max(len(row) for row in rows)
    made = np.full((len(rows), longest), np.nan)
    for k, row in enumerate(rows):
        made[k, : len(row)] = row
    return made


def read_ucr_tsv(path: Path) -> Parsed:
    """Read a ``.tsv`` of the UCR archive: a label, then the values; NaN at the end of shorter series.

    Raises:
        InputError: a field is no number.
    """
    text, notes = read_text(path)
    lines = [(i, line.split("\t")) for i, line in enumerate(text.splitlines(), 1) if line.strip()]
    made = Parsed([], [], notes=list(notes))
    for number, cells in lines:
        cells = [cell.strip() for cell in cells]
        made.labels.append(cells[0])
        made.series.append(_channels(path, number, [",".join(cell or "NaN" for cell in cells[1:]) or "NaN"]))
    return made


def regular(series: Sequence[Floats], length: int | None = None) -> tuple[Any, NDArray[np.bool_], list[str]]:
    """Return series as one array of equal lengths without gaps.

    Missing values within a series are interpolated linearly; missing values at the end of all channels are taken for
    its end. Series of other lengths are stretched linearly to the longest (uniform scaling, one of the two ways that
    serve best, by Tan, Petitjean, Keogh and Webb 2019, Time series classification for varying length series).

    Args:
        series: ``(channels, own length)`` arrays.
        length: length to give them; None takes the longest.

    Returns:
        ``(kept, channels, length)`` float64, which series were kept (those with a value), and notes.
    """
    trimmed: list[Floats] = []
    kept = np.zeros(len(series), dtype=bool)
    gaps = 0
    for i, one in enumerate(series):
        there = np.isfinite(one)
        if not there.any():
            continue
        end = int(np.flatnonzero(there.any(axis=0))[-1]) + 1
        one, there = one[:, :end], there[:, :end]
        kept[i] = True
        gaps += int(not there.all())
        trimmed.append(one if there.all() else _filled(one, there))
    lengths = sorted({one.shape[1] for one in trimmed})
    notes = []
    if not kept.all():
        notes.append(f"{int((~kept).sum())} series without any value were left out")
    if gaps:
        notes.append(f"missing values in {gaps} series were interpolated linearly")
    longest = length if length is not None else max(lengths, default=0)
    if lengths and lengths != [longest]:
        notes.append(
            f"series have {lengths[0]} to {lengths[-1]} points; all were stretched to {longest} by linear interpolation"
        )
    channels = trimmed[0].shape[0] if trimmed else 0
    X = np.empty((len(trimmed), channels, longest))
    for i, one in enumerate(trimmed):
        X[i] = one if one.shape[1] == longest else _stretched(one, longest)
    return X, kept, notes


def _filled(one: Floats, there: NDArray[np.bool_]) -> Floats:
    made = one.copy()
    t = np.arange(one.shape[1])
    for k, ok in enumerate(there):
        made[k] = np.interp(t, t[ok], one[k, ok]) if ok.any() else 0.0
    return made


def _stretched(one: Floats, length: int) -> Floats:
    old, new = np.linspace(0.0, 1.0, one.shape[1]), np.linspace(0.0, 1.0, length)
    return np.stack([np.interp(new, old, channel) for channel in one])
