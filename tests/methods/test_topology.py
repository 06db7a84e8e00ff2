"""Evolved networks as graphs: by hand and through networkx, the map of a run, and novelty of structure."""

import networkx as nx
import numpy as np
import pytest
from scipy.spatial.distance import pdist

from neuroloom.core import InputError
from neuroloom.evolve import NEAT, Connection, Genome, NEATConfig, Node, NoveltySearch
from neuroloom.evolve.functions import ACTIVATIONS
from neuroloom.graphs import WLFeatures
from neuroloom.methods.topology import TopologyMap, as_graphs, topology_behaviour


def _genome(hidden="sin", extra=False):
    nodes = [Node(0, activation="identity"), Node(7, activation=hidden)]
    connections = [
        Connection(1, -1, 7, 0.5), Connection(2, -2, 7, -1.5), Connection(3, 7, 0, 2.0),
        Connection(4, -1, 0, 3.0, enabled=extra),
    ]  # fmt: skip
    return Genome(2, 1, tuple(nodes), tuple(connections))


def test_a_graph_by_hand():
    (graph,) = as_graphs(_genome()).graphs
    assert graph.directed
    assert graph.names == (-1, -2, 0, 7)
    drawn = graph.to_networkx()
    assert {(a, b): d["weight"] for a, b, d in drawn.edges(data=True)} == {
        (-1, 7): 0.5,
        (-2, 7): -1.5,
        (7, 0): 2.0,
    }
    assert graph.features.sum(axis=1).tolist() == [1, 1, 1, 1]
    assert graph.features.argmax(axis=1).tolist() == [0, 1, 2, 3 + ACTIVATIONS.index("sin")]
    (plain,) = as_graphs(_genome(), weighted=False).graphs
    assert plain.weights.tolist() == [1, 1, 1]
    assert as_graphs([_genome(extra=True)]).graphs[0].to_networkx().number_of_edges() == 4


def _engine(cls=NEAT, **options):
    config = NEATConfig(
        3, 2, population=40, node_add_prob=0.3, conn_add_prob=0.3, activation_default="random",
        activation_options=("tanh", "sin"),
    )  # fmt: skip
    return cls(config, 2, **options)


X = np.random.default_rng(0).normal(size=(30, 3))
Y = np.stack([np.sin(X[:, 0] * 2), X[:, 1] * X[:, 2]], axis=1)


def test_all_genomes_of_a_run_agree_with_their_readable_form():
    engine = _engine()
    engine.run("neg_mean_squared_error", 12, X, Y)
    ways = as_graphs(engine), as_graphs(engine.phenotypes()), as_graphs(engine.genomes)
    for genome, *graphs in zip(engine.genomes, *(way.graphs for way in ways), strict=True):
        wanted = nx.DiGraph()
        wanted.add_nodes_from([-1, -2, -3, *(node.id for node in genome.nodes)])
        wanted.add_edges_from((c.source, c.target) for c in genome.connections if c.enabled)
        for graph in graphs:
            made = graph.to_networkx()
            assert set(made.nodes) == set(wanted.nodes)
            assert set(made.edges) == set(wanted.edges)


def test_the_same_structure_is_at_distance_0_and_another_is_not():
    kernel = WLFeatures(iterations=2, buckets=64).fit(as_graphs(_genome()))
    same, other, function = (
        kernel.transform(as_graphs(one))[0]
        for one in (_genome(), _genome(extra=True), _genome(hidden="gauss"))
    )
    base = kernel.transform(as_graphs(_genome()))[0]
    assert np.linalg.norm(base - same) == 0
    assert 0 < np.linalg.norm(base - other) < np.sqrt(2)
    assert 0 < np.linalg.norm(base - function) < np.sqrt(2)


def test_novelty_of_structure_spreads_the_population_over_structures():
    rows = np.ascontiguousarray(X.T, dtype=np.float32)
    target = np.ascontiguousarray(Y.T, dtype=np.float32)

    def fitness(phenotypes):
        return phenotypes.score_error(rows, target)

    plain = _engine()
    plain.run_phenotypes(fitness, 20)
    novel = _engine(NoveltySearch)
    novel.run_phenotypes(topology_behaviour(fitness), 20)
    assert novel.archive_.shape == (20 * 6, 3 * 64)
    kernel = WLFeatures(iterations=2, buckets=64).fit(as_graphs(plain))
    spread = [pdist(kernel.transform(as_graphs(engine))).mean() for engine in (novel, plain)]
    assert spread[0] > spread[1] + 0.05


def test_the_map_of_a_run():
    seen = TopologyMap(every=2, sample=7, random_state=1)
    engine = _engine()
    engine.run("neg_mean_squared_error", 9, X, Y, callback=seen)
    assert np.bincount(seen.generation_).tolist() == [0, 7, 0, 7, 0, 7, 0, 7, 0, 7]
    assert len(seen.graphs_) == len(seen.fitness_) == len(seen.species_) == 35
    best = [entry["generation_score"] for entry in engine.history_[::2]]
    assert seen.fitness_[::7].tolist() == best
    at = seen.embed("wl", iterations=1)
    assert at.shape == (35, 2)
    assert at.var(axis=0)[0] >= at.var(axis=0)[1] > 0
    alike = [
        (i, j) for i in range(35) for j in range(i)
        if seen.graphs_.graphs[i] == seen.graphs_.graphs[j]
    ]  # fmt: skip
    for i, j in alike:
        np.testing.assert_allclose(at[i], at[j], atol=1e-9)
    for method in ("feather", "graph-statistics", "graph2vec"):
        assert np.isfinite(seen.embed(method)).all()
    axes = seen.plot(("fitness", "generation", "species"))
    assert len(axes) == 3
    assert len(axes[0].collections[0].get_offsets()) == 35
    axes[0].figure.canvas.draw()


def test_what_cannot_be_mapped_is_refused():
    with pytest.raises(InputError, match="at least 3"):
        TopologyMap().embed()
    seen = TopologyMap()
    _engine().run("neg_mean_squared_error", 2, X, Y, callback=seen)
    with pytest.raises(InputError, match="whole graphs"):
        seen.embed("deepwalk")
    with pytest.raises(InputError, match="colours"):
        seen.plot(("age",))
    with pytest.raises(InputError, match="new one"):
        NEAT(NEATConfig(2, 1, population=5), 0).run(lambda net: np.zeros(5), 1, callback=seen)
    with pytest.raises(InputError, match="as many inputs"):
        as_graphs([_genome(), Genome(1, 1, (Node(0),), ())])
    with pytest.raises(InputError, match="there are none"):
        as_graphs([])
