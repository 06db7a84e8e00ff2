"""Series as graphs: visibility against its definition and theory, wavelet correlation by hand, and learning."""

import networkx as nx
import numpy as np
import pytest

import neuroloom
from neuroloom.core import GraphSet, InputError
from neuroloom.methods import recipe
from neuroloom.methods.make import Skip
from neuroloom.signal import VisibilityGraphs, WaveletCorrelationGraphs, modwt, visibility_graph
from tests.reference import visibility_reference

RNG = np.random.default_rng(0)
SERIES = {
    "one": [2.0],
    "two": [1.0, 1.0],
    "equal": np.ones(9),
    "line": np.arange(12.0),
    "bowl": np.arange(-10.0, 11.0) ** 2,
    "hill": -(np.arange(-10.0, 11.0) ** 2),
    "noise": RNG.standard_normal(70),
    "whole numbers": RNG.integers(0, 4, 60),
    "walk": RNG.integers(-1, 2, 80).cumsum(),
}


@pytest.mark.parametrize("horizontal", [False, True])
@pytest.mark.parametrize("name", SERIES)
def test_a_visibility_graph_is_what_its_definition_says(name, horizontal):
    graph = visibility_graph(SERIES[name], horizontal)
    assert sorted(map(tuple, graph.edges().tolist())) == visibility_reference.edges(SERIES[name], horizontal)
    assert graph.features[:, 0].tolist() == np.float32(SERIES[name]).tolist()


def test_the_example_of_the_paper_and_its_invariance():
    x = np.array([0.87, 0.49, 0.36, 0.83, 0.87, 0.49, 0.36, 0.83, 0.87, 0.49])
    graph = visibility_graph(x)
    assert graph.edges()[:4].tolist() == [[0, 1], [0, 2], [0, 3], [0, 4]]
    y = np.random.default_rng(5).standard_normal(40)
    moved = visibility_graph(5 * y + 0.25 * np.arange(40) - 3)  # affine maps keep who sees whom
    assert np.array_equal(moved.edges(), visibility_graph(y).edges())


def test_degrees_of_noise_under_horizontal_visibility():
    # P(k) = (1/3) (2/3)^(k - 2), mean 4 (Luque et al. 2009, theorem 1)
    degrees = visibility_graph(np.random.default_rng(1).random(60_000), horizontal=True).degrees
    shares = np.bincount(degrees, minlength=8)[2:8] / len(degrees)
    np.testing.assert_allclose(shares, (2 / 3) ** np.arange(6) / 3, atol=0.006)
    assert degrees.mean() == pytest.approx(4, abs=0.01)


def test_channels_stand_beside_each_other():
    X = np.random.default_rng(2).normal(3, 2, size=(5, 2, 30))
    graphs = VisibilityGraphs().fit(X).transform(X)
    graph = graphs.graphs[4]
    assert nx.number_connected_components(graph.to_networkx()) == 2
    lower = visibility_graph(X[4, 1]).edges() + 30
    assert np.array_equal(graph.edges()[-len(lower) :], lower)
    values = np.array([g.features[:30, 0] for g in graphs.graphs])
    assert (values.mean(), values.std()) == pytest.approx((0, 1), abs=1e-6)
    assert graph.features[:, 1:].sum(0).tolist() == [30, 30]
    with pytest.raises(InputError, match="samples of shape"):
        VisibilityGraphs().fit(X).transform(X[:, :1])
    with pytest.raises(InputError, match="one series"):
        visibility_graph([[1.0, 2.0]])


