"""Compiled loops of the extremely randomised trees; imported only when they are used.

Nodes of all trees stand in one list: ``split`` ``(nodes,)`` int32 is the column a node asks for, or ``-1 - leaf``;
``threshold`` ``(nodes,)`` float32; ``child`` ``(nodes,)`` int32 is the node for values up to the threshold, and the
next one that for the rest. Every tree draws from a stream of its own, so that nothing depends on the order of trees.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.signal._compiled import compiled

Array = NDArray[Any]

# SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators")
_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S32, _S40 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32), np.uint64(40)


@compiled
def _draw(state: Array) -> Any:
    """Return the next 64 random bits of the stream in ``state`` ``(1,)`` uint64."""
    state[0] += _GAMMA
    z = state[0]
    z = (z ^ (z >> _S30)) * _MIX_1
    z = (z ^ (z >> _S27)) * _MIX_2
    return z ^ (z >> _S31)


@compiled
def _below(state: Array, n: int) -> Any:
    """Return a whole number in [0, n), n below 2^32."""
    return np.int64(((_draw(state) >> _S32) * np.uint64(n)) >> _S32)


@compiled
def _most(own: Array, total: int, entropy: Array, reached: Array) -> Any:
    """Return the largest score that a split of a node can have.

    No split tells more of the classes than one that leaves each of them whole (what it tells is convex in the shares of
    the classes that go left), and of those one that is as even as they allow.

    Args:
        own: ``(present,)`` how many samples of each class there are, at least two classes, ``total`` together.
        entropy: see :func:`_best_split`.
        reached: ``(n + 1,)`` bool, room.
    """
    reached[: total + 1] = False
    reached[0] = True
    for count in own:
        for k in range(total - count, -1, -1):
            reached[k + count] |= reached[k]
    half = total // 2
    while not reached[half]:
        half -= 1
    score = 0.0
    for count in own:
        score += entropy[count]
    return score - (entropy[half] + entropy[total - half])


@compiled
def _best_split(
    columns: Array,
    rows: Array,
    weights: Array,
    starts: Array,
    own: Array,
    most: float,
    entropy: Array,
    tries: int,
    order: Array,
    state: Array,
    values: Array,
) -> tuple[int, np.float32]:
    """Return the column and threshold of the best of ``tries`` random splits of ``rows``; -1 if all are alike.

    Columns of one value are drawn too, but as long as no other came, further ones are tried. The first split that
    reaches ``most`` ends the search.

    Args:
        columns: ``(p, n)`` float32.
        rows, weights: ``(m,)`` samples of the node, class by class, and how often each stands there.
        starts: ``(present + 1,)`` where the samples of each class that is there begin.
        own: ``(present,)`` how many of each there are, as often as they stand there.
        most: the largest score possible.
        entropy: ``(n + 1,)``: k log k.
        order: ``(p,)`` the columns in some order; shuffled as far as they are drawn.
        values: ``(n,)`` float32, room.
    """
    best, chosen, limit = -np.inf, -1, np.float32(0.0)
    m, total, found = len(rows), own.sum(), False
    for t in range(len(order)):
        if t >= tries and found:
            break
        other = t + _below(state, len(order) - t)
        order[t], order[other] = order[other], order[t]
        column = columns[order[t]]
        low = high = column[rows[0]]
        for i in range(np.uint64(m)):
            value = column[np.uint64(rows[i])]
            values[i] = value
            low, high = min(low, value), max(high, value)
        if not low < high:
            continue
        found = True
        share = np.float32(_draw(state) >> _S40) * np.float32(2.0**-24)
        cut = low + share * (high - low)
        if not cut < high:
            cut = low
        score, count = 0.0, 0
        for c in range(len(own)):
            left = 0
            for i in range(np.uint64(starts[c]), np.uint64(starts[c + 1])):
                left += weights[i] * np.int32(values[i] <= cut)
            score += entropy[left] + entropy[own[c] - left]
            count += left
        score -= entropy[count] + entropy[total - count]
        if score > best:
            best, chosen, limit = score, order[t], cut
            if score >= most:
                break
    return chosen, limit


@compiled
def _grow(
    columns: Array,
    labels: Array,
    classes: int,
    rows: Array,
    drawn: Array,
    entropy: Array,
    tries: int,
    state: Array,
    split: Array,
    threshold: Array,
    child: Array,
    shares: Array,
    first: int,
    first_leaf: int,
) -> tuple[int, int]:
    """Grow a tree on ``rows``, class by class, each as often as ``drawn`` says; return its numbers of nodes and leaves.

    Writes ``split``, ``threshold`` and ``child`` from ``first`` on and ``shares`` ``(leaves, classes)`` from
    ``first_leaf`` on; sorts ``rows``.
    """
    n = len(rows)
    order = np.arange(len(columns))
    own, starts = np.empty(classes, dtype=np.int64), np.empty(classes + 1, dtype=np.int64)
    spans = np.empty((2 * n, 2), dtype=np.int64)
    spans[0, 0], spans[0, 1] = 0, n
    weights, later = np.empty(n, dtype=np.int32), np.empty(n, dtype=np.int64)
    values, reached = np.empty(n, dtype=np.float32), np.empty(len(entropy), dtype=np.bool_)
    nodes, leaves, at = 1, 0, 0
    while at < nodes:
        a, b = spans[at, 0], spans[at, 1]
        present, total = 0, 0
        for i in range(a, b):
            weights[i - a] = drawn[rows[i]]
            if i == a or labels[rows[i]] != labels[rows[i - 1]]:
                own[present], starts[present] = 0, i - a
                present += 1
            own[present - 1] += weights[i - a]
            total += weights[i - a]
        starts[present] = b - a
        chosen, limit = -1, np.float32(0.0)
        if present > 1:
            chosen, limit = _best_split(
                columns,
                rows[a:b],
                weights[: b - a],
                starts[: present + 1],
                own[:present],
                _most(own[:present], total, entropy, reached),
                entropy,
                tries,
                order,
                state,
                values,
            )
        if chosen < 0:
            split[first + at] = -1 - (first_leaf + leaves)
            shares[first_leaf + leaves] = 0.0
            for c in range(present):
                shares[first_leaf + leaves, labels[rows[a + starts[c]]]] = np.float32(own[c] / total)
            leaves += 1
        else:
            i, right = a, 0
            for k in range(a, b):
                if columns[chosen, rows[k]] <= limit:
                    rows[i] = rows[k]
                    i += 1
                else:
                    later[right] = rows[k]
                    right += 1
            rows[i:b] = later[:right]
            split[first + at], threshold[first + at], child[first + at] = chosen, limit, first + nodes
            spans[nodes, 0], spans[nodes, 1] = a, i
            spans[nodes + 1, 0], spans[nodes + 1, 1] = i, b
            nodes += 2
        at += 1
    return nodes, leaves


@compiled
def grow_forest(
    columns: Array,
    labels: Array,
    classes: int,
    tries: int,
    seeds: Array,
    split: Array,
    threshold: Array,
    child: Array,
    shares: Array,
    roots: Array,
    votes: Array,
    out_of_bag: Array,
) -> tuple[int, int]:
    """Grow a tree on each of as many bootstrap draws as there are seeds; return how many nodes and leaves there are.

    Args:
        columns: ``(p, n)`` float32.
        labels: ``(n,)`` int64 from 0 to ``classes`` - 1.
        tries: random splits compared at a node.
        seeds: ``(trees,)`` uint64.
        split, threshold, child: ``(2 trees n,)``, written; see the top of this file.
        shares: ``(trees n, classes)`` float32, written: of each class in a leaf.
        roots: ``(trees,)`` int64, written.
        votes, out_of_bag: ``(n, classes)`` float64 and ``(n,)`` int64, added to: shares that trees without a sample
            gave it, and how many these were.
    """
    n = columns.shape[1]
    entropy = np.zeros(n + 1)
    for k in range(2, n + 1):
        entropy[k] = k * np.log(k)
    state = np.empty(1, dtype=np.uint64)
    by_class = np.argsort(labels, kind="mergesort")
    rows = np.empty(n, dtype=np.int64)
    drawn = np.empty(n, dtype=np.int32)
    nodes = leaves = 0
    for t in range(len(seeds)):
        state[0] = seeds[t]
        drawn[:] = 0
        for _ in range(n):
            drawn[_below(state, n)] += 1
        m = 0
        for i in by_class:
            if drawn[i]:
                rows[m] = i
                m += 1
        roots[t] = nodes
        more, more_leaves = _grow(
            columns,
            labels,
            classes,
            rows[:m],
            drawn,
            entropy,
            tries,
            state,
            split,
            threshold,
            child,
            shares,
            nodes,
            leaves,
        )
        nodes, leaves = nodes + more, leaves + more_leaves
        for i in range(n):
            if drawn[i] == 0:
                node = roots[t]
                while split[node] >= 0:
                    node = child[node] + np.int64(columns[split[node], i] > threshold[node])
                for c in range(classes):
                    votes[i, c] += shares[-1 - split[node], c]
                out_of_bag[i] += 1
    return nodes, leaves


@compiled
def add_votes(
    table: Array, split: Array, threshold: Array, child: Array, shares: Array, roots: Array, votes: Array
) -> None:
    """Add to ``votes`` ``(n, classes)`` the shares of the leaf that each tree gives a row of ``table`` ``(n, p)``."""
    for i in range(len(table)):
        for t in range(len(roots)):
            node = roots[t]
            while split[node] >= 0:
                node = child[node] + np.int64(table[i, split[node]] > threshold[node])
            for c in range(votes.shape[1]):
                votes[i, c] += shares[-1 - split[node], c]
