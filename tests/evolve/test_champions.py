"""The choice of a run's policy: luck on few starts does not carry, and every start played is counted."""

import pickle

import numpy as np
import pytest

from neuroloom.core import EnvSet
from neuroloom.core.episodes import Played, rollout, spaces
from neuroloom.evolve import (
    NEAT,
    ESHyperNEATPolicy,
    FixedTopologyPolicy,
    HyperNEATPolicy,
    NEATConfig,
    NEATPolicy,
)
from neuroloom.evolve.champions import CONFIRMED, FIRST, HALF, JUDGED, Champions
from neuroloom.evolve.population import pack_genomes, size, take
from neuroloom.evolve.recurrent import compile_networks


class Game:
    """Returns ``(genomes, starts)`` looked up by a genome's first weight."""

    def __init__(self, returns):
        self.genes = NEAT(NEATConfig(1, 1, population=len(returns), initial_connection="full"), 0).genes
        self.genes.weight[:] = np.repeat(np.arange(len(returns)), np.diff(self.genes.conn_ptr))
        self.returns, self.asked = np.asarray(returns, float), []

    def play(self, genes, rows):
        """Play and take 3 steps an episode."""
        who = genes.weight[genes.conn_ptr[:-1]].astype(int)
        self.asked.append((who.tolist(), rows.tolist()))
        return Played(self.returns[np.ix_(who, rows)], None, 3 * size(genes) * len(rows))

    def who(self, candidate):
        """Return the number of a candidate."""
        return int(candidate.genes.weight[0])


def test_challengers_race_on_the_first_starts_and_the_winner_plays_on():
    game = Game(np.array([[1.0], [5.0], [3.0], [9.0]]) * np.ones(200))
    champions = Champions(game.play, 200, 250)  # three challengers: one in each begun hundred
    assert champions.challenge(game.genes, np.array([4.0, 3, 2, 1]))
    assert game.asked == [([0, 1, 2], list(range(FIRST))), ([1], list(range(FIRST, JUDGED)))]
    assert game.who(champions.best) == 1
    assert champions.best.score == 5
    assert champions.steps == 3 * (3 * FIRST + JUDGED - FIRST)
    game.asked.clear()
    assert not champions.challenge(take(game.genes, [2]), np.ones(1))  # does worse on the first six
    assert game.asked == [([2], list(range(FIRST)))]
    assert not champions.challenge(take(game.genes, [1]), np.ones(1))  # is known
    assert champions.challenge(take(game.genes, [3]), np.ones(1))
    assert game.who(champions.best) == 3


def test_a_safe_challenger_is_not_kept_out_by_the_first_starts_of_a_quick_leader():
    """Who falls on one start in ten is first on six starts, and last on all of them."""
    quick, safe, slow = np.full(200, 310.0), np.full(200, 305.0), np.full(200, 250.0)
    quick[9::10] = 0  # on none of the first six
    game = Game(np.stack([quick, safe, slow]))
    champions = Champions(game.play, 200, 1)
    assert champions.challenge(take(game.genes, [0]), np.ones(1))
    assert champions.best.returns[:FIRST].mean() == 310
    assert champions.challenge(take(game.genes, [1]), np.ones(1))
    assert game.who(champions.best) == 1
    game.asked.clear()
    assert not champions.challenge(take(game.genes, [2]), np.ones(1))
    assert game.asked == [([2], list(range(FIRST)))]


def test_the_final_undoes_luck():
    rng = np.random.default_rng(0)
    worth = np.array([100.0, 90, 90, 90, 90, 90, 90, 90])
    returns = worth[:, None] + rng.normal(0, 10, (8, 200))
    returns[:, :JUDGED] = (
        np.arange(8)[:, None] + 200.0
    )  # where candidates are judged, the best has least luck
    game = Game(returns)
    champions = Champions(game.play, 200, 1)
    for k in range(8):
        assert champions.challenge(take(game.genes, [k]), np.ones(1))
    assert game.who(champions.best) == 7
    game.asked.clear()
    champions.decide(10_000)
    assert sum(len(rows) for _, rows in game.asked) == 8 * (HALF - JUDGED) + 4 * (CONFIRMED - HALF)
    assert game.who(champions.best) == 0
    assert champions.best.score == returns[0, JUDGED:CONFIRMED].mean()


@pytest.mark.parametrize(("episodes", "finalists"), [(900, 0), (1000, 2), (2000, 4), (4000, 8), (8000, 16)])
def test_a_final_takes_a_tenth_of_the_episodes_at_most(episodes, finalists):
    game = Game(np.arange(16.0)[:, None] * np.ones(200))
    champions = Champions(game.play, 200, 1)
    for k in range(16):
        assert champions.challenge(take(game.genes, [k]), np.ones(1))
    game.asked.clear()
    champions.decide(episodes)
    assert sorted({who for whos, _ in game.asked for who in whos}) == list(range(16 - finalists, 16))
    assert 10 * sum(len(rows) for _, rows in game.asked) <= episodes


def test_who_leads_by_luck_is_found_out_before_a_run_is_stopped():
    returns = np.ones((2, 200)) * [[10.0], [8.0]]
    returns[0, JUDGED:] = 0
    game = Game(returns)
    champions = Champions(game.play, 200, 1)
    champions.challenge(take(game.genes, [1]), np.ones(1))
    champions.challenge(take(game.genes, [0]), np.ones(1))
    assert game.who(champions.best) == 0
    assert champions.confirm() == 8
    assert game.who(champions.best) == 1
    assert len(champions.best.returns) == CONFIRMED


def test_few_starts_are_enough():
    game = Game([[1.0, 2], [3, 4]])
    champions = Champions(game.play, 2, 1)
    assert champions.challenge(game.genes, np.array([0.0, 1]))
    assert champions.best.score == 3.5
    assert champions.confirm() == 3.5
    champions.decide(10_000)
    assert champions.best.score == 3.5


@pytest.mark.parametrize("policy", [NEATPolicy, HyperNEATPolicy, ESHyperNEATPolicy, FixedTopologyPolicy])
def test_who_acts_is_who_was_judged(policy):
    X = EnvSet("neuroloom/DualTask-v0", range(3))  # where a hair's breadth decides whether a wall is touched
    made = policy(population=12, generations=2, episodes=1, random_state=0).fit(X)
    networks = compile_networks(pack_genomes([made.best_genome_]), made._config(spaces(X)))
    judged = made._player(X)(networks, np.arange(3), None).returns[0]
    np.testing.assert_array_equal(made.predict(X), judged)
    again = pickle.loads(pickle.dumps(made))
    np.testing.assert_array_equal(rollout(again.act, X), judged)
