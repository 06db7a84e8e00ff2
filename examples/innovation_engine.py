"""An innovation engine (Nguyen, Yosinski and Clune 2015): patterns that a classifier takes for each of its classes.

MAP-Elites keeps the best pattern for every digit; one may become the parent of another's. Below, evolved one by one.

python innovation_engine.py [PICTURE.png] [GENERATIONS]
"""

import sys

import numpy as np
from matplotlib import pyplot
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from neuroloom.evolve import CPPN, NEAT, MAPElites, cppn_config, render

name = sys.argv[1] if len(sys.argv) > 1 else "innovation_engine.png"
generations = int(sys.argv[2]) if len(sys.argv) > 2 else 400

X, y = load_digits(return_X_y=True)
judge = SVC(C=10, gamma=0.002).fit(X, y)  # right of 99 % of held-out digits, and sure of odd things, too


def votes(phenotypes):
    """Return how far each picture lies on each digit's side, (genomes, 10), as probabilities of a softmax."""
    pictures = 16 * (render(phenotypes, 8) / 255).reshape(len(phenotypes), 64)
    found = judge.decision_function(pictures)
    likely = np.exp(found - found.max(axis=1, keepdims=True))
    return likely / likely.sum(axis=1, keepdims=True)


def all_digits(phenotypes):
    niches = np.arange(10.0)[None, :, None]  # a picture stands for all ten digits at once
    return votes(phenotypes), np.repeat(niches, len(phenotypes), axis=0)


config = cppn_config(population=100)
engine = MAPElites(config, random_state=0, ranges=[(-0.5, 9.5)], cells=[10])
engine.run_phenotypes(all_digits, generations)
elites = {elite.cell: elite.genome for elite in engine.elites_}

alone = {}
for digit in range(10):
    single = NEAT(config, random_state=digit)
    single.run_phenotypes(lambda nets, digit=digit: votes(nets)[:, digit], max(generations // 10, 1))
    alone[digit] = single.best_genome_

figure, axes = pyplot.subplots(2, 10, figsize=(13, 3.5), layout="constrained")
for row, (genomes, words) in enumerate(((elites, "together"), (alone, "alone"))):
    for digit, ax in enumerate(axes[row]):
        ax.imshow(CPPN(genomes[digit]).render(128), cmap="gray", vmin=0, vmax=255)
        ax.set_title(f"“{digit}” {genomes[digit].fitness:.0%}", fontsize=9)
        ax.axis("off")
    where = {"transform": axes[row, 0].transAxes, "rotation": 90, "va": "center", "ha": "right"}
    axes[row, 0].text(-0.1, 0.5, words, **where)
figure.savefig(name, dpi=100)
means = [np.mean([genome.fitness for genome in found.values()]) for found in (elites, alone)]
print(f"mean certainty of the ten digits: {means[0]:.0%} together, {means[1]:.0%} alone; see {name}")
