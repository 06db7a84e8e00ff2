import pickle

import networkx as nx
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold, cross_val_score

from neuroloom.core import Graph, InputError, LinkSet, NodeSet, NotSupportedError
from neuroloom.core.answers import hold_out
from neuroloom.graphs import GATNodeClassifier, GCNNodeClassifier
from neuroloom.graphs._layers.attention import attention
from neuroloom.graphs._layers.gat import GATLayer
from neuroloom.graphs._layers.sparse import Sparse
from neuroloom.graphs.adjacency import normalised_adjacency
from tests.reference import graph_reference as reference

CPU = torch.device("cpu")
QUICK = [
    GCNNodeClassifier(hidden=8, epochs=30),
    GATNodeClassifier(hidden=8, heads=4, epochs=30, dropout=0.3, learning_rate=0.02),
]
BOTH = pytest.mark.parametrize("method", QUICK, ids=lambda m: type(m).__name__)


@pytest.fixture(scope="module")
def karate():
    graph = nx.karate_club_graph()
    return NodeSet(Graph.of(graph)), np.array([graph.nodes[v]["club"] for v in graph])


@pytest.fixture(scope="module")
def featured():
    """A planted partition whose features say little alone."""
    graph = nx.planted_partition_graph(3, 50, 0.15, 0.01, seed=0)
    y = np.repeat(["a", "b", "c"], 50)
    x = np.random.default_rng(0).normal(size=(150, 20)).astype(np.float32)
    x[:, :3] += 0.7 * (y[:, None] == ["a", "b", "c"])
    return NodeSet(Graph.of(graph, features=x)), y


def small_graph():
    return Graph.of(
        [(0, 1, 2.0), (1, 2, 0.5), (2, 3, 1.0), (3, 0, 1.0), (3, 4, 3.0), (1, 1, 1.0)], names=list("abcdef")
    )


def test_gcn_equals_the_dense_reference():
    graph, draws = small_graph(), np.random.default_rng(0)
    network = GCNNodeClassifier(hidden=4, layers=3)._encoder(7, 3).eval()
    x = draws.normal(size=(6, 7)).astype(np.float32) * (draws.random((6, 7)) < 0.5)
    with torch.no_grad():
        for layer in network.layers:
            layer.bias.normal_()
        adjacency = Sparse(normalised_adjacency(graph), CPU)
        dense = network([adjacency] * 3, torch.from_numpy(x)).numpy()
        sparse = network([adjacency] * 3, Sparse(x, CPU)).numpy()
    weights = [layer.linear.weight.detach().double().numpy() for layer in network.layers]
    biases = [layer.bias.detach().double().numpy() for layer in network.layers]
    wanted = reference.gcn(graph.to_scipy().toarray(), x.astype(float), weights, biases)
    np.testing.assert_allclose(dense, wanted, atol=1e-5)
    np.testing.assert_allclose(sparse, wanted, atol=1e-5)


def looped(graph):
    return Sparse(GATNodeClassifier()._adjacency(graph), CPU)


def unweighted(graph):
    """Return the adjacency as the paper has it: every neighbour and the node itself at weight 1."""
    matrix = GATNodeClassifier()._adjacency(graph)
    matrix.data[:] = 1
    return Sparse(matrix, CPU)


