"""A budget of steps for ``neuroloom try`` on a control task: what each policy may play in the time given.

Policies are compared at equal steps of the environment, the field's currency. How many there can be is told by
playing at random for a second first.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10
from typing import Any

import numpy as np

from neuroloom.core.episodes import play_population, spaces
from neuroloom.core.samples import EnvSet
from neuroloom.core.worlds import step_limit
from neuroloom.methods import Recipe, recipe
from neuroloom.methods.make import parameters
from neuroloom.tasks import Task, open_task

ROUNDS = 3  # that the time is meant for
SPENT = 0.6  # of it, on training
LEARNING = 6e-5  # CPU seconds that a method takes over a step of its own, roughly
GENERATIONS = 30  # that an evolution should have at least
POPULATION = (16, 150)
LEAST = 5_000  # steps, so that every method gets past its warm-up
TEST = (20, 100)  # episodes that policies are scored on
_SECONDS, _CHUNK, _CUT = 1.0, 4, 500


@dataclass(frozen=True)
class Budget:
    """What the policies of an attempt may play.

    Args:
        steps: of the environment in training, for each policy.
        population: of those that evolve.
        pace: steps a CPU second, played at random.
        length: mean steps of an episode that is played at random, cut at 500.
        params: parameters by method, for the config.
    """

    steps: int
    population: int
    pace: float
    length: float
    params: dict[str, dict[str, Any]]


def plan_control(task: Task, seconds: float, methods: Sequence[str]) -> tuple[Task, Budget]:
    """Return the task, scored on fewer episodes where the environment is slow, and what each method may play.

    Args:
        task: whose samples are episodes.
        seconds: CPU seconds for the whole attempt.
        methods: names of methods.
    """
    X = task.load().X
    pace, length = measure_pace(X)
    share = SPENT * seconds / (ROUNDS * max(len(methods), 1))
    steps = max(LEAST, _two_digits(share / (1 / pace + LEARNING)))
    population = int(np.clip(steps / (GENERATIONS * 2 * length), *POPULATION))
    given = {"steps": steps, "population": population, "generations": 1_000_000}
    params = {}
    for name in methods:
        found = recipe(name, task.kind, task.problem)
        known = parameters(found.steps[-1].cls()) if isinstance(found, Recipe) else ()
        if "steps" in known:
            params[name] = {part: value for part, value in given.items() if part in known}
    if "test" in getattr(task, "takes", ()):
        longest = max(length, 0.5 * (step_limit(X) or 0))  # good policies often play on and on
        test = int(np.clip(steps / (4 * longest), *TEST))
        task = open_task({**task.spec, "test": test})
    return task, Budget(steps, population, pace, length, params)


def measure_pace(X: EnvSet) -> tuple[float, float]:
    """Return the steps a CPU second and the mean steps of an episode of ``X``, cut at 500, under random actions."""
    own, draw = spaces(X), np.random.default_rng(0)
    low, high = np.clip(own.low, -1, None), np.clip(own.high, None, 1)

    def act(observations: Any, _: Any) -> Any:
        if own.actions:
            return draw.integers(own.start, own.start + own.actions, len(observations))
        return draw.uniform(low, high, (len(observations), *low.shape))

    steps = episodes = 0
    spent = 0.0
    for begin in range(0, len(X), _CHUNK):
        began = time.process_time()
        some = X[begin : begin + _CHUNK]
        played = play_population(act, some, 1, _CUT).steps
        if begin == 0 and len(X) > _CHUNK:
            continue  # which compiled and loaded
        spent += time.process_time() - began
        steps, episodes = steps + played, episodes + len(some)
        if spent > _SECONDS:
            break
    return steps / max(spent, 1e-9), steps / max(episodes, 1)


def budget_lines(budget: Budget) -> list[str]:
    """Return what a user should know of a budget."""
    return [
        f"  - {budget.steps:,} steps of training for each policy, for {ROUNDS} rounds in the time given",
        f"    (played at random: {_two_digits(budget.pace):,} steps a second here)",
    ]


def _two_digits(value: float) -> int:
    """Return ``value`` rounded down to two digits."""
    unit = 10 ** max(0, floor(log10(max(value, 1))) - 1)
    return int(value // unit * unit)
