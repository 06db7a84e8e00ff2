"""The bars of a critical-difference diagram: runs of neighbouring ranks without a difference between any two.

Source: J. Demšar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7, 2006.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence


def maximal_cliques(names: Sequence[str], apart: Callable[[str, str], bool]) -> tuple[tuple[str, ...], ...]:
    """Return the longest runs of at least two neighbours in which ``apart`` holds for no pair.

    Args:
        names: methods by mean rank, best first.
        apart: whether two methods were told apart (symmetric).
    """
    runs: list[tuple[str, ...]] = []
    reach = 0
    for start in range(len(names)):
        end = start + 1
        while end < len(names) and not any(apart(names[i], names[end]) for i in range(start, end)):
            end += 1
        if end - start > 1 and end > reach:
            runs.append(tuple(names[start:end]))
            reach = end
    return tuple(runs)
