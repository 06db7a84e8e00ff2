"""Methods that spin, crash, take all memory, leave processes behind: each is one row, and the others go on."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from neuroloom.runner import processes
from neuroloom.runner.engines import Finished, Started, open_engine
from neuroloom.runner.row import Row
from tests.runner.bad_methods import NAME, trial

LIMIT_MB = 200.0
EXPECTED = {
    "Spin": ("timeout", "over the time limit of 1 s, in fit"),
    "SpinInPredict": ("timeout", "over the time limit of 1 s, in predict"),
    "DaemonThenSpin": ("timeout", "over the time limit of 1 s, in fit"),
    "Deadlocks": ("timeout", "over the time limit of 1 s, in fit"),
    "IgnoresSignals": ("timeout", "over the time limit of 1 s, in fit"),
    "PrintsForever": ("timeout", "over the time limit of 1 s, in fit"),
    "Greedy": ("memory", "over the memory limit of 200 MB, in fit"),
    "GreedyAtOnce": ("memory", "over the memory limit of 200 MB, in fit"),
    "GreedyChild": ("memory", "over the memory limit of 200 MB, in fit"),
    "Enormous": ("memory", "MemoryError: Unable to allocate 128. GiB"),
    "TorchMemory": ("memory", "can't allocate memory"),
    "Segfault": ("killed", "killed by SIGSEGV in fit"),
    "DaemonThenSegfault": ("killed", "killed by SIGSEGV in fit"),
    "Abort": ("killed", "killed by SIGABRT in predict"),
    "KillsItself": ("killed", "killed by SIGKILL in fit"),
    "Exit0": ("killed", "the process ended itself with exit code 0 in fit"),
    "Exit3": ("killed", "the process ended itself with exit code 3 in fit"),
    "ClosesAll": ("killed", "the trial closed its process's connection in fit"),
    "SpoilsAnswer": ("killed", "the trial spoilt its process's answer"),
    "ForksChild": ("done", "left 1 process behind, ended now"),
    "ForksDaemon": ("done", "left 1 process behind, ended now"),
    "Subprocesses": ("done", "left 3 processes behind, ended now"),
    "ForkReturns": ("done", ""),
    "Raises": ("failed", "ValueError: two lines"),
    "SysExit": ("failed", "SystemExit: 5"),
    "Interrupts": ("failed", "KeyboardInterrupt"),
    "Unspeakable": ("failed", "UnspeakableError: (its message cannot be shown: RuntimeError)"),
    "Recursive": ("failed", "RecursionError: maximum recursion depth exceeded"),
    "Unknown": ("failed", "LookupError: no such method"),
    "Prints": ("done", ""),
    "Good": ("done", ""),
}
IN_LIMIT = tuple(name for name, (status, _) in EXPECTED.items() if status == "timeout")
IN_LIMIT += ("Greedy", "GreedyAtOnce", "GreedyChild")


class Ran:
    """All of them run once, in two workers, with good trials between them."""

    def __init__(self, folder: Path) -> None:
        log = folder / "log"
        os.environ["TRIAL_LOG"] = str(log)
        try:
            self.rows: dict[str, Row] = {}
            self.ended: dict[str, float] = {}
            self.good: list[Row] = []
            trials = []
            for i, name in enumerate(EXPECTED):
                seconds = 1.0 if EXPECTED[name][0] == "timeout" else 30.0
                trials.append(trial(name, seconds=seconds, memory_mb=LIMIT_MB))
                trials.append(trial("Good", seed=i + 1))
            self.started = 0
            with open_engine("processes", workers=2, workbench=NAME) as engine:
                self.token = engine._pool._token  # type: ignore[attr-defined]
                for event in engine.run(trials):
                    self._take(event)
            self.left = processes.marked(self.token)
            self.planned = len(trials)
        finally:
            del os.environ["TRIAL_LOG"]
        self.began = {name: float(at) for name, at in (line.split() for line in log.read_text().splitlines())}

    def _take(self, event: Started | Finished) -> None:
        if isinstance(event, Started):
            self.started += 1
            return
        for row in event.rows:
            if row.method == "Good" and row.seed:
                self.good.append(row)
            else:
                assert row.method not in self.rows, "a trial ended twice"
                self.rows[row.method] = row
                self.ended[row.method] = time.monotonic()


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return Ran(tmp_path_factory.mktemp("bad"))


@pytest.mark.parametrize("name", EXPECTED)
def test_each_is_one_row_with_its_status_and_reason(ran: Ran, name: str) -> None:
    status, reason = EXPECTED[name]
    row = ran.rows[name]
    assert row.status == status
    assert reason in row.reason
    assert "\n" not in row.reason
    assert (row.scores == {}) == (status != "done")


@pytest.mark.parametrize("name", IN_LIMIT)
def test_a_limit_acts_while_the_method_would_go_on(ran: Ran, name: str) -> None:
    assert ran.began[name] <= ran.ended[name]  # it began, and what would never have ended by itself was ended
    assert ran.rows[name].status in ("timeout", "memory")


def test_the_other_trials_end_well_and_nothing_runs_twice(ran: Ran) -> None:
    assert len(ran.good) == len(EXPECTED)
    assert {row.status for row in ran.good} == {"done"}
    assert all(row.scores["accuracy"] > 0.5 for row in ran.good)
    assert ran.started == ran.planned


def test_no_process_is_left(ran: Ran) -> None:
    assert ran.left == []


def test_a_crash_says_where_it_happened(ran: Ran) -> None:
    assert "bad_methods.py" in ran.rows["Segfault"].traceback
    assert "misbehave" in ran.rows["Segfault"].traceback
    assert 'raise ValueError("two\\nlines")' in ran.rows["Raises"].traceback


def test_memory_beyond_the_limit_is_measured(ran: Ran) -> None:
    assert LIMIT_MB < (ran.rows["GreedyAtOnce"].peak_memory_mb or 0) < 900
    assert LIMIT_MB < (ran.rows["GreedyChild"].peak_memory_mb or 0) < 700
