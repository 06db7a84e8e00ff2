"""Links by graph networks: what is asked for is never read along, what is drawn is no link, and common neighbours
count.
"""

import networkx as nx
import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from neuroloom import graphs
from neuroloom.core import Graph, InputError, LinkSet, NodeSet, NotSupportedError
from neuroloom.core.seeding import stream
from neuroloom.graphs._layers.links import LinkNet
from neuroloom.graphs._layers.sparse import Sparse
from neuroloom.graphs.link_roles import Messages, _ranked_right, drawn_non_links
from neuroloom.tasks.links import drawn_links

CPU = torch.device("cpu")
MODELS = ("GAT", "GATv2", "GCN", "GIN", "GraphSAGE", "NCN")


def _classifier(model, **params):
    return getattr(graphs, f"{model}LinkClassifier")(
        **{"epochs": 30, "hidden": 16, "random_state": 0, **params}
    )


@pytest.fixture(scope="module")
def friends():
    """Who is near is a friend, and so are many of their friends."""
    graph = Graph.of(nx.random_geometric_graph(150, 0.17, seed=3))
    data = drawn_links(graph, stream(0, "links"))
    return data.X, data.y


@pytest.mark.parametrize("model", MODELS)
def test_links_are_found(friends, model):
    X, y = friends
    rows = np.random.default_rng(0).permutation(len(y))
    train, test = rows[: 3 * len(y) // 4], rows[3 * len(y) // 4 :]
    fitted = _classifier(model, epochs=100).fit(X[train], y[train])
    assert roc_auc_score(y[test], fitted.decision_function(X[test])) > 0.8
    flipped = LinkSet(X.graph, X.pairs[:, ::-1])
    np.testing.assert_allclose(fitted.predict_proba(flipped[test]), fitted.predict_proba(X[test]), atol=1e-5)
    proba = fitted.predict_proba(X[test])
    np.testing.assert_array_equal(fitted.predict(X[test]), (proba[:, 1] > 0.5).astype(int))


def test_what_is_asked_for_is_not_among_the_messages(friends):
    """A network that looks an edge up in the graph that it is handed scores one half in training and in testing."""
    X, y = friends
    looked: list[np.ndarray] = []

    class Spy(graphs.GCNLinkClassifier):
        def _net(self):
            net = super()._net()

            def hook(_, args):
                adjacency, _, pairs, _ = args
                dense = np.zeros(adjacency[0].shape)
                dense[adjacency[0].rows.numpy(), adjacency[0].columns.numpy()] = 1
                looked.append(dense[pairs[:, 0].numpy(), pairs[:, 1].numpy()])

            net.register_forward_pre_hook(hook)
            return net

    fitted = Spy(epochs=12, hidden=8, random_state=0).fit(X[::2], y[::2])
    fitted.predict(X[1::2])
    assert len(looked) >= 13
    assert not any(found.any() for found in looked)


def test_pairs_drawn_as_none_are_none_and_of_three_kinds():
    graph = Graph.of(nx.barbell_graph(12, 4))
    links = graph.edges()[::3]
    none = drawn_non_links(graph, links, 6, np.random.default_rng(0))
    assert len(none) > 2 * len(links)
    assert not graph.has_edges(none).any()
    assert (none[:, 0] != none[:, 1]).all()
    matrix = graph.to_scipy()
    shares = np.asarray((matrix[none[:, 0]].multiply(matrix[none[:, 1]])).sum(axis=1)) > 0
    chance = drawn_non_links(graph, links, 6, np.random.default_rng(1))[:, 0]
    assert shares.mean() > 0.05  # few of this graph's pairs without an edge share a neighbour
    assert np.isin(chance, links).mean() > 0.6
    alone = Graph.of([], names=range(4))
    assert len(drawn_non_links(alone, np.array([[0, 1]]), 3, np.random.default_rng(0))) <= 3


def test_common_neighbours_by_hand():
    graph = Graph.of([(0, 2), (1, 2), (0, 3), (1, 3), (3, 4), (4, 5)])
    model = graphs.NCNLinkClassifier()
    shared = Messages(model, graph, CPU, common=True).shared(np.array([[0, 1], [0, 4], [2, 5], [1, 0]]))
    dense = np.zeros(shared.shape)
    dense[shared.rows.numpy(), shared.columns.numpy()] = shared.values.numpy()
    wanted = np.zeros((4, 6))
    wanted[[0, 3], 2], wanted[[0, 3], 3], wanted[1, 3] = 1 / 2, 1 / 3, 1 / 3  # one over the degree
    np.testing.assert_allclose(dense, wanted, atol=1e-6)
    h = torch.randn(6, 3)
    encoder = torch.nn.Module()
    encoder.out_width, encoder.forward = 3, lambda adjacencies, x: h
    net = LinkNet(encoder, "mlp", True, 0.0).eval()
    pairs = torch.tensor([[0, 1], [0, 4], [2, 5], [1, 0]])
    near = torch.from_numpy(wanted).float() @ torch.cat([h, torch.ones(6, 1)], dim=1)
    both = torch.cat([h[pairs[:, 0]] * h[pairs[:, 1]], near], dim=1)
    torch.testing.assert_close(net([], None, pairs, shared), net.head(both)[:, 0])
    plain = LinkNet(encoder, "dot", False, 0.0)
    torch.testing.assert_close(plain([], None, pairs, None), (h[pairs[:, 0]] * h[pairs[:, 1]]).sum(1))


def test_score_is_the_area_under_the_curve():
    draws = np.random.default_rng(2)
    logits, right = draws.normal(size=60).astype(np.float32), draws.random(60) < 0.3
    score = float(_ranked_right(torch.from_numpy(logits), torch.from_numpy(right)))
    assert score == pytest.approx(roc_auc_score(right, logits), abs=1e-3)


def test_wrong_input(friends):
    X, y = friends
    with pytest.raises(NotSupportedError, match="expected a LinkSet"):
        _classifier("GCN").fit(NodeSet(nx.path_graph(3)), [0, 1, 0])
    with pytest.raises(InputError, match="two labels"):
        _classifier("GCN").fit(X, np.ones(len(y)))
    with pytest.raises(InputError, match="needs decoder='mlp'"):
        _classifier("NCN", decoder="dot").fit(X, y)
    with pytest.raises(InputError, match="`parts` must be"):
        _classifier("GCN", parts=1).fit(X, y)
    fitted = _classifier("GCN", epochs=2).fit(X, y)
    with pytest.raises(InputError, match="fitted over another graph"):
        fitted.predict(LinkSet(nx.path_graph(5), [(0, 3)]))


def test_a_graph_without_any_observed_edge():
    pairs = np.array([(0, 1), (1, 2), (2, 3), (0, 3), (0, 2), (1, 3), (4, 5), (4, 6)])
    X = LinkSet(Graph.of([], names=range(8)), pairs)
    fitted = _classifier("NCN", epochs=5).fit(X, [1, 1, 1, 1, 0, 0, 0, 0])
    assert np.isfinite(fitted.decision_function(X)).all()


def test_eval_set_stops(friends):
    X, y = friends
    fitted = _classifier("NCN", epochs=200, patience=4).fit(X[::2], y[::2], (X[1::2], y[1::2]))
    scores = [record["score"] for record in fitted.history_]
    assert len(scores) - 1 - int(np.argmax(scores)) == 4 or len(scores) == 200
    assert Sparse(np.eye(2), CPU).lengths is None
