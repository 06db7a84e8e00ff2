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
def _best_split(
    columns: Array,
    rows: Array,
    labels: Array,
    own: Array,
    entropy: Array,
    tries: int,
    order: Array,
    state: Array,
    left: Array,
) -> tuple[int, np.float32]:
    """Return the column and threshold of the best of ``tries`` random splits of ``rows``; -1 if all are alike.

    Columns of one value are drawn too, but as long as no other came, further ones are tried.

    Args:
        columns: ``(p, n)`` float32.
        rows, labels: ``(m,)`` samples of the node and their classes.
        own: ``(classes,)`` how many of each there are.
        entropy: ``(n + 1,)``: k log k.
        order: ``(p,)`` the columns in some order; shuffled as far as they are drawn.
        left: ``(classes,)`` room.
    """
    best, chosen, limit = -np.inf, -1, np.float32(0.0)
    m, found = len(rows), False
    for t in range(len(order)):
        if t >= tries and found:
            break
        other = t + _below(state, len(order) - t)
        order[t], order[other] = order[other], order[t]
        column = columns[order[t]]
        low = high = column[rows[0]]
        for i in range(1, m):
            value = column[rows[i]]
            low, high = min(low, value), max(high, value)
        if not low < high:
            continue
        found = True
        share = np.float32(_draw(state) >> _S40) * np.float32(2.0**-24)
        cut = low + share * (high - low)
        if not cut < high:
            cut = low
        left[:] = 0
        for i in range(m):
            left[labels[i]] += np.int64(column[rows[i]] <= cut)
        score, count = 0.0, 0
        for c in range(len(left)):
            score += entropy[left[c]] + entropy[own[c] - left[c]]
            count += left[c]
        score -= entropy[count] + entropy[m - count]
        if score > best:
            best, chosen, limit = score, order[t], cut
    return chosen, limit


@compiled
def _grow(
    columns: Array,
    labels: Array,
    classes: int,
    rows: Array,
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
    """Grow one tree on ``rows``, as often as a sample stands there; return the number of its nodes and of its leaves.

    Writes ``split``, ``threshold`` and ``child`` from ``first`` on and ``shares`` ``(leaves, classes)`` from
    ``first_leaf`` on; sorts ``rows``.
    """
    n = len(rows)
    order = np.arange(len(columns))
    own, left = np.zeros(classes, dtype=np.int64), np.zeros(classes, dtype=np.int64)
    spans = np.empty((2 * n, 2), dtype=np.int64)
    spans[0, 0], spans[0, 1] = 0, n
    here = np.empty(n, dtype=np.int64)
    nodes, leaves, at = 1, 0, 0
    while at < nodes:
        a, b = spans[at, 0], spans[at, 1]
        own[:] = 0
        for i in range(a, b):
            here[i - a] = labels[rows[i]]
            own[here[i - a]] += 1
        chosen, limit = -1, np.float32(0.0)
        if own.max() < b - a:
            chosen, limit = _best_split(
                columns, rows[a:b], here[: b - a], own, entropy, tries, order, state, left
            )
        if chosen < 0:
            split[first + at] = -1 - (first_leaf + leaves)
            for c in range(classes):
                shares[first_leaf + leaves, c] = np.float32(own[c] / (b - a))
            leaves += 1
        else:
            i, j = a, b - 1
            while i <= j:
                if columns[chosen, rows[i]] <= limit:
                    i += 1
                else:
                    rows[i], rows[j] = rows[j], rows[i]
                    j -= 1
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
    rows = np.empty(n, dtype=np.int64)
    drawn = np.empty(n, dtype=np.bool_)
    nodes = leaves = 0
    for t in range(len(seeds)):
        state[0] = seeds[t]
        drawn[:] = False
        for i in range(n):
            rows[i] = _below(state, n)
            drawn[rows[i]] = True
        rows.sort()
        roots[t] = nodes
        more, more_leaves = _grow(
            columns,
            labels,
            classes,
            rows,
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
            if not drawn[i]:
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
