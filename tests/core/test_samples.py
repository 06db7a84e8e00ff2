import pickle

import networkx as nx
import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score, train_test_split
from sklearn.pipeline import Pipeline

from neuroloom.core import EnvSet, Graph, GraphSet, InputError, LinkSet, NodeSet, kind_of, observed_graph


class Degree(TransformerMixin, BaseEstimator):
    """The simplest feature of each kind of sample, to the power of a parameter."""

    def __init__(self, power=1.0):
        self.power = power

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        if isinstance(X, NodeSet):
            column = X.graph.degrees[X.ids]
        elif isinstance(X, LinkSet):
            adjacency = X.graph.to_scipy()
            u, v = X.pairs.T
            column = np.asarray(adjacency[u].multiply(adjacency[v]).sum(axis=1)).ravel()
        else:
            column = np.array([graph.degrees.mean() for graph in X.graphs])
        return (column[:, None] ** self.power).astype(float)


def nodes():
    graph = nx.disjoint_union(nx.complete_graph(20), nx.cycle_graph(20))
    return NodeSet(graph), np.repeat(["dense", "ring"], 20)


def links(seed=0):
    graph = Graph.of(nx.planted_partition_graph(2, 30, 0.5, 0.02, seed=1))
    draws = np.random.default_rng(seed)
    edges = graph.edges()[draws.permutation(graph.n_edges)[:100]]
    pairs = draws.integers(0, 60, (4000, 2))
    pairs = np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)
    none = draws.permutation(pairs[~graph.has_edges(pairs)])[:100]
    return LinkSet(graph.without_edges(edges), np.concatenate([edges, none])), np.repeat([1, 0], 100)


def graphs():
    made = [nx.cycle_graph(n) for n in range(4, 24)] + [nx.complete_graph(n) for n in range(4, 24)]
    return GraphSet(made), np.repeat([0, 1], 20)


SETS = pytest.mark.parametrize("make", [nodes, links, graphs], ids=["nodes", "links", "graphs"])


def pipeline():
    return Pipeline([("degree", Degree()), ("head", LogisticRegression())])


@SETS
def test_cross_val_score(make):
    X, y = make()
    scores = cross_val_score(pipeline(), X, y, cv=StratifiedKFold(5, shuffle=True, random_state=0))
    assert len(scores) == 5
    assert scores.mean() > 0.65


@SETS
def test_grid_search(make):
    X, y = make()
    search = GridSearchCV(pipeline(), {"degree__power": [0.0, 1.0]}, cv=StratifiedKFold(3)).fit(X, y)
    assert search.best_params_ == {"degree__power": 1.0}
    assert np.mean(search.predict(X) == y) > 0.7
    assert search.cv_results_["mean_test_score"][0] == pytest.approx(0.5, abs=0.08)


@SETS
def test_pipeline(make):
    X, y = make()
    model = pipeline().fit(X, y)
    assert model.predict(X).shape == (len(X),)
    assert model.score(X, y) > 0.7
    assert model.predict_proba(X[:3]).shape == (3, 2)


@SETS
def test_train_test_split(make):
    X, y = make()
    train, test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=0, stratify=y)
    assert type(train) is type(test) is type(X)
    assert len(train) == len(y_train) == len(y) * 3 // 4
    assert pipeline().fit(train, y_train).score(test, y_test) > 0.6


def describe(X):
    return {NodeSet: lambda: X.ids, LinkSet: lambda: X.pairs, EnvSet: lambda: X.seeds}.get(
        type(X), lambda: np.array([g.n_nodes for g in X.graphs])
    )()


@pytest.mark.parametrize(
    "make",
    [nodes, links, graphs, lambda: (EnvSet("CartPole-v1", range(10, 30), {"a": 1}), None)],
    ids=["nodes", "links", "graphs", "episodes"],
)
def test_they_index_like_arrays(make):
    X, _ = make()
    all_ = describe(X)
    n = len(X)
    assert X.shape == (n,)
    assert X.ndim == 1
    mask = np.arange(n) % 3 == 0
    keys = [slice(None), slice(2, 9, 3), slice(-4, None), np.array([3, 0, 3]), [1, 2], mask, mask.tolist(),
            np.array([-1]), np.array([], dtype=int), (np.array([2, 1]), Ellipsis), (mask,)]  # fmt: skip
    for key in keys:
        part = X[key]
        assert type(part) is type(X)
        np.testing.assert_array_equal(describe(part), all_[key[0] if isinstance(key, tuple) else key])
    np.testing.assert_array_equal(describe(X[5]), all_[[5]])
    np.testing.assert_array_equal(describe(X[-1]), all_[[-1]])
    np.testing.assert_array_equal(describe(X[2:8][[1, 3]]), all_[[3, 5]])
    assert len(list(X)) == n
    np.testing.assert_array_equal(describe(list(X)[4]), all_[[4]])
    with pytest.raises(IndexError):
        X[n]
    with pytest.raises(IndexError):
        X[[True, False]]
    loaded = pickle.loads(pickle.dumps(X))
    np.testing.assert_array_equal(describe(loaded), all_)


