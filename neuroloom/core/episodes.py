"""Episodes: a policy acts in many environments at once, and the sums of rewards come back.

Every episode has its own seed and its own environment, and one that has ended leaves the batch, so a return depends on
the seed and the policy alone, never on which episodes are run beside it. CartPole runs on gymnasium's own vectorised
environment, started from the states that the single one draws for the same seeds: the same returns, many times
faster. Double pole balancing and the mazes step all their lanes in a compiled kernel, the reversal bandit in NumPy. Any
other environment is stepped one by one while the policy still sees all live episodes as one batch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from neuroloom.core import double_pole, maze, reversal_bandit
from neuroloom.core.checks import check_int
from neuroloom.core.double_pole import DOUBLE_POLES, SEEN, random_start
from neuroloom.core.errors import InputError, NotSupportedError, unknown
from neuroloom.core.samples import EnvSet

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Act = Callable[[NDArray[Any]], NDArray[Any]]
ActMany = Callable[[NDArray[Any], Ints], NDArray[Any]]

_LANES = 256  # environments held at once; more episodes than this take turns
_VECTORISED = ("CartPole-v0", "CartPole-v1")


@dataclass(frozen=True, eq=False)
class Spaces:
    """What a policy sees and does.

    Args:
        observation: shape of one observation.
        states: number of states where observations are discrete, else 0.
        actions: number of actions where they are discrete, else 0.
        start: the first discrete action.
        low: smallest value of each entry of a continuous action, shape as one action's.
        high: largest value of each entry.
    """

    observation: tuple[int, ...]
    states: int
    actions: int
    start: int
    low: Floats
    high: Floats

    @property
    def inputs(self) -> int:
        """Length of a flattened observation; a discrete one is one-hot."""
        return self.states or int(np.prod(self.observation, dtype=np.int64))

    def flatten(self, observations: NDArray[Any]) -> Floats:
        """Return ``(n, inputs)`` floats for a batch of observations."""
        if self.states:
            return np.eye(self.states)[np.asarray(observations, dtype=np.int64)]
        rows = np.asarray(observations, dtype=np.float64)
        if rows.ndim == 0 or rows.shape[1:] != self.observation:
            raise InputError(
                f"observations must have shape (n, {', '.join(map(str, self.observation))}), but have {rows.shape}."
            )
        return rows.reshape(len(rows), self.inputs)


def make_env(env_id: str, options: dict[str, Any] | None = None) -> Any:
    """Return ``gymnasium.make(env_id, **options)``.

    Raises:
        InputError: no such environment is registered, or it cannot be made here.
    """
    import gymnasium

    double_pole.register()
    maze.register()
    reversal_bandit.register()
    try:
        return gymnasium.make(env_id, disable_env_checker=True, **(options or {}))
    except (gymnasium.error.NameNotFound, gymnasium.error.NamespaceNotFound) as error:
        hint = "See gymnasium.registry for all, and register your own with gymnasium.register(...)."
        raise unknown("environment", env_id, gymnasium.registry, hint) from error
    except (gymnasium.error.Error, TypeError) as error:
        raise InputError(f"environment {env_id!r} cannot be made: {error}") from error


def spaces(X: EnvSet) -> Spaces:
    """Return what a policy sees and does in the environment of ``X``.

    Raises:
        InputError: the environment is not known.
        NotSupportedError: its observations or actions are neither numbers (``Box``) nor ``Discrete``.
    """
    env = make_env(X.env_id, X.options)
    try:
        seen, done = env.observation_space, env.action_space
    finally:
        env.close()
    for name, space in (("observations", seen), ("actions", done)):
        if type(space).__name__ not in ("Box", "Discrete"):
            raise NotSupportedError(
                f"{X.env_id} has {type(space).__name__} {name}, but policies need Box or Discrete ones; wrap the "
                "environment with one of gymnasium's own wrappers (FlattenObservation, …) and register that."
            )
    continuous = type(done).__name__ == "Box"
    return Spaces(
        observation=tuple(seen.shape),
        states=0 if type(seen).__name__ == "Box" else int(seen.n),
        actions=0 if continuous else int(done.n),
        start=0 if continuous else int(done.start),
        low=np.asarray(done.low if continuous else 0, dtype=np.float64),
        high=np.asarray(done.high if continuous else 0, dtype=np.float64),
    )


def behaviour_ranges(X: EnvSet) -> list[tuple[float, float]] | None:
    """Return ``(low, high)`` of each number of the behaviours that the environment of ``X`` gives.

    Such an environment has a ``behaviour_space``, a ``Box``, and ``info["behaviour"]`` in its last step; None without.
    """
    env = make_env(X.env_id, X.options)
    try:
        space = getattr(env.unwrapped, "behaviour_space", None)
    finally:
        env.close()
    return None if space is None else list(zip(space.low.tolist(), space.high.tolist(), strict=True))


def cart_poles(X: EnvSet) -> tuple[Floats, int] | None:
    """Return the states ``(4, n)`` that the episodes of ``X`` begin in and their limit of steps.

    For kernels that simulate CartPole themselves; None for any other environment, or one with options.
    """
    if X.env_id not in _VECTORISED or X.options:
        return None
    env = make_env(X.env_id)
    try:
        starts = np.empty((4, len(X)))
        for k, seed in enumerate(X.seeds):
            env.reset(seed=int(seed))
            starts[:, k] = env.unwrapped.state
        return starts, int(env.spec.max_episode_steps)
    finally:
        env.close()


def rollout(act: Act | PolicyMixin, X: EnvSet, max_steps: int | None = None) -> Floats:
    """Run every episode of ``X`` to its end and return the undiscounted sums of rewards.

    Args:
        act: observations ``(m, …)`` of the live episodes -> their actions ``(m,)`` or ``(m, …)``. A policy, or its own
            ``act``, remembers each episode apart if it has a memory, see :meth:`PolicyMixin.actor`.
        X: the episodes.
        max_steps: episodes are cut after so many steps; None leaves it to the environment's own limit.

    Returns:
        ``(n,)`` returns.

    Raises:
        InputError: the environment is not known, or ``act`` returns something that is no action.
    """
    policy = act if isinstance(act, PolicyMixin) else getattr(act, "__self__", None)
    if isinstance(policy, PolicyMixin) and act in (policy, policy.act):
        each = policy.actor()
    else:
        each = _forgetful(cast(Act, act))
    returns: Floats = rollout_population(each, X, 1, max_steps, by_episode=True)[0]
    return returns


def _forgetful(act: Act) -> ActMany:
    return lambda observations, _: act(observations)


class Played(NamedTuple):
    """What a population's episodes gave.

    Args:
        returns: ``(members, n)`` undiscounted sums of rewards.
        ends: ``(members, n, b)`` how each episode ended: what the environment says in ``info["behaviour"]`` of its last
            step, else its last observation; None where they were not asked for.
        steps: steps that the environments took in all.
    """

    returns: Floats
    ends: Floats | None = None
    steps: int = 0


def rollout_population(
    act: ActMany, X: EnvSet, members: int, max_steps: int | None = None, *, by_episode: bool = False
) -> Floats:
    """Return the ``(members, n)`` returns of :func:`play_population`."""
    return play_population(act, X, members, max_steps, by_episode=by_episode).returns


def play_population(
    act: ActMany,
    X: EnvSet,
    members: int,
    max_steps: int | None = None,
    *,
    by_episode: bool = False,
    ends: bool = False,
) -> Played:
    """Run every episode of ``X`` for each member of a population, all of them at once.

    Args:
        act: observations ``(m, …)`` of the live episodes and the members ``(m,)`` who play them, ascending
            -> actions ``(m,)`` or ``(m, …)``.
        X: the episodes, the same for all members.
        members: number of members, at least 1.
        max_steps: as for :func:`rollout`.
        by_episode: whether ``act`` is told the numbers of the live episodes instead, ascending, for a memory of each:
            episode ``e`` is played by member ``e // len(X)``.
        ends: whether to say how each episode ended.

    Raises:
        InputError: as for :func:`rollout`.
    """
    check_int("members", members)
    if max_steps is not None:
        check_int("max_steps", max_steps)
    episodes, n = members * len(X), len(X)
    returns = np.zeros(episodes)
    if n == 0:
        return Played(returns.reshape(members, 0), np.empty((members, 0, 0)) if ends else None)
    worlds = _worlds(X, episodes)
    last: list[tuple[Ints, Floats]] | None = [] if ends else None
    try:
        steps = _run(act, worlds, np.tile(X.seeds, members), 1 if by_episode else n, returns, max_steps, last)
    finally:
        worlds.close()
    if last is None:
        return Played(returns.reshape(members, n), None, steps)
    order = np.argsort(np.concatenate([numbers for numbers, _ in last]))
    rows = np.concatenate([rows for _, rows in last])[order]
    return Played(returns.reshape(members, n), rows.reshape(members, n, -1), steps)


def _run(
    act: ActMany,
    worlds: _Worlds,
    seeds: Ints,
    n: int,
    returns: Floats,
    max_steps: int | None,
    last: list[tuple[Ints, Floats]] | None,
) -> int:
    """Play all ``seeds``; episode ``e`` adds to ``returns[e]``, and ``act`` is told ``e // n``.

    ``last`` is given the numbers of the episodes that end and how they do. Returns the steps taken.
    """
    lanes = np.arange(min(worlds.lanes, len(seeds)))
    episode = lanes.copy()
    waiting = len(lanes)
    steps, taken = np.zeros(len(lanes), dtype=np.int64), 0
    observations = worlds.reset(lanes, seeds[lanes])
    while len(lanes):
        taken += len(lanes)
        actions = act(observations, episode // n)
        observations, rewards, ended = worlds.step(lanes, actions)
        returns[episode] += rewards
        steps += 1
        if max_steps is not None:
            ended = ended | (steps >= max_steps)
        if not ended.any():
            continue
        if last is not None:
            last.append((episode[ended], worlds.ends(lanes[ended], observations[ended])))
        refill = lanes[ended][: len(seeds) - waiting]
        fresh = np.arange(waiting, waiting + len(refill))
        waiting += len(refill)
        live = ~ended
        lanes, episode = np.append(lanes[live], refill), np.append(episode[live], fresh)
        steps = np.append(steps[live], np.zeros(len(fresh), dtype=np.int64))
        observations = observations[live]
        if len(fresh):
            started = worlds.reset(refill, seeds[fresh])
            observations = np.concatenate([observations, started])
    return taken


class _Worlds(ABC):
    """Environments in numbered lanes."""

    lanes: int

    @abstractmethod
    def reset(self, lanes: Ints, seeds: Ints) -> NDArray[Any]:
        """Start an episode in each of ``lanes`` and return the first observations."""

    @abstractmethod
    def step(self, lanes: Ints, actions: Any) -> tuple[NDArray[Any], Floats, NDArray[np.bool_]]:
        """Act in ``lanes`` and return observations, rewards and which episodes ended."""

    def ends(self, lanes: Ints, observations: NDArray[Any]) -> Floats:
        """Return how the episodes in ``lanes`` ended, ``(lanes, b)``; ``observations`` were the last."""
        return np.asarray(observations, dtype=np.float64).reshape(len(lanes), -1)

    @abstractmethod
    def close(self) -> None:
        """Let go of what the environments hold."""


def _worlds(X: EnvSet, episodes: int) -> _Worlds:
    if X.env_id in _VECTORISED and set(X.options) <= {"sutton_barto_reward"}:
        return _CartPoles(X, episodes)
    if X.env_id in DOUBLE_POLES and not X.options:
        return _DoublePoles(X, episodes)
    if X.env_id in maze.MAZES and set(X.options) <= {"spread"}:
        return _Mazes(X, episodes)
    if X.env_id == reversal_bandit.REVERSAL_BANDIT and set(X.options) <= set(reversal_bandit.Bandit._fields):
        return _Bandits(X, episodes)
    return _Singles(X, min(episodes, _LANES))


class _Singles(_Worlds):
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

    def step(self, lanes: Ints, actions: Any) -> tuple[NDArray[Any], Floats, NDArray[np.bool_]]:
        checked = _actions(actions, self._space, len(lanes), self._env_id)
        taken = [self._envs[lane].step(action) for lane, action in zip(lanes, checked, strict=True)]
        observations, rewards, terminated, truncated, infos = zip(*taken, strict=True)
        for lane, info in zip(lanes, infos, strict=True):
            self._infos[lane] = info
        ended = np.array(terminated, dtype=bool) | np.array(truncated, dtype=bool)
        return np.stack([np.asarray(o) for o in observations]), np.array(rewards, dtype=np.float64), ended

    def ends(self, lanes: Ints, observations: NDArray[Any]) -> Floats:
        said = [self._infos[lane].get("behaviour") for lane in lanes]
        if any(one is None for one in said):
            return super().ends(lanes, observations)
        return np.array(said, dtype=np.float64).reshape(len(lanes), -1)

    def close(self) -> None:
        for env in self._envs:
            env.close()


class _CartPoles(_Worlds):
    """All lanes of CartPole in gymnasium's vectorised environment, each started from its own seed."""

    def __init__(self, X: EnvSet, lanes: int) -> None:
        import gymnasium

        self._env = gymnasium.make_vec(
            X.env_id, num_envs=lanes, vectorization_mode="vector_entry_point", **X.options
        ).unwrapped
        self._single = make_env(X.env_id, X.options)
        self._env_id = X.env_id
        self._all = np.zeros(lanes, dtype=self._env.action_space.dtype)
        self.lanes = lanes
        self._env.reset(seed=0)

    def reset(self, lanes: Ints, seeds: Ints) -> NDArray[Any]:
        own, where = np.unique(seeds, return_inverse=True)
        for k, seed in enumerate(own):
            self._single.reset(seed=int(seed))
            self._env.state[:, lanes[where == k]] = self._single.unwrapped.state[:, None]
        self._env.steps[lanes] = 0
        self._env.prev_done[lanes] = False
        return np.asarray(self._env.state.T[lanes], dtype=np.float32)

    def step(self, lanes: Ints, actions: Any) -> tuple[NDArray[Any], Floats, NDArray[np.bool_]]:
        self._all[lanes] = _actions(actions, self._single.action_space, len(lanes), self._env_id)
        observations, rewards, terminated, truncated, _ = self._env.step(self._all)
        ended = terminated | truncated
        return observations[lanes], rewards[lanes].astype(np.float64), ended[lanes]

    def close(self) -> None:
        self._env.close()
        self._single.close()


