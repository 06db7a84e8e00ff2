"""CPU milliseconds a generation of neuroloom's NEAT alone, on one thread: medians of seven rounds.

OMP_NUM_THREADS=1 python -m benchmarks.evolve.generation
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable

import numpy as np

from benchmarks.evolve.speed import XOR, XOR_ANSWER, settings
from neuroloom.evolve import NEAT, NEATConfig
from neuroloom.evolve.phenotypes import as_samples


def median_ms(engine: NEAT, X: np.ndarray, y: np.ndarray, generations: int) -> float:
    """Return the median milliseconds of a generation; the fitness is the compiled negative squared error."""
    samples = as_samples(X, X.shape[1])
    answer = np.ascontiguousarray(y.T, np.float32)
    out = np.empty((len(engine), y.shape[1], len(X)), np.float32)

    def run() -> None:
        engine.run_phenotypes(lambda p: p.negative_error(p.activate(samples, out), answer), generations)

    run()
    return 1e3 * statistics.median(timed(run) for _ in range(7)) / generations


def timed(run: Callable[[], None]) -> float:
    began = time.thread_time()
    run()
    return time.thread_time() - began


def main() -> None:
    X = np.random.default_rng(0).normal(size=(1000, 8))
    y = np.tanh(X[:, :3] * X[:, 3:6])
    print(f"one thread; load {os.getloadavg()[0]:.1f}")
    for population in (150, 1000, 5000):
        took = median_ms(NEAT(settings(2, 1, population), 0), XOR, XOR_ANSWER, 10)
        print(f"XOR, population {population:5d}: {took:.2f} ms")
    fixed = NEATConfig(8, 3, population=500, hidden=10, node_add_prob=0.0, conn_add_prob=0.0)
    for config in (settings(8, 3, 500), fixed):
        engine = NEAT(config, 0)
        took = median_ms(engine, X, y, 3)
        edges = engine.history_[-1]["connections"]
        print(f"8 -> 3, 1,000 samples, population 500, {edges:.0f} edges: {took:.2f} ms")


if __name__ == "__main__":
    main()
