"""Rollouts: returns depend on seeds and policy alone."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from neuroloom.core import EnvSet, InputError, NotSupportedError
from neuroloom.core.episodes import PolicyMixin, play_population, rollout, rollout_population, spaces


def lean(observations):
    return (observations[:, 2] + 0.5 * observations[:, 3] > 0).astype(int)


def by_hand(env_id, act, seeds, options=None):
    returns = []
    for seed in seeds:
        env = gymnasium.make(env_id, **(options or {}))
        observation, _ = env.reset(seed=int(seed))
        total, ended = 0.0, False
        while not ended:
            observation, reward, terminated, truncated, _ = env.step(act(observation[None])[0])
            total += float(reward)
            ended = terminated or truncated
        env.close()
        returns.append(total)
    return np.array(returns)


def clumsy(observations):
    return (observations[:, 2] > 0.02).astype(int)


@pytest.mark.parametrize("act", [lean, clumsy])
@pytest.mark.parametrize("options", [{}, {"sutton_barto_reward": True}])
def test_vectorised_cartpole_equals_the_single_environment(act, options):
    seeds = np.array([3, 0, 11, 7, 3])
    found = rollout(act, EnvSet("CartPole-v1", seeds, options))
    assert found.tolist() == by_hand("CartPole-v1", act, seeds, options).tolist()
    assert found[0] == found[4]


def pump(observations):
    return np.where(observations[:, 1] >= 0, 2, 0)


def test_other_environments_equal_the_single_environment_and_take_turns(monkeypatch):
    seeds = np.arange(6)
    wanted = by_hand("MountainCar-v0", pump, seeds)
    assert rollout(pump, EnvSet("MountainCar-v0", seeds)).tolist() == wanted.tolist()
    monkeypatch.setattr("neuroloom.core.worlds._LANES", 2)
    assert rollout(pump, EnvSet("MountainCar-v0", seeds)).tolist() == wanted.tolist()


def test_continuous_actions():
    X = EnvSet("Pendulum-v1", [1, 2])

    def act(observations):
        return np.clip(-observations[:, 1:2] - 0.3 * observations[:, 2:3], -2, 2)

    found = rollout(act, X)
    assert found == pytest.approx(by_hand("Pendulum-v1", lambda o: act(o).astype(np.float32), X.seeds))
    own = spaces(X)
    assert own.actions == 0
    assert own.inputs == 3
    assert own.low.tolist() == [-2.0]


def test_a_return_depends_on_its_seed_and_not_on_the_batch():
    X = EnvSet("CartPole-v1", [5, 9, 2, 9])
    whole = rollout(clumsy, X)
    assert [rollout(clumsy, X[i])[0] for i in range(4)] == whole.tolist()
    assert rollout(clumsy, X[[3, 0]]).tolist() == whole[[3, 0]].tolist()


def test_population_rows_equal_single_rollouts():
    X = EnvSet("CartPole-v1", [4, 8, 15])
    sides = np.array([0.0, 0.03, -0.01])

    def act(observations, members):
        return (observations[:, 2] > sides[members]).astype(int)

    found = rollout_population(act, X, 3)
    for member in range(3):
        single = rollout(lambda o, m=member: (o[:, 2] > sides[m]).astype(int), X)
        assert found[member].tolist() == single.tolist()


def test_members_are_ascending_where_episodes_only_end():
    seen = []

    def act(observations, members):
        seen.append(members.copy())
        return clumsy(observations)

    rollout_population(act, EnvSet("CartPole-v1", [1, 2]), 4)
    assert all((np.diff(members) >= 0).all() for members in seen)


def test_max_steps_cuts():
    assert rollout(lean, EnvSet("CartPole-v1", [1, 2]), max_steps=7).tolist() == [7.0, 7.0]


def test_no_episodes_give_no_returns():
    assert rollout(lean, EnvSet("CartPole-v1", [])).shape == (0,)


def test_unknown_environment_names_the_nearest():
    with pytest.raises(InputError, match=r"CartPol-v1.*did you mean 'CartPole-v1'"):
        rollout(lean, EnvSet("CartPol-v1", [1]))


def test_bad_options_are_named():
    with pytest.raises(InputError, match=r"CartPole-v1.*cannot be made.*wind"):
        spaces(EnvSet("CartPole-v1", [1], {"wind": 3}))


@pytest.mark.parametrize("env_id", ["CartPole-v1", "MountainCar-v0"])
def test_wrong_actions_are_named(env_id):
    X = EnvSet(env_id, [1, 2])
    with pytest.raises(InputError, match=r"2 whole numbers from 0 to .*dtype float64"):
        rollout(lambda o: np.zeros(len(o)), X)
    with pytest.raises(InputError, match="values from 9 to 9"):
        rollout(lambda o: np.full(len(o), 9), X)


def test_wrong_continuous_actions_are_named():
    with pytest.raises(InputError, match=r"shape \(1, 1\).*shape \(1,\)"):
        rollout(lambda o: np.zeros(len(o)), EnvSet("Pendulum-v1", [1]))


def test_composite_spaces_are_refused():
    with pytest.raises(NotSupportedError, match=r"Blackjack-v1 has Tuple observations"):
        spaces(EnvSet("Blackjack-v1", [1]))


def test_discrete_observations_are_one_hot():
    own = spaces(EnvSet("FrozenLake-v1", [1]))
    assert own.inputs == 16
    assert own.flatten(np.array([2, 0])).argmax(axis=1).tolist() == [2, 0]


class Lean(PolicyMixin):
    def act(self, observations):
        return lean(observations)


def test_policy_predicts_returns_and_scores_their_mean():
    X = EnvSet("CartPole-v1", [0, 1, 2])
    returns = Lean().predict(X)
    assert returns.tolist() == rollout(lean, X).tolist()
    assert Lean().score(X) == returns.mean()
    with pytest.raises(NotSupportedError, match=r"EnvSet\(env_id, seeds\), but got ndarray"):
        Lean().predict(np.zeros((3, 4)))


def test_how_episodes_end_is_told_whatever_their_order():
    import gymnasium

    X = EnvSet("Acrobot-v1", list(range(5)))

    def act(observations, owners):
        return (owners + (observations[:, 0] > 0)) % 3

    played = play_population(act, X, 3, max_steps=30, ends=True)
    assert played.ends.shape == (3, 5, 6)
    assert played.steps == 3 * 5 * 30
    np.testing.assert_array_equal(played.returns, rollout_population(act, X, 3, max_steps=30))
    env = gymnasium.make("Acrobot-v1")
    for member in range(3):
        for k, seed in enumerate(X.seeds):
            seen, _ = env.reset(seed=int(seed))
            for _ in range(30):
                seen, *_ = env.step(int((member + (seen[0] > 0)) % 3))
            np.testing.assert_allclose(played.ends[member, k], seen)
    poles = play_population(lambda rows, owners: owners % 2, EnvSet("CartPole-v1", [3, 4]), 2, ends=True)
    assert poles.ends.shape == (2, 2, 4)
    assert poles.steps == poles.returns.sum()
    assert (poles.ends[0, :, 2] < -0.2).all() or (poles.ends[0, :, 2] > 0.2).all()  # fallen to one side
    assert (np.sign(poles.ends[0, :, 2]) == -np.sign(poles.ends[1, :, 2])).all()
    assert play_population(act, X, 2, max_steps=3).ends is None
