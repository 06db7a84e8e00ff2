"""The layers of the graph neural networks: against the papers' equations node by node, PyG's layers and gradients."""

import itertools
import math

import networkx as nx
import numpy as np
import pytest
import torch
from sklearn.base import clone

from neuroloom import graphs
from neuroloom.core import Graph, InputError, NodeSet, NotSupportedError
from neuroloom.graphs._layers.attention import dynamic_attention
from neuroloom.graphs._layers.gatv2 import GATv2Layer
from neuroloom.graphs._layers.gin import GINLayer
from neuroloom.graphs._layers.graphsage import SAGELayer
from neuroloom.graphs._layers.sparse import Sparse
from neuroloom.graphs.adjacency import mean_adjacency, normalised_adjacency, summed_adjacency
from neuroloom.graphs.encodings import encoded
from neuroloom.graphs.node_roles import GraphInputs

CPU = torch.device("cpu")
MODELS = ("APPNP", "GAT", "GATv2", "GCN", "GCNII", "GIN", "GPS", "GraphSAGE")
EACH = pytest.mark.parametrize("model", MODELS)


def _classifier(model, **params):
    return getattr(graphs, f"{model}NodeClassifier")(
        **{"epochs": 20, "hidden": 16, "random_state": 0, **params}
    )


def _weighted():
    """Weighted, with a self-loop, a triangle, and a node of its own."""
    return Graph.of(
        [(0, 1, 2.0), (1, 2, 0.5), (2, 3, 1.0), (3, 0, 1.0), (3, 4, 3.0), (1, 1, 1.0), (0, 2, 0.25)],
        names=list("abcdef"),
    )


def _features(seed=0, sparse=False):
    x = np.random.default_rng(seed).normal(size=(6, 7)).astype(np.float32)
    return x * (np.random.default_rng(seed + 1).random((6, 7)) < 0.5) if sparse else x


def _numbers(layer):
    for p in layer.parameters():
        p.data.normal_()
    return layer.eval()


def _dense_matrices(graph):
    a = graph.to_scipy().toarray()
    no_loops = a - np.diag(np.diag(a))
    hat = a + np.eye(len(a))
    scale = np.diag(hat.sum(1) ** -0.5)
    return a, no_loops, scale @ hat @ scale


def _own(parameter):
    return parameter.detach().double().numpy()


@pytest.mark.parametrize("sparse", [False, True])
def test_graphsage_takes_the_weighted_mean_or_the_maximum(sparse):
    graph, x = _weighted(), _features(sparse=sparse)
    given = Sparse(x, CPU) if sparse else torch.from_numpy(x)
    adjacency = Sparse(mean_adjacency(graph.without_self_loops()), CPU)
    torch.manual_seed(0)
    _, no_loops, _ = _dense_matrices(graph)
    mean = _numbers(SAGELayer(7, 3, 0.5, "mean"))
    near = [no_loops[i] @ x.astype(float) / max(no_loops[i].sum(), 1e-300) for i in range(6)]
    wanted = x @ _own(mean.own.weight) + np.array(near) @ _own(mean.near.weight) + _own(mean.bias)
    np.testing.assert_allclose(mean(adjacency, given).detach(), wanted, atol=1e-5)
    largest = _numbers(SAGELayer(7, 3, 0.5, "max"))
    pooled = np.maximum(x @ _own(largest.pool.weight) + _own(largest.pool_bias), 0)
    near = [pooled[no_loops[i] > 0].max(0) if (no_loops[i] > 0).any() else np.zeros(3) for i in range(6)]
    wanted = x @ _own(largest.own.weight) + np.array(near) @ _own(largest.near.weight) + _own(largest.bias)
    np.testing.assert_allclose(largest(adjacency, given).detach(), wanted, atol=1e-5)


