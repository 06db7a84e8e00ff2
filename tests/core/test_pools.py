"""Episodes in EnvPool's environments: where it is installed, and what is said where it is not."""

import gymnasium
import numpy as np
import pytest

from neuroloom.core.episodes import rollout, rollout_population, spaces
from neuroloom.core.errors import InputError
from neuroloom.core.samples import EnvSet
from neuroloom.core.worlds import open_worlds, solved_at, step_limit


def pushes(observations):
    """Push the cart to where the pole leans, which keeps it up for some dozens of steps."""
    return (observations[:, 2] > 0).astype(int)


def test_without_envpool_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "envpool", None)
    with pytest.raises(InputError, match=r'pip install "neuroloom\[envpool\]"'):
        spaces(EnvSet("CartPole-v1", [0], simulator="envpool"))


def test_no_other_simulator_is_known():
    with pytest.raises(InputError, match="`simulator` must be one of"):
        EnvSet("CartPole-v1", [0], simulator="isaac")


def test_parts_keep_the_simulator():
    X = EnvSet("CartPole-v1", [3, 4, 5], {"render_mode": None}, "envpool")[1:]
    assert (X.simulator, X.seeds.tolist(), X.options) == ("envpool", [4, 5], {"render_mode": None})


@pytest.fixture
def envpool():
    return pytest.importorskip("envpool")


@pytest.mark.usefixtures("envpool")
class TestInstalled:
    def test_the_game_is_gymnasiums(self):
        X = EnvSet("CartPole-v1", np.arange(20), simulator="envpool")
        worlds = open_worlds(X, 20)
        starts = worlds.reset(np.arange(20), X.seeds)
        worlds.close()
        returns = rollout(pushes, X)
        env = gymnasium.make("CartPole-v1")
        for start, total in zip(starts, returns, strict=True):
            env.reset(seed=0)
            env.unwrapped.state = start.astype(np.float64)
            seen, steps, over = start, 0, False
            while not over:
                seen, _, ended, cut, _ = env.step(int(pushes(np.array([seen]))[0]))
                steps, over = steps + 1, ended or cut
            assert abs(steps - total) <= 1  # EnvPool computes in double, observations are single
        assert len(set(returns)) > 3

    def test_a_return_depends_on_seed_and_policy_alone(self):
        seeds = np.array([7, 1, 7, 2, 9])
        X = EnvSet("CartPole-v1", seeds, simulator="envpool")
        together = rollout(pushes, X)
        assert together[0] == together[2]
        assert together.tolist() == [rollout(pushes, X[i : i + 1])[0] for i in range(5)]
        members = rollout_population(lambda seen, who: np.where(who == 1, 1, pushes(seen)), X, 3)
        assert members[0].tolist() == members[2].tolist() == together.tolist()
        assert (members[1] < together).all()

    def test_lanes_begun_apart_are_stepped_as_one(self):
        X = EnvSet("CartPole-v1", np.arange(4), simulator="envpool")
        apart, one = open_worlds(X, 4), open_worlds(X, 4)
        lanes = np.arange(4)
        first = one.reset(lanes, X.seeds)
        apart.reset(np.array([2, 0]), X.seeds[[2, 0]])
        apart.reset(np.array([3]), X.seeds[[3]])
        apart.reset(np.array([1]), X.seeds[[1]])
        for _ in range(5):
            a, b = one.step(lanes, pushes(first)), apart.step(lanes, pushes(first))
            for left, right in zip(a, b, strict=True):
                assert np.array_equal(left, right)
            first = a.observations
        again = apart.reset(np.array([1]), X.seeds[[1]])
        assert np.array_equal(again, open_worlds(X, 1).reset(np.array([0]), X.seeds[[1]]))

    def test_continuous_actions_and_thresholds(self):
        X = EnvSet("Pendulum-v1", np.arange(3), simulator="envpool")
        assert (spaces(X).actions, spaces(X).high.tolist()) == (0, [2.0])
        assert rollout(lambda seen: np.zeros((len(seen), 1)), X).shape == (3,)
        assert solved_at(X) == np.inf
        assert solved_at(EnvSet("CartPole-v1", [0], simulator="envpool")) == 475
        assert step_limit(EnvSet("CartPole-v1", [0], simulator="envpool")) == 500

    def test_what_cannot_be_made_is_named(self):
        with pytest.raises(InputError, match="did you mean 'CartPole-v1'"):
            spaces(EnvSet("CartPol-v1", [0], simulator="envpool"))
        with pytest.raises(InputError, match="cannot be made"):
            spaces(EnvSet("CartPole-v1", [0], {"gravity": 3}, "envpool"))
        with pytest.raises(InputError, match="seeds below 2147483647"):
            rollout(pushes, EnvSet("CartPole-v1", [2**31], simulator="envpool"))
        with pytest.raises(InputError, match="act must return 1 whole numbers"):
            rollout(lambda seen: np.full(len(seen), 5), EnvSet("CartPole-v1", [0], simulator="envpool"))

    def test_policies_that_learn_by_gradient_begin_lanes_one_by_one(self):
        from neuroloom.nets import PPOPolicy

        X = EnvSet("CartPole-v1", np.arange(30), simulator="envpool")
        a, b = (PPOPolicy(steps=3_000, evaluations=2, random_state=0).fit(X) for _ in range(2))
        assert a.predict(X).tolist() == b.predict(X).tolist()
        assert a.score(X) > 30
