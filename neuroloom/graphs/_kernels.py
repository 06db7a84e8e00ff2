"""Numba kernels over CSR graphs: random streams, alias tables, walks, skip-gram and products.

Plain functions, arrays in, arrays out. Each walk owns a stream keyed by (seed, epoch, walk number), so what it does
does not depend on the order in which walks are made. All kernels run on the calling thread and release the GIL.
"""

# numba ships no types, so its decorator is untyped
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]

# SplitMix64 (Steele, Lea and Flood 2014, Fast splittable pseudorandom number generators).
_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11, _S32 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11), np.uint64(32)

GROUP = 6  # output vectors handled together; their number is padded to a multiple of this
SIGMOID_RANGE = 6.0
SIGMOID_SIZE = 4096


@njit(cache=True, inline="always")
def mix(z: np.uint64) -> Any:
    """Return the output function of SplitMix64 for state ``z``."""
    z = (z ^ (z >> _S30)) * _MIX_1
    z = (z ^ (z >> _S27)) * _MIX_2
    return z ^ (z >> _S31)


@njit(cache=True, inline="always")
def below(z: np.uint64, n: int) -> Any:
    """Return a whole number in ``[0, n)``, ``n < 2**32``, from 64 random bits."""
    return np.int64(((z >> _S32) * np.uint64(n)) >> _S32)


@njit(cache=True, inline="always")
def uniform(z: np.uint64) -> Any:
    """Return a float64 in ``[0, 1)`` from 64 random bits."""
    return np.float64(z >> _S11) * (1.0 / 9007199254740992.0)


@njit(cache=True)
def stream_of(seed: np.uint64, epoch: int, item: int) -> Any:
    """Return the first state of the stream of one item."""
    return mix(mix(seed + _GAMMA * np.uint64(epoch + 1)) + _GAMMA * np.uint64(item + 1))


@njit(cache=True)
def build_alias(weights: Array, prob: Array, alias: Array, small: Array, large: Array) -> None:
    """Fill one alias table (Walker 1977; Vose 1991).

    weights: ``(k,)`` non-negative float64, not all 0; prob: ``(k,)`` float32 out; alias: ``(k,)`` int32 out;
    small, large: ``(k,)`` int32 scratch.
    """
    k = len(weights)
    total = 0.0
    for i in range(k):
        total += weights[i]
    scaled = weights * (k / total)
    n_small = n_large = 0
    for i in range(k):
        if scaled[i] < 1.0:
            small[n_small] = i
            n_small += 1
        else:
            large[n_large] = i
            n_large += 1
    while n_small and n_large:
        n_small -= 1
        s, l = small[n_small], large[n_large - 1]
        prob[s], alias[s] = scaled[s], l
        scaled[l] -= 1.0 - scaled[s]
        if scaled[l] < 1.0:
            n_large -= 1
            small[n_small] = l
            n_small += 1
    for i in range(n_large):
        prob[large[i]], alias[large[i]] = 1.0, large[i]
    for i in range(n_small):
        prob[small[i]], alias[small[i]] = 1.0, small[i]


@njit(cache=True)
def alias_rows(indptr: Array, weights: Array) -> tuple[Array, Array]:
    """Return the alias tables of all CSR rows: ``(m,)`` float32 probabilities and int32 positions in the row."""
    prob = np.ones(len(weights), dtype=np.float32)
    alias = np.zeros(len(weights), dtype=np.int32)
    longest = 0
    for v in range(len(indptr) - 1):
        longest = max(longest, indptr[v + 1] - indptr[v])
    small = np.empty(longest, dtype=np.int32)
    large = np.empty(longest, dtype=np.int32)
    for v in range(len(indptr) - 1):
        a, b = indptr[v], indptr[v + 1]
        if b > a:
            build_alias(weights[a:b], prob[a:b], alias[a:b], small, large)
    return prob, alias


