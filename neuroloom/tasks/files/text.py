"""Text files as people have them: any encoding, any separator, with or without a header, with ragged lines."""

from __future__ import annotations

import csv
import functools
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from neuroloom.core.errors import InputError

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook; unpack it, or save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook; save the sheet as CSV"),
    (b"\x80\x03", "a Python pickle, which could run code when read; save the data as CSV, Parquet or .npz"),
    (b"\x80\x04", "a Python pickle, which could run code when read; save the data as CSV, Parquet or .npz"),
    (b"\x80\x05", "a Python pickle, which could run code when read; save the data as CSV, Parquet or .npz"),
    (b"\x93NUMPY", "a single NumPy array; save inputs and answers together with numpy.savez(path, X=X, y=y)"),
    (b"SQLite format 3", "an SQLite database; export the table as CSV"),
    (b"\x89HDF", "an HDF5 file; save the data as CSV, Parquet or .npz"),
    (b"%PDF", "a PDF document; save the data as CSV"),
    (b"\x89PNG", "a picture; name the folder that holds one folder of pictures for each class"),
    (b"\xff\xd8\xff", "a picture; name the folder that holds one folder of pictures for each class"),
    (b"PAR1", "a Parquet file; give its name the ending .parquet"),
)
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
SEPARATORS = {"\t": "tab", ";": "semicolon", "|": "bar", ",": "comma", " ": "space"}
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?%?")
_RAGGED = 0.1


@dataclass(frozen=True)
class Rows:
    """A text file taken apart.

    Args:
        header: column names, or None when the first line is data.
        cells: the data lines, each as many fields as the others.
        separator: one of ``SEPARATORS``.
        notes: what was noticed, for the user.
    """

    header: list[str] | None
    cells: list[list[str]]
    separator: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Fields:
    """A text file taken apart, by column.

    Args:
        header: column names, or None when the first line is data.
        columns: the fields of each column, equally many.
        separator: one of ``SEPARATORS``.
        notes: what was noticed, for the user.
    """

    header: list[str] | None
    columns: list[list[str]]
    separator: str
    notes: tuple[str, ...]


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a file, unpacked if it is gzipped.

    Raises:
        InputError: it cannot be read, or is empty.
    """
    try:
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} cannot be read: {error}.") from error
    if not raw.strip():
        raise InputError(f"{path} is empty; there is nothing to read in it.")
    return raw


def read_text(path: Path) -> tuple[str, tuple[str, ...]]:
    """Return the text of a file and notes on its encoding.

    Raises:
        InputError: the file cannot be read, is empty, or holds no text; says what it seems to be.
    """
    raw = read_bytes(path)
    for magic, what in _MAGIC:
        if raw.startswith(magic):
            raise InputError(f"{path} is {what}.")
    for bom, encoding in _BOMS:
        if raw.startswith(bom):
            try:
                return _nonempty(path, raw.decode(encoding)), ()
            except UnicodeDecodeError:
                break
    head = raw[:65536]
    control = sum(head.count(bytes([c])) for c in range(32) if c not in (9, 10, 12, 13))
    if b"\0" in head or control > 0.005 * len(head):
        raise InputError(
            f"{path} holds binary data, not text; expected a table, an edge list or series as text, "
            "or a Parquet or .npz file with its own ending."
        )
    try:
        return _nonempty(path, raw.decode("utf-8")), ()
    except UnicodeDecodeError:
        note = "the text is not UTF-8; it was read as Windows-1252 (Latin-1)"
        return _nonempty(path, raw.decode("cp1252", errors="replace")), (note,)


def _nonempty(path: Path, text: str) -> str:
    if not text.strip():
        raise InputError(f"{path} is empty; there is nothing to read in it.")
    return text


def read_rows(
    path: Path, header: bool | None = None, expected: Sequence[str] = (), most: int | None = None
) -> Rows:
    """Return the fields of a text file; the last one read is kept, as several steps look at it.

    Args:
        path: the file.
        header: whether the first line names the columns; None finds out.
        expected: names that prove a header when the first line holds one of them.
        most: number of lines to read, for a first look; None reads all.

    Raises:
        InputError: there are no data lines, or more than one line in ten is ragged; says which.
    """
    try:
        state = path.stat()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    return _read_rows(path, (state.st_mtime_ns, state.st_size), header, tuple(expected), most)


@functools.lru_cache(maxsize=2)
def _read_rows(
    path: Path, state: tuple[int, int], header: bool | None, expected: tuple[str, ...], most: int | None
) -> Rows:
    text, notes = read_text(path)
    lines, comment, skipped = _without_comments(text, most)
    separator = sniff(lines[:200])
    parsed = [(skipped + i, cells) for i, cells in _parse("\n".join(lines), separator, path)]
    if comment is not None:
        named = _parse(comment, separator, path)
        if named and parsed and len(named[0][1]) == len(parsed[0][1]) and header is not False:
            parsed, header = named + parsed, True
    if not parsed:
        raise InputError(f"{path} is empty; there is nothing to read in it.")
    first = [cell.strip() for cell in parsed[0][1]]
    body = parsed[1:]
    width = Counter(len(cells) for _, cells in (body or parsed)).most_common(1)[0][0]
    while (
        width > 1
        and len(first) >= width
        and all(len(c) < width or not c[width - 1].strip() for _, c in parsed)
    ):
        width -= 1  # a separator at the end of each line
    first = first[:width] if not any(cell for cell in first[width:]) else first
    if header is None:
        header = has_header(first, [cells for _, cells in body[:200]], expected)
    if header and len(first) == width - 1:
        first = ["", *first]  # row names without a title, as R writes them
    if header and len(first) != width:
        raise InputError(
            f"{path}: the header names {len(first)} columns, but the lines below have {width} fields; mend one of them."
        )
    cells, ragged = _even(body if header else parsed, width)
    if header and not body:
        raise InputError(f"{path} holds a header line but no data.")
    if len(ragged) > _RAGGED * (len(cells) + len(ragged)):
        number, count = ragged[0]
        raise InputError(
            f"{path}, line {number}: expected {width} fields, separated by {SEPARATORS[separator]}s, as in most lines, "
            f"but found {count}; {len(ragged)} lines are like that. Quote fields that hold the separator."
        )
    if ragged:
        shown = ", ".join(str(number) for number, _ in ragged[:5])
        plural = "lines do" if len(ragged) > 1 else "line does"
        notes += (f"{len(ragged)} {plural} not have {width} fields and were left out (line {shown})",)
    return Rows(first if header else None, cells, separator, notes)


def _without_comments(text: str, most: int | None) -> tuple[list[str], str | None, int]:
    """Return the lines after leading ``#`` or ``%`` lines, the last of those without its mark, and their number."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    lines = lines if most is None else lines[:most]
    comment = None
    start = 0
    while start < len(lines) and (lines[start].lstrip()[:1] in ("#", "%") or not lines[start].strip()):
        stripped = lines[start].lstrip()
        comment = stripped.lstrip("#% ") if stripped else comment
        start += 1
    if start == len(lines):
        return lines, None, 0
    return lines[start:], comment, start


