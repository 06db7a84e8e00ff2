"""An evolved network whose weights are searched anew: what structure found, and what numbers still add.

python weights_of_a_topology.py [GENERATIONS]
"""

import sys

from sklearn.datasets import make_moons
from sklearn.model_selection import train_test_split

from neuroloom.evolve import FixedTopologyClassifier, NEATClassifier

generations = int(sys.argv[1]) if len(sys.argv) > 1 else 100

X, y = make_moons(400, noise=0.2, random_state=0)
X, X_test, y, y_test = train_test_split(X, y, random_state=0)

neat = NEATClassifier(generations=generations, activations=("tanh",), random_state=0).fit(X, y)
evolved = neat.best_genome_
print(
    f"NEAT: {evolved.n_hidden} hidden neurons, {neat.n_parameters_} numbers, test {neat.score(X_test, y_test):.3f}"
)
for topology, words in ((evolved, "the same structure"), (None, "a layer of 8 neurons")):
    for optimizer in ("cma-es", "genetic-algorithm", "l-bfgs"):
        model = FixedTopologyClassifier(optimizer, topology=topology, generations=generations, random_state=0)
        model.fit(X, y)
        evaluations = model.history_[-1]["evaluations"]
        print(
            f"{optimizer} on {words}: {model.n_parameters_} numbers, {evaluations:,} evaluations, "
            f"test {model.score(X_test, y_test):.3f}"
        )
