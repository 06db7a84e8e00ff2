"""SIGKILL of the driver at several moments: no finished trial lost or repeated, no process left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from neuroloom.runner.execute import method_seed
from neuroloom.runner.store import open_store
from tests.runner.driver import trials
from tests.runner.test_engines import descended_from, wait_for_lines

WORKERS, SECONDS = 2, 0.05


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize(
    ("count", "moment", "group", "method"),
    [
        (6, 0, True, "Sleeps"),
        (12, 1, False, "Sleeps"),
        (24, 17, True, "Sleeps"),
        (7, 4, False, "SleepsWithChild"),
    ],
)
def test_killed_driver_loses_and_repeats_nothing(
    tmp_path: Path, count: int, moment: int, group: bool, method: str
) -> None:
    store, log = tmp_path / "results.db", tmp_path / "log"
    environment = {**os.environ, "TRIAL_LOG": str(log), "NEUROLOOM_TEST": str(tmp_path)}
    command = [
        sys.executable,
        "-m",
        "tests.runner.driver",
        str(store),
        str(count),
        str(WORKERS),
        str(SECONDS),
        method,
    ]
    first = subprocess.Popen(command, env=environment, start_new_session=True)
    if moment:
        wait_for_lines(log, moment)
    else:
        time.sleep(0.3)  # while it starts
    if group:
        os.killpg(first.pid, signal.SIGKILL)
    else:
        first.kill()
    first.wait()
    _nothing_left(str(tmp_path))

    planned = trials(count, SECONDS, method)
    keys = [t.key for t in planned]
    committed: dict[str, str] = {}
    if store.exists() and moment:
        with open_store(store, read=True) as opened:
            committed = opened.finished(keys)
    begun = _begun(log)
    seeds = {t.key: str(method_seed(t)) for t in planned}
    assert len(begun) <= len(committed) + WORKERS  # at most one a worker was in flight
    assert all(begun[seeds[key]] == 1 for key in committed)

    subprocess.run(command, env=environment, check=True, timeout=120)
    begun = _begun(log)
    assert all(begun[seeds[key]] == 1 for key in committed)  # nothing finished is done again
    assert sum(begun.values()) <= count + WORKERS
    with open_store(store, read=True) as opened:
        assert opened.finished(keys) == dict.fromkeys(keys, "done")
        assert [row.key for row in opened.rows(keys)] == keys
    _nothing_left(str(tmp_path))


def _begun(log: Path) -> Counter[str]:
    return Counter(line.split()[0] for line in log.read_text().splitlines()) if log.exists() else Counter()


def _nothing_left(mark: str) -> None:
    end = time.monotonic() + 2
    while left := descended_from(mark):
        assert time.monotonic() < end, f"processes {left} outlive the driver"
        time.sleep(0.02)
