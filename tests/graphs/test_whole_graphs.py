import itertools

import networkx as nx
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from neuroloom.core import Graph, GraphSet, InputError, NodeSet, NotSupportedError
from neuroloom.graphs import FEATHERFeatures, Graph2Vec, GraphStatisticsFeatures, NetLSDFeatures, WLFeatures
from neuroloom.graphs._kernels_doc2vec import train_word
from neuroloom.graphs.graph2vec import graph_words
from neuroloom.graphs.graph_sets import unions
from neuroloom.graphs.wl import refinements
from tests.reference import whole_graph_reference as reference


def random_graphs(count=6, labelled=True):
    draws = np.random.default_rng(0)
    made = []
    for seed in range(count):
        graph = nx.gnp_random_graph(10 + seed, 0.25, seed=seed)
        made.append(
            Graph.of(graph, features=np.eye(3)[draws.integers(0, 3, len(graph))] if labelled else None)
        )
    return GraphSet(made)


def shuffled(graph, order):
    part = graph.to_scipy()[order][:, order]
    return Graph.of(part, features=None if graph.features is None else graph.features[order])


# -- graph2vec --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("labelled", [True, False])
def test_words_are_the_rooted_subtrees(labelled):
    """Two nodes of any two graphs share a word exactly where the reference's nested tuples agree."""
    words, trees = [], []
    for graph in random_graphs(4, labelled).graphs:
        neighbours = {v: graph.neighbours(v).tolist() for v in range(graph.n_nodes)}
        labels = graph.features.argmax(axis=1).tolist() if labelled else graph.degrees.tolist()
        words += graph_words(GraphSet([graph]), 3)[0].tolist()
        for i, level in enumerate(reference.subtree_words(neighbours, labels, 3)):
            trees += [(i, level[v]) for v in range(graph.n_nodes)]
    assert len(set(zip(words, trees, strict=True))) == len(set(words)) == len(set(trees))


def test_vocabulary_counts_equal_the_wl_kernel():
    X = random_graphs()
    fitted = Graph2Vec(4, iterations=2, epochs=1, random_state=0).fit(X)
    starts, words = fitted._documents(graph_words(X, 2))
    counts = np.array(
        [np.bincount(words[a:b], minlength=len(fitted.words_)) for a, b in itertools.pairwise(starts)]
    )
    wl = WLFeatures(2, buckets=1 << 16, normalize="none").fit_transform(X)
    assert_array_equal(counts @ counts.T, wl @ wl.T)


@pytest.mark.parametrize("labelled", [True, False])
def test_labels_of_a_set_are_those_of_each_graph(labelled, monkeypatch):
    X = GraphSet(
        [
            *random_graphs(5, labelled).graphs,
            Graph.of(nx.empty_graph(2), features=np.eye(3)[:2] if labelled else None),
        ]
    )
    monkeypatch.setattr("neuroloom.graphs.graph_sets.NODES_AT_ONCE", 25)
    assert len(list(unions(X.graphs))) > 1
    for graph, words in zip(X.graphs, graph_words(X, 2), strict=True):
        assert_array_equal(words, np.concatenate(refinements(graph, 2)))


def test_edges_of_directed_sets_lose_their_direction_as_a_single_graphs_do():
    draws = np.random.default_rng(0)
    directed = []
    for seed in range(3):
        pairs = nx.gnp_random_graph(9, 0.3, seed=seed, directed=True).edges
        directed.append(Graph.of([(a, b, draws.normal()) for a, b in pairs], directed=True))
    loop = [(0, 1, 2.0), (1, 0, -3.0), (1, 1, 1.0), (2, 0, 1.0)]
    directed.append(Graph.of(loop, directed=True))
    directed.append(
        Graph(np.array([0, 1, 1]), np.array([1]), np.array([0.0]), directed=True)
    )  # weighs nothing
    plain = [Graph.of(graph, directed=False) for graph in directed]
    (of_directed,), (of_plain,) = unions(directed), unions(plain)
    (mixed,) = unions([*directed[:2], *plain[2:]])
    for made in (of_directed, mixed):
        for name in ("indptr", "indices", "weights", "starts"):
            assert_array_equal(getattr(made, name), getattr(of_plain, name))


