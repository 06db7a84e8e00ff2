"""ES-HyperNEAT: the paper's algorithms, one tree and one query at a time, beside the batch of all trees."""

import itertools

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_wine

from neuroloom.core import EnvSet, InputError
from neuroloom.evolve import (
    NEAT,
    Connection,
    ESHyperNEATClassifier,
    ESHyperNEATPolicy,
    ESHyperNEATRegressor,
    EvolvableSubstrate,
    EvolvedNetwork,
    Expression,
    Genome,
    Node,
    grow,
)
from neuroloom.evolve.population import genome

INPUTS = np.array([[-1.0, -1], [0.1, -1], [1, -1]])
OUTPUTS = np.array([[-0.3, 1], [0.6, 1]])
PLAIN = Expression(threshold=0.0, max_weight=2.0)


class _Square:
    """A square of the paper's quadtree, of any number of dimensions."""

    def __init__(self, middle, width, level):
        self.middle, self.width, self.level, self.parts, self.value = middle, width, level, [], None

    def leaves(self):
        if not self.parts:
            return [self.value[0]]
        return [value for part in self.parts for value in part.leaves()]

    def variance(self):
        return np.var(self.leaves()) if self.parts else 0.0


def _links(ask, substrate, place, outgoing):
    """Algorithms 1 and 2: the places joined with ``place`` and the CPPN's weight of each."""

    def query(other):
        return ask(place, other) if outgoing else ask(other, place)

    root = _Square(np.zeros(len(place)), 1.0, 1)
    waiting = [root]
    while waiting:
        square = waiting.pop(0)
        for corner in itertools.product((-1, 1), repeat=len(place)):
            middle = square.middle + np.array(corner) * square.width / 2
            square.parts.append(_Square(middle, square.width / 2, square.level + 1))
        for part in square.parts:
            part.value = query(part.middle)
        further = square.level < substrate.max_depth and square.variance() > substrate.division_threshold
        if square.level < substrate.initial_depth or further:
            waiting.extend(square.parts)
    found = {}

    def extract(square):
        for part in square.parts:
            if part.variance() > substrate.variance_threshold:
                extract(part)
                continue
            if substrate.expression.leo and part.value[-1] <= 0:
                continue
            gaps = []
            for axis in range(len(place)):
                step = np.eye(len(place))[axis] * square.width
                gaps.append(min(abs(part.value[0] - query(part.middle + sign * step)[0]) for sign in (-1, 1)))
            if max(gaps) > substrate.band_threshold and part.value[0] != 0:
                found[tuple(part.middle)] = part.value[0]

    extract(root)
    return found


def _by_hand(cppn, substrate):
    """Algorithm 3: connections ``{(source, target): weight}`` and the hidden places that lead to an output."""

    def ask(source, target):
        source, target = np.asarray(source), np.asarray(target)
        row = np.array([*source, *target, np.linalg.norm(source - target), 1.0])
        return np.clip(np.nan_to_num(cppn.activate(row)), -1, 1)

    links, known, new = {}, set(), set()
    for i, place in enumerate(substrate.inputs):
        for other, value in _links(ask, substrate, place, True).items():
            links[("in", i), other] = value
            new.add(other)
    known |= new
    for _ in range(substrate.iterations):
        fresh = set()
        for place in sorted(new):
            for other, value in _links(ask, substrate, np.array(place), True).items():
                if other not in known:
                    links[place, other] = value
                    fresh.add(other)
        known |= fresh
        new = fresh
    for o, place in enumerate(substrate.outputs):
        for other, value in _links(ask, substrate, place, False).items():
            if other in known:
                links[other, ("out", o)] = value
    useful, before = set(), -1
    while len(useful) != before:
        before = len(useful)
        useful |= {a for (a, b) in links if a in known and (b in useful or b[0] == "out")}
    kept = {ends: value for ends, value in links.items() if ends[1] in useful or ends[1][0] == "out"}
    return kept, useful, ask


def _outputs_by_hand(links, useful, ask, substrate, X):
    expression, rest = substrate.expression, set(useful)
    bias = {
        place: expression.max_weight * ask(np.zeros(len(place)), place)[1] if expression.bias else 0.0
        for place in useful
    }
    values = {("in", i): X[:, i] for i in range(X.shape[1])}
    while rest:
        for place in sorted(rest):
            entering = [(a, w) for (a, b), w in links.items() if b == place]
            if all(a in values for a, _ in entering):
                total = bias[place] + sum(expression.max_weight * w * values[a] for a, w in entering)
                values[place] = np.tanh(total)
                rest.remove(place)
    columns = []
    for o, at in enumerate(substrate.outputs):
        entering = [(a, w) for (a, b), w in links.items() if b == ("out", o)]
        own = expression.max_weight * ask(np.zeros(len(at)), at)[1] if expression.bias else 0.0
        columns.append(
            own + sum((expression.max_weight * w * values[a] for a, w in entering), np.zeros(len(X)))
        )
    return np.stack(columns, axis=1)


