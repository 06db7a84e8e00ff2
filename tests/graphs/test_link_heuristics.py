"""Scores of pairs against networkx, their use as features and as classifiers, and that no answer leaks."""

import networkx as nx
import numpy as np
import pytest
from sklearn.model_selection import cross_val_score

from neuroloom.core import Graph, InputError, LinkSet, NodeSet, NotSupportedError, observed_graph
from neuroloom.core.seeding import stream
from neuroloom.graphs import LinkHeuristicClassifier, LinkHeuristicsFeatures, link_scores
from neuroloom.graphs.link_heuristic import best_threshold
from neuroloom.graphs.pair_scores import HEURISTICS, LOCAL, ScoreOptions
from neuroloom.tasks.links import drawn_links

CLUB = nx.karate_club_graph()
GRAPHS = {
    "karate": CLUB,
    "path and a lone node": nx.disjoint_union(nx.path_graph(6), nx.empty_graph(1)),
    "hub": nx.star_graph(60),
    "bipartite": nx.complete_bipartite_graph(3, 50),
    "clusters": nx.powerlaw_cluster_graph(80, 3, 0.4, seed=2),
}


def by_networkx(graph, pairs, name):
    index = {
        "jaccard": nx.jaccard_coefficient,
        "adamic_adar": nx.adamic_adar_index,
        "resource_allocation": nx.resource_allocation_index,
        "preferential_attachment": nx.preferential_attachment,
    }
    if name in index:
        found = [value for _, _, value in index[name](graph, pairs)]
        return np.log1p(found) if name == "preferential_attachment" else found
    if name == "common_neighbours":
        return [len(list(nx.common_neighbors(graph, u, v))) for u, v in pairs]
    if name == "shortest_path":
        return [1 / nx.shortest_path_length(graph, u, v) if nx.has_path(graph, u, v) else 0 for u, v in pairs]
    matrix = nx.to_numpy_array(graph, nodelist=range(len(graph)), weight=None)
    if name == "local_path":
        made = matrix @ matrix + 0.01 * matrix @ matrix @ matrix
    elif name == "katz":
        beta = 0.5 / np.linalg.eigvalsh(matrix)[-1]
        made = np.linalg.inv(np.eye(len(matrix)) - beta * matrix) - np.eye(len(matrix))
    else:
        ranks = [
            nx.pagerank(
                graph, 0.85, personalization={u: 1}, dangling={u: 1}, tol=1e-12, weight=None, max_iter=1000
            )
            for u in graph
        ]
        made = np.array([[rank[v] for v in graph] for rank in ranks])
        made = made + made.T
    return [made[u, v] for u, v in pairs]


@pytest.mark.parametrize("heuristic", HEURISTICS)
@pytest.mark.parametrize("name", GRAPHS)
def test_scores_equal_networkx(name, heuristic):
    graph = GRAPHS[name]
    pairs = np.array(list(nx.non_edges(graph))[::3])
    found = link_scores(graph, pairs, heuristic)
    wanted = by_networkx(graph, pairs, heuristic)
    tight = {"katz": 2e-5, "personalised_pagerank": 1e-4}
    np.testing.assert_allclose(found, wanted, rtol=tight.get(heuristic, 1e-12), atol=2e-6)
    np.testing.assert_allclose(link_scores(graph, pairs[:, ::-1], heuristic), found, rtol=1e-4, atol=2e-6)
    assert link_scores(graph, np.empty((0, 2), dtype=int), heuristic).shape == (0,)


def test_katz_sums_to_networkx_centrality():
    beta = 0.05
    every = np.array([(u, v) for u in CLUB for v in CLUB])
    table = link_scores(CLUB, every, "katz", ScoreOptions(beta=beta)).reshape(34, 34)
    wanted = nx.katz_centrality(CLUB, alpha=beta, beta=1.0, normalized=False, weight=None, tol=1e-10)
    np.testing.assert_allclose(table.sum(axis=1) + 1, list(wanted.values()), rtol=1e-4)


def test_weights_directions_and_loops_are_left_out():
    messy = nx.DiGraph()
    messy.add_nodes_from(range(34))
    messy.add_edges_from(CLUB.edges())
    messy.add_weighted_edges_from([(3, 3, 5.0), (1, 0, 9.0)])
    pairs = np.array([(9, 30), (4, 12), (16, 26)])
    for heuristic in HEURISTICS:
        np.testing.assert_allclose(
            link_scores(messy, pairs, heuristic), link_scores(CLUB, pairs, heuristic), rtol=1e-9
        )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"beta": 1.5}, r"`beta` must be a number in \(0, 1\)"),
        ({"beta": 0.3}, r"needs a `beta` below 0\.148.* on this graph"),
        ({"damping": 0.0}, "`damping` must be"),
        ({"epsilon": -1.0}, "`epsilon` must be"),
    ],
)
def test_parameters_out_of_range_are_named(options, words):
    with pytest.raises(InputError, match=words):
        link_scores(CLUB, [(0, 9)], "katz", ScoreOptions(**options))
    links = LinkSet(CLUB, [(0, 9), (1, 33)])
    with pytest.raises(InputError, match=words):
        LinkHeuristicsFeatures(heuristics=("katz",), **options).fit(links).transform(links)


def data(seed=0, n=120):
    made = drawn_links(Graph.of(nx.powerlaw_cluster_graph(n, 4, 0.6, seed=seed)), stream(seed, "x"))
    return made.X, made.y


