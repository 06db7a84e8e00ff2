import networkx as nx
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from neuroloom.core import Graph, GraphSet, InputError, LinkSet, NodeSet, NotSupportedError
from neuroloom.graphs import DeepWalk, Node2Vec, ProNE
from neuroloom.graphs.embedding import pair_features
from tests.reference import graph_reference as reference

SMALL = [
    DeepWalk(dimensions=8, walks=2, walk_length=10, window=3, epochs=1),
    Node2Vec(dimensions=8, walks=2, walk_length=10, window=3, epochs=1, p=0.5, q=2.0),
    ProNE(dimensions=8),
]


@pytest.fixture(scope="module")
def karate():
    graph = nx.karate_club_graph()
    y = np.array([graph.nodes[v]["club"] for v in graph])
    return NodeSet(Graph.of(graph)), y


@pytest.mark.parametrize(
    "method", [DeepWalk(), Node2Vec(p=0.5, q=2.0), ProNE()], ids=lambda m: type(m).__name__
)
def test_karate_is_learned(karate, method):
    X, y = karate
    pipeline = make_pipeline(clone(method).set_params(random_state=0), StandardScaler(), LogisticRegression())
    folds = StratifiedKFold(4, shuffle=True, random_state=0)
    assert cross_val_score(pipeline, X, y, cv=folds).mean() >= 0.85  # the larger class holds 0.5


@pytest.mark.parametrize(
    "method", [DeepWalk(dimensions=32), ProNE(dimensions=32)], ids=lambda m: type(m).__name__
)
def test_planted_communities_are_found(method):
    graph = nx.planted_partition_graph(6, 40, 0.25, 0.02, seed=3)
    y = np.repeat(np.arange(6), 40)
    vectors = method.set_params(random_state=0).fit_transform(NodeSet(graph))
    scores = cross_val_score(LogisticRegression(max_iter=1000), vectors, y, cv=4)
    assert scores.mean() > 0.9


@pytest.mark.parametrize("method", SMALL[:2], ids=lambda m: type(m).__name__)
def test_another_seed_gives_other_walks(karate, method):
    X, _ = karate
    one, other = (clone(method).set_params(random_state=seed).fit(X).embedding_ for seed in (5, 6))
    assert np.abs(other - one).max() > 1e-3


@pytest.mark.parametrize("method", SMALL, ids=lambda m: type(m).__name__)
def test_transform_takes_nodes_links_and_the_graph(karate, method):
    X, _ = karate
    fitted = clone(method).set_params(random_state=0).fit(X)
    vectors = fitted.embedding_
    assert vectors.shape == (34, 8)
    assert vectors.dtype == np.float32
    assert fitted.n_parameters_ == 34 * 8
    np.testing.assert_array_equal(fitted.transform(X[[3, 1, 3]]), vectors[[3, 1, 3]])
    np.testing.assert_array_equal(fitted.transform(nx.karate_club_graph()), vectors)
    pairs = [(0, 33), (4, 20)]
    made = fitted.transform(LinkSet(X.graph, pairs))
    np.testing.assert_allclose(made, vectors[[0, 4]] * vectors[[33, 20]], rtol=1e-6)
    assert len(fitted.get_feature_names_out()) == made.shape[1]


def test_links_are_learned_from_the_observed_graph_and_the_positive_pairs():
    graph = Graph.of(nx.path_graph(8))
    pairs = [(0, 7), (1, 5), (2, 6)]
    X, y = LinkSet(graph, pairs), np.array(["edge", "none", "none"])
    fitted = ProNE(2, random_state=0).fit(X, np.where(y == "edge", 1, 0))
    with_edge = ProNE(2, random_state=0).fit(graph.with_edges([(0, 7)]))
    np.testing.assert_array_equal(fitted.embedding_, with_edge.embedding_)
    assert fitted.transform(X).shape == (3, 2)
    np.testing.assert_array_equal(
        ProNE(2, random_state=0).fit(X).embedding_, ProNE(2, random_state=0).fit(graph).embedding_
    )


@pytest.mark.parametrize(
    ("operator", "wanted"),
    [
        ("hadamard", [[3, -8]]),
        ("average", [[2, 1]]),
        ("l1", [[2, 6]]),
        ("l2", [[4, 36]]),
        ("dot", [[-5]]),
        ("concat", [[1, -2, 3, 4]]),
    ],
)
def test_operators_by_hand(operator, wanted):
    left, right = np.array([[1, -2]], dtype=np.float32), np.array([[3, 4]], dtype=np.float32)
    np.testing.assert_array_equal(pair_features(left, right, operator), wanted)


@pytest.mark.parametrize("operator", ["dot", "concat", "l2"])
def test_names_of_link_features_fit_their_number(karate, operator):
    X, _ = karate
    fitted = ProNE(4, operator=operator, random_state=0).fit(X)
    features = fitted.transform(LinkSet(X.graph, [(0, 33)]))
    assert fitted.get_feature_names_out().shape == (features.shape[1],)


