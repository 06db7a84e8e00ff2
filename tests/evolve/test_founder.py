"""A run that begins with mutated copies of one genome."""

import numpy as np
import pytest

from neuroloom.core import InputError
from neuroloom.evolve import NEAT, Connection, Genome, NEATConfig, Node

FOUNDER = Genome(
    2,
    1,
    (Node(0, 0.5, activation="identity"), Node(7, -0.25, activation="gauss")),
    (Connection(3, -1, 7, 1.0), Connection(4, -2, 7, -1.0), Connection(9, 7, 0, 2.0)),
)


def test_the_first_is_the_founder_and_the_others_are_its_mutants():
    engine = NEAT(NEATConfig(2, 1, population=40), 0, founder=FOUNDER)
    first, *others = engine.genomes
    X = np.random.default_rng(0).normal(size=(6, 2))
    np.testing.assert_array_equal(first.activate(X), FOUNDER.activate(X))
    assert [node.id for node in first.nodes] == [0, 1]
    assert [conn.innovation for conn in first.connections] == [0, 1, 2]
    mutants = sum(not np.array_equal(one.activate(X), first.activate(X)) for one in others)
    assert mutants > 30
    new = {c.innovation: (c.source, c.target) for one in others for c in one.connections}
    assert len(new) == len({(c.source, c.target) for one in others for c in one.connections})


def test_it_evolves_and_goes_on_from_its_state():
    def fitness(net):
        return -np.abs(net.to_genes().weight.sum()) * np.arange(40.0)

    runs = [NEAT(NEATConfig(2, 1, population=40), 3, founder=FOUNDER) for _ in range(2)]
    for run in runs:
        run.run(fitness, 3)
    other = NEAT.from_state(runs[1].state())
    assert other.founder == runs[1].founder
    runs[0].run(fitness, 3)
    other.run(fitness, 3)
    for a, b in zip(runs[0].genes, other.genes, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_founder_of_another_shape_is_refused():
    with pytest.raises(InputError, match="3 inputs and 1 outputs"):
        NEAT(NEATConfig(3, 1), 0, founder=FOUNDER)