CASES = {
    "fixed grid": {"initial_depth": 2, "max_depth": 2},
    "divided where it varies": {
        "initial_depth": 1,
        "max_depth": 3,
        "division_threshold": 0.2,
        "iterations": 0,
    },
    "two iterations": {"iterations": 2, "band_threshold": 0.1},
    "no iteration": {"iterations": 0, "band_threshold": 0.05},
    "link expression": {"expression": Expression(0.0, 2.0, leo=True), "band_threshold": 0.05},
    "no bias": {"expression": Expression(0.0, 2.0, bias=False)},
}


@pytest.mark.parametrize("name", CASES)
def test_all_trees_at_once_are_the_papers_algorithms_one_after_another(name):
    substrate = EvolvableSubstrate(INPUTS, OUTPUTS, **{"expression": PLAIN, **CASES[name]})
    engine = NEAT(substrate.config(20), 3)
    engine.run_phenotypes(lambda cppns: np.diff(grow(cppns, substrate).genes.conn_ptr), 6)
    grown = grow(engine.phenotypes(), substrate)
    X = np.random.default_rng(0).normal(size=(5, 3))
    connected = 0
    for g, cppn in enumerate(engine.genomes):
        links, useful, ask = _by_hand(cppn, substrate)
        made = genome(grown.genes, g, 3, 2)
        places = grown.places[grown.ends[g] : grown.ends[g + 1]]
        assert {tuple(p) for p in places} == useful
        number = {tuple(p): 2 + i for i, p in enumerate(places)}
        number |= {("in", i): -1 - i for i in range(3)} | {("out", o): o for o in range(2)}
        expected = {(number[a], number[b]): 2.0 * value for (a, b), value in links.items()}
        assert {(c.source, c.target): c.weight for c in made.connections} == pytest.approx(expected, abs=1e-4)
        np.testing.assert_allclose(
            made.activate(X), _outputs_by_hand(links, useful, ask, substrate, X), atol=2e-3
        )
        connected += len(links)
    assert connected > 20


@pytest.mark.parametrize("d", [1, 3])
def test_lines_and_spaces_are_divided_like_planes(d):
    rng = np.random.default_rng(d)
    substrate = EvolvableSubstrate(
        rng.uniform(-1, 1, (2, d)), rng.uniform(-1, 1, (1, d)), band_threshold=0.02, expression=PLAIN
    )
    engine = NEAT(substrate.config(10), 0)
    engine.run(lambda net: np.arange(10.0), 4)
    grown = grow(engine.phenotypes(), substrate)
    for g, cppn in enumerate(engine.genomes):
        links, useful, _ = _by_hand(cppn, substrate)
        assert {tuple(p) for p in grown.places[grown.ends[g] : grown.ends[g + 1]]} == useful
        assert len(genome(grown.genes, g, 2, 1).connections) == len(links)
    assert grown.ends[-1] > 0


def test_one_network_is_the_same_alone_and_in_pieces(monkeypatch):
    substrate = EvolvableSubstrate(INPUTS, OUTPUTS, band_threshold=0.05)
    engine = NEAT(substrate.config(20), 1)
    engine.run(lambda net: np.arange(20.0), 5)
    whole = grow(engine.phenotypes(), substrate)
    monkeypatch.setattr("neuroloom.evolve.es_hyperneat.AT_ONCE", 7 << 6)
    pieces = grow(engine.phenotypes(), substrate)
    for a, b in zip(whole.genes, pieces.genes, strict=True):
        np.testing.assert_array_equal(a, b)
    for g, cppn in enumerate(engine.genomes):
        alone = EvolvedNetwork(cppn, substrate)
        np.testing.assert_array_equal(alone.hidden, whole.places[whole.ends[g] : whole.ends[g + 1]])
        assert alone.genome.connections == genome(whole.genes, g, 3, 2).connections


def test_more_places_than_there_are_numbers_are_refused():
    substrate = EvolvableSubstrate(np.zeros((1, 6)), np.ones((1, 6)), max_depth=10)
    with pytest.raises(InputError, match="lower `max_depth`"):
        grow(NEAT(substrate.config(20), 1).phenotypes(), substrate)