def test_features_of_training_pairs_never_see_their_own_answer():
    X, y = data()
    made = LinkHeuristicsFeatures("all")
    crossed = made.fit_transform(X, y)
    assert crossed.shape == (len(y), len(HEURISTICS))
    assert made.get_feature_names_out().tolist() == list(HEURISTICS)
    distance = crossed[:, HEURISTICS.index("shortest_path")]
    assert distance.max() == 0.5  # no pair is one step apart, so none is scored with its own edge
    assert made.transform(X)[y == 1, HEURISTICS.index("shortest_path")].min() == 1
    shuffled = np.random.default_rng(0).permutation(
        y
    )  # answers that mean nothing must not be told from scores
    noise = LinkHeuristicsFeatures("all").fit_transform(X, shuffled)
    with_answers = LinkHeuristicsFeatures("all").fit(X, shuffled).transform(X)
    gap = [
        abs(table[shuffled == 1].mean(axis=0) - table[shuffled == 0].mean(axis=0))
        for table in (noise, with_answers)
    ]
    assert gap[0][HEURISTICS.index("katz")] < 0.3 * gap[1][HEURISTICS.index("katz")]


def test_features_use_the_training_edges_for_other_pairs():
    X, y = data()
    train, test = np.arange(len(y)) % 2 == 0, np.arange(len(y)) % 2 == 1
    made = LinkHeuristicsFeatures().fit(X[train], y[train])
    known = observed_graph(X[train], y[train])
    for column, heuristic in zip(made.transform(X[test]).T, LOCAL, strict=True):
        np.testing.assert_allclose(column, link_scores(known, X[test].pairs, heuristic))
    other = LinkSet(CLUB, [(9, 30), (4, 12)])
    np.testing.assert_allclose(made.transform(other)[:, 2], link_scores(CLUB, other.pairs, "adamic_adar"))
    one = LinkHeuristicsFeatures("katz").fit_transform(other)
    np.testing.assert_allclose(one[:, 0], link_scores(CLUB, other.pairs, "katz"))


def test_unknown_heuristics_are_named():
    links = LinkSet(CLUB, [(0, 9)])
    with pytest.raises(InputError, match="did you mean 'adamic_adar'"):
        LinkHeuristicsFeatures(("adamicadar",)).fit(links)
    with pytest.raises(InputError, match="must name at least one"):
        LinkHeuristicsFeatures(()).fit(links)
    with pytest.raises(InputError, match="did you mean 'katz'"):
        LinkHeuristicClassifier("kats").fit(links, [1])


@pytest.mark.parametrize("heuristic", HEURISTICS)
def test_a_classifier_scores_on_what_training_knows(heuristic):
    X, y = data(1)
    train, test = np.arange(len(y)) % 2 == 0, np.arange(len(y)) % 2 == 1
    labels = np.array(["none", "tie"])[y]
    model = LinkHeuristicClassifier(heuristic).fit(X[train], labels[train])
    scores = link_scores(observed_graph(X[train], y[train]), X[test].pairs, heuristic)
    np.testing.assert_allclose(model.decision_function(X[test]), scores - model.threshold_)
    assert set(model.predict(X[test])) <= {"none", "tie"}
    assert np.array_equal(model.predict(X[test]) == "tie", scores >= model.threshold_)
    assert (model.predict(X[test]) == labels[test]).mean() > 0.53


def test_a_classifier_tells_nothing_where_there_is_nothing_to_tell():
    rng = np.random.default_rng(0)
    graph = Graph.of(nx.gnp_random_graph(150, 0.08, seed=1))
    none = rng.integers(0, 150, (4000, 2))
    none = none[(none[:, 0] != none[:, 1]) & ~graph.has_edges(none)][:600]
    answers = rng.integers(0, 2, 600)  # pairs of one sort, half of them called edges
    for heuristic in ("common_neighbours", "katz", "personalised_pagerank"):
        found = cross_val_score(
            LinkHeuristicClassifier(heuristic), LinkSet(graph, none), answers, cv=3, scoring="roc_auc"
        )
        assert abs(found.mean() - 0.5) < 0.06


def test_the_threshold_is_the_most_accurate():
    scores = np.array([0.0, 0.0, 1.0, 2.0, 2.0, 3.0])
    truth = np.array([False, False, True, False, True, True])
    assert best_threshold(scores, truth) == 1.0
    right = [np.mean((scores >= t) == truth) for t in np.unique(scores)]
    assert max(right) == right[1]


def test_a_classifier_answers_over_the_graph_with_its_training_edges_put_back():
    whole = Graph.of(CLUB)
    edges, others = np.array(list(CLUB.edges)), np.array(list(nx.non_edges(CLUB)))
    pairs = np.concatenate([edges[::3], others[:26]])
    seen = LinkSet(whole.without_edges(edges[::3]), pairs)
    model = LinkHeuristicClassifier("common_neighbours").fit(seen, np.arange(52) < 26)
    asked = others[30:60]
    over_seen = model.decision_function(LinkSet(seen.graph, asked))
    np.testing.assert_array_equal(model.decision_function(LinkSet(whole, asked)), over_seen)
    np.testing.assert_allclose(over_seen + model.threshold_, by_networkx(CLUB, asked, "common_neighbours"))


def test_a_classifier_refuses_other_graphs_and_samples():
    X, y = data()
    model = LinkHeuristicClassifier().fit(X, y)
    with pytest.raises(InputError, match="fitted over another graph"):
        model.predict(LinkSet(CLUB, [(0, 9)]))
    with pytest.raises(NotSupportedError, match="expected a LinkSet, but got NodeSet"):
        model.predict(NodeSet(CLUB))
    with pytest.raises(InputError, match="must hold two labels"):
        LinkHeuristicClassifier().fit(X, np.ones(len(y)))
