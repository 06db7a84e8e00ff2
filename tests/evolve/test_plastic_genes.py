"""Rules of plasticity as genes: founded, inherited, split, mutated, counted in distances, kept in checkpoints."""

import numpy as np
import pytest

from neuroloom.evolve import NEAT, Connection, Genome, NEATConfig, Node
from neuroloom.evolve._kernels_distance import distance
from neuroloom.evolve.config import DISTANCES
from neuroloom.evolve.population import alone, joined, pack_genomes, take
from neuroloom.evolve.population import genome as read_genome
from tests.evolve.kernel_calls import cross, start_stream

BUSY = {"node_add_prob": 0.4, "conn_add_prob": 0.8, "conn_delete_prob": 0.2, "node_delete_prob": 0.2}
STILL = {f"{role}_mutate_rate": 0.0 for role in ("weight", "plasticity")} | {
    f"{role}_replace_rate": 0.0 for role in ("weight", "plasticity")
}


def bred(config, seed=0, generations=12, **options):
    engine = NEAT(config, seed, **options)
    for _ in range(generations):
        engine.tell(np.random.default_rng(engine.generation).random(len(engine)))
        engine.advance()
    return engine


def test_there_is_no_column_without_plasticity():
    config = NEATConfig(3, 2, population=20, **BUSY)
    assert bred(config).genes.plasticity.shape == (0, 5)
    plastic = bred(config.replace(plasticity="hebbian")).genes
    assert plastic.plasticity.shape == (len(plastic.weight), 5)


def test_founders_differ_from_plain_ones_in_their_rules_alone():
    config = NEATConfig(3, 2, population=20, plasticity="hebbian", plasticity_init_stdev=0.3)
    own, other = NEAT(config, 5).genes, NEAT(config.replace(plasticity="none"), 5).genes
    for a, b in zip(own[:13], other[:13], strict=True):
        np.testing.assert_array_equal(a, b)
    assert abs(own.plasticity).max() <= 1
    assert own.plasticity.std() == pytest.approx(0.3, abs=0.03)
    assert np.unique(own.plasticity).size > 500


def test_rules_stay_with_their_connections_through_every_operator():
    """What is neither drawn nor perturbed tells where each rule came from."""
    nodes = tuple(Node(i) for i in range(3))
    ends = [(s, t) for s in (-1, -2, -3) for t in range(3)]
    conns = tuple(
        Connection(k, *end, 10.0 + k, True, tuple(0.01 * (5 * k + np.arange(5))))
        for k, end in enumerate(ends)
    )
    founder = Genome(3, 3, nodes, conns, network="recurrent", plasticity="hebbian")
    config = NEATConfig(
        3, 3, population=80, network="recurrent", plasticity="hebbian", plasticity_init_mean=0.25,
        plasticity_init_stdev=0.0, weight_max_value=20.0, **BUSY, **STILL,
    )  # fmt: skip
    engine = bred(config, 1, 15, founder=founder)
    kinds = {"founder": 0, "split": 0, "added": 0}
    for genome in engine.genomes:
        for conn in genome.connections:
            k = round(conn.weight - 10)
            if conn.weight == 10.0 + k and 0 <= k < 9:
                assert conn.plasticity == pytest.approx(0.01 * (5 * k + np.arange(5)), abs=1e-12)
                kinds["founder"] += 1
            elif conn.weight == 1.0 and conn.plasticity == (0.0,) * 5:
                kinds["split"] += 1  # the first half of a split connection, which stays
            else:
                assert conn.plasticity == (0.25,) * 5
                kinds["added"] += 1
    assert min(kinds.values()) > 100


def test_weight_and_rule_come_from_the_same_parent():
    def parent(value):
        conns = tuple(Connection(k, -1, k, value, True, (value,) * 5) for k in range(60))
        nodes = tuple(Node(i) for i in range(60))
        return Genome(1, 60, nodes, conns, plasticity="hebbian")

    genes, out = pack_genomes([parent(0.25), parent(0.75)]), pack_genomes([parent(0.0)])
    stream = np.empty(1, np.uint64)
    start_stream(stream, 1, 2, 3, 4)
    cross(genes, 0, 1, 0.75, stream, out, 0, 0)
    np.testing.assert_array_equal(out.plasticity, np.repeat(out.weight[:, None], 5, axis=1))
    assert 15 < (out.weight == 0.75).sum() < 45


def test_mutation_perturbs_and_draws_anew_within_the_range():
    config = NEATConfig(
        4, 4, population=200, plasticity="hebbian", plasticity_init_stdev=0.0, plasticity_init_mean=0.5,
        plasticity_mutate_rate=0.5, plasticity_replace_rate=0.0, plasticity_mutate_power=0.1, crossover_rate=0.0,
        genome_mutate_rate=1.0, plasticity_max_value=0.6, elitism=0, node_add_prob=0.0, conn_add_prob=0.0,
    )  # fmt: skip
    rules = bred(config, 2, 1).genes.plasticity
    moved = rules[rules != 0.5]
    assert moved.size / rules.size == pytest.approx(0.5, abs=0.02)
    assert rules.max() == 0.6
    assert (rules - 0.5)[rules < 0.5].std() > 0.03
    drawn = bred(
        config.replace(plasticity_mutate_rate=0.0, plasticity_replace_rate=0.3, plasticity_init_mean=-0.2),
        2,
        1,
    )
    assert (drawn.genes.plasticity == -0.2).all()  # drawn with no spread


