"""Experience: what a policy meets while it acts in several lanes of an environment, and what it is worth.

Schulman, Moritz, Levine, Jordan and Abbeel (2016), High-dimensional continuous control using generalized advantage
estimation; Mnih et al. (2015), Human-level control through deep reinforcement learning, for the replay memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.checkpoints import keeping
from neuroloom.core.episodes import Spaces
from neuroloom.core.errors import InputError
from neuroloom.core.samples import EnvSet
from neuroloom.core.seeding import stream
from neuroloom.core.worlds import Stepped, open_worlds

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Lanes:
    """Episodes of ``X`` side by side, begun from starts that are drawn in shuffled rounds.

    Args:
        X: the starts, at least one.
        own: what is seen and done.
        lanes: how many episodes go on at once, at least 1.
        seed: of the order of starts.
        max_steps: steps after which an episode is cut, or None for the environment's own limit.

    Attributes:
        rows: ``(lanes, inputs)`` what is seen now.
        taken: steps of the environment so far.
        draw: what the order of starts is drawn from.
    """

    def __init__(self, X: EnvSet, own: Spaces, lanes: int, seed: int, max_steps: int | None) -> None:
        self.own, self.max_steps, self.taken = own, max_steps, 0
        self._worlds = open_worlds(X, lanes)
        self._seeds, self.draw = X.seeds, stream(seed, "starts")
        self._waiting: Ints = np.empty(0, np.int64)
        self.all = np.arange(min(lanes, self._worlds.lanes))
        self.rows = np.zeros((len(self.all), own.inputs))
        self._steps, self._starts = np.zeros((2, len(self.all)), np.int64)
        self._acted: list[list[NDArray[Any]]] | None = [[] for _ in self.all] if keeping() else None
        self.begin(self.all)

    def begin(self, lanes: Ints) -> None:
        """Begin an episode in each of ``lanes``."""
        while len(self._waiting) < len(lanes):
            self._waiting = np.append(self._waiting, self.draw.permutation(self._seeds))
        starts, self._waiting = self._waiting[: len(lanes)], self._waiting[len(lanes) :]
        self._begin(lanes, starts)

    def _begin(self, lanes: Ints, starts: Ints) -> None:
        self.rows[lanes] = self.own.flatten(self._worlds.reset(lanes, starts))
        self._steps[lanes], self._starts[lanes] = 0, starts
        if self._acted is not None:
            for lane in lanes:
                self._acted[lane] = []

    def step(self, lanes: Ints, actions: NDArray[Any]) -> Stepped:
        """Act in ``lanes``; what is seen afterwards are rows of ``(len(lanes), inputs)`` floats."""
        stepped = self._worlds.step(lanes, actions)
        self.taken += len(lanes)
        self._steps[lanes] += 1
        if self._acted is not None:
            for lane, action in zip(lanes, actions, strict=True):
                self._acted[lane].append(action)
        self.rows[lanes] = self.own.flatten(stepped.observations)
        cut = stepped.truncated
        if self.max_steps is not None:
            cut = cut | (self._steps[lanes] >= self.max_steps)
        return Stepped(self.rows[lanes], stepped.rewards, stepped.terminated, cut & ~stepped.terminated)

    def held(self) -> dict[str, Any]:
        """Return how each lane came to where it is: an environment does not tell its state, but acts alike again."""
        assert self._acted is not None
        return {
            "taken": self.taken,
            "waiting": self._waiting,
            "rows": self.rows,
            "starts": self._starts,
            "acted": [np.array(actions) for actions in self._acted],
        }

    def hold(self, held: dict[str, Any]) -> None:
        """Begin the episodes that were held, and do in them what was done.

        Raises:
            InputError: other things are seen in them then.
        """
        starts, acted = held["starts"].numpy(), [actions.numpy() for actions in held["acted"]]
        lengths = np.array([len(actions) for actions in acted])
        for left in range(
            lengths.max(), -1, -1
        ):  # all end at once, since lanes that are left alone may go on
            due = np.flatnonzero(lengths == left)
            if len(due):
                self._begin(due, starts[due])
            live = np.flatnonzero(lengths >= left)
            if left:
                self.step(live, np.stack([acted[lane][-left] for lane in live]))
        self.taken, self._waiting = held["taken"], held["waiting"].numpy()
        if not np.array_equal(self.rows, held["rows"].numpy()):
            raise InputError(
                "the environment did not do the same again from the same seeds and actions, so that no checkpoint can "
                "be gone on from; fit without, or let all that it draws come from the seed of `reset`."
            )

    def close(self) -> None:
        """Let go of the environments."""
        self._worlds.close()


@dataclass(frozen=True, eq=False)
class Experience:
    """Steps of lanes side by side.

    Args:
        rows: ``(steps, lanes, inputs)`` what was seen before each step.
        after: ``(steps, lanes, inputs)`` what was seen after it, before another episode began.
        actions: ``(steps, lanes)`` or ``(steps, lanes, numbers)`` what the policy chose.
        rewards: ``(steps, lanes)``.
        terminated: ``(steps, lanes)`` whether the episode came to its own end.
        ended: ``(steps, lanes)`` whether it came to an end, or was cut.
        inside: ``(steps, lanes)`` whether the lane took the step; False where its one episode had ended.
    """

    rows: Floats
    after: Floats
    actions: NDArray[Any]
    rewards: Floats
    terminated: Bools
    ended: Bools
    inside: Bools


def gather(
    lanes: Lanes,
    choose: Callable[[Floats], NDArray[Any]],
    as_actions: Callable[[NDArray[Any]], NDArray[Any]],
    horizon: int | None,
) -> Experience:
    """Act ``horizon`` steps in every lane, ended episodes giving way to others; or one whole episode in each.

    Args:
        lanes: where.
        choose: rows ``(m, inputs)`` of what is seen -> what the policy chooses, ``(m,)`` or ``(m, numbers)``.
        as_actions: what was chosen -> the environment's actions.
        horizon: steps in each lane, at least 1; None begins episodes anew and plays each to its end.
    """
    live, count = lanes.all, len(lanes.all)
    if horizon is None:
        lanes.begin(live)
    found: list[tuple[Any, ...]] = []
    while len(live) and len(found) != horizon:
        rows = lanes.rows.copy()
        chosen = choose(rows[live])
        stepped = lanes.step(live, as_actions(chosen))
        ended = stepped.terminated | stepped.truncated
        actions = np.zeros((count, *chosen.shape[1:]), chosen.dtype)
        after, rewards, over, inside = (
            rows.copy(),
            np.zeros(count),
            np.zeros((2, count), bool),
            np.zeros(count, bool),
        )
        actions[live], after[live], rewards[live] = chosen, stepped.observations, stepped.rewards
        over[0, live], over[1, live], inside[live] = stepped.terminated, ended, True
        found.append((rows, after, actions, rewards, over[0], over[1], inside))
        if horizon is None:
            live = live[~ended]
        elif ended.any():
            lanes.begin(live[ended])
    return Experience(*(np.stack(part) for part in zip(*found, strict=True)))


def advantages(
    rewards: Floats,
    values: Floats,
    after: Floats,
    terminated: Bools,
    ended: Bools,
    discount: float,
    trace: float,
) -> Floats:
    """Return the generalised advantage estimates of steps, ``(steps, lanes)``.

    ``δ_t = r_t + γ V(s_{t+1}) - V(s_t)`` and ``A_t = δ_t + γ λ A_{t+1}``; nothing follows where an episode terminated,
    and where one was cut its worth is the value of what was seen last (eqs. 11 to 16).

    Args:
        rewards: ``(steps, lanes)``.
        values: ``(steps, lanes)`` of what was seen before each step.
        after: ``(steps, lanes)`` of what was seen after it.
        terminated: ``(steps, lanes)`` whether the episode came to its own end.
        ended: ``(steps, lanes)`` whether another began afterwards.
        discount: γ, in (0, 1].
        trace: λ, in [0, 1]; 1 gives returns less values.

    Source: Schulman et al. (2016).
    """
    errors = rewards + discount * after * ~terminated - values
    found, following = np.empty_like(errors), np.zeros(errors.shape[1])
    for t in range(len(errors) - 1, -1, -1):
        following = errors[t] + discount * trace * following * ~ended[t]
        found[t] = following
    return found


class ReturnScale:
    """Divides rewards by the spread of the discounted sums of them so far, so that values are of size 1.

    The mean stays, so that no reward changes its sign (Engstrom et al. 2020, "Implementation matters in deep policy
    gradients", section 2).

    Args:
        lanes: how many.
        discount: γ, in (0, 1].
    """

    def __init__(self, lanes: int, discount: float) -> None:
        self.discount, self._sums = discount, np.zeros(lanes)
        self._count, self._mean, self._squares = 0, 0.0, 0.0

    def __call__(self, met: Experience) -> Floats:
        """Take in what was met and return its rewards, scaled."""
        sums = np.empty_like(met.rewards)
        for t in range(len(sums)):
            self._sums = self.discount * self._sums + met.rewards[t]
            sums[t] = self._sums
            self._sums = np.where(met.ended[t] | ~met.inside[t], 0.0, self._sums)
        new = sums[met.inside]
        total, gap = self._count + len(new), float(new.mean()) - self._mean
        self._squares += float(new.var() * len(new)) + gap**2 * self._count * len(new) / total
        self._mean += gap * len(new) / total
        self._count = total
        spread = float(np.sqrt(self._squares / total))
        return met.rewards / (spread if spread > 1e-8 else 1.0)

    def held(self) -> dict[str, Any]:
        """Return what was taken in."""
        return {"sums": self._sums, "seen": [self._count, self._mean, self._squares]}

    def hold(self, held: dict[str, Any]) -> None:
        """Go on from what :meth:`held` gave."""
        self._sums, (self._count, self._mean, self._squares) = held["sums"].numpy(), held["seen"]


class Replay:
    """The last steps that were met, of which batches are drawn evenly, each with those that followed it in its lane.

    Args:
        size: how many steps are kept, at least ``lanes``; the same number of each lane.
        inputs: numbers in an observation.
        lanes: steps that are added at once, one of each lane.
        ahead: steps whose rewards are added up, at least 1.
        discount: γ, in (0, 1].
    """

    def __init__(self, size: int, inputs: int, lanes: int = 1, ahead: int = 1, discount: float = 1.0) -> None:
        self._length, self._ahead, self._discount = size // lanes, ahead, discount
        self._rows, self._after = np.zeros((2, self._length, lanes, inputs))
        self._actions = np.zeros((self._length, lanes), np.int64)
        self._rewards = np.zeros((self._length, lanes))
        self._terminated, self._ended = np.zeros((2, self._length, lanes), bool)
        self._kept = (self._rows, self._after, self._actions, self._rewards, self._terminated, self._ended)
        self._at, self._held = 0, 0

    def add(self, rows: Floats, actions: Ints, stepped: Stepped) -> None:
        """Keep one step of each lane, for the oldest ones if there is no room."""
        at = self._at
        self._rows[at], self._after[at], self._actions[at] = rows, stepped.observations, actions
        self._rewards[at], self._terminated[at] = stepped.rewards, stepped.terminated
        self._ended[at] = stepped.terminated | stepped.truncated
        self._at = (at + 1) % self._length
        self._held = min(self._held + 1, self._length)

    def draw(self, n: int, generator: np.random.Generator) -> tuple[NDArray[Any], ...]:
        """Return ``n`` steps: rows, actions, rewards, what was seen after, and what its value counts for.

        Of a step and up to ``ahead - 1`` that followed it, as far as its episode went and is kept, the rewards are
        ``Σ γ^k r_k``, what was seen after is that of the last, and its value counts for γ to their number, or for
        nothing where the episode terminated.
        """
        at, lane = np.divmod(
            generator.integers(self._held * self._rows.shape[1], size=n), self._rows.shape[1]
        )
        row, left = (self._at - self._held + at) % self._length, self._held - 1 - at
        rewards, last, counts = self._rewards[row, lane], row, np.full(n, self._discount)
        goes_on = ~self._ended[row, lane]
        for k in range(1, self._ahead):
            goes_on &= k <= left
            last = np.where(goes_on, (row + k) % self._length, last)
            rewards += np.where(goes_on, self._discount**k * self._rewards[last, lane], 0.0)
            counts = np.where(goes_on, self._discount ** (k + 1), counts)
            goes_on &= ~self._ended[last, lane]
        counts *= ~self._terminated[last, lane]
        found = (
            self._rows[row, lane],
            self._actions[row, lane],
            rewards.astype(np.float32),
            self._after[last, lane],
        )
        return *found, counts.astype(np.float32)

    def held(self) -> dict[str, Any]:
        """Return the steps that are kept."""
        return {"at": self._at, "kept": [part[: self._held] for part in self._kept]}

    def hold(self, held: dict[str, Any]) -> None:
        """Go on from what :meth:`held` gave."""
        self._at, self._held = held["at"], len(held["kept"][0])
        for part, given in zip(self._kept, held["kept"], strict=True):
            part[: self._held] = given.numpy()
