"""Novelty search: novelty by hand and one by one, the archive, and a task on which fitness misleads."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

from neuroloom.core import EnvSet, InputError
from neuroloom.evolve import NEATConfig, NoveltyClassifier, NoveltyPolicy, NoveltyRegressor
from neuroloom.evolve.novelty import NoveltySearch, novelty
from neuroloom.evolve.novelty_estimators import answers


def test_novelty_worked_by_hand():
    rows, archive = [[0.0], [1.0], [5.0]], [[2.0]]
    # nearest two: of 0 the 1 and 2; of 1 the 0 and 2; of 5 the 2 (3 away) and 1 (4 away)
    np.testing.assert_allclose(novelty(rows, archive, 2), [1.5, 1.0, 3.5])
    np.testing.assert_allclose(novelty(rows, archive, 99), [8 / 3, 2.0, 4.0])  # all there are
    np.testing.assert_array_equal(novelty([[3.0, 4.0]], np.empty((0, 2))), [0.0])
    np.testing.assert_array_equal(novelty([[3.0, 4.0]], [[0.0, 0.0]]), [5.0])


def test_copies_are_not_novel_and_many_rows_agree_with_a_loop(monkeypatch):
    rng = np.random.default_rng(0)
    rows, archive = rng.normal(size=(40, 3)), rng.normal(size=(25, 3))
    rows[1] = rows[0]
    every = np.concatenate([rows, archive])
    wanted = [
        np.sort([np.linalg.norm(row - other) for j, other in enumerate(every) if j != i])[:4].mean()
        for i, row in enumerate(rows)
    ]
    np.testing.assert_allclose(novelty(rows, archive, 4), wanted)
    np.testing.assert_array_equal(novelty(rows[:2], np.empty((0, 3)), 1), [0.0, 0.0])
    monkeypatch.setattr("neuroloom.evolve.novelty._AT_ONCE", 200)  # three rows at once
    np.testing.assert_allclose(novelty(rows, archive, 4), wanted)


SAMPLES = np.linspace(-1, 1, 8)[:, None]


def _evaluate(engine):
    """The behaviour is what a network answers to two samples; the fitness the first of them."""

    def evaluate(phenotypes):
        found = phenotypes.activate(np.ascontiguousarray(SAMPLES.T, dtype=np.float32))[:, 0]
        return found[:, 0].astype(float), found[:, [0, 7]].astype(float)

    return evaluate


def _engine(**options):
    return NoveltySearch(NEATConfig(1, 1, population=40, node_add_prob=0.1, conn_add_prob=0.1), 3, **options)


def _run(engine, generations):
    engine.run_phenotypes(_evaluate(engine), generations)
    return engine


def test_the_archive_holds_what_it_is_given():
    engine = _engine(additions=3, added="novel")
    assert engine.archive_.shape == (0, 0)
    assert engine.behaviour_ is None
    seen = []
    for k in range(5):
        before = engine.archive_.reshape(-1, 2)
        _run(engine, 1)
        new = novelty(engine.behaviour_, before, engine.neighbours)
        best = engine.behaviour_[np.argsort(-new, kind="stable")[:3]]
        np.testing.assert_array_equal(engine.archive_[3 * k :], best)
        assert engine.history_[-1]["novelty"] == pytest.approx(new.mean())
        assert engine.history_[-1]["archive"] == 3 * (k + 1)
        seen.append(engine.fitness.max())
    assert engine.best_genome_.fitness == max(seen)
    engine = _run(_engine(additions=0), 3)
    assert engine.archive_.shape == (0, 2)
    random = _run(_engine(additions=4), 1)
    assert all((row == random.behaviour_).all(axis=1).any() for row in random.archive_)


def test_the_novel_have_the_children_and_no_species_stagnates():
    engine = _run(_engine(), 30)
    spread = np.concatenate([engine.behaviour_, engine.archive_])
    still = _run(_engine(mix=0.0), 30)
    assert len(np.unique((spread > 0.5) @ [1, 2])) > len(
        np.unique((still.behaviour_ > 0.5) @ [1, 2])
    )  # fitness alone gathers in one place
    assert still.fitness.mean() > engine.fitness.mean()
    assert all(improved == 29 for _, improved in list(engine.species_table.values())[:1])


def test_one_seed_one_run_and_a_saved_one_goes_on(tmp_path):
    twins = [_run(_engine(neighbours=5, mix=0.7), 6) for _ in range(2)]
    twins[1].save(tmp_path / "run")
    other = NoveltySearch.load(tmp_path / "run")
    assert other.neighbours == 5
    np.testing.assert_array_equal(other.fitness, twins[0].fitness)
    for run in (twins[0], other):
        _run(run, 5)
    np.testing.assert_array_equal(twins[0].archive_, other.archive_)
    for a, b in zip(twins[0].genes, other.genes, strict=True):
        np.testing.assert_array_equal(a, b)


def test_ask_and_tell():
    engine = _engine()
    net = engine.ask()
    assert len(engine) == 40
    engine.tell((np.arange(40.0), np.arange(80.0).reshape(40, 2)), net)
    np.testing.assert_array_equal(engine.fitness, np.arange(40.0))
    engine.ask()
    assert engine.fitness is None
    assert engine.behaviour_ is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros(40), "two things"),
        ((np.zeros(40), np.zeros(40)), r"shape \(40, b\)"),
        ((np.zeros(40), np.zeros((39, 2))), r"shape \(40, b\)"),
        ((np.zeros(40), np.zeros((40, 2, 2))), r"shape \(40, b\)"),
        ((np.zeros(40), np.full((40, 2), np.nan)), "finite, but that of genome 0"),
        ((np.full(40, np.inf), np.zeros((40, 2))), "fitness must be finite"),
    ],
)
def test_a_bad_evaluation_is_refused_with_a_reason(given, message):
    with pytest.raises(InputError, match=message):
        _engine().tell(given)


def test_a_behaviour_keeps_its_length_and_settings_their_ranges():
    engine = _engine()
    engine.tell((np.zeros(40), np.zeros((40, 2))))
    engine.advance()
    with pytest.raises(InputError, match=r"shape \(40, 2\)"):
        engine.tell((np.zeros(40), np.zeros((40, 3))))
    for bad in ({"neighbours": 0}, {"additions": -1}, {"added": "best"}, {"mix": 1.5}):
        with pytest.raises(InputError, match=next(iter(bad))):
            _engine(**bad)


def test_the_behaviours_are_drawn():
    engine = _engine()
    with pytest.raises(InputError, match="run the search"):
        engine.plot_behaviour()
    ax = _run(engine, 4).plot_behaviour()
    assert len(ax.collections[0].get_offsets()) == len(engine.archive_) == 24


def test_answers_are_probabilities_of_the_truth():
    outputs = np.array(
        [[[0.0, 50.0]], [[np.log(3.0), np.nan]]], np.float32
    )  # two networks, one output, two rows
    np.testing.assert_allclose(answers(outputs, np.array([1, 0])), [[0.5, 0.0], [0.75, 0.5]], atol=1e-6)
    np.testing.assert_allclose(answers(outputs, None), [[0.0, 5.0], [np.log(3.0), 0.0]], rtol=1e-6)
    three = np.zeros((1, 3, 2), np.float32)
    three[0, 2, 1] = np.log(2.0)
    np.testing.assert_allclose(answers(three, np.array([0, 2])), [[1 / 3, 0.5]], rtol=1e-6)


def test_the_estimators_learn():
    X, y = load_breast_cancer(return_X_y=True)
    model = NoveltyClassifier(population=60, generations=30, random_state=0).fit(X[::2], y[::2])
    assert model.score(X[1::2], y[1::2]) > 0.9
    assert model.archive_.shape == (30 * 6, 200)
    assert ((model.archive_ >= 0) & (model.archive_ <= 1)).all()
    X, y = load_diabetes(return_X_y=True)
    model = NoveltyRegressor(population=60, generations=40, random_state=0, mix=0.1).fit(X[::2], y[::2])
    assert model.score(X[1::2], y[1::2]) > 0.3
    with pytest.raises(InputError, match="mix"):
        NoveltyRegressor(mix=2).fit(X, y)


def test_the_policy_knows_how_its_episodes_ended():
    X = EnvSet("CartPole-v1", list(range(20)))
    model = NoveltyPolicy(population=30, generations=8, random_state=0, episodes=3, max_steps=200).fit(X)
    assert model.archive_.shape == (8 * 6, 4)
    assert model.score(X[:5]) > 60
    assert np.abs(model.archive_).max() > 1  # standardised ends, where poles have fallen


def test_novelty_alone_finds_the_way_through_the_hard_maze():
    from neuroloom.core.maze import HARD

    X = EnvSet(HARD, [0])
    model = NoveltyPolicy(
        population=250,
        generations=100,
        random_state=0,
        mix=1.0,
        episodes=1,
        early_stopping=True,
        patience=1000,
    ).fit(X)
    assert len(model.history_) < 100
    assert model.score(X) > 159
    assert ((model.archive_ >= 0) & (model.archive_ <= 1)).all()  # places, as the environment gives them
