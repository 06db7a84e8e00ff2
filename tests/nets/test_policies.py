"""Policies that learn by gradient: their parts worked by hand, a chain whose values are known, and the pole."""

import copy
import pickle

import gymnasium
import numpy as np
import pytest
import torch
from sklearn.base import clone

from neuroloom.core import EnvSet, InputError, NotSupportedError
from neuroloom.core.episodes import rollout, spaces
from neuroloom.core.training import DivergenceWarning
from neuroloom.core.worlds import Stepped
from neuroloom.nets import DQNPolicy, PPOPolicy, REINFORCEPolicy
from neuroloom.nets._layers.policies import (
    ActorCritic,
    RunningScale,
    clipped_surrogate,
    double_q_targets,
    follow,
    huber,
)
from neuroloom.nets.experience import Experience, Lanes, Replay, ReturnScale, advantages, gather
from neuroloom.nets.policy_gradient import Gathering

TRAIN, HELD = EnvSet("CartPole-v1", np.arange(20)), EnvSet("CartPole-v1", np.arange(500, 520))
LONG, GAMMA = 5, 0.9
POLICIES = (PPOPolicy, REINFORCEPolicy, DQNPolicy)
SMALL = {"steps": 700, "evaluations": 2, "hidden": (8,), "random_state": 3}


class Chain(gymnasium.Env):
    """Five places in a row: 0 goes left, 1 right; only going right from the last pays, and ends the episode."""

    observation_space = gymnasium.spaces.Discrete(LONG)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place = int(self.np_random.integers(LONG))
        return self.place, {}

    def step(self, action):
        self.place += 1 if action else -1
        home = self.place == LONG
        self.place = min(max(self.place, 0), LONG - 1)
        return self.place, float(home), home, False, {}


gymnasium.register("tests/Chain-v0", entry_point=Chain, max_episode_steps=20)
CHAIN = EnvSet("tests/Chain-v0", np.arange(50))
RIGHT = GAMMA ** (LONG - 1 - np.arange(LONG))  # the reward is so many steps away
LEFT = GAMMA * RIGHT[np.maximum(np.arange(LONG) - 1, 0)]


# -- parts by hand ------------------------------------------------------------------------------------------


def test_what_was_chosen_keeps_the_probability_that_it_had_then():
    """The scale of what is seen moves with it, so that a later look at the same rows gives other odds."""
    policy, own = PPOPolicy(random_state=0), spaces(TRAIN)
    torch.manual_seed(0)
    network = ActorCritic(own.inputs, own.actions, (8,), True, False)
    torch.nn.init.normal_(network.actor[-1].weight)
    policy.n_actions_, policy.first_action_ = own.actions, own.start
    lanes = Lanes(TRAIN, own, 4, 0, None)
    gathering = Gathering(policy, network, lanes, 0, 16, 0.95)
    for _ in range(2):
        before = copy.deepcopy(network)
        gathering.act()
        met = gathering.met
        with torch.no_grad():
            then, now = (net.log_prob(net.best(met.rows), met.actions) for net in (before, network))
        torch.testing.assert_close(met.chances, then)
        assert (now - then).abs().max() > 1e-3
    lanes.close()


def test_generalised_advantages_by_hand():
    rewards, values, after = ([[r] for r in row] for row in ((1, 2, 3, 4), (0.5, 1, 1.5, 2), (1, 1.5, 2, 8)))
    terminated, ended = (np.array([[e] for e in row], bool) for row in ((0, 1, 0, 0), (0, 1, 0, 1)))
    given = np.array(rewards, float), np.array(values), np.array(after, float), terminated, ended
    # errors 1 + 1/2 - 1/2, 2 - 1 at the end, 3 + 1 - 1.5, and 4 + 4 - 2 where the episode was cut
    assert advantages(*given, 0.5, 0.5)[:, 0].tolist() == [1.25, 1.0, 4.0, 6.0]
    assert advantages(*given, 0.5, 0.0)[:, 0].tolist() == [1.0, 1.0, 2.5, 6.0]
    returns = [1 + 0.5 * 2, 2, 3 + 0.5 * 4 + 0.25 * 8, 4 + 0.5 * 8]
    assert advantages(*given, 0.5, 1.0)[:, 0].tolist() == [
        r - v[0] for r, v in zip(returns, values, strict=True)
    ]


