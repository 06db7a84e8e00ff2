"""Engines: the same rows from each, nothing shared between trials, clean ends."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from neuroloom.core.errors import InputError
from neuroloom.runner import processes
from neuroloom.runner.engines import Engine, Finished, Started, open_engine
from neuroloom.runner.row import Row
from neuroloom.runner.trial import Trial
from tests.runner.bad_methods import NAME, trial

MEASURED = {
    "fit_seconds",
    "predict_seconds",
    "fit_cpu_seconds",
    "predict_cpu_seconds",
    "peak_memory_mb",
    "started",
}


def rows_of(engine: Engine, trials: list[Trial]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for event in engine.run(trials):
        if isinstance(event, Finished):
            for row in event.rows:
                assert row.key not in found
                found[row.key] = row
    return found


def lasting(row: Row) -> dict[str, Any]:
    kept = {k: v for k, v in dataclasses.asdict(row).items() if k not in MEASURED}
    return kept | {"beliefs": None if row.beliefs is None else row.beliefs.tolist()}


@pytest.fixture(scope="module")
def engine() -> Any:
    with open_engine("processes", workers=2, workbench=NAME) as opened:
        yield opened


def test_inline_and_processes_give_the_same_rows(engine: Engine) -> None:
    trials = [trial("Good", seed=s, fold=f) for s in range(3) for f in range(4)]
    trials += [trial("Raises"), trial("Proba", metrics=("accuracy", "log_loss")), trial("Warns")]
    trials += [dataclasses.replace(trial("Good", seed=9), skip="neat takes table, and the data are nodes")]
    with open_engine("inline", workbench=NAME) as inline:
        here = rows_of(inline, trials)
    there = rows_of(engine, trials)
    assert list(here) == [trials[-1].key] + [t.key for t in trials[:-1]]
    assert {t.key for t in trials} == set(there)
    for key, row in here.items():
        assert lasting(row) == lasting(there[key]) | {"traceback": row.traceback}
    assert here[trials[-1].key].status == "skipped"
    assert here[trials[-1].key].reason == "neat takes table, and the data are nodes"


def test_a_trial_cannot_change_the_next_one_in_its_process() -> None:
    trials = [
        trial("ReportsGlobals", fold=0),
        trial("ChangesGlobals"),
        trial("ReportsGlobals", label="b", fold=0),
    ]
    with open_engine("processes", workers=1, workbench=NAME) as single:
        found = rows_of(single, trials)
    before, after = found[trials[0].key], found[trials[2].key]
    assert found[trials[1].key].status == "done"
    one, two = before.curve[0], after.curve[0]
    for name in ("threads", "path", "root", "modules", "stdout", "limit", "over", "term", "hash", "writable"):
        assert one[name] == two[name]
    assert (one["path"], one["root"], one["modules"], one["stdout"], one["over"]) == (1, 0, 0, 1, 0)
    assert before.scores.keys() == after.scores.keys() == {"accuracy"}
    assert after.status == "done"


def test_a_trial_cannot_change_the_threads_of_the_next_one_in_its_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    trials = [trial("ReportsThreads"), trial("ChangesThreads"), trial("ReportsThreads", label="b")]
    with open_engine("processes", workers=1, threads=2, workbench=NAME) as single:
        found = rows_of(single, trials)
    assert [row.status for row in found.values()] == ["done"] * 3
    before, after = (found[t.key].curve[0] for t in (trials[0], trials[2]))
    assert before == after
    assert (before["torch"], before["numba"], before["fewest"], before["most"]) == (2, 2, 2, 2)


def test_global_generators_are_seeded_by_the_trial_alone(engine: Engine) -> None:
    with open_engine("inline", workbench=NAME) as inline:
        first = rows_of(inline, [trial("ReportsGlobals", seed=4)])
    again = rows_of(engine, [trial("Good"), trial("ReportsGlobals", seed=4)])
    key = trial("ReportsGlobals", seed=4).key
    assert first[key].curve[0]["numpy"] == again[key].curve[0]["numpy"]
    assert first[key].curve[0]["random"] == again[key].curve[0]["random"]
    other = trial("ReportsGlobals", seed=5)
    assert rows_of(engine, [other])[other.key].curve[0]["numpy"] != first[key].curve[0]["numpy"]


def test_workers_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    reports = trial("ReportsGlobals")
    with open_engine("processes", workers=1, threads=3, workbench=NAME) as wide:
        assert rows_of(wide, [reports])[reports.key].curve[0]["threads"] == 3
        assert wide.threads == 3
    with open_engine("processes", workers=10**3, workbench=NAME) as narrow:
        assert narrow.threads == 1


def test_the_users_own_process_is_left_as_it_was() -> None:
    import random

    import numpy as np

    random.seed(11)
    np.random.seed(11)  # noqa: NPY002
    expected = random.Random(11).random(), np.random.RandomState(11).random()
    folder, environment = os.getcwd(), dict(os.environ)
    handler = signal.getsignal(signal.SIGTERM)
    with open_engine("inline", workbench=NAME) as inline:
        rows_of(inline, [trial("ChangesGlobals")])
    assert (random.random(), np.random.random()) == expected  # noqa: NPY002
    assert (os.getcwd(), dict(os.environ)) == (folder, environment)
    assert np.geterr()["over"] == "warn"
    assert signal.getsignal(signal.SIGTERM) == handler


def test_inline_stops_python_code_that_is_over_its_time() -> None:
    slow = trial("Sleeps", params={"rate": 30.0}, seconds=0.3)
    began = time.monotonic()
    with open_engine("inline", workbench=NAME) as inline:
        row = rows_of(inline, [slow])[slow.key]
    assert (row.status, row.reason) == ("timeout", "over the time limit of 0.3 s")
    assert time.monotonic() - began < 5


def test_peak_memory_is_the_trials_own_and_imports_are_left_out() -> None:
    trials = [
        trial("ImportsLate"),
        trial("Big", params={"rate": 700.0}),
        trial("Big", label="small", params={"rate": 10.0}),
    ]
    with open_engine("processes", workers=1, workbench=NAME) as single:
        found = rows_of(single, trials)
    late, big, small = (found[t.key] for t in trials)
    assert big.peak_memory_mb == pytest.approx(700, abs=25)
    assert small.peak_memory_mb == pytest.approx(10, abs=5)
    assert (late.peak_memory_mb or 0) < 20  # the module it imports holds 60 MB
    assert (late.fit_seconds or 9) < 0.3  # and takes half a second
    assert late.fit_cpu_seconds is not None


def test_leaving_the_loop_ends_what_is_in_flight_and_a_new_run_starts_clean(engine: Engine) -> None:
    sleeping = [trial("Sleeps", seed=s, params={"rate": 60.0}) for s in range(2)]
    for event in engine.run(sleeping):
        if isinstance(event, Started) and event.worker == 1:
            break
    later = trial("Good", seed=77)
    found = rows_of(engine, [later])
    assert set(found) == {later.key}


def test_a_worker_killed_between_trials_costs_nothing(engine: Engine) -> None:
    rows_of(engine, [trial("Good", seed=s) for s in (30, 31)])
    pids = [engine._pool.pid(slot) for slot in range(2)]  # type: ignore[attr-defined]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    found = rows_of(engine, [trial("Good", seed=s) for s in range(40, 44)])
    assert {row.status for row in found.values()} == {"done"}
    assert len(found) == 4


def test_batches_give_the_rows_of_single_fits(engine: Engine) -> None:
    batch = [trial("Batched", seed=s, fold=f, batch=True) for s in range(6) for f in range(4)]
    single = [dataclasses.replace(t, batch=False) for t in batch]
    together, alone = rows_of(engine, batch), rows_of(engine, single)
    assert set(together) == set(alone)
    assert sum(row.batched > 1 for row in together.values()) >= 12
    assert {row.batched for row in alone.values()} == {1}
    for key, row in together.items():
        assert lasting(row) | {"batched": 1} == lasting(alone[key])
    shared = [row for row in together.values() if row.batched > 1]
    assert all((row.fit_seconds or 1) == pytest.approx(0.03 / row.batched, rel=0.9) for row in shared)
    assert any(row.batched == 1 and (row.fit_seconds or 0) >= 0.03 for row in together.values())


@pytest.mark.parametrize("name", ["BatchedBadly", "BatchedDies"])
def test_a_batch_that_fails_is_run_one_by_one(engine: Engine, name: str) -> None:
    trials = [trial(name, seed=s, batch=True) for s in range(6)]
    found = rows_of(engine, trials)
    assert [(found[t.key].status, found[t.key].batched) for t in trials] == [("done", 1)] * 6


def test_ctrl_c_in_the_driver_kills_the_workers_and_passes_through(tmp_path: Path) -> None:
    store = tmp_path / "results.db"
    environment = {**os.environ, "TRIAL_LOG": str(tmp_path / "log"), "NEUROLOOM_TEST": str(tmp_path)}
    command = [sys.executable, "-m", "tests.runner.driver", str(store), "20", "2", "0.2", "Sleeps"]
    driver = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, start_new_session=True)
    wait_for_lines(tmp_path / "log", 6)
    os.killpg(driver.pid, signal.SIGINT)
    _, errors = driver.communicate(timeout=20)
    assert b"KeyboardInterrupt" in errors
    assert descended_from(str(tmp_path)) == []


def wait_for_lines(log: Path, count: int, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not log.exists() or len(log.read_text().splitlines()) < count:
        assert time.monotonic() < end, "the driver makes no progress"
        time.sleep(0.02)


def descended_from(mark: str) -> list[int]:
    """Return the processes that were started with ``NEUROLOOM_TEST`` set to ``mark``."""
    found = []
    for process in processes.table().values():
        try:
            text = Path(f"/proc/{process.pid}/environ").read_bytes()
        except OSError:
            continue
        if f"NEUROLOOM_TEST={mark}".encode() in text.split(b"\0"):
            found.append(process.pid)
    return found


def test_an_engine_or_number_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputError, match="engine 'proceses' is not known; did you mean 'processes'"):
        open_engine("proceses")
    with pytest.raises(InputError, match="`workers` must be a whole number of at least 1"):
        open_engine("processes", workers=0)


def test_a_workbench_that_cannot_be_imported_stops_the_run_with_its_error() -> None:
    with (
        open_engine("processes", workers=1, workbench="tests.runner.nowhere:WORKBENCH") as broken,
        pytest.raises(
            RuntimeError, match=r"cannot start .*\n?.*(?s:.*)No module named 'tests.runner.nowhere'"
        ),
    ):
        rows_of(broken, [trial("Good")])
