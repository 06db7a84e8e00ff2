"""Trials leased to workers on any host: each in one row, whoever dies; and runs in parts that are merged."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

import neuroloom
from neuroloom.cli import app
from neuroloom.core.errors import InputError
from neuroloom.runner.bench import part_of
from neuroloom.runner.config import load_config
from neuroloom.runner.engines import Finished, open_engine
from neuroloom.runner.leases import ATTEMPTS, Leases, from_json, to_json
from neuroloom.runner.merge import merge
from neuroloom.runner.outcome import row_of
from neuroloom.runner.plan import make_plan
from neuroloom.runner.remote import work
from neuroloom.runner.store import open_store
from tests.runner.bad_methods import NAME
from tests.runner.driver import trials

EXAMPLE = Path(__file__).parents[2] / "examples" / "array_job.sh"
BENCH: dict[str, Any] = {
    "name": "parts", "seeds": 2, "folds": 2, "tasks": ["iris", "xor"], "methods": ["knn", "dummy"],
    "method": {"knn": {"n_neighbors": [1, 5]}},
}  # fmt: skip


def test_a_trial_comes_back_from_json_with_the_same_key() -> None:
    planned = make_plan(*load_config({**BENCH, "tasks": ["iris", "diabetes"], "tune": {"trials": 3}})).trials
    odd = dataclasses.replace(
        planned[0], params={"hidden": [[8, 8]], "a": "ü\ud800"}, confidence=0.9, batch=True
    )
    for one in [*planned, odd]:
        again = from_json(to_json(one))
        assert again == one
        assert again.key == one.key


def test_each_trial_is_claimed_exactly_once_by_many_at_a_time(database: str) -> None:
    planned = trials(600, 0.0, "Good")
    with open_store(database, run="many") as store:
        Leases(store).offer("many", planned, False)
        Leases(store).offer("many", planned[:10], False)  # what is there already stays

    def claim(number: int) -> list[str]:
        with open_store(database, shared=True) as own:
            leases = Leases(own, f"worker {number}")
            found: list[str] = []
            while claims := leases.claim(7):
                found += [c.trial.key for c in claims]
            return found

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(claim, range(8)))
    counted = Counter(key for part in found for key in part)
    assert set(counted) == {t.key for t in planned}
    assert set(counted.values()) == {1}
    assert sum(bool(part) for part in found) > 1


def test_a_lease_that_runs_out_passes_on_and_its_late_row_is_dropped(database: str) -> None:
    planned = trials(3, 0.0, "Good")
    with open_store(database, run="r") as store, open_store(database, shared=True) as other:
        slow, quick = Leases(store, "slow", 0.4), Leases(other, "quick")
        slow.offer("r", planned, True)
        held = slow.claim(2)
        assert [c.trial for c in held] == planned[:2]  # in the order offered
        assert held[0].keep_predictions
        assert [c.trial for c in quick.claim(5)] == planned[2:]
        time.sleep(0.2)
        slow.extend()
        time.sleep(0.3)
        assert quick.claim(5) == []  # it was extended
        time.sleep(0.3)
        assert [c.trial for c in quick.claim(5)] == planned[:2]
        late = row_of(planned[0], "failed", "by the slow one")
        assert slow.complete([late]) == []
        done = row_of(planned[0], "done")
        assert quick.complete([done]) == [done]
        assert slow.complete([late]) == []
        assert store.finished([planned[0].key]) == {planned[0].key: "done"}
        assert slow.open_keys() == {t.key for t in planned[1:]}
        quick.release()
        assert [c.trial for c in slow.claim(9)] == planned[1:]


def test_a_trial_whose_workers_are_lost_again_and_again_is_given_up(database: str) -> None:
    (one,) = trials(1, 0.0, "Good")
    with open_store(database, run="r") as store:
        leases = Leases(store, "w", 0.01)
        leases.offer("r", [one], False)
        for _ in range(5):  # what is given back does not count
            assert len(leases.claim(1)) == 1
            leases.release()
        for _ in range(ATTEMPTS):
            assert len(leases.claim(1)) == 1
            time.sleep(0.03)
        assert leases.claim(1) == []
        (row,) = store.rows([one.key])
        assert (row.status, row.reason) == ("killed", "its worker was lost 3 times")
        assert leases.left() == 0


def test_what_another_run_has_offered_already_ends_in_both(database: str) -> None:
    planned = trials(4, 0.0, "Good")
    with open_store(database, run="first") as store:
        Leases(store).offer("first", planned[:3], False)  # by a driver that is gone, say
    found: list[Any] = []

    def drive() -> None:
        with open_store(database, run="second") as store, open_engine("workers", store=store) as engine:
            found.extend(row for e in engine.run(planned) if isinstance(e, Finished) for row in e.rows)

    driver = threading.Thread(target=drive, daemon=True)
    driver.start()
    with open_store(database, shared=True) as store:
        worker, deadline = Leases(store, "w"), time.monotonic() + 30
        while worker.left() < 4 and time.monotonic() < deadline:
            time.sleep(0.02)
        (held,) = worker.claim(1)
        with open_store(database, run="first") as first:
            Leases(first).withdraw("first")  # two of the three, which the second still waits for
        worker.complete([row_of(held.trial, "done")])
        while driver.is_alive() and time.monotonic() < deadline:
            worker.complete([row_of(one.trial, "done") for one in worker.claim(9)])
            time.sleep(0.05)
    driver.join(1)
    assert sorted(row.key for row in found) == sorted(t.key for t in planned)


def test_answers_are_kept_if_any_run_that_waits_for_a_trial_asks_so(database: str) -> None:
    planned = trials(3, 0.0, "Good")
    with open_store(database, shared=True) as store:
        leases = Leases(store, "w")
        leases.offer("first", planned[:2], False)
        leases.offer("second", planned[1:], True)
        leases.offer("third", planned, False)
        kept = {claim.trial.key: claim.keep_predictions for claim in leases.claim(9)}
    assert kept == {t.key: wanted for t, wanted in zip(planned, (False, True, True), strict=True)}


WORKER = """
from neuroloom.runner.remote import work
work({url!r}, workers=2, stay=True, lease_seconds=1.5, workbench={bench!r})
"""


def test_workers_that_die_lose_nothing_and_repeat_only_what_they_held(database: str) -> None:
    planned = trials(24, 0.15, "Sleeps")
    code = WORKER.format(url=database, bench=NAME)
    quiet = {"stdout": subprocess.DEVNULL, "start_new_session": True}
    with open_store(database, run="r") as store, open_engine("workers", store=store) as engine:
        workers = [subprocess.Popen([sys.executable, "-c", code], **quiet) for _ in range(2)]
        rows = []
        try:
            for event in engine.run(planned):
                assert isinstance(event, Finished)
                rows += event.rows
                if workers[0].poll() is None and len(rows) >= 2:
                    os.killpg(workers[0].pid, signal.SIGKILL)
        finally:
            for one in workers:
                one.send_signal(signal.SIGTERM)
                one.wait(30)
        assert sorted(row.key for row in rows) == sorted(t.key for t in planned)
        assert {row.status for row in rows} == {"done"}
        with open_engine("inline", workbench=NAME) as plain:
            alone = [row for e in plain.run(planned[:6]) if isinstance(e, Finished) for row in e.rows]
        there = {row.key: row.scores for row in rows}
        assert [there[row.key] for row in alone] == [row.scores for row in alone]
        assert Leases(store).left() == 0


def test_a_bench_by_workers_is_the_bench_by_one_process(database: str, tmp_path: Path) -> None:
    config = {**BENCH, "methods": ["dummy"], "method": {}, "keep_predictions": True}
    alone = neuroloom.run(config, tmp_path / "alone", engine="inline")
    found: list[Any] = []
    driver = threading.Thread(
        target=lambda: found.append(
            neuroloom.run(config, tmp_path / "driver", engine="workers", store=database)
        )
    )
    driver.start()
    said: list[str] = []
    deadline = time.monotonic() + 60
    while driver.is_alive() and time.monotonic() < deadline:
        work(database, workers=1, say=said.append)
        driver.join(0.2)
    assert not driver.is_alive()
    columns = ["task", "method", "seed", "fold", "metric", "value", "status"]
    here, there = (
        r.frame()[columns].sort_values(columns[:5]).reset_index(drop=True) for r in (alone, found[0])
    )
    assert here.equals(there)
    assert (tmp_path / "driver" / "report.html").is_file()
    with open_store(database, run="parts", read=True) as store:
        keys, _ = store.read_plan()
        assert store.with_predictions(keys) == set(keys)
    assert "nothing is left to run" in said[-1]


def test_a_host_with_other_data_or_another_version_gives_its_trials_back(database: str) -> None:
    (planned, *_) = make_plan(*load_config(BENCH)).trials
    other = {"data": "0" * 64}, {"versions": {"knn": 99}}
    for changes, why in zip(
        other, ("the data of iris differ from the driver's", "another version of iris or knn"), strict=True
    ):
        changed = dataclasses.replace(planned, **changes)
        with open_store(database, run="r") as store:
            Leases(store).offer("r", [changed], False)
            with pytest.raises(InputError, match=why):
                work(database, workers=1, say=lambda _: None)
            assert [c.trial for c in Leases(store, "next").claim(1)] == [changed]
            Leases(store, "next").complete([row_of(changed, "done")])


def test_a_password_is_not_kept_with_the_run(monkeypatch: Any) -> None:
    from neuroloom.runner.bench import _command

    monkeypatch.setattr(
        sys, "argv", ["neuroloom", "run", "b.toml", "--store", "postgresql://me:s3cret@host:5432/db"]
    )
    assert _command() == "neuroloom run b.toml --store 'postgresql://me:***@host:5432/db'"
    monkeypatch.setattr(
        sys, "argv", ["neuroloom", "run", "b.toml", "--store", "postgresql://me@host:5432/db"]
    )
    assert _command().endswith("postgresql://me@host:5432/db")
    monkeypatch.setattr(
        sys, "argv", ["neuroloom", "watch", "postgresql://host/db?user=me&password=s3cret&x=1"]
    )
    assert _command() == "neuroloom watch 'postgresql://host/db?user=me&password=***&x=1'"


def test_workers_need_a_server(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="workers lease trials from a PostgreSQL store"):
        neuroloom.run(BENCH, tmp_path / "run", engine="workers")
    done = CliRunner().invoke(app, ["worker", "--store", str(tmp_path / "x.db")])
    assert done.exit_code == 2
    assert "neuroloom run --part 1/4" in done.output
    assert not (tmp_path / "x.db").exists()


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "lustre"])
def test_a_file_on_a_network_file_system_is_refused(kind: str, tmp_path: Path, monkeypatch: Any) -> None:
    mounts = [
        SimpleNamespace(mountpoint="/", fstype="ext4"),
        SimpleNamespace(mountpoint=str(tmp_path), fstype=kind),
    ]
    monkeypatch.setattr("psutil.disk_partitions", lambda all: mounts)
    with pytest.raises(
        InputError, match=r"lie on a network file system .* use a server: --store postgresql://"
    ):
        open_store(tmp_path / "deep" / "results.db")
    assert not (tmp_path / "deep" / "results.db").exists()
    mounts[1].fstype = "ext4"
    open_store(tmp_path / "deep" / "results.db").close()


def test_parts_share_the_trials_out_evenly() -> None:
    planned = make_plan(*load_config(BENCH)).trials
    parts = [part_of(planned, f"{i}/5") for i in range(1, 6)]
    assert sorted(t.key for part in parts for t in part) == sorted(t.key for t in planned)
    assert {len(part) for part in parts} <= {len(planned) // 5, len(planned) // 5 + 1}
    for part in parts:
        assert part == [t for t in planned if t in part]
    for wrong in ("0/5", "6/5", "1/0", "x", "1", "-1/3"):
        with pytest.raises(InputError, match="--part takes a part of so many, as 2/8"):
            part_of(planned, wrong)


def test_a_wrong_part_leaves_no_run_behind(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--part takes a part of so many"):
        neuroloom.run(BENCH, tmp_path / "run", engine="inline", part="3/2")
    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, neuroloom.Results]:
    home = tmp_path_factory.mktemp("parts")
    config = {**BENCH, "keep_predictions": True}
    for i in (1, 2, 3):
        neuroloom.run(config, home / f"part-{i}", engine="inline", part=f"{i}/3")
    return home, neuroloom.run(config, home / "whole", engine="inline")


def test_merged_parts_are_the_whole_run(parts: tuple[Path, neuroloom.Results], tmp_path: Path) -> None:
    home, whole = parts
    shutil.copytree(home / "part-2", tmp_path / "again")
    sources = [home / "part-1", home / "part-2" / "results.db", home / "part-3", tmp_path / "again"]
    merged = merge(tmp_path / "out", sources)
    columns = ["task", "method", "seed", "fold", "metric", "value", "status", "settings", "split", "key"]
    assert merged.frame()[columns].equals(whole.frame()[columns])
    assert (tmp_path / "out" / "report.html").is_file()
    with open_store(tmp_path / "out" / "results.db", read=True) as store:
        keys, meta = store.read_plan()
        assert meta["planned"] == len(keys) == len(whole.main())
        assert store.with_predictions(keys) == set(keys)
    assert (tmp_path / "out" / "bench.toml").read_text() == (home / "whole" / "bench.toml").read_text()


def test_what_was_done_wins_over_what_failed(tmp_path: Path) -> None:
    (one,) = trials(1, 0.0, "Good")
    for name, status, started in (("a", "failed", 1.0), ("b", "done", 2.0), ("c", "failed", 3.0)):
        with open_store(tmp_path / name / "results.db") as store:
            row = row_of(one, status, f"in {name}")
            row.started = started
            store.add([row])
            about = {"config": "name = 'x'\n", "started": name, "seconds": 1.0, "tasks": {}, "methods": {}}
            about |= {"tasks": {one.task_name: {"notes": []}}, "methods": {one.label: {"notes": []}}}
            store.plan([one.key], about)
    merge(tmp_path / "out", [tmp_path / "a", tmp_path / "c"])
    with open_store(tmp_path / "out" / "results.db", read=True) as store:
        assert store.rows([one.key])[0].reason == "in c"  # tried last
    merge(tmp_path / "out", [tmp_path / "b", tmp_path / "c"])
    with open_store(tmp_path / "out" / "results.db", read=True) as store:
        assert store.rows([one.key])[0].reason == "in b"
        assert store.read_plan()[1]["seconds"] == 2.0


def test_what_cannot_be_merged(parts: tuple[Path, neuroloom.Results], tmp_path: Path) -> None:
    home, _ = parts
    other = neuroloom.run(
        {**BENCH, "methods": ["dummy"], "method": {}}, tmp_path / "other", engine="inline", part="1/9"
    )
    assert other.meta["planned"] > len(other.main())
    for sources, why in (
        ([home / "part-1", tmp_path / "other"], "is of another bench than the first: their configs differ"),
        ([home / "nothing"], "is no run: it has no results.db"),
    ):
        with pytest.raises(InputError, match=why):
            merge(tmp_path / "out", sources)
        assert not (tmp_path / "out").exists()
    before = (tmp_path / "other" / "bench.toml").read_text()
    with pytest.raises(InputError, match="the directory to write, holds another bench than"):
        merge(tmp_path / "other", [home / "part-1", home / "part-2"])
    assert (tmp_path / "other" / "bench.toml").read_text() == before
    with pytest.raises(InputError, match="is the directory to merge into"):
        merge(home / "part-1", [home / "part-1"])


def test_the_array_job_and_its_merge(tmp_path: Path) -> None:
    shim = tmp_path / "bin" / "neuroloom"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m neuroloom "$@"\n')
    shim.chmod(0o755)
    bench = tmp_path / "bench.toml"
    bench.write_text('name = "b"\nseeds = 1\nfolds = 2\ntasks = ["iris"]\nmethods = ["dummy"]\n')
    for part in ("1", "2"):
        neuroloom.run(bench, tmp_path / "parts" / part, engine="inline", part=f"{part}/2")
    (tmp_path / "parts" / "1" / "results.csv").unlink()  # the first task was ended before it had written all
    given = {"SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_TASK_COUNT": "1", "TMPDIR": str(tmp_path)}
    path = f"{shim.parent}{os.pathsep}{os.environ['PATH']}"
    command = ["sh", str(EXAMPLE), str(bench), str(tmp_path / "parts"), "2"]  # its task alone again
    done = subprocess.run(command, env={**os.environ, **given, "PATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "going on: 1 of 1 trials were finished before" in done.stderr
    assert (tmp_path / "parts" / "1" / "results.csv").is_file()
    assert not list(tmp_path.glob("tmp.*"))
    full = tmp_path / "full" / "cp"
    full.parent.mkdir()
    full.write_text("#!/bin/sh\nexit 1\n")
    full.chmod(0o755)
    fails = {**os.environ, **given, "PATH": f"{full.parent}{os.pathsep}{path}"}
    assert subprocess.run(command, env=fails, capture_output=True, check=False).returncode == 1
    assert (tmp_path / "parts" / "1" / "results.db").is_file()  # a disk that is full loses nothing
    assert not list(tmp_path.glob("tmp.*"))
    merged = CliRunner().invoke(
        app, ["merge", str(tmp_path / "whole"), *map(str, sorted((tmp_path / "parts").iterdir()))]
    )
    assert merged.exit_code == 0, merged.output
    assert "2 of 2 trials ok" in merged.output
