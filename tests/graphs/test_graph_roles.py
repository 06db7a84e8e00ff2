"""Whole graphs: batches, pools and their gradients, against hand-worked cases and PyG's layers."""

import networkx as nx
import numpy as np
import pytest
import torch

from neuroloom import graphs
from neuroloom.core import Graph, GraphSet, InputError, NodeSet, NotSupportedError
from neuroloom.graphs._layers.pooling import POOLINGS, BestNodes, pooled, segments
from neuroloom.graphs._layers.sparse import Sparse
from neuroloom.graphs.graph_roles import GraphBatches

CPU = torch.device("cpu")
MODELS = ("DeepSets", "GAT", "GATv2", "GCN", "GIN", "GPS", "GraphSAGE")
EACH = pytest.mark.parametrize("model", MODELS)


def _classifier(model, **params):
    return getattr(graphs, f"{model}GraphClassifier")(
        **{"epochs": 20, "hidden": 16, "random_state": 0, **params}
    )


def _rings(count=60, seed=0):
    """Rings against two rings half as long of the same nodes: the same degrees, told apart by their lengths alone."""
    draws = np.random.default_rng(seed)
    made, y = [], []
    for i in range(count):
        n = 2 * int(draws.integers(3, 7))
        one = (
            nx.cycle_graph(n)
            if i % 2
            else nx.disjoint_union(nx.cycle_graph(n // 2), nx.cycle_graph(n - n // 2))
        )
        made.append(Graph.of(one, features=np.ones((n, 1))))
        y.append("one" if i % 2 else "two")
    return GraphSet(made), np.array(y)


def _shapes(count=60, seed=0):
    draws = np.random.default_rng(seed)
    makers = [nx.cycle_graph, lambda n: nx.star_graph(n - 1), nx.path_graph]
    made = [makers[i % 3](int(draws.integers(5, 12))) for i in range(count)]
    return GraphSet(made), np.array(["cycle", "star", "path"])[np.arange(count) % 3]


def test_pools_by_hand():
    h = torch.tensor([[1.0, -2.0], [3.0, -1.0], [5.0, 5.0]])
    of = segments([2, 0, 1], CPU)
    assert of.tolist() == [0, 0, 2]
    assert pooled(h, of, 3, "sum").tolist() == [[4, -3], [0, 0], [5, 5]]
    assert pooled(h, of, 3, "mean").tolist() == [[2, -1.5], [0, 0], [5, 5]]
    assert pooled(h, of, 3, "max").tolist() == [[3, -1], [0, 0], [5, 5]]
    assert pooled(h, of, 3, "all").shape == (3, 6)


@pytest.mark.parametrize("how", ["top-k", "sag"])
def test_best_nodes_are_those_of_pyg(how):
    from torch_geometric.nn import SAGPooling, TopKPooling

    parts = [nx.path_graph(5), nx.star_graph(3), nx.empty_graph(1)]
    whole = nx.disjoint_union_all(parts)
    lengths, of = [5, 4, 1], segments([5, 4, 1], CPU)
    torch.manual_seed(1)
    x = torch.randn(10, 4, dtype=torch.double)
    ours = BestNodes(4, 0.5, how).double()
    adjacency = Sparse(nx.to_scipy_sparse_array(whole, dtype=float), CPU)
    index = adjacency.rows, adjacency.columns
    if how == "top-k":
        peer = TopKPooling(4, ratio=0.5).double()
        peer.select.weight.data.copy_(ours.direction[None])
    else:
        peer = SAGPooling(4, ratio=0.5).double()
        for p in ours.parameters():
            p.data.normal_()
        peer.gnn.lin_rel.weight.data.copy_(ours.score.near.weight.T)
        peer.gnn.lin_rel.bias.data.copy_(ours.score.bias)
        peer.gnn.lin_root.weight.data.copy_(ours.score.own.weight.T)
    kept, _, _, batch, rows, _ = peer(x, torch.stack(index), batch=of)
    found, score = ours.kept(x, adjacency, of, lengths)
    assert sorted(found.tolist()) == sorted(rows.tolist())
    assert torch.bincount(of[found]).tolist() == torch.bincount(batch).tolist() == [3, 2, 1]
    order, other = torch.argsort(found), torch.argsort(rows)
    torch.testing.assert_close((x[found] * score[:, None])[order], kept[other])
    made = ours(x, adjacency, of, lengths)
    torch.testing.assert_close(made[0, :4], kept[batch == 0].mean(0))
    torch.testing.assert_close(made[0, 4:], kept[batch == 0].amax(0))


@pytest.mark.parametrize("how", ["sum", "mean", "max", "all"])
def test_gradients_of_pools(how):
    of = segments([3, 0, 2], CPU)
    h = torch.randn(5, 2, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda h: pooled(h, of, 3, how), (h,))


@EACH
@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_batch_answers_as_its_graphs_do_alone_however_their_nodes_are_numbered(model, pooling):
    X, y = _shapes(24)
    fitted = _classifier(model, pooling=pooling, epochs=3).fit(X, y)
    whole = fitted.predict_proba(X)
    alone = np.concatenate([fitted.predict_proba(X[[i]]) for i in range(6)])
    np.testing.assert_allclose(alone, whole[:6], atol=1e-5)
    draws, turned = np.random.default_rng(0), []
    for graph in X.graphs[:6]:
        order = draws.permutation(graph.n_nodes)
        turned.append(Graph.of(graph.to_scipy()[order][:, order]))
    if pooling not in ("top-k", "sag"):  # of equal scores, which these graphs have, the first nodes stay
        np.testing.assert_allclose(fitted.predict_proba(GraphSet(turned)), whole[:6], atol=1e-5)


def test_batches_of_very_unequal_graphs():
    parts = [nx.empty_graph(1), nx.star_graph(40), nx.empty_graph(3), nx.path_graph(2)]
    X = GraphSet([Graph.of(g, features=np.full((len(g), 2), i + 1.0)) for i, g in enumerate(parts)])
    model = _classifier("GCN", normalize="none")
    model.n_features_in_, model.mean_, model.features_, model.embedding_ = 2, None, "graph", None
    (adjacency, *_), x = GraphBatches(model, X, CPU).of([3, 1, 0, 2])
    assert adjacency.lengths == [2, 41, 1, 3]
    assert x.numpy()[:, 0].tolist() == [4] * 2 + [2] * 41 + [1] + [3] * 3
    assert len(adjacency.indices) == (2 + 2) + (80 + 41) + 1 + 3  # both ways, and each node itself


@EACH
def test_shapes_are_told_apart(model):
    X, y = _shapes(90)
    fitted = _classifier(model, epochs=60, learning_rate=0.01).fit(X[:60], y[:60])
    accuracy = np.mean(fitted.predict(X[60:]) == y[60:])
    assert accuracy > (0.6 if model == "DeepSets" else 0.9)
    embedded = fitted.embed(X[60:])
    assert embedded.shape[0] == 30
    assert np.isfinite(embedded).all()


def test_messages_alone_cannot_tell_rings_and_return_probabilities_can():
    X, y = _rings()
    plain = _classifier("GIN", epochs=60).fit(X[:40], y[:40])
    told = _classifier("GPS", epochs=60, encoding="random-walk", learning_rate=0.01).fit(X[:40], y[:40])
    assert np.mean(plain.predict(X[40:]) == y[40:]) < 0.7  # the Weisfeiler-Lehman test cannot, so no GIN can
    assert np.mean(told.predict(X[40:]) == y[40:]) > 0.85


def test_regression_counts_nodes():
    X, _ = _shapes(80)
    y = np.array([float(g.n_nodes) for g in X.graphs])
    fitted = graphs.GINGraphRegressor(epochs=150, random_state=0).fit(X[:60], y[:60])
    assert np.abs(fitted.predict(X[60:]) - y[60:]).mean() < 0.7


def test_several_labels_a_graph():
    X, y = _shapes(90)
    flags = np.column_stack([y == "star", y != "path"]).astype(int)
    fitted = _classifier("GIN", epochs=60, learning_rate=0.01).fit(X[:60], flags[:60])
    assert np.mean(fitted.predict(X[60:]) == flags[60:]) > 0.9


def test_same_seed_same_result_on_any_number_of_threads():
    X, y = _shapes(30)
    before, made = torch.get_num_threads(), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        made.append(_classifier("GIN", epochs=5).fit(X, y).predict_proba(X))
    torch.set_num_threads(before)
    np.testing.assert_array_equal(made[0], made[1])


def test_wrong_input():
    X, y = _shapes(30)
    with pytest.raises(NotSupportedError, match="expected a GraphSet"):
        _classifier("GIN").fit(NodeSet(nx.path_graph(3)), [0, 1, 0])
    with pytest.raises(InputError, match="stand for the nodes of one graph"):
        _classifier("GIN", features="prone").fit(X, y)
    with pytest.raises(InputError, match="`pooling` must be one of"):
        _classifier("GIN", pooling="median").fit(X, y)
    with pytest.raises(InputError, match="`pool_share` must be"):
        _classifier("GIN", pool_share=0).fit(X, y)
    fitted = _classifier("GIN", epochs=2).fit(*_rings(20))
    with pytest.raises(InputError, match="but the graph has none"):
        fitted.predict(X)


def test_validation_graphs_choose_the_epoch():
    X, y = _shapes(60)
    fitted = _classifier("GIN", epochs=100, patience=5).fit(X[:40], y[:40], (X[40:], y[40:]))
    scores = [record["score"] for record in fitted.history_]
    assert len(scores) - 1 - int(np.argmax(scores)) == 5 or len(scores) == 100
    kept = np.mean(fitted.predict(X[40:]) == y[40:])
    assert kept == pytest.approx(max(scores), abs=2e-3)