@pytest.mark.parametrize("frozen", [True, False])
def test_a_step_follows_the_numerical_gradient(frozen):
    draws = np.random.default_rng(1)
    document, outputs = draws.normal(0, 0.5, 7), draws.normal(0, 0.5, (6, 7))
    word, noise, rate, small = 2, [4, 0, 5], 1e-3, 1e-6

    def slope(array, loss):
        found = np.zeros_like(array)
        for at in np.ndindex(array.shape):
            kept = array[at]
            array[at] = kept + small
            above = loss()
            array[at] = kept - small
            found[at] = (above - loss()) / (2 * small)
            array[at] = kept
        return found

    def loss():
        return reference.document_loss(document, outputs, word, noise)

    by_document, by_outputs = slope(document, loss), slope(outputs, loss)
    moved, moved_outputs = document.astype(np.float32), outputs.astype(np.float32)
    outs = np.array([word, *noise], dtype=np.int32)
    made = train_word(moved, moved_outputs, outs, 4, np.float32(rate), frozen, np.empty(7, dtype=np.float32))
    assert made == pytest.approx(loss(), rel=1e-5)
    assert_allclose((moved - document) / -rate, by_document, atol=2e-3)
    assert_allclose((moved_outputs - outputs) / -rate, 0 if frozen else by_outputs, atol=2e-3)


def test_inference_knows_one_graph_at_a_time_and_no_order_of_nodes():
    X = random_graphs(8)
    fitted = Graph2Vec(16, epochs=20, random_state=0).fit(GraphSet(X.graphs[:6]))
    whole = fitted.transform(X)
    assert_array_equal(whole[[7]], fitted.transform(X[[7]]))
    order = np.random.default_rng(0).permutation(X.graphs[7].n_nodes)
    assert_array_equal(fitted.transform(GraphSet([shuffled(X.graphs[7], order)]))[0], whole[7])
    again = Graph2Vec(16, epochs=20, random_state=0).fit(GraphSet(X.graphs[:6]))
    assert_array_equal(again.transform(X), whole)
    other = Graph2Vec(16, epochs=20, random_state=1).fit(GraphSet(X.graphs[:6]))
    assert np.abs(other.transform(X) - whole).max() > 1e-3


def test_training_lowers_the_loss_and_inferred_vectors_point_where_trained_ones_do():
    X = GraphSet([g for n in range(6, 14) for g in (nx.cycle_graph(n), nx.star_graph(n), nx.path_graph(n))])
    fitted = Graph2Vec(16, epochs=100, random_state=0).fit(X)
    losses = [record["loss"] for record in fitted.history_]
    assert losses[-1] < 0.7 * losses[0]
    made, trained = fitted.transform(X), fitted.embedding_
    cosine = (made * trained).sum(axis=1) / np.linalg.norm(made, axis=1) / np.linalg.norm(trained, axis=1)
    assert np.median(cosine) > 0.7
    y = np.tile([0, 1, 2], 8)
    assert (
        cross_val_score(make_pipeline(Graph2Vec(16, random_state=0), LogisticRegression()), X, y).mean() > 0.9
    )


def test_unknown_words_and_rare_words():
    X = GraphSet([nx.cycle_graph(5), nx.cycle_graph(6)])
    fitted = Graph2Vec(4, random_state=0).fit(X)
    assert_array_equal(fitted.transform(GraphSet([nx.complete_graph(5)])), np.zeros((1, 4)))
    assert len(Graph2Vec(4, min_count=2, random_state=0).fit(X).words_) == 3
    with pytest.raises(InputError, match="lower `min_count`"):
        Graph2Vec(min_count=3).fit(X)
    with pytest.raises(InputError, match="fitted on graphs of 0 node features, but got 3"):
        fitted.transform(random_graphs())
    assert fitted.transform(X[[]]).shape == (0, 4)