@pytest.mark.parametrize("concat", [True, False])
def test_gat_equals_the_dense_reference_and_pyg(concat):
    from torch_geometric.nn import GATConv

    graph, draws = small_graph(), np.random.default_rng(0)
    x = torch.from_numpy(draws.normal(size=(6, 7)).astype(np.float32))
    layer = GATLayer(7, 3, heads=2, dropout=0.6, attention_dropout=0.6, concat=concat).eval()
    peer = GATConv(7, 3, heads=2, concat=concat, dropout=0.6).eval()
    with torch.no_grad():
        layer.bias.normal_()
        peer.lin.weight.copy_(layer.linear.weight.T)
        peer.att_src.copy_(layer.source[None])
        peer.att_dst.copy_(layer.target[None])
        peer.bias.copy_(layer.bias)
    made = layer(unweighted(graph), x)
    parts = [
        p.detach().double().numpy() for p in (layer.linear.weight, layer.source, layer.target, layer.bias)
    ]
    wanted = reference.gat_layer(graph.to_scipy().toarray(), x.double().numpy(), *parts, concat)
    np.testing.assert_allclose(made.detach().numpy(), wanted, atol=1e-5)
    theirs = peer(x, graph.to_pyg().edge_index)
    np.testing.assert_allclose(made.detach().numpy(), theirs.detach().numpy(), atol=1e-5)
    made.pow(2).sum().backward()
    theirs.pow(2).sum().backward()
    np.testing.assert_allclose(layer.linear.weight.grad, peer.lin.weight.grad.T, atol=1e-3, rtol=1e-4)
    np.testing.assert_allclose(layer.source.grad, peer.att_src.grad[0], atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("dropped", [False, True])
def test_gradients_of_attention(dropped):
    graph = looped(small_graph())
    torch.manual_seed(0)
    h, s, t = (
        torch.randn(size, dtype=torch.double, requires_grad=True) for size in ((6, 2, 3), (6, 2), (6, 2))
    )
    m = len(graph.indices) if dropped else 0
    keep = torch.nn.functional.dropout(torch.ones(m, 2, dtype=torch.double), 0.4)
    assert torch.autograd.gradcheck(lambda *a: attention(graph, *a, keep, 0.2)[0], (h, s, t))


def test_gradients_of_sparse_products():
    matrix = Sparse(np.array([[1.5, 0, 0, 2], [0, 0, -1, 0.5], [0, 0, 0, 0]]), CPU)
    x = torch.randn(4, 3, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: matrix @ x, (x,))


def test_sparse_dropout_keeps_the_mean():
    matrix = Sparse(np.full((200, 100), 2.0), CPU)
    torch.manual_seed(0)
    made = matrix.dropped(torch.ones(100, 1), 0.3, training=True)
    assert made.std() > 1
    np.testing.assert_allclose(made.mean(), 200, rtol=0.01)
    np.testing.assert_allclose(matrix.dropped(torch.ones(100, 1), 0.3, training=False), 200)


@pytest.mark.parametrize("kind", ["gcn", "gat"])
def test_networks_are_permutation_equivariant(kind):
    draws = np.random.default_rng(0)
    adjacency = nx.to_scipy_sparse_array(nx.connected_watts_strogatz_graph(30, 4, 0.3, seed=1), format="csr")
    order = draws.permutation(30)
    x = draws.normal(size=(30, 6)).astype(np.float32)
    network = (GCNNodeClassifier() if kind == "gcn" else GATNodeClassifier())._encoder(6, 3).eval()
    made = []
    for matrix, rows in ((adjacency, x), (adjacency[order][:, order], x[order])):
        graph = Graph.of(matrix)
        sparse = Sparse(normalised_adjacency(graph), CPU) if kind == "gcn" else looped(graph)
        made.append(network([sparse] * 2, torch.from_numpy(rows)).detach().numpy())
    np.testing.assert_allclose(made[1], made[0][order], atol=1e-5)


@pytest.mark.parametrize("method", [GCNNodeClassifier(), GATNodeClassifier()], ids=lambda m: type(m).__name__)
def test_karate_is_learned_without_features(karate, method):
    X, y = karate
    folds = StratifiedKFold(4, shuffle=True, random_state=1)
    assert cross_val_score(method.set_params(random_state=0), X, y, cv=folds).mean() > 0.85


@BOTH
def test_structure_helps_where_features_are_weak(featured, method):
    X, y = featured
    rows = np.random.default_rng(1).permutation(150)
    train, test = rows[:75], rows[75:]
    fitted = (
        clone(method).set_params(random_state=0, normalize="standard", epochs=100).fit(X[train], y[train])
    )
    accuracy = np.mean(fitted.predict(X[test]) == y[test])
    alone = NodeSet(Graph.of([], names=range(150), features=X.graph.features))
    without = clone(fitted).fit(alone[train], y[train])
    assert accuracy > 0.85
    assert accuracy > np.mean(without.predict(alone[test]) == y[test]) + 0.1


@BOTH
def test_fitted_estimator(featured, method):
    X, y = featured
    fitted = clone(method).set_params(random_state=0).fit(X[::2], y[::2])
    again = clone(method).set_params(random_state=0).fit(X[::2], y[::2])
    proba = fitted.predict_proba(X)
    np.testing.assert_array_equal(proba, again.predict_proba(X))
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert fitted.classes_.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(fitted.predict(X), fitted.classes_[proba.argmax(axis=1)])
    np.testing.assert_allclose(fitted.predict_proba(X[[7, 3]]), proba[[7, 3]], atol=1e-6)
    assert fitted.n_parameters_ == sum(w.size for w in fitted.weights_.values())
    assert set(fitted.history_[0]) >= {"step", "seconds", "loss", "score"}
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(X), proba)


@BOTH
def test_threads_do_not_change_the_result(featured, method):
    X, y = featured
    before, made = torch.get_num_threads(), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        made.append(clone(method).set_params(random_state=0).fit(X[::2], y[::2]).predict_proba(X))
    torch.set_num_threads(before)
    np.testing.assert_array_equal(made[0], made[1])