class _DoublePoles(_Worlds):
    """All lanes of double pole balancing, stepped by one call of the kernel."""

    def __init__(self, X: EnvSet, lanes: int) -> None:
        env = make_env(X.env_id)
        self._space, self._env_id = env.action_space, X.env_id
        env.close()
        self._seen = list(SEEN[DOUBLE_POLES.index(X.env_id)])
        self._state, self._steps = np.zeros((6, lanes)), np.zeros(lanes, np.int64)
        self.lanes = lanes

    def reset(self, lanes: Ints, seeds: Ints) -> NDArray[Any]:
        from gymnasium.utils.seeding import np_random

        own, where = np.unique(seeds, return_inverse=True)
        starts = [random_start(np_random(int(seed))[0]) for seed in own]
        self._state[:, lanes] = np.stack(starts, axis=1)[:, where]
        self._steps[lanes] = 0
        return self._observe(lanes)

    def step(self, lanes: Ints, actions: Any) -> tuple[NDArray[Any], Floats, NDArray[np.bool_]]:
        from neuroloom.core._kernels_double_pole import FORCE, push_lanes

        rows = _actions(actions, self._space, len(lanes), self._env_id)
        ended = np.empty(len(lanes), np.bool_)
        push_lanes(self._state, lanes, FORCE * rows[:, 0].astype(np.float64).clip(-1.0, 1.0), ended)
        self._steps[lanes] += 1
        return self._observe(lanes), np.ones(len(lanes)), ended | (self._steps[lanes] >= double_pole.LIMIT)

    def close(self) -> None:
        return

    def _observe(self, lanes: Ints) -> NDArray[Any]:
        return np.asarray(self._state[self._seen][:, lanes].T, dtype=np.float32)


