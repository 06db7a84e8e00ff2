"""neat-python's scripts on this engine: same forms, same numbers."""

import runpy

import neat
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroloom.core import InputError, NotSupportedError
from neuroloom.evolve import NEATConfig, neat_compat
from neuroloom.evolve.neat_python import from_neat_genome, load_config, to_neat_genome
from tests.evolve.genomes import genomes

XOR = [((0.0, 0.0), 0.0), ((0.0, 1.0), 1.0), ((1.0, 0.0), 1.0), ((1.0, 1.0), 0.0)]


def xor(given_genomes, config):
    for _, genome in given_genomes:
        net = neat_compat.nn.FeedForwardNetwork.create(genome, config)
        genome.fitness = 4.0 - sum((net.activate(x)[0] - y) ** 2 for x, y in XOR)


def load(folder, **changes):
    path = folder / "config"
    NEATConfig(2, 1, **({"population": 50} | changes)).to_neat_python(path)
    own = neat_compat
    return own.Config(
        own.DefaultGenome, own.DefaultReproduction, own.DefaultSpeciesSet, own.DefaultStagnation, path
    )


class Events(neat_compat.BaseReporter):
    def __init__(self):
        self.seen = []

    def start_generation(self, generation):
        self.seen.append(f"start {generation}")

    def post_evaluate(self, config, population, species, best_genome):
        assert best_genome is population[best_genome.key]
        assert best_genome.key in species.species[species.get_species_id(best_genome.key)].members
        assert sum(len(own.members) for own in species.species.values()) == len(population)
        self.seen.append("evaluated")

    def end_generation(self, config, population, species_set):
        assert all(genome.fitness is None for genome in population.values())
        self.seen.append("end")

    def complete_extinction(self):
        self.seen.append("extinct")

    def found_solution(self, config, generation, best):
        self.seen.append(f"found {generation}")


@given(genomes(), st.lists(st.floats(-2, 2), min_size=4, max_size=4))
@settings(max_examples=60, deadline=None)
def test_one_genome_activates_as_in_neat_python_both_ways(genome, x):
    theirs = load_config(NEATConfig(genome.inputs, genome.outputs, population=2))
    converted = to_neat_genome(genome, theirs)
    expected = neat.nn.FeedForwardNetwork.create(converted, theirs).activate(x[: genome.inputs])
    back = from_neat_genome(converted, theirs)
    for own in (genome, back):
        found = neat_compat.nn.FeedForwardNetwork.create(own).activate(x[: genome.inputs])
        assert found == pytest.approx(own.activate(x[: genome.inputs]).tolist(), abs=1e-9)
        entering = own.entering()
        if all(entering.get(i) for i in own.order()):  # neat-python leaves nodes without inputs out
            assert found == pytest.approx(expected, abs=1e-6)


def test_a_genome_that_neat_python_evolved_computes_the_same_here():
    theirs = load_config(NEATConfig(3, 2, population=40, node_add_prob=0.6, conn_add_prob=0.6))
    run = neat.Population(theirs, seed=1)

    def fitness(population, _):
        for key, genome in population:
            genome.fitness = len(genome.nodes) + key % 7

    run.run(fitness, 8)
    grown = sorted(run.population.values(), key=lambda genome: -len(genome.nodes))[:5]
    assert len(grown[0].nodes) > 4
    for genome in grown:
        own = from_neat_genome(genome, theirs)
        x = [0.3, -1.2, 0.8]
        expected = neat.nn.FeedForwardNetwork.create(genome, theirs).activate(x)
        assert neat_compat.FeedForwardNetwork.create(own).activate(x) == pytest.approx(expected, abs=1e-6)


