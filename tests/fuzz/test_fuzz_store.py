"""Spoilt stores: what they held, or an error that names them; never other scores in silence where it can be told."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neuroloom
from neuroloom.runner import load_results
from neuroloom.runner.merge import merge
from neuroloom.runner.results import Results
from neuroloom.runner.schema import from_json, to_json, unpack, unpack_beliefs
from neuroloom.runner.store import open_store
from tests.fuzz.doors import SCALARS, fuzz, spoilt_bytes, spoilt_tree, told
from tests.runner.test_store import row

BENCH = {
    "name": "f", "seeds": 1, "folds": 2, "tasks": ["iris"], "methods": ["dummy", "knn"], "keep_predictions": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("store") / "run"
    neuroloom.run(BENCH, out, engine="inline")
    with sqlite3.connect(out / "results.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()
    return out


def _copy(good: Path) -> Path:
    spoilt = good.parent / "spoilt"
    shutil.rmtree(spoilt, ignore_errors=True)
    spoilt.mkdir()
    shutil.copy(good / "results.db", spoilt)
    return spoilt


def _read(folder: Path) -> Results:
    found = load_results(folder)
    found.frame()
    with open_store(folder / "results.db", read=True) as store:
        keys, _ = store.read_plan()
        for key in keys:
            store.predictions(key)
    return found


@fuzz(25)
@given(st.data())
def test_spoilt_bytes(good: Path, data: Any) -> None:
    folder = _copy(good)
    path = folder / "results.db"
    path.write_bytes(data.draw(spoilt_bytes(path.read_bytes())))
    told(lambda: _read(folder))


COLUMNS = [
    ("trials", name) for name in ("task", "kind", "problem", "method", "seed", "fold", "status", "metric", "settings",
                                  "notes", "curve", "fit_seconds", "parameters", "started")
] + [("scores", "value"), ("scores", "metric"), ("plans", "keys"), ("plans", "meta"), ("predictions", "arrays"),
     ("beliefs", "records"), ("neuroloom", "schema_version")]  # fmt: skip


@fuzz(40)
@given(st.sampled_from(COLUMNS), SCALARS | st.binary(max_size=8))
def test_values_that_cannot_be(good: Path, place: tuple[str, str], value: Any) -> None:
    folder = _copy(good)
    table, column = place
    if isinstance(value, int) and abs(value) >= 2**63:
        value = float(value)
    if isinstance(value, str):
        value = value.encode("utf-8", "replace").decode()
    connection = sqlite3.connect(folder / "results.db")
    try:
        connection.execute(f"UPDATE {table} SET {column} = ?", [value])
        connection.commit()
    except sqlite3.IntegrityError:
        return
    finally:
        connection.close()
    told(lambda: _read(folder))


@fuzz(15)
@given(st.data())
def test_a_spoilt_plan(good: Path, data: Any) -> None:
    folder = _copy(good)
    connection = sqlite3.connect(folder / "results.db")
    keys, meta = connection.execute("SELECT keys, meta FROM plans").fetchone()
    which = data.draw(st.sampled_from(["keys", "meta"]))
    tree = data.draw(spoilt_tree(json.loads(keys if which == "keys" else meta)))
    connection.execute(f"UPDATE plans SET {which} = ?", [json.dumps(tree)])
    connection.commit()
    connection.close()
    told(lambda: _read(folder))
    told(lambda: merge(folder / "whole", [folder]))


@fuzz(40)
@given(st.data())
def test_rescued_lines(data: Any) -> None:
    line = to_json(row("a", predictions={"y": np.arange(3)}))
    tree = data.draw(spoilt_tree(json.loads(line)))
    try:
        found = from_json(json.dumps(tree))
    except ValueError:
        return
    assert isinstance(found.key, str)
    assert isinstance(found.seed, int)


@fuzz(25)
@given(st.binary(max_size=80))
def test_packed_values_are_no_code(data: bytes) -> None:
    for read in (unpack, unpack_beliefs):
        with pytest.raises(Exception) as caught:
            read(data)
        assert not isinstance(caught.value, SystemExit)
