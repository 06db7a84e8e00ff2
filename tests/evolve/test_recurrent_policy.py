"""NEATPolicy with a memory: it remembers within an episode, and nothing from one to the next."""

import pickle

import gymnasium
import numpy as np
import pytest

from neuroloom.core import EnvSet, InputError
from neuroloom.core.episodes import rollout, rollout_population
from neuroloom.evolve import NEATPolicy
from neuroloom.evolve.population import pack_genomes, take
from neuroloom.evolve.recurrent import RecurrentPhenotypes


class Recall(gymnasium.Env):
    """A cue of -1 or 1 is shown once; one to three steps later the action must name it, else the episode ends."""

    observation_space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.cue, self.wait, self.left = self.np_random.integers(2), self.np_random.integers(1, 4), 3
        return self._show(2 * self.cue - 1), {}

    def step(self, action):
        if self.wait > 0:
            self.wait -= 1
            return self._show(0.0), 0.0, False, False, {}
        self.left -= 1
        right = int(action) == self.cue
        return self._show(0.0), float(right), not right or self.left == 0, False, {}

    def _show(self, cue):
        return np.array([cue, float(self.wait == 0)], np.float32)


if "Recall-v0" not in gymnasium.registry:
    gymnasium.register("Recall-v0", entry_point=Recall)

TRAIN, UNSEEN = EnvSet("Recall-v0", np.arange(60)), EnvSet("Recall-v0", np.arange(500, 540))
SETTINGS = {"conn_add_prob": 0.3, "node_add_prob": 0.1}


@pytest.fixture(scope="module")
def policy():
    return NEATPolicy(
        population=60, generations=12, episodes=10, network="recurrent", random_state=1, settings=SETTINGS
    ).fit(TRAIN)


def test_remembers_what_a_feed_forward_network_cannot(policy):
    assert policy.best_genome_.network == "recurrent"
    assert policy.predict(UNSEEN).mean() > 2.6  # of 3
    blind = NEATPolicy(population=30, generations=4, episodes=10, random_state=1).fit(TRAIN)
    assert blind.predict(UNSEEN).mean() < 2.0  # a fixed answer is right for one cue: 1.5
    assert policy.history_[-1]["score"] == pytest.approx(policy.predict(TRAIN[:25]).mean())


def test_an_episode_does_not_depend_on_those_beside_it(policy):
    together = policy.predict(UNSEEN)
    alone = [policy.predict(UNSEEN[k : k + 1])[0] for k in range(len(UNSEEN))]
    assert together.tolist() == alone
    assert rollout(policy.act, UNSEEN).tolist() == alone  # the runner plays by `act`
    assert policy.score(UNSEEN) == pytest.approx(np.mean(alone))


def test_by_hand_an_episode_is_played_with_act_and_reset(policy):
    found = []
    for seed in UNSEEN.seeds[:6]:
        env = gymnasium.make("Recall-v0")
        seen, total, over = env.reset(seed=int(seed))[0], 0.0, False
        policy.reset()
        while not over:
            seen, reward, over, _, _ = env.step(policy.act(seen[None])[0])
            total += reward
        found.append(total)
    assert found == policy.predict(UNSEEN[:6]).tolist()
    with pytest.raises(InputError, match=r"remembers 1 episodes, but got 3 observations; call reset\(\)"):
        policy.act(np.zeros((3, 2)))
    same = pickle.loads(pickle.dumps(policy))
    assert same.act(np.zeros((3, 2))).shape == (3,)  # it begins anew
    policy.reset()
    assert policy.act(np.zeros((3, 2))).shape == (3,)


@pytest.mark.parametrize("network", ["recurrent", "ctrnn"])
def test_the_population_plays_as_each_of_its_genomes_does(policy, network):
    own = NEATPolicy(
        population=50, generations=2, episodes=4, network=network, random_state=3, settings=SETTINGS
    )
    own.fit(TRAIN)
    # 50 genomes of 8 episodes are more than the environments that are held at once: some wait for their turn
    from neuroloom.evolve import NEAT

    engine = NEAT(own._config(own._spaces()), 4)
    for _ in range(4):
        engine.tell(np.random.default_rng(engine.generation).random(len(engine)))
        engine.advance()
    rows = np.arange(8)
    found = own._player(TRAIN)(engine.phenotypes(), rows, None).returns
    for g in range(0, 50, 7):
        own.best_genome_ = engine.genomes[g]
        assert own.predict(TRAIN[rows]).tolist() == found[g].tolist()
    assert len(np.unique(found)) > 2


def test_lanes_that_wait_begin_from_nothing(policy):
    genes = pack_genomes([policy.best_genome_] * 3)
    nets = RecurrentPhenotypes(take(genes, [0, 1, 2]), 2, 2, policy.best_genome_)
    act = policy._remembering(nets, 2)
    cues, quiet = np.array([[1.0, 0.0]] * 3), np.array([[0.0, 1.0]] * 3)
    act(cues, np.array([0, 2, 4]))
    answers = act(quiet, np.array([0, 2, 4]))
    act(np.repeat(-cues[:1], 1, axis=0), np.array([3]))  # member 1 begins another episode
    late = act(quiet[:1], np.array([3]))
    assert answers.tolist() == [1, 1, 1]
    assert late.tolist() == [0]


def test_rollout_tells_episodes_or_members():
    told = []

    def act(observations, numbers):
        told.append(numbers.tolist())
        return np.zeros(len(observations), np.int64)

    rollout_population(act, TRAIN[:3], 2, 1)
    rollout_population(act, TRAIN[:3], 2, 1, by_episode=True)
    assert told == [[0, 0, 0, 1, 1, 1], [0, 1, 2, 3, 4, 5]]
