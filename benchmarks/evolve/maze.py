"""Deceptive mazes: how many evaluations novelty search, fitness and MAP-Elites take to find the way, over many seeds.

    OMP_NUM_THREADS=1 python -m benchmarks.evolve.maze [seeds] [which …]

The task is the published one (one start, 250 genomes, at most 250,000 evaluations; Lehman and Stanley 2011, experiments
1 and 2). ``which`` picks rows by a part of their name.
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import Any

from neuroloom.core import EnvSet
from neuroloom.core.maze import MAZES
from neuroloom.evolve import MAPElitesPolicy, NEATPolicy, NoveltyPolicy

POPULATION, BUDGET = 250, 250_000
ROWS: dict[str, tuple[Any, dict[str, Any]]] = {
    "novelty": (NoveltyPolicy, {"mix": 1.0}),
    "half": (NoveltyPolicy, {"mix": 0.5}),
    "elites": (MAPElitesPolicy, {}),
    "fitness": (NEATPolicy, {}),
}
PUBLISHED = {"novelty": ("18,274", "39/40 35,109"), "fitness": ("56,334", "3/40")}


def main(seeds: int, which: list[str]) -> None:
    """Print a row for each search and maze."""
    print("maze search solved median mean seconds-a-run published")
    for at, env_id in enumerate(MAZES):
        X = EnvSet(env_id, [0])
        for name, (policy, options) in ROWS.items():
            if which and not any(part in name for part in which):
                continue
            solved, taken = [], []
            for seed in range(seeds):
                began = time.perf_counter()
                model = policy(
                    population=POPULATION, generations=BUDGET // POPULATION, episodes=1, random_state=seed,
                    early_stopping=True, patience=BUDGET, **options,
                ).fit(X)  # fmt: skip
                taken.append(time.perf_counter() - began)
                if model.score(X) >= model._target(X):
                    solved.append(int(model.history_[-1]["evaluations"]))
            middle = f"{statistics.median(solved):,.0f} {statistics.mean(solved):,.0f}" if solved else "- -"
            published = PUBLISHED.get(name, ("-", "-"))[at]
            row = f"{env_id.split('/')[1]} {name} {len(solved)}/{seeds} {middle}"
            print(f"{row} {statistics.mean(taken):.1f} {published}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20, sys.argv[2:])
