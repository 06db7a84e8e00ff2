"""The smaller networks that an estimator has beside its answer: what the report's scores by size are made of."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from neuroloom.evolve import MAPElitesClassifier, MAPElitesRegressor, NSGA2Classifier, NSGA2Regressor
from neuroloom.methods import build
from neuroloom.runner.outcome import beside_of

X, Y = load_iris(return_X_y=True)


@pytest.mark.parametrize(
    ("estimator", "measure"),
    [
        (NSGA2Classifier(30, 15), "enabled connections"),
        (NSGA2Regressor(30, 15, complexity="nodes", settings={"node_add_prob": 0.5}), "hidden neurons"),
        (MAPElitesClassifier(30, 15), "enabled connections"),
        (MAPElitesRegressor(30, 15), "enabled connections"),
    ],
    ids=lambda v: type(v).__name__ if not isinstance(v, str) else "",
)
def test_larger_networks_are_fitter_and_the_fittest_is_the_answer(estimator, measure):
    model = estimator.set_params(random_state=0).fit(X, Y)
    said, found = model.alternatives()
    assert said == measure
    assert len(found) > 1
    sizes = [size for size, _ in found]
    assert sizes == sorted(set(sizes))
    fitness = [other.best_genome_.fitness for _, other in found]
    assert fitness == sorted(set(fitness))
    for size, other in found:
        genome = other.best_genome_
        assert size == (genome.n_hidden if measure == "hidden neurons" else genome.n_enabled)
        assert other.n_parameters_ == genome.n_parameters
    np.testing.assert_array_equal(found[-1][1].predict(X), model.predict(X))
    assert found[0][1].predict(X).tolist() != model.predict(X).tolist()


def test_of_a_pipeline_the_last_step_is_asked_with_what_comes_to_it():
    model, _ = build(
        "wavelets+nsga2", "series", "classification", {"nsga2": {"population": 30, "generations": 5}}
    )
    series = np.random.default_rng(0).normal(size=(40, 1, 32))
    y = np.arange(40) % 2
    model.set_params(nsga2__random_state=0).fit(series, y)
    front = beside_of(model, series, lambda other, rows: float(np.mean(other.predict(rows) == y)))
    assert front["measure"] == "enabled connections"
    assert front["points"][-1][1] == np.mean(model.predict(series) == y)
