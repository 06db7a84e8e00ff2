"""The largest set of methods that ran on the same six tasks or more.

Methods and tasks form a bipartite graph of who ran where, and the set is a biclique with the most methods, then the
most tasks. Found exactly by branch and bound: a task can belong to a better set only while enough candidates ran on
it, a candidate only while it shares enough such tasks. The order of methods and tasks in the input does not matter.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

LARGEST_SEARCH = 50_000
"""Nodes of the search tree after which the best set so far is taken; counted, so that results do not hang on speed."""


@dataclass(frozen=True)
class CommonSet:
    """Methods that all ran on the same tasks.

    Args:
        methods: sorted by name.
        tasks: sorted by name: all that each of the methods ran on.
        others: methods that are not in it, with how many of ``tasks`` each of them ran on.
        exact: whether it is proved to be the largest (False: the search met its limit).
    """

    methods: tuple[str, ...]
    tasks: tuple[str, ...]
    others: Mapping[str, int]
    exact: bool


def find_common_set(ran: Mapping[str, Collection[str]], minimum: int = 6) -> CommonSet:
    """Return the largest set of methods with at least ``minimum`` common tasks, of those the one with most tasks.

    Of several such sets it is the one found first with methods in the order of their names. Without any method on
    ``minimum`` tasks both tuples are empty.

    Args:
        ran: method -> the tasks it ran on.
        minimum: tasks that the methods must share, at least 1.
    """
    tasks = sorted({task for done in ran.values() for task in done})
    bit = {task: 1 << i for i, task in enumerate(tasks)}
    names = sorted(ran)
    masks = [sum(bit[task] for task in set(ran[name])) for name in names]
    search = _Search(masks, max(1, minimum))
    search.start()
    chosen, shared = search.best
    return CommonSet(
        methods=tuple(names[i] for i in chosen),
        tasks=tuple(task for task in tasks if shared & bit[task]),
        others={name: (masks[i] & shared).bit_count() for i, name in enumerate(names) if i not in chosen},
        exact=search.visited <= LARGEST_SEARCH,
    )


class _Search:
    """Branch and bound over sets of methods, each a bit mask of its tasks."""

    def __init__(self, masks: list[int], minimum: int) -> None:
        self.masks, self.minimum = masks, minimum
        self.best: tuple[tuple[int, ...], int] = ((), 0)
        self.visited = 0

    def start(self) -> None:
        """Take a good set by greed, then look for a better one."""
        everything = 0
        for mask in self.masks:
            everything |= mask
        usable = [i for i, mask in enumerate(self.masks) if mask.bit_count() >= self.minimum]
        self._greedy(usable, everything)
        self._branch((), everything, usable)

    def _greedy(self, candidates: list[int], shared: int) -> None:
        """Add the method that keeps most tasks until none can join."""
        chosen: list[int] = []
        while candidates:
            joined = max(candidates, key=lambda i: ((self.masks[i] & shared).bit_count(), -i))
            shared &= self.masks[joined]
            chosen.append(joined)
            candidates = [
                i for i in candidates if i != joined and (self.masks[i] & shared).bit_count() >= self.minimum
            ]
        if chosen:
            self._offer(tuple(sorted(chosen)), shared)

    def _offer(self, chosen: tuple[int, ...], shared: int) -> None:
        best, tasks = self.best
        if (len(chosen), shared.bit_count()) > (len(best), tasks.bit_count()):
            self.best = (chosen, shared)

    def _branch(self, chosen: tuple[int, ...], shared: int, candidates: list[int]) -> None:
        """Look at all sets that hold ``chosen`` and some of ``candidates``; ``shared`` are the tasks of ``chosen``."""
        self.visited += 1
        if self.visited > LARGEST_SEARCH:
            return
        free = [i for i in candidates if self.masks[i] & shared == shared]
        if chosen or free:
            joined = tuple(sorted((*chosen, *free)))
            self._offer(joined, shared)
            if len(free) == len(candidates):
                return
            chosen, candidates = joined, [i for i in candidates if i not in free]
        candidates, hopeful = self._pruned(chosen, shared, candidates)
        if not candidates:
            return
        first = max(candidates, key=lambda i: ((self.masks[i] & hopeful).bit_count(), -i))
        rest = [i for i in candidates if i != first]
        narrowed = shared & self.masks[first]
        self._branch(
            (*chosen, first),
            narrowed,
            [i for i in rest if (self.masks[i] & narrowed).bit_count() >= self.minimum],
        )
        self._branch(chosen, shared, rest)

    def _pruned(self, chosen: tuple[int, ...], shared: int, candidates: list[int]) -> tuple[list[int], int]:
        """Return the candidates that can still be in a better set, and the tasks such a set can have."""
        best, tasks = len(self.best[0]), self.best[1].bit_count()
        while True:
            # A better set has more methods, or as many and more tasks than the best.
            room = best - len(chosen)
            if len(candidates) < room or (
                len(candidates) == room and not self._more_tasks(shared, candidates, tasks)
            ):
                return [], 0
            hopeful = self._held_by(shared, candidates, max(room, 1))
            kept = [i for i in candidates if (self.masks[i] & hopeful).bit_count() >= self.minimum]
            if len(kept) == len(candidates):
                return kept, hopeful
            candidates = kept

    def _more_tasks(self, shared: int, candidates: list[int], tasks: int) -> bool:
        for i in candidates:
            shared &= self.masks[i]
        return shared.bit_count() > tasks

    def _held_by(self, shared: int, candidates: list[int], least: int) -> int:
        """Return the tasks of ``shared`` that at least ``least`` candidates ran on."""
        held, left = 0, shared
        while left:
            task = left & -left
            left ^= task
            if sum(1 for i in candidates if self.masks[i] & task) >= least:
                held |= task
        return held
