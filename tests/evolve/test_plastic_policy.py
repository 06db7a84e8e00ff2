"""Plastic policies: they learn what a network that stays cannot, the same however their episodes are played."""

import pickle

import numpy as np
import pytest

from neuroloom.core import EnvSet, InputError
from neuroloom.core.episodes import rollout
from neuroloom.core.reversal_bandit import REVERSAL_BANDIT
from neuroloom.evolve import NEATPolicy, NoveltyPolicy
from neuroloom.methods.saving import load_estimator, save_estimator

X = EnvSet(REVERSAL_BANDIT, np.arange(100))
FRESH = EnvSet(REVERSAL_BANDIT, np.arange(1000, 1060))


@pytest.fixture(scope="module")
def learner():
    return NEATPolicy(
        population=60, generations=40, random_state=1, plasticity="hebbian", early_stopping=True
    ).fit(X)


def test_it_finds_the_arm_that_pays_and_finds_it_again(learner):
    assert learner.best_genome_.plasticity == "hebbian"
    assert learner.score(FRESH) > 33  # no network without memory gets more than half of 40
    still = NEATPolicy(population=60, generations=1, random_state=1, plasticity="hebbian").fit(X)
    still.best_genome_ = learner.best_genome_.frozen()
    for name in ("mean_", "scale_"):
        np.testing.assert_array_equal(getattr(still, name), getattr(learner, name))
    assert still.score(FRESH) < 23


def test_the_champion_plays_as_it_did_in_the_population(learner):
    assert learner.score(X[25:100]) == learner.history_[-1]["score"]  # it was chosen by those before
    returns = learner.predict(FRESH)
    np.testing.assert_array_equal(rollout(learner.act, FRESH), returns)
    one_by_one = [learner.predict(FRESH[[k]])[0] for k in range(8)]
    np.testing.assert_array_equal(one_by_one, returns[:8])
    again = pickle.loads(pickle.dumps(learner))
    np.testing.assert_array_equal(again.predict(FRESH), returns)


def test_acting_step_by_step_remembers_until_reset(learner):
    seen = np.array([[1.0, 0, 0, 0], [0, 1, 0, 1]], np.float32)
    genome = learner.best_genome_
    learner.reset()
    rows = (seen - learner.mean_) / learner.scale_
    state = genome.start(2)
    for _ in range(4):
        np.testing.assert_array_equal(learner.act(seen), state.step(rows).argmax(axis=1))
    with pytest.raises(InputError, match=r"remembers 2 episodes, but got 1 observations; call reset\(\)"):
        learner.act(seen[:1])
    learner.reset()
    assert learner.act(seen[:1]).shape == (1,)
    learner.reset()


def test_it_is_saved_without_code(learner, tmp_path):
    learner.act(np.zeros((2, 4)))  # what it remembers of these is not saved
    save_estimator(learner, tmp_path / "model", {})
    again, _ = load_estimator(tmp_path / "model")
    learner.reset()
    np.testing.assert_array_equal(again.predict(FRESH), learner.predict(FRESH))


def test_same_seed_same_policy_and_plain_ones_as_ever():
    made = [
        NEATPolicy(population=12, generations=3, random_state=4, plasticity="hebbian", network=network).fit(X)
        for network in ("feed-forward", "feed-forward", "recurrent")
    ]
    assert made[0].best_genome_ == made[1].best_genome_
    assert made[2].best_genome_.network == "recurrent"
    assert made[2].score(X[:25]) == made[2].history_[-1]["score"]
    plain = NEATPolicy(population=12, generations=3, random_state=4).fit(X)
    assert plain.best_genome_.plasticity == "none"
    assert not plain.best_genome_.stateful


def test_another_search_takes_it_by_its_settings():
    own = NoveltyPolicy(population=8, generations=2, random_state=0, settings={"plasticity": "hebbian"}).fit(
        X[:6]
    )
    assert own.best_genome_.plasticity == "hebbian"
    assert own.predict(X[:5]).shape == (5,)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"plasticity": "oja"}, "`plasticity` must be"),
        ({"network": "ctrnn", "plasticity": "hebbian"}, "discrete time"),
    ],
)
def test_policies_that_cannot_be(settings, message):
    with pytest.raises(InputError, match=message):
        NEATPolicy(population=12, generations=1, **settings).fit(X)