def test_double_q_targets_by_hand():
    online, target = (
        torch.tensor([[1.0, 2.0], [5.0, 3.0], [0.0, 1.0]]),
        torch.tensor([[7.0, 4.0], [6.0, 9.0], [1.0, 1.0]]),
    )
    found = double_q_targets(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0.5, 0.5, 0.0]), online, target)
    assert found.tolist() == [1 + 0.5 * 4, 2 + 0.5 * 6, 3]  # chosen by the first, valued by the second


def test_targets_repeated_on_the_chain_reach_its_values():
    place, action = np.divmod(np.arange(2 * LONG), 2)
    after = np.clip(place + 2 * action - 1, 0, LONG - 1)
    home = torch.tensor((place == LONG - 1) & (action == 1), dtype=torch.float64)
    counts = GAMMA * (1 - home)
    table = torch.zeros(LONG, 2, dtype=torch.float64)
    for _ in range(30):
        table = double_q_targets(home, counts, table[after], table[after]).view(LONG, 2)
    np.testing.assert_allclose(table, np.stack([LEFT, RIGHT], 1), atol=1e-12)


def test_the_surrogate_and_the_error_by_hand():
    ratio, gain = torch.tensor([1.5, 1.5, 0.5, 0.5, 1.1]), torch.tensor([2.0, -2.0, 2.0, -2.0, 1.0])
    found = clipped_surrogate(ratio.log(), gain, 0.2)
    np.testing.assert_allclose(found, [1.2 * 2, 1.5 * -2, 0.5 * 2, 0.8 * -2, 1.1], rtol=1e-6)
    assert huber(torch.tensor([0.5, 3.0]), torch.zeros(2)) == (0.125 + 2.5) / 2


@pytest.mark.parametrize("discrete", [True, False])
def test_chances_and_entropy_are_torchs(discrete):
    network = ActorCritic(3, 2, (4,), discrete, False)
    outputs = torch.tensor([[0.3, -1.0], [2.0, 0.5]])
    if discrete:
        own, actions = torch.distributions.Categorical(logits=outputs), torch.tensor([1, 0])
        chances, entropy = own.log_prob(actions), own.entropy().mean()
    else:
        with torch.no_grad():
            network.log_spread.copy_(torch.tensor([-0.5, 0.2]))
        own = torch.distributions.Normal(outputs, network.log_spread.exp())
        actions = torch.tensor([[1.0, -1.0], [0.0, 3.0]])
        chances, entropy = own.log_prob(actions).sum(1), own.entropy().sum(1).mean()
    torch.testing.assert_close(network.log_prob(outputs, actions), chances)
    torch.testing.assert_close(network.entropy(outputs), entropy)


def test_running_scales_are_those_of_all_at_once():
    rows = np.random.default_rng(0).normal(3, [1, 5, 0], (40, 3))
    scale = RunningScale(3, False)
    for part in np.split(rows, [1, 15]):
        scale.see(torch.from_numpy(part))
    np.testing.assert_allclose(scale.mean, rows.mean(0), rtol=1e-12)
    wanted = (rows - rows.mean(0)) / [*rows.std(0)[:2], 1]
    np.testing.assert_allclose(scale(torch.from_numpy(rows)), wanted, atol=1e-6)
    assert scale(torch.full((1, 3), 1e9, dtype=torch.float64)).tolist() == [[10.0] * 3]

    rewards = np.random.default_rng(1).normal(1, 2, (9, 2))
    ended = np.zeros((9, 2), bool)
    ended[3, 0] = True
    sums, divided = np.zeros(2), ReturnScale(2, 0.5)
    seen, found = [], []
    for t in range(9):
        sums = 0.5 * sums + rewards[t]
        seen += sums.tolist()
        sums[ended[t]] = 0
    for part in (slice(0, 4), slice(4, 9)):
        rest = np.zeros((len(rewards[part]), 2, 1))
        met = Experience(rest, rest, rest, rewards[part], ended[part], ended[part], rest[..., 0] == 0)
        found.append(divided(met))
    np.testing.assert_allclose(found[0], rewards[:4] / np.std(seen[:8]), rtol=1e-12)
    np.testing.assert_allclose(found[1], rewards[4:] / np.std(seen), rtol=1e-12)