def test_distance_counts_the_mean_difference_of_rules():
    def genome(rules):
        conns = tuple(Connection(k, -1, k, 1.0, True, rule) for k, rule in rules.items())
        return Genome(1, 3, tuple(Node(i) for i in range(3)), conns, plasticity="hebbian")

    a = genome({0: (0.1, 0.2, 0.3, 0.4, 0.5), 1: (0.0,) * 5})
    b = genome({0: (0.1, -0.2, 0.3, 0.0, 0.5), 1: (0.5,) * 5, 2: (1.0,) * 5})
    genes = pack_genomes([a, b])
    between = (0.16 + 0.5) / 2  # of matching connections; each the mean of five
    for rule, excess in (("unscaled", 1.0), ("paper", 1.0)):
        plain = distance(genes, 0, genes, 1, DISTANCES.index(rule), 1.0, 1.0, 0.4)
        found = distance(genes, 0, genes, 1, DISTANCES.index(rule), 1.0, 1.0, 0.4, 2.0)
        assert plain == pytest.approx(excess)
        assert found - plain == pytest.approx(2.0 * between)
    theirs = DISTANCES.index("neat-python")
    found = distance(genes, 0, genes, 1, theirs, 1.0, 1.0, 0.4, 2.0)
    assert found - distance(genes, 0, genes, 1, theirs, 1.0, 1.0, 0.4) == pytest.approx(
        2.0 * (0.16 + 0.5) / 3
    )
    config = NEATConfig(
        3, 2, population=60, plasticity="hebbian", compatibility_threshold=0.5, weight_init_stdev=0.0,
        bias_init_stdev=0.0,
    )  # fmt: skip
    many = [
        len(NEAT(config.replace(compatibility_plasticity_coefficient=c), 0).species_) for c in (0.0, 0.8, 3.0)
    ]
    assert many[0] == 1 < many[1] < many[2]


def test_packing_taking_and_joining_keep_the_rules():
    engine = bred(NEATConfig(3, 2, population=30, plasticity="hebbian", **BUSY))
    genes, config = engine.genes, engine.config
    again = pack_genomes(engine.genomes)
    np.testing.assert_array_equal(again.plasticity, genes.plasticity)
    rows = [7, 2, 7]
    taken, both = take(genes, rows), joined(*(alone(genes, row) for row in rows))
    for own in (taken, both):
        assert [read_genome(own, k, 3, 2, like=config) for k in range(3)] == [engine.genomes[r] for r in rows]
    frozen = read_genome(genes, 7, 3, 2)  # asked for as a plain network
    assert frozen == engine.genomes[7].frozen()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_run_goes_on_bit_for_bit_from_its_file(tmp_path, threads):
    config = NEATConfig(3, 2, population=30, plasticity="hebbian", **BUSY)
    straight = bred(config, 4, 10)
    halfway = bred(config, 4, 5, threads=threads)
    halfway.save(tmp_path / "run")
    on = NEAT.load(tmp_path / "run", threads)
    while on.generation < 10:
        on.tell(np.random.default_rng(on.generation).random(30))
        on.advance()
    for a, b in zip(on.genes, straight.genes, strict=True):
        np.testing.assert_array_equal(a, b)
    assert on.best_genome_ == straight.best_genome_
    assert on.best_genome_.plasticity == "hebbian"


def test_a_run_that_was_saved_before_there_was_plasticity_goes_on():
    config = NEATConfig(3, 2, population=30, **BUSY)
    straight, state = bred(config, 4, 10), bred(config, 4, 5).state()
    old = {name: value for name, value in state["config"].items() if "plasticity" not in name}
    del old["weight_bound"]
    state |= {"config": old, "genes": state["genes"][:13], "best": state["best"][:13]}
    on = NEAT.from_state(state)
    while on.generation < 10:
        on.tell(np.random.default_rng(on.generation).random(30))
        on.advance()
    for a, b in zip(on.genes, straight.genes, strict=True):
        np.testing.assert_array_equal(a, b)


def test_evaluation_of_a_run_by_sequences():
    """A weight that must grow: the outputs for equal inputs are asked to rise, which needs plasticity."""
    X, y = np.ones((1, 6, 1)), np.arange(6.0)[:, None]

    def fitness(outputs, y):
        return -((outputs[:, 0] - y) ** 2).mean(axis=(1, 2))

    scores = {}
    for plasticity in ("none", "hebbian"):
        config = NEATConfig(
            1, 1, population=60, plasticity=plasticity, output_activation="identity", conn_add_prob=0.0,
            node_add_prob=0.0,
        )  # fmt: skip
        if plasticity == "none":
            best = NEAT(config, 0).run(
                lambda o, y: -((o[:, 0, None] - y) ** 2).mean(axis=(1, 2)), 30, X[0, :1], y
            )
        else:
            best = NEAT(config, 0).run(fitness, 30, X, y)
        scores[plasticity] = best.fitness
    assert scores["none"] == pytest.approx(-y.var(), abs=0.02)
    assert scores["hebbian"] > -0.1
