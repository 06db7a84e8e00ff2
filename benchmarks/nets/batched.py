"""100 MLPs on breast-cancer (20 seeds x 5 folds), one after the other and as one stack.

    OMP_NUM_THREADS=1 python benchmarks/nets/batched.py

Prints CPU and wall seconds, the ratio of CPU seconds, and the largest difference of a probability. The loop is timed
on the first 20 fits, alternating with the stack's repeats, and scaled to 100.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import platform
import statistics
import time
from typing import Any

import numpy as np
import sklearn
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold

from neuroloom.core.fitting import Job
from neuroloom.nets import MLPClassifier

CASES: dict[str, dict[str, Any]] = {
    "16 hidden, 1 member": {"hidden": (16,), "members": 1, "bins": 0},
    "64 hidden, 1 member": {"hidden": (64,), "members": 1, "bins": 0},
    "default (64 + 64 hidden, 10 members, 8 bins)": {},
}
SAMPLE, REPEATS = 20, 3


def jobs(settings: dict[str, Any]) -> list[Job]:
    X, y = load_breast_cancer(return_X_y=True)
    folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, y))
    return [
        Job(MLPClassifier(random_state=seed, **settings), X[rows], y[rows])
        for seed in range(20)
        for rows, _ in folds
    ]


def timed(work: Any, made: list[Job]) -> tuple[Any, float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    fitted = work(made)
    return fitted, time.process_time() - cpu, time.perf_counter() - wall


def loop(made: list[Job]) -> list[Any]:
    return [job.estimator.fit(job.X, job.y) for job in made[:SAMPLE]]


def main() -> None:
    torch.set_num_threads(1)
    versions = f"torch {torch.__version__}, scikit-learn {sklearn.__version__}, numpy {np.__version__}"
    print(f"{platform.python_version()}, {versions}, 1 thread, load {os.getloadavg()[0]:.1f}")
    X, _ = load_breast_cancer(return_X_y=True)
    for title, settings in CASES.items():
        repeats = REPEATS if settings else 1
        loop(jobs(settings)[:1])  # torch and its kernels are loaded before anything is timed
        singles, stacks = [], []
        for _ in range(repeats):
            alone, *seconds = timed(loop, jobs(settings))
            singles.append([s * 100 / SAMPLE for s in seconds])
            together, *seconds = timed(MLPClassifier.fit_many, jobs(settings))
            stacks.append(seconds)
        gap = max(
            np.abs(a.predict_proba(X) - b.predict_proba(X)).max()
            for a, b in zip(alone, together[:SAMPLE], strict=True)
        )
        (a_cpu, a_wall), (b_cpu, b_wall) = [
            [statistics.median(c) for c in zip(*t, strict=True)] for t in (singles, stacks)
        ]
        print(
            f"{title}: loop {a_cpu:.1f} CPU-s ({a_wall:.1f} wall), stack {b_cpu:.2f} CPU-s ({b_wall:.2f} wall), "
            f"{a_cpu / b_cpu:.1f} times; largest difference of a probability {gap:.1e}",
            flush=True,
        )


if __name__ == "__main__":
    main()
