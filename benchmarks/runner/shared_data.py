"""What the engine ray spends on the data of a big task: put once into the object store, or read by each worker.

    python -m benchmarks.runner.shared_data [--rows 100000] [--workers 2] [--trials 20] [--repeats 3]

The task is a CSV file of 40 numbers a row, made for the purpose, the method ``dummy``. The two ways take turns, each in
a process of its own with a local Ray of its own; CPU seconds are those of all processes from the first trial to the
last, memory what the worker processes hold at the end: shared pages count in part (PSS), the object store's copy does
not.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

WAYS = ("each worker reads", "object store")
COLUMNS = 40


def measure(way: str, table: Path, workers: int, trials: int) -> dict[str, float]:
    """Run the trials in this process's own cluster; return seconds and MB."""
    import psutil

    import neuroloom.runner.ray_engine as module
    from neuroloom.runner.config import load_config
    from neuroloom.runner.engines import Finished, open_engine
    from neuroloom.runner.plan import make_plan

    if way == WAYS[0]:
        module.Offered.of = lambda self, unit: {}  # type: ignore[method-assign]
    given: dict[str, object] = {"name": "data", "seeds": -(-trials // 5), "methods": ["dummy"]}
    given["task"] = [{"name": "big", "path": str(table), "target": "y"}]
    planned = make_plan(*load_config(given)).trials[:trials]
    with open_engine("ray", workers=workers) as engine:
        me = psutil.Process()
        before, began = _cpu(me), time.perf_counter()
        rows = [row for event in engine.run(planned) if isinstance(event, Finished) for row in event.rows]
        wall, cpu = time.perf_counter() - began, _cpu(me) - before
        assert {row.status for row in rows} == {"done"}
        hosts = [psutil.Process(pid) for pid in engine.pids()]  # type: ignore[attr-defined]
        held = [child.memory_full_info().pss for host in hosts for child in host.children()]
    return {"cpu": cpu, "wall": wall, "held": sum(held) / 2**20}


def _cpu(process: object) -> float:
    """Return CPU seconds of a process and of all that have come from it."""
    import psutil

    assert isinstance(process, psutil.Process)
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        try:
            times = one.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def main() -> None:
    """Print a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", nargs=2, metavar=("WAY", "FILE"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(args.one[0], Path(args.one[1]), args.workers, args.trials)))
        return
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "big.csv"
        rng = np.random.default_rng(0)
        X = rng.normal(size=(args.rows, COLUMNS))
        y = (X[:, :1] > 0).astype(int)
        names = [*(f"x{i}" for i in range(COLUMNS)), "y"]
        np.savetxt(table, np.hstack([X, y]), "%.6g", ",", header=",".join(names), comments="")
        found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
        command = [sys.executable, "-m", "benchmarks.runner.shared_data", "--workers", str(args.workers)]
        for _ in range(args.repeats):
            for way in WAYS:
                told = subprocess.run(
                    [*command, "--trials", str(args.trials), "--one", way, str(table)],
                    check=True, capture_output=True, text=True,
                )  # fmt: skip
                found[way].append(json.loads(told.stdout.splitlines()[-1]))
        size = table.stat().st_size / 2**20
    versions = f"Python {platform.python_version()}, ray {importlib.metadata.version('ray')}"
    print(f"{versions}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(
        f"{args.rows:,} rows of {COLUMNS} numbers, {size:.0f} MB of CSV, {X.nbytes / 2**20:.0f} MB in memory"
    )
    print(f"{args.trials} trials in {args.workers} workers; medians of {args.repeats}")
    print(f"{'':20}{'CPU s':>8}{'wall s':>8}{'workers hold MB':>17}")
    for way, runs in found.items():
        cpu, wall, held = (statistics.median(run[name] for run in runs) for name in ("cpu", "wall", "held"))
        print(f"{way:20}{cpu:8.1f}{wall:8.1f}{held:17.0f}")


if __name__ == "__main__":
    main()
