"""Kernels: numbers for new genes, and genes packed tightly.

Importing this module imports numba.
"""

from __future__ import annotations

import numpy as np

from neuroloom.evolve._kernels import kernel, part
from neuroloom.evolve._kernels_random import mix
from neuroloom.evolve._kernels_structure import NEW_NODE
from neuroloom.evolve.population import Genes

_u = np.uint64


@part
def look_up(keys, values, key, fresh):  # type: ignore[no-untyped-def]
    """Return the value of ``key`` in the hash table, after setting it to ``fresh`` where it was not there.

    ``keys`` (int64, a power of two of places, -1 for a free one) and ``values`` are the table.
    """
    last = len(keys) - 1
    at = np.int64(mix(_u(key)) & _u(last))
    while keys[at] != key:
        if keys[at] == -1:
            keys[at] = key
            values[at] = fresh
            return fresh
        at = (at + 1) & last
    return values[at]


@kernel
def move_table(old_keys, old_values, keys, values):  # type: ignore[no-untyped-def]
    """Enter all of one hash table into another."""
    for k in range(len(old_keys)):
        if old_keys[k] >= 0:
            look_up(keys, values, old_keys[k], old_values[k])


@part
def pair_key(source, target):  # type: ignore[no-untyped-def]
    """Return one number of at least 0 for a connection's two ends."""
    return ((np.int64(source) + (1 << 30)) << 31) | np.int64(target)


@kernel
def enter_pairs(keys, values, pairs):  # type: ignore[no-untyped-def]
    """Enter the connections ``pairs (k, 2)``, source and target, with the innovations 0 … k - 1."""
    for k in range(len(pairs)):
        look_up(keys, values, pair_key(pairs[k, 0], pairs[k, 1]), k)


@kernel
def close_up(node_count, conn_count, split, node_ptr, conn_ptr):  # type: ignore[no-untyped-def]
    """Fill the offsets of genes without gaps and return how many children have a new node."""
    splits = 0
    node_ptr[0] = conn_ptr[0] = 0
    for child in range(len(split)):
        node_ptr[child + 1] = node_ptr[child] + node_count[child]
        conn_ptr[child + 1] = conn_ptr[child] + conn_count[child]
        splits += split[child] >= 0
    return splits


@kernel
def pack(drafts, split, next_ids, keys, values, out, split_keys, split_nodes):  # type: ignore[no-untyped-def]
    """Number what is new in ``drafts`` and pack all genes tightly into ``out``; both are plain tuples.

    Children that split the same connection share the new node's id; the same two ends always have the same innovation.
    ``next_ids``: the next node id and the next innovation, advanced here. ``keys``, ``values``: the table of
    innovations by ends, with room for all that may come; ``split_keys``, ``split_nodes``: one of new nodes by what they
    split.
    """
    drafts, out = Genes(*drafts), Genes(*out)
    children, timed, plastic = len(split), len(out.time_constant) > 0, len(out.plasticity) > 0
    for child in range(children):
        n0, n1, c0, c1 = (
            out.node_ptr[child],
            out.node_ptr[child + 1],
            out.conn_ptr[child],
            out.conn_ptr[child + 1],
        )
        from_n, from_c = drafts.node_ptr[child] - n0, drafts.conn_ptr[child] - c0
        node = -1
        if split[child] >= 0:
            node = look_up(split_keys, split_nodes, split[child], next_ids[0])
            if node == next_ids[0]:
                next_ids[0] += 1
        for n in range(n0, n1):
            k = n + from_n
            out.node_id[n] = drafts.node_id[k] if drafts.node_id[k] != NEW_NODE else node
            out.bias[n] = drafts.bias[k]
            out.response[n] = drafts.response[k]
            out.activation[n] = drafts.activation[k]
            out.aggregation[n] = drafts.aggregation[k]
            if timed:
                out.time_constant[n] = drafts.time_constant[k]
        for c in range(c0, c1):
            k = c + from_c
            source = drafts.source[k] if drafts.source[k] != NEW_NODE else node
            target = drafts.target[k] if drafts.target[k] != NEW_NODE else node
            innovation = drafts.innovation[k]
            at = c
            if innovation < 0:
                innovation = look_up(keys, values, pair_key(source, target), next_ids[1])
                if innovation == next_ids[1]:
                    next_ids[1] += 1
                while at > c0 and out.innovation[at - 1] > innovation:
                    out.innovation[at] = out.innovation[at - 1]
                    out.source[at], out.target[at] = out.source[at - 1], out.target[at - 1]
                    out.weight[at], out.enabled[at] = out.weight[at - 1], out.enabled[at - 1]
                    if plastic:
                        for n in range(5):
                            out.plasticity[at, n] = out.plasticity[at - 1, n]
                    at -= 1
            out.innovation[at] = innovation
            out.source[at], out.target[at] = source, target
            out.weight[at], out.enabled[at] = drafts.weight[k], drafts.enabled[k]
            if plastic:
                for n in range(5):
                    out.plasticity[at, n] = drafts.plasticity[k, n]