# -- FEATHER ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pooling", ["mean", "min", "max"])
def test_feather_equals_the_dense_sums(pooling):
    draws = np.random.default_rng(2)
    graphs = []
    for graph in (nx.gnp_random_graph(12, 0.2, seed=3), nx.star_graph(4), nx.empty_graph(2)):
        weighted = nx.to_numpy_array(graph) * draws.uniform(0.5, 2)
        both = np.column_stack([draws.normal(size=len(graph)), draws.integers(0, 2, len(graph))])
        graphs.append(
            Graph.of(Graph.of(nx.to_scipy_sparse_array(nx.from_numpy_array(weighted))), features=both)
        )
    fitted = FEATHERFeatures(3, 4, 2.0, pooling=pooling).fit(GraphSet(graphs))
    assert fitted.binary_.tolist() == [False, True]
    made = fitted.transform(GraphSet(graphs))
    names = fitted.get_feature_names_out().tolist()
    assert made.shape == (3, len(names))
    thetas = [0.5, 1.0, 1.5, 2.0]
    pool = {"mean": np.mean, "min": np.min, "max": np.max}[pooling]
    for row, graph in zip(made, graphs, strict=True):
        plain = graph.to_networkx()
        own = np.column_stack(
            [
                np.log1p(graph.degrees),
                list(nx.clustering(plain).values()),
                graph.features[:, 0],
                graph.features[:, 1],
            ]
        )
        wanted = pool(reference.feather(graph.to_scipy().toarray(), own, 3, [*thetas, np.pi / 2]), axis=0)
        for r in range(3):
            for x, feature in enumerate(("log_degree", "clustering", "feature0")):
                for t in range(4):
                    for part, how in enumerate(("cos", "sin")):
                        value = row[names.index(f"r{r + 1}_{how}_{feature}_{t + 1}")]
                        assert value == pytest.approx(wanted[r, x, t, part], abs=1e-6)
            # sin(π/2 x) is x for x in {0, 1}
            assert row[names.index(f"r{r + 1}_mean_feature1")] == pytest.approx(wanted[r, 3, 4, 1], abs=1e-6)


def test_feather_does_not_depend_on_blocks_nor_on_the_order_of_nodes(monkeypatch):
    X = random_graphs()
    made = FEATHERFeatures().fit_transform(X)
    order = np.random.default_rng(0).permutation(X.graphs[3].n_nodes)
    assert_allclose(
        FEATHERFeatures().fit_transform(GraphSet([shuffled(X.graphs[3], order)]))[0], made[3], atol=1e-12
    )
    monkeypatch.setattr("neuroloom.graphs.graph_sets.NODES_AT_ONCE", 1)
    assert len(list(unions(X.graphs))) == 6
    assert_allclose(FEATHERFeatures().fit_transform(X), made, atol=1e-12)


# -- NetLSD -----------------------------------------------------------------------------------------------------

TIMES = np.geomspace(0.01, 100, 250)
CLOSED = [
    (nx.complete_graph(7), [0] + [7 / 6] * 6),
    (nx.cycle_graph(9), 1 - np.cos(2 * np.pi * np.arange(9) / 9)),
    (nx.star_graph(5), [0, 1, 1, 1, 1, 2]),
    (nx.path_graph(6), 1 - np.cos(np.pi * np.arange(6) / 5)),
    (nx.empty_graph(3), [0, 0, 0]),
    (nx.complete_bipartite_graph(3, 4), [0, 1, 1, 1, 1, 1, 2]),
]


