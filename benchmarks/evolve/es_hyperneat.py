"""CPU seconds a generation of ES-HyperNEAT on XOR, at quadtree depths 1 to 4, population 150, one thread.

Three inputs (one constant) and one output; the plane is divided to the depth in any case. Breeding, the CPPNs'
compilation, the growth of all networks and their evaluation are in it.

    python -m benchmarks.evolve.es_hyperneat
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import time

import numpy as np

from neuroloom.evolve import NEAT, EvolvableSubstrate, Expression, grow
from neuroloom.evolve.phenotypes import Phenotypes

X = np.array([[0.0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], np.float32)
Y = np.array([0.0, 1, 1, 0])
ROUNDS, GENERATIONS = 7, 30


def main():
    print(
        f"median of {ROUNDS} runs of {GENERATIONS} generations, the first 5 not counted; load {os.getloadavg()[0]:.1f}"
    )
    print(f"{'depth':>5}{'CPU-ms a generation':>21}{'least':>8}{'neurons':>9}{'connections':>13}")
    for depth in (1, 2, 3, 4):
        substrate = EvolvableSubstrate(
            np.array([[-1.0, -1], [0, -1], [1, -1]]),
            np.array([[0.0, 1]]),
            initial_depth=depth,
            max_depth=depth,
            expression=Expression(0.0, bias=False),
        )
        took, sizes = [], []

        def evaluate(cppns, substrate=substrate, sizes=sizes):
            grown = grow(cppns, substrate)
            sizes.append((len(grown.places) / len(cppns), len(grown.genes.weight) / len(cppns)))
            outputs = Phenotypes(grown.genes, 3, 1).activate(np.ascontiguousarray(X.T))[:, 0]
            return -((np.tanh(outputs) - Y) ** 2).mean(axis=1)

        for seed in range(ROUNDS):
            engine = NEAT(substrate.config(150), seed)
            engine.run_phenotypes(evaluate, 5)
            began = time.process_time()
            engine.run_phenotypes(evaluate, GENERATIONS)
            took.append(1e3 * (time.process_time() - began) / GENERATIONS)
        neurons, conns = np.mean(sizes, axis=0)
        print(f"{depth:>5}{np.median(took):>21.1f}{min(took):>8.1f}{neurons:>9.1f}{conns:>13.1f}", flush=True)


if __name__ == "__main__":
    main()
