"""Slow, plain plastic networks for comparison: one number at a time, nothing here imports the package.

A genome is that of ``neat_reference``, with ``"rules": {innovation: (eta, a, b, c, d)}`` and ``"bound"``.
"""

from tests.reference.neat_reference import ACTIVATIONS, AGGREGATIONS


def run(genome, rows, cyclic):
    """Return the outputs after each of ``rows`` and the weights in the end, by innovation."""
    nodes, conns = genome["nodes"], genome["connections"]
    weights = {k: conns[k][2] for k in conns}
    used = needed(genome)
    state = dict.fromkeys(nodes, 0.0)
    shown = []
    for row in rows:
        given = {-i - 1: float(x) for i, x in enumerate(row)}
        new = {}

        def seen(node, new=new, given=given):
            """Return what ``node`` tells those it leads to in this step."""
            if node < 0:
                return given[node]
            return state[node] if cyclic else compute(node, new, given)

        def compute(node, new=new, given=given, seen=seen):
            if node not in new:
                terms = [weights[k] * seen(conns[k][0], new, given) for k in into(genome, node)]
                bias, response, activation, aggregation = nodes[node]
                if terms or not cyclic:
                    new[node] = ACTIVATIONS[activation](bias + response * AGGREGATIONS[aggregation](terms))
                else:
                    new[node] = 0.0  # a node without inputs stays where it began
            return new[node]

        for node in used:
            compute(node)
        changed = {}
        for node in used:
            for k in into(genome, node):
                eta, a, b, c, d = genome["rules"].get(k, (0, 0, 0, 0, 0))
                pre, post = seen(conns[k][0]), new[node]
                moved = weights[k] + eta * (a * pre * post + b * pre + c * post + d)
                changed[k] = weights[k] if eta == 0 else max(-genome["bound"], min(genome["bound"], moved))
        weights.update(changed)
        state.update(new)
        shown.append([new[o] for o in range(genome["outputs"])])
    return shown, weights


def into(genome, node):
    """Return the innovations of the enabled connections into ``node``, ascending."""
    return sorted(
        k for k, (_, target, _, enabled) in genome["connections"].items() if enabled and target == node
    )


def needed(genome):
    """Return the nodes that an output needs, outputs included."""
    found = set(range(genome["outputs"]))
    while True:
        more = {genome["connections"][k][0] for node in found for k in into(genome, node)}
        more = {node for node in more if node >= 0} - found
        if not more:
            return sorted(found)
        found |= more
