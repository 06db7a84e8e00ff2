"""A population's episodes in several processes of a real local Ray: the results of one process, also if one dies."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from neuroloom.core import EnvSet
from neuroloom.core.episodes import play_population
from neuroloom.core.errors import InputError
from neuroloom.core.spread import Spread, spread_episodes, spread_here
from neuroloom.evolve import NEATPolicy

ray = pytest.importorskip("ray")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning"
    ),
]
STARTS = EnvSet("Acrobot-v1", np.arange(3))


@pytest.fixture(scope="module")
def spread() -> Iterator[Spread]:
    with spread_episodes(2):
        found = spread_here()
        assert found is not None
        yield found


def _pushes(observations: Any, members: Any) -> Any:
    """Each member pushes by another weight of the two speeds."""
    return 1 + np.sign((0.3 * members - 0.8) * observations[:, 4] + observations[:, 5]).astype(int)


def _alone(*given: Any, **more: Any) -> Any:
    from neuroloom.core import spread as module

    token = module._spread.set(None)
    try:
        return play_population(*given, **more)
    finally:
        module._spread.reset(token)


@pytest.mark.parametrize("members", [2, 5])
def test_a_population_plays_as_in_one_process(spread: Spread, members: int) -> None:
    before = spread.played
    there = play_population(_pushes, STARTS, members, 60, ends=True)
    here = _alone(_pushes, STARTS, members, 60, ends=True)
    np.testing.assert_array_equal(there.returns, here.returns)
    np.testing.assert_array_equal(there.ends, here.ends)
    assert there.steps == here.steps
    assert spread.played == before + 2
    memory = np.zeros(members * len(STARTS))

    def remembers(observations: Any, episodes: Any) -> Any:
        memory[episodes] += 1
        return (memory[episodes].astype(int) + episodes) % 3

    there = play_population(remembers, STARTS, members, 40, by_episode=True, ends=True)
    memory[:] = 0
    here = _alone(remembers, STARTS, members, 40, by_episode=True, ends=True)
    np.testing.assert_array_equal(there.ends, here.ends)


def test_a_player_that_dies_is_replaced(spread: Spread) -> None:
    pid = ray.get(spread.players[1].__ray_call__.remote(lambda self: os.getpid()))
    before = spread.retried
    os.kill(pid, signal.SIGKILL)
    there = play_population(_pushes, STARTS, 4, 60)
    assert spread.retried == before + 1
    np.testing.assert_array_equal(there.returns, _alone(_pushes, STARTS, 4, 60).returns)


def test_an_evolution_is_the_same(spread: Spread) -> None:
    from neuroloom.core import spread as module

    def fitted() -> NEATPolicy:
        return NEATPolicy(population=12, generations=2, max_steps=40, random_state=3).fit(STARTS)

    there = fitted()
    token = module._spread.set(None)
    try:
        here = fitted()
    finally:
        module._spread.reset(token)
    assert there.best_genome_ == here.best_genome_
    assert _scores(there) == _scores(here)


def _scores(policy: Any) -> list[Any]:
    return [{name: value for name, value in one.items() if name != "seconds"} for one in policy.history_]


def test_too_many_workers_are_refused(spread: Spread) -> None:
    with pytest.raises(InputError, match="room for 2 workers, but 99 were asked for"), spread_episodes(99):
        pass
