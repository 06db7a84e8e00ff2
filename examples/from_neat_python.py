"""neat-python's XOR script, moved here by its import: python examples/from_neat_python.py [config file]"""

import sys
import tempfile
from pathlib import Path

from neuroloom.evolve import NEATConfig
from neuroloom.evolve import neat_compat as neat  # was: import neat

XOR_INPUTS = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)]
XOR_OUTPUTS = [0.0, 1.0, 1.0, 0.0]


def eval_genomes(genomes, config):
    for _, genome in genomes:
        genome.fitness = 4.0
        net = neat.nn.FeedForwardNetwork.create(genome, config)
        for xi, xo in zip(XOR_INPUTS, XOR_OUTPUTS, strict=True):
            genome.fitness -= (net.activate(xi)[0] - xo) ** 2


def run(config_file):
    config = neat.Config(neat.DefaultGenome, neat.DefaultReproduction, neat.DefaultSpeciesSet,
                         neat.DefaultStagnation, config_file)  # fmt: skip
    population = neat.Population(config, seed=1)
    population.add_reporter(neat.StdOutReporter(False))
    stats = neat.StatisticsReporter()
    population.add_reporter(stats)
    winner = population.run(eval_genomes, 300)
    net = neat.nn.FeedForwardNetwork.create(winner, config)
    print(f"\nBest of {len(stats.most_fit_genomes)} generations: {winner}")
    for xi, xo in zip(XOR_INPUTS, XOR_OUTPUTS, strict=True):
        print(f"input {xi}, expected output {xo}, got {net.activate(xi)[0]:.3f}")
    return winner


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:  # no config file of neat-python at hand: write one
        own = Path(folder) / "config-feedforward"
        NEATConfig(2, 1, fitness_threshold=3.9).to_neat_python(own)
        run(sys.argv[1] if len(sys.argv) > 1 else own)
