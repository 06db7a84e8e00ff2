"""The weights of a fixed topology: vectors and back, every optimiser against a closed form, budgets, archives."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris

from neuroloom.core import EnvSet, InputError, NotSupportedError
from neuroloom.core.seeding import stream
from neuroloom.evolve import (
    NEAT,
    Connection,
    FixedTopologyClassifier,
    FixedTopologyPolicy,
    FixedTopologyRegressor,
    Genome,
    NEATConfig,
    Node,
    WeightSearch,
    WeightSpace,
)
from neuroloom.evolve.learning import Learning
from neuroloom.evolve.phenotypes import Phenotypes
from neuroloom.evolve.weight_optimizers import MAPPING, OPTIMIZERS

PLAIN = [name for name in OPTIMIZERS if name not in MAPPING]
# hidden nodes with several inputs, a disabled connection, and one of two outputs fed twice
GENOME = Genome(
    2,
    2,
    (Node(0, 0.1, 1.0, "identity"), Node(1, -0.2, 1.0, "tanh"), Node(5, 0.4, 0.5, "sin")),
    (
        Connection(0, -1, 5, 0.5), Connection(2, -2, 5, -1.5), Connection(3, 5, 0, 2.0),
        Connection(4, -1, 0, 3.0, enabled=False), Connection(7, 5, 1, 0.25), Connection(9, -2, 1, -0.75),
    ),
)  # fmt: skip
LINE = Genome(2, 1, (Node(0, 0.0, 1.0, "identity"),), (Connection(0, -1, 0, 0.0), Connection(1, -2, 0, 0.0)))
X = stream(0, "weights").normal(size=(60, 2))
Y = 0.7 * X[:, 0] - 1.2 * X[:, 1] + 0.4 + 0.1 * stream(1, "weights").normal(size=60)


def penalised_optimum(l2):
    """Return the best fitness of LINE: -mse less l2 / 2 times the sum of squares, by the normal equations."""
    scale = np.sqrt([0.5, 0.5, 0.5])
    design = np.column_stack([X, np.ones(60)]) * scale
    best = np.linalg.solve(design.T @ design / 60 + l2 / 2 * np.eye(3), design.T @ Y / 60)
    return -np.mean((design @ best - Y) ** 2) - l2 / 2 * np.sum(best**2)


def test_a_vector_by_hand():
    space = WeightSpace(GENOME)
    assert space.size == 5 + 3
    np.testing.assert_allclose(space.scale, [2**-0.5] * 2 + [1] + [2**-0.5] * 2 + [1, 2**-0.5, 2**-0.5])
    vector = space.vector()
    np.testing.assert_allclose(vector * space.scale, [0.5, -1.5, 2.0, 0.25, -0.75, 0.1, -0.2, 0.4])
    assert space.genome(vector) == GENOME
    changed = space.genome(np.arange(8.0) / space.scale)
    np.testing.assert_allclose([c.weight for c in changed.connections], [0, 1, 2, 3.0, 3, 4])
    np.testing.assert_allclose([node.bias for node in changed.nodes], [5, 6, 7])
    genes = space.genes(np.stack([vector, 2 * vector]))
    np.testing.assert_allclose(space.sizes(genes), np.sqrt(np.mean(vector**2)) * np.array([1, 2]))
    rows = np.ascontiguousarray(X.T, np.float32)
    found = Phenotypes(genes, 2, 2).activate(rows)
    np.testing.assert_allclose(found[0].T, GENOME.activate(X), atol=1e-5)
    np.testing.assert_allclose(found[1].T, space.genome(2 * vector).activate(X), atol=1e-5)


def test_the_slope_is_the_numerical_one():
    search = WeightSearch(GENOME, 0, optimizer="l-bfgs", l2=0.3, options={})
    target = np.stack([Y, Y**2], axis=1)
    search._learning = Learning(
        "lamarckian", lambda out: (out - out.new_tensor(target)).square().mean((1, 2)), X
    )
    vector = stream(2, "weights").normal(size=8)

    def exact(vector):
        out = search.space.genome(vector).activate(X)
        return -np.mean((out - target) ** 2) - 0.15 * np.sum(vector**2)

    fitness, slope = search.slope(vector)
    assert fitness == pytest.approx(exact(vector), rel=1e-5)
    steps = 1e-5 * np.eye(8)
    wanted = [(exact(vector + step) - exact(vector - step)) / 2e-5 for step in steps]
    np.testing.assert_allclose(slope, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("l2", [0.0, 0.5])
@pytest.mark.parametrize("name", PLAIN)
def test_every_optimiser_finds_what_the_normal_equations_give(name, l2):
    search = WeightSearch(LINE, 0, optimizer=name, population=20, l2=l2)
    loss = Learning("lamarckian", lambda out: (out[:, :, 0] - out.new_tensor(Y)).square().mean(1), X)
    rows, target = np.ascontiguousarray(X.T, np.float32), Y[None].astype(np.float32)
    state = np.random.get_state()[1].tolist()  # noqa: NPY002
    search.run_phenotypes(lambda networks: networks.score_error(rows, target), 60, learning=loss)
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002
    best = penalised_optimum(l2)
    assert search.history_[-1]["score"] <= best + 1e-5
    assert search.history_[-1]["score"] == pytest.approx(
        best, abs={"simulated-annealing": 0.1}.get(name, 2e-3)
    )
    genome = search.best_genome_
    error = np.mean((genome.activate(X)[:, 0] - Y) ** 2)
    vector = search.space.vector(genome)
    assert genome.fitness == pytest.approx(-error - l2 / 2 * np.sum(vector**2), abs=1e-5)


def test_augmented_random_search_by_hand():
    """Algorithm 2 of Mania, Guy and Recht written out, with the steps' own numbers."""
    options = {"lr": 0.3, "top": 0.5, "final": 0.1}
    search = WeightSearch(
        LINE, 3, optimizer="augmented-random-search", population=9, sigma=0.2, options=options
    )
    seen = []
    search.run("neg_mean_squared_error", 3, X, Y, callback=lambda search: seen.append(search._now))
    assert search.answer == -1
    mean = np.zeros(3)
    for generation, (vectors, fitness) in enumerate(seen):
        np.testing.assert_allclose(vectors[-1], mean, atol=1e-12)
        steps = vectors[:4] - mean
        np.testing.assert_allclose(vectors[4:8], mean - steps, atol=1e-12)
        pairs = sorted(range(4), key=lambda k: -max(fitness[k], fitness[4 + k]))[:2]
        spread = np.std([fitness[k] for k in pairs] + [fitness[4 + k] for k in pairs])
        falls = 1 - 0.9 * generation / 3
        for k in pairs:
            direction = steps[k] / (0.2 * falls)
            mean = mean + falls * 0.3 / (2 * spread) * (fitness[k] - fitness[4 + k]) * direction