def test_the_memory_forgets_the_oldest():
    memory = Replay(3, 1)
    for k in range(5):
        row = np.full((1, 1), float(k))
        memory.add(
            row, np.array([k]), Stepped(row + 0.5, np.array([2.0 * k]), np.array([k == 3]), np.array([False]))
        )
    rows, actions, rewards, after, counts = memory.draw(200, np.random.default_rng(0))
    assert set(actions.tolist()) == {2, 3, 4}
    np.testing.assert_array_equal(rows[:, 0], actions)
    np.testing.assert_array_equal(after, rows + 0.5)
    np.testing.assert_array_equal(rewards, 2.0 * actions)
    np.testing.assert_array_equal(counts, actions != 3)


def test_rewards_are_added_up_as_far_as_an_episode_goes_and_is_kept():
    memory = Replay(12, 1, lanes=2, ahead=3, discount=0.5)
    for k in range(8):  # the first lane's episode terminates at step 4, the second's is cut at 5
        row, lane = np.array([[k], [100 + k]], float), np.array([0, 1])
        terminated, cut = np.array([k == 4, False]), np.array([False, k == 5])
        memory.add(row, lane, Stepped(row + 0.5, np.array([2.0**k, 4.0**k]), terminated, cut))
    rows, lanes, rewards, after, counts = memory.draw(300, np.random.default_rng(0))
    found = {}
    for row, lane, *rest in zip(rows[:, 0], lanes, rewards, after[:, 0], counts, strict=True):
        assert found.setdefault(row, tuple(rest)) == tuple(rest)
        assert lane == (row >= 100)
    assert sorted(found) == [*range(2, 8), *range(102, 108)]  # 6 of each lane are kept
    assert found[2] == (4 + 0.5 * 8 + 0.25 * 16, 4.5, 0)
    assert found[4] == (16, 4.5, 0)
    assert found[5] == (32 + 0.5 * 64 + 0.25 * 128, 7.5, 0.125)
    assert found[6] == (64 + 0.5 * 128, 7.5, 0.25)  # no more has been met yet
    assert found[104] == (4**4 + 0.5 * 4**5, 105.5, 0.25)
    assert found[105] == (4**5, 105.5, 0.5)


def test_the_second_network_follows_the_first():
    first, second = RunningScale(2, False), RunningScale(2, False)
    first.weight, second.weight = torch.nn.Parameter(torch.tensor([8.0])), torch.nn.Parameter(torch.zeros(1))
    first.see(torch.ones((3, 2), dtype=torch.float64))
    for expected in (2.0, 3.5):
        follow(second, first, 0.25)
        assert second.weight.item() == expected
    assert second.mean.tolist() == [1, 1]


# -- lanes --------------------------------------------------------------------------------------------------


def _lean(rows):
    return (rows[:, 2] + 0.3 * rows[:, 3] > 0).astype(np.int64)


@pytest.mark.parametrize("env_id", ["CartPole-v1", "Acrobot-v1"])
def test_whole_episodes_in_lanes_earn_what_they_earn_alone(env_id):
    X = EnvSet(env_id, np.arange(5))
    lanes = Lanes(X, spaces(X), 5, 0, 60)
    met = gather(lanes, _lean, lambda chosen: chosen, None)
    lanes.close()
    wanted = sorted(rollout(_lean, X, 60).tolist())
    assert sorted((met.rewards * met.inside).sum(0).tolist()) == wanted
    assert met.inside.sum() == lanes.taken
    assert (met.ended.sum(0) == 1).all()
    lasts = met.inside.sum(0)
    assert (met.terminated.sum(0) == (lasts < 60)).all()  # cut ones have no end of their own
    for lane, last in enumerate(lasts):
        np.testing.assert_array_equal(met.after[: last - 1, lane], met.rows[1:last, lane])


