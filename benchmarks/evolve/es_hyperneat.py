"""CPU seconds a generation of ES-HyperNEAT on XOR, at quadtree depths 1 to 4, population 150, one thread.

Three inputs (one constant) and one output; the plane is divided to the depth in any case. Breeding, the CPPNs'
compilation, the growth of all networks and their evaluation are in it.

Where PUREPLES can be imported (it is on no package index: clone its repository and put it on PYTHONPATH), its own
ES-HyperNEAT runs beside, in alternating rounds and up to depth 3, over neat-python with the same settings of the CPPNs
and of the quadtree. Its module of drawings, which needs further packages, is left out, and neat-python's configuration
is written as version 2 wants it; nothing else is changed.

    PYTHONPATH=.:../pureples python -m benchmarks.evolve.es_hyperneat
"""

from __future__ import annotations

import importlib.util
import os
import sys
import types

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import time

import numpy as np

from neuroloom.evolve import NEAT, EvolvableSubstrate, Expression, grow
from neuroloom.evolve.neat_python import load_config
from neuroloom.evolve.phenotypes import Phenotypes

X = np.array([[0.0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], np.float32)
Y = np.array([0.0, 1, 1, 0])
INPUTS, OUTPUTS = [(-1.0, -1.0), (0.0, -1.0), (1.0, -1.0)], [(0.0, 1.0)]
ROUNDS, GENERATIONS, WARM = 5, 20, 5
PEER_ROUNDS, PEER_GENERATIONS = 3, {1: 10, 2: 5, 3: 2}
CPPNS = {
    "activation_default": "tanh",
    "activation_options": ("gauss", "sin", "tanh"),
    "output_activation": "tanh",
}
VARIANCE, BAND, DIVISION, WEIGHT, ITERATIONS = 0.03, 0.3, 0.03, 3.0, 1


class Ours:
    """Our engine at one depth; ``sizes`` are the mean neurons and connections of each generation's networks."""

    def __init__(self, depth, seed):
        self.sizes = []
        self._substrate = EvolvableSubstrate(
            np.array(INPUTS), np.array(OUTPUTS), expression=Expression(0.0, WEIGHT, bias=False), initial_depth=depth,
            max_depth=depth, division_threshold=DIVISION, variance_threshold=VARIANCE, band_threshold=BAND,
            iterations=ITERATIONS,
        )  # fmt: skip
        self._engine = NEAT(self._substrate.config(150, **CPPNS), seed)

    def run(self, generations):
        """Evolve on."""
        self._engine.run_phenotypes(self._judge, generations)

    def _judge(self, cppns):
        grown = grow(cppns, self._substrate)
        self.sizes.append((len(grown.places) / len(cppns), len(grown.genes.weight) / len(cppns)))
        outputs = Phenotypes(grown.genes, 3, 1).activate(np.ascontiguousarray(X.T))[:, 0]
        return -((np.tanh(outputs) - Y) ** 2).mean(axis=1)


class Pureples:
    """PUREPLES at one depth, as its own experiment on XOR goes."""

    def __init__(self, depth, seed):
        import neat

        sys.modules.setdefault(
            "pureples.shared.visualize", types.SimpleNamespace(draw_es=None, draw_net=None)
        )
        from pureples.es_hyperneat.es_hyperneat import ESNetwork
        from pureples.shared.substrate import Substrate

        self.sizes, self._network = [], ESNetwork
        self._substrate = Substrate(INPUTS, OUTPUTS)
        self._parameters = {
            "initial_depth": depth, "max_depth": depth, "variance_threshold": VARIANCE, "band_threshold": BAND,
            "iteration_level": ITERATIONS, "division_threshold": DIVISION, "max_weight": WEIGHT, "activation": "tanh",
        }  # fmt: skip
        config = EvolvableSubstrate(np.array(INPUTS), np.array(OUTPUTS)).config(150, **CPPNS)
        self._population = neat.Population(load_config(config.replace(inputs=5, outputs=1)), seed=seed)

    def run(self, generations):
        """Evolve on."""
        self._population.run(self._judge, generations)

    def _judge(self, genomes, config):
        import neat

        sizes = []
        for _, genome in genomes:
            made = self._network(
                self._substrate, neat.nn.FeedForwardNetwork.create(genome, config), self._parameters
            )
            net = made.create_phenotype_network()
            error = 0.0
            for row, wanted in zip(X.tolist(), Y.tolist(), strict=True):
                net.reset()
                for _ in range(made.activations):
                    found = net.activate(row)
                error += (found[0] - wanted) ** 2
            genome.fitness = -error / len(X)
            nodes = {node for node, *_ in net.node_evals} - set(net.output_nodes)
            sizes.append((len(nodes), sum(len(links) for *_, links in net.node_evals)))
        self.sizes.append(np.mean(sizes, axis=0))


def timed(run, generations):
    """Return CPU milliseconds a generation."""
    began = time.process_time()
    run(generations)
    return 1e3 * (time.process_time() - began) / generations


def line(name, depth, took, runs):
    """Print one row."""
    neurons, conns = np.mean([size for run in runs for size in run.sizes], axis=0)
    print(
        f"{depth:>5}  {name:<10}{np.median(took):>12.1f}{min(took):>12.1f}{neurons:>9.1f}{conns:>13.1f}",
        flush=True,
    )


def main():
    there = importlib.util.find_spec("pureples") is not None
    print(
        f"median of {ROUNDS} runs of {GENERATIONS} generations, the first {WARM} not counted"
        + (f"; PUREPLES {PEER_ROUNDS} runs of {PEER_GENERATIONS}, the first not counted" if there else "")
        + f"; load {os.getloadavg()[0]:.1f}"
    )
    print(f"{'depth':>5}  {'':<10}{'CPU-ms a generation':>12}{'least':>5}{'neurons':>9}{'connections':>13}")
    for depth in (1, 2, 3, 4):
        ours = [Ours(depth, seed) for seed in range(ROUNDS)]
        peers = [
            Pureples(depth, seed) for seed in range(PEER_ROUNDS if there and depth in PEER_GENERATIONS else 0)
        ]
        took, peer_took = [], []
        for k, run in enumerate(ours):
            run.run(WARM)
            took.append(timed(run.run, GENERATIONS))
            if k < len(peers):
                peers[k].run(1)
                peer_took.append(timed(peers[k].run, PEER_GENERATIONS[depth]))
        line("neuroloom", depth, took, ours)
        if peers:
            line("PUREPLES", depth, peer_took, peers)
            print(f"{'':>7}{np.median(peer_took) / np.median(took):.0f} times")


if __name__ == "__main__":
    main()