@pytest.mark.parametrize(("starts", "generations"), [(1, 6), (3, 20)])
def test_pgpe_with_clipup_by_hand(starts, generations):
    """Sehnke et al. (2010), symmetric samples, and ClipUp's algorithm 1, weight by weight; starts take turns."""
    options = {"speed": 0.4, "momentum": 0.7, "sigma_lr": 0.3, "final": 0.5, "sigma_final": 0.4}
    options |= {"starts": starts, "trial": 0.6}
    search = WeightSearch(LINE, 4, optimizer="pgpe", population=11, sigma=0.3, options=options)
    seen = []
    search.run("neg_mean_squared_error", generations, X, Y, callback=lambda search: seen.append(search._now))
    rivals = [(np.zeros(3), np.full(3, 0.3), np.zeros(3), []) for _ in range(starts)]
    clipped = 0
    for generation, (vectors, fitness) in enumerate(seen):
        who = generation % starts
        if starts > 1 and generation >= 12:  # of 20, four generations each: the last of each counts
            who = max(range(starts), key=lambda k: rivals[k][3][3])
        mean, deviation, velocity, means = rivals[who]
        np.testing.assert_allclose(vectors[-1], mean, atol=1e-12)
        steps = vectors[:5] - mean
        worth = np.argsort(np.argsort(fitness[:-1])) / 9 - 0.5
        limit = 0.4 * 0.3 * np.sqrt(3) * (1 - 0.5 * generation / generations)
        spread = deviation * (1 - 0.6 * generation / generations)
        gradient, change = np.zeros(3), np.zeros(3)
        for k in range(5):
            gradient += (worth[k] - worth[5 + k]) * steps[k]
            change += (worth[k] + worth[5 + k]) / 2 * (steps[k] ** 2 - spread**2) / spread / 5
        velocity = 0.7 * velocity + limit / 2 * gradient / np.linalg.norm(gradient)
        if np.linalg.norm(velocity) > limit:
            velocity *= limit / np.linalg.norm(velocity)
            clipped += 1
        deviation = np.clip(deviation + 0.3 * change, 0.8 * deviation, 1.2 * deviation)
        rivals[who] = mean + velocity, deviation, velocity, [*means, fitness[-1]]
    assert 0 < clipped < generations
    assert sorted(len(rival[3]) for rival in rivals) == ([6] if starts == 1 else [4, 4, 12])