@njit(cache=True, inline="always")
def find(indices: Array, low: int, high: int, wanted: int) -> int:
    """Return the position of ``wanted`` in the ascending ``indices[low:high]``, or -1."""
    end = high
    while low < high:
        middle = (low + high) >> 1
        if indices[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low if low < end and indices[low] == wanted else -1


@njit(cache=True)
def walk_into(
    walk: Array,
    start: int,
    state: np.uint64,
    indptr: Array,
    indices: Array,
    weights: Array,
    prob: Array,
    alias: Array,
    p: float,
    q: float,
) -> tuple[int, np.uint64]:
    """Write one random walk from ``start`` into ``walk``; return its length and the stream's next state.

    indptr: ``(n + 1,)`` int64; indices: ``(m,)`` int32, ascending in a row; weights: ``(m,)`` float64;
    prob, alias: tables of the rows, or empty when all weights are equal. A node without neighbours ends the walk.
    With p or q ≠ 1 the step is drawn by rejection under the first-order distribution; the part of 1/p above the
    envelope max(1, 1/q) is a separate way back, so that a small p costs no rejections.
    """
    second_order = p != 1.0 or q != 1.0
    envelope = max(1.0, 1.0 / q)
    excess = max(0.0, 1.0 / p - envelope)
    weighted = len(prob) > 0
    walk[0] = start
    v = start
    t = -1
    for step in range(1, len(walk)):
        a, b = indptr[v], indptr[v + 1]
        degree = b - a
        if degree == 0:
            return step, state
        x = -1
        total = beyond = 0.0
        if second_order and t >= 0 and excess > 0.0:
            back = find(indices, a, b, t)
            if back >= 0:
                beyond = excess * weights[back]
                if weighted:
                    for i in range(a, b):
                        total += weights[i]
                else:
                    total = weights[a] * degree
        while x < 0:
            if beyond > 0.0:
                state += _GAMMA
                if uniform(mix(state)) * (envelope * total + beyond) < beyond:
                    x = t
                    break
            state += _GAMMA
            at = a + below(mix(state), degree)
            if weighted:
                state += _GAMMA
                if uniform(mix(state)) >= prob[at]:
                    at = a + alias[at]
            x = indices[at]
            if second_order and t >= 0:
                if x == t:
                    bias = min(1.0 / p, envelope)
                elif find(indices, indptr[t], indptr[t + 1], x) >= 0:
                    bias = 1.0
                else:
                    bias = 1.0 / q
                if bias < envelope:
                    state += _GAMMA
                    if uniform(mix(state)) * envelope >= bias:
                        x = -1
        walk[step] = x
        t, v = v, x
    return len(walk), state


@njit(cache=True, nogil=True)
def walks_from(
    starts: Array,
    length: int,
    seed: np.uint64,
    epoch: int,
    indptr: Array,
    indices: Array,
    weights: Array,
    prob: Array,
    alias: Array,
    p: float,
    q: float,
) -> Array:
    """Return ``(len(starts), length)`` int32 walks, padded with -1 where a walk met a dead end."""
    walks = np.full((len(starts), length), -1, dtype=np.int32)
    for i in range(len(starts)):
        walk_into(walks[i], starts[i], stream_of(seed, epoch, i), indptr, indices, weights, prob, alias, p, q)
    return walks


@njit(cache=True, fastmath=True, error_model="numpy", nogil=True)
def csr_dot(indptr: Array, indices: Array, values: Array, x: Array) -> Array:
    """Return the product ``(n, d)`` of a CSR matrix and a dense ``x (m, d)``, both float32.

    A row is summed in the order of its entries.
    """
    n, d = len(indptr) - 1, x.shape[1]
    out = np.empty((n, d), dtype=x.dtype)
    for i in range(n):
        for k in range(d):
            out[i, k] = 0
        begin, end = indptr[i], indptr[i + 1]
        at = begin
        while at + 4 <= end:
            a, b = np.uint64(indices[at]), np.uint64(indices[at + 1])
            c, e = np.uint64(indices[at + 2]), np.uint64(indices[at + 3])
            v0, v1, v2, v3 = values[at], values[at + 1], values[at + 2], values[at + 3]
            for k in range(d):
                out[i, k] += v0 * x[a, k] + v1 * x[b, k] + v2 * x[c, k] + v3 * x[e, k]
            at += 4
        while at < end:
            a = np.uint64(indices[at])
            v0 = values[at]
            for k in range(d):
                out[i, k] += v0 * x[a, k]
            at += 1
    return out


def sigmoid_table() -> Array:
    """Return ``(SIGMOID_SIZE,)`` float32 logistic values at the middles of equal cells over ±SIGMOID_RANGE."""
    x = (np.arange(SIGMOID_SIZE) + 0.5) / SIGMOID_SIZE * 2 * SIGMOID_RANGE - SIGMOID_RANGE
    return (1 / (1 + np.exp(-x))).astype(np.float32)


@njit(cache=True, fastmath=True, error_model="numpy", nogil=True)
def _gradients(
    w_in: Array,
    ids: Array,
    count: int,
    output: Array,
    n_out: int,
    used: int,
    g: Array,
    rate: float,
    table: Array,
) -> Any:
    """Fill ``g[i, j] = rate * (label_j - sigmoid(w_in[ids[i]] · output[j]))``; label is 1 for ``j == 0``, else 0.

    Rows are taken two by two, six products at a time, which keeps twelve sums in registers; ``ids`` is padded to an
    even count. Returns the sum of |label - sigmoid|, a cheap measure of progress.
    """
    d = w_in.shape[1]
    scale = np.float32(SIGMOID_SIZE / (2 * SIGMOID_RANGE))
    middle = np.float32(SIGMOID_SIZE / 2)
    top = np.float32(SIGMOID_SIZE - 1)
    zero = np.float32(0.0)
    error = zero
    for i in range(0, count, 2):
        a, b = np.uint64(ids[i]), np.uint64(ids[i + 1])
        for j in range(0, n_out, GROUP):
            s0 = s1 = s2 = s3 = s4 = s5 = zero
            t0 = t1 = t2 = t3 = t4 = t5 = zero
            for k in range(d):
                x, y = w_in[a, k], w_in[b, k]
                s0 += x * output[j, k]
                s1 += x * output[j + 1, k]
                s2 += x * output[j + 2, k]
                s3 += x * output[j + 3, k]
                s4 += x * output[j + 4, k]
                s5 += x * output[j + 5, k]
                t0 += y * output[j, k]
                t1 += y * output[j + 1, k]
                t2 += y * output[j + 2, k]
                t3 += y * output[j + 3, k]
                t4 += y * output[j + 4, k]
                t5 += y * output[j + 5, k]
            g[i, j], g[i, j + 1], g[i, j + 2] = s0, s1, s2
            g[i, j + 3], g[i, j + 4], g[i, j + 5] = s3, s4, s5
            g[i + 1, j], g[i + 1, j + 1], g[i + 1, j + 2] = t0, t1, t2
            g[i + 1, j + 3], g[i + 1, j + 4], g[i + 1, j + 5] = t3, t4, t5
    for i in range(count):
        for j in range(used, n_out):
            g[i, j] = zero
        for j in range(used):
            cell = np.uint64(min(max(g[i, j] * scale + middle, zero), top))
            e = -table[cell]
            if j == 0:
                e += np.float32(1.0)
            error += abs(e)
            g[i, j] = rate * e
    for j in range(n_out):
        for i in range(count, (count + 3) // 4 * 4):
            g[i, j] = zero
    return error


@njit(cache=True, fastmath=True, error_model="numpy", nogil=True)
def _update_outputs(
    w_in: Array, ids: Array, count: int, outs: Array, used: int, g: Array, w_out: Array
) -> None:
    """Add ``Σ_i g[i, j] w_in[ids[i]]`` to ``w_out[outs[j]]``; four rows at a time, ``ids`` and ``g`` padded."""
    d = w_in.shape[1]
    for i in range(0, count, 4):
        a, b, c, e = np.uint64(ids[i]), np.uint64(ids[i + 1]), np.uint64(ids[i + 2]), np.uint64(ids[i + 3])
        for j in range(used):
            r = np.uint64(outs[j])
            g0, g1, g2, g3 = g[i, j], g[i + 1, j], g[i + 2, j], g[i + 3, j]
            for k in range(d):
                w_out[r, k] += g0 * w_in[a, k] + g1 * w_in[b, k] + g2 * w_in[c, k] + g3 * w_in[e, k]


@njit(cache=True, fastmath=True, error_model="numpy", nogil=True)
def _update_inputs(w_in: Array, ids: Array, count: int, output: Array, n_out: int, g: Array) -> None:
    """Add ``Σ_j g[i, j] output[j]`` to ``w_in[ids[i]]``."""
    d = w_in.shape[1]
    for i in range(count):
        r = np.uint64(ids[i])
        for j in range(0, n_out, GROUP):
            g0, g1, g2, g3, g4, g5 = g[i, j], g[i, j + 1], g[i, j + 2], g[i, j + 3], g[i, j + 4], g[i, j + 5]
            for k in range(d):
                w_in[r, k] += (
                    g0 * output[j, k]
                    + g1 * output[j + 1, k]
                    + g2 * output[j + 2, k]
                    + g3 * output[j + 3, k]
                    + g4 * output[j + 4, k]
                    + g5 * output[j + 5, k]
                )


@njit(cache=True, nogil=True)
def train_walks(
    starts: Array,
    first: int,
    length: int,
    seed: np.uint64,
    epoch: int,
    indptr: Array,
    indices: Array,
    weights: Array,
    prob: Array,
    alias: Array,
    p: float,
    q: float,
    w_in: Array,
    w_out: Array,
    noise_prob: Array,
    noise_alias: Array,
    window: int,
    negatives: int,
    rates: Array,
    table: Array,
) -> tuple[int, float]:
    """Make the walks ``first, first + 1, …`` from ``starts`` and train skip-gram on each as it is made.

    w_in, w_out: ``(n, d)`` float32, changed in place; noise_prob, noise_alias: alias table of the noise nodes;
    rates: ``(len(starts),)`` float32 learning rates. The negatives are drawn once for a window and shared by its
    contexts (Ji et al. 2016). Returns the number of (context, output) pairs and the sum of their errors.
    """
    n, d = w_in.shape
    n_out = (negatives + 1 + GROUP - 1) // GROUP * GROUP
    walk = np.empty(length, dtype=np.int32)
    ids = np.zeros(2 * window + 4, dtype=np.int32)
    output = np.zeros((n_out, d), dtype=np.float32)
    outs = np.zeros(n_out, dtype=np.int32)
    g = np.zeros((2 * window + 4, n_out), dtype=np.float32)
    pairs = 0
    error = 0.0
    for w in range(len(starts)):
        state = stream_of(seed, epoch, first + w)
        count, state = walk_into(walk, starts[w], state, indptr, indices, weights, prob, alias, p, q)
        for centre in range(count):
            state += _GAMMA
            reach = 1 + below(mix(state), window)
            low, high = max(0, centre - reach), min(count, centre + reach + 1)
            size = 0
            for i in range(low, high):
                if i != centre:
                    ids[size] = walk[i]
                    size += 1
            if size == 0:
                continue
            for i in range(size, size + 3):
                ids[i] = ids[0]
            target = walk[centre]
            outs[0] = target
            used = 1
            for _ in range(negatives):
                state += _GAMMA
                z = mix(state)
                v = below(z, n)
                state += _GAMMA
                if uniform(mix(state)) >= noise_prob[v]:
                    v = noise_alias[v]
                if v != target:
                    outs[used] = v
                    used += 1
            for j in range(n_out):
                if j < used:
                    r = outs[j]
                    for k in range(d):
                        output[j, k] = w_out[r, k]
                else:
                    for k in range(d):
                        output[j, k] = 0.0
            error += _gradients(w_in, ids, size, output, n_out, used, g, rates[w], table)
            _update_outputs(w_in, ids, size, outs, used, g, w_out)
            _update_inputs(w_in, ids, size, output, n_out, g)
            pairs += size * used
    return pairs, error


@njit(cache=True, nogil=True)
def triangle_counts(indptr: Array, indices: Array) -> Array:
    """Return the ``(n,)`` int64 number of triangles at each node of a simple undirected CSR graph."""
    n = len(indptr) - 1
    count = np.zeros(n, dtype=np.int64)
    for u in range(n):
        for at in range(indptr[u], indptr[u + 1]):
            v = indices[at]
            if v <= u:
                continue
            i, j = indptr[u], indptr[v]
            while i < indptr[u + 1] and j < indptr[v + 1]:
                a, b = indices[i], indices[j]
                if a == b:
                    if a > v:
                        count[u] += 1
                        count[v] += 1
                        count[a] += 1
                    i += 1
                    j += 1
                elif a < b:
                    i += 1
                else:
                    j += 1
    return count


@njit(cache=True, nogil=True)
def core_numbers(indptr: Array, indices: Array) -> Array:
    """Return the ``(n,)`` int64 core number of each node of a simple undirected CSR graph, by bucket peeling."""
    n = len(indptr) - 1
    degree = indptr[1:] - indptr[:-1]
    most = 0
    for v in range(n):
        most = max(most, degree[v])
    bucket = np.zeros(most + 2, dtype=np.int64)
    for v in range(n):
        bucket[degree[v] + 1] += 1
    for k in range(most + 1):
        bucket[k + 1] += bucket[k]
    place = np.empty(n, dtype=np.int64)
    order = np.empty(n, dtype=np.int64)
    fill = bucket.copy()
    for v in range(n):
        place[v] = fill[degree[v]]
        order[place[v]] = v
        fill[degree[v]] += 1
    for at in range(n):
        v = order[at]
        for e in range(indptr[v], indptr[v + 1]):
            u = indices[e]
            if degree[u] > degree[v]:
                first = max(bucket[degree[u]], at + 1)
                w = order[first]
                order[first], order[place[u]] = u, w
                place[w], place[u] = place[u], first
                bucket[degree[u]] = first + 1
                degree[u] -= 1
    return degree