@pytest.mark.parametrize(("graph", "values"), CLOSED, ids=range(len(CLOSED)))
def test_traces_equal_closed_forms(graph, values):
    values = np.asarray(values)
    heat = np.exp(-np.outer(TIMES, values)).sum(axis=1)
    n = len(graph)
    X = GraphSet([graph])
    assert_allclose(NetLSDFeatures(normalize="none").fit_transform(X)[0], heat, atol=1e-9)
    assert_allclose(NetLSDFeatures().fit_transform(X)[0], heat / n, atol=1e-9)
    complete = 1 + (n - 1) * np.exp(-TIMES * n / (n - 1))
    assert_allclose(NetLSDFeatures(normalize="complete").fit_transform(X)[0], heat / complete, atol=1e-9)
    wave = np.exp(-1j * np.outer(TIMES, values)).sum(axis=1)
    made = NetLSDFeatures(kernel="wave", normalize="none").fit_transform(X)[0]
    assert_allclose(made, np.concatenate([wave.real, wave.imag]), atol=1e-9)


def test_interpolated_spectrum_of_a_large_graph_keeps_both_ends():
    X = GraphSet([nx.connected_watts_strogatz_graph(120, 6, 0.3, seed=0)])
    exact = NetLSDFeatures().fit_transform(X)[0]
    rough = NetLSDFeatures(exact_up_to=50, eigenvalues=20).fit_transform(X)[0]
    assert_allclose(rough, exact, atol=0.02)
    assert np.abs(rough - exact).max() > 1e-6
    assert_allclose(rough[-40:], exact[-40:], rtol=1e-5)  # late times hear the smallest eigenvalues alone


# -- node label histogram ---------------------------------------------------------------------------------------


def test_label_histogram_counts_labels_or_else_degrees():
    X = GraphSet([nx.star_graph(3), Graph.of([(0, 1), (1, 1)])])
    made = GraphStatisticsFeatures(2, structure=False).fit(X)
    assert made.transform(X).tolist() == [[0, 3, 1, 0, 0.75, 0.25, 4], [0, 2, 0, 0, 1, 0, 2]]
    assert made.get_feature_names_out().tolist()[1] == "count_degree1"
    labelled = GraphSet([Graph.of(nx.path_graph(2), features=np.eye(2)[[0, 0]])])
    assert GraphStatisticsFeatures(structure=False).fit_transform(labelled).tolist() == [[2, 0, 1, 0, 2]]


# -- all --------------------------------------------------------------------------------------------------------

METHODS = [
    Graph2Vec(8, epochs=2, random_state=0),
    FEATHERFeatures(2, 3),
    NetLSDFeatures(20),
    GraphStatisticsFeatures(),
]


@pytest.mark.parametrize("method", METHODS, ids=lambda m: type(m).__name__)
def test_awkward_sets(method):
    odd = [nx.empty_graph(1), Graph.of([(0, 1), (1, 1)], directed=True), nx.cycle_graph(5), nx.star_graph(5)]
    made = clone(method).fit(GraphSet(odd))
    rows = made.transform(GraphSet(odd))
    assert rows.shape == (4, len(made.get_feature_names_out()))
    assert np.isfinite(rows).all()
    assert np.abs(rows[2] - rows[3]).max() > 1e-3
    with pytest.raises(NotSupportedError, match="expected a GraphSet, but got NodeSet"):
        made.transform(NodeSet(nx.path_graph(3)))


@pytest.mark.parametrize("method", [FEATHERFeatures(), NetLSDFeatures()], ids=lambda m: type(m).__name__)
def test_negative_weights_are_refused(method):
    X = GraphSet([Graph.of([(0, 1, -1.0), (1, 2, 1.0)])])
    with pytest.raises(InputError, match="edge weights of at least 0"):
        method.fit_transform(X)


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (Graph2Vec(dimensions=0), "`dimensions` must be a whole number of at least 1"),
        (Graph2Vec(learning_rate=0), r"`learning_rate` must be a number in \(0, 1\]"),
        (FEATHERFeatures(theta=0), r"`theta` must be a number in \(0,"),
        (FEATHERFeatures(pooling="sum"), "`pooling` must be one of"),
        (NetLSDFeatures(high=0.001), r"`high` must be a number in \[0.01"),
        (NetLSDFeatures(normalize="all"), "`normalize` must be one of"),
    ],
)
def test_parameters_are_checked(method, message):
    with pytest.raises(InputError, match=message):
        method.fit(GraphSet([nx.path_graph(3)]))
