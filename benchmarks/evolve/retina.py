"""The modular left-and-right retina: HyperNEAT and ES-HyperNEAT, with and without link expression and its seed.

Kashtan and Alon 2005; as a task for HyperNEAT: Verbancsics and Stanley 2011, for ES-HyperNEAT: Risi and Stanley 2012.
Eight pixels, four on either side; on each side eight of the 16 patterns are an object: three or four pixels, or one or
two of the outer column alone. Two outputs say, apart, by their sign whether there is an object on their side, for all
256 pictures. A network is right when both signs are; solved means right for all. Fitness is 1 / (1 + squared error),
targets ±1 and outputs within them.

    python -m benchmarks.evolve.retina --seeds 20 --generations 500 --population 150

Link expression output (LEO): a connection is there where a further output of the CPPN is above 0. Its locality seed is
a Gaussian of the difference along x, so that at first only neighbours are joined.
"""

from __future__ import annotations

import argparse
import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import itertools
import time

import numpy as np

from neuroloom.evolve import (
    NEAT,
    Connection,
    EvolvableSubstrate,
    EvolvedNetwork,
    Expression,
    Genome,
    Node,
    Substrate,
    SubstrateNetwork,
    SubstrateNetworks,
    grow,
    hyperneat_config,
)
from neuroloom.evolve.phenotypes import Phenotypes

# on either side two columns of two pixels: inner and outer by x, near and far by z
INPUTS = np.array([(x, -1.0, z) for x in (-1.0, -0.5, 0.5, 1.0) for z in (-1.0, 1.0)])
HIDDEN = (
    np.array([(x, -0.33, z) for x in (-1.0, -0.5, 0.5, 1.0) for z in (-1.0, 1.0)]),
    np.array([(x, 0.33, 0.0) for x in (-1.0, -0.5, 0.5, 1.0)]),
)
OUTPUTS = np.array([(-0.75, 1.0, 0.0), (0.75, 1.0, 0.0)])


def pictures():
    """Return all ``(256, 8)`` pictures of -1 and 1, and the targets ``(256, 2)`` of -1 and 1."""
    X = np.array(list(itertools.product((0, 1), repeat=8)))

    def there(side, outer):
        lit, beside = side.sum(axis=1), side[:, outer].sum(axis=1)
        return (lit >= 3) | ((beside == lit) & (lit > 0))

    left, right = there(X[:, :4], [0, 1]), there(X[:, 4:], [2, 3])
    return 2.0 * X - 1, np.where(np.stack([left, right], axis=1), 1.0, -1.0)


def seed(dimensions, expression):
    """Return the founder whose link expression is a Gaussian of the difference along the first coordinate."""
    leo, inputs = expression.outputs - 1, 2 * dimensions + 2
    nodes = [Node(k, activation="identity") for k in range(expression.outputs)]
    nodes[leo] = Node(leo, bias=-0.5, activation="identity")
    hidden = expression.outputs
    conns = [(-1, hidden, 1.0), (-1 - dimensions, hidden, -1.0), (hidden, leo, 1.0)]
    conns += [(-i - 1, k, 0.1) for i in range(inputs) for k in range(leo)]
    return Genome(
        inputs,
        expression.outputs,
        (*nodes, Node(hidden, activation="gauss")),
        tuple(Connection(k, *conn) for k, conn in enumerate(conns)),
    )


def flat(places):
    """Return the places in the plane, where ES-HyperNEAT looks for hidden neurons: z beside x."""
    return np.column_stack([0.9 * places[:, 0] + 0.1 * places[:, 2], places[:, 1]])


METHODS = ("hyperneat", "hyperneat leo", "hyperneat leo seed", "es", "es leo", "es leo seed")


def run(method, number, generations, population):
    """Return the generations until all pictures were right (or None), the share that is, connections and seconds."""
    X, y = pictures()
    own, leo = method.split()[0], "leo" in method
    if own == "es":
        expression = Expression(0.0, 3.0, leo=leo, activation="tanh")
        substrate = EvolvableSubstrate(
            flat(INPUTS), flat(OUTPUTS), expression=expression, initial_depth=2, max_depth=3
        )
        config = substrate.config(population)
    else:
        substrate = Substrate((INPUTS, *HIDDEN, OUTPUTS))
        expression = Expression(0.2, 3.0, leo=leo, outputs_by_link=3)
        config = hyperneat_config(substrate, expression, population)
    samples, solved = np.ascontiguousarray(X.T, dtype=np.float32), []

    def right(outputs):
        return (np.sign(outputs) == y.T).all(axis=-2).mean(axis=-1)

    def evaluate(cppns):
        if own == "es":
            nets = Phenotypes(grow(cppns, substrate).genes, 8, 2)
        else:
            nets = SubstrateNetworks(cppns, substrate, expression)
        outputs = np.tanh(nets.activate(samples))
        solved.append(right(outputs).max())
        return 1 / (1 + ((outputs - y.T) ** 2).mean(axis=(1, 2)))

    founder = seed(substrate.dimensions, expression) if "seed" in method else None
    engine, began = NEAT(config, number, founder=founder), time.process_time()
    engine.run_phenotypes(evaluate, generations, lambda _: solved[-1] == 1)
    seconds = (time.process_time() - began) / engine.generation
    best = engine.best_genome_
    made = EvolvedNetwork(best, substrate) if own == "es" else SubstrateNetwork(best, substrate, expression)
    return engine.generation if max(solved) == 1 else None, max(solved), made.n_connections, seconds


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("methods", nargs="*", default=METHODS, help=f"of {', '.join(METHODS)}")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--generations", type=int, default=500)
    parser.add_argument("--population", type=int, default=150)
    options = parser.parse_args()
    print(
        f"{options.seeds} runs of up to {options.generations} generations of {options.population}, one thread"
    )
    print(
        f"{'':<20}{'solved':>8}{'median gen.':>13}{'right':>8}{'least':>8}{'connections':>13}{'CPU-s a gen.':>14}"
    )
    for method in options.methods:
        rows = [run(method, k, options.generations, options.population) for k in range(options.seeds)]
        done = [row[0] for row in rows if row[0]]
        shares, conns, seconds = (np.array([row[k] for row in rows]) for k in (1, 2, 3))
        when = f"{np.median(done):.0f}" if done else "–"
        print(
            f"{method:<20}{len(done):>5}/{len(rows):<2}{when:>13}{shares.mean():>8.3f}{shares.min():>8.3f}"
            f"{np.median(conns):>13.0f}{np.median(seconds):>14.4f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
