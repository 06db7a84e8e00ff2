"""Random genomes of every shape, and their plain form for the references."""

import itertools

from hypothesis import strategies as st

from neuroloom.evolve import Connection, Genome, Node
from neuroloom.evolve.functions import ACTIVATIONS, AGGREGATIONS

BOUNDED = ("sigmoid", "tanh", "relu", "identity", "gauss", "sin", "clamped", "abs", "hat", "lelu", "softplus")


@st.composite
def genomes(draw, inputs=None, outputs=None, activations=BOUNDED, aggregations=AGGREGATIONS, most_hidden=8):
    """Return a genome: disconnected outputs, dangling nodes, long chains and no hidden node all occur."""
    inputs = draw(st.integers(1, 4)) if inputs is None else inputs
    outputs = draw(st.integers(1, 3)) if outputs is None else outputs
    hidden = draw(st.integers(0, most_hidden))
    numbers = st.floats(-2, 2, width=32)
    # ids out of the order of evaluation: hidden node number k stands at height `height[k]`
    height = draw(st.permutations(range(hidden)))
    nodes = tuple(
        Node(
            i,
            draw(numbers),
            draw(numbers),
            draw(st.sampled_from(activations)),
            draw(st.sampled_from(aggregations)),
        )
        for i in range(outputs + hidden)
    )
    pairs = [(-i - 1, t) for i in range(inputs) for t in range(outputs + hidden)]
    pairs += [(outputs + k, o) for k in range(hidden) for o in range(outputs)]
    pairs += [
        (outputs + k, outputs + m) for k in range(hidden) for m in range(hidden) if height[k] < height[m]
    ]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=25))
    conns = tuple(
        Connection(pairs.index(pair), *pair, draw(numbers), draw(st.booleans() | st.just(True)))
        for pair in chosen
    )
    return Genome(inputs, outputs, nodes, conns)


def chain(length, activation="tanh"):
    """Return input -> hidden -> … -> output."""
    ids = [-1, *range(length, 0, -1), 0]
    return Genome(
        1,
        1,
        tuple(Node(i, 0.1, 1.0, activation) for i in range(length + 1)),
        tuple(Connection(k, a, b, 0.9) for k, (a, b) in enumerate(itertools.pairwise(ids))),
    )


def plain(genome):
    """Return the form that the references read."""
    return {
        "inputs": genome.inputs,
        "outputs": genome.outputs,
        "nodes": {n.id: (n.bias, n.response, n.activation, n.aggregation) for n in genome.nodes},
        "connections": {c.innovation: (c.source, c.target, c.weight, c.enabled) for c in genome.connections},
    }


ALL_ACTIVATIONS = ACTIVATIONS
