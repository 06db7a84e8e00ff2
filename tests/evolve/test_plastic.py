"""Plastic networks: the rule by hand and against a slow reference, lanes, and the forms that a genome of one has."""

import copy
import itertools
import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neuroloom.core import InputError, NotSupportedError
from neuroloom.evolve import (
    CPPN,
    NEAT,
    Connection,
    Genome,
    NEATClassifier,
    NEATConfig,
    NEATSeriesClassifier,
    Node,
    PlasticPhenotypes,
    PlasticState,
    PopulationNet,
    WeightSearch,
    cppn_config,
)
from neuroloom.evolve.functions import ACTIVATIONS, AGGREGATIONS, activate, aggregate, register_activation
from neuroloom.evolve.population import pack_genomes
from tests.evolve.genomes import BOUNDED, genomes, plain
from tests.reference import plastic_reference as reference

SLOW = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
SMOOTH = ("sigmoid", "tanh", "gauss", "sin", "softplus")  # within bounds, so that rounding does not grow


def one(weights, rules, network="feed-forward", **settings):
    """Return an identity node with an input and, in a recurrent network, a connection to itself."""
    ends = [(-1, 0), (0, 0)]
    conns = [Connection(k, *ends[k], w, True, r) for k, (w, r) in enumerate(zip(weights, rules, strict=True))]
    nodes = (Node(0, activation="identity"),)
    return Genome(1, 1, nodes, tuple(conns), network=network, plasticity="hebbian", **settings)


def with_rules(genome, seed, bound=2.5, network="feed-forward"):
    """Return ``genome`` with random rules, some of eta 0 and some left out."""
    rng = np.random.default_rng(seed)
    rules = [tuple(rng.uniform(-1, 1, 5) * [0.4, 1, 1, 1, 1] * [k % 5 > 0, 1, 1, 1, 1]) for k in range(40)]
    conns = tuple(
        replace(conn, plasticity=None if k % 7 == 3 else tuple(map(float, rules[k])))
        for k, conn in enumerate(genome.connections)
    )
    return replace(genome, connections=conns, plasticity="hebbian", weight_bound=bound, network=network)


def slow(genome, rows):
    own = plain(genome) | {
        "rules": {c.innovation: c.plasticity for c in genome.connections if c.plasticity},
        "bound": genome.weight_bound,
    }
    return reference.run(own, rows, genome.network == "recurrent")


@st.composite
def cyclic(draw, activations=SMOOTH):
    """Return a recurrent genome of 2 inputs and 2 outputs in which any node may lead to any other."""
    hidden, numbers = draw(st.integers(0, 4)), st.floats(-1.5, 1.5, width=32)
    nodes = tuple(
        Node(
            i,
            draw(numbers),
            draw(numbers),
            draw(st.sampled_from(activations)),
            draw(st.sampled_from(AGGREGATIONS)),
        )
        for i in range(2 + hidden)
    )
    pairs = list(itertools.product([-2, -1, *range(2 + hidden)], range(2 + hidden)))
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=18))
    conns = [
        Connection(pairs.index(p), *p, draw(numbers), draw(st.booleans() | st.just(True))) for p in chosen
    ]
    return Genome(2, 2, nodes, tuple(conns), network="recurrent")


# -- the rule -------------------------------------------------------------------------------------------------


def test_a_feed_forward_network_by_hand():
    state = one([0.5], [(0.1, 1.0, 2.0, 3.0, 4.0)]).start()
    assert state.activate([2.0]) == pytest.approx([1.0])
    assert state.weights[0] == pytest.approx([0.5 + 0.1 * (2 * 1 + 2 * 2 + 3 * 1 + 4)])  # 1.8
    assert state.activate([-1.0]) == pytest.approx([-1.8])
    assert state.weights[0] == pytest.approx([1.8 + 0.1 * (1.8 - 2 - 5.4 + 4)])  # 1.64
    state.reset()
    assert state.weights[0] == [0.5]
    bound = one([0.5], [(0.1, 1.0, 2.0, 3.0, 4.0)], weight_bound=1.7).start()
    bound.activate([2.0])
    assert bound.weights[0] == [1.7]
    down = one([0.5], [(-1.0, 1.0, 2.0, 3.0, 4.0)], weight_bound=1.7).start()
    down.activate([2.0])
    assert down.weights[0] == [-1.7]