def test_stretches_go_on_from_start_to_start():
    lanes = Lanes(TRAIN[:3], spaces(TRAIN), 2, 0, 45)
    parts = [gather(lanes, _lean, lambda chosen: chosen, steps) for steps in (7, 400)]
    lanes.close()
    rows, after, ended = (
        np.concatenate([getattr(p, name) for p in parts]) for name in ("rows", "after", "ended")
    )
    assert rows.shape == (407, 2, 4)
    assert lanes.taken == 814
    assert ended.sum() == 2 * (407 // 45)
    goes_on = ~ended[:-1]
    np.testing.assert_array_equal(after[:-1][goes_on], rows[1:][goes_on])
    env = gymnasium.make("CartPole-v1")
    starts = {tuple(env.reset(seed=int(seed))[0].tolist()) for seed in TRAIN[:3].seeds}
    begun = np.concatenate([rows[:1].reshape(-1, 4), rows[1:][ended[:-1]]])
    assert {tuple(row) for row in begun.tolist()} <= starts


# -- learning -----------------------------------------------------------------------------------------------


def test_dqn_finds_the_values_of_the_chain():
    learned = {
        "learning_rate": 0.003,
        "ahead": 1,  # over more steps the values would be those of what was done, half of it at random
        "target_every": 50,
        "target_rate": 1,
        "final_exploration": 0.5,
        "evaluations": 1,
        "lanes": 4,
    }
    policy = DQNPolicy(steps=4000, warm_up=500, discount=GAMMA, hidden=(32,), random_state=0, **learned).fit(
        CHAIN
    )
    np.testing.assert_allclose(policy.action_values(np.arange(LONG)), np.stack([LEFT, RIGHT], 1), atol=0.05)
    assert policy.act(np.arange(LONG)).tolist() == [1] * LONG


@pytest.mark.parametrize("cls", [PPOPolicy, REINFORCEPolicy])
def test_policy_gradients_find_the_way_along_the_chain(cls):
    policy = cls(steps=3000, hidden=(16,), learning_rate=0.01, evaluations=1, random_state=0).fit(CHAIN)
    assert policy.act(np.arange(LONG)).tolist() == [1] * LONG
    assert policy.score(CHAIN) == 1.0


@pytest.fixture(scope="module")
def balanced():
    return {
        "ppo": PPOPolicy(steps=14_000, hidden=(32, 32), evaluations=4, random_state=0).fit(TRAIN),
        "reinforce": REINFORCEPolicy(steps=25_000, hidden=(32, 32), evaluations=5, random_state=0).fit(TRAIN),
        "dqn": DQNPolicy(steps=12_000, evaluations=4, random_state=0).fit(TRAIN),
    }


@pytest.mark.parametrize("key", ["ppo", "reinforce", "dqn"])
def test_balances_the_pole_on_starts_it_has_not_seen(balanced, key):
    policy = balanced[key]
    returns = policy.predict(HELD)
    assert returns.mean() > 100  # random actions: 22
    assert policy.score(HELD[:1]) == returns[0]
    scores = [entry["score"] for entry in policy.history_]
    assert scores == sorted(scores)
    assert scores[-1] == pytest.approx(policy.predict(TRAIN[:10]).mean())  # the best one is kept
    assert scores[-1] == max(entry["return"] for entry in policy.history_)
    assert policy.history_[-1]["env_steps"] > policy.steps
    same = pickle.loads(pickle.dumps(policy))
    assert same.act(np.zeros((3, 4))).tolist() == policy.act(np.zeros((3, 4))).tolist()


@pytest.mark.parametrize("cls", POLICIES)
def test_a_seed_is_a_result(cls):
    more = {"warm_up": 200} if cls is DQNPolicy else {}
    first = cls(**SMALL, **more).fit(TRAIN)
    again = clone(first).fit(TRAIN)
    other = clone(first).set_params(random_state=4).fit(TRAIN)
    for name, value in first.weights_.items():
        np.testing.assert_array_equal(again.weights_[name], value)
    assert any((other.weights_[name] != value).any() for name, value in first.weights_.items())
    assert [{**e, "seconds": 0} for e in again.history_] == [{**e, "seconds": 0} for e in first.history_]
    assert first.n_parameters_ == 4 * 8 + 8 + 8 * 2 + 2


def test_steps_of_the_environment_are_counted():
    X = EnvSet("Pendulum-v1", np.arange(3))  # no episode ends before its time
    policy = PPOPolicy(
        steps=400, lanes=4, horizon=50, evaluations=2, max_steps=20, hidden=(8,), random_state=0
    ).fit(X)
    assert [e["env_steps"] for e in policy.history_] == [200 + 3 * 20, 400 + 2 * 3 * 20]
    policy = REINFORCEPolicy(
        steps=100, lanes=3, evaluations=1, max_steps=20, hidden=(8,), random_state=0
    ).fit(X)
    assert [e["env_steps"] for e in policy.history_] == [2 * 3 * 20 + 3 * 20]


def test_early_stopping_at_the_environments_own_threshold():
    policy = REINFORCEPolicy(
        early_stopping=True, steps=400_000, evaluations=40, hidden=(32, 32), random_state=0
    ).fit(TRAIN)
    assert policy.history_[-1]["score"] >= 475
    assert len(policy.history_) < 40


def test_continuous_actions_stay_in_their_bounds():
    X = EnvSet("Pendulum-v1", np.arange(4))
    policy = PPOPolicy(steps=300, lanes=2, horizon=64, evaluations=1, hidden=(8,), random_state=0).fit(X)
    actions = policy.act(np.random.default_rng(0).normal(0, 50, (30, 3)))
    assert actions.shape == (30, 1)
    assert (np.abs(actions) <= 2).all()
    assert policy._as_actions(np.array([[-1.0], [0.0], [0.5], [7.0]])).ravel().tolist() == [-2, 0, 1, 2]


def test_what_diverges_says_so():
    with pytest.warns(DivergenceWarning, match="lower `learning_rate`"):
        PPOPolicy(steps=2000, learning_rate=1e30, clip_norm=None, hidden=(8,), random_state=0).fit(TRAIN)


@pytest.mark.parametrize(
    ("cls", "changes", "match"),
    [
        (PPOPolicy, {"steps": 0}, "`steps` must be a whole number of at least 1"),
        (PPOPolicy, {"clip_range": 0}, r"`clip_range` must be a number in \(0, inf\)"),
        (PPOPolicy, {"hidden": 8}, "`hidden` must be a list of whole numbers, but got 8"),
        (REINFORCEPolicy, {"discount": 0}, r"`discount` must be a number in \(0, 1\]"),
        (REINFORCEPolicy, {"device": "cuda"}, "`device` must be 'auto' or 'cpu' for episodes"),
        (DQNPolicy, {"memory": 3}, "`memory` must be a whole number of at least 8"),
        (DQNPolicy, {"ahead": 0}, "`ahead` must be a whole number of at least 1"),
        (DQNPolicy, {"target_rate": 0}, r"`target_rate` must be a number in \(0, 1\]"),
        (DQNPolicy, {"warm_up": 700}, "`warm_up` must be less than `steps`, 700, but got 700"),
    ],
)
def test_wrong_parameters_are_named(cls, changes, match):
    with pytest.raises(InputError, match=match):
        cls(**{**SMALL, **changes}).fit(TRAIN)


def test_wrong_samples_are_named():
    with pytest.raises(NotSupportedError, match=r"EnvSet\(env_id, seeds\), but got ndarray"):
        PPOPolicy().fit(np.eye(3))
    with pytest.raises(InputError, match="at least one episode"):
        REINFORCEPolicy().fit(TRAIN[:0])
    with pytest.raises(NotSupportedError, match="take PPO for continuous ones"):
        DQNPolicy().fit(EnvSet("Pendulum-v1", [0]))
