# ruff: noqa: NPY002 (inside kernels numba knows these alone)
"""What a cost of connections does to modularity: the retina with directly encoded networks.

Clune, Mouret and Lipson (2013), "The evolutionary origins of modularity": networks of 8, 8, 4, 2 and 1 neurons say by
one output whether there is an object on both sides of the retina (the objects of retina.py). Weights are -2, -1, 1 or
2, biases whole numbers from -2 to 2, a neuron is tanh(20 x): with inputs of ±1 it is -1, 0 or 1, so that all is whole
numbers here. A child has one parent and gains a connection with a chance of 0.2, loses one likewise, has two weights
changed on average to a neighbouring value and each bias redrawn with a chance of 1/24. Objectives of NSGA-II: the
share of the 256 pictures that is right, the mean Hamming distance of its answers from the population's (behavioural
diversity), and the sum of the connections' squared lengths, which tells in a quarter of the comparisons ("cost"), or
in none ("no cost"). Rates and places are read off the authors' program; of ours are the 20 to 100 connections at
first, and fixed places of neurons in place of the best ones.

    python -m benchmarks.evolve.retina_direct --seeds 20 --generations 5000 --population 200

Printed: runs whose champion (the fittest, the cheapest of equals) is right for all pictures, and after how many
generations; its mean share of right pictures; connections and Q of its network without what leads nowhere, with 95 %
intervals of the mean over runs (bootstrap); `split` counts the runs in which inputs of one side fall into modules that
hold none of the other side. Q is Newman's for the best division by greedy merging (networkx); the authors divide by
spectral bisection. The last line is a permutation test of the difference in Q.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import time

import networkx as nx
import numpy as np
from numba import njit

from benchmarks.evolve.retina import pictures

LAYERS = (8, 8, 4, 2, 1)
PLACES = (
    np.arange(8) - 3.5, np.arange(8) - 3.5, np.array([-2.0, -1, 1, 2]), np.array([-1.0, 1]), np.zeros(1),
)  # fmt: skip
SOURCES = np.concatenate([np.tile(np.arange(a), b) for a, b in itertools.pairwise(LAYERS)])
TARGETS = np.concatenate([np.repeat(np.arange(b), a) for a, b in itertools.pairwise(LAYERS)])
LAYER = np.repeat(np.arange(4), [a * b for a, b in itertools.pairwise(LAYERS)])
COSTS = np.array(
    [(PLACES[k][s] - PLACES[k + 1][t]) ** 2 + 1 for k, s, t in zip(LAYER, SOURCES, TARGETS, strict=True)]
)
FIRST = np.cumsum([0, *LAYERS[1:]])[:4]  # of each layer's biases


@njit(cache=True)
def answer(weights, biases, X, layer, source, target, first, out):
    """Fill ``out (256,)`` with the answers, -1, 0 or 1, of the network to the pictures ``X (8, 256)``."""
    before = X
    begin = 0
    for k in range(4):
        size = 8 if k == 0 else 4 if k == 1 else 2 if k == 2 else 1
        now = np.zeros((size, X.shape[1]), np.int8)
        for t in range(size):
            for p in range(X.shape[1]):
                now[t, p] = biases[first[k] + t]
        while begin < len(layer) and layer[begin] == k:
            w = weights[begin]
            if w != 0:
                s, t = source[begin], target[begin]
                for p in range(X.shape[1]):
                    now[t, p] += w * before[s, p]
            begin += 1
        for t in range(size):
            for p in range(X.shape[1]):
                now[t, p] = 1 if now[t, p] > 0 else -1 if now[t, p] < 0 else 0
        before = now
    out[:] = before[0]


@njit(cache=True)
def mutate(weights, biases):
    """Change one child in place."""
    if np.random.random() < 0.2:
        absent = np.flatnonzero(weights == 0)
        if len(absent):
            weights[absent[np.random.randint(len(absent))]] = (-2, -1, 1, 2)[np.random.randint(4)]
    if np.random.random() < 0.2:
        there = np.flatnonzero(weights)
        if len(there):
            weights[there[np.random.randint(len(there))]] = 0
    there = np.flatnonzero(weights)
    for c in there:
        if np.random.random() < 2.0 / len(there):
            step = 1 if np.random.random() < 0.5 else -1
            moved = weights[c] + step
            if moved == 0:
                moved += step
            weights[c] = min(max(moved, -2), 2)
    for b in range(len(biases)):
        if np.random.random() < 1.0 / 24.0:
            biases[b] = np.random.randint(-2, 3)


@njit(cache=True)
def fronts(aims, use_cost):
    """Return the front ``(n,)`` of each row of ``aims (n, 3)``; the last aim tells in so many of the comparisons."""
    n = len(aims)
    beats = np.zeros((n, n), np.bool_)
    losses = np.zeros(n, np.int64)
    for i in range(n):
        for j in range(i):
            better = aims[i, 0] > aims[j, 0] or aims[i, 1] > aims[j, 1]
            worse = aims[i, 0] < aims[j, 0] or aims[i, 1] < aims[j, 1]
            if better and worse:
                continue
            if aims[i, 2] != aims[j, 2] and np.random.random() < use_cost:
                better |= aims[i, 2] > aims[j, 2]
                worse |= aims[i, 2] < aims[j, 2]
            if better and not worse:
                beats[i, j] = True
                losses[j] += 1
            elif worse and not better:
                beats[j, i] = True
                losses[i] += 1
    front = np.full(n, -1)
    left, number = n, 0
    while left:
        members = np.flatnonzero((losses <= 0) & (front < 0))
        if len(members) == 0:  # chance made a circle: those with fewest losses go first
            least = 1 << 60
            for i in range(n):
                if front[i] < 0:
                    least = min(least, losses[i])
            members = np.flatnonzero((losses == least) & (front < 0))
        for i in members:
            front[i] = number
        for i in members:
            for j in range(n):
                if beats[i, j]:
                    losses[j] -= 1
        left -= len(members)
        number += 1
    return front


@njit(cache=True)
def crowding(aims, front, count):
    """Return the crowding distance ``(n,)`` of each row within its front, over the first ``count`` aims."""
    n = len(aims)
    far = np.zeros(n)
    for a in range(count):
        order = np.argsort(aims[:, a])
        span = aims[order[-1], a] - aims[order[0], a]
        if span == 0.0:
            continue
        for f in range(front.max() + 1):
            last, before = -1, -1
            for i in order:
                if front[i] != f:
                    continue
                if last < 0:
                    far[i] = np.inf
                elif before >= 0:
                    far[last] += (aims[i, a] - aims[before, a]) / span
                before, last = last, i
            if last >= 0:
                far[last] = np.inf
    return far


@njit(cache=True)
def evolve(seed, population, generations, use_cost, X, wanted, costs, layer, source, target, first):
    """Return the champion's weights and biases and share right, and the generation of the first perfect one, or 0."""
    np.random.seed(seed)
    n = population
    weights, biases = np.zeros((2 * n, len(layer)), np.int8), np.zeros((2 * n, 15), np.int8)
    says, aims = np.zeros((2 * n, X.shape[1]), np.int8), np.zeros((2 * n, 3))
    for i in range(n):
        for c in np.random.permutation(len(layer))[: np.random.randint(20, 101)]:
            weights[i, c] = (-2, -1, 1, 2)[np.random.randint(4)]
        for b in range(15):
            biases[i, b] = np.random.randint(-2, 3)
    solved, count = 0, 3 if use_cost > 0 else 2
    rank, far = np.zeros(2 * n, np.int64), np.zeros(2 * n)
    for generation in range(generations + 1):
        start = 0
        if generation:
            start = n
            for i in range(n, 2 * n):
                a, b = np.random.randint(n), np.random.randint(n)
                if rank[b] < rank[a] or (rank[b] == rank[a] and far[b] > far[a]):
                    a = b
                weights[i], biases[i] = weights[a], biases[a]
                mutate(weights[i], biases[i])
        for i in range(start, start + n):
            answer(weights[i], biases[i], X, layer, source, target, first, says[i])
            right = 0
            for p in range(X.shape[1]):
                right += says[i, p] == wanted[p]
            aims[i, 0] = right / X.shape[1]
            aims[i, 2] = 0.0
            for c in range(len(layer)):
                if weights[i, c] != 0:
                    aims[i, 2] -= costs[c]
        if solved == 0 and aims[start : start + n, 0].max() == 1.0:
            solved = max(generation, 1)
        size = start + n
        yes = np.zeros(X.shape[1])
        for i in range(size):
            for p in range(X.shape[1]):
                yes[p] += says[i, p] > 0
        for i in range(size):
            apart = 0.0
            for p in range(X.shape[1]):
                apart += size - yes[p] if says[i, p] > 0 else yes[p]
            aims[i, 1] = apart / (size * X.shape[1])
        front = fronts(aims[:size], use_cost)
        away = crowding(aims[:size], front, count)
        order = sort_by(front, away)[:n]
        weights[:n], biases[:n], says[:n], aims[:n] = weights[order], biases[order], says[order], aims[order]
        rank[:n], far[:n] = front[order], away[order]
    best = 0
    for i in range(1, n):
        if aims[i, 0] > aims[best, 0] or (aims[i, 0] == aims[best, 0] and aims[i, 2] > aims[best, 2]):
            best = i
    return weights[best], biases[best], aims[best, 0], solved


