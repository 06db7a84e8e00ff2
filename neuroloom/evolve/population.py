"""A population as arrays: the genes of all genomes in flat columns, with offsets that say where each begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, SupportsIndex, overload

import numpy as np
from numpy.typing import NDArray

from neuroloom.evolve.functions import (
    OWN,
    activation_code,
    activation_name,
    aggregation_code,
    aggregation_name,
)

if TYPE_CHECKING:
    from neuroloom.evolve.genome import Genome


class Genes(NamedTuple):
    """Genes of ``n`` genomes, compressed rows: genome ``g`` owns ``[ptr[g], ptr[g + 1])`` of each column.

    Nodes are sorted by id, connections by innovation. Inputs have ids -1, -2, … and no gene, outputs 0, 1, …

    Args:
        node_ptr: ``(n + 1,)`` int64 offsets of the node columns.
        node_id: int32.
        bias: float64.
        response: float64.
        activation: uint8 codes, see ``functions.activation_code``.
        aggregation: uint8 codes.
        conn_ptr: ``(n + 1,)`` int64 offsets of the connection columns.
        innovation: int32.
        source: int32 node ids.
        target: int32 node ids.
        weight: float64.
        enabled: bool.
        time_constant: float64 beside the node columns, or of length 0 where all time constants are 1.
        plasticity: ``(conns, 5)`` float64 beside the connection columns, the rule eta, A, B, C, D by which each weight
            changes, or of shape (0, 5) where none does; see :mod:`~neuroloom.evolve.plastic`.
    """

    node_ptr: NDArray[np.int64]
    node_id: NDArray[np.int32]
    bias: NDArray[np.float64]
    response: NDArray[np.float64]
    activation: NDArray[np.uint8]
    aggregation: NDArray[np.uint8]
    conn_ptr: NDArray[np.int64]
    innovation: NDArray[np.int32]
    source: NDArray[np.int32]
    target: NDArray[np.int32]
    weight: NDArray[np.float64]
    enabled: NDArray[np.bool_]
    time_constant: NDArray[np.float64]
    plasticity: NDArray[np.float64] = np.empty((0, 5))


def size(genes: Genes) -> int:
    """Return the number of genomes."""
    return len(genes.node_ptr) - 1


def empty(
    node_ptr: NDArray[np.int64], conn_ptr: NDArray[np.int64], timed: bool = False, plastic: bool = False
) -> Genes:
    """Return genes of the given offsets, not filled in.

    ``timed`` says whether there are time constants, ``plastic`` whether there are rules of plasticity.
    """
    nodes, conns = int(node_ptr[-1]), int(conn_ptr[-1])
    return Genes(
        node_ptr,
        np.empty(nodes, np.int32),
        np.empty(nodes),
        np.empty(nodes),
        np.empty(nodes, np.uint8),
        np.empty(nodes, np.uint8),
        conn_ptr,
        np.empty(conns, np.int32),
        np.empty(conns, np.int32),
        np.empty(conns, np.int32),
        np.empty(conns),
        np.empty(conns, np.bool_),
        np.empty(nodes if timed else 0),
        np.empty((conns if plastic else 0, 5)),
    )


def take(genes: Genes, rows: Sequence[int] | NDArray[np.int64]) -> Genes:
    """Return the genomes ``rows``, in that order."""
    rows = np.asarray(rows, dtype=np.int64)
    node_ptr, at = _parts(genes.node_ptr, rows)
    conn_ptr, on = _parts(genes.conn_ptr, rows)
    return Genes(
        node_ptr,
        genes.node_id[at],
        genes.bias[at],
        genes.response[at],
        genes.activation[at],
        genes.aggregation[at],
        conn_ptr,
        genes.innovation[on],
        genes.source[on],
        genes.target[on],
        genes.weight[on],
        genes.enabled[on],
        genes.time_constant[at] if len(genes.time_constant) else genes.time_constant,
        genes.plasticity[on] if len(genes.plasticity) else genes.plasticity,
    )


def joined(*parts: Genes) -> Genes:
    """Return the genomes of all ``parts``, at least one, one part after another."""
    columns: list[Any] = [np.concatenate(column) for column in zip(*parts, strict=True)]
    node_ptr, conn_ptr = (
        _offsets(np.concatenate([np.diff(pointers) for pointers in column]))
        for column in ([part.node_ptr for part in parts], [part.conn_ptr for part in parts])
    )
    return Genes(*columns)._replace(node_ptr=node_ptr, conn_ptr=conn_ptr)


def alone(genes: Genes, row: int) -> Genes:
    """Return :func:`take` of one genome, in a third of the time."""
    node_ptr, conn_ptr = genes.node_ptr[row : row + 2], genes.conn_ptr[row : row + 2]
    nodes, conns = slice(*node_ptr.tolist()), slice(*conn_ptr.tolist())
    return Genes(
        node_ptr - node_ptr[0],
        genes.node_id[nodes].copy(),
        genes.bias[nodes].copy(),
        genes.response[nodes].copy(),
        genes.activation[nodes].copy(),
        genes.aggregation[nodes].copy(),
        conn_ptr - conn_ptr[0],
        genes.innovation[conns].copy(),
        genes.source[conns].copy(),
        genes.target[conns].copy(),
        genes.weight[conns].copy(),
        genes.enabled[conns].copy(),
        genes.time_constant[nodes].copy(),
        genes.plasticity[conns].copy(),
    )


def _parts(
    pointers: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the offsets that ``rows`` have one after another, and the places of all that is theirs."""
    starts = pointers[rows]
    lengths = pointers[rows + 1] - starts
    offsets = _offsets(lengths)
    return offsets, np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)