@pytest.mark.parametrize("option", [{"starts": 0}, {"trial": 1.5}, {"sigma_final": 0.0}])
def test_pgpe_says_which_option_is_out_of_range(option):
    with pytest.raises(InputError, match=next(iter(option))):
        WeightSearch(LINE, 0, optimizer="pgpe", population=8, options=option).run(
            "neg_mean_squared_error", 2, X, Y
        )


@pytest.mark.parametrize("name", PLAIN[:-1])
def test_a_run_is_its_seed_and_spends_its_budget(name):
    def run(threads=1, seed=3):
        search = WeightSearch(GENOME, seed, threads, optimizer=name, population=10)
        seen = []
        search.run(
            "neg_mean_squared_error", 12, X, np.stack([Y, Y], axis=1), callback=lambda e: seen.append(len(e))
        )
        assert len(seen) == len(search.history_) == search.generation
        steps = [entry["evaluations"] for entry in search.history_]
        assert 120 <= steps[-1] < 120 + 40
        assert search.fitness.shape == (steps[-1] - steps[-2],)
        assert search.history_[-1]["generation_score"] == search.fitness.max()
        assert np.diff([entry["score"] for entry in search.history_]).min() >= 0
        return [{k: v for k, v in entry.items() if k != "seconds"} for entry in search.history_]

    assert run() == run(threads=3)
    assert run() != run(seed=4)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_callback_ends_the_run_and_another_run_goes_on(name):
    more = {"ranges": [(0, 1), (0, 1)], "cells": [4, 4]} if name in MAPPING else {}
    search = WeightSearch(LINE, 0, optimizer=name, population=8, **more)
    loss = Learning("lamarckian", lambda out: (out[:, :, 0] - out.new_tensor(Y)).square().mean(1), X)
    rows, target = np.ascontiguousarray(X.T, np.float32), Y[None].astype(np.float32)

    def evaluate(networks):
        fitness = networks.score_error(rows, target)
        return (fitness, np.zeros((len(networks), 2))) if more else fitness

    search.run_phenotypes(evaluate, 10, lambda engine: engine.generation == 3, loss)
    assert search.generation == 3
    best = search.history_[-1]["score"]
    search.run_phenotypes(evaluate, 2, learning=loss)
    assert search.generation >= 4
    assert search.history_[-1]["score"] >= best


@pytest.mark.parametrize("name", ["cma-es", "hill-climbing", "particle-swarm", "l-bfgs"])
def test_an_evolved_topology_is_searched_about_its_weights(name):
    iris, codes = load_iris(return_X_y=True)
    engine = NEAT(NEATConfig(4, 3, population=60, node_add_prob=0.2, output_activation="identity"), 1)
    evolved = engine.run("neg_log_loss", 15, iris, codes)
    model = FixedTopologyClassifier(
        name, topology=evolved, start="topology", population=20, generations=15, l2=0, random_state=0
    )
    search = WeightSearch(evolved, 0, optimizer=name, population=20, start="topology")
    if name != "l-bfgs":
        refined = search.run("neg_log_loss", 15, iris, codes)
        assert refined.fitness > evolved.fitness
        structure = [(c.source, c.target, c.enabled) for c in refined.connections]
        assert structure == [(c.source, c.target, c.enabled) for c in evolved.connections]
    assert model.fit(iris, codes).score(iris, codes) > 0.9
    assert [c.innovation for c in model.best_genome_.connections] == [
        c.innovation for c in evolved.connections
    ]


@pytest.mark.parametrize("name", MAPPING)
def test_the_archive_holds_the_fittest_of_each_cell(name):
    seen = []
    rows, target = np.ascontiguousarray(X.T, np.float32), Y[None].astype(np.float32)

    def evaluate(networks):
        fitness = networks.score_error(rows, target)
        weights = networks.genes.weight.reshape(-1, 2)
        seen.append((fitness, weights))
        return fitness, weights

    search = WeightSearch(
        LINE,
        0,
        optimizer=name,
        population=30,
        ranges=[(-2, 2), (-2, 2)],
        cells=[8, 8],
        options={"emitters": 3},
    )
    search.run(evaluate, 40)
    fitness = np.concatenate([part for part, _ in seen])
    weights = np.concatenate([part for _, part in seen])
    cell = np.clip(np.floor((weights + 2) * 2), 0, 7).astype(int) @ [8, 1]
    wanted = {int(c): fitness[cell == c].max() for c in np.unique(cell)}
    elites = search.elites_
    assert [elite.cell for elite in elites] == sorted(wanted)
    for elite in elites:
        assert elite.genome.fitness == pytest.approx(wanted[elite.cell])
        np.testing.assert_allclose([c.weight for c in elite.genome.connections], elite.behaviour)
    last = search.history_[-1]
    assert last["coverage"] == len(elites) / 64 > 0.5
    worst = seen[0][0].min()
    assert last["qd_score"] == pytest.approx(sum(value - worst for value in wanted.values()))


