"""What the runner itself costs a trial: CPU-ms of the whole process tree, beside joblib and pebble.

    python -m benchmarks.runner.overhead [--repeats 3]

Every system runs 200 and then 2,000 of the same trivial trials in two processes, each time in a process of its own
whose CPU seconds (its children's with them) are read at its end; the systems take turns. The slope between the two is
the cost of a trial, what is left is start-up. neuroloom measures, isolates and limits each trial and commits its row
durably (SQLite, WAL, ``synchronous=FULL``) before the worker gets more; the peers call the bare method, keep no
account of time or memory, and their driver commits three columns to SQLite with the same pragmas as results come in.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WORKERS, FEW, MANY = 2, 200, 2000
SYSTEMS = ("neuroloom", "joblib", "pebble")


def bare(trial: Any) -> tuple[str, str, float]:
    """Fit, predict and score, and nothing else."""
    from benchmarks.runner.trivial import WORKBENCH

    task = WORKBENCH.open_task(trial.task, None)
    data = task.load()
    split = task.split(data, trial.seed, trial.fold, trial.folds)
    method, _ = WORKBENCH.build(trial.expression, trial.kind, trial.problem, {}, None, trial.seed)
    prediction = method.fit(data.X[split.train], data.y[split.train]).predict(data.X[split.test])
    return trial.key, "done", WORKBENCH.evaluate(("accuracy",), data.y[split.test], prediction)["accuracy"]


def by_neuroloom(count: int, folder: Path) -> Iterator[str]:
    from benchmarks.runner.trivial import WORKBENCH_NAME, trials
    from neuroloom.runner.engines import Finished, open_engine
    from neuroloom.runner.store import open_store

    with (
        open_engine("processes", workers=WORKERS, workbench=WORKBENCH_NAME) as engine,
        open_store(folder / "results.db") as store,
    ):
        planned = trials(count)
        keys = [trial.key for trial in planned]
        done = store.finished(keys)
        store.plan(keys, {})
        for event in engine.run([trial for trial in planned if trial.key not in done]):
            if isinstance(event, Finished):
                store.add(event.rows)
                yield from (row.status for row in event.rows)


def _committed(folder: Path, results: Iterator[tuple[str, str, float]]) -> Iterator[str]:
    connection = sqlite3.connect(folder / "results.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE trials (key TEXT PRIMARY KEY, status TEXT, accuracy REAL)")
    for record in results:
        connection.execute("INSERT INTO trials VALUES (?, ?, ?)", record)
        yield record[1]
    connection.close()


def by_joblib(count: int, folder: Path) -> Iterator[str]:
    from joblib import Parallel, delayed
    from joblib.externals.loky import get_reusable_executor

    from benchmarks.runner.trivial import trials

    pool = Parallel(n_jobs=WORKERS, return_as="generator_unordered", timeout=600)
    yield from _committed(folder, pool(delayed(bare)(trial) for trial in trials(count)))
    get_reusable_executor().shutdown(wait=True)


def by_pebble(count: int, folder: Path) -> Iterator[str]:
    import multiprocessing
    from concurrent.futures import as_completed

    from pebble import ProcessPool

    from benchmarks.runner.trivial import trials

    with ProcessPool(max_workers=WORKERS, context=multiprocessing.get_context("spawn")) as pool:
        futures = [pool.schedule(bare, args=[trial], timeout=60) for trial in trials(count)]
        yield from _committed(folder, (future.result() for future in as_completed(futures)))


def run_one(system: str, count: int) -> None:
    """Run in this process; print the wall-clock seconds to the first committed trial and to the end."""
    began = time.time() - time.clock_gettime(time.CLOCK_MONOTONIC) + _process_start()
    first = 0.0
    done = 0
    with tempfile.TemporaryDirectory() as folder:
        run = {"neuroloom": by_neuroloom, "joblib": by_joblib, "pebble": by_pebble}[system]
        for status in run(count, Path(folder)):
            first = first or time.time() - began
            done += status == "done"
    if done != count:
        raise SystemExit(f"{system} did {done} of {count} trials")
    print(f"{first:.4f} {time.time() - began:.4f}")


def _process_start() -> float:
    """Return when this process started, on the monotonic clock (Linux counts in boot time; the same without sleep)."""
    ticks = int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
    return ticks / os.sysconf("SC_CLK_TCK")


def measure(system: str, count: int) -> tuple[float, float, float]:
    """Return CPU seconds of the whole tree, wall-clock seconds to the first trial, and to the end."""
    command = [sys.executable, "-m", "benchmarks.runner.overhead", "--one", system, str(count)]
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert child.stdout is not None
    text = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{system} failed")
    first, wall = (float(part) for part in text.split())
    return usage.ru_utime + usage.ru_stime, first, wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", nargs=2, metavar=("SYSTEM", "COUNT"))
    given = parser.parse_args()
    if given.one:
        run_one(given.one[0], int(given.one[1]))
        return
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("joblib", "pebble", "sqlalchemy")
    )
    load = os.getloadavg()[0]
    print(
        f"Python {platform.python_version()}, {versions}, {os.cpu_count()} cores, {WORKERS} workers, load {load:.1f}"
    )
    found: dict[str, list[tuple[float, float, float, float]]] = {system: [] for system in SYSTEMS}
    for _ in range(given.repeats):
        for system in SYSTEMS:
            few_cpu, first, _ = measure(system, FEW)
            many_cpu, _, wall = measure(system, MANY)
            slope = (many_cpu - few_cpu) / (MANY - FEW)
            found[system].append((slope * 1e3, few_cpu - FEW * slope, first, wall))
    print(f"{'':12}{'CPU-ms/trial':>22}{'start-up CPU-s':>16}{'first trial s':>15}{f'wall s of {MANY}':>16}")
    for system, runs in found.items():
        slope, start, first, wall = (statistics.median(column) for column in zip(*runs, strict=True))
        low, high = min(r[0] for r in runs), max(r[0] for r in runs)
        spread = f"{slope:.2f} ({low:.2f} to {high:.2f})"
        print(f"{system:12}{spread:>22}{start:>16.2f}{first:>15.2f}{wall:>16.1f}")


if __name__ == "__main__":
    main()
