import networkx as nx
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from neuroloom.core import Graph, GraphSet, InputError, LinkSet, NodeSet, NotSupportedError
from neuroloom.graphs import GraphStatisticsFeatures, LinkHeuristicsFeatures, NodeFeatures, WLFeatures
from neuroloom.graphs.node_features import STATISTICS
from tests.reference import graph_reference as reference

GRAPHS = [
    nx.karate_club_graph(),
    nx.gnp_random_graph(40, 0.15, seed=1),
    nx.star_graph(5),
    nx.empty_graph(3),
    nx.complete_graph(6),
    nx.barbell_graph(5, 3),
]


@pytest.mark.parametrize("graph", GRAPHS, ids=range(len(GRAPHS)))
def test_statistics_equal_networkx(graph):
    made = dict(zip(STATISTICS, NodeFeatures().fit_transform(Graph.of(graph)).T, strict=True))
    degree = np.array([graph.degree(v) for v in graph])
    around = [[graph.degree(w) for w in graph[v]] for v in graph]
    np.testing.assert_array_equal(made["degree"], degree)
    np.testing.assert_allclose(made["log_degree"], np.log1p(degree))
    np.testing.assert_allclose(made["strength"], [graph.degree(v, weight="weight") for v in graph])
    np.testing.assert_allclose(made["clustering"], list(nx.clustering(graph).values()))
    np.testing.assert_array_equal(made["core_number"], list(nx.core_number(graph).values()))
    np.testing.assert_array_equal(made["triangles"], list(nx.triangles(graph).values()))
    np.testing.assert_allclose(made["mean_neighbour_degree"], [np.mean(a) if a else 0 for a in around])
    np.testing.assert_array_equal(made["max_neighbour_degree"], [max(a, default=0) for a in around])


def test_loops_and_directions_do_not_count():
    graph = Graph.of([(0, 1), (1, 0), (1, 2), (2, 0), (2, 2)], directed=True)
    made = dict(zip(STATISTICS, NodeFeatures().fit_transform(graph).T, strict=True))
    assert made["degree"].tolist() == [2, 2, 2]
    assert made["triangles"].tolist() == [1, 1, 1]


def test_node_features_come_first():
    graph = Graph.of(nx.path_graph(4), features=np.arange(8).reshape(4, 2))
    made = NodeFeatures().fit(graph)
    rows = made.transform(NodeSet(graph, [2, 0]))
    assert rows[:, :2].tolist() == [[4, 5], [0, 1]]
    assert made.get_feature_names_out().tolist() == ["feature0", "feature1", *STATISTICS]
    assert NodeFeatures(statistics=False).fit_transform(graph).shape == (4, 2)
    with pytest.raises(InputError, match="fitted on graphs of 2 node features, but got 0"):
        made.transform(NodeSet(nx.path_graph(4)))
    with pytest.raises(InputError, match="nothing is left"):
        NodeFeatures(statistics=False).fit(nx.path_graph(4))
    with pytest.raises(InputError, match="use LinkHeuristicsFeatures"):
        made.transform(LinkSet(graph, [(0, 2)]))


@pytest.mark.parametrize("graph", [GRAPHS[0], GRAPHS[1], GRAPHS[2], GRAPHS[5]], ids=range(4))
def test_heuristics_equal_the_reference(graph):
    pairs = list(nx.non_edges(graph))
    made = LinkHeuristicsFeatures().fit_transform(LinkSet(graph, pairs))
    neighbours = {v: set(graph[v]) for v in graph}
    np.testing.assert_allclose(made, [reference.link_scores(neighbours, u, v) for u, v in pairs])
    assert LinkHeuristicsFeatures().get_feature_names_out().shape == (5,)


def test_heuristics_of_no_pairs_and_of_wrong_samples():
    empty = LinkSet(nx.path_graph(3), np.empty((0, 2), dtype=int))
    assert LinkHeuristicsFeatures().fit_transform(empty).shape == (0, 5)
    with pytest.raises(NotSupportedError, match="expected a LinkSet, but got NodeSet"):
        LinkHeuristicsFeatures().fit(NodeSet(nx.path_graph(3)))


