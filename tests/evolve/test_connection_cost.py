"""What connections cost: lengths by hand on a substrate, one by one on grown networks, and as what selection minds."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from neuroloom.core import InputError
from neuroloom.evolve import (
    NEAT,
    Connection,
    ESHyperNEATRegressor,
    EvolvableSubstrate,
    EvolvedNetwork,
    Expression,
    Genome,
    HyperNEATClassifier,
    Node,
    Substrate,
    SubstrateNetwork,
    SubstrateNetworks,
    grow,
    hyperneat_config,
)
from neuroloom.evolve.phenotypes import Phenotypes
from neuroloom.evolve.population import pack_genomes

# two inputs below one hidden neuron and an output, each link alone and by hand
SUBSTRATE = Substrate(
    (np.array([[-1.0, -1.0], [1.0, -1.0]]), np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])),
    ((0, 1), (1, 2), (0, 2)),
)


def test_the_cost_is_the_sum_of_squared_lengths_by_hand():
    values = (
        0.6,
        0.0,
        -0.5,
    )  # weight and bias everywhere, link expression less the source's first coordinate
    nodes = tuple(Node(k, bias, 1.0, "identity") for k, bias in enumerate(values))
    everywhere = Genome(6, 2, nodes[:2], ())
    network = SubstrateNetwork(everywhere, SUBSTRATE, Expression())
    # (-1,-1)-(1,0): 5, (1,-1)-(1,0): 1, (1,0)-(0,1): 2, both inputs to the output: 1 + 4 each
    assert network.connection_cost == 5 + 1 + 2 + 5 + 5
    to_the_right = Genome(6, 3, nodes, (Connection(0, -1, 2, 1.0),))
    network = SubstrateNetwork(to_the_right, SUBSTRATE, Expression(leo=True))
    assert network.connection_cost == 1 + 2 + 5  # only from sources at 1
    assert network.n_connections == 3


def _patterns(config, generations=4):
    engine = NEAT(config, 0)
    for _ in range(generations):
        engine.tell(np.random.default_rng(engine.generation).random(len(engine)))
        engine.advance()
    return engine


def test_the_costs_of_a_population_are_those_of_its_networks():
    expression = Expression(0.3, leo=True)
    engine = _patterns(hyperneat_config(SUBSTRATE, expression, 12))
    costs = SubstrateNetworks(engine.phenotypes(), SUBSTRATE, expression).connection_costs()
    assert costs.shape == (12,)
    assert len(np.unique(costs)) > 2
    for cppn, cost in zip(engine.genomes, costs, strict=True):
        assert SubstrateNetwork(cppn, SUBSTRATE, expression).connection_cost == pytest.approx(cost)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_grown_networks_are_priced_connection_by_connection(dimensions):
    rng = np.random.default_rng(dimensions)
    ends = rng.uniform(-1, 1, (5, dimensions))
    substrate = EvolvableSubstrate(
        ends[:3],
        ends[3:],
        max_depth=5 - dimensions,
        band_threshold=0.05,
        division_threshold=0.0,
        variance_threshold=0.01,
    )
    engine = _patterns(substrate.config(10), 8)
    costs, hidden = grow(engine.phenotypes(), substrate).connection_costs(substrate), 0
    for cppn, cost in zip(engine.genomes, costs, strict=True):
        network = EvolvedNetwork(cppn, substrate)
        place = {-i - 1: at for i, at in enumerate(substrate.inputs)} | dict(enumerate(substrate.outputs))
        place |= {2 + i: at for i, at in enumerate(network.hidden)}
        total = sum(((place[c.source] - place[c.target]) ** 2).sum() for c in network.genome.connections)
        assert cost == pytest.approx(total)
        assert network.connection_cost == pytest.approx(total)
        hidden += len(network.hidden)
    assert hidden > 5


def test_a_classifier_that_minds_the_cost_offers_cheaper_networks():
    X, y = load_iris(return_X_y=True)
    model = HyperNEATClassifier(40, 25, random_state=0, hidden=(6,), connection_cost=1.0).fit(X, y)
    assert model.score(X, y) > 0.8
    said, found = model.alternatives()
    assert said == "connection cost"
    costs = [cost for cost, _ in found]
    assert costs == sorted(set(costs))
    for cost, other in found:
        assert other.substrate_network().connection_cost == pytest.approx(cost)
    fitness = [other.best_genome_.fitness for _, other in found]
    assert fitness == sorted(set(fitness))
    assert costs[-1] == pytest.approx(model.substrate_network().connection_cost)
    plain = HyperNEATClassifier(40, 25, random_state=0, hidden=(6,)).fit(X, y)
    assert costs[-1] < plain.substrate_network().connection_cost
    assert plain.alternatives() == ("connection cost", [])
    with pytest.raises(InputError, match="no front of fitness and connection cost"):
        plain.plot_front()
    with pytest.raises(InputError, match="connection_cost"):
        HyperNEATClassifier(40, 2, connection_cost=1.5).fit(X, y)


def test_a_regressor_of_grown_networks_minds_the_cost():
    X, _ = load_iris(return_X_y=True)
    model = ESHyperNEATRegressor(40, 12, random_state=0, connection_cost=0.25).fit(X[:, :3], X[:, 3])
    assert model.score(X[:, :3], X[:, 3]) > 0.7
    (cost, other), *_ = reversed(model.alternatives()[1])
    assert other.substrate_network().connection_cost == pytest.approx(cost)
    assert model.front_costs_.tolist() == sorted(model.front_costs_)


def test_copies_cost_the_same_to_the_last_bit_wherever_they_stand():
    ends = np.random.default_rng(1).uniform(-1, 1, (5, 2))
    substrate = EvolvableSubstrate(
        ends[:3], ends[3:], band_threshold=0.05, division_threshold=0.0, variance_threshold=0.01
    )
    cppns = _patterns(substrate.config(10), 8).genomes
    twice = Phenotypes(pack_genomes([*cppns, *cppns[::-1]]), cppns[0].inputs, cppns[0].outputs)
    costs = grow(twice, substrate).connection_costs(substrate)
    assert len(np.unique(costs)) > 2
    assert costs[:10].tolist() == costs[:9:-1].tolist()