def test_evolves_xor_and_tells_reporters(tmp_path):
    population = neat_compat.Population(load(tmp_path, population=150, fitness_threshold=3.5), seed=1)
    events, stats = Events(), neat_compat.StatisticsReporter()
    population.add_reporter(events)
    population.add_reporter(stats)
    winner = population.run(xor, 150)
    last = population.generation
    assert winner.fitness >= 3.5
    assert events.seen[:4] == ["start 0", "evaluated", "end", "start 1"]
    assert events.seen[-3:] == [f"start {last}", "evaluated", f"found {last}"]
    assert stats.best_genome() is winner
    assert len(stats.get_fitness_mean()) == last + 1
    assert [sum(sizes) for sizes in stats.get_species_sizes()] == [150] * (last + 1)
    entries = population.engine.history_
    assert stats.get_fitness_mean() == pytest.approx([entry["mean_fitness"] for entry in entries])
    xor([(1, winner)], None)
    assert winner.fitness == pytest.approx(entries[-1]["score"])


def test_goes_on_where_it_stopped_and_repeats(tmp_path):
    config = load(tmp_path)
    whole, parts = neat_compat.Population(config, seed=3), neat_compat.Population(config, seed=3)
    a = whole.run(xor, 6)
    parts.run(xor, 2)
    b = parts.run(xor, 4)
    assert a.to_json() == b.to_json()
    assert a.key == b.key
    assert whole.generation == parts.generation == 5


def test_neat_pythons_own_reporters_work(tmp_path, capsys):
    population = neat_compat.Population(load(tmp_path), seed=0)
    stats = neat.StatisticsReporter()
    population.add_reporter(neat.StdOutReporter(True))
    population.add_reporter(stats)
    population.run(xor, 3)
    ours = population.engine.history_
    assert stats.get_fitness_mean() == pytest.approx([entry["mean_fitness"] for entry in ours])
    assert "Running generation 2" in capsys.readouterr().out
    population.remove_reporter(stats)
    population.run(xor, 1)
    assert len(stats.most_fit_genomes) == 3


def test_our_printer_tells_the_species(tmp_path, capsys):
    population = neat_compat.Population(load(tmp_path, fitness_threshold=-100.0), seed=0)
    population.add_reporter(neat_compat.StdOutReporter(True))
    best = population.run(xor, 3)
    shown = capsys.readouterr().out
    assert f"Best fitness: {best.fitness:.5f} - size: (1, 2)" in shown
    assert "Best individual in generation 0 meets fitness threshold" in shown


def test_extinction_is_told(tmp_path):
    config = load(tmp_path, max_stagnation=1, species_elitism=0, compatibility_threshold=100.0)
    population, events = neat_compat.Population(config, seed=0), Events()
    population.add_reporter(events)

    def flat(given_genomes, _):
        for _, genome in given_genomes:
            genome.fitness = 1.0

    population.run(flat, 4)
    assert "extinct" in events.seen


def test_says_what_does_not_move(tmp_path):
    config = load(tmp_path)
    with pytest.raises(InputError, match="eval_genomes left 50 genomes without fitness, the first 1"):
        neat_compat.Population(config, seed=0).run(lambda given_genomes, _: None, 1)
    with pytest.raises(InputError, match="`n` must be a number of generations"):
        neat_compat.Population(config, seed=0).run(xor)
    genome = next(iter(neat_compat.Population(config, seed=0).population.values()))
    net = neat_compat.nn.FeedForwardNetwork.create(genome, config)
    with pytest.raises(InputError, match="the network has 2 inputs, but got 3 numbers"):
        net.activate([1, 2, 3])

    class MyGenome(neat_compat.DefaultGenome):
        pass

    with pytest.raises(NotSupportedError, match="MyGenome cannot stand in for DefaultGenome"):
        neat_compat.Config(MyGenome, neat_compat.DefaultReproduction, neat_compat.DefaultSpeciesSet,
                           neat_compat.DefaultStagnation, tmp_path / "config")  # fmt: skip


def test_the_example_solves_xor(tmp_path, capsys):
    example = runpy.run_path("examples/from_neat_python.py")
    path = tmp_path / "own"
    NEATConfig(2, 1, fitness_threshold=3.9).to_neat_python(path)
    winner = example["run"](path)
    assert winner.fitness >= 3.9
    assert np.round(winner.activate(np.array([x for x, _ in XOR])))[:, 0].tolist() == [0, 1, 1, 0]
    assert "expected output" in capsys.readouterr().out
