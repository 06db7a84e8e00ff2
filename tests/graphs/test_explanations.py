"""What attention networks look at, and explanations by PyG's explainers."""

import networkx as nx
import numpy as np
import pytest
import torch

from neuroloom import graphs
from neuroloom.core import Graph, InputError, NodeSet
from neuroloom.graphs._layers.sparse import Gated, Sparse
from neuroloom.graphs.node_roles import GraphInputs

CPU = torch.device("cpu")


@pytest.fixture
def pyplot():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


@pytest.fixture(scope="module")
def club():
    graph = nx.relabel_nodes(nx.karate_club_graph(), {i: f"m{i}" for i in range(34)})
    return NodeSet(Graph.of(graph)), np.array([graph.nodes[m]["club"] for m in graph])


@pytest.fixture(scope="module")
def stars():
    """Sixty stars of five leaves; one leaf alone knows the class of its centre."""
    draws = np.random.default_rng(0)
    edges, x, known = [], np.zeros((360, 3), dtype=np.float32), []
    y = draws.integers(2, size=60)
    for s in range(60):
        edges += [(6 * s, 6 * s + leaf) for leaf in range(1, 6)]
        told = 6 * s + int(draws.integers(1, 6))
        known.append(told)
        x[told, 1] = 2 * y[s] - 1
    x[:, 2] = 0.1
    X = NodeSet(Graph.of(edges, names=range(360), features=x), 6 * np.arange(60))
    return X, y, np.array(known)


@pytest.mark.parametrize("model", ["GAT", "GATv2"])
def test_coefficients_are_named_and_sum_to_one(club, model):
    X, y = club
    fitted = getattr(graphs, f"{model}NodeClassifier")(heads=2, epochs=10, random_state=0).fit(X, y)
    table = fitted.attention(X[[8, 0]])
    assert table.columns.tolist() == ["layer", "head", "node", "neighbour", "coefficient"]
    sums = table.groupby(["node", "layer", "head"])["coefficient"].sum()
    assert len(sums) == 2 * (2 + 1)  # two heads, and one of the last layer
    np.testing.assert_allclose(sums, 1, atol=1e-6)
    first = table[(table["node"] == "m8") & (table["layer"] == 1) & (table["head"] == 1)]
    assert sorted(first["neighbour"]) == sorted(["m8", "m0", "m2", "m30", "m32", "m33"])
    told = fitted.attended(X[[8, 0]], samples=1, most=4)
    mean = table[(table["node"] == "m8") & (table["layer"] == 1)].groupby("neighbour")["coefficient"].mean()
    assert [name for name, _ in told] == ["m8"]
    assert dict(told[0][1]) == pytest.approx(mean.nlargest(4).to_dict())
    if model == "GAT":  # by hand: the first head's scores on the network's own input
        inputs = GraphInputs(fitted, X.graph, CPU)
        h = inputs.features @ fitted.weights_["layers.0.linear.weight"][:, :8]
        source, target = fitted.weights_["layers.0.source"][0], fitted.weights_["layers.0.target"][0]
        ids = X.graph.index_of(first["neighbour"])
        e = h[8] @ target + h[ids] @ source
        weights = inputs.matrix[[8]].toarray()[0, ids]
        odds = weights * np.exp(np.where(e > 0, e, 0.2 * e))
        np.testing.assert_allclose(first["coefficient"], odds / odds.sum(), rtol=1e-4)


def test_picture_of_attention(club, pyplot):
    X, y = club
    fitted = graphs.GATNodeClassifier(heads=2, epochs=5, random_state=0).fit(X, y)
    ax = fitted.plot_attention(X[[33]], most=6)
    assert ax.get_title().startswith("What m33 attends to, layer 1\nitself ")
    assert "6 neighbours" in ax.get_title()
    assert "11 more" in ax.get_title()
    assert len(ax.lines) == 6
    with pytest.raises(InputError, match="draws one node"):
        fitted.plot_attention(X[:2])
    with pytest.raises(InputError, match="`layer` must be at most 2"):
        fitted.plot_attention(X[[0]], layer=3)


@pytest.mark.parametrize(
    "model", ["APPNP", "GAT", "GATv2", "GCN", "GCNII", "GIN", "GPS", "GRAND", "GraphSAGE"]
)
def test_open_gates_change_nothing_and_gates_have_gradients(club, model):
    X, y = club
    fitted = getattr(graphs, f"{model}NodeClassifier")(epochs=2, random_state=0).fit(X, y)
    network = fitted._restored(fitted._encoder(fitted.n_features_in_, 2), CPU)
    inputs = GraphInputs(fitted, X.graph, CPU)
    adjacency, x = Sparse(inputs.matrix, CPU), torch.from_numpy(inputs.features)
    gates = torch.ones(len(adjacency.indices), requires_grad=True)
    hops = inputs.hops or 1
    made = network([Gated(adjacency, gates)] * hops, x)
    torch.testing.assert_close(made, network([adjacency] * hops, x), atol=1e-4, rtol=1e-4)
    (gradient,) = torch.autograd.grad(made.square().sum(), gates)
    assert (gradient.abs() > 0).float().mean() > 0.5


def test_gates_of_the_maximum():
    adjacency = Sparse(np.array([[1.0, 1, 0], [0, 0, 1]]), CPU)
    x = torch.tensor([[1.0], [2.0], [-3.0]])
    assert Gated(adjacency, torch.tensor([1.0, 0.25, 1.0])).maximum(x).tolist() == [[1.0], [-3.0]]


@pytest.mark.parametrize("model", ["GCN", "GAT", "GraphSAGE"])
def test_the_leaf_that_knows_is_named(stars, model):
    X, y, known = stars
    params = {
        "epochs": 150,
        "layers": 1,
        "normalize": "none",
        "dropout": 0.0,
        "learning_rate": 0.05,
        "random_state": 0,
    }
    if model == "GAT":
        params["attention_dropout"] = 0.0
    fitted = getattr(graphs, f"{model}NodeClassifier")(**params).fit(X, y)
    assert np.mean(fitted.predict(X) == y) == 1
    found = 0
    for star in (3, 10, 41):
        explanation = fitted.explain(X[[star]])
        assert explanation.node == 6 * star
        assert explanation.answer == y[star]
        assert len(explanation.edges) == 5
        first = explanation.edges.iloc[0]
        found += {first["source"], first["target"]} == {6 * star, known[star]}
        assert explanation.features.argmax() == 1
    assert found >= 2  # where a class needs no sign, nothing has to be kept for it
    again = fitted.explain(X[[41]])
    np.testing.assert_array_equal(again.edges["importance"], explanation.edges["importance"])


def test_picture_of_an_explanation(club, pyplot):
    X, y = club
    fitted = graphs.GCNNodeClassifier(epochs=20, random_state=0).fit(X, y)
    explanation = fitted.explain(X[[8]])
    ax = explanation.plot(most=7)
    assert ax.get_title().startswith(f"Why m8 is {explanation.answer}: the 7 most important of ")
    with pytest.raises(InputError, match="takes one node"):
        fitted.explain(X[:2])
