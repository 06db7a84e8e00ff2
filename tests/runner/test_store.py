"""The store, on SQLite and, where a server can be started, on PostgreSQL: the same tests."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from neuroloom.core.errors import InputError
from neuroloom.runner import schema
from neuroloom.runner.row import BELIEFS, Row
from neuroloom.runner.store import RESCUED, Store, open_store


def row(key: str = "a", **changes: Any) -> Row:
    given: dict[str, Any] = {
        "key": key,
        "task": "wine",
        "kind": "table",
        "problem": "classification",
        "method": "neat[population=300]",
        "expression": "neat",
        "seed": 1,
        "fold": 2,
        "status": "done",
        "metric": "accuracy",
        "scores": {"accuracy": 0.1 + 0.2, "log_loss": math.inf},
        "fit_seconds": 1.25,
        "predict_seconds": 1e-300,
        "parameters": 2**40,
        "settings": {"population": 300, "rate": 0.1, "names": ["ä", None]},
        "n_train": 100,
        "split": "f" * 64,
        "notes": ["3 rows without a target were left out"],
        "curve": [{"step": 0, "loss": 1 / 3}, {"step": 1, "loss": 0.1}],
        "started": 1.7e9,
        "front": {"measure": "connections", "points": [[1.0, 1 / 3], [2.0, 0.5]]},
    }
    return Row(**{**given, **changes})


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    sqlite = request.param == "sqlite"
    return str(tmp_path / "results.db" if sqlite else request.getfixturevalue("database"))


def test_rows_come_back_digit_for_digit(where: str, tmp_path: Path) -> None:
    rows = [
        row("a"),
        row(
            "b", status="failed", reason="ValueError: ü\ud800\0", scores={}, traceback="Traceback …", curve=[]
        ),
        row("c", scores={"accuracy": math.nan}, fit_seconds=None, parameters=None, started=math.nan),
        row("d", seed=3, batched=17, peak_memory_mb=0.1),
    ]
    with open_store(where, folder=tmp_path) as store:
        store.add(rows[:2])
        store.add(rows[2:])
    with open_store(where, read=True) as store:
        found = store.rows(["d", "missing", "a", "b", "c"])
        assert store.finished(["a", "b", "zzz"]) == {"a": "done", "b": "failed"}
    assert [r.key for r in found] == ["d", "a", "b", "c"]
    assert found[0] == rows[3]
    assert found[1] == rows[0]
    assert found[2] == dataclasses.replace(rows[1], reason="ValueError: ü?�")
    assert math.isnan(found[3].scores["accuracy"])
    assert math.isnan(found[3].started)
    assert found[3].fit_seconds is None


def test_a_later_row_replaces_an_earlier_one(where: str, tmp_path: Path) -> None:
    with open_store(where, folder=tmp_path) as store:
        store.add([row("a", status="timeout", reason="over the time limit of 1 s", scores={})])
        store.add([row("a"), row("b")])
        store.add([])
        assert store.finished(["a", "b"]) == {"a": "done", "b": "done"}
        assert store.rows(["a"]) == [row("a")]


def test_many_keys(where: str, tmp_path: Path) -> None:
    keys = [f"{i:064d}" for i in range(1234)]
    with open_store(where, folder=tmp_path) as store:
        store.add([row(key) for key in keys])
        assert store.finished(keys) == dict.fromkeys(keys, "done")
        assert [r.key for r in store.rows(keys[::-1])] == keys[::-1]


def test_plans_by_run(where: str, tmp_path: Path) -> None:
    with open_store(where, run="first", folder=tmp_path) as store:
        with pytest.raises(InputError, match="holds no run called 'first'"):
            store.read_plan()
        store.plan(["b", "a"], {"name": "first", "config": "x = 1\n"})
        store.plan(["c", "a"], {"name": "first, again"})
        assert store.read_plan() == (["c", "a"], {"name": "first, again"})
    with open_store(where, run="second", folder=tmp_path) as store:
        store.plan(["z"], {})
    with open_store(where, run="first", read=True) as store:
        assert store.read_plan() == (["c", "a"], {"name": "first, again"})


def test_predictions_are_kept_without_pickles(where: str, tmp_path: Path) -> None:
    arrays = {
        "test": np.array([3, 1]),
        "y": np.array(["yes", "no"], dtype=object),
        "probability": np.array([[0.25, 0.75], [1.0, 0.0]]),
        "missing": None,
    }
    with open_store(where, folder=tmp_path) as store:
        store.add([row("a", predictions=arrays), row("b")])
        found = store.predictions("a")
        assert store.predictions("b") is None
    assert found is not None
    assert set(found) == {"test", "y", "probability"}
    assert found["y"].tolist() == ["yes", "no"]
    assert (found["probability"] == arrays["probability"]).all()


def test_two_drivers_cannot_hold_one_run(where: str, tmp_path: Path) -> None:
    with open_store(where, run="bench", folder=tmp_path) as store:
        with pytest.raises(
            InputError, match=rf"in use by another neuroloom \(.*{os.getpid()}\); wait until it ends"
        ):
            open_store(where, run="bench", folder=tmp_path)
        with open_store(where, run="bench", read=True) as reader:  # a report may be made meanwhile
            store.add([row("a")])
            assert reader.finished(["a"]) == {"a": "done"}
    open_store(where, run="bench", folder=tmp_path).close()


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    code = (
        "import sys, os, signal; from neuroloom.runner.store import open_store; s = open_store(sys.argv[1]);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    where = tmp_path / "results.db"
    assert subprocess.run([sys.executable, "-c", code, str(where)]).returncode == -signal.SIGKILL
    open_store(where).close()


@pytest.mark.parametrize("table", [schema.about.name, "trials"])
def test_a_driver_killed_while_it_makes_the_store_leaves_none_half_made(
    where: str, tmp_path: Path, table: str
) -> None:
    code = (
        "import sys, os, signal, sqlalchemy as sa; from neuroloom.runner import schema;"
        "from neuroloom.runner.store import open_store;"
        "kill = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL);"
        "sa.event.listen(schema.TABLES.tables[sys.argv[1]], 'after_create', kill); open_store(sys.argv[2])"
    )
    assert subprocess.run([sys.executable, "-c", code, table, where]).returncode == -signal.SIGKILL
    with open_store(where, folder=tmp_path) as store:
        store.add([row("a")])
        assert store.finished(["a"]) == {"a": "done"}


def test_a_commit_is_durable(tmp_path: Path) -> None:
    with open_store(tmp_path / "results.db") as store:
        pragmas = {
            name: store._open_connection().exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2}


# -- what is no store, or cannot be written ------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"this is no database" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "results.db"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"results\.db is damaged or no SQLite file .* move it away"):
        open_store(path)
    assert path.read_bytes() == content


def test_a_foreign_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    connection.close()
    with pytest.raises(InputError, match=r"is no neuroloom store \(it holds songs\); move it away"):
        open_store(path)


def test_a_store_from_before_there_were_fronts_is_read_and_then_has_them(where: str, tmp_path: Path) -> None:
    with open_store(where, folder=tmp_path) as store:
        store.add([row("a")])
        with store._open_connection().begin() as transaction:
            transaction.connection.execute(sa.text("DROP TABLE fronts"))
            transaction.connection.execute(sa.text("UPDATE neuroloom SET schema_version = 1"))
    with open_store(where, folder=tmp_path, read=True) as store:
        assert [one.front for one in store.rows(["a"])] == [{}]
    with open_store(where, folder=tmp_path, migrate=True) as store:
        store.add([row("b")])
        assert [one.front for one in store.rows(["a", "b"])] == [{}, row("b").front]


def test_a_store_from_before_there_were_beliefs_is_read_and_then_has_them(where: str, tmp_path: Path) -> None:
    held = np.array([(3, 0.75, True, 0.25, 0.125)], dtype=BELIEFS)
    with open_store(where, folder=tmp_path) as store:
        store.add([dataclasses.replace(row("a"), beliefs=held)])
        assert [one.beliefs.tolist() for one in store.rows(["a"]) if one.beliefs is not None] == [
            held.tolist()
        ]
        with store._open_connection().begin() as transaction:
            transaction.connection.execute(sa.text("DROP TABLE beliefs"))
            transaction.connection.execute(sa.text("UPDATE neuroloom SET schema_version = 1"))
    with open_store(where, folder=tmp_path, read=True) as store:
        assert [one.beliefs for one in store.rows(["a"])] == [None]
    with open_store(where, folder=tmp_path, migrate=True) as store:
        store.add([dataclasses.replace(row("b"), beliefs=held)])
        found = store.rows(["a", "b"])
    assert found[0].beliefs is None
    assert found[1].beliefs is not None
    assert found[1].beliefs.tolist() == held.tolist()
    assert schema.from_json(schema.to_json(found[1])).beliefs.tolist() == held.tolist()  # type: ignore[union-attr]


def test_a_newer_schema_is_refused(where: str, tmp_path: Path) -> None:
    store = open_store(where, folder=tmp_path)
    with store._open_connection().begin() as transaction:
        transaction.connection.execute(sa.text("UPDATE neuroloom SET schema_version = 99"))
    store.close()
    with pytest.raises(InputError, match=r"written by a newer neuroloom .*version 99.*; upgrade neuroloom"):
        open_store(where, folder=tmp_path)


def test_a_missing_store_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.db does not exist; `neuroloom run`"):
        open_store(tmp_path / "nothing.db", read=True)
    assert not (tmp_path / "nothing.db").exists()


def test_urls_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be a file, sqlite:/// or postgresql://, but got mysql://"):
        open_store("mysql://host/name")
    with pytest.raises(InputError, match="is no database URL"):
        open_store("://")
    pytest.importorskip("psycopg")
    with pytest.raises(InputError, match=r"postgresql\+psycopg://me:\*\*\*@127.0.0.1:1/x cannot be used"):
        open_store("postgresql://me:secret@127.0.0.1:1/x", folder=tmp_path)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot be written to .*choose another folder with --out"):
        open_store(tmp_path / "file" / "results.db")


def test_a_database_that_only_reads(tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    store = open_store(path)
    store._open_connection().exec_driver_sql("PRAGMA query_only = ON")
    store._open_connection().commit()
    with pytest.raises(InputError, match=r"cannot be written to .*mend its permissions.* kept in .*rescued"):
        store.add([row("a")])
    store.close()


def _fill(store: Store) -> None:
    connection = store._open_connection()
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    connection.commit()


def test_a_full_disk_loses_no_row(tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    rows = [
        row(f"{i}", notes=["x" * 5000], predictions={"y": np.arange(3)}, reason="é", scores={"r2": math.nan})
        for i in range(5)
    ]
    with open_store(path) as store:
        store.add([row("before")])
        _fill(store)
        with pytest.raises(
            InputError, match=r"disk that holds .* is full; free some space.* The 5 trials .* kept in"
        ):
            store.add(rows)
        assert store.finished(["0", "before"]) == {"before": "done"}  # all of them or none
    assert len((tmp_path / RESCUED).read_text().splitlines()) == 5
    with open_store(path) as store:  # with space again
        found = store.rows([r.key for r in rows])
        assert store.predictions("3") is not None
        assert store.predictions("3")["y"].tolist() == [0, 1, 2]  # type: ignore[index]
    assert [(r.key, r.notes, r.reason) for r in found] == [(r.key, r.notes, r.reason) for r in rows]
    assert math.isnan(found[0].scores["r2"])
    assert not (tmp_path / RESCUED).exists()


def test_a_torn_line_of_rescued_rows_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    with open_store(path) as store:
        _fill(store)
        for i in range(2):
            with pytest.raises(InputError, match="is full"):
                store.add([row(f"{i}", notes=["x" * 5000])])
    text = (tmp_path / RESCUED).read_text()
    (tmp_path / RESCUED).write_text(text[:-3000])
    with open_store(path) as store:
        assert store.finished(["0", "1"]) == {"0": "done"}


def test_a_passing_lock_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "results.db"
    with open_store(path) as store:
        store._open_connection().exec_driver_sql("PRAGMA busy_timeout = 10")
        store._open_connection().commit()
        other = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        release = threading.Timer(0.1, lambda: other.execute("ROLLBACK"))
        release.start()
        store.add([row("a")])
        release.join()
        other.close()
        assert store.finished(["a"]) == {"a": "done"}
    assert not (tmp_path / RESCUED).exists()


def test_ctrl_c_during_a_commit_takes_effect_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Store._write

    def interrupted(self: Store, rows: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
        write(self, rows)

    with open_store(tmp_path / "results.db") as store:
        monkeypatch.setattr(Store, "_write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.add([row("a")])
        monkeypatch.undo()
        assert store.finished(["a"]) == {"a": "done"}
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_sqlalchemy_is_imported_only_with_the_store() -> None:
    code = "import sys, neuroloom.runner.engines, neuroloom.runner.worker; print(json.dumps([m for m in sys.modules]))"
    text = subprocess.run(
        [sys.executable, "-c", f"import json; {code}"], capture_output=True, check=True
    ).stdout
    loaded = set(json.loads(text))
    assert loaded.isdisjoint({"sqlalchemy", "torch", "sklearn", "scipy", "pandas", "multiprocessing.pool"})
