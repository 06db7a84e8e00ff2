"""The first population: the same nodes for all, connections by the rule that the settings name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.errors import InputError
from neuroloom.core.seeding import stream
from neuroloom.evolve.config import NEATConfig
from neuroloom.evolve.functions import activation_code, aggregation_code
from neuroloom.evolve.population import Genes

if TYPE_CHECKING:
    from neuroloom.evolve.genome import Genome

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def found(config: NEATConfig, seed: int, restarts: int = 0) -> Genes:
    """Return the first genomes of a run; ``restarts`` counts the populations that died out before.

    Hidden nodes have the ids ``outputs … outputs + hidden - 1`` in every genome, and connection ``k`` of the rule's
    list the innovation ``k``, so that all founders align.
    """
    rng = stream(seed, "evolve", "founders", restarts)
    n, nodes = config.population, config.outputs + config.hidden
    pairs = connection_pairs(config)
    present = _present(config, pairs, rng)
    shape = (n, nodes)
    activation = _codes(config.activation_default, config.activation_options, activation_code, shape, rng)
    if config.output_activation is not None:
        activation[:, : config.outputs] = activation_code(config.output_activation)
    weights = draw(config, "weight", (n, len(pairs)), rng)
    enabled = np.ones(present.shape, np.bool_)
    if config.enabled_default != "true":
        enabled = rng.random(present.shape) < (0.5 if config.enabled_default == "random" else 0.0)
    timed = draw(config, "time_constant", shape, rng).ravel() if config.has_time_constants else np.empty(0)
    counts = np.concatenate([[0], np.cumsum(present.sum(axis=1))]).astype(np.int64)
    innovation = np.broadcast_to(np.arange(len(pairs), dtype=np.int32), present.shape)[present]
    return Genes(
        np.arange(n + 1, dtype=np.int64) * nodes,
        np.tile(np.arange(nodes, dtype=np.int32), n),
        draw(config, "bias", shape, rng).ravel(),
        draw(config, "response", shape, rng).ravel(),
        activation.ravel(),
        _codes(config.aggregation_default, config.aggregation_options, aggregation_code, shape, rng).ravel(),
        counts,
        innovation,
        pairs[innovation, 0].astype(np.int32),
        pairs[innovation, 1].astype(np.int32),
        weights[present],
        enabled[present],
        timed,
        _rules(config, present, rng),  # drawn last, so that all else is as without
    )


def _rules(config: NEATConfig, present: NDArray[np.bool_], rng: np.random.Generator) -> Floats:
    """Return the rules of plasticity ``(conns, 5)`` of the connections that are ``present``, or none."""
    if config.plasticity == "none":
        return np.empty((0, 5))
    found: Floats = draw(config, "plasticity", (*present.shape, 5), rng)[present]
    return found


def as_founder(genome: Genome, config: NEATConfig) -> Genome:
    """Return ``genome`` with the numbers of a founder: hidden nodes behind the outputs, connections from 0.

    Raises:
        InputError: it has other inputs or outputs than the settings, or is of another kind of network.
    """
    have, want = ((one.inputs, one.outputs, one.network, one.plasticity) for one in (genome, config))
    if have != want:
        raise InputError(
            f"the founder must have {want[0]} inputs and {want[1]} outputs and be {want[2]}, with plasticity "
            f"{want[3]!r}, as the settings say, but has {have[0]} and {have[1]} and is {have[2]}, with {have[3]!r}."
        )
    number = {node.id: k for k, node in enumerate(genome.nodes)} | {
        -i: -i for i in range(1, genome.inputs + 1)
    }
    nodes = tuple(replace(node, id=number[node.id]) for node in genome.nodes)
    conns = tuple(
        replace(conn, innovation=k, source=number[conn.source], target=number[conn.target])
        for k, conn in enumerate(genome.connections)
    )
    return replace(genome, nodes=nodes, connections=conns)


def connection_pairs(config: NEATConfig) -> Ints:
    """Return the ``(k, 2)`` source and target ids of all connections that a founder may have."""
    rule = config.initial_connection
    inputs = range(-1, -config.inputs - 1, -1)
    outputs = range(config.outputs)
    hidden = range(config.outputs, config.outputs + config.hidden)
    pairs: list[tuple[int, int]] = []
    if rule.startswith("fs_neat"):
        targets = [*hidden, *outputs] if rule == "fs_neat_hidden" else [*outputs]
        pairs = [(i, t) for i in inputs for t in targets]
    elif rule != "unconnected":
        pairs = [(i, h) for i in inputs for h in hidden] + [(h, o) for h in hidden for o in outputs]
        if rule.endswith("_direct") or not config.hidden:
            pairs += [(i, o) for i in inputs for o in outputs]
        if not config.feed_forward and config.initial_self_connections:
            pairs += [(k, k) for k in (*outputs, *hidden)]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _present(config: NEATConfig, pairs: Ints, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return ``(population, k)``: which founder has which connection."""
    n, k = config.population, len(pairs)
    if config.initial_connection.startswith("fs_neat"):
        chosen = -1 - rng.integers(config.inputs, size=n)
        return np.equal(pairs[:, 0], chosen[:, None])
    if config.initial_connection.startswith("partial"):
        ranks = rng.random((n, k)).argsort(axis=1).argsort(axis=1)
        return np.less(ranks, round(k * config.connection_fraction))
    return np.ones((n, k), np.bool_)


def _codes(
    default: str, options: tuple[str, ...], code: object, shape: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.uint8]:
    assert callable(code)
    if default == "random":
        return np.array([code(name) for name in options], np.uint8)[rng.integers(len(options), size=shape)]
    return np.full(shape, code(default), np.uint8)


def draw(config: NEATConfig, role: str, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Return new weights, biases, responses, time constants or numbers of plasticity (``role``)."""
    mean, stdev = getattr(config, f"{role}_init_mean"), getattr(config, f"{role}_init_stdev")
    low, high = getattr(config, f"{role}_min_value"), getattr(config, f"{role}_max_value")
    if getattr(config, f"{role}_init_type") == "uniform":
        return rng.uniform(max(low, mean - 2 * stdev), min(high, mean + 2 * stdev), shape)
    return np.clip(rng.normal(mean, stdev, shape), low, high)
