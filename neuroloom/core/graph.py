"""One frozen graph value for the whole package; nothing else inspects the form a graph came in."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuroloom.core.errors import InputError

if TYPE_CHECKING:
    import networkx
    import pandas as pd
    import scipy.sparse
    import torch_geometric.data

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Graph:
    """A graph as compressed sparse rows (CSR); build one with :meth:`Graph.of`.

    An undirected graph holds each edge in both directions and a self-loop once. Columns are sorted within a
    row and no edge stands twice. The arrays are read-only.

    Args:
        indptr: ``(n + 1,)`` int64; row ``i`` owns ``indices[indptr[i]:indptr[i + 1]]``.
        indices: ``(m,)`` int64, the neighbours.
        weights: ``(m,)`` float64, one weight for each stored edge (1 where none was given).
        directed: whether edges have a direction.
        features: ``(n, d)`` node features, a float32 array, or None.
        names: ``n`` node names, or None when nodes are called ``0 … n - 1``.

    Raises:
        InputError: the arrays do not describe one graph.
    """

    indptr: Ints
    indices: Ints
    weights: Floats
    directed: bool = False
    features: NDArray[np.float32] | None = None
    names: tuple[Hashable, ...] | None = None
    _cache: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "indptr", _frozen(self.indptr, np.int64))
        set_(self, "indices", _frozen(self.indices, np.int64))
        set_(self, "weights", _frozen(self.weights, np.float64))
        n = self.n_nodes
        if n < 0 or self.indptr[0] != 0 or self.indptr[-1] != len(self.indices):
            raise InputError(
                "`indptr` must start at 0 and end at the number of stored edges; use Graph.of(...)."
            )
        if len(self.weights) != len(self.indices):
            raise InputError(
                f"expected {len(self.indices)} weights, one an edge, but got {len(self.weights)}."
            )
        if len(self.indices) and (self.indices.min() < 0 or self.indices.max() >= n):
            raise InputError(f"edge ends must lie in 0 … {n - 1} for a graph of {n} nodes.")
        falls = np.diff(self.indices) <= 0
        falls[np.setdiff1d(self.indptr[1:-1], [0, len(self.indices)]) - 1] = False
        if falls.any():
            raise InputError(
                "`indices` must be ascending within a row, each once; use Graph.of(...), which sorts."
            )
        if not np.isfinite(self.weights).all():
            raise InputError("edge weights must be finite; drop or fill the missing ones.")
        if self.features is not None:
            set_(self, "features", _frozen(self.features, np.float32))
            if self.features.ndim != 2 or len(self.features) != n:
                raise InputError(f"`features` must have shape ({n}, d), but has {self.features.shape}.")
        if self.names is not None:
            set_(self, "names", tuple(self.names))
            if len(self.names) != n or len(set(self.names)) != n:
                raise InputError(
                    f"`names` must be {n} different names, one a node, but got {len(self.names)}."
                )
        if not self.directed and not self._symmetric():
            raise InputError(
                "an undirected graph must hold each edge in both directions, at one weight; use Graph.of(...)."
            )

    def _symmetric(self) -> bool:
        turned = self.to_scipy().T.tocsr()
        same = np.array_equal(turned.indptr, self.indptr) and np.array_equal(turned.indices, self.indices)
        return same and np.array_equal(turned.data, self.weights)

    # -- what it is ---------------------------------------------------------------------------------------

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.indptr) - 1

    @property
    def n_edges(self) -> int:
        """Number of edges; an undirected edge counts once."""
        if self.directed:
            return len(self.indices)
        loops = int(np.count_nonzero(self.rows == self.indices))
        return (len(self.indices) - loops) // 2 + loops

    @property
    def weighted(self) -> bool:
        """Whether any weight differs from 1."""
        return bool((self.weights != 1).any())

    @property
    def rows(self) -> Ints:
        """``(m,)`` source of every stored edge, aligned with ``indices``."""
        if "rows" not in self._cache:
            self._cache["rows"] = _frozen(np.repeat(np.arange(self.n_nodes), np.diff(self.indptr)), np.int64)
        rows: Ints = self._cache["rows"]
        return rows

    @property
    def degrees(self) -> Ints:
        """``(n,)`` number of stored neighbours of each node (out-degree when directed)."""
        return np.diff(self.indptr)

    def neighbours(self, node: int) -> Ints:
        """Return the neighbours of ``node``, ascending."""
        return self.indices[self.indptr[node] : self.indptr[node + 1]]

    def edges(self) -> Ints:
        """Return ``(n_edges, 2)`` node pairs; an undirected edge stands once, smaller end first."""
        pairs = np.column_stack([self.rows, self.indices])
        return pairs if self.directed else pairs[pairs[:, 0] <= pairs[:, 1]]

    def has_edges(self, pairs: Any) -> NDArray[np.bool_]:
        """Return for each of ``(k, 2)`` node pairs whether it is an edge.

        Raises:
            InputError: an id is no node of the graph.
        """
        pairs = self._ends(pairs)
        keys = self.rows * self.n_nodes + self.indices
        wanted = pairs[:, 0] * self.n_nodes + pairs[:, 1]
        at = np.searchsorted(keys, wanted)
        found = np.zeros(len(wanted), dtype=bool)
        inside = at < len(keys)
        found[inside] = keys[at[inside]] == wanted[inside]
        return found

    def _ends(self, pairs: Any) -> Ints:
        """Return node pairs as ``(k, 2)`` ids, checked."""
        ends = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
        if ends.size and (ends.min() < 0 or ends.max() >= self.n_nodes):
            raise InputError(
                f"pairs must hold node ids in 0 … {self.n_nodes - 1}, but reach {ends.min()} … {ends.max()}."
            )
        return ends

    def index_of(self, names: Iterable[Hashable]) -> Ints:
        """Return the ids of the nodes called ``names``.

        Raises:
            InputError: a name is no node of this graph.
        """
        if "index" not in self._cache:
            own = self.names if self.names is not None else range(self.n_nodes)
            self._cache["index"] = {name: i for i, name in enumerate(own)}
        index = self._cache["index"]
        wanted = list(names)
        missing = [name for name in wanted if name not in index]
        if missing:
            shown = ", ".join(repr(name) for name in missing[:5])
            raise InputError(
                f"{len(missing)} of {len(wanted)} names are no nodes of the graph, the first: {shown}."
            )
        return np.array([index[name] for name in wanted], dtype=np.int64)

    def structure(self, weights: bool = True) -> str:
        """Return the SHA-256 of nodes, names, edges and, unless told otherwise, weights; features do not count."""
        kept = "structure" if weights else "edges"
        if kept not in self._cache:
            digest = hashlib.sha256(b"directed" if self.directed else b"undirected")
            for array in (self.indptr, self.indices, *((self.weights,) if weights else ())):
                digest.update(array.tobytes())
            digest.update(repr(self.names).encode())
            self._cache[kept] = digest.hexdigest()
        structure: str = self._cache[kept]
        return structure

    def fingerprint(self) -> str:
        """Return the SHA-256 of structure, weights, names and features."""
        digest = hashlib.sha256(self.structure().encode())
        if self.features is not None:
            digest.update(repr(self.features.shape).encode())
            digest.update(self.features.tobytes())
        return digest.hexdigest()

    def __repr__(self) -> str:
        kind = "directed" if self.directed else "undirected"
        features = "" if self.features is None else f", {self.features.shape[1]} features"
        return f"Graph({self.n_nodes} nodes, {self.n_edges} {kind} edges{features})"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: sizes and degrees."""
        from neuroloom.core.notebook import html_table

        degrees = np.diff(self.indptr)
        rows: list[tuple[object, ...]] = [("nodes", f"{self.n_nodes:,}"), ("edges", f"{self.n_edges:,}")]
        if self.n_nodes:
            low, middle, high = np.quantile(degrees, [0, 0.5, 1])
            rows.append(("neighbours: least, median, most", f"{low:g}, {middle:g}, {high:g}"))
            rows.append(("nodes without one", f"{int((degrees == 0).sum()):,}"))
        if (self.weights != 1).any():
            rows.append(("weights", f"{self.weights.min():.4g} … {self.weights.max():.4g}"))
        if self.features is not None:
            rows.append(("features of a node", f"{self.features.shape[1]:,}"))
        if self.names is not None:
            shown = ", ".join(str(name) for name in self.names[:5])
            rows.append(("names", shown + (", …" if len(self.names) > 5 else "")))
        return html_table("directed graph" if self.directed else "undirected graph", rows)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_cache": {}}

    # -- changed copies -----------------------------------------------------------------------------------

    def with_features(self, features: Any) -> Graph:
        """Return this graph with other node features (``(n, d)``) or, for None, without."""
        return Graph(self.indptr, self.indices, self.weights, self.directed, features, self.names)

    def with_edges(self, pairs: Any) -> Graph:
        """Return this graph with the edges ``pairs`` (``(k, 2)`` node ids) added at weight 1, where it lacks them."""
        pairs = self._ends(pairs)
        pairs = np.unique(pairs if self.directed else np.sort(pairs, axis=1), axis=0)
        pairs = pairs[~self.has_edges(pairs)]
        ends = np.concatenate([self.edges(), pairs])
        kept = self.weights if self.directed else self.weights[self.rows <= self.indices]
        weights = np.concatenate([kept, np.ones(len(pairs))])
        return _from_pairs(ends, weights, self.n_nodes, self.directed, self.features, self.names)

    def without_edges(self, pairs: Any) -> Graph:
        """Return this graph without the edges ``pairs`` (``(k, 2)`` node ids; either order if undirected)."""
        pairs = self._ends(pairs)
        if not self.directed:
            pairs = np.concatenate([pairs, pairs[:, ::-1]])
        gone = np.isin(self.rows * self.n_nodes + self.indices, pairs[:, 0] * self.n_nodes + pairs[:, 1])
        indptr = np.concatenate([[0], np.cumsum(np.bincount(self.rows[~gone], minlength=self.n_nodes))])
        return Graph(
            indptr, self.indices[~gone], self.weights[~gone], self.directed, self.features, self.names
        )

    def without_self_loops(self) -> Graph:
        """Return this graph without edges from a node to itself."""
        loops = self.rows == self.indices
        return self if not loops.any() else self.without_edges(np.column_stack([self.rows[loops]] * 2))

    # -- from and to other forms --------------------------------------------------------------------------

    @staticmethod
    def of(
        source: Any,
        *,
        directed: bool | None = None,
        features: Any = None,
        names: Sequence[Hashable] | None = None,
    ) -> Graph:
        """Return a graph made from nearly anything that holds one.

        Args:
            source: a ``Graph``; a networkx graph (names, ``weight`` and, as features, a numeric node attribute
                ``x``); a SciPy sparse adjacency ``(n, n)``; a PyG ``Data`` (``edge_index``, ``edge_weight``,
                ``x``); an edge list, ``(m, 2)`` or with weights ``(m, 3)``, as array or sequence of tuples,
                ends being ids or names; a DataFrame whose first two columns are the ends and whose column
                ``weight``, if there is one, holds weights.
            directed: None reads it from the source (an edge list is undirected; a sparse matrix or ``Data`` is
                directed unless symmetric). Making a directed source undirected keeps the larger weight of the
                two directions.
            features: ``(n, d)`` node features in the order of the nodes, instead of the source's own.
            names: ``n`` names; an integer edge list then refers to positions in it.

        Raises:
            InputError: the source holds no graph, or its parts do not fit together.
        """
        module = type(source).__module__
        if isinstance(source, Graph):
            graph = source
            if directed is not None and directed != source.directed:
                graph = _from_csr(source.to_scipy(), directed, source.features, source.names)
        elif module.startswith("networkx"):
            graph = _from_networkx(source, directed)
        elif module.startswith("scipy.sparse"):
            graph = _from_csr(source, directed, None, None)
        elif module.startswith("torch_geometric"):
            graph = _from_pyg(source, directed)
        elif module.startswith("pandas"):
            graph = _from_frame(source, directed, names)
        else:
            graph = _from_edge_list(source, directed, names)
        if features is not None:
            graph = graph.with_features(_feature_matrix(features))
        if names is not None and graph.names is None:
            graph = Graph(
                graph.indptr, graph.indices, graph.weights, graph.directed, graph.features, tuple(names)
            )
        return graph

    def to_scipy(self) -> scipy.sparse.csr_array:
        """Return the ``(n, n)`` adjacency as a SciPy CSR array of float64 (a copy)."""
        import scipy.sparse

        parts = (self.weights.copy(), self.indices.copy(), self.indptr.copy())
        return scipy.sparse.csr_array(parts, shape=(self.n_nodes, self.n_nodes))

    def to_networkx(self) -> networkx.Graph:
        """Return a networkx ``Graph`` or ``DiGraph`` with names, ``weight`` and, if any, features as ``x``."""
        import networkx

        made = networkx.DiGraph() if self.directed else networkx.Graph()
        names = list(self.names) if self.names is not None else list(range(self.n_nodes))
        for i, name in enumerate(names):
            made.add_node(name, **({} if self.features is None else {"x": self.features[i].tolist()}))
        kept = slice(None) if self.directed else self.rows <= self.indices
        for u, v, w in zip(self.rows[kept], self.indices[kept], self.weights[kept], strict=True):
            made.add_edge(names[u], names[v], weight=float(w))
        return made

    def to_pyg(self) -> torch_geometric.data.Data:
        """Return a PyG ``Data`` with ``edge_index`` (both directions), ``edge_weight`` and ``x``; names are lost."""
        import torch
        from torch_geometric.data import Data

        index = torch.from_numpy(np.stack([self.rows, self.indices]))
        weight = torch.tensor(self.weights, dtype=torch.float32)
        x = None if self.features is None else torch.tensor(self.features)
        return Data(x=x, edge_index=index, edge_weight=weight, num_nodes=self.n_nodes)

    def to_frame(self) -> pd.DataFrame:
        """Return the edges as a DataFrame of ``source``, ``target`` (names where there are any) and ``weight``."""
        import pandas as pd

        kept = slice(None) if self.directed else self.rows <= self.indices
        ends = [self.rows[kept], self.indices[kept]]
        named = ends if self.names is None else [[self.names[i] for i in end] for end in ends]
        return pd.DataFrame({"source": named[0], "target": named[1], "weight": self.weights[kept]})


