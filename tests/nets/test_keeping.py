"""Policies that learn by gradient and dense networks go on from their checkpoints, to the same bits."""

import signal

import gymnasium
import numpy as np
import pytest
import torch
from sklearn.base import clone

from neuroloom.core import EnvSet, InputError
from neuroloom.core.checkpoints import checkpoints
from neuroloom.core.fitting import Job
from neuroloom.core.watching import watched
from neuroloom.nets import (
    BayesByBackpropRegressor,
    DQNPolicy,
    MLPClassifier,
    MLPRegressor,
    PPOPolicy,
    REINFORCEPolicy,
    SWAGClassifier,
)

POLE, ACROBOT = EnvSet("CartPole-v1", np.arange(20)), EnvSet("Acrobot-v1", np.arange(20))
POLES = EnvSet("neuroloom/DoublePole-v0", np.arange(20))
SMALL = {"steps": 1200, "evaluations": 6, "hidden": (8,), "random_state": 3}
SCRIPT = """
import os, signal, sys
from neuroloom.core.checkpoints import checkpoints
from neuroloom.core.watching import watched
from neuroloom.nets import PPOPolicy
from tests.nets.test_keeping import POLE, SMALL

def kill(progress):
    if progress.epoch == 14:
        os.kill(os.getpid(), signal.SIGKILL)

with checkpoints(sys.argv[1], seconds=0), watched(kill):
    PPOPolicy(horizon=32, passes=4, **SMALL).fit(POLE)
"""


class Moody(gymnasium.Env):
    """Shows numbers that no seed sets."""

    observation_space = gymnasium.spaces.Box(0, 1, (1,))
    action_space = gymnasium.spaces.Discrete(2)
    draws = np.random.default_rng(0)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.draws.random(1), {}

    def step(self, action):
        return self.draws.random(1), 1.0, False, False, {}


gymnasium.register("tests/Moody-v0", entry_point=Moody, max_episode_steps=20)


def _stopping(at, seen=None):
    def stop(progress):
        if seen is not None:
            seen.append(progress.epoch)
        if progress.epoch == at:
            raise KeyboardInterrupt

    return watched(stop)


def _stopped(tmp_path, fit, at):
    with pytest.raises(KeyboardInterrupt), checkpoints(tmp_path, seconds=0), _stopping(at):
        fit()


def _gone_on(tmp_path, fit):
    seen = []
    with checkpoints(tmp_path, seconds=0), _stopping(None, seen):
        model = fit()
    assert not tmp_path.exists()
    return model, seen[0]


def _same(one, other):
    assert sorted(one.weights_) == sorted(other.weights_)
    for name, value in one.weights_.items():
        np.testing.assert_array_equal(value, other.weights_[name])
    for ours, theirs in zip(one.history_, other.history_, strict=True):
        assert {**ours, "seconds": 0} == {**theirs, "seconds": 0}


@pytest.mark.parametrize(
    ("policy", "X", "at"),
    [
        (PPOPolicy(horizon=32, passes=4, **SMALL), POLE, 7),
        (PPOPolicy(horizon=32, passes=4, scale_rewards=False, max_steps=11, **SMALL), POLES, 9),
        (REINFORCEPolicy(lanes=3, **SMALL), POLE, 5),
        (DQNPolicy(warm_up=200, memory=600, target_every=3, **SMALL), POLE, 4),
        (DQNPolicy(warm_up=200, max_steps=50, **SMALL), ACROBOT, 3),
    ],
)
def test_a_policy_that_was_stopped_goes_on(policy, X, at, tmp_path):
    whole = clone(policy).fit(X)
    _stopped(tmp_path, lambda: clone(policy).fit(X), at)
    again, first = _gone_on(tmp_path, lambda: clone(policy).fit(X))
    assert first == at
    _same(whole, again)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_killed_process_goes_on_to_the_same_policy(tmp_path, run_until_killed):
    run_until_killed(SCRIPT, tmp_path / "kept")

    def fit():
        return PPOPolicy(horizon=32, passes=4, **SMALL).fit(POLE)

    again, first = _gone_on(tmp_path / "kept", fit)
    assert first == 14
    _same(fit(), again)


def test_a_policy_of_other_episodes_settings_or_seeds_is_refused(tmp_path):
    policy = REINFORCEPolicy(lanes=3, **SMALL)
    _stopped(tmp_path, lambda: clone(policy).fit(POLE), 4)
    others = [
        (clone(policy).set_params(random_state=4), POLE),
        (clone(policy).set_params(discount=0.9), POLE),
        (policy, POLE[1:]),
        (policy, EnvSet("CartPole-v1", POLE.seeds, {"sutton_barto_reward": True})),
    ]
    for other, X in others:
        with pytest.raises(InputError, match="was kept of other samples"), checkpoints(tmp_path):
            other.fit(X)


