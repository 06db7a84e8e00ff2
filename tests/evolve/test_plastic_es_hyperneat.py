"""Adaptive ES-HyperNEAT: rules asked of the CPPN one by one, steps of a slow network, and policies that learn."""

import dataclasses
import functools

import numpy as np
import pytest

from neuroloom.core import EnvSet, InputError
from neuroloom.core.reversal_bandit import REVERSAL_BANDIT
from neuroloom.evolve import NEAT, ESHyperNEATPolicy, EvolvableSubstrate, EvolvedNetwork, Expression, grow
from neuroloom.evolve.plastic import PlasticPhenotypes
from tests.reference import plastic_reference

ENDS = (np.array([[-1.0, -1.0], [0.0, -1.0], [1.0, -1.0]]), np.array([[-0.5, 1.0], [0.5, 1.0]]))


def _substrate(activation="tanh", bias=True, leo=False, plasticity="hebbian", **more):
    own = Expression(0.0, 2.0, bias, leo, activation, plasticity=plasticity)
    given = {
        "max_depth": 3,
        "band_threshold": 0.05,
        "division_threshold": 0.0,
        "variance_threshold": 0.01,
        **more,
    }
    return EvolvableSubstrate(*ENDS, expression=own, **given)


@functools.cache
def _patterns(bias=True, leo=False):
    substrate, population = _substrate(bias=bias, leo=leo), 10
    engine = NEAT(substrate.config(population, node_add_prob=0.6, conn_add_prob=0.6), 1)
    for _ in range(7):  # selects for large networks
        genes = grow(engine.phenotypes(), substrate).genes
        engine.tell(np.minimum(np.diff(genes.conn_ptr), 60) + 1e-3 * np.arange(population))
        engine.advance()
    return engine


def _reference(network):
    """Return the network as the slow reference has it."""
    own = network.genome
    return {
        "outputs": own.outputs,
        "nodes": {n.id: (n.bias, n.response, n.activation, n.aggregation) for n in own.nodes},
        "connections": {c.innovation: (c.source, c.target, c.weight, True) for c in own.connections},
        "rules": {c.innovation: c.plasticity for c in own.connections},
        "bound": 2.0,
    }


@pytest.mark.parametrize(("bias", "leo"), [(True, False), (False, True), (True, True)])
def test_rules_are_what_the_pattern_says_of_the_two_places(bias, leo):
    substrate = _substrate(bias=bias, leo=leo)
    assert substrate.expression.outputs == 5 + bias + leo
    engine, seen = _patterns(bias, leo), 0
    for cppn in engine.genomes:
        network = EvolvedNetwork(cppn, substrate)
        place = {-i - 1: at for i, at in enumerate(ENDS[0])} | dict(enumerate(ENDS[1]))
        place |= {2 + i: at for i, at in enumerate(network.hidden)}
        for conn in network.genome.connections:
            a, b = place[conn.source], place[conn.target]
            said = cppn.activate(np.concatenate([a, b, [np.linalg.norm(a - b), 1.0]]))
            np.testing.assert_allclose(conn.weight, 2 * np.clip(said[0], -1, 1), atol=2e-3)
            eta_to_c = np.clip(said[1 + bias : 5 + bias], -1, 1)
            np.testing.assert_allclose(conn.plasticity, [*eta_to_c, 0.0], atol=2e-3)
            seen += 1
    assert seen > 30


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "identity"])
def test_networks_step_as_slow_ones_do(activation):
    substrate = _substrate(activation)
    engine, X = _patterns(), np.random.default_rng(2).normal(size=(2, 6, 3))
    grown = grow(engine.phenotypes(), substrate)
    outputs = PlasticPhenotypes(grown.genes, 3, 2, substrate.dynamics).activate_sequence(X)
    moved = 0
    for row, cppn in enumerate(engine.genomes):
        network = EvolvedNetwork(cppn, substrate)
        assert network.genome.weight_bound == 2.0
        state = network.start(2)
        for t in range(6):
            np.testing.assert_array_equal(state.step(X[:, t]), outputs[row, :, t])
        for lane in range(2):
            slow, weights = plastic_reference.run(_reference(network), X[lane], cyclic=False)
            np.testing.assert_allclose(outputs[row, lane], slow, rtol=1e-9, atol=1e-10)
            for conn in network.genome.connections:
                assert state.weights[conn.innovation][lane] == pytest.approx(
                    weights[conn.innovation], abs=1e-9
                )
                moved += weights[conn.innovation] != conn.weight
    assert moved > 50


def test_the_same_neurons_are_found_with_and_without_rules():
    plastic, fixed = _substrate(), _substrate(plasticity="none")
    cppn = _patterns().genomes[0]
    network = EvolvedNetwork(cppn, plastic)
    alone = dataclasses.replace(
        cppn, outputs=2, nodes=tuple(n for n in cppn.nodes if n.id < 2 or n.id >= 6),
        connections=tuple(c for c in cppn.connections if c.target < 2 or c.target >= 6),
    )  # fmt: skip
    renumbered = {n.id: n.id if n.id < 2 else n.id - 4 for n in alone.nodes}
    alone = dataclasses.replace(
        alone,
        nodes=tuple(dataclasses.replace(n, id=renumbered[n.id]) for n in alone.nodes),
        connections=tuple(
            dataclasses.replace(c, source=renumbered.get(c.source, c.source), target=renumbered[c.target])
            for c in alone.connections
        ),
    )
    other = EvolvedNetwork(alone, fixed)
    np.testing.assert_array_equal(network.hidden, other.hidden)
    assert [c.weight for c in network.genome.connections] == [c.weight for c in other.genome.connections]
    with pytest.raises(InputError, match="has no state"):
        other.start()
    with pytest.raises(InputError, match="order matters"):
        network.activate(np.zeros((1, 3)))
    with pytest.raises(InputError, match="plastic"):
        network.to_torch()


def test_a_policy_learns_and_plays_as_in_its_population():
    X = EnvSet(REVERSAL_BANDIT, np.arange(40))
    policy = ESHyperNEATPolicy(
        population=60, generations=12, random_state=0, plasticity="hebbian", early_stopping=False
    ).fit(X)
    assert policy.score(X[:25]) == policy.history_[-1]["score"]
    assert policy.history_[-1]["score"] > 26  # without memory it would be about 20
    returns = policy.predict(X[:4])
    assert [policy.predict(X[[k]])[0] for k in range(4)] == returns.tolist()