def _frozen(array: Any, dtype: Any) -> Any:
    made = np.ascontiguousarray(array, dtype=dtype)
    if made.flags.writeable:
        made = made.copy() if made is array else made
        made.flags.writeable = False
    return made


def _feature_matrix(features: Any) -> NDArray[np.float32]:
    dense = features.toarray() if hasattr(features, "toarray") else np.asarray(features)
    return np.asarray(dense, dtype=np.float32)


def _from_csr(matrix: Any, directed: bool | None, features: Any, names: Any) -> Graph:
    import scipy.sparse

    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise InputError(f"an adjacency matrix must be square, but has shape {matrix.shape}.")
    csr = scipy.sparse.csr_array(matrix, dtype=np.float64)
    csr.sum_duplicates()
    csr.eliminate_zeros()
    symmetric = (csr != csr.T).nnz == 0
    if directed is None:
        directed = not symmetric
    if not directed and not symmetric:
        csr = scipy.sparse.csr_array(symmetrised(csr))
    csr.sort_indices()
    return Graph(csr.indptr, csr.indices, csr.data, directed, features, names)


def symmetrised(csr: Any) -> Any:
    """Return a SciPy sparse array with, for each pair, the weight of larger size of the two directions."""
    other = csr.T.tocsr()
    high, low = csr.maximum(other), csr.minimum(other)
    lower = abs(low) > abs(high)
    return high - high.multiply(lower) + low.multiply(lower)