def _offsets(lengths: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)


def with_own_functions(genes: Genes, names: Mapping[str, Sequence[str]]) -> Genes:
    """Return ``genes`` with the codes that this process has for registered functions.

    Args:
        genes: as a process wrote them that had registered other functions, or in another order.
        names: the functions of one's own in that process, in order, of the roles ``activation`` and ``aggregation``.

    Raises:
        InputError: one that the genes use is not registered.
    """
    found = {}
    for role, code in (("activation", activation_code), ("aggregation", aggregation_code)):
        codes = getattr(genes, role).copy()
        for k in np.unique(codes[codes >= OWN]):
            codes[getattr(genes, role) == k] = code(names[role][k - OWN])
        found[role] = codes
    return genes._replace(**found)


def genome(
    genes: Genes, row: int, inputs: int, outputs: int, fitness: float | None = None, like: Any = None
) -> Genome:
    """Return genome ``row`` as a readable value.

    ``like``: settings or a genome whose kind of network, steps of time and plasticity it takes; None for feed-forward.
    Rules of plasticity are read only where it is plastic.
    """
    from neuroloom.evolve.genome import DYNAMICS, Connection, Genome, Node

    nodes = slice(genes.node_ptr[row], genes.node_ptr[row + 1])
    conns = slice(genes.conn_ptr[row], genes.conn_ptr[row + 1])
    ids, biases, responses, activations, aggregations = (column[nodes].tolist() for column in genes[1:6])
    times = genes.time_constant[nodes].tolist() if len(genes.time_constant) else [1.0] * len(ids)
    functions = map(activation_name, activations), map(aggregation_name, aggregations)
    rules: Any = [None] * int(conns.stop - conns.start)
    if len(genes.plasticity) and like is not None and like.plasticity != "none":
        rules = [tuple(rule) for rule in genes.plasticity[conns].tolist()]
    return Genome(
        inputs=inputs,
        outputs=outputs,
        nodes=tuple(map(Node, ids, biases, responses, *functions, times)),
        connections=tuple(map(Connection, *(column[conns].tolist() for column in genes[7:12]), rules)),
        fitness=fitness,
        **({} if like is None else {name: getattr(like, name) for name in DYNAMICS}),
    )


class Genomes(Sequence["Genome"]):
    """The genomes of a population, each made a readable value where it is asked for.

    Args:
        genes: the population.
        inputs: number of inputs of each.
        outputs: number of outputs of each.
        like: as in :func:`genome`.
    """

    def __init__(self, genes: Genes, inputs: int, outputs: int, like: Any = None) -> None:
        self._genes, self._of = genes, (inputs, outputs, None, like)

    def __len__(self) -> int:
        return size(self._genes)

    @overload
    def __getitem__(self, row: SupportsIndex) -> Genome: ...

    @overload
    def __getitem__(self, row: slice) -> list[Genome]: ...

    def __getitem__(self, row: SupportsIndex | slice) -> Genome | list[Genome]:
        if isinstance(row, slice):
            return [self[k] for k in range(len(self))[row]]
        return genome(self._genes, range(len(self))[row], *self._of)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)


def pack_genomes(genomes: Sequence[Genome]) -> Genes:
    """Return ``genomes`` as arrays."""
    nodes = [node for own in genomes for node in sorted(own.nodes, key=lambda node: node.id)]
    conns = [conn for own in genomes for conn in sorted(own.connections, key=lambda conn: conn.innovation)]
    timed = any(node.time_constant != 1.0 for node in nodes)
    plastic = any(conn.plasticity is not None for conn in conns)
    rules = [conn.plasticity or (0.0,) * 5 for conn in conns] if plastic else []
    return Genes(
        _offsets([len(own.nodes) for own in genomes]),
        np.array([node.id for node in nodes], np.int32),
        np.array([node.bias for node in nodes], np.float64),
        np.array([node.response for node in nodes], np.float64),
        np.array([activation_code(node.activation) for node in nodes], np.uint8),
        np.array([aggregation_code(node.aggregation) for node in nodes], np.uint8),
        _offsets([len(own.connections) for own in genomes]),
        np.array([conn.innovation for conn in conns], np.int32),
        np.array([conn.source for conn in conns], np.int32),
        np.array([conn.target for conn in conns], np.int32),
        np.array([conn.weight for conn in conns], np.float64),
        np.array([conn.enabled for conn in conns], np.bool_),
        np.array([node.time_constant for node in nodes] if timed else [], np.float64),
        np.array(rules, np.float64).reshape(-1, 5),
    )
