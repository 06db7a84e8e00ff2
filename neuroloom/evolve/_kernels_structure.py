"""Kernels: mutations that add and take out nodes and connections of one genome in place.

Importing this module imports numba.
"""

from __future__ import annotations

import numpy as np

from neuroloom.evolve._kernels import inlined
from neuroloom.evolve._kernels_random import below, drawn, uniform

NEW_NODE = np.int32(2**31 - 1)  # the id of a node that is not numbered yet; sorts last


@inlined
def place_of(ids, start, stop, wanted):  # type: ignore[no-untyped-def]
    """Return where ``wanted`` stands in the sorted ``ids[start:stop]``."""
    while start < stop:
        mid = (start + stop) >> 1
        if ids[mid] < wanted:
            start = mid + 1
        else:
            stop = mid
    return start


@inlined
def reaches(out, n0, n1, c0, c1, origin, goal, seen):  # type: ignore[no-untyped-def]
    """Return whether ``goal`` can be reached from ``origin`` along connections, enabled or not."""
    if origin == goal:
        return True
    for k in range(n1 - n0):
        seen[k] = False
    seen[place_of(out.node_id, n0, n1, origin) - n0] = True
    grew = True
    while grew:
        grew = False
        for c in range(c0, c1):
            if out.source[c] >= 0 and seen[place_of(out.node_id, n0, n1, out.source[c]) - n0]:
                t = place_of(out.node_id, n0, n1, out.target[c]) - n0
                if not seen[t]:
                    if out.target[c] == goal:
                        return True
                    seen[t] = True
                    grew = True
    return False


@inlined
def add_node(out, n1, c0, c1, r, activations, aggregations, stream):  # type: ignore[no-untyped-def]
    """Split a random enabled connection; return its innovation, or -1 when there is none."""
    chosen, found = -1, 0
    for c in range(c0, c1):
        if out.enabled[c]:
            found += 1
            if below(stream, found) == 0:
                chosen = c
    if chosen < 0:
        return -1
    out.node_id[n1] = NEW_NODE
    out.bias[n1] = 0.0
    out.response[n1] = drawn(stream, r.response)
    act, agg = np.int64(r.activation), np.int64(r.aggregation)
    out.activation[n1] = act if act >= 0 else activations[below(stream, len(activations))]
    out.aggregation[n1] = agg if agg >= 0 else aggregations[below(stream, len(aggregations))]
    if len(out.time_constant) > 0:
        out.time_constant[n1] = drawn(stream, r.time_constant)
    out.enabled[chosen] = False
    for half in range(2):
        c = c1 + half
        out.innovation[c] = -1
        out.source[c] = out.source[chosen] if half == 0 else NEW_NODE
        out.target[c] = NEW_NODE if half == 0 else out.target[chosen]
        out.weight[c] = 1.0 if half == 0 else out.weight[chosen]
        out.enabled[c] = True
        if len(out.plasticity) > 0:  # as the weight: the second half goes on changing, the first stays
            for k in range(5):
                out.plasticity[c, k] = 0.0 if half == 0 else out.plasticity[chosen, k]
    return out.innovation[chosen]


@inlined
def delete_connection(out, c, c1):  # type: ignore[no-untyped-def]
    """Take connection ``c`` out of those that end before ``c1``."""
    for k in range(c, c1 - 1):
        out.innovation[k] = out.innovation[k + 1]
        out.source[k] = out.source[k + 1]
        out.target[k] = out.target[k + 1]
        out.weight[k] = out.weight[k + 1]
        out.enabled[k] = out.enabled[k + 1]
        if len(out.plasticity) > 0:
            for n in range(5):
                out.plasticity[k, n] = out.plasticity[k + 1, n]


@inlined
def delete_node(out, n0, n1, c0, c1, outputs, stream):  # type: ignore[no-untyped-def]
    """Take out a random hidden node that is not new; return the new ends of nodes and connections."""
    hidden = n1 - n0 - outputs
    if hidden > 0 and out.node_id[n1 - 1] == NEW_NODE:
        hidden -= 1
    if hidden <= 0:
        return n1, c1
    at = n0 + outputs + below(stream, hidden)
    gone = out.node_id[at]
    for k in range(at, n1 - 1):
        out.node_id[k] = out.node_id[k + 1]
        out.bias[k] = out.bias[k + 1]
        out.response[k] = out.response[k + 1]
        out.activation[k] = out.activation[k + 1]
        out.aggregation[k] = out.aggregation[k + 1]
        if len(out.time_constant) > 0:
            out.time_constant[k] = out.time_constant[k + 1]
    c = c0
    while c < c1:
        if out.source[c] == gone or out.target[c] == gone:
            delete_connection(out, c, c1)
            c1 -= 1
        else:
            c += 1
    return n1 - 1, c1


@inlined
def add_connection(out, n0, n1, c0, c1, inputs, outputs, r, stream, seen):  # type: ignore[no-untyped-def]
    """Add a connection, with up to 20 tries, one that closes no cycle unless cycles may be.

    Returns the new end of the connections.
    """
    hidden = n1 - n0 - outputs
    skipped = 0 if r.from_outputs else outputs
    for _ in range(20):
        k = below(stream, inputs + outputs - skipped + hidden)
        source = np.int32(-k - 1) if k < inputs else out.node_id[n0 + skipped + k - inputs]
        target = out.node_id[n0 + below(stream, outputs + hidden)]
        known = -1
        for c in range(c0, c1):
            if out.source[c] == source and out.target[c] == target:
                known = c
                break
        if known >= 0:
            if r.surer:
                out.enabled[known] = True
                return c1
            continue
        if source >= 0 and not r.cycles and reaches(out, n0, n1, c0, c1, target, source, seen):
            continue
        out.innovation[c1] = -1
        out.source[c1] = source
        out.target[c1] = target
        out.weight[c1] = drawn(stream, r.weight)
        out.enabled[c1] = r.new_enabled >= 1.0 or uniform(stream) < r.new_enabled
        if len(out.plasticity) > 0:
            for n in range(5):
                out.plasticity[c1, n] = drawn(stream, r.plasticity)
        return c1 + 1
    return c1