def _from_pairs(pairs: Ints, weights: Floats, n: int, directed: bool, features: Any, names: Any) -> Graph:
    import scipy.sparse

    if len(pairs) and not directed:
        both = np.concatenate([pairs, pairs[pairs[:, 0] != pairs[:, 1]][:, ::-1]])
        weights = np.concatenate([weights, weights[pairs[:, 0] != pairs[:, 1]]])
        pairs = both
    csr = scipy.sparse.coo_array((weights, (pairs[:, 0], pairs[:, 1])), shape=(n, n)).tocsr()
    csr.sort_indices()
    return Graph(csr.indptr, csr.indices, csr.data, directed, features, names)


def _from_networkx(source: Any, directed: bool | None) -> Graph:
    import networkx

    names = list(source.nodes())
    if not names:
        raise InputError("the networkx graph has no nodes.")
    try:
        csr = networkx.to_scipy_sparse_array(
            source, nodelist=names, weight="weight", dtype=np.float64, format="csr"
        )
    except (TypeError, ValueError) as error:
        raise InputError(
            f"edge weights must be numbers, but one is none ({error}); drop or fill it."
        ) from error
    if directed is None:
        directed = source.is_directed()
    vectors = [source.nodes[name].get("x") for name in names]
    features = None
    if all(vector is not None for vector in vectors):
        features = np.asarray(vectors, dtype=np.float32).reshape(len(names), -1)
    kept = None if names == list(range(len(names))) else tuple(names)
    return _from_csr(csr, directed, features, kept)


