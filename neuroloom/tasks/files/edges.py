"""A graph of the user's: an edge list, GML or GraphML, with a label file for its nodes, or alone for its links."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import numpy as np

from neuroloom.core.errors import InputError, nearest
from neuroloom.core.graph import Graph
from neuroloom.core.samples import NodeSet
from neuroloom.tasks.files.columns import present
from neuroloom.tasks.files.options import Loaded, Options
from neuroloom.tasks.files.target import decide
from neuroloom.tasks.files.text import Rows, is_number, read_bytes, read_rows

MARKUP = (".gml", ".graphml")
_ENDS = re.compile(
    r"(source|target|from|to|src|dst|dest|node_?[12ab]?|id_?[12ab]?|u|v|i|j|head|tail|start|end|sender|receiver)"
)
_WHOLE = re.compile(r"[+-]?\d+")


def read_edges(path: Path, fewest: int = 3) -> tuple[list[str], Any, Any, list[str]]:
    """Return node names, ``(m, 2)`` positions in them, ``(m,)`` weights and notes of an edge list.

    Fields are divided by commas, semicolons, tabs or spaces; lines that begin with # or % are comments; a header is
    known by its words, or by standing above numbers. A third column of numbers holds weights, also as networkx writes
    them (``{'weight': 2.5}``). It must name ``fewest`` nodes, or it is taken for something else.

    Raises:
        InputError: the file is no edge list.
    """
    rows = read_rows(path, header=False)
    lines, notes = _split_edge_lines(path, rows)
    width = len(lines[0])
    names = sorted({end for line in lines for end in line[:2]}, key=_name_key)
    if len(names) < fewest:
        raise InputError(
            f"{path} names {len(names)} nodes; expected an edge, a pair of node names, in each line."
        )
    position = {name: i for i, name in enumerate(names)}
    pairs = np.array([(position[line[0]], position[line[1]]) for line in lines], dtype=np.int64)
    weights = np.ones(len(lines))
    if width > 2:
        found = [_weight(line[2]) for line in lines]
        if all(w is not None for w in found):
            weights = np.array(found, dtype=np.float64)
            if (weights != 1).any():
                notes.append("the third column was read as edge weights")
        else:
            notes.append(
                "columns after the second were ignored; the third would hold edge weights, but not all are numbers"
            )
    return names, pairs, weights, notes


def _split_edge_lines(path: Path, rows: Rows) -> tuple[list[list[str]], list[str]]:
    lines = [[cell.strip() for cell in line] for line in rows.cells]
    notes = list(rows.notes)
    if rows.separator == " " and any(len(line) > 3 or "{" in "".join(line) for line in lines[:5]):
        lines = [[*line[:2], " ".join(line[2:])] for line in lines]
    if len(lines[0]) < 2:
        raise InputError(
            f"{path} has a single column; an edge list holds two node names in each line, divided by a comma, a tab or "
            "spaces."
        )
    first, rest = lines[0], lines[1:]
    words = all(_ENDS.fullmatch(cell.lower()) for cell in first[:2])
    above = bool(rest) and not any(map(_WHOLE.fullmatch, first[:2])) and all(
        _WHOLE.fullmatch(cell) for line in rest for cell in line[:2]
    )  # fmt: skip
    if (words and rest) or above:
        notes.append(f"the first line of {path.name} ({', '.join(first)}) is a header")
        lines = rest
    if not lines:
        raise InputError(f"{path} holds no edge.")
    return lines, notes


def _weight(text: str) -> float | None:
    text = text.strip()
    if text in ("", "{}"):
        return 1.0
    if text.startswith("{"):
        try:
            held = ast.literal_eval(text)
            text = str(held.get("weight", 1.0))
        except (ValueError, SyntaxError, AttributeError):
            return None
    if not is_number(text):
        return None
    value = float(text.replace(",", "."))
    return value if np.isfinite(value) else None


def _name_key(name: str) -> tuple[int, int, str]:
    return (0, int(name), name) if _WHOLE.fullmatch(name) else (1, 0, name)


def _parse_markup(path: Path) -> Any:
    """Return a GML or GraphML file as a networkx graph.

    Raises:
        InputError: it is damaged, or defines entities.
    """
    import io
    import xml.etree.ElementTree as tree

    import networkx

    raw = read_bytes(path)
    if path.suffix.lower() == ".graphml" and (b"<!ENTITY" in raw or b"<!DOCTYPE" in raw):
        raise InputError(f"{path} defines XML entities, which are not read; remove the DOCTYPE.")
    try:
        if path.suffix.lower() == ".gml":
            return networkx.parse_gml(raw.decode("utf-8").splitlines(), label=None)
        return networkx.read_graphml(io.BytesIO(raw))
    except (networkx.NetworkXError, tree.ParseError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read as {path.suffix[1:].upper()}: {error}.") from error


def _attributes(read: Any) -> list[str]:
    return sorted({key for _, held in read.nodes(data=True) for key in held})


def _read_markup(path: Path, target: str | None) -> tuple[list[str], Any, Any, list[str], dict[str, str]]:
    """Return names, pairs, weights, notes and the node attribute ``target`` of a GML or GraphML file."""
    read = _parse_markup(path)
    labels = {node: str(read.nodes[node].get("label", node)) for node in read.nodes}
    if len(set(labels.values())) < len(labels):
        labels = {node: str(node) for node in read.nodes}
    names = sorted(labels.values(), key=_name_key)
    position = {name: i for i, name in enumerate(names)}
    ends = [(position[labels[u]], position[labels[v]]) for u, v in read.edges()]
    weights = [_weight(str(attributes.get("weight", 1.0))) or 1.0 for *_, attributes in read.edges(data=True)]
    attributes_: dict[str, str] = {}
    if target is not None:
        known = _attributes(read)
        if target not in known:
            close = nearest(target, known)
            hint = f"; did you mean {close!r}?" if close else f"; they have {', '.join(known) or 'none'}."
            raise InputError(f"the nodes of {path} have no attribute {target!r}{hint}")
        attributes_ = {labels[n]: str(held[target]) for n, held in read.nodes(data=True) if target in held}
    return names, np.array(ends, dtype=np.int64).reshape(-1, 2), np.array(weights), [], attributes_


def read_graph(options: Options, extra: list[str] | None = None) -> tuple[Graph, list[str], dict[str, str]]:
    """Return the undirected graph of a file, notes, and node labels that the file itself holds.

    Args:
        options: where it is.
        extra: names that are nodes as well, though no edge has them.
    """
    path = options.path
    attributes: dict[str, str] = {}
    if path.suffix.lower() in MARKUP:
        names, pairs, weights, notes, attributes = _read_markup(path, options.target)
    else:
        names, pairs, weights, notes = read_edges(path)
    alone = [name for name in (extra or []) if name not in set(names)]
    if alone:
        shown = ", ".join(repr(name) for name in alone[:3]) + (", …" if len(alone) > 3 else "")
        notes.append(
            f"1 labelled node stands in no edge ({shown}); it was added without neighbours"
            if len(alone) == 1
            else f"{len(alone)} labelled nodes stand in no edge ({shown}); they were added without neighbours"
        )
        old = names
        names = sorted({*names, *alone}, key=_name_key)
        at = {name: i for i, name in enumerate(names)}
        pairs = np.array([at[name] for name in old], dtype=np.int64)[pairs]
    loops = pairs[:, 0] == pairs[:, 1]
    if loops.any():
        notes.append(f"{int(loops.sum())} self-loop{'s were' if loops.sum() > 1 else ' was'} left out")
    pairs, weights = np.sort(pairs[~loops], axis=1), weights[~loops]
    once, first = np.unique(pairs, axis=0, return_index=True)
    if copies := len(pairs) - len(once):
        notes.append(
            f"{'1 edge stands' if copies == 1 else f'{copies} edges stand'} more than once, or in both directions, "
            "and count once; edges have no direction"
        )
    weights = weights[first]
    if not len(once):
        raise InputError(f"{path} holds no edge between two different nodes.")
    if (weights == 0).any():
        weights = np.where(weights == 0, 1e-12, weights)  # a stored zero would be no edge
    whole = all(_WHOLE.fullmatch(name) for name in names)
    made: list[Any] = [int(name) for name in names] if whole else names
    if whole and len(set(made)) < len(made):
        made = names  # 1 and 01 differ
    edges = np.column_stack([once, weights]) if (weights != 1).any() else once
    graph = _graph(edges, made)
    if options.features is not None:
        graph = graph.with_features(_features(options.features, names, notes))
    notes.append(f"a graph of {graph.n_nodes} nodes and {graph.n_edges} edges")
    return graph, notes, attributes


def _graph(edges: Any, names: list[Any]) -> Graph:
    """Return the graph over positions; nodes called 0 … n − 1 need no names."""
    import scipy.sparse

    n = len(names)
    ends = edges[:, :2].astype(np.int64)
    weights = edges[:, 2] if edges.shape[1] > 2 else np.ones(len(edges))
    both = np.concatenate([ends, ends[:, ::-1]])
    matrix = scipy.sparse.coo_array((np.tile(weights, 2), (both[:, 0], both[:, 1])), shape=(n, n))
    csr = matrix.tocsr()
    csr.sort_indices()
    called = None if names == list(range(n)) else tuple(names)
    return Graph(csr.indptr, csr.indices, csr.data, False, None, called)


def _features(path: Path, names: list[str], notes: list[str]) -> Any:
    """Return ``(n, d)`` numbers for the nodes from a file of names and numbers; zeros where a node is not in it."""
    rows = read_rows(path, header=False)
    known = {name: i for i, name in enumerate(names)}
    lines = rows.cells
    if lines[0][0] not in known or not all(is_number(cell) for cell in lines[0][1:]):
        lines = lines[1:]
    if not lines or len(lines[0]) < 2:
        raise InputError(f"{path} must hold a node name and numbers in each line.")
    made = np.zeros((len(names), len(lines[0]) - 1), dtype=np.float32)
    seen = np.zeros(len(names), dtype=bool)
    for line in lines:
        if line[0] not in known:
            continue
        try:
            made[known[line[0]]] = [float(cell.replace(",", ".")) for cell in line[1:]]
        except ValueError as error:
            raise InputError(f"{path}, node {line[0]!r}: {error}.") from error
        seen[known[line[0]]] = True
    if not seen.any():
        raise InputError(
            f"{path} names none of the graph's nodes; its first is {lines[0][0]!r}, the graph's {names[0]!r}."
        )
    if not np.isfinite(made).all():
        raise InputError(f"{path} holds missing or infinite numbers; fill them first.")
    if not seen.all():
        notes.append(f"{int((~seen).sum())} nodes are not in {path.name}; their features are zeros")
    return made


def read_labels(options: Options, known: set[str]) -> tuple[list[str], list[str], str, list[str]]:
    """Return names, labels as text, the label's title and notes from a file of nodes and labels.

    The first column holds names; the label is the column ``target`` of the header, else the second of two, else the
    last. A first line whose name is no node, while others are, is a header.

    Raises:
        InputError: the file has a single column, or names no node.
    """
    path = options.labels
    if path is None:
        raise InputError("a graph needs a label file.")
    rows = read_rows(path, header=False)
    lines = rows.cells
    notes = [f"labels: {note}" for note in rows.notes]
    if len(lines[0]) < 2:
        raise InputError(f"{path} has a single column; a label file holds a node and its label in each line.")
    column, title = len(lines[0]) - 1, ""
    hits = [line[0] in known for line in lines]
    if len(lines) > 1 and not hits[0] and (any(hits[1:]) or _ENDS.fullmatch(lines[0][0].lower())):
        header, lines = lines[0], lines[1:]
        notes.append(f"the first line of {path.name} ({', '.join(header)}) is a header")
        if options.target is not None and options.target not in header:
            close = nearest(options.target, header[1:])
            raise InputError(
                f"{path} has no column {options.target!r}" + (f"; did you mean {close!r}?" if close else ".")
            )
        column = header.index(options.target) if options.target is not None else column
        title = header[column]
    found = {line[0]: line[column] for line in lines}
    if len(found) < len(lines):
        several = len(lines) - len(found)
        notes.append(
            f"{several} {'node has' if several == 1 else 'nodes have'} several labels; the last one counts"
        )
    if not any(name in known for name in found):
        mine = ", ".join(repr(n) for n in list(found)[:3])
        theirs = ", ".join(repr(n) for n in sorted(known, key=_name_key)[:3])
        raise InputError(f"{path} names no node of {options.path}: it has {mine}, …, the graph {theirs}, ….")
    return list(found), list(found.values()), title, notes


def read_nodes(options: Options) -> Loaded:
    """Read a graph and the labels of its nodes; nodes without a label stay in the graph and out of the samples.

    Raises:
        InputError: a file is damaged, or the two do not fit together.
    """
    markup = options.path.suffix.lower() in MARKUP
    if options.labels is None and not (markup and options.target):
        held = (
            [name for name in _attributes(_parse_markup(options.path)) if name != "label"] if markup else []
        )
        how = "--target ATTRIBUTE or --labels FILE" if markup else "--labels FILE"
        how += f" (its nodes have {', '.join(map(repr, held))})" if held else ""
        raise InputError(
            f"{options.path} is a graph, but says no label for its nodes; pass {how}, or --kind links to predict which "
            "nodes are connected."
        )
    title = options.target or ""
    label_notes: list[str] = []
    alone: list[str] = []
    if options.labels is not None:
        plain = Options(path=options.path)
        names = set(_read_markup(options.path, None)[0] if markup else read_edges(options.path)[0])
        named, labels, title, label_notes = read_labels(options, names)
        if markup:
            options = Options(**{**plain.__dict__, "features": options.features, "problem": options.problem})
        there = present(labels)
        alone = [n for n, ok in zip(named, there, strict=True) if ok and n not in names]
        graph, notes, _ = read_graph(options, alone)
    else:
        graph, notes, attributes = read_graph(options)
        named, labels = list(attributes), list(attributes.values())
    y, there, problem, reasons = decide(labels, ".", title, options.problem)
    kept = [name for name, ok in zip(named, there, strict=True) if ok]
    own = {str(name): i for i, name in enumerate(graph.names or range(graph.n_nodes))}
    ids = np.array([own[name] if name in own else own[str(int(name))] for name in kept], dtype=np.int64)
    notes = [*notes, *label_notes, *reasons]
    if graph.n_nodes > len(ids):
        count = graph.n_nodes - len(ids)
        one = "1 node without a label stays in the graph but is no sample"
        notes.append(
            one if count == 1 else f"{count} nodes without a label stay in the graph but are no samples"
        )
    schema = {"kind": "nodes", "graph": graph.fingerprint(), "alone": alone}
    return Loaded("nodes", NodeSet(graph, ids), y, problem, notes, schema, kept, title or None)


def read_links(options: Options) -> Loaded:
    """Read a graph whose links are to be predicted; what is removed and drawn, the task decides for each seed."""
    graph, notes, _ = read_graph(Options(options.path, features=options.features))
    schema = {"kind": "links", "graph": graph.fingerprint()}
    return Loaded("links", graph, None, "classification", notes, schema, drawn=True)