class _Mazes(_Worlds):
    """All lanes of a maze, stepped by one call of the kernel."""

    def __init__(self, X: EnvSet, lanes: int) -> None:
        env = make_env(X.env_id, X.options)  # which checks the options
        self._space, self._env_id = env.action_space, X.env_id
        env.close()
        self._spread = float(X.options.get("spread", 0.0))
        self._maze = maze.maze(X.env_id)
        self._state, self._steps = np.zeros((5, lanes)), np.zeros(lanes, np.int64)
        self.lanes = lanes

    def reset(self, lanes: Ints, seeds: Ints) -> NDArray[Any]:
        from gymnasium.utils.seeding import np_random

        own, where = np.unique(seeds, return_inverse=True)
        starts = [maze.first_state(self._maze, self._spread, np_random(int(seed))[0]) for seed in own]
        self._state[:, lanes] = np.stack(starts, axis=1)[:, where]
        self._steps[lanes] = 0
        return self._observe(lanes)

    def step(self, lanes: Ints, actions: Any) -> tuple[NDArray[Any], Floats, NDArray[np.bool_]]:
        from neuroloom.core._kernels_maze import move_lanes

        rows = _actions(actions, self._space, len(lanes), self._env_id).astype(np.float64).clip(-1.0, 1.0)
        rewards, ended = np.empty(len(lanes)), np.empty(len(lanes), np.bool_)
        move_lanes(self._state, lanes, rows, self._maze.walls, self._maze.goal, rewards, ended)
        self._steps[lanes] += 1
        return self._observe(lanes), rewards, ended | (self._steps[lanes] >= maze.LIMIT)

    def ends(self, lanes: Ints, observations: NDArray[Any]) -> Floats:
        return maze.as_behaviour(self._maze, self._state[:2, lanes].T)

    def close(self) -> None:
        return

    def _observe(self, lanes: Ints) -> NDArray[Any]:
        from neuroloom.core._kernels_maze import sense_lanes

        seen = np.empty((len(lanes), 10))
        sense_lanes(self._state, lanes, self._maze.walls, self._maze.goal, seen)
        return seen.astype(np.float32)