def test_graphsage_equals_pyg():
    from torch_geometric.nn import SAGEConv

    graph, x = Graph.of(nx.karate_club_graph()), torch.randn(34, 5)
    graph = Graph.of(graph.edges(), names=range(34))  # without weights, which PyG's layer does not know
    layer, peer = _numbers(SAGELayer(5, 4, 0.0, "mean")), SAGEConv(5, 4)
    with torch.no_grad():
        peer.lin_l.weight.copy_(layer.near.weight.T)
        peer.lin_l.bias.copy_(layer.bias)
        peer.lin_r.weight.copy_(layer.own.weight.T)
    ours = layer(Sparse(mean_adjacency(graph), CPU), x)
    torch.testing.assert_close(ours, peer(x, graph.to_pyg().edge_index), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("training", [False, True])
def test_gin_equals_its_equation_and_pyg(training):
    from torch_geometric.nn import GINConv

    graph, x = _weighted(), torch.from_numpy(_features())
    torch.manual_seed(1)
    layer = _numbers(GINLayer(7, 4, 0.0, learn_eps=True)).train(training)
    first, second = torch.nn.Linear(7, 4), torch.nn.Linear(4, 4)
    peer = GINConv(
        torch.nn.Sequential(first, torch.nn.BatchNorm1d(4), torch.nn.ReLU(), second), train_eps=True
    )
    with torch.no_grad():
        first.weight.copy_(layer.first.weight.T)
        first.bias.copy_(layer.bias)
        peer.nn[1].load_state_dict(layer.norm.state_dict())
        second.load_state_dict(layer.second.state_dict())
        peer.eps.copy_(layer.eps)
    peer.train(training)
    plain = Graph.of(graph.without_self_loops().edges(), names=list("abcdef"))
    ours = layer(Sparse(summed_adjacency(plain), CPU), x)
    torch.testing.assert_close(ours, peer(x, plain.to_pyg().edge_index), atol=1e-4, rtol=1e-4)
    if not training:  # by hand, with weights
        _, no_loops, _ = _dense_matrices(graph)
        mixed = (1 + _own(layer.eps)) * x.numpy() + no_loops @ x.numpy()
        h = mixed @ _own(layer.first.weight) + _own(layer.bias)
        h = np.maximum(h / math.sqrt(1 + 1e-5) * _own(layer.norm.weight) + _own(layer.norm.bias), 0)
        wanted = h @ _own(layer.second.weight).T + _own(layer.second.bias)
        made = layer(Sparse(summed_adjacency(graph), CPU), x)
        np.testing.assert_allclose(made.detach(), wanted, atol=1e-4)


def _gatv2_by_hand(matrix, x, layer, concat):
    heads, width = layer.attention.shape
    w_l, w_r = np.split(_own(layer.both.weight), 2, axis=1)
    l, r = ((x @ w).reshape(len(x), heads, width) for w in (w_l, w_r))
    out = np.zeros((len(x), heads, width))
    for i, k in itertools.product(range(len(x)), range(heads)):
        around = np.flatnonzero(matrix[i] > 0)
        z = l[i, k] + r[around, k]
        e = np.where(z > 0, z, 0.2 * z) @ _own(layer.attention)[k]
        odds = matrix[i, around] * np.exp(e - e.max())
        out[i, k] = odds / odds.sum() @ r[around, k]
    return (out.reshape(len(x), -1) if concat else out.mean(1)) + _own(layer.bias)


@pytest.mark.parametrize("concat", [True, False])
def test_gatv2_equals_its_equation_and_pyg(concat):
    from torch_geometric.nn import GATv2Conv

    graph, x = _weighted(), _features()
    torch.manual_seed(2)
    layer = _numbers(GATv2Layer(7, 3, 2, 0.6, 0.6, concat))
    matrix = graphs.GATv2NodeClassifier()._adjacency(graph)
    made = layer(Sparse(matrix, CPU), torch.from_numpy(x))
    wanted = _gatv2_by_hand(matrix.toarray(), x.astype(float), layer, concat)
    np.testing.assert_allclose(made.detach(), wanted, atol=1e-4)
    peer = GATv2Conv(7, 3, heads=2, concat=concat, bias=True).eval()
    w_l, w_r = layer.both.weight.detach().chunk(2, dim=1)
    with torch.no_grad():
        peer.lin_l.weight.copy_(w_r.T)  # PyG calls the neighbours' map left
        peer.lin_r.weight.copy_(w_l.T)
        for lin in (peer.lin_l, peer.lin_r):
            lin.bias.zero_()
        peer.att.copy_(layer.attention[None])
        peer.bias.copy_(layer.bias)
    matrix.data[:] = 1
    ours = layer(Sparse(matrix, CPU), torch.from_numpy(x))
    theirs = peer(torch.from_numpy(x), graph.without_self_loops().to_pyg().edge_index)
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)
    ours.square().sum().backward()
    theirs.square().sum().backward()
    np.testing.assert_allclose(layer.attention.grad, peer.att.grad[0], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("dropped", [False, True])
def test_gradients_of_dynamic_attention(dropped):
    matrix = graphs.GATv2NodeClassifier()._adjacency(_weighted())
    adjacency = Sparse(matrix[:4], CPU)  # four rows over six columns, as in a receptive field
    torch.manual_seed(0)
    l, r = (torch.randn(6, 2, 3, dtype=torch.double, requires_grad=True) for _ in range(2))
    a = torch.randn(2, 3, dtype=torch.double, requires_grad=True)
    m = len(adjacency.indices) if dropped else 0
    keep = torch.nn.functional.dropout(torch.ones(m, 2, dtype=torch.double), 0.4)
    assert torch.autograd.gradcheck(lambda *p: dynamic_attention(adjacency, *p, keep, 0.2)[0], (l, r, a))


def test_gradient_of_the_maximum():
    adjacency = Sparse(np.array([[1.0, 1, 0, 1], [0, 0, 0, 0], [0, 0, 1, 1]]), CPU)
    x = torch.randn(4, 3, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(adjacency.maximum, (x,))
    assert (adjacency.maximum(x)[1] == 0).all()


def test_appnp_and_gcnii_equal_their_equations():
    graph, x = _weighted(), _features()
    _, _, hat = _dense_matrices(graph)
    adjacency, given = Sparse(normalised_adjacency(graph), CPU), torch.from_numpy(x)
    torch.manual_seed(3)
    net = _numbers(graphs.APPNPNodeClassifier(hidden=5, steps=3, teleport=0.2)._encoder(7, 2))
    h = np.maximum(x @ _own(net.linear[0].weight) + _own(net.bias[0]), 0)
    h = h @ _own(net.linear[1].weight) + _own(net.bias[1])
    z = h
    for _ in range(3):
        z = 0.8 * hat @ z + 0.2 * h
    np.testing.assert_allclose(net([adjacency], given).detach(), z, atol=1e-4)
    net = _numbers(graphs.GCNIINodeClassifier(hidden=5, layers=3, alpha=0.3, lam=0.7)._encoder(7, 2))
    h = start = np.maximum(x @ _own(net.first.weight) + _own(net.first_bias), 0)
    for l in (1, 2, 3):
        beta, mixed = math.log(0.7 / l + 1), 0.7 * hat @ h + 0.3 * start
        h = np.maximum((1 - beta) * mixed + beta * mixed @ _own(net.weights[l - 1]), 0)
    wanted = h @ _own(net.last.weight) + _own(net.last_bias)
    np.testing.assert_allclose(net([adjacency], given).detach(), wanted, rtol=1e-4, atol=1e-3)


def test_attention_of_gps_stays_within_a_graph_and_counts_all_its_nodes():
    torch.manual_seed(4)
    net = _numbers(graphs.GPSNodeClassifier(hidden=8, heads=2, layers=2)._encoder(7, 3))
    parts = [Graph.of(nx.path_graph(n), features=_features(n)[:n]) for n in (3, 4, 3, 1)]
    alone = [net([Sparse(summed_adjacency(g), CPU)], torch.from_numpy(np.array(g.features))) for g in parts]
    import scipy.sparse

    both = Sparse(scipy.sparse.block_diag([summed_adjacency(g) for g in parts]), CPU)
    both.lengths = [3, 4, 3, 1]
    together = net([both], torch.from_numpy(np.concatenate([g.features for g in parts])))
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-5, rtol=1e-5)
    both.lengths = None  # one graph of four pieces: now the far ones are seen
    joined = net([both], torch.from_numpy(np.concatenate([g.features for g in parts])))
    assert (joined - together).abs().max() > 1e-3


@EACH
def test_outputs_follow_the_nodes_when_they_are_renumbered(model):
    draws = np.random.default_rng(0)
    graph = Graph.of(
        nx.connected_watts_strogatz_graph(30, 4, 0.3, seed=1), features=draws.normal(size=(30, 6))
    )
    order = draws.permutation(30)
    turned = Graph.of(graph.to_scipy()[order][:, order], features=graph.features[order])
    y = np.repeat([0, 1, 2], 10)
    fitted = _classifier(model, normalize="none").fit(NodeSet(graph), y)
    whole, renumbered = fitted.predict_proba(NodeSet(graph)), fitted.predict_proba(NodeSet(turned))
    np.testing.assert_allclose(renumbered, whole[order], atol=1e-5)


@pytest.mark.parametrize("model", ["GAT", "GATv2", "GCN", "GIN", "GraphSAGE"])
@pytest.mark.parametrize("options", [{}, {"residual": True, "norm": "layer", "jumping": "cat", "layers": 3}])
def test_a_part_answers_as_the_whole_does(model, options):
    draws = np.random.default_rng(1)
    graph = Graph.of(nx.barabasi_albert_graph(60, 2, seed=2), features=draws.normal(size=(60, 5)))
    estimator = _classifier(model, normalize="none", **options)
    estimator.n_features_in_, estimator.mean_, estimator.features_, estimator.embedding_ = (
        5,
        None,
        "graph",
        None,
    )
    torch.manual_seed(0)
    network = estimator._encoder(5, 3).eval()
    inputs = GraphInputs(estimator, graph, CPU)
    ids = np.array([40, 3, 59])
    part = inputs.part(ids)
    torch.testing.assert_close(network(*part), network(*inputs.whole())[ids], atol=1e-5, rtol=1e-5)
    assert len(part[1]) < 60 or options


def test_options_of_a_stack():
    for jumping, width in (("none", 16), ("cat", 48), ("max", 16)):
        stack = _classifier("GCN", layers=3, jumping=jumping, residual=True)._encoder(5, 2)
        assert stack.head.weight.shape == (width, 2)
    apart = graphs.GATNodeClassifier(separate_ego=True)
    assert apart._adjacency(_weighted()).diagonal().sum() == 0
    assert apart._encoder(5, 2).skips is not None
    for bad in ({"norm": "bach"}, {"jumping": "last"}):
        with pytest.raises(InputError, match="must be one of"):
            _classifier("GCN", **bad)._encoder(5, 2)


@pytest.fixture(scope="module")
def planted():
    graph = nx.planted_partition_graph(3, 60, 0.15, 0.01, seed=0)
    y = np.repeat(["a", "b", "c"], 60)
    x = np.random.default_rng(0).normal(size=(180, 12)).astype(np.float32)
    x[:, :3] += 0.7 * (y[:, None] == ["a", "b", "c"])
    return NodeSet(Graph.of(graph, features=x)), y


@EACH
def test_structure_is_learned_by_every_model(planted, model):
    X, y = planted
    rows = np.random.default_rng(1).permutation(180)
    rate = {"learning_rate": 0.01, "epochs": 100, "normalize": "standard"}
    if model == "GCNII":
        rate["layers"] = 4  # sixteen that decay as on Cora ask for more than 90 nodes
    fitted = _classifier(model, **rate).fit(X[rows[:90]], y[rows[:90]])
    assert np.mean(fitted.predict(X[rows[90:]]) == y[rows[90:]]) > 0.85


@EACH
def test_regression_follows_a_sum_over_the_neighbours(model):
    draws = np.random.default_rng(3)
    graph = Graph.of(nx.random_regular_graph(4, 200, seed=0), features=draws.normal(size=(200, 2)))
    y = 5 + 3 * (graph.to_scipy() @ graph.features)[:, 0] / 4 + graph.features[:, 0]
    X = NodeSet(graph)
    params = {"normalize": "none", "epochs": 200, "learning_rate": 0.02, "dropout": 0.0, "hidden": 16,
              "random_state": 0, "weight_decay": 0.0}  # fmt: skip
    if model in ("GAT", "GATv2"):
        params["attention_dropout"] = 0.0
    fitted = getattr(graphs, f"{model}NodeRegressor")(**params).fit(X[:150], y[:150])
    residual = y[150:] - fitted.predict(X[150:])
    assert 1 - residual.var() / y[150:].var() > 0.6


def test_several_labels_a_node(planted):
    X, y = planted
    flags = np.column_stack([y == "a", y != "c"]).astype(int)
    fitted = _classifier("GCN", epochs=100, normalize="standard").fit(
        X[::2], flags[::2], (X[1::4], flags[1::4])
    )
    proba = fitted.predict_proba(X[1::2])
    assert proba.shape == (90, 2)
    assert (proba.sum(axis=1) > 1.2).any()
    assert np.mean(fitted.predict(X[1::2]) == flags[1::2]) > 0.9
    with pytest.raises(InputError, match=r"\(n, labels\) array of 0 and 1"):
        _classifier("GCN").fit(X, flags * 2)
    with pytest.raises(InputError, match="must have 2 labels a sample"):
        _classifier("GCN").fit(X[::2], flags[::2], (X[1::2], flags[1::2, :1]))


def test_class_weights_favour_the_rare_class(planted):
    X, y = planted
    rows = np.concatenate([np.flatnonzero(y == "a"), np.flatnonzero(y == "b")[:8]])
    graph = X.graph.with_features(np.random.default_rng(0).normal(size=(180, 4)))
    alone = NodeSet(Graph.of([], names=range(180), features=graph.features))[rows]
    plain, balanced = (
        _classifier("GCN", epochs=60, normalize="none", class_weight=w).fit(alone, y[rows])
        for w in (None, "balanced")
    )
    assert (balanced.predict(alone) == "b").sum() > (plain.predict(alone) == "b").sum()


@pytest.mark.parametrize("model", ["GAT", "GCN", "GraphSAGE"])
def test_batches_of_drawn_neighbours_learn_as_the_whole_graph_does(planted, model):
    X, y = planted
    rows = np.random.default_rng(1).permutation(180)
    params = {"epochs": 40, "normalize": "standard", "learning_rate": 0.01}
    whole = _classifier(
        model,
        **params,
    ).fit(X[rows[:90]], y[rows[:90]])
    drawn = _classifier(model, **params, batch_size=32, neighbours=(4, 4))
    drawn.fit(X[rows[:90]], y[rows[:90]])
    scores = [np.mean(f.predict(X[rows[90:]]) == y[rows[90:]]) for f in (whole, drawn)]
    assert scores[1] > scores[0] - 0.06
    again = clone(drawn).fit(X[rows[:90]], y[rows[:90]])
    np.testing.assert_array_equal(again.predict_proba(X), drawn.predict_proba(X))


def test_batches_need_a_field():
    X = NodeSet(nx.path_graph(6))
    with pytest.raises(NotSupportedError, match="reads the whole graph at once"):
        _classifier("APPNP", batch_size=2).fit(X, [0, 1] * 3)
    with pytest.raises(InputError, match="one for each of 2 layers"):
        _classifier("GCN", batch_size=2, neighbours=(3, 3, 3)).fit(X, [0, 1] * 3)
    with pytest.raises(InputError, match="`neighbours` must be"):
        _classifier("GCN", batch_size=2, neighbours=0).fit(X, [0, 1] * 3)


def test_a_node_that_stands_twice_counts_twice(planted):
    X, y = planted
    rows = np.array([0, 0, 70, 130, 5, 64])
    fitted = _classifier("GCN").fit(X[rows], y[rows])
    np.testing.assert_array_equal(fitted.predict_proba(X[[5, 5]])[0], fitted.predict_proba(X[[5]])[0])


@pytest.mark.parametrize("features", ["laplacian", "node2vec", "prone", "degree"])
def test_features_that_stand_for_missing_ones(features):
    club = nx.karate_club_graph()
    y = np.array([club.nodes[v]["club"] for v in club])
    fitted = _classifier("GCN", features=features, epochs=60).fit(NodeSet(club), y)
    assert fitted.features_ == features
    assert np.mean(fitted.predict(NodeSet(club)) == y) > 0.8


def test_random_walk_encoding_counts_returns():
    triangle = Graph.of([(0, 1), (1, 2), (0, 2), (2, 3)])
    step = triangle.to_scipy().toarray() / triangle.degrees[:, None]
    wanted = [np.diag(np.linalg.matrix_power(step, k)) for k in range(1, 17)]
    np.testing.assert_allclose(encoded("random-walk", triangle), np.stack(wanted, axis=1), atol=1e-6)
    assert encoded("random-walk", Graph.of([], names=range(2))).tolist() == [[0.0] * 16] * 2
    np.testing.assert_allclose(encoded("degree", triangle)[:, 0], np.log([3, 3, 4, 2]), atol=1e-6)


def test_label_propagation_is_the_closed_form():
    club = nx.karate_club_graph()
    y = np.array([club.nodes[v]["club"] for v in club])
    X = NodeSet(club)
    rows = np.array([0, 1, 33, 32, 8])
    fitted = graphs.LabelPropagationNodeClassifier(alpha=0.8, steps=500, tolerance=0).fit(X[rows], y[rows])
    a = X.graph.to_scipy().toarray()
    scale = np.diag(a.sum(1) ** -0.5)
    known = np.zeros((34, 2))
    known[rows, (y[rows] == "Officer").astype(int)] = 1
    closed = np.linalg.solve(np.eye(34) - 0.8 * scale @ a @ scale, known)  # eq. (5), up to a factor
    np.testing.assert_allclose(fitted.predict_proba(X), closed / closed.sum(1, keepdims=True), atol=1e-6)
    assert np.mean(fitted.predict(X) == y) > 0.9
    with pytest.raises(InputError, match="transductive"):
        fitted.predict(NodeSet(nx.path_graph(34)))


def test_grand_propagates_the_mean_of_powers_and_asks_passes_to_agree(planted):
    from neuroloom.graphs._layers.grand import disagreement

    graph, x = _weighted(), _features()
    _, _, hat = _dense_matrices(graph)
    torch.manual_seed(5)
    net = _numbers(graphs.GRANDNodeClassifier(hidden=5, steps=3)._encoder(7, 2))
    spread = sum(np.linalg.matrix_power(hat, k) @ x for k in range(4)) / 4
    h = np.maximum(spread @ _own(net.first.weight) + _own(net.first_bias), 0)
    wanted = h @ _own(net.second.weight) + _own(net.second_bias)
    adjacency = Sparse(normalised_adjacency(graph), CPU)
    np.testing.assert_allclose(net([adjacency], torch.from_numpy(x)).detach(), wanted, rtol=1e-4, atol=1e-4)
    p = np.array([[[0.8, 0.2]], [[0.4, 0.6]]])  # two passes over one node
    aim = np.array([0.6, 0.4]) ** 2 / (0.6**2 + 0.4**2)
    by_hand = np.mean([((aim - one) ** 2).sum() for one in p[:, 0]])
    assert float(disagreement(torch.from_numpy(np.log(p)), 0.5)) == pytest.approx(by_hand)
    assert float(disagreement(torch.zeros(3, 4, 2), 1.0)) == 0
    X, y = planted
    fitted = _classifier("GRAND", epochs=100, normalize="standard").fit(X[::2], y[::2])
    assert np.mean(fitted.predict(X[1::2]) == y[1::2]) > 0.85
    with pytest.raises(InputError, match="`temperature` must be"):
        _classifier("GRAND", temperature=0).fit(X, y)


@pytest.mark.parametrize("normalize", ["row", "standard"])
@pytest.mark.parametrize("model", [*MODELS, "GRAND"])
def test_a_network_leaves_as_a_module_that_torch_exports(planted, model, normalize):
    X, y = planted
    fitted = _classifier(model, epochs=3, normalize=normalize).fit(X, y)
    module = fitted.to_torch(X.graph)
    x = torch.tensor(X.graph.features)
    with torch.no_grad():
        shares = module(x).softmax(1).numpy()
        np.testing.assert_allclose(shares, fitted.predict_proba(X), atol=1e-5)
        if model in ("GCN", "GAT", "GraphSAGE"):
            program = torch.export.export(module, (x,)).module()
            torch.testing.assert_close(program(2 * x), module(2 * x))
    assert not torch.allclose(module(x + torch.randn_like(x)), module(x))
