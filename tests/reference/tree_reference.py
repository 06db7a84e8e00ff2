"""Slow reference for the extremely randomised trees: node after node, from the definition; imports nothing of ours."""

from __future__ import annotations

import math
from itertools import product

import numpy as np

MASK = 2**64 - 1


class Stream:
    """SplitMix64."""

    def __init__(self, seed):
        self.state = int(seed)

    def bits(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def below(self, n):
        return ((self.bits() >> 32) * n) >> 32


def entropy_sum(labels, classes):
    """Size times negative entropy: sum of k log k over the classes, less m log m."""
    counts = [int(np.sum(labels == c)) for c in range(classes)]
    return sum(k * math.log(k) for k in counts if k) - (
        len(labels) * math.log(len(labels)) if len(labels) else 0
    )


def most(counts):
    """Return the largest gain, by trying each way to send whole classes left."""
    whole = np.repeat(np.arange(len(counts)), counts)
    sides = [np.array(side)[whole] for side in product([False, True], repeat=len(counts))]
    return max(
        entropy_sum(whole[side], len(counts)) + entropy_sum(whole[~side], len(counts)) for side in sides
    )


def grow(table, labels, classes, tries, seed):
    """Return the bootstrap draw and the tree: ``(column, threshold, left, right)`` or ``(shares,)``."""
    stream = Stream(seed)
    n, p = table.shape
    drawn = sorted(stream.below(n) for _ in range(n))
    order = list(range(p))

    def best_cut(rows):
        best, found, chosen = -math.inf, False, None
        enough = most(np.bincount(labels[rows], minlength=classes)) - 1e-12
        for t in range(p):
            if (t >= tries and found) or best >= enough:
                break
            other = t + stream.below(p - t)
            order[t], order[other] = order[other], order[t]
            values = table[rows, order[t]]
            low, high = values.min(), values.max()
            if low == high:
                continue
            found = True
            cut = low + np.float32((stream.bits() >> 40) * 2.0**-24) * (high - low)
            cut = cut if cut < high else low
            left = values <= cut
            gain = entropy_sum(labels[rows][left], classes) + entropy_sum(labels[rows][~left], classes)
            if gain > best + 1e-12:
                best, chosen = gain, (order[t], cut)
        return chosen

    root = {"rows": drawn}
    waiting = [root]
    while waiting:  # breadth first
        node = waiting.pop(0)
        rows = np.array(node["rows"])
        counts = np.bincount(labels[rows], minlength=classes)
        cut = best_cut(rows) if counts.max() < len(rows) else None
        if cut is None:
            node["shares"] = counts / len(rows)
            continue
        left = table[rows, cut[0]] <= cut[1]
        node["cut"], node["left"], node["right"] = cut, {"rows": rows[left]}, {"rows": rows[~left]}
        waiting += [node["left"], node["right"]]
    return drawn, root


def answer(node, row):
    while "cut" in node:
        column, cut = node["cut"]
        node = node["left"] if row[column] <= cut else node["right"]
    return node["shares"]