@BOTH
def test_nodes_of_another_graph(featured, method):
    X, y = featured
    fitted = clone(method).set_params(random_state=0, epochs=100, normalize="standard").fit(X, y)
    graph = nx.planted_partition_graph(3, 40, 0.2, 0.01, seed=5)
    wanted = np.repeat(["a", "b", "c"], 40)
    x = np.random.default_rng(9).normal(size=(120, 20)).astype(np.float32)
    x[:, :3] += 0.7 * (wanted[:, None] == ["a", "b", "c"])
    other = NodeSet(Graph.of(graph, features=x))
    assert np.mean(fitted.predict(other) == wanted) > 0.8
    with pytest.raises(InputError, match="fitted on 20 features a node, but got 19"):
        fitted.predict(NodeSet(Graph.of(graph, features=x[:, 1:])))
    with pytest.raises(InputError, match="fitted on 20 features a node, but the graph has none"):
        fitted.predict(NodeSet(graph))


def test_features_without_any_in_the_graph(karate, featured):
    X, y = karate
    fitted = GCNNodeClassifier(epochs=5, random_state=0).fit(X, y)
    assert fitted.features_ == "prone"
    with pytest.raises(InputError, match="transductive"):
        fitted.predict(NodeSet(nx.path_graph(5)))
    degree = GCNNodeClassifier(epochs=5, features="degree", random_state=0).fit(X, y)
    assert degree.predict(NodeSet(nx.path_graph(5))).shape == (5,)
    assert GCNNodeClassifier(epochs=2).fit(*featured).features_ == "graph"
    with pytest.raises(InputError, match="features='graph' needs a graph with node features"):
        GCNNodeClassifier(features="graph").fit(X, y)


def test_validation_nodes_stop_training_and_choose_the_weights(featured):
    X, y = featured
    method = GCNNodeClassifier(hidden=8, epochs=200, patience=5, random_state=0)
    fitted = method.fit(X[::3], y[::3], eval_set=(X[1::3], y[1::3]))
    scores = [record["score"] for record in fitted.history_]
    assert len(scores) < 200
    assert len(scores) - 1 - int(np.argmax(scores)) == 5
    kept = np.mean(fitted.predict(X[1::3]) == y[1::3])
    assert kept == pytest.approx(round(max(scores) * 50) / 50, abs=0.011)
    with pytest.raises(InputError, match="must belong to the graph of X"):
        method.fit(X[::3], y[::3], eval_set=(NodeSet(nx.path_graph(3)), ["a", "b", "c"]))


def test_hold_out_is_stratified():
    codes = np.repeat([0, 1, 2, 3], [40, 20, 2, 1])
    held = hold_out(codes, 0.2, np.random.default_rng(0))
    assert np.bincount(codes[held], minlength=4).tolist() == [8, 4, 1, 0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden": 0}, "`hidden` must be a whole number of at least 1"),
        ({"dropout": 1.0}, "`dropout` must be a number in"),
        ({"learning_rate": 0}, "`learning_rate` must be a number in"),
        ({"normalize": "rows"}, "did you mean 'row'"),
        ({"features": "self"}, "`features` must be one of"),
    ],
)
@BOTH
def test_parameters_are_checked(karate, method, options, message):
    with pytest.raises(InputError, match=message):
        clone(method).set_params(**options).fit(*karate)


def test_wrong_input(karate):
    X, y = karate
    with pytest.raises(NotSupportedError, match="expected a NodeSet, but got LinkSet"):
        GCNNodeClassifier().fit(LinkSet(X.graph, [(0, 33)]), [1])
    with pytest.raises(InputError, match="at least two classes"):
        GCNNodeClassifier().fit(X, ["a"] * 34)
    with pytest.raises(InputError, match="34 samples but y holds 3"):
        GCNNodeClassifier().fit(X, y[:3])
    negative = NodeSet(Graph.of([(0, 1, -1.0), (1, 2, 1.0)], features=np.eye(3)))
    with pytest.raises(InputError, match="weights of at least 0"):
        GCNNodeClassifier().fit(negative, [0, 1, 0])


def test_isolated_and_directed_nodes_are_no_trouble():
    graph = Graph.of(
        [("a", "b"), ("b", "c"), ("c", "a")], directed=True, names=list("abcde"), features=np.eye(5)
    )
    for method in (GCNNodeClassifier(epochs=3), GATNodeClassifier(epochs=3)):
        proba = method.fit(NodeSet(graph), [0, 1, 0, 1, 1]).predict_proba(NodeSet(graph))
        assert np.isfinite(proba).all()
