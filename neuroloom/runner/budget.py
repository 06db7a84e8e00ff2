"""A budget of steps for ``neuroloom try`` on a control task: what each policy may play in the time given.

Policies are compared at the same budget of steps of the environment, the field's currency; a generation that has begun
is played to its end. How many steps there can be is told by playing at random for about a second first.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10
from typing import Any

import numpy as np

from neuroloom.core.episodes import Spaces, play_population, spaces
from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.core.samples import EnvSet
from neuroloom.core.worlds import step_limit
from neuroloom.methods import Recipe, recipe
from neuroloom.methods.make import parameters
from neuroloom.tasks import Task, open_task

ROUNDS = 3  # that the time is meant for
SPENT = 0.6  # of it, on training
LEARNING = 6e-5  # CPU seconds that a method takes over a step of its own, roughly
GENERATIONS = 30  # that an evolution should have at least
POPULATION = (8, 150)
LEAST = 5_000  # steps, so that every method gets past its warm-up
TEST = (20, 100)  # episodes that policies are scored on
_SECONDS, _CHUNKS, _FIRST_CUT, _CUT = 1.0, (1, 1, 4, 16, 64), 50, 500


@dataclass(frozen=True)
class Budget:
    """What the policies of an attempt may play.

    Args:
        steps: of the environment in training, for each policy.
        population: of those that evolve.
        pace: steps a second, played at random.
        length: mean steps of an episode that is played at random, cut at 500.
        scarce: whether the time does not allow as many steps.
        params: parameters by method, for the config.
    """

    steps: int
    population: int
    pace: float
    length: float
    scarce: bool
    params: dict[str, dict[str, Any]]


def plan_control(task: Task, seconds: float, methods: Sequence[str], limit: float) -> tuple[Task, Budget]:
    """Return the task, scored on fewer episodes where the environment is slow, and what each method may play.

    Args:
        task: whose samples are episodes.
        seconds: CPU seconds for the whole attempt.
        methods: names of methods.
        limit: seconds that one trial may take.

    Raises:
        InputError: the environment fails while it is played.
    """
    X = task.load().X
    try:
        pace, length = measure_pace(X)
    except (InputError, NotSupportedError):
        raise
    except Exception as error:  # a user's environment may fail in any way
        raise InputError(
            f"{X.env_id} failed while it was played at random: {type(error).__name__}: {error}"
        ) from error
    share = SPENT * min(seconds / (ROUNDS * max(len(methods), 1)), limit)
    affordable = _two_digits(share / (1 / pace + LEARNING))
    steps = max(LEAST, affordable)
    population = int(np.clip(steps / (GENERATIONS * 2 * length), *POPULATION))
    given = {
        "steps": steps,
        "population": population,
        "generations": 1_000_000,
        "early_stopping": False,
    }
    params = {}
    for name in methods:
        own = name.partition("+")[0]  # of what is tuned, the method itself
        found = recipe(own, task.kind, task.problem)
        known = parameters(found.steps[-1].cls()) if isinstance(found, Recipe) else ()
        if "steps" in known:
            params[own] = {part: value for part, value in given.items() if part in known}
    if "test" in getattr(task, "takes", ()):
        longest = max(length, 0.5 * (step_limit(X) or 0))  # good policies often play on and on
        test = int(np.clip(steps / (4 * longest), *TEST))
        task = open_task({**task.spec, "test": test})
    return task, Budget(steps, population, pace, length, affordable < LEAST, params)


def measure_pace(X: EnvSet) -> tuple[float, float]:
    """Return the steps a second and the mean steps of an episode of ``X``, cut at 500, under random actions.

    More and more episodes are played side by side until a second has gone; the last of these tell.
    """
    own, draw = spaces(X), np.random.default_rng(0)
    began, begin, pace = time.perf_counter(), 0, 0.0
    lengths: list[float] = []
    for k, many in enumerate(_CHUNKS):
        some = X[begin : begin + many]
        if not len(some) or (k and time.perf_counter() - began > _SECONDS):
            break
        started = time.perf_counter(), time.process_time()
        steps = play_population(_at_random(own, draw), some, 1, _CUT if k else _FIRST_CUT).steps
        spent = max(time.perf_counter() - started[0], time.process_time() - started[1], 1e-6)
        begin, pace = begin + many, steps / spent
        lengths = [*(lengths if k > 1 else []), steps / len(some)]
    return pace, float(np.mean(lengths))


def _at_random(own: Spaces, draw: np.random.Generator) -> Any:
    low, high = np.maximum(own.low, -1e3), np.minimum(own.high, 1e3)

    def act(observations: Any, _: Any) -> Any:
        if own.actions:
            return own.start + draw.integers(own.actions, size=len(observations))
        return draw.uniform(low, high, (len(observations), *low.shape))

    return act


def budget_lines(budget: Budget) -> list[str]:
    """Return what a user should know of a budget."""
    lines = [
        f"  - {budget.steps:,} steps of training for each policy, for {ROUNDS} rounds in the time given",
        f"    (played at random: {_two_digits(budget.pace):,} steps a second here)",
    ]
    if budget.scarce:
        lines.append("  - that is the least, and more than the time allows: pass more --minutes")
    return lines


def _two_digits(value: float) -> int:
    """Return ``value`` rounded down to two digits."""
    unit = 10 ** max(0, floor(log10(max(value, 1))) - 1)
    return int(value // unit * unit)