class LooksUp(ClassifierMixin, BaseEstimator):
    """Calls a pair an edge when the graph it was given holds it: what a leak would reward."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        found = X.graph.has_edges(X.pairs).astype(float)
        return np.column_stack([1 - found, found])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def test_looking_an_edge_up_scores_a_half():
    X, y = links()
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    assert cross_val_score(LooksUp(), X, y, cv=folds, scoring="roc_auc").tolist() == [0.5] * 5
    assert cross_val_score(LooksUp(), X, y, cv=folds).tolist() == [0.5] * 5


class LooksUpWhatItLearned(LooksUp):
    """The same in the graph that holds the positive training pairs, the most an estimator may know."""

    def fit(self, X, y):
        self.graph_ = observed_graph(X, y)
        return super().fit(X, y)

    def predict_proba(self, X):
        found = self.graph_.has_edges(X.pairs).astype(float)
        return np.column_stack([1 - found, found])


def test_the_training_pairs_tell_nothing_of_the_test_pairs():
    X, y = links()
    for train, test in StratifiedKFold(4, shuffle=True, random_state=1).split(X.pairs, y):
        model = LooksUpWhatItLearned().fit(X[train], y[train])
        assert roc_auc_score(y[train], model.predict_proba(X[train])[:, 1]) == 1
        assert roc_auc_score(y[test], model.predict_proba(X[test])[:, 1]) == 0.5


def test_observed_graph():
    X = LinkSet(nx.path_graph(5), [(0, 2), (0, 3), (1, 4)])
    assert observed_graph(X, [1, 0, 1]).n_edges == 6
    assert observed_graph(X, ["no", "yes", "no"]).has_edges(X.pairs).tolist() == [False, True, False]
    assert observed_graph(X, np.array([False, True, True])).has_edges(X.pairs).tolist() == [False, True, True]
    assert observed_graph(X, [0, 0, 0]) is X.graph
    assert X.graph.n_edges == 4
    with pytest.raises(InputError, match="y must hold 3 labels"):
        observed_graph(X, [1, 0])
    with pytest.raises(InputError, match="must have two values, no edge and edge, but got 3"):
        observed_graph(X, [0, 1, 2])


def test_pairs_that_are_edges_are_refused():
    graph = Graph.of(nx.path_graph(4))
    with pytest.raises(InputError, match=r"2 of 3 pairs are edges of the graph, the first \(0, 1\)"):
        LinkSet(graph, [(0, 1), (0, 3), (2, 1)])
    with pytest.raises(InputError, match=r"`pairs` must have shape \(n, 2\)"):
        LinkSet(graph, [0, 1])
    with pytest.raises(InputError, match="node ids in 0 … 3"):
        LinkSet(graph, [(0, 4)])
    with pytest.raises(InputError, match="whole numbers"):
        LinkSet(graph, [(0.5, 2.0)])
    one_way = Graph.of([(0, 1)], directed=True)
    assert len(LinkSet(one_way, [(1, 0)])) == 1


def test_wrong_nodes():
    with pytest.raises(InputError, match="`ids` must lie in 0 … 3, but reach from 0 to 4"):
        NodeSet(nx.path_graph(4), [0, 4])
    with pytest.raises(InputError, match="must be a line of node ids"):
        NodeSet(nx.path_graph(4), [0.5])
    with pytest.raises(InputError, match="must be a line of node ids"):
        NodeSet(nx.path_graph(4), [[0, 1]])
    assert len(NodeSet(nx.path_graph(4), [])) == 0
    assert repr(NodeSet(nx.path_graph(4), [1])) == "NodeSet(1 nodes of Graph(4 nodes, 3 undirected edges))"


def test_graphs_must_be_alike():
    with pytest.raises(InputError, match="must have as many node features"):
        GraphSet([Graph.of([(0, 1)], features=np.ones((2, 1))), Graph.of([(0, 1)])])
    assert repr(GraphSet([nx.path_graph(2)])) == "GraphSet(1 graphs)"


def test_seeds_of_episodes():
    with pytest.raises(InputError, match="`seeds` must be a line of whole numbers of at least 0"):
        EnvSet("CartPole-v1", [-1])
    with pytest.raises(
        InputError, match="`seeds` must hold whole numbers of at least 0, but has dtype float64"
    ):
        EnvSet("CartPole-v1", [0.5])
    assert EnvSet("CartPole-v1", [1, 2], {"a": 1})[[1]].options == {"a": 1}


def test_kinds():
    import pandas as pd

    made = [kind_of(make()[0]) for make in (nodes, links, graphs)]
    assert made == ["nodes", "links", "graphs"]
    assert kind_of(EnvSet("CartPole-v1", [0])) == "episodes"
    assert kind_of(pd.DataFrame({"a": [1]})) == "table"
    assert [kind_of(np.zeros((2,) * k)) for k in (2, 3, 4)] == ["table", "series", "image"]
    assert kind_of([[1, 2]]) == "table"
    with pytest.raises(InputError, match="2, 3 or 4 dimensions"):
        kind_of(np.zeros(3))
