"""Faults that no other file has: a full disk, a clock that jumps, data that change, pages that rot; and their table."""

from __future__ import annotations

import ast
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import neuroloom
from neuroloom.core.errors import InputError
from neuroloom.runner import load_results
from neuroloom.runner.engines import open_engine
from neuroloom.runner.progress import Progress
from neuroloom.runner.schema import to_json
from neuroloom.runner.store import RESCUED, open_store
from tests.runner.bad_methods import NAME, trial
from tests.runner.jumping_clock import NAME as JUMPING
from tests.runner.jumping_clock import jumping
from tests.runner.test_engines import lasting, rows_of
from tests.runner.test_store import row

ROOT = Path(__file__).resolve().parents[2]


def test_every_test_in_the_table_of_faults_exists() -> None:
    text = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    rows = [line for line in text.splitlines() if line.startswith("| ") and "`" in line]
    assert len(rows) > 15
    assert all("::" in line for line in rows), "a row names no test"
    for file, test in named:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, (
            f"{file}::{test}"
        )


# -- the disk -------------------------------------------------------------------------------------------------------

_FILL = """
import os, sys
from neuroloom.core.errors import InputError
from neuroloom.runner.store import open_store
from tests.runner.test_store import row

folder = sys.argv[1]
with open_store(folder + "/results.db") as store:
    store.add([row("before")])
    room = os.statvfs(folder)
    with open(folder + "/filler", "wb") as file:  # all but a few pages
        file.write(b"x" * (room.f_bavail * room.f_frsize - 3 * 4096))
    rows = [row(str(i), notes=["x" * 20_000]) for i in range(5)]
    try:
        store.add(rows)
    except InputError as error:
        print(error)
    print(store.finished(["0", "4", "before"]))
os.remove(folder + "/filler")
with open_store(folder + "/results.db") as store:
    print(sorted(store.finished([r.key for r in rows] + ["before"])))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a small disk of its own")
def test_a_disk_that_is_truly_full_loses_no_row(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["unshare", "--mount", "--map-root-user", "sh", "-c"]
    small = f"mount -t tmpfs -o size=600k none {disk} && exec"
    if (
        not shutil.which("unshare")
        or subprocess.run([*mount, f"{small} true"], capture_output=True).returncode
    ):
        pytest.skip("this system lets nobody mount a disk of his own")
    words = f'{small} "{sys.executable}" -c "$0" {disk}'
    done = subprocess.run([*mount, words, _FILL], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    said, kept, after = done.stdout.splitlines()
    assert re.search(
        r"the disk that holds .*results\.db is full; free some space.* The 5 trials .* are kept in", said
    )
    assert kept == "{'before': 'done'}"  # all of a commit or nothing
    assert after == "['0', '1', '2', '3', '4', 'before']"


@pytest.mark.parametrize("where", [1, 2, 5])
def test_a_store_with_a_spoilt_page_is_named(where: int, tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    with open_store(path) as store:
        store.add([row(f"{i}") for i in range(200)])
        store.plan([f"{i}" for i in range(200)], {})
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(path.read_bytes())
    page = 4096 * where if where < 5 else len(data) // 2 // 4096 * 4096
    data[page : page + 2 * 4200] = bytes(range(7, 247)) * 35
    path.write_bytes(bytes(data))
    with pytest.raises(
        InputError, match=r"results\.db is damaged or no SQLite file .*; move it away and run again"
    ):
        _read_all(path)


def _read_all(path: Path) -> None:
    with open_store(path) as store:
        store.finished([f"{i}" for i in range(200)])
        store.rows(store.read_plan()[0])


# -- the clock ------------------------------------------------------------------------------------------------------


def test_a_clock_that_jumps_changes_no_row_and_no_limit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trials = [trial("Good", seed=seed) for seed in range(3)] + [trial("Spin", seconds=1.0)]
    with open_engine("processes", workers=2, workbench=NAME) as steady:
        expected = rows_of(steady, trials)
    monkeypatch.setattr(time, "time", jumping)
    with open_engine("processes", workers=2, workbench=JUMPING) as engine:
        found = rows_of(engine, trials)
    with open_store(tmp_path / "results.db") as store:
        store.add(list(found.values()))
        stored = {one.key: one for one in store.rows([t.key for t in trials])}
    for key, one in expected.items():
        assert lasting(stored[key]) == lasting(one) | {"traceback": stored[key].traceback}
        assert 0 <= (stored[key].fit_seconds or 0) < 60
    assert found[trials[-1].key].reason.startswith("over the time limit of 1 s")
    starts = sorted(one.started for one in found.values())
    assert starts[-1] - starts[0] > 40_000  # the clock did jump


# -- the data -------------------------------------------------------------------------------------------------------


class Said(Progress):
    """Keeps what a user would see."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def _print(self, text: str) -> None:
        if " gone, " not in text:  # how far it is, said now and then
            self.lines.append(text)