@njit(cache=True)
def sort_by(front, away):
    """Return the rows by front, the most apart first within each."""
    far = np.argsort(-away, kind="mergesort")
    return far[np.argsort(front[far], kind="mergesort")]


def network(weights):
    """Return the graph of the connections on ways from an input to the output, nodes being (layer, number)."""
    graph = nx.DiGraph(
        ((k, s), (k + 1, t))
        for k, s, t, w in zip(LAYER.tolist(), SOURCES.tolist(), TARGETS.tolist(), weights, strict=True)
        if w
    )
    out = (4, 0)
    if out not in graph:
        return nx.DiGraph()
    inputs = [node for node in graph if node[0] == 0]
    heard = set().union(*(nx.descendants(graph, node) | {node} for node in inputs)) if inputs else set()
    return graph.subgraph(heard & (nx.ancestors(graph, out) | {out}))


def modules(graph):
    """Return Q, and whether no module holds inputs of both sides while both sides have some."""
    if not graph.number_of_edges():
        return 0.0, False
    plain = graph.to_undirected()
    parts = nx.community.greedy_modularity_communities(plain)
    sides = [{number < 4 for layer, number in part if layer == 0} for part in parts]
    apart = all(len(side) < 2 for side in sides) and {x for side in sides for x in side} == {True, False}
    return nx.community.modularity(plain, parts), apart


