"""Kernels: the compatibility distance of genomes, and which species each belongs to.

Importing this module imports numba.
"""

from __future__ import annotations

import math

from neuroloom.evolve._kernels import inlined, kernel
from neuroloom.evolve.population import Genes

NEAT_PYTHON, PAPER, UNSCALED = 0, 1, 2  # codes of the distance, places in ``config.DISTANCES``


@inlined
def connection_differences(a, i, b, j):  # type: ignore[no-untyped-def]
    """Compare the connections of genome ``i`` of ``a`` with those of genome ``j`` of ``b``, by innovation.

    Returns how many are excess, disjoint and matching, the sum of the weights' differences of the latter, how many of
    them differ in being enabled, and the sum of the mean differences of the five numbers of their plasticity.
    """
    c, c1, d, d1 = a.conn_ptr[i], a.conn_ptr[i + 1], b.conn_ptr[j], b.conn_ptr[j + 1]
    disjoint, matching, weights, flags, rules = 0, 0, 0.0, 0, 0.0
    plastic = len(a.plasticity) > 0 and len(b.plasticity) > 0
    while c < c1 and d < d1:
        if a.innovation[c] == b.innovation[d]:
            matching += 1
            weights += abs(a.weight[c] - b.weight[d])
            flags += a.enabled[c] != b.enabled[d]
            if plastic:
                for k in range(5):
                    rules += 0.2 * abs(a.plasticity[c, k] - b.plasticity[d, k])
            c += 1
            d += 1
        else:
            disjoint += 1
            if a.innovation[c] < b.innovation[d]:
                c += 1
            else:
                d += 1
    return c1 - c + d1 - d, disjoint, matching, weights, flags, rules


@inlined
def node_differences(a, i, b, j):  # type: ignore[no-untyped-def]
    """Compare the nodes of two genomes by id: how many are lonely and shared, the sum of the latter's differences."""
    c, c1, d, d1 = a.node_ptr[i], a.node_ptr[i + 1], b.node_ptr[j], b.node_ptr[j + 1]
    lonely, shared, nodes = 0, 0, 0.0
    timed = len(a.time_constant) > 0 and len(b.time_constant) > 0
    while c < c1 and d < d1:
        if a.node_id[c] == b.node_id[d]:
            shared += 1
            nodes += abs(a.bias[c] - b.bias[d]) + abs(a.response[c] - b.response[d])
            nodes += (a.activation[c] != b.activation[d]) + (a.aggregation[c] != b.aggregation[d])
            if timed:
                nodes += abs(a.time_constant[c] - b.time_constant[d])
            c += 1
            d += 1
        else:
            lonely += 1
            if a.node_id[c] < b.node_id[d]:
                c += 1
            else:
                d += 1
    return lonely + c1 - c + d1 - d, shared, nodes


@inlined
def distance_within(a, i, b, j, rule, c1, c2, c3, limit, c4):  # type: ignore[no-untyped-def]
    """Return :func:`distance`, or ``limit`` as soon as it is known to be no less."""
    excess, disjoint, matching, weights, flags, rules = connection_differences(a, i, b, j)
    most = max(a.conn_ptr[i + 1] - a.conn_ptr[i], b.conn_ptr[j + 1] - b.conn_ptr[j])
    if rule != NEAT_PYTHON:
        found = (c1 * excess + c2 * disjoint) / (most if rule == PAPER and most >= 20 else 1)
        if found >= limit:
            return limit
        found += c4 * rules / max(matching, 1)
        _, shared, nodes = node_differences(a, i, b, j)
        return found + c3 * (weights + nodes) / max(matching + shared, 1)
    found = (c4 * rules + c3 * (weights + flags) + c1 * excess + c2 * disjoint) / max(most, 1)
    if found >= limit:
        return limit
    lonely, shared, nodes = node_differences(a, i, b, j)
    most_nodes = max(max(a.node_ptr[i + 1] - a.node_ptr[i], b.node_ptr[j + 1] - b.node_ptr[j]), 1)
    return (c3 * nodes + c2 * lonely) / most_nodes + found


@kernel
def distance(a, i, b, j, rule, c1, c2, c3, c4=0.0):  # type: ignore[no-untyped-def]
    """Return the compatibility distance of two genomes, by the paper (Eq. 1) or as neat-python has it.

    ``rule``: ``NEAT_PYTHON``, ``PAPER`` or ``UNSCALED``; the last two differ in N alone, which is 1 when unscaled.

    The paper's biases are weights of connections from a bias input; here the nodes' own numbers take their place in the
    mean difference of matching weights. ``c4`` multiplies the mean difference of the rules of plasticity, where there
    are any.
    """
    return distance_within(a, i, b, j, rule, c1, c2, c3, math.inf, c4)


@kernel
def place_all(  # type: ignore[no-untyped-def]
    genes, old, representatives, rule, c1, c2, c3, threshold, species, founders, sizes, c4=0.0
):  # fmt: skip
    """Put each genome into the first species whose representative is nearer than ``threshold``, else into a new one.

    ``genes`` and ``old`` are plain tuples of the columns of ``Genes``. ``representatives``: rows of ``old``, one a
    species. Fills ``species (n,)`` and ``sizes``, as long as ``species`` and ``representatives`` together, and returns
    how many species there are. ``founders``, ``(n,)`` int64, is scratch.
    """
    genes, old = Genes(*genes), Genes(*old)
    known = len(representatives)
    count = known
    for s in range(known):
        sizes[s] = 0
    for g in range(len(species)):
        found = -1
        for s in range(known):
            if (
                distance_within(genes, g, old, representatives[s], rule, c1, c2, c3, threshold, c4)
                < threshold
            ):
                found = s
                break
        if found < 0:
            for s in range(known, count):
                if (
                    distance_within(genes, g, genes, founders[s - known], rule, c1, c2, c3, threshold, c4)
                    < threshold
                ):
                    found = s
                    break
        if found < 0:
            founders[count - known] = g
            found = count
            sizes[count] = 0
            count += 1
        species[g] = found
        sizes[found] += 1
    return count