def test_an_environment_that_no_seed_sets_is_refused(tmp_path):
    X, policy = EnvSet("tests/Moody-v0", np.arange(5)), PPOPolicy(horizon=30, passes=2, **SMALL)
    _stopped(tmp_path, lambda: clone(policy).fit(X), 4)
    with pytest.raises(InputError, match="did not do the same again"), checkpoints(tmp_path):
        clone(policy).fit(X)


def _table(n=90):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 4))
    return X, X[:, 0] + np.sin(3 * X[:, 1]) + 0.3 * rng.normal(size=n)


NET = {"hidden": (6, 5), "members": 5, "bins": 3, "epochs": 30, "batch_size": 16, "random_state": 2}


@pytest.mark.parametrize(
    "net",
    [
        MLPClassifier(dropout=0.3, patience=2, learning_rate=0.05, **NET),
        MLPClassifier(normalization="batch", max_norm=1.0, l1=0.001, **NET),
        MLPRegressor(optimizer="momentum", schedule="plateau", early_stopping=False, **NET),
        BayesByBackpropRegressor(**NET),
        SWAGClassifier(swag_epochs=20, **NET),
    ],
)
def test_dense_networks_that_were_stopped_go_on(net, tmp_path):
    X, y = _table()
    y = y > 0 if hasattr(net, "predict_proba") else y
    whole = clone(net).fit(X, y)
    _stopped(tmp_path, lambda: clone(net).fit(X, y), 9)
    again, first = _gone_on(tmp_path, lambda: clone(net).fit(X, y))
    assert first == 9
    _same(whole, again)
    np.testing.assert_array_equal(whole.predict(X), again.predict(X))


def test_members_that_had_left_their_stack_stay_away(tmp_path):
    X, y = _table()
    net = MLPRegressor(dropout=0.2, patience=2, learning_rate=0.05, **NET)
    whole = clone(net).fit(X, y)
    done = sorted(epoch + 2 for epoch in whole.best_epochs_)
    assert done[2] < done[4] - 1  # so that the last go on alone, for a while
    _stopped(tmp_path, lambda: clone(net).fit(X, y), done[2] + 2)
    assert len(torch.load(tmp_path / "training-0.pt", weights_only=True)["at"]) < 5
    again, _ = _gone_on(tmp_path, lambda: clone(net).fit(X, y))
    _same(whole, again)


def test_the_second_phase_of_swag_goes_on(tmp_path):
    X, y = _table()
    net = SWAGClassifier(swag_epochs=40, **{**NET, "epochs": 8})
    whole = clone(net).fit(X, y > 0)
    _stopped(tmp_path, lambda: clone(net).fit(X, y > 0), 30)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["training-0.pt", "training-1.pt"]
    again, first = _gone_on(tmp_path, lambda: clone(net).fit(X, y > 0))
    assert first == 30
    _same(whole, again)
    np.testing.assert_array_equal(whole.predict_proba(X), again.predict_proba(X))


def test_fits_that_are_done_together_go_on(tmp_path):
    X, y = _table()

    def fit():
        jobs = [Job(MLPRegressor(**{**NET, "random_state": seed, "members": 2}), X, y) for seed in range(3)]
        return MLPRegressor.fit_many(jobs)

    whole = fit()
    _stopped(tmp_path, fit, 6)
    again, first = _gone_on(tmp_path, fit)
    assert first == 6
    for one, other in zip(whole, again, strict=True):
        _same(one, other)


def test_dense_networks_of_other_samples_settings_or_seeds_are_refused(tmp_path):
    X, y = _table()
    net = MLPRegressor(loss="huber", dropout=0.1, **NET)
    _stopped(tmp_path, lambda: clone(net).fit(X, y), 5)
    others = [
        (clone(net).set_params(random_state=3), X, y),
        (clone(net).set_params(dropout=0.2), X, y),
        (clone(net).set_params(loss="squared"), X, y),
        (clone(net).set_params(validation_fraction=0.3), X, y),
        (net, X**3, y),
        (net, X, -y),
    ]
    for other, inputs, target in others:
        with pytest.raises(InputError, match="was kept of other samples"), checkpoints(tmp_path):
            other.fit(inputs, target)
    with pytest.raises(InputError, match="was kept of other samples"), checkpoints(tmp_path):
        net.fit(X, y, sample_weight=np.linspace(1, 2, len(y)))
