"""Environments in numbered lanes: many episodes are stepped as one batch, each started from its own seed.

Some are stepped together, see :mod:`neuroloom.core.compiled_worlds`: CartPole on gymnasium's own vectorised
environment, started from the states that the single one draws for the same seeds (the same returns, many times faster),
and those of this package. Any other environment of gymnasium is stepped one by one while its policy still sees all live
episodes as one batch; those of EnvPool are compiled, see :mod:`neuroloom.core.pools`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuroloom.core import double_pole, dual_task, maze, reversal_bandit
from neuroloom.core.errors import InputError, unknown
from neuroloom.core.samples import EnvSet

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_LANES = 256  # environments held at once
VECTORISED = ("CartPole-v0", "CartPole-v1")


def make_env(env_id: str, options: dict[str, Any] | None = None) -> Any:
    """Return ``gymnasium.make(env_id, **options)``.

    Raises:
        InputError: no such environment is registered, or it cannot be made here.
    """
    import gymnasium

    double_pole.register()
    dual_task.register()
    maze.register()
    reversal_bandit.register()
    try:
        return gymnasium.make(env_id, disable_env_checker=True, **(options or {}))
    except (gymnasium.error.NameNotFound, gymnasium.error.NamespaceNotFound) as error:
        hint = "See gymnasium.registry for all, and register your own with gymnasium.register(...)."
        raise unknown("environment", env_id, gymnasium.registry, hint) from error
    except InputError:
        raise
    except ImportError as error:
        hint = (
            " A module of this folder is found with PYTHONPATH=. before the command." if ":" in env_id else ""
        )
        raise InputError(f"environment {env_id!r} cannot be made: {error}.{hint}") from error
    except gymnasium.error.Error as error:
        raise InputError(f"environment {env_id!r} cannot be made: {error}") from error
    except Exception as error:  # a user's environment may fail in any way
        raise InputError(f"environment {env_id!r} cannot be made: {type(error).__name__}: {error}") from error


def env_spaces(X: EnvSet) -> tuple[Any, Any, Any]:
    """Return what is seen and what is done in the environment of ``X``, and what its episodes' behaviours lie in.

    Spaces of gymnasium; the last is None where an environment describes no behaviour.

    Raises:
        InputError: the environment is not known, or cannot be made.
    """
    if X.simulator == "envpool":
        from neuroloom.core.pools import pool_spaces

        return (*pool_spaces(X), None)
    env = make_env(X.env_id, X.options)
    try:
        return (
            env.observation_space,
            env.action_space,
            getattr(env.unwrapped, "behaviour_space", None),
        )
    finally:
        env.close()


def solved_at(X: EnvSet, max_steps: int | None = None) -> float:
    """Return the mean return from which the environment of ``X`` counts as solved, infinity where it names none.

    Where ``max_steps`` cut episodes before the environment does, their returns cannot be compared with that: infinity.
    """
    limit = step_limit(X) if max_steps is not None else None
    if max_steps is not None and (limit is None or max_steps < limit):
        return np.inf
    threshold = _setting(X, "reward_threshold")
    return np.inf if threshold is None else float(threshold)


def step_limit(X: EnvSet) -> int | None:
    """Return after how many steps the environment of ``X`` cuts an episode, None where it does not say."""
    limit = _setting(X, "max_episode_steps")
    return int(limit) if limit else None


def _setting(X: EnvSet, name: str) -> float | None:
    """Return what the environment of ``X`` says of itself, by the name that gymnasium and EnvPool share."""
    if X.simulator == "envpool":
        from neuroloom.core.pools import pool_setting

        return pool_setting(X, name)
    env = make_env(X.env_id, X.options)
    try:
        return getattr(env.spec, name, None)
    finally:
        env.close()


class Stepped(NamedTuple):
    """What a step of some lanes gave, a row a lane.

    Args:
        observations: ``(m, …)`` seen after the step; where the episode ended, its last.
        rewards: ``(m,)``.
        terminated: ``(m,)`` whether the episode came to its own end, after which nothing can be earned.
        truncated: ``(m,)`` whether it was cut, as by a limit of steps.
    """

    observations: NDArray[Any]
    rewards: Floats
    terminated: Bools
    truncated: Bools


class Worlds(ABC):
    """Environments in numbered lanes."""

    lanes: int

    @abstractmethod
    def reset(self, lanes: Ints, seeds: Ints) -> NDArray[Any]:
        """Start an episode in each of ``lanes`` and return the first observations."""

    @abstractmethod
    def step(self, lanes: Ints, actions: Any) -> Stepped:
        """Act in ``lanes``, one action each.

        Raises:
            InputError: ``actions`` are none of the environment's.
        """

    def ends(self, lanes: Ints, observations: NDArray[Any]) -> Floats:
        """Return how the episodes in ``lanes`` ended, ``(lanes, b)``; ``observations`` were the last."""
        return np.asarray(observations, dtype=np.float64).reshape(len(lanes), -1)

    @abstractmethod
    def close(self) -> None:
        """Let go of what the environments hold."""


def open_worlds(X: EnvSet, lanes: int) -> Worlds:
    """Return at most ``lanes`` lanes of the environment of ``X``; to be closed after use.

    Raises:
        InputError: the environment is not known, or cannot be made.
    """
    if X.simulator == "envpool":
        from neuroloom.core.pools import open_pools

        return open_pools(X, lanes)
    from neuroloom.core.compiled_worlds import compiled

    return compiled(X, lanes) or _Singles(X, min(lanes, _LANES))


class _Singles(Worlds):
    """One environment a lane, stepped one after another."""

    def __init__(self, X: EnvSet, lanes: int) -> None:
        first = make_env(X.env_id, X.options)
        self._envs = [first, *(make_env(X.env_id, X.options) for _ in range(lanes - 1))]
        self._space = first.action_space
        self._env_id = X.env_id
        self._infos: list[dict[str, Any]] = [{}] * lanes
        self.lanes = lanes

    def reset(self, lanes: Ints, seeds: Ints) -> NDArray[Any]:
        started = [self._envs[lane].reset(seed=int(seed)) for lane, seed in zip(lanes, seeds, strict=True)]
        return np.stack([np.asarray(observation) for observation, _ in started])

    def step(self, lanes: Ints, actions: Any) -> Stepped:
        checked = check_actions(actions, self._space, len(lanes), self._env_id)
        taken = [self._envs[lane].step(action) for lane, action in zip(lanes, checked, strict=True)]
        observations, rewards, terminated, truncated, infos = zip(*taken, strict=True)
        for lane, info in zip(lanes, infos, strict=True):
            self._infos[lane] = info
        return Stepped(
            np.stack([np.asarray(o) for o in observations]),
            np.array(rewards, dtype=np.float64),
            np.array(terminated, dtype=bool),
            np.array(truncated, dtype=bool),
        )

    def ends(self, lanes: Ints, observations: NDArray[Any]) -> Floats:
        said = [self._infos[lane].get("behaviour") for lane in lanes]
        if any(one is None for one in said):
            return super().ends(lanes, observations)
        return np.array(said, dtype=np.float64).reshape(len(lanes), -1)

    def close(self) -> None:
        for env in self._envs:
            env.close()


def check_actions(actions: Any, space: Any, count: int, env_id: str) -> NDArray[Any]:
    """Return ``actions`` as an array that the environment takes, one row an episode."""
    rows = np.asarray(actions)
    if type(space).__name__ == "Discrete":
        good = rows.shape == (count,) and np.issubdtype(rows.dtype, np.integer)
        if not good or (count and (rows.min() < space.start or rows.max() >= space.start + space.n)):
            raise InputError(
                f"act must return {count} whole numbers from {space.start} to {space.start + space.n - 1} for "
                f"{env_id}, but returned shape {rows.shape} and dtype {rows.dtype}"
                + (f" with values from {rows.min()} to {rows.max()}." if good and rows.size else ".")
            )
        return rows
    if type(space).__name__ == "Box":
        if rows.shape != (count, *space.shape) or not np.isfinite(rows).all():
            raise InputError(
                f"act must return finite actions of shape {(count, *space.shape)} for {env_id}, but returned "
                f"shape {rows.shape}; discrete actions are whole numbers, continuous ones arrays."
            )
        whole = np.issubdtype(space.dtype, np.integer)
        return (np.rint(rows) if whole else rows).astype(space.dtype)
    if len(rows) != count:
        raise InputError(f"act must return {count} actions for {env_id}, but returned {len(rows)}.")
    return rows
