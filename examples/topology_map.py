"""A map of an evolution: networks that are built alike lie close to each other.

Two runs on the same task, one for fitness and one that also rewards structures not seen before, on one plane each.

python topology_map.py [PICTURE.png] [GENERATIONS]
"""

import sys

import numpy as np
from matplotlib import pyplot
from sklearn.datasets import make_moons

from neuroloom.evolve import NEAT, NEATConfig, NoveltySearch
from neuroloom.methods.topology import TopologyMap, topology_behaviour

name = sys.argv[1] if len(sys.argv) > 1 else "topology_map.png"
generations = int(sys.argv[2]) if len(sys.argv) > 2 else 100

X, y = make_moons(300, noise=0.2, random_state=0)
rows = np.ascontiguousarray(X.T, dtype=np.float32)
target = np.where(y == 1, 1.0, -1.0).astype(np.float32)[None]
config = NEATConfig(
    2, 1, population=150, node_add_prob=0.1, conn_add_prob=0.2, output_activation="tanh",
    activation_default="random", activation_options=("tanh", "gauss", "sin"),
)  # fmt: skip


def fitness(phenotypes):
    return phenotypes.score_error(rows, target)


figure, axes = pyplot.subplots(2, 2, figsize=(11, 8.6), layout="constrained")
searches = ((NEAT, fitness, {}), (NoveltySearch, topology_behaviour(fitness), {"mix": 0.5}))
for (engine_class, judge, options), pair in zip(searches, axes, strict=True):
    seen = TopologyMap(every=max(generations // 50, 1), sample=20)
    engine = engine_class(config, random_state=0, **options)
    engine.run_phenotypes(judge, generations, callback=seen)
    seen.plot(axes=pair)
    for ax in pair:
        ax.set_title(f"{engine_class.__name__}: {ax.get_title()}", fontsize=10)
    shapes = {graph.indices.tobytes() + graph.indptr.tobytes() for graph in seen.graphs_.graphs}
    print(
        f"{engine_class.__name__}: best error {-max(seen.fitness_):.3f}, "
        f"{len(shapes)} structures among {len(seen.graphs_)} networks kept"
    )
figure.savefig(name, dpi=100)
print(f"see {name}")
