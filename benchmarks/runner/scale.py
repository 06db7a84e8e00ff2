"""What the bench costs as it grows: 100 to 100,000 trivial trials, from the plan to the report.

    python -m benchmarks.runner.scale [--counts 100 1000 10000 100000] [--claims]

Each size runs in a process of its own (two workers, SQLite, every row committed before a worker gets more). CPU seconds
are those of the whole process tree, memory is the driver's highest. ``--claims`` measures, on a PostgreSQL server that
it starts, how many leases a second many workers get, and what a lease, its completion and its row cost.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

COUNTS = (100, 1_000, 10_000, 100_000)
META: dict[str, Any] = {
    "name": "scale", "seconds": 1.0, "started": "2000-01-01", "config": "", "baseline": None, "confidence": None,
    "tasks": {"trivial": {"kind": "table", "problem": "classification", "metrics": ["accuracy"], "protocol": "folds",
                          "greater_is_better": True, "bounds": [0.0, 1.0], "notes": []}},
    "methods": {"first": {"expression": "first", "room": "baseline", "title": "", "params": {}, "notes": [],
                          "tuned_from": ""}},
}  # fmt: skip


def cpu() -> float:
    """Return the CPU seconds of this process and of its children that have ended."""
    own, ended = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime


def one(count: int) -> None:
    """Run so many trials in this process and print what each step took."""
    from benchmarks.runner.trivial import WORKBENCH_NAME, trials
    from neuroloom.runner.bench import load_results
    from neuroloom.runner.engines import Finished, open_engine
    from neuroloom.runner.store import open_store

    def timed(work: Callable[[], Any]) -> tuple[Any, float]:
        before = cpu()
        found = work()
        return found, cpu() - before

    with tempfile.TemporaryDirectory() as held:
        folder = Path(held)
        planned, plan_seconds = timed(lambda: _keyed(trials(count)))
        began, before = time.perf_counter(), cpu()
        with open_store(folder / "results.db") as store:
            keys = [trial.key for trial in planned]
            store.plan(keys, META)
            with open_engine("processes", workers=2, workbench=WORKBENCH_NAME) as engine:
                for event in engine.run(planned):
                    if isinstance(event, Finished):
                        store.add(event.rows)
        run_seconds, wall = cpu() - before, time.perf_counter() - began
        driver_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        size = sum(p.stat().st_size for p in folder.iterdir())
        with open_store(folder / "results.db") as store:
            done, resume_seconds = timed(lambda: store.finished(keys))
        assert len(done) == count
        results, load_seconds = timed(lambda: load_results(folder))
        _, report_seconds = timed(lambda: results.report(folder / "report.html"))
        page = (folder / "report.html").stat().st_size
        all_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{count:8,}{plan_seconds:9.2f}{run_seconds:9.1f}{run_seconds / count * 1e3:8.2f}{wall:8.1f}"
        f"{size / count / 1e3:8.2f}{driver_mb:8.0f}{resume_seconds:9.2f}{load_seconds:8.2f}{report_seconds:9.2f}"
        f"{page / 1e6:8.2f}{all_mb:8.0f}",
        flush=True,
    )


def _keyed(trials: list[Any]) -> list[Any]:
    for trial in trials:
        trial.key  # noqa: B018
    return trials


def claim_all(url: str, number: int, most: int) -> tuple[int, float]:
    """Claim and complete up to ``most`` trials at a time until none is left; return how many, and the CPU seconds."""
    from neuroloom.runner.leases import Leases
    from neuroloom.runner.outcome import row_of
    from neuroloom.runner.store import open_store

    done = 0
    with open_store(url, shared=True) as store:
        leases = Leases(store, f"worker {number}")
        began = time.process_time()
        while found := leases.claim(most):
            done += len(leases.complete([row_of(one.trial, "done") for one in found]))
        return done, time.process_time() - began


def claims(count: int = 500) -> None:
    """Print how many trials a second worker processes claim and complete, each round of trials of its own."""
    from benchmarks.runner.postgres import server
    from benchmarks.runner.trivial import trials
    from neuroloom.runner.leases import Leases
    from neuroloom.runner.store import open_store

    heads = (
        ("workers", 9),
        ("at once", 9),
        ("trials", 8),
        ("a second", 10),
        ("CPU ms", 8),
        ("double", 8),
        ("lost", 6),
    )
    with server() as url:
        print("".join(f"{name:>{width}}" for name, width in heads), flush=True)
        for turn, (workers, most) in enumerate(((1, 1), (4, 1), (16, 1), (4, 32))):
            planned = trials((turn + 1) * count)[turn * count :]
            with open_store(url, run="claims") as store:
                leases = Leases(store)
                leases.offer("claims", planned, False)
            with get_context("spawn").Pool(workers) as pool:
                pool.starmap(abs, [(-1,)] * workers)  # have them started
                began = time.perf_counter()
                found = pool.starmap(claim_all, [(url, n, most) for n in range(workers)], chunksize=1)
                took = time.perf_counter() - began
            done = sum(n for n, _ in found)
            with open_store(url, read=True) as store:
                held = len(store.finished([t.key for t in planned]))
            spent, double = sum(seconds for _, seconds in found) / count * 1e3, max(done - count, 0)
            print(
                f"{workers:9}{most:9}{count:8,}{done / took:10,.0f}{spent:8.2f}{double:8}{count - held:6}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS)
    parser.add_argument("--claims", action="store_true")
    parser.add_argument("--one", type=int)
    given = parser.parse_args()
    if given.one:
        one(given.one)
        return
    print(
        f"Python {platform.python_version()}, sqlalchemy {version('sqlalchemy')}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    if given.claims:
        claims()
        return
    heads = (
        ("trials", "", 8), ("plan", "CPU s", 9), ("run", "CPU s", 9), ("a trial", "CPU ms", 8), ("wall", "s", 8),
        ("a trial", "kB", 8), ("driver", "MB", 8), ("resume", "CPU s", 9), ("load", "CPU s", 8),
        ("report", "CPU s", 9), ("page", "MB", 8), ("peak", "MB", 8),
    )  # fmt: skip
    print("".join(f"{name:>{width}}" for name, _, width in heads))
    print("".join(f"{unit:>{width}}" for _, unit, width in heads), flush=True)
    for count in given.counts:
        command = [sys.executable, "-m", "benchmarks.runner.scale", "--one", str(count)]
        subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


if __name__ == "__main__":
    main()
