"""XOR by the paper's criterion (each output on its side of 0.5), over many seeds, by the default settings.

    OMP_NUM_THREADS=1 python -m benchmarks.evolve.xor [seeds]

Expected running time: all evaluations spent, failed runs included, divided by the number of successes.
"""

from __future__ import annotations

import sys

import numpy as np

from neuroloom.evolve import NEAT, NEATConfig

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
Y = np.array([0.0, 1.0, 1.0, 0.0])
GENERATIONS = 300


def solve(seed: int, **changes: object) -> tuple[bool, int, int]:
    """Return whether a run solved XOR, its evaluations, and the hidden nodes of the network that did."""
    engine = NEAT(NEATConfig(2, 1, **changes), seed)
    winner: list[int] = []

    def fitness(outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
        right = ((outputs[:, :, 0] > 0.5) == (y > 0.5)).all(axis=1)
        winner[:] = np.flatnonzero(right)[:1].tolist()
        return (4 - np.abs(outputs[:, :, 0] - y).sum(axis=1)) ** 2

    engine.run(fitness, GENERATIONS, X, Y, callback=lambda _: bool(winner))
    hidden = engine.genomes[winner[0]].n_hidden if winner else -1
    return bool(winner), int(engine.history_[-1]["evaluations"]), hidden


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    variants: list[tuple[str, dict[str, object]]] = [
        ("defaults", {}),
        ("no mating", {"crossover_rate": 0.0}),
        ("no speciation", {"compatibility_threshold": 1e9}),
        ("no growth, one hidden node", {"node_add_prob": 0.0, "conn_add_prob": 0.0, "hidden": 1,
                                         "initial_connection": "full_direct"}),
    ]  # fmt: skip
    print(f"{seeds} seeds, at most {GENERATIONS} generations of 150")
    for name, changes in variants:
        runs = [solve(seed, **changes) for seed in range(seeds)]
        good = np.array([r[0] for r in runs])
        spent = np.array([r[1] for r in runs])
        if not good.any():
            print(f"{name:28s} solved 0/{seeds}")
            continue
        hidden = np.mean([r[2] for r in runs if r[0]])
        wins = spent[good]
        print(
            f"{name:28s} solved {good.sum()}/{seeds}; expected running time {spent.sum() / good.sum():.0f}; "
            f"of successes: mean {wins.mean():.0f} (sd {wins.std():.0f}), median {np.median(wins):.0f}; "
            f"hidden {hidden:.2f}"
        )


if __name__ == "__main__":
    main()