def test_a_recurrent_network_by_hand():
    genome = one([1.0, 0.5], [(0.5, 1.0, 0.0, 0.0, 0.0), (1.0, 0.0, 1.0, 0.0, 0.0)], "recurrent")
    state = genome.start(1)
    assert state.step([[1.0]]) == pytest.approx(np.array([[1.0]]))
    assert (state.weights[0][0], state.weights[1][0]) == (1.5, 0.5)  # of itself, the node was given 0
    assert state.step([[2.0]]) == pytest.approx(np.array([[3.5]]))
    assert (state.weights[0][0], state.weights[1][0]) == (5.0, 1.5)  # + 0.5 * 2 * 3.5, + 1
    assert state.step([[0.0]]) == pytest.approx(np.array([[1.5 * 3.5]]))


@SLOW
@given(genomes(inputs=2, outputs=2, activations=SMOOTH, most_hidden=5) | cyclic(), st.integers(0, 2**31 - 1))
def test_kernel_equals_the_reference(genome, seed):
    genome = with_rules(genome, seed, network=genome.network)
    rows = np.random.default_rng(seed).normal(size=(3, 6, 2))
    state = genome.start(3)
    found = np.stack([state.step(rows[:, t]) for t in range(6)], axis=1)
    for lane in range(3):
        expected, weights = slow(genome, rows[lane])
        np.testing.assert_allclose(found[lane], expected, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(
            [state.weights[k][lane] for k in weights], list(weights.values()), rtol=1e-12, atol=1e-12
        )
    np.testing.assert_array_equal(genome.activate_sequence(rows), found)


@SLOW
@given(genomes(inputs=2, outputs=2, activations=BOUNDED) | cyclic(BOUNDED), st.integers(0, 99))
def test_without_eta_it_is_the_network_that_does_not_learn(genome, seed):
    conns = tuple(replace(c, plasticity=(0.0, 1.0, 1.0, 1.0, 1.0)) for c in genome.connections)
    still = replace(genome, connections=conns, plasticity="hebbian")
    assert still.frozen() == genome
    rows = np.random.default_rng(seed).normal(size=(2, 4, 2))
    np.testing.assert_allclose(
        still.activate_sequence(rows), genome.activate_sequence(rows), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_equal_those_in_double_precision(name):
    z = np.concatenate([np.linspace(-70, 70, 141), np.linspace(-1, 1, 41), [0.0, 1e-9, -1e-9]])
    genome = replace(one([1.0], [(0.0,) * 5], weight_bound=100.0), nodes=(Node(0, 0.0, 1.0, name),))
    found = genome.start(len(z)).step(z[:, None])[:, 0]
    np.testing.assert_allclose(found, activate(name, z), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", AGGREGATIONS)
@pytest.mark.parametrize("count", [0, 1, 4, 5])
def test_aggregations_equal_those_in_double_precision(name, count):
    rows = np.random.default_rng(count).normal(size=(30, 5)).round(1)  # some are equal
    conns = tuple(Connection(k, -k - 1, 0, 0.5) for k in range(count))
    genome = Genome(5, 1, (Node(0, 0.25, 2.0, "identity", name),), conns, plasticity="hebbian")
    expected = 0.25 + 2.0 * aggregate(name, [0.5 * rows[:, k] for k in range(count)], (30,))
    np.testing.assert_allclose(genome.start(30).step(rows)[:, 0], expected, rtol=1e-14)


# -- lanes and populations ------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", ["feed-forward", "recurrent"])
def test_a_population_steps_each_genome_as_alone_on_any_number_of_threads(network):
    config = NEATConfig(
        2, 2, population=9, network=network, plasticity="hebbian", node_add_prob=0.5, conn_add_prob=0.8
    )
    engine = NEAT(config, 3)
    for _ in range(8):
        engine.tell(np.random.default_rng(engine.generation).random(9))
        engine.advance()
    X = np.random.default_rng(0).normal(size=(4, 7, 2))
    outputs = engine.activate(X)
    assert outputs.shape == (9, 4, 7, 2)
    assert outputs.std(axis=2).min(initial=9) < outputs.std(axis=2).max()
    threads = PlasticPhenotypes(engine.genes, 2, 2, config, threads=2)
    np.testing.assert_array_equal(threads.activate_sequence(X), outputs)
    for row, genome in enumerate(engine.genomes):
        np.testing.assert_array_equal(genome.activate_sequence(X), outputs[row])
        np.testing.assert_array_equal(genome.activate_sequence(X[1]), outputs[row, 1])
    some = engine.phenotypes()
    some.reset(4)
    own = np.random.default_rng(1).normal(size=(9, 4, 2))
    found = some.step(own, [2, 5])
    assert not found[[0, 1, 3, 4, 6, 7, 8]].any()
    np.testing.assert_array_equal(found[5], engine.genomes[5].start(4).step(own[5]))


def test_lanes_begin_anew_and_move():
    genome = with_rules(
        Genome(2, 1, (Node(0),), (Connection(0, -1, 0, 1.0), Connection(1, -2, 0, -1.0))), 5, bound=9.0
    )
    X = np.random.default_rng(0).normal(size=(4, 2))
    whole = PlasticPhenotypes(pack_genomes([genome, genome]), 2, 1, genome)
    whole.reset(4)
    first = whole.step(X)
    later = whole.step(X)
    assert (first[0] != later[0]).all()
    whole.reset_lanes([1, 3], [0, 1])
    again = whole.step(X)
    np.testing.assert_array_equal(again[0, 1], first[0, 1])
    np.testing.assert_array_equal(again[1, 3], first[0, 3])
    assert (again[0, [0, 2, 3]] != first[0, [0, 2, 3]]).all()
    whole.reset_lanes([0])
    np.testing.assert_array_equal(whole.step(X)[:, 0], first[:, 0])
    state = genome.start(3)
    state.step(X[:3])
    before = state.weights[1]
    state.take(np.array([2, -1, 0, 2]))
    np.testing.assert_array_equal(state.weights[1], [before[2], -1.0, before[0], before[2]])
    assert (state.lanes, len(state.weights[0])) == (4, 4)
    single = genome.start()
    np.testing.assert_array_equal(single.activate(X[0]), first[0, 0])


def test_weights_that_reach_no_output_stay():
    conns = (
        Connection(3, -1, 0, 1.0, True, (1.0, 0.0, 0.0, 0.0, 0.5)),
        Connection(5, -1, 1, 2.0, True, (1.0, 0.0, 0.0, 0.0, 0.5)),
        Connection(8, -1, 0, 3.0, False, (1.0, 0.0, 0.0, 0.0, 0.5)),
    )
    state = Genome(1, 1, (Node(0), Node(1)), conns, plasticity="hebbian").start()
    state.activate([1.0])
    assert {k: w[0] for k, w in state.weights.items()} == {3: 1.5, 5: 2.0, 8: 3.0}


# -- other forms ----------------------------------------------------------------------------------------------


def test_a_plastic_genome_comes_back_from_every_form():
    genome = with_rules(NEAT(NEATConfig(2, 1, hidden=2, population=2), 0).genomes[0], 1)
    for again in (
        Genome.from_json(genome.to_json()),
        Genome.from_dict(genome.to_dict()),
        pickle.loads(pickle.dumps(genome)),
        copy.deepcopy(genome),
    ):
        assert again == genome
        assert again.connections[0].plasticity == genome.connections[0].plasticity
    edges = genome.to_networkx().edges
    assert edges[-1, 1]["plasticity"] == genome.connections[0].plasticity
    assert genome.to_networkx().graph["weight_bound"] == 2.5
    assert repr(genome).startswith("Genome(hebbian feed-forward, 2 inputs, 2 hidden")
    assert repr(replace(genome, network="recurrent")).startswith("Genome(hebbian recurrent, 2 inputs")
    still = genome.frozen()
    used = sum(c.enabled for c in still.connections)
    assert genome.n_parameters == still.n_parameters + 5 * used
    for plainly in (still, replace(still, network="recurrent")):
        assert "plasticity" not in plainly.to_json()
        assert "weight_bound" not in plainly.to_json()
    assert "hebbian" not in repr(still)
    assert "style=dashed" in genome.to_dot()
    assert "style=dashed" not in still.to_dot()


def test_the_plot_marks_what_changes():
    pytest.importorskip("matplotlib")
    rules = [(0.5, 1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0, 0.0), (0.5, 0.0, 0.0, 0.0, 0.0), None]
    conns = tuple(Connection(k, -k - 1, 0, 1.0, True, rule) for k, rule in enumerate(rules))
    genome = Genome(4, 1, (Node(0),), conns, plasticity="hebbian")
    ax = genome.plot()
    assert ax.get_title() == "0 hidden, 4 connections, 1 plastic"
    assert sum(patch.get_linestyle() not in ("-", "solid") for patch in ax.patches) == 1
    assert genome.frozen().plot().get_title() == "0 hidden, 4 connections"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"plasticity": "oja"}, "`plasticity` must be"),
        ({"plasticity": "none"}, 'give it plasticity="hebbian"'),
        ({"network": "ctrnn"}, "discrete time"),
        ({"weight_bound": 0.0}, "weight_bound"),
        ({"weight_bound": 0.4}, "the weight 0.5 of connection -1 -> 0 is beyond `weight_bound`, 0.4"),
        ({"connections": (Connection(0, -1, 0, 0.5, True, (1.0, 2.0)),)}, "must be five finite numbers"),
        ({"connections": (Connection(0, -1, 0, 0.5, True, (1.0, 2.0, 0.0, 0.0, np.nan)),)}, "five finite"),
    ],
)
def test_genomes_that_cannot_be(changes, message):
    with pytest.raises(InputError, match=message):
        replace(one([0.5], [(0.1, 1.0, 0.0, 0.0, 0.0)]), **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"plasticity": "oja"}, "`plasticity` must be"),
        ({"network": "ctrnn"}, "discrete time"),
        ({"weight_bound": 5.0}, "bring `weight_min_value` and `weight_max_value` within the bound"),
        ({"plasticity_min_value": 2.0}, "plasticity_min_value <= plasticity_max_value"),
        ({"plasticity_mutate_rate": 0.9, "plasticity_replace_rate": 0.2}, "add up to at most 1"),
        ({"plasticity_init_type": "cauchy"}, "plasticity_init_type"),
        ({"compatibility_plasticity_coefficient": -1.0}, "compatibility_plasticity_coefficient"),
    ],
)
def test_settings_that_cannot_be(changes, message):
    with pytest.raises(InputError, match=message):
        NEATConfig(1, 1, **({"plasticity": "hebbian"} | changes))