def _from_pyg(source: Any, directed: bool | None) -> Graph:
    if not hasattr(source, "edge_index") or source.edge_index is None:
        raise InputError(
            f"a PyG {type(source).__name__} needs `edge_index`; heterogeneous data is not supported here."
        )
    import scipy.sparse

    index = source.edge_index.cpu().numpy()
    n = int(source.num_nodes)
    weight = getattr(source, "edge_weight", None)
    values = np.ones(index.shape[1]) if weight is None else weight.detach().cpu().numpy().astype(np.float64)
    if weight is None:  # PyG data may repeat an edge; without weights that means nothing
        index = np.unique(index, axis=1)
        values = np.ones(index.shape[1])
    csr = scipy.sparse.coo_array((values, (index[0], index[1])), shape=(n, n)).tocsr()
    features = None if source.x is None else source.x.detach().cpu().numpy()
    return _from_csr(csr, directed, features, None)


def _from_frame(frame: Any, directed: bool | None, names: Sequence[Hashable] | None) -> Graph:
    if frame.shape[1] < 2:
        raise InputError(
            f"an edge table needs two columns for the ends of an edge, but has {frame.shape[1]}."
        )
    weights = None
    ends = frame
    if "weight" in frame.columns:
        weights = _weights(frame["weight"].tolist())
        ends = frame.drop(columns="weight")
    sources, targets = ends.iloc[:, 0].tolist(), ends.iloc[:, 1].tolist()
    return _from_ends(sources, targets, weights, directed, names)


