"""The reversal bandit: an episode by hand, one game whoever plays it, and returns that are known in closed form."""

import numpy as np
import pytest

from neuroloom.core import EnvSet, InputError
from neuroloom.core.episodes import play_population, rollout, spaces
from neuroloom.core.reversal_bandit import REVERSAL_BANDIT, THRESHOLD, Trials, bandit, draw_payments
from neuroloom.core.worlds import make_env

SEEDS = np.arange(1000)


def stay_or_leave(observations, memory):
    """Win-stay, lose-shift: ``memory (n,)`` is the arm to choose next, beginning with the first."""
    looks = observations[:, 0] == 0
    chosen, paid = observations[:, 2].astype(int), observations[:, 3] > 0
    memory[looks] = np.where(paid, chosen, 1 - chosen)[looks]
    return memory.copy()


def returns_of(policy, **options):
    """Return those of ``SEEDS``, the lanes being the episodes."""
    return play_population(
        lambda seen, numbers: policy(seen, numbers),
        EnvSet(REVERSAL_BANDIT, SEEDS, options),
        1,
        by_episode=True,
    ).returns[0]


def agrees(returns, expected):
    """Say whether the mean is within 4 standard errors of what it should be."""
    return abs(returns.mean() - expected) <= 4 * returns.std() / np.sqrt(len(returns)) + 1e-9


def test_an_episode_by_hand():
    world = Trials(bandit(trials=4, reversals=1), 1)
    lane, pays = np.zeros(1, int), np.eye(2)[[0, 0, 1, 1]]  # the first arm, then the second
    assert world.begin(lane, pays[None]).tolist() == [[1, 0, 0, 0]]
    told = [
        (0, [0, 1, 0, 1], 1, False), (1, [1, 0, 0, 0], 0, False), (1, [0, 0, 1, 0], 0, False),
        (1, [1, 0, 0, 0], 0, False), (0, [0, 1, 0, 0], 0, False), (0, [1, 0, 0, 0], 0, False),
        (1, [0, 0, 1, 1], 1, True),
    ]  # fmt: skip
    for action, seen, reward, ended in told:
        found = world.step(lane, np.array([action]))
        assert (found[0][0].tolist(), found[1][0], found[2][0]) == (seen, reward, ended)


@pytest.mark.parametrize("reversals", [0, 1, 3])
def test_the_better_arm_changes_in_the_middle_half_alone(reversals):
    own, rng = bandit(20, reversals), np.random.default_rng(0)
    first, changes = [], []
    for _ in range(400):
        pays = draw_payments(own, rng)
        assert pays.shape == (20, 2)
        assert (pays.sum(axis=1) == 1).all()
        moved = np.flatnonzero(pays[1:, 0] != pays[:-1, 0]) + 1
        assert len(moved) == reversals
        first.append(pays[0, 0])
        changes.extend(moved)
    assert np.mean(first) == pytest.approx(0.5, abs=0.1)
    assert set(changes) == (set(range(5, 15)) if reversals else set())


def test_the_better_arm_pays_with_its_probability():
    rng = np.random.default_rng(1)
    pays = np.stack([draw_payments(bandit(40, 0, 0.8), rng) for _ in range(500)])
    better = pays.mean(axis=1).max(axis=1)
    assert better.mean() == pytest.approx(0.8, abs=0.01)


def test_lanes_play_gymnasiums_game():
    X = EnvSet(REVERSAL_BANDIT, [5, 3, 9], {"trials": 12, "reversals": 2, "probability": 0.9})
    draws = np.random.default_rng(2).integers(2, size=(6, 30))
    clock = np.zeros(6, int)

    def act(seen, numbers):
        clock[numbers] += 1
        return draws[numbers, clock[numbers] - 1]

    played = play_population(act, X, 2, by_episode=True)
    for member in range(2):
        for k, seed in enumerate(X.seeds):
            env = make_env(REVERSAL_BANDIT, X.options)
            env.reset(seed=int(seed))
            total, steps, ended = 0.0, 0, False
            while not ended:
                _, reward, ended, cut, _ = env.step(draws[3 * member + k, steps])
                total, steps = total + reward, steps + 1
                assert not cut
            assert steps == 23
            assert total == played.returns[member, k]
    assert played.steps == 6 * 23
    assert len(np.unique(played.returns)) > 2


def test_the_environment_is_one_of_gymnasiums():
    from gymnasium.utils.env_checker import check_env

    env = make_env(REVERSAL_BANDIT)
    check_env(env.unwrapped, skip_render_check=True)
    own = spaces(EnvSet(REVERSAL_BANDIT, [0]))
    assert (own.inputs, own.actions) == (4, 2)
    assert env.spec.reward_threshold == THRESHOLD == 36.0


@pytest.mark.parametrize("probability", [1.0, 0.8])
@pytest.mark.parametrize("reversals", [0, 1, 4])
def test_returns_in_closed_form(probability, reversals):
    p, trials = probability, 40
    options = {"probability": p, "reversals": reversals}
    rng = np.random.default_rng(0)
    assert agrees(returns_of(lambda seen, _: rng.integers(2, size=len(seen)), **options), trials / 2)
    assert agrees(returns_of(lambda seen, _: np.zeros(len(seen), int), **options), trials / 2)
    memory = np.zeros(len(SEEDS), int)
    found = returns_of(lambda seen, numbers: stay_or_leave(seen, memory), **options)
    # who stays after a win and leaves after a loss chooses the better arm with chance p, 1/2 in the first trial and
    # 1 - p after a reversal, and the better arm pays with chance p, the other with 1 - p
    expected = 0.5 + (trials - 1 - reversals) * (p**2 + (1 - p) ** 2) + reversals * 2 * p * (1 - p)
    assert agrees(found, expected)
    if p == 1:
        assert set(found) == {float(39 - reversals), float(40 - reversals)}


def test_who_does_not_remember_gets_half():
    """Any function of the observation: at a choice it is the same, so the choice is, but for chance."""
    rng = np.random.default_rng(3)
    for _ in range(5):
        table = rng.integers(2, size=16)
        found = rollout(
            lambda seen, table=table: table[(seen.astype(int) @ [8, 4, 2, 1])], EnvSet(REVERSAL_BANDIT, SEEDS)
        )
        assert agrees(found, 20.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": 3}, "trials"),
        ({"reversals": -1}, "reversals"),
        ({"trials": 8, "reversals": 5}, "at most 4, the trials in the middle half of 8, but got 5"),
        ({"probability": 0.5}, "probability"),
        ({"probability": 1.1}, "probability"),
        ({"arms": 3}, "cannot be made"),
    ],
)
def test_options_that_cannot_be(options, message):
    with pytest.raises(InputError, match=message):
        make_env(REVERSAL_BANDIT, options)