def test_what_has_no_plastic_form_says_so(tmp_path):
    genome, config = (
        one([0.5], [(0.1, 1.0, 0.0, 0.0, 0.0)]),
        NEATConfig(1, 1, population=4, plasticity="hebbian"),
    )
    engine, plastic = (
        NEAT(config, 0),
        {"settings": {"plasticity": "hebbian"}, "population": 4, "generations": 1},
    )
    X, y = np.arange(8.0)[:, None], np.arange(8) % 2
    from neuroloom.evolve import neat_compat
    from neuroloom.evolve.neat_python import load_config, to_neat_genome
    from neuroloom.evolve.neat_python_engine import NeatPythonEngine

    for call in (
        genome.to_torch,
        genome.to_onnx,
        lambda: PopulationNet(engine.phenotypes()),
        engine.ask,
        lambda: engine.run("neg_mean_squared_error", 1, X, y),
        lambda: engine.run(lambda net: net, 1),
        lambda: engine.run(lambda o, y: o.sum(axis=(1, 2)), 1, X, y, learning="lamarckian"),
        lambda: CPPN(replace(genome, inputs=3)),
        lambda: cppn_config(plasticity="hebbian"),
        lambda: WeightSearch(genome),
        lambda: NEATClassifier(**plastic).fit(X, y),
        lambda: NEATSeriesClassifier(**plastic).fit(X[:, None], y),
        lambda: config.to_neat_python(tmp_path / "a.ini"),
        lambda: load_config(config),
        lambda: NeatPythonEngine(config, 0),
        lambda: to_neat_genome(genome, None),
        lambda: neat_compat.nn.FeedForwardNetwork.create(genome, None),
    ):
        with pytest.raises(InputError, match="plastic"):
            call()
    with pytest.raises(InputError, match=r"order matters; call\s+activate_sequence"):
        genome.activate(X)
    with pytest.raises(InputError, match="with plasticity 'hebbian', as the settings say"):
        NEAT(config, 0, founder=genome.frozen())
    with pytest.raises(InputError, match=r"must have shape \(1, 1\), but have \(1, 2\)"):
        genome.start().activate([1.0, 2.0])
    with pytest.raises(InputError, match=r"X must have shape \(n, time, 1\)"):
        engine.phenotypes().activate_sequence(X)
    with pytest.raises(InputError, match=r"inputs must have shape \(8, 1\) or \(4, 8, 1\)"):
        engine.phenotypes().step(X[None, :, [0, 0]])
    register_activation("plastic_test", lambda z: z)
    with pytest.raises(NotSupportedError, match="functions of one's own"):
        replace(genome, nodes=(Node(0, activation="plastic_test"),)).start()
    assert isinstance(genome.start(), PlasticState)
    assert json.loads(genome.to_json())["plasticity"] == "hebbian"