def test_wavelet_correlations_are_the_weights():
    X = np.random.default_rng(3).standard_normal((6, 3, 64))
    X[:, 1] += 2 * X[:, 0]
    made = WaveletCorrelationGraphs("db2", level=3, threshold=0.15).fit(X)
    graph = made.transform(X).graphs[2]
    dense = graph.to_scipy().toarray().reshape(4, 3, 4, 3)
    bands = modwt(X[2], "db2", 3, "symmetric")
    for j in range(4):
        expected = np.abs(np.corrcoef(bands[:, j])) - np.eye(3)
        np.testing.assert_allclose(dense[j, :, j], np.where(expected < 0.15, 0, expected), atol=1e-9)
    for j in range(3):
        np.testing.assert_array_equal(dense[j, :, j + 1], np.eye(3))
    assert dense[0, :, 2].max() == 0
    every = np.array([np.log(modwt(x, "db2", 3, "symmetric").var(-1)).T for x in X])  # (n, levels, channels)
    logs = (every[2] - every.mean(0)) / every.std(0)
    features = graph.features.reshape(4, 3, -1)
    for j in range(4):
        np.testing.assert_allclose(features[j, :, j], logs[j], atol=1e-4)
        mean = (np.corrcoef(bands[:, j]).sum(1) - 1) / 2
        np.testing.assert_allclose(features[j, :, 4], mean, atol=1e-6)
        assert np.array_equal(features[j, :, 5:], np.eye(3))


def test_silent_channels_and_bad_input():
    X = np.ones((4, 2, 32))
    graphs = WaveletCorrelationGraphs().fit(X).transform(X)
    assert graphs.graphs[0].n_edges == 2 * 3  # the levels alone
    assert np.isfinite(graphs.graphs[0].features).all()
    with pytest.raises(InputError, match="`threshold` must be a number"):
        WaveletCorrelationGraphs(threshold=1.5).fit(X)
    with pytest.raises(InputError, match="missing"):
        WaveletCorrelationGraphs().fit(np.full((3, 2, 8), np.nan))


def _coupled(n: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Four channels of noise, two and two of them moving together: slowly in one class, quickly in the other."""
    rng = np.random.default_rng(seed)
    y = np.repeat(["slow", "quick"], n // 2)
    X = rng.standard_normal((n, 4, 64))
    shared = rng.standard_normal((n, 2, 64 + 7))
    slow = np.lib.stride_tricks.sliding_window_view(shared, 8, axis=-1).sum(-1) / 8**0.5
    both = np.where((y == "slow")[:, None, None], slow, np.diff(shared, axis=-1)[..., :64] / 2**0.5)
    return X + 1.5 * np.repeat(both, 2, axis=1), y


def test_graph_methods_take_series(tmp_path):
    X, y = _coupled()
    np.savez(tmp_path / "coupled.npz", X=X, y=y)
    found = neuroloom.run(
        {
            "name": "graphs of series", "seeds": 1, "folds": 3,
            "task": [{"name": "coupled", "path": str(tmp_path / "coupled.npz"), "kind": "series"}],
            "methods": ["dummy", "visibility-graph", "wavelet-correlation-graph+gat"],
            "method": {"wavelet-correlation-graph+gat": {"gat": {"epochs": 15}}},
        },
        tmp_path / "out", engine="inline",
    )  # fmt: skip
    frame = found.frame()
    assert set(frame.status) == {"done"}, frame.reason.tolist()
    accuracy = frame[frame.metric == "accuracy"].groupby("method").value.mean()
    assert accuracy["dummy"] <= 0.5
    assert accuracy["visibility-graph"] > 0.9, accuracy
    assert accuracy["wavelet-correlation-graph+gat"] > 0.9, accuracy
    gin = neuroloom.make(
        "visibility-graph+gin", "series", "classification", gin={"epochs": 60, "random_state": 0}
    )
    assert (gin.fit(X[::2], y[::2]).predict(X[1::2]) == y[1::2]).mean() > 0.8


def test_what_does_not_fit_is_said():
    assert [s.method.key for s in recipe("visibility-graph", "series", "classification").steps] == [
        "visibility-graph", "graph-statistics", "logreg",
    ]  # fmt: skip
    for expression, kind, reason in (
        ("visibility-graph+svm", "series", "it would get graphs"),
        ("visibility-graph+gin", "table", "visibility-graph takes series"),
        ("gin", "series", "gin takes"),
    ):
        found = recipe(expression, kind, "classification")
        assert isinstance(found, Skip)
        assert reason in found.reason
    X = np.random.default_rng(0).normal(size=(6, 1, 16))
    assert isinstance(VisibilityGraphs().fit_transform(X), GraphSet)
