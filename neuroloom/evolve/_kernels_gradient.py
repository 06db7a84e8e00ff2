"""Kernels: gradients of the networks of a whole population, over blocks of samples that stay in cache.

Importing this module imports numba. The backward pass computes a block's values once more instead of keeping them, so
that its memory does not grow with the population. Every genome adds up its own gradient, block after block: the same
bits on any number of threads.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuroloom.evolve._kernels import float_kernel, inlined, kernel, summing_kernel
from neuroloom.evolve._kernels_phenotype import BLOCK, activate_block, block_room, sum_block
from neuroloom.evolve._kernels_tiles import FUSED

_f = np.float32
_0, _1, _2, _HALF = _f(0), _f(1), _f(2), _f(0.5)
_SELU, _SELU_ALPHA = _f(1.0507009873554805), _f(1.0507009873554805 * 1.6732632423543772)
_QUARTER = _f(math.pi / 10)  # 5 (z + pi / 10) = 5 z + pi / 2


class Room(NamedTuple):
    """Scratch for one thread.

    Args:
        values: ``(slots, width)`` float32, inputs and what nodes make of them; ``width`` is at least ``BLOCK``.
        before: ``(slots, width)`` float32, what nodes' activations are given.
        slopes: ``(slots, width)`` float32, the loss by ``values``.
        bits: ``(width,)`` int32, and
        powers: the same as float32.
    """

    values: NDArray[np.float32]
    before: NDArray[np.float32]
    slopes: NDArray[np.float32]
    bits: NDArray[np.int32]
    powers: NDArray[np.float32]


def gradient_room(slots: int) -> Room:
    """Return scratch for networks of at most ``slots`` inputs and nodes."""
    values, bits, powers = block_room(slots)
    return Room(values, block_room(slots)[0], block_room(slots)[0], bits, powers)


@kernel
def pick_ranked(weight, slot, start, stop, values, s, rank):  # type: ignore[no-untyped-def]
    """Return the edge whose term has ``rank`` (from 0) among the weighted inputs of sample ``s``, -1 for none.

    Equal terms are ranked in the order of their edges.
    """
    for e in range(start, stop):
        term = weight[e] * values[slot[e], s]
        place = 0
        for k in range(start, stop):
            other = weight[k] * values[slot[k], s]
            place += other < term or (other == term and k < e)
        if place == rank:
            return e
    return np.int64(-1)


@kernel
def pick_largest(weight, slot, start, stop, values, s, code):  # type: ignore[no-untyped-def]
    """Return the edge that max (2), min (3) or maxabs (4) takes for sample ``s``, the first of ties; -1 for none."""
    found: Any = np.int64(-1)
    best = _0
    for e in range(start, stop):
        term = weight[e] * values[slot[e], s]
        if (
            found < 0
            or (code == 2 and term > best)
            or (code == 3 and term < best)
            or (code == 4 and abs(term) > abs(best))
        ):
            found, best = e, term
    return found


@kernel
def gathered(code, weight, slot, start, stop, values, s):  # type: ignore[no-untyped-def]
    """Return the aggregation ``code``, any but the sum, of the weighted inputs of sample ``s``."""
    count = stop - start
    if code == 1:
        product = _1
        for e in range(start, stop):
            product *= weight[e] * values[slot[e], s]
        return product
    if count == 0:
        return _0
    if code == 6:
        total = _0
        for e in range(start, stop):
            total += weight[e] * values[slot[e], s]
        return total / _f(count)
    if code == 5:
        low = pick_ranked(weight, slot, start, stop, values, s, (count - 1) // 2)
        high = pick_ranked(weight, slot, start, stop, values, s, count // 2)
        if low < 0 or high < 0:  # terms that are no numbers have no rank
            return _f(math.nan)
        return _HALF * (weight[low] * values[slot[low], s] + weight[high] * values[slot[high], s])
    e = pick_largest(weight, slot, start, stop, values, s, code)
    return weight[e] * values[slot[e], s]


@kernel
def gather_block(code, weight, slot, start, stop, bias, response, values, r, m):  # type: ignore[no-untyped-def]
    """``values[r, :m] =`` bias and response times the aggregation of the edges, for all but sums."""
    for s in range(m):
        values[r, s] = bias + response * gathered(code, weight, slot, start, stop, values, s)


@float_kernel
def slope_block(code, z, y, d, m, spare, bits, powers):  # type: ignore[no-untyped-def]
    """``d[:m] *=`` the slope of activation ``code`` at ``z[:m]``, where it is ``y[:m]``; 0 at jumps and on the flat.

    ``spare`` is a scratch row.
    """
    if code == 0 or code == 19 or code == 20:
        steep = _f(5.0) if code == 0 else _1 if code == 19 else _f(4.9)
        for s in range(m):
            d[s] *= steep * y[s] * (_1 - y[s])
    elif code == 1 or code == 21:
        steep = _f(2.5) if code == 1 else _f(2.45)
        for s in range(m):
            d[s] *= steep * (_1 - y[s] * y[s])
    elif code == 2:
        for s in range(m):
            d[s] = d[s] if y[s] > _0 else _0
    elif code == 4 or code == 22:
        lift = _0 if code == 4 else _1
        for s in range(m):
            d[s] *= _f(-10.0) * z[s] * (y[s] + lift) if abs(z[s]) <= _f(3.4) else _0
    elif code == 5 or code == 18:
        turn = _QUARTER if code == 5 else _f(2) * _QUARTER
        for s in range(m):  # turned back where turning on would leave the range that sin is clipped to
            spare[s] = z[s] + (turn if z[s] < _0 else turn - _f(4) * _QUARTER)
        activate_block(5, spare, m, bits, powers)  # cos(5 z), or its slope's share -sin(5 z)
        for s in range(m):
            d[s] *= _f(5.0) * spare[s] if abs(z[s]) <= _f(12.0) else _0
    elif code == 6:
        for s in range(m):
            d[s] = d[s] if abs(z[s]) <= _1 else _0
    elif code == 7:
        for s in range(m):
            d[s] *= _1 if z[s] > _0 else -_1 if z[s] < _0 else _0
    elif code == 8:
        for s in range(m):
            d[s] *= _0 if abs(z[s]) >= _1 else -_1 if z[s] > _0 else _1 if z[s] < _0 else _0
    elif code == 9:
        for s in range(m):
            d[s] *= _2 * z[s]
    elif code == 10:
        for s in range(m):
            d[s] *= _f(3.0) * z[s] * z[s]
    elif code != 3:
        for s in range(m):
            d[s] *= rare_slope(code, z[s], y[s])


@kernel
def rare_slope(code, z, y):  # type: ignore[no-untyped-def]
    """Return the slope of one value, for functions that are seldom used."""
    if code == 11:
        return _1 if z > _0 else _f(0.005)
    if code == 12:
        return _1 if z > _0 else y + _1
    if code == 13:
        return _SELU if z > _0 else y + _SELU_ALPHA
    if code == 14:  # 0.2 log(1 + exp(5 z)) has the slope 1 - exp(-5 y)
        return -_f(math.expm1(_f(-5.0) * y)) if abs(z) <= _f(12.0) else _0
    if code == 15:
        return -y * y
    if code == 16:
        return _1 / z if z >= _f(1e-7) else _0
    if code == 17:
        return y if abs(z) <= _f(60.0) else _0
    if code == 25:
        return _1 if z >= _0 and z <= _1 else _0
    return _0  # steps


@float_kernel
def lean_block(weight, slot, start, stop, response, slopes, r, inputs, m):  # type: ignore[no-untyped-def]
    """Share ``slopes[r]``, the loss by what a summing node's activation is given, out among the nodes it sums."""
    d = slopes[r]
    for e in range(start, stop):
        if slot[e] >= inputs:
            back, factor = slopes[slot[e]], response * weight[e]
            for s in range(m):
                back[s] += factor * d[s]


