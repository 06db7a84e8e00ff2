"""The largest set of methods that ran on the same six tasks or more.

Methods and tasks form a bipartite graph of who ran where, and the set is a biclique with the most methods, then the most
tasks. Found exactly by branch and bound: a task can belong to a better set only while enough candidates ran on it, a
candidate only while it shares enough such tasks. The order of methods and tasks in the input does not matter.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class CommonSet:
    """Methods that all ran on the same tasks.

    Args:
        methods: sorted by name.
        tasks: sorted by name: all that each of the methods ran on.
        others: methods that are not in it, with the number of ``tasks`` each of them lacks.
        exact: whether it is proved to be the largest (False: the search met its limit).
    """

    methods: tuple[str, ...]
    tasks: tuple[str, ...]
    others: Mapping[str, int]
    exact: bool


def find_common_set(ran: Mapping[str, Collection[str]], minimum: int = 6) -> CommonSet:
    """Return the largest set of methods with at least ``minimum`` common tasks, of those the one with most tasks.

    Args:
        ran: method -> the tasks it ran on.
        minimum: tasks that the methods must share.
    """
    raise NotImplementedError