def test_another_graph_is_refused(karate):
    X, _ = karate
    fitted = ProNE(4, random_state=0).fit(X)
    with pytest.raises(InputError, match="transductive: it knows the nodes of the graph it was fitted on"):
        fitted.transform(NodeSet(nx.path_graph(34)))
    with pytest.raises(NotSupportedError, match="got a GraphSet"):
        fitted.fit(GraphSet([nx.path_graph(3)]))


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (DeepWalk(dimensions=0), "`dimensions` must be a whole number of at least 1"),
        (DeepWalk(walk_length=1), "`walk_length` must be a whole number of at least 2"),
        (Node2Vec(p=0), "`p` must be a number in"),
        (Node2Vec(q=-1.0), "`q` must be a number in"),
        (ProNE(mu=3), "`mu` must be a number in"),
        (ProNE(operator="product"), "`operator` must be one of"),
    ],
)
def test_parameters_are_checked(karate, method, message):
    with pytest.raises(InputError, match=message):
        method.fit(karate[0])


@pytest.mark.parametrize("method", SMALL, ids=lambda m: type(m).__name__)
def test_awkward_graphs(method):
    with pytest.raises(InputError, match="needs a graph with edges"):
        method.fit(Graph.of([], names=["a", "b"]))
    with pytest.raises(InputError, match="negative"):
        method.fit(Graph.of([(0, 1, -1.0), (1, 2, 1.0)]))
    lonely = Graph.of([("a", "b"), ("b", "c"), ("c", "c")], directed=True, names=[*"abc", "alone"])
    assert np.isfinite(clone(method).set_params(random_state=0).fit(lonely).embedding_).all()
    pair = clone(method).set_params(random_state=0).fit(Graph.of([(0, 1)]))
    assert len(pair.embedding_) == 2


def test_deepwalk_is_node2vec_at_one(karate):
    X, _ = karate
    options = {"dimensions": 8, "walks": 2, "walk_length": 10, "window": 3, "random_state": 1}
    np.testing.assert_array_equal(
        DeepWalk(**options).fit(X).embedding_, Node2Vec(**options).fit(X).embedding_
    )


def test_history_says_how_training_went(karate):
    fitted = DeepWalk(dimensions=8, walks=10, random_state=0).fit(karate[0])
    losses = [record["loss"] for record in fitted.history_]
    assert losses[-1] < losses[0]
    assert [record["step"] for record in fitted.history_] == list(range(1, len(losses) + 1))


def gram(vectors):
    return vectors @ vectors.T


@pytest.mark.parametrize("dimensions", [3, 8])
def test_prone_equals_the_dense_reference(dimensions):
    graph = Graph.of(nx.connected_watts_strogatz_graph(60, 6, 0.3, seed=1))
    made = ProNE(dimensions, random_state=0, power_iterations=40).fit(graph).embedding_
    wanted = reference.prone(graph.to_scipy().toarray(), dimensions)
    np.testing.assert_allclose(gram(made), gram(wanted), atol=2e-3)
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)


def test_prone_weighted_equals_the_dense_reference():
    draws = np.random.default_rng(0)
    plain = nx.connected_watts_strogatz_graph(40, 4, 0.3, seed=2)
    graph = Graph.of([(u, v, float(draws.uniform(0.2, 3))) for u, v in plain.edges()])
    made = ProNE(5, order=6, mu=0.1, theta=0.8, random_state=0, power_iterations=60).fit(graph).embedding_
    wanted = reference.prone(graph.to_scipy().toarray(), 5, order=6, mu=0.1, theta=0.8)
    np.testing.assert_allclose(gram(made), gram(wanted), atol=2e-3)


def test_prone_does_not_depend_on_the_order_of_nodes():
    graph = nx.connected_watts_strogatz_graph(60, 6, 0.3, seed=1)
    order = np.random.default_rng(0).permutation(60)
    adjacency = nx.to_scipy_sparse_array(graph)
    first = ProNE(6, random_state=0, power_iterations=40).fit(adjacency).embedding_
    second = ProNE(6, random_state=0, power_iterations=40).fit(adjacency[order][:, order]).embedding_
    np.testing.assert_allclose(gram(second), gram(first)[np.ix_(order, order)], atol=2e-3)


def test_walk_embeddings_do_not_depend_on_the_order_of_nodes():
    """Relabelled, the draws differ, so only what is nearest to what can be compared."""
    graph = nx.planted_partition_graph(4, 20, 0.5, 0.02, seed=3)
    adjacency = nx.to_scipy_sparse_array(graph)
    order = np.random.default_rng(0).permutation(80)
    first = DeepWalk(16, random_state=0).fit(adjacency).embedding_
    second = DeepWalk(16, random_state=0).fit(adjacency[order][:, order]).embedding_
    similar = [np.corrcoef(v) for v in (first[order], second)]
    upper = np.triu_indices(80, 1)
    assert np.corrcoef(similar[0][upper], similar[1][upper])[0, 1] > 0.7
    mixed = np.corrcoef(first)[upper]
    assert abs(np.corrcoef(mixed, similar[1][upper])[0, 1]) < 0.2
