"""HyperNEAT: what a CPPN writes on a substrate, one connection at a time, and the estimators over it."""

import itertools
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_wine

from neuroloom.core import EnvSet, InputError
from neuroloom.evolve import (
    NEAT,
    Connection,
    Expression,
    Genome,
    HyperNEATClassifier,
    HyperNEATPolicy,
    HyperNEATRegressor,
    Node,
    Substrate,
    SubstrateNetwork,
    SubstrateNetworks,
    hyperneat_config,
)

SUBSTRATE = Substrate(
    (
        np.array([[-1.0, -1], [0, -1], [1, -1]]),
        np.array([[-0.5, 0], [0.5, 0]]),
        np.array([[0.0, 1], [0.4, 1]]),
    ),
    ((0, 1), (1, 2), (0, 2)),
)
EACH = Expression(outputs_by_link=3)
LEO = Expression(threshold=0.3, max_weight=2.0, leo=True)


def _population(expression, count=10, seed=0):
    engine = NEAT(hyperneat_config(SUBSTRATE, expression, count), seed)
    engine.run(lambda net: np.arange(float(count)), 4)
    return engine


def _weight(value, expression, linked=None):
    """The rule of the paper for one connection."""
    if linked is not None:
        return np.sign(value) * min(abs(value), 1) * expression.max_weight if linked > 0 else 0.0
    size = min(abs(value), 1)
    if size <= expression.threshold:
        return 0.0
    return np.sign(value) * (size - expression.threshold) / (1 - expression.threshold) * expression.max_weight


def _by_hand(genome, expression, x):
    """One network, neuron by neuron: every connection is asked of the genome by itself."""

    def ask(source, target):
        far = np.linalg.norm(source - target)
        return genome.activate(np.array([*source, *target, far, 1.0]))

    sheets = [list(x)]
    for b in (1, 2):
        values = []
        for target in SUBSTRATE.sheets[b]:
            at = expression.outputs_by_link
            total = _weight(ask(np.zeros(2), target)[at], expression) if expression.bias else 0.0
            if expression.bias and expression.leo:
                size = ask(np.zeros(2), target)[at]
                total = np.sign(size) * min(abs(size), 1) * expression.max_weight
            for k, (a, t) in enumerate(SUBSTRATE.joined):
                if t != b:
                    continue
                own = k if at > 1 else 0
                for place, value in zip(SUBSTRATE.sheets[a], sheets[a], strict=True):
                    found = ask(place, target)
                    total += value * _weight(found[own], expression, found[-1] if expression.leo else None)
            values.append(total if b == 2 else np.tanh(total))
        sheets.append(values)
    return sheets[2]


@pytest.mark.parametrize(
    "expression", [Expression(), LEO, EACH, Expression(bias=False), Expression(threshold=0.0, max_weight=5.0)]
)
def test_networks_are_those_written_connection_by_connection(expression):
    engine = _population(expression)
    nets = SubstrateNetworks(engine.phenotypes(), SUBSTRATE, expression)
    X = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
    outputs = nets.run(X)
    assert outputs.shape == (10, 4, 2)
    for g, n in itertools.product((0, 4, 9), range(4)):
        wanted = _by_hand(engine.genomes[g], expression, X[n].astype(float))
        np.testing.assert_allclose(outputs[g, n], wanted, rtol=2e-3, atol=2e-3)
    alone = SubstrateNetwork(engine.genomes[4], SUBSTRATE, expression)
    np.testing.assert_allclose(alone.activate(X), outputs[4], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(nets.activate(X.T), outputs.transpose(0, 2, 1), rtol=1e-6)


def test_each_networks_own_rows():
    nets = SubstrateNetworks(_population(Expression()).phenotypes(), SUBSTRATE, Expression())
    counts = np.array([0, 2, 1, 0, 3, 1, 0, 0, 1, 2])
    ends = np.concatenate([[0], np.cumsum(counts)])
    X = np.random.default_rng(2).normal(size=(ends[-1], 3)).astype(np.float32)
    made = nets.activate_own(np.ascontiguousarray(X.T), ends)
    for g in range(10):
        own = slice(ends[g], ends[g + 1])
        np.testing.assert_allclose(made[:, own].T, nets.run(X)[g, own], rtol=1e-5, atol=1e-6)


def test_threshold_and_link_expression():
    values = np.array([-2.0, -0.5, -0.2, 0.0, 0.1, 0.6, np.nan, np.inf])
    wanted = [-3, -3 * 0.375, 0, 0, 0, 1.5, 0, 3]
    np.testing.assert_allclose(Expression().weights(values, None), wanted, atol=1e-6)
    linked = np.array([1.0, -1, 1, 1, 1, 1, 1, 0])
    np.testing.assert_allclose(LEO.weights(values, linked), [-2, 0, -0.4, 0, 0.2, 1.2, 0, 0], atol=1e-6)


def test_a_pattern_is_written_on_any_resolution():
    """A CPPN of the distance alone joins near neurons, on coarse and fine sheets alike."""
    nodes = (Node(0, 0.0, 1.0, "gauss", "sum"),)
    near = Genome(8, 1, nodes, (Connection(0, -7, 0, 2.0, True),))
    expression = Expression(bias=False)
    for size in (3, 9):
        net = SubstrateNetwork(near, Substrate.sandwich(size), expression)
        matrix = net.weights[0]
        assert matrix.shape == (size**2, size**2)
        far = np.linalg.norm(net.substrate.sheets[1][:, None] - net.substrate.sheets[0], axis=2)
        value = np.exp(-5 * (2 * far) ** 2)
        np.testing.assert_allclose(
            matrix, [[_weight(v, expression) for v in row] for row in value], atol=1e-4
        )


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "identity"])
def test_the_network_as_a_torch_module(activation):
    expression = Expression(activation=activation)
    network = SubstrateNetwork(_population(expression).genomes[7], SUBSTRATE, expression)
    X = np.random.default_rng(3).normal(size=(5, 3)).astype(np.float32)
    module = network.to_torch()
    made = module(torch.from_numpy(X))
    np.testing.assert_allclose(made.detach(), network.activate(X), rtol=1e-4, atol=1e-5)
    made.square().sum().backward()
    assert all(p.grad is not None for p in module.parameters())


