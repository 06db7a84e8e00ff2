"""Control: episodes of an environment, a built-in task's or any that gymnasium or EnvPool has."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from neuroloom.core.checks import check_int
from neuroloom.core.double_pole import WITH_VELOCITIES, WITHOUT_VELOCITIES
from neuroloom.core.dual_task import DUAL_TASK
from neuroloom.core.episodes import spaces
from neuroloom.core.errors import InputError
from neuroloom.core.maze import HARD, MEDIUM
from neuroloom.core.reversal_bandit import REVERSAL_BANDIT
from neuroloom.core.samples import EnvSet
from neuroloom.core.seeding import stream
from neuroloom.core.worlds import solved_at, step_limit
from neuroloom.tasks.base import DrawnTask
from neuroloom.tasks.metrics import DEFAULTS
from neuroloom.tasks.task import Data, Split

TRAIN, TEST = 1000, 100
LONGEST = 1000  # steps of an episode whose environment has no limit


class Episodes(DrawnTask):
    """Act in an environment.

    A policy may use the 1,000 training starts as it likes and is scored by its mean return over 100 others; both are
    drawn for each repetition and share no seed.
    """

    env_id: str
    options: Mapping[str, Any] = MappingProxyType({})
    simulator = "gymnasium"
    test = TEST
    kind = "episodes"
    problem = "control"
    actions = "discrete"
    metrics = DEFAULTS["control"]
    protocol = "published"
    published_splits = 1

    def load(self, seed: int = 0) -> Data:
        """Return an ``EnvSet`` of 1,000 training and 100 test starts."""
        seeds = stream(seed, "data", self.name).choice(2**31 - 1, size=TRAIN + self.test, replace=False)
        split = Split(train=np.arange(TRAIN), test=np.arange(TRAIN, TRAIN + self.test))
        X = EnvSet(self.env_id, seeds, dict(self.options), self.simulator)
        return Data(X, None, extra={"splits": [split]})


class AnyEnvironment(Episodes):
    """``gymnasium:ENV``: any environment that gymnasium makes, the user's own among them; see :class:`Episodes`.

    ``ENV`` is what ``gymnasium.make`` takes, ``MODULE:ENV`` for one that a module registers when it is imported.

    Args:
        name: the family's name and the environment's.
        data: not used.
        options: keyword arguments for making the environment, or None.
        test: starts to be scored on, at least 1.
    """

    takes = ("options", "test")
    summary = "any environment of gymnasium, one of your own among them, scored over 100 episodes"
    source = "Towers and others 2024, Gymnasium: a standard interface for reinforcement learning environments"

    def __init__(
        self,
        name: str,
        data: Path | None = None,
        options: Mapping[str, Any] | None = None,
        test: int = TEST,
    ) -> None:
        super().__init__(name, data)
        if options is not None and not isinstance(options, Mapping):
            raise InputError(
                f"`options` of task {name!r} must be a table of keyword arguments, but is {options!r}."
            )
        self.env_id = name.partition(":")[2]
        self.options = dict(options or {})
        self.test = check_int("test", test)
        said = {"options": self.options or None, "test": None if test == TEST else test}
        self.spec = {"name": name, **{part: value for part, value in said.items() if value is not None}}
        self.summary = f"act in {self.env_id}, scored over {test} fresh episodes"

    @functools.cached_property
    def actions(self) -> str:  # type: ignore[override]
        """Whether they are ``discrete`` or ``continuous``.

        Raises:
            InputError, NotSupportedError: as for :meth:`load`.
        """
        own = spaces(EnvSet(self.env_id, [], dict(self.options), self.simulator))
        return "discrete" if own.actions else "continuous"

    @classmethod
    def members(cls, data: Path | None) -> list[str]:
        """Return no name: there is no end of environments."""
        return []

    def fingerprint(self) -> str:
        """Return the hash of the environment's name, its options and the number of test starts."""
        said = json.dumps([self.spec, self.version], sort_keys=True, default=str)
        return hashlib.sha256(said.encode()).hexdigest()

    def load(self, seed: int = 0) -> Data:
        """Return an ``EnvSet`` of 1,000 training starts and those to be scored on.

        Raises:
            InputError: there is no such environment, or it cannot be made.
            NotSupportedError: its observations or actions are neither numbers (``Box``) nor ``Discrete``.
        """
        X = EnvSet(self.env_id, [], dict(self.options), self.simulator)
        endless = step_limit(X) is None
        if endless and "max_episode_steps" not in self.options:
            self.options = {**self.options, "max_episode_steps": LONGEST}
        loaded = super().load(seed)
        own = spaces(loaded.X)
        seen = f"{own.states} states" if own.states else f"{own.inputs:,} number{'s' * (own.inputs != 1)}"
        done = (
            f"{own.actions} to choose from"
            if own.actions
            else f"{own.low.size} number{'s' * (own.low.size != 1)}"
        )
        threshold = solved_at(loaded.X)
        cut = f"; episodes are cut after {self.options['max_episode_steps']} steps" if endless else ""
        notes = (
            f"observations: {seen}; actions: {done}{cut}",
            "solved at a mean return of "
            + (f"{threshold:g}" if np.isfinite(threshold) else "no known number"),
        )
        return Data(loaded.X, None, notes, loaded.extra)


class PooledEnvironment(AnyEnvironment):
    """``envpool:ENV``: an environment that EnvPool has written in C++; see :class:`AnyEnvironment`.

    The task is gymnasium's of the same name, played many times faster; starts differ by seed.
    """

    simulator = "envpool"
    summary = "an environment of EnvPool, compiled and stepped many at once, scored over 100 episodes"
    source = (
        "Weng and others 2022, EnvPool: a highly parallel reinforcement learning environment execution engine"
    )