def _table(path: Path, sign: int) -> None:
    lines = [f"{i % 7},{(i * 5) % 11},{'yes' if sign * (i % 7 - 3) > 0 else 'no'}" for i in range(60)]
    path.write_text("a,b,y\n" + "\n".join(lines) + "\n")


def _bench(path: Path, **changes: Any) -> dict[str, Any]:
    task = {"name": "mine", "path": str(path), "target": "y"}
    return {"name": "d", "seeds": 1, "folds": 2, "methods": ["knn"], "task": [task], **changes}


def test_data_that_changed_between_two_runs_are_learned_anew_and_it_is_said(tmp_path: Path) -> None:
    path, out = tmp_path / "mine.csv", tmp_path / "run"
    _table(path, 1)
    first = neuroloom.run(_bench(path), out, engine="inline").frame()
    same = Said()
    neuroloom.run(_bench(path), out, engine="inline", progress=same)
    assert same.lines == ["going on: 2 of 2 trials were finished before"]
    _table(path, -1)
    said = Said()
    again = neuroloom.run(_bench(path), out, engine="inline", progress=said)
    assert said.lines == ["the data of mine have changed since the run of before, so its trials run anew"]
    assert set(again.frame()["status"]) == {"done"}
    with open_store(out / "results.db", read=True) as store:
        keys = store.read_plan()[0]
        everything = sqlite3.connect(out / "results.db").execute("SELECT count(*) FROM trials").fetchone()[0]
    assert everything == 2 * len(keys)  # the earlier rows stay, under the keys of the earlier data
    assert said.lines[0] in load_results(out).meta["tasks"]["mine"]["notes"]
    assert len(first) == len(again.frame())


@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_data_that_change_while_a_run_goes_on_fail_its_trials(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from neuroloom.runner import bench

    path = tmp_path / "mine.csv"
    _table(path, 1)
    plan = bench.make_plan

    def then_change(*given: Any) -> Any:
        made = plan(*given)
        _table(path, -1)
        return made

    monkeypatch.setattr(bench, "make_plan", then_change)
    frame = neuroloom.run(_bench(path), tmp_path / "run", engine=engine, workers=1).frame()
    assert set(frame["status"]) == {"failed"}
    assert all(
        "the data of mine have changed since the run began; run it again" in r for r in frame["reason"]
    )


@pytest.mark.parametrize(
    "line", [b"\xff\xfe nothing of ours", b"[]", b"{}", b'{"key": 1, "predictions": null}', b'"x"', b"1e999"]
)
def test_rescued_lines_that_hold_no_row_are_passed_over(line: bytes, tmp_path: Path) -> None:
    kept = to_json(row("kept"))
    spoil = {"key": [1], "seed": "1", "status": "well", "fit_seconds": [1], "scores": {"accuracy": None}}
    spoilt = [to_json(replace(row("spoilt"), **{name: value})) for name, value in spoil.items()]
    (tmp_path / RESCUED).write_bytes(line + b"\n" + "\n".join([*spoilt, kept]).encode() + b"\n")
    with open_store(tmp_path / "results.db") as store:
        assert store.finished(["kept", "spoilt"]) == {"kept": "done"}
        assert store.rows(["kept"])[0].scores == row("kept").scores
    assert not (tmp_path / RESCUED).exists()
