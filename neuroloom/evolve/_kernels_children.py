"""Kernels: children from parents, by crossover and mutation, over genes as flat columns.

Importing this module imports numba. Each child is written with room for new genes, whose numbers are not known yet;
``_kernels_numbering`` then hands out node ids and innovation numbers in the order of the children and packs all genes
tightly.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuroloom.evolve._kernels import inlined, kernel
from neuroloom.evolve._kernels_random import Rule, below, mutated, start_stream, uniform, word
from neuroloom.evolve._kernels_structure import (
    NEW_NODE,
    add_connection,
    add_node,
    delete_connection,
    delete_node,
)
from neuroloom.evolve.population import Genes

SPARE_CONNS = 3  # two halves of a split connection and an added one
_0, _1, _2, _4, _8, _16 = (np.uint64(k) for k in (0, 1, 2, 4, 8, 16))


class Rates(NamedTuple):
    """What mutation and crossover do: fields of ``NEATConfig`` as numbers, 0 or 1 for what may be true."""

    weight: Rule
    bias: Rule
    response: Rule
    time_constant: Rule
    activation: float  # code of a new node's activation, -1 for a random option
    activation_mutate: float
    fixed_outputs: float  # whether the outputs' activation stays
    aggregation: float
    aggregation_mutate: float
    enable: float
    disable: float
    genome: float
    conn_add: float
    conn_delete: float
    node_add: float
    node_delete: float
    single: float
    surer: float
    disabled_stays: float
    cycles: float  # whether an added connection may close a cycle
    from_outputs: float  # whether it may begin at an output
    new_enabled: float  # chance that it is enabled
    plasticity: Rule


def rates_row(rates: Rates) -> NDArray[np.float64]:
    """Return ``rates`` as one array, which a kernel takes in a hundredth of the time."""
    return np.array(
        [*rates.weight, *rates.bias, *rates.response, *rates.time_constant, *rates[4:-1], *rates.plasticity],
        np.float64,
    )


@inlined
def rule_at(row, k):  # type: ignore[no-untyped-def]
    """Return the rule that begins at entry ``k`` of a row of rates."""
    return Rule(
        row[k], row[k + 1], row[k + 2], row[k + 3], row[k + 4], row[k + 5], row[k + 6], row[k + 7]
    )  # fmt: skip


@inlined
def rates_of(row):  # type: ignore[no-untyped-def]
    """Return the rates that :func:`rates_row` wrote."""
    return Rates(
        rule_at(row, 0), rule_at(row, 8), rule_at(row, 16), rule_at(row, 24), row[32], row[33], row[34], row[35],
        row[36], row[37], row[38], row[39], row[40], row[41], row[42], row[43], row[44], row[45], row[46], row[47],
        row[48], row[49], rule_at(row, 50),
    )  # fmt: skip


@inlined
def cross(genes, a, b, stay_disabled, stream, out, n0, c0):  # type: ignore[no-untyped-def]
    """Write the child of genome ``a``, the fitter, and ``b`` to ``out`` at ``n0`` and ``c0``.

    Matching genes come from either parent at random, attribute by attribute, but a weight and the rule by which it
    changes together; all others from ``a``.
    """
    timed = len(genes.time_constant) > 0
    j, stop = genes.node_ptr[b], genes.node_ptr[b + 1] if a != b else 0
    for i in range(genes.node_ptr[a], genes.node_ptr[a + 1]):
        while j < stop and genes.node_id[j] < genes.node_id[i]:
            j += 1
        other, bits = i, _0
        if j < stop and genes.node_id[j] == genes.node_id[i]:
            other, bits = j, word(stream)
        out.node_id[n0] = genes.node_id[i]
        out.bias[n0] = genes.bias[other if bits & _1 else i]
        out.response[n0] = genes.response[other if bits & _2 else i]
        out.activation[n0] = genes.activation[other if bits & _4 else i]
        out.aggregation[n0] = genes.aggregation[other if bits & _8 else i]
        if timed:
            out.time_constant[n0] = genes.time_constant[other if bits & _16 else i]
        n0 += 1
    j, stop = genes.conn_ptr[b], genes.conn_ptr[b + 1] if a != b else 0
    bits, left, plastic = _0, 0, len(genes.plasticity) > 0
    for i in range(genes.conn_ptr[a], genes.conn_ptr[a + 1]):
        while j < stop and genes.innovation[j] < genes.innovation[i]:
            j += 1
        out.innovation[c0] = genes.innovation[i]
        out.source[c0] = genes.source[i]
        out.target[c0] = genes.target[i]
        enabled, origin = genes.enabled[i], i
        if j < stop and genes.innovation[j] == genes.innovation[i]:
            if left == 0:
                bits, left = word(stream), 64
            origin = j if bits & _1 else i
            bits, left = bits >> _1, left - 1
            if not (enabled and genes.enabled[j]):
                enabled = uniform(stream) >= stay_disabled
        out.weight[c0] = genes.weight[origin]
        out.enabled[c0] = enabled
        if plastic:
            for k in range(5):
                out.plasticity[c0, k] = genes.plasticity[origin, k]
        c0 += 1


@inlined
def mutate_values(out, n0, n1, c0, c1, outputs, r, activations, aggregations, stream):  # type: ignore[no-untyped-def]
    """Mutate the numbers and functions of all genes that are not new."""
    if uniform(stream) < r.genome:
        state = stream[0]
        for c in range(c0, c1):
            if out.innovation[c] >= 0:
                out.weight[c], state = mutated(state, stream, out.weight[c], r.weight)
        responses = r.response.mutate + r.response.anew > 0
        times = len(out.time_constant) > 0 and r.time_constant.mutate + r.time_constant.anew > 0
        for n in range(n0, n1):
            if out.node_id[n] != NEW_NODE:
                out.bias[n], state = mutated(state, stream, out.bias[n], r.bias)
                if responses:
                    out.response[n], state = mutated(state, stream, out.response[n], r.response)
                if times:
                    out.time_constant[n], state = mutated(
                        state, stream, out.time_constant[n], r.time_constant
                    )
        if len(out.plasticity) > 0 and r.plasticity.mutate + r.plasticity.anew > 0:
            for c in range(c0, c1):
                if out.innovation[c] >= 0:
                    for k in range(5):
                        out.plasticity[c, k], state = mutated(
                            state, stream, out.plasticity[c, k], r.plasticity
                        )
        stream[0] = state
    if r.enable > 0 or r.disable > 0:
        for c in range(c0, c1):
            if out.innovation[c] >= 0 and uniform(stream) < (r.disable if out.enabled[c] else r.enable):
                out.enabled[c] = uniform(stream) < 0.5
    if r.activation_mutate > 0:
        for n in range(n0 + outputs if r.fixed_outputs else n0, n1):
            if uniform(stream) < r.activation_mutate:
                out.activation[n] = activations[below(stream, len(activations))]
    if r.aggregation_mutate > 0:
        for n in range(n0, n1):
            if uniform(stream) < r.aggregation_mutate:
                out.aggregation[n] = aggregations[below(stream, len(aggregations))]


@kernel
def make_children(  # type: ignore[no-untyped-def]
    genes, first, second, keep, seed, generation, inputs, outputs, rates, activations, aggregations,
    start, stop, out, node_count, conn_count, split, stream, seen
):  # fmt: skip
    """Write children ``start … stop - 1`` to ``out``, genes whose rows have room for what may be added.

    ``genes`` and ``out`` are plain tuples of the columns of ``Genes``, ``rates`` is a :func:`rates_row`.
    ``node_count``, ``conn_count``: how many genes each child has. ``split``: the innovation that its new node
    splits, or
    -1. New nodes have the id ``NEW_NODE``, new connections the innovation -1; both stand last.
    """
    genes, out, r = Genes(*genes), Genes(*out), rates_of(rates)
    for child in range(start, stop):
        a = first[child]
        n0, c0 = out.node_ptr[child], out.conn_ptr[child]
        n1, c1 = (
            n0 + genes.node_ptr[a + 1] - genes.node_ptr[a],
            c0 + genes.conn_ptr[a + 1] - genes.conn_ptr[a],
        )
        start_stream(stream, seed, generation, child, 1)
        cross(genes, a, second[child], r.disabled_stays, stream, out, n0, c0)
        split[child] = -1
        if not keep[child]:
            u = uniform(stream)
            node_add, node_delete = u < r.node_add, uniform(stream) < r.node_delete
            conn_add, conn_delete = uniform(stream) < r.conn_add, uniform(stream) < r.conn_delete
            if r.single:
                scale = u * max(1.0, r.node_add + r.node_delete + r.conn_add + r.conn_delete)
                node_add = scale < r.node_add
                node_delete = not node_add and scale < r.node_add + r.node_delete
                conn_add = not (node_add or node_delete) and scale < r.node_add + r.node_delete + r.conn_add
                conn_delete = not (node_add or node_delete or conn_add) and (
                    scale < r.node_add + r.node_delete + r.conn_add + r.conn_delete
                )
            if node_add:
                split[child] = add_node(out, n1, c0, c1, r, activations, aggregations, stream)
                if split[child] >= 0:
                    n1, c1 = n1 + 1, c1 + 2
                elif r.surer:
                    conn_add = True
            if node_delete:
                n1, c1 = delete_node(out, n0, n1, c0, c1, outputs, stream)
            if conn_add:
                c1 = add_connection(out, n0, n1, c0, c1, inputs, outputs, r, stream, seen)
            if conn_delete and c1 > c0:
                delete_connection(out, c0 + below(stream, c1 - c0), c1)
                c1 -= 1
            mutate_values(out, n0, n1, c0, c1, outputs, r, activations, aggregations, stream)
        node_count[child], conn_count[child] = n1 - n0, c1 - c0