class _Bandits(_Worlds):
    """All lanes of the reversal bandit, stepped together."""

    def __init__(self, X: EnvSet, lanes: int) -> None:
        env = make_env(X.env_id, X.options)
        self._space, self._env_id = env.action_space, X.env_id
        self._trials = reversal_bandit.Trials(env.unwrapped.trials.bandit, lanes)
        env.close()
        self.lanes = lanes

    def reset(self, lanes: Ints, seeds: Ints) -> NDArray[Any]:
        from gymnasium.utils.seeding import np_random

        own, where = np.unique(seeds, return_inverse=True)
        bandit = self._trials.bandit
        drawn = [reversal_bandit.draw_payments(bandit, np_random(int(seed))[0]) for seed in own]
        return self._trials.begin(lanes, np.stack(drawn)[where])

    def step(self, lanes: Ints, actions: Any) -> tuple[NDArray[Any], Floats, NDArray[np.bool_]]:
        return self._trials.step(lanes, _actions(actions, self._space, len(lanes), self._env_id))

    def close(self) -> None:
        return


def _actions(actions: Any, space: Any, count: int, env_id: str) -> NDArray[Any]:
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
        return rows.astype(space.dtype)
    if len(rows) != count:
        raise InputError(f"act must return {count} actions for {env_id}, but returned {len(rows)}.")
    return rows


class PolicyMixin(ABC):
    """What all policies share: returns and their mean from an ``act`` that subclasses give."""

    _estimator_type = "policy"

    @abstractmethod
    def act(self, observations: NDArray[Any]) -> NDArray[Any]:
        """Return one action for each of ``(n, …)`` observations."""

    def actor(self) -> ActMany:
        """Return a function from observations and the numbers of their episodes, ascending, to actions.

        A policy with a memory overrides this: what is returned remembers each episode apart, from nothing.
        """
        return _forgetful(self.act)

    def predict(self, X: EnvSet) -> Floats:
        """Return the ``(n,)`` returns of the episodes of ``X``."""
        return rollout(self, _env_set(X))

    def score(self, X: EnvSet, y: Any = None) -> float:
        """Return the mean return over the episodes of ``X``; ``y`` is not used."""
        return float(np.mean(self.predict(X)))


def _env_set(X: Any) -> EnvSet:
    if not isinstance(X, EnvSet):
        raise NotSupportedError(
            f"a policy needs episodes, EnvSet(env_id, seeds), but got {type(X).__name__}."
        )
    return X
