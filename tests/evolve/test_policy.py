"""NEATPolicy: it balances the pole, and plays the game that gymnasium plays."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone

from neuroloom.core import EnvSet, InputError, NotSupportedError
from neuroloom.core.episodes import cart_poles, play_population
from neuroloom.evolve import NEAT, FixedTopologyPolicy, NEATConfig, NEATPolicy, NSGA2Policy

TRAIN = EnvSet("CartPole-v1", np.arange(20))


def test_balances_the_pole_on_starts_it_has_not_seen():
    policy = NEATPolicy(population=60, generations=12, random_state=0).fit(TRAIN)
    returns = policy.predict(EnvSet("CartPole-v1", np.arange(500, 520)))
    assert returns.mean() > 300
    assert policy.score(EnvSet("CartPole-v1", [500])) == returns[0]
    assert len(policy.history_) == 12
    assert policy.history_[-1]["score"] == pytest.approx(policy.predict(TRAIN).mean())
    assert policy.n_parameters_ == policy.best_genome_.n_parameters
    same = pickle.loads(pickle.dumps(policy))
    assert same.act(np.zeros((3, 4))).tolist() == policy.act(np.zeros((3, 4))).tolist()
    again = clone(policy).fit(TRAIN)
    assert again.best_genome_ == policy.best_genome_


def test_the_compiled_game_is_gymnasiums_to_the_last_step():
    policy = NEATPolicy(population=30, generations=2, random_state=1).fit(TRAIN)
    engine = NEAT(NEATConfig(4, 2, population=80, hidden=2, initial_connection="full_direct"), 3)
    phenotypes = engine.phenotypes()
    rows = np.arange(10)
    found, ends, steps = policy._player(TRAIN)(phenotypes, rows, None)
    wanted = play_population(policy._actor(phenotypes), TRAIN[rows], 80, ends=True)
    assert found.tolist() == wanted.returns.tolist()
    np.testing.assert_array_equal(ends.astype(np.float32), wanted.ends.astype(np.float32))
    assert steps == wanted.steps == found.sum()
    assert found.max() > 30
    best = engine.genomes[int(found.sum(axis=1).argmax())]
    policy.best_genome_ = best
    # double precision may decide a near tie otherwise, and the episode then goes another way
    assert (policy.predict(TRAIN[rows]) == found[int(found.sum(axis=1).argmax())]).mean() >= 0.8


@pytest.mark.parametrize("episodes", [1, 3])
def test_steps_of_the_environment_are_counted(episodes):
    policy = NEATPolicy(
        population=4,
        generations=3,
        episodes=episodes,
        random_state=0,
        settings={"min_species_size": 1},
    )
    policy.fit(EnvSet("Pendulum-v1", range(5), {"max_episode_steps": 7}))  # no episode ends before its time
    each = 7 * (4 * episodes + 5)  # and the champion plays all five
    assert [entry["env_steps"] for entry in policy.history_] == [each, 2 * each, 3 * each]


def test_the_populations_episodes_are_cut_and_those_of_champions_are_whole():
    policy = NEATPolicy(population=20, generations=6, max_steps=9, random_state=0).fit(TRAIN)
    assert max(entry["mean_fitness"] for entry in policy.history_) <= 9
    assert policy.history_[-1]["score"] > 9


def test_the_cut_goes_from_first_to_last_by_equal_ratios():
    X = EnvSet("Pendulum-v1", np.arange(6))
    policy = NEATPolicy(
        population=5, generations=4, episodes=1, max_steps=(10, 160), random_state=0, early_stopping=False
    )
    mean_steps, play = [], NEATPolicy._player

    def player(self, X):
        inner = play(self, X)

        def counted(networks, rows, cut):
            if len(networks) == 5:
                mean_steps.append(cut)
            return inner(networks, rows, cut)

        return counted

    policy._player = player.__get__(policy)
    policy.fit(X)
    assert mean_steps == [10, 20, 40, 80]


def test_races_are_held_now_and_then_where_episodes_are_cut():
    X = EnvSet("Pendulum-v1", np.arange(30))  # 200 steps each
    for cut, pause in ((10, 4), (70, 2), (150, 1)):
        policy = NEATPolicy(population=10, generations=8, episodes=1, max_steps=cut, random_state=0).fit(X)
        steps = [entry["env_steps"] for entry in policy.history_]
        judged = np.diff([0, *steps]) - 10 * cut
        assert judged[0] == 25 * 200  # the first leads at once
        assert (judged[::pause] >= 0).all()
        raced = set(np.flatnonzero(judged))
        assert raced <= {*range(0, 8, pause), 7}


@pytest.mark.filterwarnings("ignore")
def test_episodes_without_an_end_of_their_own_are_cut_for_champions_too():
    X = EnvSet("Pendulum-v1", np.arange(8), {"max_episode_steps": -1})
    policy = NEATPolicy(population=10, generations=2, episodes=1, max_steps=15, random_state=0).fit(X)
    assert policy.history_[-1]["env_steps"] <= 2 * 15 * (10 + 8)
    assert cart_poles(EnvSet("CartPole-v1", [1], {"sutton_barto_reward": True})) is None


def test_early_stopping_at_the_environments_own_threshold():
    policy = NEATPolicy(population=150, generations=100, early_stopping=True, random_state=0).fit(TRAIN)
    assert len(policy.history_) < 100
    assert policy.history_[-1]["score"] >= 475


def test_continuous_actions_stay_in_their_bounds():
    X = EnvSet("Pendulum-v1", np.arange(4))
    policy = NEATPolicy(population=10, generations=2, episodes=1, max_steps=20, random_state=0).fit(X)
    actions = policy.act(np.random.default_rng(0).normal(0, 50, (30, 3)))
    assert actions.shape == (30, 1)
    assert (np.abs(actions) <= 2).all()
    assert np.isfinite(policy.predict(X[:1])).all()


def test_discrete_observations():
    X = EnvSet("FrozenLake-v1", np.arange(4), {"is_slippery": False})
    policy = NEATPolicy(population=10, generations=2, max_steps=30, random_state=0).fit(X)
    assert policy.best_genome_.inputs == 16
    assert policy.act(np.array([0, 3, 5])).shape == (3,)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"episodes": 0}, "`episodes` must be a whole number of at least 1"),
        ({"max_steps": 0}, "`max_steps` must be a whole number of at least 1"),
        ({"max_steps": (5, 9, 20)}, "`max_steps` must be a number, a pair or None"),
        ({"learning": "lamarckian"}, "`learning` must be None, since returns have no gradient"),
        ({"device": "cuda"}, "`device` must be 'auto' or 'cpu' for episodes"),
    ],
)
def test_wrong_parameters_are_named(changes, match):
    with pytest.raises(InputError, match=match):
        NEATPolicy(**changes).fit(TRAIN)


def test_wrong_samples_are_named():
    with pytest.raises(NotSupportedError, match=r"EnvSet\(env_id, seeds\), but got ndarray"):
        NEATPolicy().fit(np.eye(3))
    with pytest.raises(InputError, match="at least one episode"):
        NEATPolicy().fit(TRAIN[:0])


@pytest.mark.parametrize("make", [NEATPolicy, FixedTopologyPolicy, NSGA2Policy])
def test_a_budget_of_steps_ends_the_run_with_its_generation(make):
    policy = make(population=10, generations=1000, steps=3_000, random_state=0).fit(TRAIN)
    steps = [entry["env_steps"] for entry in policy.history_]
    assert 1 < len(steps) < 1000
    assert steps[-1] >= 3_000 > steps[-2]
    again = make(population=10, generations=len(steps), random_state=0).fit(TRAIN)
    assert again.score(TRAIN) == policy.score(TRAIN)
