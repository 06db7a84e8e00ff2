"""The tables of the store, and rows as they lie in them. The same on SQLite and PostgreSQL."""

from __future__ import annotations

import base64
import io
import json
import math
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Dialect,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects import postgresql, sqlite

from neuroloom.runner.row import BELIEFS, STATUSES, Row

VERSION = 2
"""Of the tables; a new one needs a step in :mod:`neuroloom.runner.migrations`."""
TABLES = MetaData()
about = Table("neuroloom", TABLES, Column("schema_version", Integer, primary_key=True))
trials = Table(
    "trials",
    TABLES,
    Column("key", String(64), primary_key=True),
    *(Column(name, Text, nullable=False) for name in ("task", "kind", "problem", "method", "expression")),
    Column("seed", BigInteger, nullable=False),
    Column("fold", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    *(Column(name, Text, nullable=False) for name in ("reason", "metric", "split", "settings", "notes")),
    *(Column(name, Float) for name in ("fit_seconds", "predict_seconds")),
    *(Column(name, Float) for name in ("fit_cpu_seconds", "predict_cpu_seconds", "peak_memory_mb")),
    *(Column(name, BigInteger) for name in ("parameters", "batched", "n_train", "n_test")),
    Column("started", Float),
    Column("curve", Text, nullable=False),
    Column("traceback", Text, nullable=False),
)
scores = Table(
    "scores",
    TABLES,
    Column("key", String(64), primary_key=True),
    Column("metric", String(64), primary_key=True),
    Column("value", Float),
)


def _beside_trials(name: str, column: str, kind: type[Any]) -> Table:
    """Return a table of one more thing that some trials have."""
    key = Column("key", String(64), primary_key=True)
    return Table(name, TABLES, key, Column(column, kind, nullable=False))


predictions = _beside_trials("predictions", "arrays", LargeBinary)
fronts = _beside_trials("fronts", "front", Text)
importances = _beside_trials("importances", "importance", Text)
beliefs = _beside_trials("beliefs", "records", LargeBinary)
plans = Table(
    "plans",
    TABLES,
    Column("run", String(200), primary_key=True),
    Column("keys", Text, nullable=False),
    Column("meta", Text, nullable=False),
)
work = Table(  # made when a driver first offers trials to workers
    "work",
    MetaData(),
    Column("key", String(64), primary_key=True),
    Column("run", String(200), nullable=False, index=True),
    Column("place", Integer, nullable=False, index=True),
    Column("trial", Text, nullable=False),
    Column("keep", Integer, nullable=False),
    Column("holder", Text),
    Column("until", Float),
    Column("attempts", Integer, nullable=False),
)
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True)
_JSON = {"settings", "notes", "curve"}
_NUMBER = int | float | None
_KINDS: dict[str, Any] = {
    **{
        c.name: {Text: str, String: str, Float: _NUMBER}.get(type(c.type), int | None) for c in trials.columns
    },
    **{"settings": dict, "notes": list, "curve": list, "scores": dict, "front": dict, "importance": dict},
}
_PLAIN = [c.name for c in trials.columns if c.name not in _JSON]


class Upsert:
    """The statement that inserts rows and replaces those of the same key, compiled once.

    Args:
        table: where the rows go.
        dialect: the database's.
    """

    def __init__(self, table: Table, dialect: Dialect) -> None:
        insert: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[dialect.name](table)
        keys = [column.name for column in table.primary_key]
        values = {c.name: insert.excluded[c.name] for c in table.columns if c.name not in keys}
        compiled: Any = insert.on_conflict_do_update(index_elements=keys, set_=values).compile(
            dialect=dialect
        )
        self._sql = str(compiled)
        self._places: list[str] | None = compiled.positiontup

    def execute(self, connection: Connection, records: Sequence[Mapping[str, Any]]) -> None:
        """Insert or replace; half the CPU time of compiling and binding anew each time."""
        given: list[Any] = list(records)
        if self._places is not None:  # the driver takes parameters by place, not by name
            given = [tuple(record[name] for name in self._places) for record in records]
        connection.exec_driver_sql(self._sql, given)


