"""The modular left-and-right retina: HyperNEAT and ES-HyperNEAT, with link expression, its seed and connection cost.

Kashtan and Alon 2005; as a task for HyperNEAT: Verbancsics and Stanley 2011, for ES-HyperNEAT: Risi and Stanley 2012.
Eight pixels, four on either side; on each side eight of the 16 patterns are an object: three or four pixels, or one or
two of the outer column alone. Two outputs say, apart, by their sign whether there is an object on their side, for all
256 pictures. A network is right when both signs are; solved means right for all. Fitness is 1 / (1 + squared error),
targets ±1 and outputs within them.

    python -m benchmarks.evolve.retina --seeds 20 --generations 500 --population 150

Link expression output (LEO): a connection is there where a further output of the CPPN is above 0. Its locality seed is
a Gaussian of the difference along x, so that at first only neighbours are joined. Connection cost: NSGA-II on fitness
and the sum of the connections' squared lengths, by which two patterns are compared in a quarter of the cases (Clune,
Mouret and Lipson 2013); --cost-rate says in how many else, 0 being the same selection by fitness alone.

Q is Newman's modularity of the champion's connections without their direction, for the best division that greedy
merging finds (networkx); split is the share of connections that stay on one side, left or right.
"""

from __future__ import annotations

import argparse
import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import itertools
import time

import networkx as nx
import numpy as np

from neuroloom.evolve import (
    NEAT,
    NSGA2,
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


def wiring(network):
    """Return the places ``(connections, 2, d)`` of the ends of a network's connections."""
    if isinstance(network, EvolvedNetwork):
        own = network.substrate
        place = {-i - 1: at for i, at in enumerate(own.inputs)} | dict(enumerate(own.outputs))
        place |= {len(own.outputs) + i: at for i, at in enumerate(network.hidden)}
        return [(place[c.source], place[c.target]) for c in network.genome.connections]
    sheets = network.substrate.sheets
    return [
        (sheets[a][s], sheets[b][t])
        for (a, b), weights in zip(network.substrate.joined, network.weights, strict=True)
        for t, s in zip(*np.nonzero(weights), strict=True)
    ]


def modularity(network):
    """Return Q, 0 where nothing is joined, and the share of connections that stay on one side."""
    ends = wiring(network)
    if not ends:
        return 0.0, np.nan
    graph = nx.Graph([(tuple(a), tuple(b)) for a, b in ends])
    parts = nx.community.greedy_modularity_communities(graph)
    return nx.community.modularity(graph, parts), np.mean([a[0] * b[0] > 0 for a, b in ends])


METHODS = (
    *("hyperneat", "hyperneat cost", "hyperneat leo", "hyperneat leo cost", "hyperneat leo seed"),
    *("hyperneat leo seed cost", "es", "es leo", "es leo seed"),
)


def run(method, number, generations, population, cost_rate):
    """Return the generations until all pictures were right (or None), the share that is, what the champion is made of
    (connections, their cost, Q and the share on one side) and seconds a generation.
    """
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
            grown = grow(cppns, substrate)
            nets, costs = Phenotypes(grown.genes, 8, 2), grown.connection_costs(substrate)
        else:
            nets = SubstrateNetworks(cppns, substrate, expression)
            costs = nets.connection_costs()
        outputs = np.tanh(nets.activate(samples))
        solved.append(right(outputs).max())
        fitness = 1 / (1 + ((outputs - y.T) ** 2).mean(axis=(1, 2)))
        return (fitness, costs) if "cost" in method else fitness

    founder = seed(substrate.dimensions, expression) if "seed" in method else None
    if "cost" in method:
        engine = NSGA2(config, number, founder=founder, complexity="given", cost_rate=cost_rate)
    else:
        engine = NEAT(config, number, founder=founder)
    began = time.process_time()
    engine.run_phenotypes(evaluate, generations, lambda _: solved[-1] == 1)
    seconds = (time.process_time() - began) / engine.generation
    best = engine.best_genome_
    made = EvolvedNetwork(best, substrate) if own == "es" else SubstrateNetwork(best, substrate, expression)
    solution = engine.generation if max(solved) == 1 else None
    return solution, max(solved), made.n_connections, made.connection_cost, *modularity(made), seconds


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("methods", nargs="*", default=METHODS, help=f"of {', '.join(METHODS)}")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--generations", type=int, default=500)
    parser.add_argument("--population", type=int, default=150)
    parser.add_argument("--cost-rate", type=float, default=0.25)
    options = parser.parse_args()
    print(
        f"{options.seeds} runs of up to {options.generations} generations of {options.population}, one thread"
    )
    print(
        f"{'':<24}{'solved':>8}{'median gen.':>13}{'right':>8}{'least':>8}{'connections':>13}{'cost':>8}{'Q':>12}"
        f"{'split':>7}{'CPU-s a gen.':>14}"
    )
    for method in options.methods:
        sizes = options.generations, options.population, options.cost_rate
        rows = [run(method, k, *sizes) for k in range(options.seeds)]
        done = [row[0] for row in rows if row[0]]
        shares, conns, cost, q, sides, seconds = (np.array([row[k] for row in rows]) for k in range(1, 7))
        when = f"{np.median(done):.0f}" if done else "–"
        print(
            f"{method:<24}{len(done):>5}/{len(rows):<2}{when:>13}{shares.mean():>8.3f}{shares.min():>8.3f}"
            f"{np.median(conns):>13.0f}{np.median(cost):>8.1f}{q.mean():>6.2f}±{q.std():.2f} {np.nanmean(sides):>6.2f}"
            f"{np.median(seconds):>14.4f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
