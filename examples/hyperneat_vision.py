"""HyperNEAT sees which square is larger on a coarse field, and on a finer one without learning again.

python hyperneat_vision.py [PICTURE.png]
"""

import sys

import numpy as np
from matplotlib import pyplot

from neuroloom import evolve

draws = np.random.default_rng(0)


def scenes(size, count):
    """Return fields with a large and a small square, and the middles of the large ones."""
    unit, fields, middles = size // 7, np.zeros((count, size, size), np.float32), []
    for field in fields:
        (row, column), (far, off) = draws.integers(0, 5, 2), draws.integers(0, 7, 2)
        field[far * unit : (far + 1) * unit, off * unit : (off + 1) * unit] = 1
        field[row * unit : (row + 3) * unit, column * unit : (column + 3) * unit] = 1
        middles.append(((row + 1.5) * unit - 0.5, (column + 1.5) * unit - 0.5))
    return fields, np.array(middles)


def missed(outputs, middles, size):
    """Return how far the most active neuron is from the middle, in sides of the field."""
    row, column = np.divmod(outputs.argmax(axis=-1), size)
    return np.hypot(row - middles[:, 0], column - middles[:, 1]) / size


coarse, writes = evolve.Substrate.sandwich(7), evolve.Expression(bias=False, activation="identity")
fields, middles = scenes(7, 60)


def fitness(cppns):
    """Return a value a pattern: all write their networks and look at all fields, as one batch."""
    outputs = evolve.SubstrateNetworks(cppns, coarse, writes).run(fields.reshape(60, -1))
    return -missed(outputs, middles, 7).mean(axis=1)


eye = evolve.NEAT(evolve.hyperneat_config(coarse, writes, population=100), random_state=1)
eye.run_phenotypes(fitness, 40)
figure, axes = pyplot.subplots(1, 4, figsize=(11, 3.1), layout="constrained")
for ax, size in zip(axes, (7, 7, 21, 21), strict=True):
    new, at = scenes(size, 1)
    network = evolve.SubstrateNetwork(eye.best_genome_, evolve.Substrate.sandwich(size), writes)
    seen = network.activate(new.reshape(1, -1))
    miss = 7 * missed(seen, at, size)[0]
    print(f"{size} x {size}: misses by {miss:.2f} of 7 pixels, {network.n_connections:,} connections")
    ax.imshow(seen.reshape(size, size), cmap="viridis")
    ax.contour(new[0], levels=[0.5], colors="white", linewidths=1)
    ax.set_title(f"{size} × {size}", fontsize=10)
    ax.axis("off")
picture = sys.argv[1] if len(sys.argv) > 1 else "vision.png"
figure.savefig(picture, dpi=110)
print(f"picture in {picture}")
