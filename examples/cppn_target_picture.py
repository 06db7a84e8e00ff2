"""A picture that evolution reached without wanting it, and how asking for it fails (Woolley and Stanley 2011).

The target evolves by a taste for shades and symmetry; then evolution towards its pixels, with the same genomes,
mutations and budget, is tried from several seeds.

python cppn_target_picture.py [PICTURE.png] [GENERATIONS]
"""

import sys

import numpy as np
from matplotlib import pyplot

from neuroloom.evolve import CPPN, NEAT, CPPNRegressor, cppn_config, render
from neuroloom.evolve.cppn import grid

SIZE, POPULATION = 48, 150
name = sys.argv[1] if len(sys.argv) > 1 else "cppn_target_picture.png"
generations = int(sys.argv[2]) if len(sys.argv) > 2 else 300


def liking(net):
    """Return what this judge likes of each picture: many shades, mirrored sides but not halves, and some edges."""
    pictures = render(engine, 32) / 255
    counts = np.stack([np.histogram(picture, 12, (0, 1))[0] for picture in pictures]) / 32**2
    shades = -(counts * np.log(np.maximum(counts, 1e-9))).sum(axis=1)
    mirrored = -np.abs(pictures - pictures[:, :, ::-1]).mean(axis=(1, 2))
    halves = np.abs(pictures - pictures[:, ::-1]).mean(axis=(1, 2))
    edges = [np.abs(np.diff(pictures, axis=axis)).mean(axis=(1, 2)) for axis in (1, 2)]
    return shades + 3 * mirrored + 2 * halves - 8 * np.abs(sum(edges) - 0.15)


engine = NEAT(cppn_config(population=POPULATION), random_state=1)
target = CPPN(engine.run(liking, generations))
X, y = grid(SIZE, SIZE), target.render(SIZE).ravel() / 255

found = [
    CPPNRegressor(population=POPULATION, generations=generations, random_state=seed).fit(X, y)
    for seed in range(3)
]
shares = [model.score(X, y) for model in found]

pictures = [target.render(200) / 255, *(model.picture(200) for model in found)]
titles = [
    f"target: {target.genome.n_hidden} hidden nodes",
    *(f"asked for, seed {k}\n{share:.0%} of variance" for k, share in enumerate(shares)),
]
figure, axes = pyplot.subplots(1, 4, figsize=(10, 3.1), layout="constrained")
for ax, picture, title in zip(axes, pictures, titles, strict=True):
    ax.imshow(picture, cmap="gray", vmin=0, vmax=1)
    ax.set_title(title, fontsize=10)
    ax.axis("off")
figure.savefig(name, dpi=100)
print(
    f"the target came about with {target.genome.n_hidden} hidden nodes; asked for, evolution explains "
    f"{', '.join(f'{share:.0%}' for share in shares)} of its variance; see {name}"
)
