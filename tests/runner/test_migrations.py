"""Stores of earlier code, in ``stores/`` as text: read as they are, brought to today's schema, or refused clearly."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from neuroloom.cli import app
from neuroloom.core.errors import InputError
from neuroloom.runner import schema
from neuroloom.runner.migrations import scripts
from neuroloom.runner.row import Row
from neuroloom.runner.store import Store, open_store
from tests.runner.test_store import row

STORES = Path(__file__).parent / "stores"
OLD = ["first", "fronts", "beliefs", "importances"]  # each by the last table that the code of its time made
KEYS = ["k0", "k1", "k2"]


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "results.db") if request.param == "sqlite" else request.getfixturevalue("database")


def make(name: str, where: str) -> None:
    """Make the store of that time."""
    text = (STORES / f"{name}.sql").read_text(encoding="utf-8")
    if "://" not in where:
        connection = sqlite3.connect(where)
        connection.executescript(text)
        connection.close()
        return
    text = re.sub(r"X'([0-9A-F]*)'", r"'\\x\1'", text).replace("BLOB", "BYTEA")
    engine = sa.create_engine(where)
    with engine.begin() as begun:
        for statement in text.removeprefix("BEGIN TRANSACTION;").removesuffix("COMMIT;\n").split(";\n"):
            if statement.strip():
                begun.exec_driver_sql(statement.replace("%", "%%"))
    engine.dispose()


def _tables(store: Store) -> set[str]:
    with store.transaction() as connection:
        return set(sa.inspect(connection).get_table_names())


def _sound(rows: list[Row], name: str) -> None:
    assert [one.key for one in rows] == KEYS
    assert rows[0].scores == {"accuracy": 0.1, "log_loss": 1 / 3}
    assert rows[0].settings == {"population": 300, "names": ["ä", None]}
    assert rows[2].status == "failed"
    assert rows[2].reason == "ValueError: two lines"
    assert rows[1].parameters == 2**20 + 1
    assert rows[0].curve == [{"step": 0, "loss": 1 / 3}, {"step": 1, "loss": 0.1}]
    assert bool(rows[0].front) == (name != "first")
    assert (rows[0].beliefs is not None) == (name in OLD[2:])
    assert bool(rows[0].importance) == (name in OLD[3:])


@pytest.mark.parametrize("name", OLD)
def test_an_old_store_is_brought_up_to_date_and_loses_nothing(name: str, where: str, tmp_path: Path) -> None:
    make(name, where)
    with open_store(where, folder=tmp_path, read=True) as store:
        assert store.version == 1
        _sound(store.rows(KEYS), name)
    if "://" in where:
        with pytest.raises(
            InputError, match=r"its schema is version 1.*when nobody uses it, with: neuroloom migrate"
        ):
            open_store(where, folder=tmp_path)
    with open_store(where, folder=tmp_path, migrate="://" in where) as store:
        _sound(store.rows(KEYS), name)
        big = row("new", parameters=2**40, importance={"names": ["a"], "drops": [0.5]})
        store.add([big])
        assert store.rows(["new"])[0].parameters == 2**40
        assert store.rows(["new"])[0].importance == big.importance
        assert store.predictions("k0")["y"].tolist() == ["a", "b", "a"]  # type: ignore[index]
        assert store.read_plan() == (KEYS, {"name": "old"})
    with open_store(where, folder=tmp_path) as store:  # once is enough
        assert store.version == schema.VERSION
        assert _tables(store) == set(schema.TABLES.tables)


def test_an_old_store_ends_with_the_schema_of_a_new_one(tmp_path: Path) -> None:
    make("first", str(tmp_path / "old.db"))
    found = []
    for file in ("old.db", "new.db"):
        with open_store(tmp_path / file) as store:
            inspector = sa.inspect(store._open_connection())
            found.append(
                {
                    table: (
                        [str(c["name"]) for c in inspector.get_columns(table)],
                        inspector.get_pk_constraint(table),
                    )
                    for table in sorted(inspector.get_table_names())
                }
            )
    assert found[0] == found[1]


def test_there_is_one_line_of_steps_up_to_todays_version() -> None:
    steps = list(scripts().walk_revisions())
    assert [step.revision for step in reversed(steps)] == [f"{n:04d}" for n in range(1, schema.VERSION + 1)]


@pytest.mark.parametrize("table", ["fronts", "beliefs"])
def test_a_process_killed_while_it_migrates_leaves_the_store_as_it_was(
    where: str, tmp_path: Path, table: str
) -> None:
    make("first", where)
    code = (
        "import sys, os, signal; from alembic.operations import Operations; make = Operations.create_table\n"
        "def create(self, name, *given, **more):\n"
        "    made = make(self, name, *given, **more)\n"
        "    if name == sys.argv[1]: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return made\n"
        "Operations.create_table = create\n"
        "from alembic import op; op.create_table\n"
        "from neuroloom.runner.migrations.versions import v0002_beside_trials\n"
        "from neuroloom.runner.store import open_store; open_store(sys.argv[2], migrate=True)"
    )
    killed = subprocess.run([sys.executable, "-c", code, table, where], cwd=tmp_path, env={**os.environ})
    assert killed.returncode == -signal.SIGKILL
    with open_store(where, folder=tmp_path, read=True) as store:
        assert store.version == 1
        assert _tables(store) & {"fronts", "beliefs"} == set()
        _sound(store.rows(KEYS), "first")
    with open_store(where, folder=tmp_path, migrate=True) as store:
        _sound(store.rows(KEYS), "first")


def test_the_command_migrates_and_says_so(where: str, tmp_path: Path) -> None:
    make("first", where)
    for said in ("is at version 2 of the schema, and was at 1", "is at version 2 of the schema already"):
        done = CliRunner().invoke(app, ["migrate", where])
        assert done.exit_code == 0, done.output
        assert said in " ".join(done.output.split())
    done = CliRunner().invoke(app, ["migrate", str(tmp_path / "nothing")])
    assert done.exit_code == 2


def test_alembic_is_imported_only_with_an_old_store(tmp_path: Path) -> None:
    code = (
        "import sys; from neuroloom.runner.store import open_store; open_store(sys.argv[1]);"
        "print('alembic' in sys.modules)"
    )
    make("first", str(tmp_path / "old.db"))
    for file, wanted in (("new.db", "False"), ("old.db", "True")):
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / file)], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == wanted
