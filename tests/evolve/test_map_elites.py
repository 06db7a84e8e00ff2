"""MAP-Elites: the archive against a plain dictionary, its scores by hand, and runs over networks."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

from neuroloom.core import EnvSet, InputError
from neuroloom.evolve import MAPElitesClassifier, MAPElitesPolicy, MAPElitesRegressor, NEATConfig
from neuroloom.evolve.map_elites import MAPElites, elite_map
from neuroloom.methods.saving import load_estimator, save_estimator

SAMPLES = np.linspace(-1, 1, 8)[:, None]


def _evaluate(phenotypes):
    """The behaviour is what a network answers at both ends; the fitness how little it answers in between."""
    found = phenotypes.activate(np.ascontiguousarray(SAMPLES.T, dtype=np.float32))[:, 0].astype(float)
    return -(found[:, 1:7] ** 2).mean(axis=1), found[:, [0, 7]]


def _engine(**options):
    config = NEATConfig(
        1, 1, population=50, node_add_prob=0.15, conn_add_prob=0.15, output_activation="tanh",
        activation_default="random", activation_options=("tanh", "gauss", "sin"),
    )  # fmt: skip
    return MAPElites(config, 3, **{"ranges": [(-1, 1), (-1, 1)], "cells": 10, **options})


def test_the_archive_is_the_fittest_of_each_cell():
    engine, best = _engine(cells=[8, 5]), {}
    for _ in range(15):
        engine.run_phenotypes(_evaluate, 1)
        fitness, rows = _evaluate(engine.phenotypes())
        for value, (a, b) in zip(fitness, rows, strict=True):
            cell = min(int((a + 1) / 2 * 8), 7) * 5 + min(int((b + 1) / 2 * 5), 4)
            if value > best.get(cell, -np.inf):
                best[cell] = value
        held = {elite.cell: elite.genome.fitness for elite in engine.elites_}
        assert held == pytest.approx(best)
        assert engine.history_[-1]["coverage"] == len(best) / 40
        assert engine.history_[-1]["qd_score"] == pytest.approx(sum(best.values()))
    assert len(best) > 12
    assert engine.best_genome_.fitness == max(best.values())
    for elite in engine.elites_:
        found = elite.genome.activate(SAMPLES)[:, 0]
        np.testing.assert_allclose(found[[0, 7]], elite.behaviour, atol=1e-5)
        assert -(found[1:7] ** 2).mean() == pytest.approx(elite.genome.fitness, abs=1e-5)
    assert all(type(value) in (int, float) for value in engine.history_[-1].values())


def test_a_map_spreads_further_than_the_search_for_fitness():
    engine = _engine()
    engine.run_phenotypes(_evaluate, 40)
    first = engine.history_[4]
    assert engine.coverage > 1.3 * first["coverage"] > 0
    from neuroloom.evolve import NEAT

    plain = NEAT(engine.config, 3)
    cells = set()
    for _ in range(40):
        plain.run_phenotypes(lambda p: _evaluate(p)[0], 1)
        rows = _evaluate(plain.phenotypes())[1]
        cells |= set(((rows + 1) / 2 * 10).clip(max=9).astype(int) @ [10, 1])
    assert len(engine.elites_) > len(cells)


def test_scores_by_hand_and_several_niches_a_genome():
    engine = _engine(cells=2, offset=-1.0)
    fitness = np.full((50, 2), -0.5)
    fitness[7] = [0.25, 0.0]
    rows = np.empty((50, 2, 2))
    rows[:, 0], rows[:, 1] = [-0.5, -0.5], [0.5, 0.5]
    engine.tell((fitness, rows))
    assert engine.coverage == 0.5
    assert engine.qd_score == pytest.approx(1.25 + 1.0)
    first, second = engine.elites_
    assert (first.cell, second.cell) == (0, 3)
    assert first.genome.to_dict()["connections"] == second.genome.to_dict()["connections"]
    np.testing.assert_array_equal(engine.fitness, fitness.max(axis=1))
    assert engine.best_genome_.fitness == 0.25


@pytest.mark.parametrize("archive", ["grid", "cvt"])
def test_one_seed_one_run_and_a_saved_one_goes_on(tmp_path, archive):
    options = {"archive": archive, "cells": 9 if archive == "grid" else 60, "offset": -2.0}
    twins = [_engine(**options) for _ in range(2)]
    for twin in twins:
        twin.run_phenotypes(_evaluate, 6)
    twins[1].save(tmp_path / "run")
    other = MAPElites.load(tmp_path / "run")
    for run in (twins[0], other):
        run.run_phenotypes(_evaluate, 6)
    a, b = twins[0].elites_, other.elites_
    assert [one.cell for one in a] == [one.cell for one in b]
    assert [one.genome.to_dict() for one in a] == [one.genome.to_dict() for one in b]
    assert twins[0].qd_score == other.qd_score
    assert 0 < other.coverage <= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ranges": []}, "ranges"),
        ({"ranges": [(0, 0)]}, "low < high"),
        ({"cells": [3, 4, 5]}, "one for each of 2 ranges"),
        ({"cells": 0}, "cells"),
        ({"cells": [10, 10], "archive": "cvt"}, "cells"),
        ({"archive": "tree"}, "archive"),
    ],
)
def test_a_map_that_cannot_be_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        _engine(**options)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((np.zeros(50), np.zeros((50, 3))), r"shape \(50, 2\)"),
        ((np.zeros((50, 2)), np.zeros((50, 2))), r"shape \(50, 2, 2\)"),
        ((np.full((50, 1), np.nan), np.zeros((50, 1, 2))), "finite in every niche"),
        ((np.zeros(50), np.full((50, 2), np.inf)), "behaviour must be finite"),
        (np.zeros(50), "two things"),
    ],
)
def test_a_bad_evaluation_is_refused_with_a_reason(given, message):
    with pytest.raises(InputError, match=message):
        _engine().tell(given)


@pytest.mark.parametrize(
    "options",
    [{}, {"archive": "cvt", "cells": 30}, {"ranges": [(-1, 1)]}, {"ranges": [(-1, 1)] * 3, "cells": 4}],
)
def test_the_map_is_drawn(options):
    engine = _engine(**options)
    k = len(engine.ranges)
    engine.run_phenotypes(lambda p: (_evaluate(p)[0], np.resize(_evaluate(p)[1].T, (k, 50)).T), 3)
    ax = engine.plot_archive()
    ax.figure.canvas.draw()
    shown = ax.collections[0].get_array()
    assert np.isfinite(shown.astype(float)).sum() == len(engine.elites_)


@pytest.mark.parametrize(
    "options",
    [{}, {"archive": "cvt", "cells": 30}, {"ranges": [(-1, 1)]}, {"ranges": [(-1, 1)] * 3, "cells": 4}],
)
def test_the_map_has_the_best_of_each_cell(options):
    engine = _engine(**options)
    k = len(engine.ranges)
    engine.run_phenotypes(lambda p: (_evaluate(p)[0], np.resize(_evaluate(p)[1].T, (k, 50)).T), 3)
    held = elite_map(engine.elites_, engine.ranges, engine.cells, engine.kind, ("a", "b"))
    assert held.names == ("a", "b")[: min(k, 2)]
    best = {}
    for elite in engine.elites_:
        key = elite.cell
        if engine.kind == "cvt" or k > 2:  # a plane of its own, or the best over the third number
            cells = [20, 20] if engine.kind == "cvt" else engine.cells[:2]
            low, high = np.array(engine.ranges[:2]).T
            place = ((elite.behaviour[:2] - low) / (high - low) * cells).astype(int)
            key = int(np.ravel_multi_index(np.clip(place, 0, np.array(cells) - 1), cells))
        best[key] = max(best.get(key, -np.inf), elite.genome.fitness)
    filled = np.flatnonzero(np.isfinite(held.fitness))
    assert dict(zip(filled.tolist(), held.fitness.ravel()[filled], strict=True)) == best


def test_the_qd_score_is_measured_from_the_offset():
    engine = _engine(offset=None)
    engine.run_phenotypes(_evaluate, 1)
    least = engine.offset
    assert least == engine.fitness.min()
    engine.run_phenotypes(_evaluate, 4)
    assert engine.offset == least
    total = sum(elite.genome.fitness - least for elite in engine.elites_)
    assert engine.history_[-1]["qd_score"] == pytest.approx(total)


def test_the_classifier_keeps_the_fittest_for_each_size():
    X, y = load_breast_cancer(return_X_y=True)
    model = MAPElitesClassifier(population=80, generations=40, random_state=0, hidden=4).fit(X[::2], y[::2])
    assert model.score(X[1::2], y[1::2]) > 0.9
    best = {}
    for elite in model.elites_:
        genome = elite.genome
        used = len({c.source for c in genome.connections if c.enabled and c.source < 0})
        assert elite.behaviour.tolist() == [used, genome.n_hidden]
        row = min(genome.n_hidden, 4)
        assert elite.cell % 5 == row
        best[row] = max(best.get(row, -np.inf), genome.fitness)
    assert len(best) == 5
    assert max(best.values()) == model.best_genome_.fitness
    assert np.nanmax(model.elite_map().fitness) == model.best_genome_.fitness
    above = sum(elite.genome.fitness + np.log(2) for elite in model.elites_)
    assert model.history_[-1]["qd_score"] == pytest.approx(above)
    few = max(
        (elite.genome for elite in model.elites_ if 1 <= elite.behaviour[0] <= 3), key=lambda g: g.fitness
    )
    right = (few.activate((X[1::2] - model.mean_) / model.scale_)[:, 0] > 0) == y[1::2]
    assert right.mean() > 0.85
    ax = model.plot_archive()
    assert ax.get_xlabel() == "features used"


def test_the_regressor_learns():
    X, y = load_diabetes(return_X_y=True)
    model = MAPElitesRegressor(population=80, generations=40, random_state=0).fit(X[::2], y[::2])
    assert model.score(X[1::2], y[1::2]) > 0.35
    with pytest.raises(InputError, match="hidden"):
        MAPElitesRegressor(hidden=-1).fit(X, y)


def test_the_policy_maps_how_episodes_end():
    X = EnvSet("CartPole-v1", list(range(20)))
    options = {"population": 40, "generations": 6, "random_state": 0, "max_steps": 200}
    model = MAPElitesPolicy(**options, cells=50).fit(X)
    assert model.score(X[:5]) > 60
    assert len(model.elites_) > 5
    assert model.history_[-1]["coverage"] == len(model.elites_) / 50
    ends = np.array([elite.behaviour for elite in model.elites_])
    assert ends.shape[1] == 4
    with pytest.raises(InputError, match=r"shape \(40, 2\)"):
        MAPElitesPolicy(**options, ranges=[(0, 1), (0, 1)]).fit(X)


def test_the_policy_asks_the_environment_for_its_ranges():
    from neuroloom.core.maze import MEDIUM

    model = MAPElitesPolicy(population=60, generations=5, random_state=0, episodes=1).fit(EnvSet(MEDIUM, [0]))
    assert model.history_[-1]["coverage"] == len(model.elites_) / 400
    for elite in model.elites_:
        x, y = (elite.behaviour * 20).astype(int)
        assert elite.cell == 20 * x + y
    ax = model.plot_archive()
    assert ax.get_xlim() == (0, 1)


def test_a_saved_model_keeps_its_map(tmp_path):
    X, y = load_diabetes(return_X_y=True)
    model = MAPElitesRegressor(population=20, generations=5, random_state=0, hidden=3).fit(X, y)
    save_estimator(model, tmp_path / "model", {})
    other, _ = load_estimator(tmp_path / "model")
    np.testing.assert_array_equal(other.elite_map().fitness, model.elite_map().fitness)
    assert [size for size, _ in other.alternatives()[1]] == [size for size, _ in model.alternatives()[1]]
    assert other.plot_archive() is not None