def test_a_pattern_that_is_flat_makes_no_hidden_neuron():
    substrate = EvolvableSubstrate(INPUTS, OUTPUTS, expression=Expression(0.0, bias=False))
    flat = Genome(6, 1, (Node(0, bias=0.7, activation="identity"),), ())
    network = EvolvedNetwork(flat, substrate)
    assert network.n_connections == 0
    assert network.hidden.shape == (0, 2)
    np.testing.assert_array_equal(network.activate(np.ones((2, 3))), np.zeros((2, 2)))


def test_a_wave_places_neurons_where_it_stands_out_on_both_sides():
    """sin(5 · 0.8 x) of source and target: columns of neurons at every height, where neighbours differ by over 0.6."""
    wave = Genome(6, 1, (Node(0, activation="sin"),), (Connection(0, -3, 0, 0.8), Connection(1, -1, 0, 0.8)))
    ends = np.array([[0.0, -1]]), np.array([[0.0, 1]])
    substrate = EvolvableSubstrate(
        *ends,
        initial_depth=3,
        max_depth=3,
        iterations=0,
        band_threshold=0.6,
        expression=Expression(0.0, bias=False),
    )
    centres = np.arange(-7, 8, 2) / 8
    values, step = np.sin(4 * centres), 0.25
    beside = [np.abs(values - np.sin(4 * (centres + sign * step))) for sign in (-1, 1)]
    columns = set(centres[np.minimum(*beside) > 0.6].tolist())
    hidden = EvolvedNetwork(wave, substrate).hidden
    assert 0 < len(columns) < 8
    assert {(x, y) for x, y in hidden} == {(x, y) for x in columns for y in centres}


def test_the_network_is_torchs_and_finer_without_evolution():
    substrate = EvolvableSubstrate.layered(4, 2, band_threshold=0.05)
    engine = NEAT(substrate.config(30), 0)
    engine.run(lambda net: np.arange(30.0), 6)
    grown = grow(engine.phenotypes(), substrate)
    largest = engine.genomes[int(np.diff(grown.ends).argmax())]
    network = EvolvedNetwork(largest, substrate)
    X = np.random.default_rng(1).normal(size=(6, 4))
    with torch.no_grad():
        found = network.to_torch()(torch.from_numpy(X).float())
    np.testing.assert_allclose(found.numpy(), network.activate(X), atol=1e-5)
    finer = EvolvableSubstrate.layered(4, 2, band_threshold=0.05, initial_depth=4, max_depth=4)
    assert len(EvolvedNetwork(largest, finer).hidden) > len(network.hidden) > 0
    assert network.plot() is not None


def test_wine_is_learnt_and_parameters_are_checked():
    X, y = load_wine(return_X_y=True)
    model = ESHyperNEATClassifier(population=100, generations=60, random_state=0).fit(X[::2], y[::2])
    assert model.score(X[1::2], y[1::2]) > 0.6
    network = model.substrate_network()
    np.testing.assert_array_equal(
        model.predict(X), network.activate((X - model.mean_) / model.scale_).argmax(axis=1)
    )
    with pytest.raises(InputError, match="max_depth"):
        clone(model).set_params(initial_depth=3, max_depth=2).fit(X, y)
    with pytest.raises(InputError, match="cannot be written back"):
        clone(model).set_params(learning="lamarckian").fit(X, y)
    with pytest.raises(InputError, match="within"):
        EvolvableSubstrate(INPUTS * 2, OUTPUTS)
    others = NEAT(EvolvableSubstrate(INPUTS, OUTPUTS).config(5), 0).phenotypes()
    with pytest.raises(InputError, match="config"):
        grow(others, EvolvableSubstrate.layered(1, 1, expression=Expression(leo=True)))


def test_seeds_and_poles():
    starts = EnvSet("CartPole-v1", np.arange(40))
    twins = [ESHyperNEATPolicy(population=40, generations=12, random_state=5).fit(starts) for _ in range(2)]
    returns = [policy.predict(EnvSet("CartPole-v1", np.arange(1000, 1020))) for policy in twins]
    np.testing.assert_array_equal(*returns)
    assert returns[0].mean() > 150
    X = np.random.default_rng(0).normal(size=(80, 2))
    model = ESHyperNEATRegressor(population=40, generations=30, random_state=0).fit(X, X[:, 0] - X[:, 1])
    assert model.score(X, X[:, 0] - X[:, 1]) > 0.8
