"""The choice of the policy that a run gives: races on common starts, and a final among the best of all generations.

The best of many noisy means is too good to be true. So a generation's challengers play the same starts, few at first;
only who leads, and does no worse there than the best so far does there or did on all its starts, plays on; and at the
end the best of the run play starts that none of them was chosen by. (By the few starts alone the quick would keep out
the safe, whose rare falls are seen in many.) Halving as in Karnin, Koren and Somekh (2013), "Almost optimal exploration
in multi-armed bandits", algorithm 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.episodes import Played
from neuroloom.evolve.population import Genes, size, take, with_own_functions

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FIRST, JUDGED, HALF, CONFIRMED = (
    6,
    25,
    50,
    100,
)  # starts played by challengers, the kept, all finalists, half of them
_FINALISTS = 16
_SHARE = 10  # of the population's episodes a final takes a tenth at most


@dataclass(eq=False)
class Candidate:
    """A policy and the returns ``(starts,)`` of the starts that it has played."""

    genes: Genes
    returns: Floats

    @property
    def score(self) -> float:
        """The mean return; where as many starts were played since it was chosen by its first ones, over those alone."""
        fresh = self.returns[JUDGED:]
        return float((fresh if len(fresh) >= JUDGED else self.returns).mean())


class Champions:
    """The best policies of a run.

    Args:
        play: networks as genes and the numbers of starts -> what their whole episodes gave.
        starts: how many there are, at least 1.
        episodes: how many the population plays in a generation; one challenger in each begun hundred.

    Attributes:
        steps: of the environment, that were played here.
    """

    def __init__(self, play: Callable[[Genes, Ints], Played], starts: int, episodes: int) -> None:
        self._play, self._starts = play, starts
        self._challengers = 1 + episodes // 100
        self._best: list[Candidate] = []  # best first
        self.steps = 0

    def state(self) -> dict[str, Any]:
        """Return who leads and what they played, as plain data."""
        return {"best": [(tuple(one.genes), one.returns) for one in self._best], "steps": self.steps}

    def restore(self, state: dict[str, Any], functions: dict[str, Any]) -> None:
        """Go on from what :meth:`state` gave.

        Args:
            state: that.
            functions: names of functions of one's own that genes have, as an engine's state says them.
        """
        self.steps = state["steps"]
        self._best = [
            Candidate(with_own_functions(Genes(*genes), functions), returns)
            for genes, returns in state["best"]
        ]

    @property
    def best(self) -> Candidate:
        """Who leads."""
        return self._best[0]

    def challenge(self, genes: Genes, fitness: Floats, answer: int | None = None) -> bool:
        """Have the fittest of a generation race, and return whether one of them leads now.

        Args:
            genes: the generation.
            fitness: ``(genomes,)``.
            answer: which of them races before the fittest, or None.
        """
        order = np.argsort(-fitness, kind="stable")
        if answer is not None:
            answer %= len(order)
            order = np.append(answer, order[order != answer])
        fittest = take(genes, order[: self._challengers])
        returns = self._returns(fittest, 0, FIRST)
        first = int(returns.mean(axis=1).argmax())
        found = Candidate(take(fittest, [first]), returns[first])
        if any(_same(found.genes, one.genes) for one in self._best):
            return False
        if self._best and found.score < min(self.best.score, self.best.returns[:FIRST].mean()):
            return False
        self._play_on([found], JUDGED)
        self._best = sorted([*self._best, found], key=lambda one: -one.score)[:_FINALISTS]
        return self.best is found

    def confirm(self) -> float:
        """Return the mean return of who leads once it has played as many starts as finalists do."""
        while True:
            leader = self.best
            self._play_on([leader], CONFIRMED)
            self._best.sort(key=lambda one: -one.score)
            if self.best is leader:
                return leader.score

    def decide(self, episodes: int) -> None:
        """Play a final if it takes no more than a tenth of ``episodes``, those that the run's population played."""
        field = len(self._best)
        while field > 1 and _SHARE * _cost(field) > episodes:
            field //= 2
        if field < 2:
            return
        finalists = self._best[:field]
        self._play_on(finalists, HALF)
        finalists = sorted(finalists, key=lambda one: -one.score)[: -(-field // 2)]
        self._play_on(finalists, CONFIRMED)
        winner = max(finalists, key=lambda one: one.score)
        self._best = [winner, *(one for one in self._best if one is not winner)]

    def _play_on(self, candidates: list[Candidate], until: int) -> None:
        for one in candidates:
            more = self._returns(one.genes, len(one.returns), until)
            one.returns = np.append(one.returns, more)

    def _returns(self, genes: Genes, start: int, stop: int) -> Floats:
        """Return the returns ``(genomes, starts)`` of the starts from ``start`` to before ``stop``, as far as there."""
        rows = np.arange(start, max(start, min(stop, self._starts)))
        if not len(rows):
            return np.empty((size(genes), 0))
        played = self._play(genes, rows)
        self.steps += played.steps
        return played.returns


def _cost(field: int) -> int:
    """Return how many episodes a final of so many takes at most."""
    return field * (HALF - JUDGED) + -(-field // 2) * (CONFIRMED - HALF)


def _same(one: Genes, other: Genes) -> bool:
    columns: zip[tuple[Any, Any]] = zip(one, other, strict=True)
    return all(np.array_equal(a, b) for a, b in columns)
