"""Seconds a generation: neuroloom's NEAT against neat-python, alternating in one process on one thread.

    OMP_NUM_THREADS=1 python -m benchmarks.evolve.speed

Both run the same settings (neat-python's INI, read by both) and compute the same fitness; a round is a few generations
of each. Printed: the median over rounds of CPU and wall milliseconds a generation, and their ratio.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable

import neat
import numpy as np

from neuroloom.evolve import NEAT, NEATConfig
from neuroloom.evolve.neat_python import load_config

XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
XOR_ANSWER = np.array([[0.0], [1.0], [1.0], [0.0]])


def settings(inputs: int, outputs: int, population: int) -> NEATConfig:
    """Return settings close to neat-python's own XOR example."""
    return NEATConfig(
        inputs, outputs, population=population, distance="neat-python", crossover_rate=1.0, interspecies_rate=0.0,
        genome_mutate_rate=1.0, refocus_after=None, elite_species_size=0, elitism=2, species_elitism=2,
        max_stagnation=20, conn_add_prob=0.5, conn_delete_prob=0.5, node_add_prob=0.2, node_delete_prob=0.2,
        weight_mutate_rate=0.8, weight_replace_rate=0.1, bias_mutate_rate=0.7, bias_replace_rate=0.1,
        compatibility_weight_coefficient=0.5, compatibility_threshold=3.0,
    )  # fmt: skip


def ours(config: NEATConfig, X: np.ndarray, y: np.ndarray) -> Callable[[int], None]:
    engine = NEAT(config, random_state=0)

    def fitness(outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
        return -((outputs - y) ** 2).mean(axis=(1, 2))

    return lambda generations: engine.run(fitness, generations, X, y)


def theirs(config: NEATConfig, X: np.ndarray, y: np.ndarray) -> Callable[[int], None]:
    own = load_config(config)
    population = neat.Population(own, seed=0)
    rows, wanted = X.tolist(), y.tolist()

    def eval_genomes(genomes: list, config: neat.Config) -> None:
        for _, genome in genomes:
            net = neat.nn.FeedForwardNetwork.create(genome, config)
            error = 0.0
            for row, answer in zip(rows, wanted, strict=True):
                error += sum((a - b) ** 2 for a, b in zip(net.activate(row), answer, strict=True))
            genome.fitness = -error / (len(rows) * len(wanted[0]))

    return lambda generations: population.run(eval_genomes, generations) and None


def measure(run: Callable[[int], None], generations: int) -> tuple[float, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    run(generations)
    return (
        1e3 * (time.process_time() - cpu) / generations,
        1e3 * (time.perf_counter() - wall) / generations,
    )


def main() -> None:
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in ("neat-python", "numba", "numpy"))
    print(f"Python {platform.python_version()}, {versions}; one thread; load {os.getloadavg()[0]:.1f}")
    began = time.perf_counter()
    ours(settings(2, 1, 20), XOR, XOR_ANSWER)(3)
    print(
        f"first generations (kernels compiled, or read from the disk cache): {time.perf_counter() - began:.1f} s"
    )
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 8))
    works = [
        ("XOR, population 150", settings(2, 1, 150), XOR, XOR_ANSWER, 30, 10),
        ("XOR, population 1,000", settings(2, 1, 1000), XOR, XOR_ANSWER, 10, 3),
        (
            "8 -> 3, 1,000 samples, population 500",
            settings(8, 3, 500),
            X,
            np.tanh(X[:, :3] * X[:, 3:6]),
            3,
            1,
        ),
    ]
    heads = ("neuroloom CPU (wall)", "neat-python CPU (wall)", "ratio")
    print(f"{'milliseconds a generation, median':40s} {heads[0]:>22s} {heads[1]:>24s} {heads[2]:>7s}")
    for name, config, X_, y, many, few in works:
        a, b = ours(config, X_, y), theirs(config, X_, y)
        a(2)
        b(1)
        rounds = 5
        pairs = [(measure(a, many), measure(b, few)) for _ in range(rounds)]
        (ac, aw), (bc, bw) = (
            [statistics.median(p[side][k] for p in pairs) for k in (0, 1)] for side in (0, 1)
        )
        print(f"{name:40s} {ac:12.2f} ({aw:.2f}) {bc:17.1f} ({bw:.1f}) {bc / ac:8.0f}x")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