class CartPole(Episodes):
    """Balance a pole on a cart; see :class:`Episodes`."""

    env_id = "CartPole-v1"
    summary = "CartPole-v1: keep a pole upright for up to 500 steps, scored over 100 fresh episodes"
    source = "Barto, Sutton and Anderson 1983; gymnasium's CartPole-v1"


class Acrobot(Episodes):
    """Swing a two-link robot's tip above a line; see :class:`Episodes`."""

    env_id = "Acrobot-v1"
    summary = "Acrobot-v1: swing up a two-link robot, -1 a step for up to 500 steps, scored over 100 episodes"
    source = "Sutton 1996; gymnasium's Acrobot-v1, solved at -100"


class MountainCarContinuous(Episodes):
    """Drive an underpowered car out of a valley with little force; see :class:`Episodes`."""

    env_id = "MountainCarContinuous-v0"
    actions = "continuous"
    summary = "MountainCarContinuous-v0: reach the hill with little force, up to 999 steps, over 100 episodes"
    source = "Moore 1990; gymnasium's MountainCarContinuous-v0, solved at 90"


class Pendulum(Episodes):
    """Swing up a pendulum with a weak motor and hold it; see :class:`Episodes`."""

    env_id = "Pendulum-v1"
    actions = "continuous"
    summary = "Pendulum-v1: swing a pendulum up and hold it with little torque, 200 steps, over 100 episodes"
    source = "gymnasium's Pendulum-v1, a cost of angle, speed and torque at each step"


class Box2DEpisodes(Episodes):
    """Episodes whose physics are Box2D's, a package that is installed apart; see :class:`Episodes`."""

    def load(self, seed: int = 0) -> Data:
        """Return an ``EnvSet`` of 1,000 training and 100 test starts.

        Raises:
            InputError: Box2D, or pygame, which gymnasium needs beside it, is not installed.
        """
        missing = [name for name in ("Box2D", "pygame") if importlib.util.find_spec(name) is None]
        if missing:
            raise InputError(
                f"the task {self.name!r} needs {' and '.join(missing)}, not installed here: pip install Box2D pygame-ce"
            )
        return super().load(seed)


class LunarLander(Box2DEpisodes):
    """Land a craft softly between two flags; see :class:`Episodes`."""

    env_id = "LunarLander-v3"
    summary = "LunarLander-v3: land softly between two flags by four actions, scored over 100 episodes"
    source = "gymnasium's LunarLander-v3 (needs Box2D), solved at 200"


class BipedalWalker(Box2DEpisodes):
    """Walk over rough ground on two legs of two joints; see :class:`Episodes`."""

    env_id = "BipedalWalker-v3"
    actions = "continuous"
    summary = "BipedalWalker-v3: walk over rough ground on two legs, up to 1,600 steps, over 100 episodes"
    source = "gymnasium's BipedalWalker-v3 (needs Box2D), solved at 300"


class DoublePole(Episodes):
    """Balance a long and a short pole on one cart; see :class:`Episodes`.

    The starts are drawn evenly from the ranges of the published test of generalisation; from some of them the poles
    cannot be saved.
    """

    env_id = WITH_VELOCITIES
    actions = "continuous"
    summary = (
        "Keep two poles on a cart upright for up to 1,000 steps of 0.02 s, scored over 100 fresh episodes"
    )
    source = (
        "Wieland 1991; Stanley and Miikkulainen 2002, appendix A; starts of Gruau, Whitley and Pyeatt 1996"
    )


class DoublePoleNoVelocity(DoublePole):
    """Balance two poles without being told any velocity; see :class:`DoublePole`."""

    env_id = WITHOUT_VELOCITIES
    summary = (
        "Keep two poles on a cart upright, velocities hidden, for up to 1,000 steps, scored over 100 episodes"
    )


class MediumMaze(Episodes):
    """Find the way out of a maze with dead ends; see :class:`Episodes`.

    The published start has one heading; here it is drawn from 10 degrees on either side of it, so that episodes differ.
    """

    env_id = MEDIUM
    actions = "continuous"
    options = MappingProxyType({"spread": 10.0})
    summary = "MediumMaze-v0: drive a robot through a maze with dead ends, way gained, over 100 episodes"
    source = "Lehman and Stanley 2011, medium map; the goal is reached from 247.4"


class HardMaze(MediumMaze):
    """Find the goal that begins by driving away from it; see :class:`MediumMaze`."""

    env_id = HARD
    summary = "HardMaze-v0: drive a robot to a goal behind a long dead end, way gained, over 100 episodes"
    source = "Lehman and Stanley 2011, hard map; the goal is reached from 159.1"


class DualTask(Episodes):
    """Find the end of a corridor, then gather food in a room; see :class:`Episodes`."""

    env_id = DUAL_TASK
    actions = "continuous"
    summary = "DualTask-v0: drive a robot along a corridor by walls, then to food by radar, over 100 episodes"
    source = "Risi and Stanley 2012, section 6, with their program's courses; solved at 1"


class ReversalBandit(Episodes):
    """Find out which of two arms pays, and again when that changes; see :class:`Episodes`.

    Without a memory a return is 20 on average; staying where it paid and leaving where it did not gets 38.5.
    """

    env_id = REVERSAL_BANDIT
    summary = (
        "ReversalBandit-v0: find which of two arms pays, again after it changes, 40 trials, over 100 episodes"
    )
    source = "after Blynel and Floreano 2003, Soltoggio and others 2008; needs a memory, solved at 36 of 38.5"
