"""Spoilt data files: tables, edge lists, series, arrays. Data that hold together, or an error that says what to do."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuroloom.tasks import describe_schema, read_like, recognise
from tests.fuzz.doors import fuzz, spoilt_bytes, told

TABLE = (
    "\n".join(
        ["age,colour,when,b,y"]
        + [
            f"{20 + i % 9},{['red', 'green', 'blue'][i % 3]},2024-01-{1 + i % 28:02d},{i * 0.37:.3f},{'yn'[i % 2]}"
            for i in range(40)
        ]
    )
    + "\n"
).encode()
EDGES = "".join(f"{a} {b}\n" for a in range(12) for b in range(a + 1, 12) if (a * b) % 3 < 2).encode()
LABELS = "".join(f"{a} {'even' if a % 2 == 0 else 'odd'}\n" for a in range(12)).encode()
SERIES = (
    "@problemName waves\n@timeStamps false\n@missing false\n@univariate true\n@equalLength true\n@seriesLength 6\n"
    "@classLabel true up down\n@data\n"
    + "".join(
        ",".join(f"{(j if i % 2 else -j) + 0.1 * i:.2f}" for j in range(6))
        + f":{'up' if i % 2 else 'down'}\n"
        for i in range(12)
    )
).encode()
CHANNELS = (
    "@problemName waves\n@timeStamps false\n@univariate false\n@dimensions 2\n@equalLength true\n@seriesLength 4\n"
    "@targetlabel true\n@data\n" + "".join(f"{i},1,2,3:4,{i},?,6:{i * 0.5}\n" for i in range(12))
).encode()


def _arrays() -> bytes:
    file = io.BytesIO()
    np.savez(file, X=np.arange(48.0).reshape(12, 4), y=np.arange(12) % 2)
    return file.getvalue()


def _read(path: Path, **options: Any) -> tuple[Any, Any]:
    task = recognise(path, **options)
    data = task.load()
    return task, data


def _sound(found: tuple[Any, Any] | None, again: Path | None = None) -> None:
    """Data that are taken hold together: an answer for each sample, splits that divide them, and they read back."""
    if found is None:
        return
    task, data = found
    if task.problem == "forecast":
        return
    assert len(data.X) == len(data.y)
    assert len(data.y) > 1
    if task.problem == "regression":
        assert np.isfinite(np.asarray(data.y, dtype=float)).all()
    if task.kind in ("series", "image"):
        assert np.asarray(data.X).dtype.kind == "f"
    split = told(lambda: task.split(data, 0, 0, 3))
    if split is not None:
        assert not set(split.train.tolist()) & set(split.test.tolist())
        assert max(split.train.max(), split.test.max()) < len(data.y)
    if again is not None and task.kind == "table":
        X, names = read_like(again, describe_schema(task, data))
        assert len(X) == len(names) >= len(data.y)
        assert list(X.columns) == list(data.X.columns)


def test_the_files_that_are_spoilt_are_right(tmp_path: Path) -> None:
    made = {
        "t.csv": TABLE,
        "e.edges": EDGES,
        "l.txt": LABELS,
        "s.ts": SERIES,
        "c.ts": CHANNELS,
        "a.npz": _arrays(),
    }
    for name, data in made.items():
        (tmp_path / name).write_bytes(data)
    task, data = _read(tmp_path / "t.csv", target="y")
    assert (task.kind, len(data.y), data.X.shape[1]) == ("table", 40, 4)
    task, data = _read(tmp_path / "e.edges", labels=tmp_path / "l.txt")
    assert (task.kind, len(data.y)) == ("nodes", 12)
    task, data = _read(tmp_path / "s.ts")
    assert (task.kind, data.X.shape) == ("series", (12, 1, 6))
    task, data = _read(tmp_path / "c.ts")
    assert (task.problem, data.X.shape) == ("regression", (12, 2, 4))
    task, data = _read(tmp_path / "a.npz")
    assert len(data.y) == 12


@fuzz(50)
@given(
    spoilt_bytes(TABLE),
    st.sampled_from([{"target": "y"}, {"target": "b"}, {}, {"target": "age", "kind": "table"}]),
)
def test_spoilt_tables(tmp_path_factory: pytest.TempPathFactory, data: bytes, options: Any) -> None:
    path = _file(tmp_path_factory, "fuzzed.csv", data)
    _sound(told(lambda: _read(path, **options)), path)


@fuzz(50)
@given(spoilt_bytes(EDGES), spoilt_bytes(LABELS), st.booleans())
def test_spoilt_edge_lists(
    tmp_path_factory: pytest.TempPathFactory, edges: bytes, labels: bytes, labelled: bool
) -> None:
    path = _file(tmp_path_factory, "fuzzed.edges", edges)
    own = _file(tmp_path_factory, "fuzzed-labels.txt", labels)
    _sound(told(lambda: _read(path, **({"labels": own} if labelled else {}))))


@fuzz(50)
@given(spoilt_bytes(SERIES) | spoilt_bytes(CHANNELS))
def test_spoilt_series(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = _file(tmp_path_factory, "fuzzed.ts", data)
    _sound(told(lambda: _read(path)))


@fuzz(40)
@given(spoilt_bytes(_arrays()))
def test_spoilt_arrays(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = _file(tmp_path_factory, "fuzzed.npz", data)
    _sound(told(lambda: _read(path)))


@fuzz(40)
@given(
    st.binary(max_size=60),
    st.sampled_from(["csv", "tsv", "ts", "edges", "txt", "npz", "parquet", "xlsx", "json", "zip"]),
)
def test_any_bytes_at_all(tmp_path_factory: pytest.TempPathFactory, data: bytes, suffix: str) -> None:
    path = _file(tmp_path_factory, f"any.{suffix}", data)
    _sound(told(lambda: _read(path)))


CELLS = st.one_of(
    st.floats(-1e6, 1e6).map(lambda v: f"{v:.6g}"),
    st.integers(-999, 999).map(str),
    st.text("abcäß ,;\"'|\t<>&{}%$#@日", min_size=1, max_size=6),
)


@fuzz(40)
@given(
    st.integers(8, 20).flatmap(
        lambda n: st.lists(st.lists(CELLS, min_size=n, max_size=n), min_size=1, max_size=3)
    ),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_tables_come_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, columns: list[list[str]], divider: str, encoding: str
) -> None:
    n = len(columns[0])
    frame = pd.DataFrame({f"c{i}": column for i, column in enumerate(columns)})
    frame["y"] = np.where(np.arange(n) % 2 == 0, "yes", "no")
    path = _file(tmp_path_factory, "whole.csv", b"")
    frame.to_csv(path, sep=divider, encoding=encoding, index=False)
    found = told(lambda: _read(path, target="y"))
    if found is None:
        return
    _, data = found
    assert data.y.tolist() == frame["y"].tolist()
    for name in data.X.columns:
        read, written = data.X[name], frame[name]
        if read.dtype.kind in "iufb":
            numbers = pd.to_numeric(written.str.replace(",", "."), errors="coerce").to_numpy(dtype=float)
            given_ = np.asarray(read, dtype=float)
            both = np.isfinite(numbers) & np.isfinite(given_)
            assert np.allclose(numbers[both], given_[both])


def _file(factory: pytest.TempPathFactory, name: str, data: bytes) -> Path:
    path = factory.getbasetemp() / name
    path.write_bytes(data)
    return path