@pytest.mark.parametrize("name", ["cma-me", "cma-mae"])
def test_estimators_with_a_map(name):
    iris, codes = load_iris(return_X_y=True)
    model = FixedTopologyClassifier(name, 3, population=20, generations=20, random_state=0).fit(iris, codes)
    again = clone(model).fit(iris, codes)
    assert [e.genome for e in again.elites_] == [e.genome for e in model.elites_]
    assert len(model.elites_) > 10
    assert max(elite.genome.fitness for elite in model.elites_) == model.best_genome_.fitness
    ax = model.plot_archive()
    assert ax.get_xlabel() == "size of the weights"
    policy = FixedTopologyPolicy(name, 2, population=10, generations=3, random_state=0)
    policy.fit(EnvSet("neuroloom/MediumMaze-v0", [0]))
    assert policy.history_[-1]["coverage"] > 0
    assert policy.elites_


def test_l2_shrinks_and_hidden_may_be_none():
    iris, codes = load_iris(return_X_y=True)
    sizes = []
    for l2 in (0.0, 10.0):
        model = FixedTopologyClassifier("l-bfgs", 0, l2=l2, random_state=0).fit(iris, codes)
        assert model.n_parameters_ == 18  # responses count, though they stay
        sizes.append(np.abs([c.weight for c in model.best_genome_.connections]).mean())
    assert sizes[1] < 0.3 * sizes[0]


def test_the_largest_networks_are_searched_too():
    wide = stream(0, "wide").normal(size=(40, 900))
    y = wide[:, 0]
    for name in ("cma-es", "cma-me", "openai-es"):
        model = FixedTopologyRegressor(name, 1, population=10, generations=3, random_state=0).fit(wide, y)
        assert model.n_parameters_ == 1805
    with pytest.raises(InputError, match="simplex"):
        FixedTopologyRegressor("nelder-mead", 12, population=10, generations=3).fit(wide, y)


def test_what_cannot_be_searched_is_refused(tmp_path):
    for settings, match in (
        ({"optimizer": "adam"}, "optimizer"),
        ({"population": 3}, "population"),
        ({"sigma": 0}, "sigma"),
        ({"start": "zero"}, "start"),
        ({"l2": -1}, "l2"),
        ({"options": {"CMA_elites": 1}}, "options of 'cma-es'"),
        ({"optimizer": "particle-swarm", "options": {"mass": 1}}, "options of 'particle-swarm'"),
        ({"optimizer": "cma-me"}, "ranges"),
        ({"ranges": [(0, 1)], "cells": [3]}, "ranges"),
        ({"optimizer": "cma-me", "ranges": [(0, 1)], "cells": [3, 3]}, "cells"),
    ):
        with pytest.raises(InputError, match=match):
            WeightSearch(LINE, 0, **settings)
    search = WeightSearch(LINE, 0)
    with pytest.raises(InputError, match="nothing was evaluated"):
        _ = search.genes
    with pytest.raises(NotSupportedError, match="midway"):
        search.save(tmp_path / "x")
    with pytest.raises(InputError, match="finite"):
        search.run(lambda networks: np.full(len(networks), np.nan), 1)
    with pytest.raises(NotSupportedError, match="gradient"):
        WeightSearch(LINE, 0, optimizer="l-bfgs").run(lambda networks: np.zeros(len(networks)), 1)
    mapped = WeightSearch(LINE, 0, optimizer="cma-me", ranges=[(0, 1)], cells=[4])
    with pytest.raises(InputError, match="1 numbers"):
        mapped.run(lambda networks: (np.zeros(len(networks)), np.zeros((len(networks), 2))), 1)
    rows, codes = X[:20], np.arange(20) % 2
    for settings, match in (
        ({"start": "topology"}, "Genome"),
        ({"topology": GENOME}, "2 inputs and 1 outputs"),
        ({"topology": "net"}, "must be a Genome"),
        ({"hidden": -1}, "hidden"),
        ({"topology": Genome(2, 1, LINE.nodes, LINE.connections, network="recurrent")}, "feed-forward"),
    ):
        with pytest.raises(InputError, match=match):
            FixedTopologyClassifier(generations=1, **settings).fit(rows, codes)
    with pytest.raises(InputError, match="no gradient"):
        FixedTopologyPolicy("l-bfgs").fit(EnvSet("CartPole-v1", [0]))
    fitted = FixedTopologyClassifier("particle-swarm", 1, population=4, generations=1).fit(rows, codes)
    with pytest.raises(NotSupportedError, match="no archive"):
        fitted.plot_archive()
