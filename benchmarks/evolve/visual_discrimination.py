"""HyperNEAT's visual discrimination: find the larger of two squares, and again on finer fields without evolution.

Stanley, D'Ambrosio and Gauci 2009, section 4: on a field of 11 × 11 lies a square of 3 × 3 and one of a single pixel;
the output neuron of the same field that is most active should lie at the middle of the larger one. The larger square
is at 25 places, the smaller five pixels to the right, below and both (round the edges): 75 trials. Fitness falls with
the squared distance, in units of the field's side. Afterwards the champion's CPPN writes fields of 33 × 33 and 55 ×
55, the squares scaled with them.

    python -m benchmarks.evolve.visual_discrimination --seeds 20
"""

from __future__ import annotations

import argparse
import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import time

import numpy as np

from neuroloom.evolve import (
    NEAT,
    Expression,
    Substrate,
    SubstrateNetwork,
    SubstrateNetworks,
    hyperneat_config,
)

FIELD = 11
EXPRESSION = Expression(threshold=0.2, max_weight=3.0, bias=False, activation="identity")


def trials(size):
    """Return the pictures ``(75, size²)`` and the middles ``(75, 2)`` of the larger squares, in pixels."""
    scale = size // FIELD
    pictures, middles = [], []
    for row in range(1, FIELD, 2):
        for column in range(1, FIELD, 2):
            for down, right in ((0, 5), (5, 0), (5, 5)):
                picture = np.zeros((FIELD, FIELD), np.float32)
                picture[row - 1 : row + 2, column - 1 : column + 2] = 1
                picture[(row + down) % FIELD, (column + right) % FIELD] = 1
                pictures.append(np.kron(picture, np.ones((scale, scale), np.float32)).ravel())
                middles.append(((row + 0.5) * scale - 0.5, (column + 0.5) * scale - 0.5))
    return np.array(pictures), np.array(middles)


def distances(outputs, middles, size):
    """Return how far the most active of ``outputs (…, trials, size²)`` is from each middle, in sides of the field."""
    row, column = np.divmod(outputs.argmax(axis=-1), size)
    return np.hypot(row - middles[:, 0], column - middles[:, 1]) / size


def evolved(seed, generations, population):
    """Return the champion after the run, or as soon as it errs in no trial, and the generations done."""
    substrate = Substrate.sandwich(FIELD)
    engine = NEAT(hyperneat_config(substrate, EXPRESSION, population), seed)
    pictures, middles = trials(FIELD)

    def evaluate(cppns):
        outputs = SubstrateNetworks(cppns, substrate, EXPRESSION).run(pictures)
        return -(distances(outputs, middles, FIELD) ** 2).mean(axis=1)

    engine.run_phenotypes(evaluate, generations, lambda engine: engine.history_[-1]["score"] == 0)
    return engine.best_genome_, engine.generation


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--generations", type=int, default=200)
    parser.add_argument("--population", type=int, default=100)
    options = parser.parse_args()
    sizes = (11, 33, 55)
    table, seconds, done = [], [], []
    for seed in range(options.seeds):
        began = time.process_time()
        genome, generations = evolved(seed, options.generations, options.population)
        seconds.append((time.process_time() - began) / generations)
        done.append(generations)
        row = []
        for size in sizes:
            pictures, middles = trials(size)
            outputs = SubstrateNetwork(genome, Substrate.sandwich(size), EXPRESSION).activate(pictures)
            row.append(FIELD * distances(outputs, middles, size).mean())
        table.append(row)
        print(seed, generations, np.round(row, 3).tolist(), flush=True)
    table = np.array(table)
    print(
        f"{options.seeds} runs of up to {options.generations} generations of {options.population}, one thread"
    )
    print(
        f"CPU seconds a generation, median: {np.median(seconds):.3f}; generations, median: {np.median(done):.0f}"
    )
    print(
        "mean distance in pixels of the 11 × 11 field; runs within half a pixel on average, and without any error"
    )
    for k, size in enumerate(sizes):
        near, exact = (table[:, k] < 0.5).sum(), (table[:, k] < 0.05).sum()
        print(
            f"{size:>3} × {size:<3}{np.mean(table[:, k]):>8.2f} ± {table[:, k].std():.2f}{near:>6}{exact:>6}"
        )


if __name__ == "__main__":
    main()