@summing_kernel
def dot_block(slot, start, stop, values, d, m, by_weight):  # type: ignore[no-untyped-def]
    """``by_weight[e] +=`` the sum over samples of ``d`` times what comes by edge ``e``, four edges at a time."""
    e = start
    while e + 4 <= stop:
        v0, v1, v2, v3 = values[slot[e]], values[slot[e + 1]], values[slot[e + 2]], values[slot[e + 3]]
        t0, t1, t2, t3 = _0, _0, _0, _0
        for s in range(m):
            t0 += d[s] * v0[s]
            t1 += d[s] * v1[s]
            t2 += d[s] * v2[s]
            t3 += d[s] * v3[s]
        by_weight[e] += t0
        by_weight[e + 1] += t1
        by_weight[e + 2] += t2
        by_weight[e + 3] += t3
        e += 4
    while e < stop:
        v0, t0 = values[slot[e]], _0
        for s in range(m):
            t0 += d[s] * v0[s]
        by_weight[e] += t0
        e += 1


@summing_kernel
def total_block(d, m):  # type: ignore[no-untyped-def]
    """Return the sum of ``d[:m]``."""
    total = _0
    for s in range(m):
        total += d[s]
    return total


@kernel
def lean_gathered(code, weight, slot, start, stop, response, values, slopes, r, inputs, m, by_weight):  # type: ignore[no-untyped-def]
    """Share ``slopes[r]`` out for the other aggregations; of ties the first edge takes it all.

    ``by_weight`` is that of the aggregation alone, without the response, as for sums. Returns the loss by the response.
    """
    count, by_response = stop - start, _0
    for s in range(m):
        d = slopes[r, s]
        by_response += d * gathered(code, weight, slot, start, stop, values, s)
        first, last = start, stop
        share = d
        if code == 5 and count > 0:
            first = pick_ranked(weight, slot, start, stop, values, s, (count - 1) // 2)
            last = first + 1 if first >= 0 else first
            high = pick_ranked(weight, slot, start, stop, values, s, count // 2)
            if high >= 0 and high != first:
                share = _HALF * d
                by_weight[high] += share * values[slot[high], s]
                if slot[high] >= inputs:
                    slopes[slot[high], s] += share * response * weight[high]
        elif code == 6:
            share = d / _f(max(count, 1))
        elif code != 1 and count > 0:
            first = pick_largest(weight, slot, start, stop, values, s, code)
            last = first + 1
        for e in range(first, last):
            part = share
            if code == 1:
                for k in range(start, stop):
                    if k != e:
                        part *= weight[k] * values[slot[k], s]
            by_weight[e] += part * values[slot[e], s]
            if slot[e] >= inputs:
                slopes[slot[e], s] += part * response * weight[e]
    return by_response


@inlined
def ascend(net, g, inputs, room, m):  # type: ignore[no-untyped-def]
    """Compute all nodes of genome ``g`` for ``m`` samples and clear their slopes.

    What activations are given is kept where their slope is not read from what they give.
    """
    for k in range(net.sizes[g]):
        at, r = net.node_ptr[g] + k, inputs + k
        start, stop, bias, response = net.edge_start[at], net.edge_stop[at], net.bias[at], net.response[at]
        code, row = net.activation[at], room.values[r]
        if net.aggregation[at] == 0:
            sum_block(net, at, room.values, r, m)
        else:
            kind = net.aggregation[at]
            gather_block(kind, net.weight, net.slot, start, stop, bias, response, room.values, r, m)
        for s in range(m):
            room.slopes[r, s] = _0
        if net.aggregation[at] != 0 or code >= FUSED:  # the others are computed already, and need no more
            for s in range(m):
                room.before[r, s] = row[s]
            activate_block(code, row, m, room.bits, room.powers)


@inlined
def descend(net, g, inputs, room, m, weight, bias, response):  # type: ignore[no-untyped-def]
    """Go back through genome ``g`` from the slopes of its outputs; add to the gradients of its edges and nodes.

    Those of weights still lack the node's response, and those of responses of summing nodes: see :func:`gradient`.
    """
    for k in range(net.sizes[g] - 1, -1, -1):
        at, r = net.node_ptr[g] + k, inputs + k
        start, stop, scale, code = (
            net.edge_start[at],
            net.edge_stop[at],
            net.response[at],
            net.aggregation[at],
        )
        d = room.slopes[r]
        slope_block(
            net.activation[at], room.before[r], room.values[r], d, m, room.before[0], room.bits, room.powers
        )
        bias[at] += total_block(d, m)
        if code == 0:
            dot_block(net.slot, start, stop, room.values, d, m, weight)
            lean_block(net.weight, net.slot, start, stop, scale, room.slopes, r, inputs, m)
        else:
            response[at] += lean_gathered(
                code, net.weight, net.slot, start, stop, scale, room.values, room.slopes, r, inputs, m, weight
            )


@kernel
def gradient(net, X, lane_ptr, by_output, start, stop, room, weight, bias, response):  # type: ignore[no-untyped-def]
    """Add to the gradients of genomes ``start … stop - 1``.

    Args:
        net: :class:`Packed` networks.
        X: ``(inputs, lanes)`` float32 samples.
        lane_ptr: ``(genomes, 2)`` int64: genome ``g`` computes the columns ``lane_ptr[g, 0] … lane_ptr[g, 1] - 1``.
        by_output: ``(genomes, outputs, n)`` float32, the loss by each output; ``n`` columns for each genome.
        start: first genome.
        stop: end of the genomes.
        room: from :func:`gradient_room`.
        weight: float32, per edge: added to.
        bias: float32, per node: added to.
        response: float32, per node: added to.
    """
    inputs = X.shape[0]
    for g in range(start, stop):
        first, count = lane_ptr[g, 0], lane_ptr[g, 1] - lane_ptr[g, 0]
        for b in range(0, count, BLOCK):
            m = min(BLOCK, count - b)
            for i in range(inputs):
                # an index of three terms would keep the copy from vectors
                given = X[i, first + b : first + b + m]
                for s in range(m):
                    room.values[i, s] = given[s]
            ascend(net, g, inputs, room, m)
            for o in range(net.outputs.shape[1]):
                row = room.slopes[net.outputs[g, o]]
                for s in range(m):
                    row[s] += by_output[g, o, b + s]
            descend(net, g, inputs, room, m, weight, bias, response)
        for at in range(net.node_ptr[g], net.node_ptr[g] + net.sizes[g]):
            for e in range(net.edge_start[at], net.edge_stop[at]):
                if net.aggregation[at] == 0:
                    response[at] += net.weight[e] * weight[e]
                weight[e] *= net.response[at]


def gradients(phenotypes: Any, X: Any, lanes: Any, by_output: Any) -> tuple[Any, Any, Any]:
    """Return the loss by each packed weight, bias and response of ``phenotypes``; see :func:`gradient`."""
    net = phenotypes.net
    weight = np.zeros(len(net.weight), np.float32)
    bias, response = np.zeros((2, len(net.bias)), np.float32)
    slots = phenotypes.inputs + int(net.sizes.max(initial=1))
    phenotypes._run(
        lambda a, b: gradient(net, X, lanes, by_output, a, b, gradient_room(slots), weight, bias, response)
    )
    return weight, bias, response
