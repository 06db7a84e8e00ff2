"""ES-HyperNEAT finds where the hidden neurons of a network lie: XOR, drawn as it stands in the plane.

python es_hyperneat_placement.py [PICTURE.png]
"""

import sys

import numpy as np
from matplotlib import pyplot

from neuroloom import evolve
from neuroloom.evolve.phenotypes import Phenotypes

X = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]], np.float32)
y = np.array([0, 1, 1, 0])
substrate = evolve.EvolvableSubstrate.layered(2, 1, initial_depth=3, max_depth=3, band_threshold=0.1)


def fitness(cppns):
    """Return a value a pattern: all grow their networks together."""
    networks = Phenotypes(evolve.grow(cppns, substrate).genes, 2, 1)
    return -((networks.activate(np.ascontiguousarray(X.T))[:, 0] - y) ** 2).mean(axis=1)


search = evolve.NEAT(substrate.config(150, fitness_threshold=-0.005), random_state=3)
search.run_phenotypes(fitness, 200)
network = evolve.EvolvedNetwork(search.best_genome_, substrate)
print(f"after {search.generation} generations: {np.round(network.activate(X)[:, 0], 2).tolist()} for XOR")
print(f"{len(network.hidden)} hidden neurons and {network.n_connections} connections were found")
figure, axes = pyplot.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
for ax, depth in zip(axes, (3, 4), strict=True):
    finer = evolve.EvolvableSubstrate.layered(2, 1, initial_depth=3, max_depth=depth, band_threshold=0.1)
    shown = network if depth == 3 else evolve.EvolvedNetwork(search.best_genome_, finer)
    shown.plot(ax)
    ax.set_title(f"depth {depth}: {len(shown.hidden)} hidden neurons", fontsize=10)
picture = sys.argv[1] if len(sys.argv) > 1 else "placement.png"
figure.savefig(picture, dpi=110)
print(f"picture in {picture}")
