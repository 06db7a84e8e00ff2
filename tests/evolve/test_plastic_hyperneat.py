"""Adaptive HyperNEAT: rules written by patterns, the numbers of a genome of the same network, policies that learn."""

import numpy as np
import pytest

from neuroloom.core import EnvSet, InputError
from neuroloom.core.reversal_bandit import REVERSAL_BANDIT
from neuroloom.evolve import (
    NEAT,
    Connection,
    Expression,
    Genome,
    HyperNEATPolicy,
    Node,
    Substrate,
    SubstrateNetwork,
    SubstrateNetworks,
    hyperneat_config,
)
from neuroloom.evolve.plastic_substrate import PlasticSubstrates

SUBSTRATE = Substrate.layered(3, [4, 2], 2, skip=True)
GENE = {
    "tanh": ("tanh", 0.4),
    "relu": ("relu", 1.0),
    "sigmoid": ("sigmoid", 0.2),
    "identity": ("identity", 1.0),
}


def patterns(expression, population=6, seed=0):
    engine = NEAT(hyperneat_config(SUBSTRATE, expression, population), seed)
    for _ in range(4):
        engine.tell(np.random.default_rng(engine.generation).random(population))
        engine.advance()
    return engine


def as_genome(network, activation):
    """Return the network that a CPPN wrote as a genome, neuron by neuron."""
    sheets = [len(sheet) for sheet in network.substrate.sheets]
    last = len(sheets) - 1

    def number(sheet, k):
        if sheet == 0:
            return -k - 1
        return k if sheet == last else sheets[last] + sum(sheets[1:sheet]) + k

    nodes, conns = [], []
    for b in range(1, last + 1):
        name, response = ("identity", 1.0) if b == last else GENE[activation]
        nodes += [
            Node(number(b, k), response * float(network.biases[b - 1][k]), response, name)
            for k in range(sheets[b])
        ]
    for (a, b), matrix, rules in zip(network.substrate.joined, network.weights, network.rules, strict=True):
        for t, s in zip(*np.nonzero(matrix), strict=True):
            rule = (*map(float, rules[t, s]), 0.0)
            conns.append(Connection(len(conns), number(a, s), number(b, t), float(matrix[t, s]), True, rule))
    return Genome(sheets[0], sheets[last], tuple(nodes), tuple(conns), plasticity="hebbian", weight_bound=3.0)


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "identity"])
@pytest.mark.parametrize(
    "options", [{"leo": True}, {"threshold": 0.4, "bias": False}, {"outputs_by_link": 4}]
)
def test_a_substrate_steps_as_the_genome_of_the_same_network(activation, options):
    expression = Expression(activation=activation, plasticity="hebbian", **options)
    engine, X = patterns(expression), np.random.default_rng(1).normal(size=(2, 5, 3))
    all_of_them = PlasticSubstrates(SubstrateNetworks(engine.phenotypes(), SUBSTRATE, expression))
    outputs = all_of_them.activate_sequence(X)
    moved = 0
    for row, cppn in enumerate(engine.genomes):
        network = SubstrateNetwork(cppn, SUBSTRATE, expression)
        state, genome = network.start(2), as_genome(network, activation).start(2)
        for matrix, now in zip(network.weights, state.weights, strict=True):
            np.testing.assert_array_equal(now, np.stack([matrix, matrix]))
        for t in range(5):
            found = state.step(X[:, t])
            np.testing.assert_allclose(found, genome.step(X[:, t]), rtol=1e-9, atol=1e-10)
            np.testing.assert_array_equal(found, outputs[row, :, t])
        theirs = iter(genome.weights.values())
        targets, needed = iter(conn.target for conn in genome.genome.connections), set(genome.genome.order())
        for matrix, now in zip(network.weights, state.weights, strict=True):
            there = np.nonzero(matrix)
            assert not now[:, matrix == 0].any()
            for t, s in zip(*there, strict=True):
                expected = next(theirs)
                if next(targets) in needed:  # a genome's other nodes are pruned, so their weights stay
                    np.testing.assert_allclose(now[:, t, s], expected, rtol=1e-9, atol=1e-10)
            moved += (now[0] != matrix).sum()
        for own, row_of_all in zip(state.weights, all_of_them.weights(row), strict=True):
            np.testing.assert_array_equal(own, row_of_all)
    assert moved > 20
    assert network.rules[0].min() >= -1
    assert network.rules[0].max() <= 1


def test_rules_are_outputs_of_the_pattern_by_hand():
    """A CPPN of one node for each output: bias node values are what is written everywhere."""
    expression = Expression(0.2, 3.0, bias=True, plasticity="hebbian")
    assert expression.outputs == 6
    values = (0.6, -0.36, 0.5, -1.7, 0.25, 2.0)  # weight, bias, eta, A, B, C
    nodes = tuple(Node(k, bias, 1.0, "identity") for k, bias in enumerate(values))
    network = SubstrateNetwork(Genome(6, 6, nodes, ()), Substrate.layered(2, [], 1), expression)
    np.testing.assert_allclose(network.weights[0], [[1.5, 1.5]], rtol=1e-6)
    np.testing.assert_allclose(network.rules[0], [[[0.5, -1.0, 0.25, 1.0]] * 2])
    state = network.start()
    post = -0.6 + 1.5 * 0.2 + 1.5 * -0.4
    assert state.activate([0.2, -0.4]) == pytest.approx([post], rel=1e-6)
    change = [0.5 * (-1.0 * pre * post + 0.25 * pre + 1.0 * post) for pre in (0.2, -0.4)]
    np.testing.assert_allclose(state.weights[0][0], [[1.5 + change[0], 1.5 + change[1]]], rtol=1e-6)
    for _ in range(50):
        state.activate([1.0, 1.0])
    assert abs(state.weights[0]).max() == 3.0  # the bound is the largest weight


def test_without_plasticity_nothing_is_written_of_it():
    expression = Expression()
    engine = patterns(expression)
    assert engine.config.outputs == 2
    network = SubstrateNetwork(engine.genomes[0], SUBSTRATE, expression)
    assert network.rules == []
    with pytest.raises(InputError, match="has no state; call activate"):
        network.start()


def test_what_has_no_plastic_form_says_so():
    expression = Expression(plasticity="hebbian")
    network = SubstrateNetwork(patterns(expression).genomes[0], SUBSTRATE, expression)
    with pytest.raises(InputError, match="plastic"):
        network.to_torch()
    with pytest.raises(InputError, match=r"order matters; call start\(lanes\)"):
        network.activate(np.zeros((1, 3)))
    with pytest.raises(InputError, match="`plasticity` must be"):
        Expression(plasticity="oja")


def test_a_policy_learns_and_plays_as_in_its_population():
    X = EnvSet(REVERSAL_BANDIT, np.arange(60))
    policy = HyperNEATPolicy(
        population=60, generations=15, random_state=0, plasticity="hebbian", hidden=(4,), early_stopping=False
    ).fit(X)
    assert policy.score(X[25:]) == policy.history_[-1]["score"]  # on starts that it was not chosen by
    returns = policy.predict(X[:6])
    assert [policy.predict(X[[k]])[0] for k in range(6)] == returns.tolist()
    assert policy.history_[-1]["score"] > 26  # without memory it would be about 20
    policy.reset()
    assert policy.act(np.eye(4, dtype=np.float32)[:2]).shape == (2,)
    with pytest.raises(InputError, match="remembers 2 episodes"):
        policy.act(np.eye(4, dtype=np.float32)[:1])