def _from_edge_list(source: Any, directed: bool | None, names: Sequence[Hashable] | None) -> Graph:
    wanted = (
        "expected a graph: a networkx graph, a SciPy sparse matrix, a PyG Data, a DataFrame or an edge list of "
        "shape (m, 2) or (m, 3)"
    )
    if isinstance(source, np.ndarray):
        if source.ndim != 2 or source.shape[1] not in (2, 3):
            hint = "; pass scipy.sparse.csr_array(A) for a dense adjacency" if source.ndim == 2 else ""
            raise InputError(f"{wanted}, but got an array of shape {source.shape}{hint}.")
        rows: list[Any] = source.tolist()
    elif isinstance(source, str | bytes) or not isinstance(source, Iterable):
        raise InputError(f"{wanted}, but got {type(source).__name__}.")
    else:
        rows = [tuple(row) for row in source]
    lengths = {len(row) for row in rows}
    if not rows and names is None:
        raise InputError("the edge list is empty; pass `names` to say which nodes there are.")
    if lengths - {2, 3} or len(lengths) > 1:
        raise InputError(f"{wanted}, but its rows have lengths {sorted(lengths)}.")
    weights = _weights([row[2] for row in rows]) if lengths == {3} else None
    return _from_ends([row[0] for row in rows], [row[1] for row in rows], weights, directed, names)


def _weights(values: list[Any]) -> Floats:
    try:
        return np.array([float(value) for value in values])
    except (TypeError, ValueError) as error:
        raise InputError(
            f"edge weights must be numbers, but one is none ({error}); drop or fill it."
        ) from error


def _from_ends(
    sources: list[Any],
    targets: list[Any],
    weights: Floats | None,
    directed: bool | None,
    names: Sequence[Hashable] | None,
) -> Graph:
    """Build a graph from two lists of ends, ids or names; a repeated edge is one edge, its weights added."""
    missing = sum(end is None or end != end for end in (*sources, *targets))
    if missing:
        raise InputError(f"{missing} ends of edges are missing; drop these edges or name the nodes.")
    integer = all(isinstance(end, int | np.integer) or (isinstance(end, float) and end.is_integer())
                  for end in (*sources, *targets))  # fmt: skip
    if names is not None and not integer:
        index = {name: i for i, name in enumerate(names)}
        strange = next((end for end in (*sources, *targets) if end not in index), None)
        if strange is not None:
            raise InputError(
                f"the edge list uses the node {strange!r}, which is not among the {len(index)} `names`."
            )
        kept: tuple[Hashable, ...] | None = tuple(names)
    elif integer:
        ids = sorted({int(end) for end in (*sources, *targets)})
        if names is not None:
            index, kept = {i: i for i in range(len(names))}, tuple(names)
            if ids and (ids[0] < 0 or ids[-1] >= len(names)):
                raise InputError(
                    f"the edge list uses ids {ids[0]} … {ids[-1]}, but there are {len(names)} `names`."
                )
        elif ids == list(range(len(ids))):
            index, kept = {i: i for i in ids}, None
        else:
            index, kept = {name: i for i, name in enumerate(ids)}, tuple(ids)
    else:
        ordered = dict.fromkeys(end for pair in zip(sources, targets, strict=True) for end in pair)
        index, kept = {name: i for i, name in enumerate(ordered)}, tuple(ordered)
    pairs = np.array([[index[u], index[v]] for u, v in zip(sources, targets, strict=True)], dtype=np.int64)
    pairs = pairs.reshape(-1, 2)
    n = len(kept) if kept is not None else len(index)
    import scipy.sparse

    values = np.ones(len(pairs)) if weights is None else weights
    csr = scipy.sparse.coo_array((values, (pairs[:, 0], pairs[:, 1])), shape=(n, n)).tocsr()
    if weights is None:
        csr.data[:] = 1.0
    return _from_csr(csr, bool(directed), None, kept)