def test_heuristics_find_links():
    graph = Graph.of(nx.powerlaw_cluster_graph(300, 5, 0.9, seed=1))
    draws = np.random.default_rng(0)
    edges = graph.edges()[draws.permutation(graph.n_edges)[:200]]
    none = draws.integers(0, 300, (2000, 2))
    none = none[(none[:, 0] != none[:, 1]) & ~graph.has_edges(none)][:200]
    X, y = LinkSet(graph.without_edges(edges), np.concatenate([edges, none])), np.repeat([1, 0], 200)
    rows = draws.permutation(400)
    model = make_pipeline(LinkHeuristicsFeatures(), StandardScaler(), LogisticRegression())
    model.fit(X[rows[:200]], y[rows[:200]])
    assert roc_auc_score(y[rows[200:]], model.predict_proba(X[rows[200:]])[:, 1]) > 0.85


def test_graph_statistics_by_hand():
    triangle_and_tail = nx.Graph([(0, 1), (1, 2), (0, 2), (2, 3)])
    one_hot = np.eye(2)[[0, 0, 1, 1]]
    X = GraphSet(
        [Graph.of(triangle_and_tail, features=one_hot), Graph.of(nx.path_graph(2), features=np.eye(2))]
    )
    made = GraphStatisticsFeatures(degrees=2).fit(X)
    row = dict(zip(made.get_feature_names_out(), made.transform(X)[0], strict=True))
    assert row == {
        "sum_feature0": 2, "sum_feature1": 2, "mean_feature0": 0.5, "mean_feature1": 0.5,
        "count_degree0": 0, "count_degree1": 1, "count_degree2": 3,
        "share_degree0": 0, "share_degree1": 0.25, "share_degree2": 0.75,
        "nodes": 4, "edges": 4, "density": pytest.approx(4 / 6), "mean_clustering": pytest.approx((1 + 1 + 1 / 3) / 4),
        "triangles": 1, "max_core": 2, "components": 1,
    }  # fmt: skip
    bare = GraphStatisticsFeatures(structure=False).fit(X)
    assert bare.transform(X).tolist() == [[2, 2, 0.5, 0.5, 4], [1, 1, 0.5, 0.5, 2]]
    with pytest.raises(InputError, match="fitted on graphs of 2 node features, but got 0"):
        made.transform(GraphSet([nx.path_graph(3)]))
    with pytest.raises(NotSupportedError, match="expected a GraphSet"):
        made.fit(NodeSet(nx.path_graph(3)))


@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize("iterations", [0, 1, 3])
def test_wl_features_give_the_subtree_kernel(labelled, iterations):
    draws = np.random.default_rng(0)
    graphs, plain = [], []
    for seed in range(6):
        graph = nx.gnp_random_graph(12, 0.25, seed=seed)
        labels = draws.integers(0, 3, 12) if labelled else np.array([graph.degree(v) for v in graph])
        graphs.append(Graph.of(graph, features=np.eye(3)[labels] if labelled else None))
        plain.append(({v: list(graph[v]) for v in graph}, labels.tolist()))
    rows = WLFeatures(iterations, buckets=1 << 16, normalize="none").fit_transform(GraphSet(graphs))
    np.testing.assert_array_equal(rows @ rows.T, reference.wl_kernel(plain, iterations))


def test_wl_features_do_not_depend_on_the_order_of_nodes_and_tell_graphs_apart():
    graph = nx.gnp_random_graph(20, 0.2, seed=0)
    adjacency = nx.to_scipy_sparse_array(graph)
    order = np.random.default_rng(0).permutation(20)
    hexagon, triangles = nx.cycle_graph(6), nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3))
    rows = WLFeatures().fit_transform(
        GraphSet(
            [adjacency, adjacency[order][:, order], nx.path_graph(6), nx.star_graph(5), hexagon, triangles]
        )
    )
    np.testing.assert_array_equal(rows[0], rows[1])
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1)
    assert np.abs(rows[2] - rows[3]).max() > 0.1
    np.testing.assert_array_equal(rows[4], rows[5])  # WL cannot tell these two apart
    with pytest.raises(InputError, match="`buckets` must be a whole number of at least 2"):
        WLFeatures(buckets=1).fit(GraphSet([graph]))