def interval(values, rng):
    """Return mean and 95 % interval of the mean, by the bootstrap."""
    means = rng.choice(values, (10_000, len(values))).mean(axis=1)
    return np.mean(values), *np.quantile(means, [0.025, 0.975])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--generations", type=int, default=5000)
    parser.add_argument("--population", type=int, default=200)
    options = parser.parse_args()
    X, sides = pictures()
    samples = np.ascontiguousarray(X.T, dtype=np.int8)
    wanted = np.where((sides > 0).all(axis=1), 1, -1).astype(np.int8)
    rng, found = np.random.default_rng(0), {}
    print(f"{options.seeds} runs of {options.generations} generations of {options.population}, one thread")
    print(
        f"{'':<9}{'solved':>8}{'median gen.':>13}{'right':>8}{'connections':>13}{'Q':>6}{'95 %':>15}{'split':>7}"
        f"{'CPU-s':>7}"
    )
    for name, use_cost in (("cost", 0.25), ("no cost", 0.0)):
        rows = []
        for seed in range(options.seeds):
            began = time.process_time()
            weights, _, right, when = evolve(
                seed, options.population, options.generations, use_cost, samples, wanted, COSTS, LAYER, SOURCES,
                TARGETS, FIRST,
            )  # fmt: skip
            graph = network(weights)
            took = time.process_time() - began
            rows.append((right, when, graph.number_of_edges(), *modules(graph), took))
            print(f"  {name} {seed}: {rows[-1]}", file=sys.stderr, flush=True)
        rights, whens, edges, q, split, seconds = np.array(rows, float).T
        found[name] = q
        done = whens[rights == 1]
        when = f"{np.median(done):.0f}" if len(done) else "–"
        mean, low, high = interval(q, rng)
        print(
            f"{name:<9}{len(done):>5}/{len(rows):<2}{when:>13}{rights.mean():>8.3f}{np.median(edges):>13.0f}{mean:>6.2f}"
            f"{f'[{low:.2f}, {high:.2f}]':>15}{split.sum():>4.0f}/{len(rows):<2}{np.median(seconds):>7.1f}",
            flush=True,
        )
    both, size = np.concatenate(list(found.values())), options.seeds
    seen = found["cost"].mean() - found["no cost"].mean()
    drawn = rng.permuted(np.tile(both, (20_000, 1)), axis=1)
    chance = np.mean(np.abs(drawn[:, :size].mean(axis=1) - drawn[:, size:].mean(axis=1)) >= abs(seen) - 1e-12)
    print(f"difference of Q {seen:+.2f}, p = {chance:.4f}")


if __name__ == "__main__":
    main()