def sniff(lines: Sequence[str]) -> str:
    """Return the separator that divides the lines most evenly.

    It must divide the first line too. Tab, semicolon and bar win over the comma when they divide as evenly, because
    a comma may be a decimal mark; white space counts only when nothing else divides.
    """
    best, best_share = " ", 0.0
    for separator in ("\t", ";", "|", ","):
        counts = [len(cells) for _, cells in _parse("\n".join(lines), separator, None)]
        if not counts or max(counts) < 2:
            continue
        width, times = Counter(c for c in counts if c > 1).most_common(1)[0]
        share = times / len(counts) - (0.0 if abs(counts[0] - width) <= 1 and counts[0] > 1 else 0.5)
        if share > best_share + 1e-9:
            best, best_share = separator, share
    return best


def _parse(text: str, separator: str, path: Path | None) -> list[tuple[int, list[str]]]:
    """Return line number and fields of each line that is not blank."""
    if separator == " ":
        return [(i, line.split()) for i, line in enumerate(text.split("\n"), 1) if line.strip()]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    found: list[tuple[int, list[str]]] = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found.append((reader.line_num, cells))
    except csv.Error as error:
        if path is not None:
            raise InputError(f"{path}, line {reader.line_num}: {error}; is a quote missing?") from error
    return found


def _even(parsed: list[tuple[int, list[str]]], width: int) -> tuple[list[list[str]], list[tuple[int, int]]]:
    """Return the lines of ``width`` fields, and number and length of the others; blank fields at the end may go."""
    even: list[list[str]] = []
    ragged: list[tuple[int, int]] = []
    for number, cells in parsed:
        if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
            cells = cells[:width]
        if len(cells) == width:
            even.append([cell.strip() for cell in cells])
        else:
            ragged.append((number, len(cells)))
    return even, ragged


def is_number(cell: str) -> bool:
    """Return whether a field reads as a number, with a decimal point or comma."""
    return _NUMBER.fullmatch(cell.strip()) is not None


def _counts(first: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Return whether the first line numbers its columns, above fractions, other names being of no line below."""
    numbers = [c for c, name in enumerate(first) if is_number(name)]
    names = [first[c] for c in numbers]
    if len(names) < 3 or not any(names == [str(k + start) for k in range(len(names))] for start in (0, 1)):
        return False
    if any(name and name in {cells[c] for cells in body} for c, name in enumerate(first) if c not in numbers):
        return False
    return any("." in cells[c] and is_number(cells[c]) for cells in body for c in numbers)


def has_header(first: Sequence[str], body: Sequence[Sequence[str]], expected: Sequence[str] = ()) -> bool:
    """Return whether the first line names the columns.

    It does when it holds an expected name, or counts 0, 1, 2, … (as pandas names columns) above fractions; it does not
    when some columns are numbers below and all of these are numbers in the first line as well. Without any column of
    numbers it does when its fields differ.
    """
    if any(name in first for name in expected):
        return True
    sample = [cells for cells in body[:200] if len(cells) == len(first)]
    if not sample:
        return not any(is_number(cell) for cell in first)
    numeric = []
    for column in range(len(first)):
        filled = [cells[column] for cells in sample if cells[column].strip()]
        numeric.append(bool(filled) and sum(map(is_number, filled)) >= 0.9 * len(filled))
    if any(numeric):
        if _counts(first, sample):
            return True
        return not all(is_number(first[c]) for c in range(len(first)) if numeric[c])
    return len(set(first)) == len(first) and not any(
        first[c] in {cells[c] for cells in sample} for c in range(len(first))
    )