def test_sparse_links_learn_no_new_connections():
    nodes = (Node(0, 0.0, 1.0, "gauss", "sum"),)
    near = Genome(8, 1, nodes, (Connection(0, -7, 0, 2.0, True), Connection(1, -3, 0, 0.0, True)))
    flat = Substrate(tuple(np.column_stack([s[:, :2], 0 * s[:, 0]]) for s in Substrate.sandwich(5).sheets))
    network = SubstrateNetwork(near, flat, Expression(bias=False))
    assert 0 < network.n_connections < 0.1 * 625
    module = network.to_torch()
    assert module.links[0].sparse
    assert module.links[0].weight.numel() == network.n_connections
    X = np.random.default_rng(4).normal(size=(3, 25)).astype(np.float32)
    np.testing.assert_allclose(
        module(torch.from_numpy(X)).detach(), network.activate(X), rtol=1e-4, atol=1e-5
    )


def test_substrates_are_checked():
    sheet = np.zeros((2, 2))
    with pytest.raises(InputError, match="at least two arrays"):
        Substrate((sheet,))
    with pytest.raises(InputError, match="all of one d"):
        Substrate((sheet, np.zeros((2, 3))))
    with pytest.raises(InputError, match="to a later one"):
        Substrate((sheet, sheet), ((1, 0),))
    with pytest.raises(InputError, match="needs a link to it"):
        Substrate((sheet, sheet, sheet), ((0, 2),))
    assert Substrate.layered(3, [2, 5], 1).sheets[2].shape == (5, 2)
    assert len(Substrate.sandwich(3, 4, hidden=1).sheets) == 3
    with pytest.raises(InputError, match="needs CPPNs of 6 inputs and 2 outputs"):
        SubstrateNetworks(_population(LEO).phenotypes(), SUBSTRATE, Expression())


def test_picture_of_a_substrate():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    network = SubstrateNetwork(_population(Expression()).genomes[3], SUBSTRATE, Expression())
    ax = network.plot()
    links, *sheets = ax.collections
    assert len(links.get_segments()) == network.n_connections
    assert sum(len(sheet.get_offsets()) for sheet in sheets) == 7
    pyplot.close("all")


def test_classifier():
    X, y = load_wine(return_X_y=True)
    fitted = HyperNEATClassifier(population=60, generations=30, hidden=(8,), random_state=0).fit(
        X[::2], y[::2]
    )
    assert np.mean(fitted.predict(X[1::2]) == y[1::2]) > 0.6
    network = fitted.substrate_network()
    raw = network.activate((X - fitted.mean_) / fitted.scale_)
    np.testing.assert_array_equal(fitted.predict(X), raw.argmax(axis=1))
    again = clone(fitted).fit(X[::2], y[::2])
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(fitted)).predict_proba(X), fitted.predict_proba(X)
    )
    stopped = clone(fitted).set_params(early_stopping=True, patience=3)
    assert len(stopped.fit(X[::2], y[::2], (X[1::2], y[1::2])).history_) <= 30


def test_regressor_finds_a_gradient_along_the_inputs():
    """The target weighs the features by their place, which is what a pattern over places can say."""
    draws = np.random.default_rng(0)
    X = draws.normal(size=(200, 9))
    y = X @ np.linspace(-1, 1, 9)
    fitted = HyperNEATRegressor(population=80, generations=40, hidden=(5,), random_state=1).fit(
        X[:150], y[:150]
    )
    assert fitted.score(X[150:], y[150:]) > 0.3


def test_policy_balances():
    fitted = HyperNEATPolicy(population=40, generations=15, hidden=(4,), random_state=0).fit(
        EnvSet("CartPole-v1", range(20))
    )
    from neuroloom.core.episodes import rollout

    assert rollout(fitted, EnvSet("CartPole-v1", range(100, 110))).mean() > 150
    assert fitted.act(np.zeros((3, 4))).shape == (3,)


def test_what_does_not_apply_is_refused():
    X, y = load_wine(return_X_y=True)
    for bad, words in (
        ({"learning": "lamarckian"}, "`learning` must be None"),
        ({"device": "meta"}, "`device` must be"),
        ({"hidden": (0,)}, "`hidden` must be"),
        ({"weight_threshold": 1.0}, "`threshold` must be"),
    ):
        with pytest.raises(InputError, match=words):
            HyperNEATClassifier(population=10, generations=1, **bad).fit(X, y)
