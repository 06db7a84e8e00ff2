"""Seeds trained together give the numbers that they give alone."""

import networkx as nx
import numpy as np
import pytest
from sklearn.base import clone

from neuroloom import graphs
from neuroloom.core import Graph, NodeSet
from neuroloom.core.fitting import Job
from neuroloom.graphs import together


@pytest.fixture(scope="module")
def planted():
    graph = nx.planted_partition_graph(3, 40, 0.2, 0.02, seed=0)
    y = np.repeat(["a", "b", "c"], 40)
    x = np.random.default_rng(0).normal(size=(120, 8)).astype(np.float32)
    x[:, :3] += 0.7 * (y[:, None] == ["a", "b", "c"])
    return NodeSet(Graph.of(graph, features=x)), y


def _jobs(method, X, y, seeds):
    rows = np.random.default_rng(1).permutation(120)
    train, valid = rows[:50], rows[50:80]
    parts = X[train], y[train], (X[valid], y[valid])
    return [Job(clone(method).set_params(random_state=seed), *parts) for seed in seeds]


@pytest.mark.parametrize("model", ["APPNP", "GAT", "GATv2", "GCN", "GCNII", "GPS", "GraphSAGE"])
def test_the_same_numbers_as_alone_whatever_the_grouping(planted, model, monkeypatch):
    X, y = planted
    method = getattr(graphs, f"{model}NodeClassifier")(hidden=8, epochs=40, patience=4, normalize="standard")
    counted = []
    real = together._together
    monkeypatch.setattr(together, "_together", lambda jobs: counted.append(len(jobs)) or real(jobs))
    made = together.fit_many(_jobs(method, X, y, range(5)))
    assert counted == [5]
    alone = [job.estimator.fit(job.X, job.y, job.eval_set) for job in _jobs(method, X, y, range(5))]
    for one, other in zip(made, alone, strict=True):
        np.testing.assert_allclose(one.predict_proba(X), other.predict_proba(X), atol=1e-5)
        np.testing.assert_array_equal(one.predict(X), other.predict(X))
        assert len(one.history_) == len(other.history_)
        assert one.n_parameters_ == other.n_parameters_
        assert one.random_state == other.random_state
    if model == "GraphSAGE":  # they stop on their own
        assert len({len(one.history_) for one in made}) > 1


def test_what_cannot_be_shared_is_fitted_alone(planted, monkeypatch):
    X, y = planted
    counted = []
    real = together._together
    monkeypatch.setattr(together, "_together", lambda jobs: counted.append(len(jobs)) or real(jobs))
    method = graphs.GCNNodeClassifier(hidden=8, epochs=5)
    jobs = _jobs(method, X, y, [0, 1]) + _jobs(method.set_params(hidden=4), X, y, [0, 1])
    jobs += [job._replace(eval_set=None) for job in _jobs(method, X, y, [2, 3])]
    jobs += _jobs(graphs.GINNodeClassifier(hidden=8, epochs=5), X, y, [0, 1])  # batch normalisation
    jobs += _jobs(graphs.GRANDNodeClassifier(hidden=8, epochs=5), X, y, [0, 1])
    made = graphs.GCNNodeClassifier.fit_many(jobs)
    assert sorted(counted) == [2, 2]
    assert [type(m).__name__ for m in made] == [type(j.estimator).__name__ for j in jobs]
    assert made[2].weights_["layers.0.linear.weight"].shape == (8, 4)
    assert all(hasattr(m, "weights_") for m in made)


def test_embeddings_that_hang_on_the_seed_are_a_networks_own(planted):
    X, y = planted
    bare = NodeSet(X.graph.with_features(None), X.ids)
    jobs = _jobs(graphs.GCNNodeClassifier(hidden=8, epochs=5), bare, y, [0, 1])
    made = together.fit_many(jobs)
    alone = [
        job.estimator.fit(job.X, job.y, job.eval_set) for job in _jobs(jobs[0].estimator, bare, y, [0, 1])
    ]
    for one, other in zip(made, alone, strict=True):
        np.testing.assert_array_equal(one.predict_proba(bare), other.predict_proba(bare))