def to_record(row: Row) -> dict[str, Any]:
    """Return a row's line in ``trials``."""
    record = {name: _storable(getattr(row, name)) for name in _PLAIN}
    for name in _JSON:
        record[name] = _dumps(getattr(row, name))
    return record


def to_scores(row: Row) -> list[dict[str, Any]]:
    """Return a row's lines in ``scores``; NaN is stored as NULL."""
    return [
        {"key": row.key, "metric": metric, "value": _storable(float(value))}
        for metric, value in row.scores.items()
    ]


def to_row(record: Mapping[str, Any], values: Sequence[tuple[str, float | None]]) -> Row:
    """Return the row behind a line of ``trials`` and its lines of ``scores``."""
    fields = {name: record[name] for name in _PLAIN}
    fields |= {name: json.loads(record[name]) for name in _JSON}
    fields["started"] = math.nan if record["started"] is None else record["started"]
    found = {metric: math.nan if value is None else float(value) for metric, value in values}
    return _checked(Row(**fields, scores=found))


def _storable(value: Any) -> Any:
    if value is None or isinstance(value, int) or value == "":
        return value
    if isinstance(value, str):  # neither a lone surrogate nor NUL can be stored
        return value.encode("utf-8", "replace").decode().replace("\0", "�")
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, np.generic):
        return _storable(value.item())
    return value


def _dumps(value: Any) -> str:
    return _ENCODER.encode(value) if value else str(value)  # [] and {} are their own JSON


def pack(arrays: Mapping[str, Any]) -> bytes:
    """Return predictions as the bytes of a compressed NumPy file that holds no pickles."""
    made: dict[str, Any] = {}
    for name, value in arrays.items():
        if value is not None:
            array = np.asarray(value)
            made[name] = array.astype(str) if array.dtype == object else array
    file = io.BytesIO()
    np.savez_compressed(file, **made)
    return file.getvalue()


def unpack(data: bytes) -> dict[str, Any]:
    """Return what :func:`pack` was given."""
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def pack_beliefs(records: NDArray[Any]) -> bytes:
    """Return the beliefs of a row as compressed bytes."""
    return zlib.compress(records.astype(BELIEFS).tobytes())


def unpack_beliefs(data: bytes) -> NDArray[Any]:
    """Return what :func:`pack_beliefs` was given."""
    return np.frombuffer(zlib.decompress(data), dtype=BELIEFS)


def to_json(row: Row) -> str:
    """Return a row as one line of JSON, for the side file of rows that could not be stored."""
    fields = {**row.__dict__, "predictions": None, "beliefs": None}
    if row.beliefs is not None:
        fields["beliefs"] = base64.b64encode(pack_beliefs(row.beliefs)).decode()
    if row.predictions is not None:
        fields["predictions"] = base64.b64encode(pack(row.predictions)).decode()
    return json.dumps(fields, ensure_ascii=True, default=str)


def from_json(line: str) -> Row:
    """Return the row that :func:`to_json` wrote.

    Raises:
        ValueError: the line is torn or none of these.
    """
    fields = json.loads(line)
    try:
        if fields.get("beliefs") is not None:
            fields["beliefs"] = unpack_beliefs(base64.b64decode(fields["beliefs"]))
        if fields["predictions"] is not None:
            fields["predictions"] = unpack(base64.b64decode(fields["predictions"]))
        row = Row(**fields)
    except (AttributeError, TypeError, KeyError, OSError, zlib.error, zipfile.BadZipFile) as error:
        raise ValueError(f"the line holds no row: {error}") from error
    return _checked(row)


def _checked(row: Row) -> Row:
    """Return a row that was read, whose values are of the types that they were written with.

    Raises:
        ValueError: they are not.
    """
    wrong = [name for name, kind in _KINDS.items() if not isinstance(getattr(row, name), kind)]
    if not wrong and not all(isinstance(value, int | float) for value in row.scores.values()):
        wrong = ["scores"]
    if not wrong and not all(isinstance(point, dict) for point in row.curve):
        wrong = ["curve"]
    if wrong or row.status not in STATUSES:
        raise ValueError(f"a row's {', '.join(wrong) or 'status'} cannot be")
    return row
