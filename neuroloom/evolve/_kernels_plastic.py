"""Kernels: networks whose weights change by a Hebbian rule after each input, in double precision.

Importing this module imports numba. Each lane of a network, a copy with a state of its own, has weights of its own, so
lanes are computed one after another; see :mod:`~neuroloom.evolve.plastic` for the equations.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuroloom.evolve._kernels import inlined, kernel, part

_SELU, _SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717


class Plastic(NamedTuple):
    """Compiled networks of a population; the first ten columns are those of ``Packed`` and ``Recurrent``.

    A *slot* is an input (``0 … inputs - 1``) or, plus ``inputs``, a node's place in its genome's order.

    Args:
        node_ptr: ``(n + 1,)`` int64; genome ``g`` owns the ``sizes[g]`` nodes from ``node_ptr[g]`` on.
        sizes: ``(n,)`` int64.
        activation: uint8 codes, per node.
        aggregation: uint8 codes, per node.
        edge_start: int64, per node: its edges are ``[edge_start, edge_stop)``.
        edge_stop: int64, per node.
        node_gene: int64, per node: its row in the gene columns.
        slot: int32, per edge: where its input comes from.
        edge_gene: int64, per edge: its row in the gene columns.
        outputs: ``(n, outputs)`` int32 slots.
        bias: float64, a gene column.
        response: float64, a gene column.
        plasticity: ``(conns, 5)`` float64, a gene column: eta, A, B, C, D.
        bound: weights stay within ``-bound … bound``.
        cyclic: 1 where all nodes are computed from the values of the step before, 0 where each follows what it needs.
    """

    node_ptr: NDArray[np.int64]
    sizes: NDArray[np.int64]
    activation: NDArray[np.uint8]
    aggregation: NDArray[np.uint8]
    edge_start: NDArray[np.int64]
    edge_stop: NDArray[np.int64]
    node_gene: NDArray[np.int64]
    slot: NDArray[np.int32]
    edge_gene: NDArray[np.int64]
    outputs: NDArray[np.int32]
    bias: NDArray[np.float64]
    response: NDArray[np.float64]
    plasticity: NDArray[np.float64]
    bound: float
    cyclic: int


@part
def sigmoid(z):  # type: ignore[no-untyped-def]
    """Return 1 / (1 + exp(-z)), ``z`` within ±60."""
    return 1.0 / (1.0 + math.exp(-min(max(z, -60.0), 60.0)))


@part
def activation_of(code, z):  # type: ignore[no-untyped-def]
    """Return the activation of ``code`` of ``z`` in double precision; formulas as in ``functions``."""
    if code == 0:
        return sigmoid(5.0 * z)
    if code == 1:
        return math.tanh(min(max(2.5 * z, -60.0), 60.0))
    if code == 2:
        return max(z, 0.0)
    if code == 3:
        return z
    if code == 4 or code == 22:
        near = min(max(z, -3.4), 3.4)
        bell = math.exp(-5.0 * (near * near))
        return bell if code == 4 else 2.0 * bell - 1.0
    if code == 5:
        return math.sin(min(max(5.0 * z, -60.0), 60.0))
    if code == 6:
        return min(max(z, -1.0), 1.0)
    if code == 7:
        return abs(z)
    if code == 8:
        return max(0.0, 1.0 - abs(z))
    if code == 9:
        return z * z
    if code == 10:
        return z * z * z
    if code == 11:
        return z if z > 0.0 else 0.005 * z
    if code == 12:
        return z if z > 0.0 else math.expm1(z)
    if code == 13:
        return _SELU * (z if z > 0.0 else _SELU_ALPHA * math.expm1(z))
    if code == 14:
        return 0.2 * math.log1p(math.exp(min(max(5.0 * z, -60.0), 60.0)))
    if code == 15:
        return 0.0 if z == 0.0 else 1.0 / z
    if code == 16:
        return math.log(max(z, 1e-7))
    if code == 17:
        return math.exp(min(max(z, -60.0), 60.0))
    if code == 18:
        return math.cos(min(max(5.0 * z, -60.0), 60.0))
    if code == 19:
        return sigmoid(z)
    if code == 20:
        return sigmoid(4.9 * z)
    if code == 21:
        return math.tanh(2.45 * z)
    if code == 23:
        return 1.0 if z > 0.0 else 0.0
    if code == 24:
        return 1.0 if z > 0.0 else -1.0 if z < 0.0 else 0.0
    return min(max(z, 0.0), 1.0)


@inlined
def term_of_rank(net, start, stop, weights, values, rank):  # type: ignore[no-untyped-def]
    """Return the term of ``rank`` (from 0) among the weighted inputs of a node; few edges enter one."""
    found = math.nan
    for e in range(start, stop):
        term = weights[e] * values[net.slot[e]]
        less, equal = 0, 0
        for k in range(start, stop):
            other = weights[k] * values[net.slot[k]]
            less += other < term
            equal += other == term
        if less <= rank < less + equal:
            found = term
    return found


@inlined
def aggregate_terms(net, at, weights, values):  # type: ignore[no-untyped-def]
    """Return the aggregation of the weighted inputs of node ``at``, from the first edge to the last."""
    code, start, stop = net.aggregation[at], net.edge_start[at], net.edge_stop[at]
    count = stop - start
    result = 1.0 if code == 1 else 0.0
    if code == 5 and count > 0:
        result = term_of_rank(net, start, stop, weights, values, count // 2)
        if count % 2 == 0:
            result = (result + term_of_rank(net, start, stop, weights, values, count // 2 - 1)) / 2.0
        return result
    for e in range(start, stop):
        term = weights[e] * values[net.slot[e]]
        if code == 1:
            result *= term
        elif code == 0 or code == 6:
            result += term
        elif (
            e == start
            or (code == 2 and term > result)
            or (code == 3 and term < result)
            or (code == 4 and abs(term) > abs(result))
        ):
            result = term
    return result / count if code == 6 and count > 0 else result


@inlined
def change_weights(net, at, weights, values, post):  # type: ignore[no-untyped-def]
    """Change the weights of the edges into node ``at``, whose value is ``post``.

    w <- w + eta (A pre post + B pre + C post + D), cut off at the bound; a weight whose eta is 0 stays.
    """
    for e in range(net.edge_start[at], net.edge_stop[at]):
        rule, pre = net.plasticity[net.edge_gene[e]], values[net.slot[e]]
        if rule[0] != 0.0:
            moved = weights[e] + rule[0] * (rule[1] * pre * post + rule[2] * pre + rule[3] * post + rule[4])
            weights[e] = min(max(moved, -net.bound), net.bound)


@kernel
def step_plastic(net, X, members, row_ptr, state, weights, out):  # type: ignore[no-untyped-def]
    """Step the networks ``members`` once, each in lanes of its own, and change their weights.

    ``X (1 or genomes, lanes, inputs)`` float64, one for all or one each; ``state (lanes, rows)``: genome ``g`` owns the
    columns from ``row_ptr[g]`` on, its inputs, its nodes and, in cyclic networks, what these are about to become;
    ``weights (lanes, edges)``; fills ``out (genomes, lanes, outputs)``. ``net`` is a plain tuple.
    """
    net = Plastic(*net)
    lanes, inputs = X.shape[1], X.shape[2]
    for g in members:
        n0, size = net.node_ptr[g], net.sizes[g]
        ahead = inputs + (size if net.cyclic else 0)
        for s in range(lanes):
            values, own, given = (
                state[s, row_ptr[g] : row_ptr[g + 1]],
                weights[s],
                X[g if len(X) > 1 else 0, s],
            )
            for i in range(inputs):
                values[i] = given[i]
            for k in range(size):
                at = n0 + k
                if net.cyclic and net.edge_start[at] == net.edge_stop[at]:
                    continue  # it stays at 0, as in recurrent networks that are not plastic
                gene = net.node_gene[at]
                z = net.bias[gene] + net.response[gene] * aggregate_terms(net, at, own, values)
                values[ahead + k] = activation_of(net.activation[at], z)
            for k in range(size):
                change_weights(net, n0 + k, own, values, values[ahead + k])
            if net.cyclic:
                for k in range(size):
                    values[inputs + k] = values[ahead + k]
            for o in range(net.outputs.shape[1]):
                out[g, s, o] = values[net.outputs[g, o]]
