"""Patterns that evolve towards shades and symmetry, each a small network of waves and bells over the plane.

python cppn_patterns.py [PICTURE.png]
"""

import sys

import numpy as np
from matplotlib import pyplot

from neuroloom.evolve import CPPN, NEAT, cppn_config, render

engine = NEAT(cppn_config(population=300), random_state=4)


def liking(net):
    """Return what this judge likes of each picture: many shades, two sides that mirror each other, and no noise."""
    pictures = render(engine, 32) / 255
    counts = np.stack([np.histogram(picture, 12, (0, 1))[0] for picture in pictures]) / 32**2
    shades = -(counts * np.log(np.maximum(counts, 1e-9))).sum(axis=1)
    mirrored = 1 - np.abs(pictures - pictures[:, :, ::-1]).mean(axis=(1, 2))
    noise = np.abs(np.diff(pictures, axis=2)).mean(axis=(1, 2)) + np.abs(np.diff(pictures, axis=1)).mean(
        axis=(1, 2)
    )
    return shades + 2 * mirrored - 2 * np.abs(noise - 0.15)


engine.run(liking, 60)
best = np.argsort(-engine.fitness)
chosen, seen = [], []
for row in best:  # one of each kind: none too much like those before it
    small = render([engine.genomes[row]], 24)[0].astype(float)
    if all(np.abs(small - other).mean() > 25 for other in seen):
        chosen.append(engine.genomes[row])
        seen.append(small)
    if len(chosen) == 12:
        break
figure, axes = pyplot.subplots(3, 4, figsize=(8, 6.1), layout="constrained")
for ax in axes.flat:
    ax.axis("off")
for ax, picture in zip(axes.flat, render(chosen, 200), strict=False):
    ax.imshow(picture, cmap="gray", vmin=0, vmax=255)
name = sys.argv[1] if len(sys.argv) > 1 else "cppn_patterns.png"
figure.savefig(name, dpi=100)
first = CPPN(chosen[0])
print(
    f"{len(chosen)} patterns in {name}; the first has {len(first.genome.nodes)} nodes and says "
    f"{first([[0.0, 0.0]])[0, 0]:.2f} in the middle"
)
