"""What new data must look like to be answered by a model, and reading them so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neuroloom.core.errors import InputError, nearest
from neuroloom.core.graph import Graph
from neuroloom.core.samples import EnvSet, LinkSet, NodeSet
from neuroloom.core.seeding import stream
from neuroloom.tasks.files.arrays import load_arrays, pick, shaped
from neuroloom.tasks.files.columns import convert, detect, present
from neuroloom.tasks.files.edges import MARKUP, read_edges, read_graph
from neuroloom.tasks.files.options import Options
from neuroloom.tasks.files.pictures import ENDINGS, as_array, pictures_in
from neuroloom.tasks.files.series import long_roles, long_series, wide_series
from neuroloom.tasks.files.table import Columns, read_columns
from neuroloom.tasks.files.text import read_rows, read_text
from neuroloom.tasks.files.ts import read_ts, read_ucr_tsv, regular
from neuroloom.tasks.task import Data, Task

Answerable = tuple[Any, list[Any]]
MOST_EPISODES = 1_000_000  # that a policy plays at once
_STRAY = 0.05
_MOST_PAIRS = 1_000_000  # without a link that are judged at once


def describe_schema(task: Task, data: Data) -> dict[str, Any]:
    """Return what new data for a model of ``task`` must look like, as plain JSON for :func:`read_like`.

    It holds the ``kind`` and, of a table, each column's name and type; of series the number of channels and points; of
    pictures the shape; of nodes and links the file of the graph.
    """
    own = data.extra.get("schema")
    schema: dict[str, Any] = dict(own) if own is not None else _from_samples(task.kind, data)
    options = getattr(task, "options", None)
    if task.kind in ("nodes", "links") and options is not None:
        schema["path"] = str(options.path)
        schema["features"] = None if options.features is None else str(options.features)
    return schema


def _from_samples(kind: str, data: Data) -> dict[str, Any]:
    X = data.X
    if kind == "table" and hasattr(X, "columns"):
        types = []
        for name in X.columns:
            column = X[name]
            what = (
                "date"
                if column.dtype.kind == "M"
                else "number"
                if column.dtype.kind in "fiub"
                else "category"
            )
            types.append({"name": str(name), "kind": what, **({"format": ""} if what == "date" else {})})
        return {"kind": kind, "columns": types, "target": None, "id": None}
    if kind == "table":
        names = data.extra.get("columns") or [f"x{k + 1}" for k in range(X.shape[1])]
        return {
            "kind": kind,
            "columns": [{"name": n, "kind": "number"} for n in names],
            "target": None,
            "id": None,
        }
    if kind == "series":
        return {"kind": kind, "channels": int(X.shape[1]), "length": int(X.shape[2])}
    if kind == "image":
        return {"kind": kind, "shape": [int(s) for s in X.shape[1:]]}
    if kind == "episodes":
        return {"kind": kind, "env_id": X.env_id, "options": dict(X.options), "simulator": X.simulator}
    return {"kind": kind}


def read_like(path: str | Path, schema: dict[str, Any]) -> Answerable:
    """Return new samples and what each is called, read as the model's training data were.

    Args:
        path: a file or folder of the model's kind; answers in it are ignored. For nodes a file of node names, a name
            in each line, or the graph itself; for links a file of pairs of names, none of them a link, or the graph
            itself, for all such pairs; of episodes how many, or a file with the seed of one in each line.
        schema: what :func:`describe_schema` gave.

    Raises:
        InputError: the data lack what the model learned from; says what.
    """
    path = Path(path).expanduser()
    kind = str(schema["kind"])
    if kind == "episodes":
        return _episodes(path, schema)
    if not path.exists():
        close = nearest(path.name, [p.name for p in path.parent.iterdir()]) if path.parent.is_dir() else None
        raise InputError(f"{path} does not exist." + (f" Did you mean {close!r}?" if close else ""))
    readers = {
        "table": _table,
        "series": _series,
        "image": _pictures,
        "nodes": _nodes,
        "links": _links,
        "graphs": _graphs,
    }
    if kind not in readers:
        raise InputError(f"a model of {kind} answers no file; use it from Python.")
    return readers[kind](path, schema)


def _episodes(path: Path, schema: dict[str, Any]) -> Answerable:
    """Return episodes begun from seeds: so many as ``path`` says, or those of its lines."""
    said = path.read_text(encoding="utf-8").split() if path.is_file() else [str(path)]
    known = bool(said) and all(word.isdecimal() and len(word) < 19 for word in said)
    if not known or (not path.is_file() and not 1 <= int(said[0]) <= MOST_EPISODES):
        raise InputError(
            f"a policy is asked how many episodes it shall play, from 1 to {MOST_EPISODES:,}, or given a file with a "
            f"seed in each line, but got {path}."
        )
    if path.is_file():
        seeds = np.array([int(word) for word in said])
    else:
        seeds = stream(0, "play", schema["env_id"]).choice(2**31 - 1, size=int(said[0]), replace=False)
    return EnvSet(schema["env_id"], seeds, schema["options"], schema["simulator"]), seeds.tolist()


def arrays_like(arrays: Mapping[str, Any], schema: dict[str, Any], graph: Graph | None = None) -> Any:
    """Return new samples that came as arrays, checked as :func:`read_like` does.

    Args:
        arrays: of a table name -> ``(n,)`` numbers, truths or text, where None, NaN and "" are missing; of series and
            pictures ``"X"`` -> ``(n, channels, length)`` or ``(n, channels, height, width)`` numbers; of tokens ``"X"``
            -> ``(n, length)`` whole numbers; of nodes ``"node"`` -> ``(n,)`` names; of a forecast each
            column -> ``(steps,)`` numbers, NaN where missing.
        schema: what :func:`describe_schema` gave.
        graph: of nodes, what :func:`graph_of` gave.

    Raises:
        InputError: they are not as in training; says what was expected.
    """
    import pandas as pd

    kind = str(schema["kind"])
    if schema.get("forecast"):
        from neuroloom.tasks.files.forecast import origins_like

        return origins_like(arrays, schema)
    if kind == "nodes":
        assert graph is not None
        own = {str(name): i for i, name in enumerate(graph.names or range(graph.n_nodes))}
        ids = _ids("the request", [_as_text(name) for name in arrays["node"].tolist()], own)
        return NodeSet(graph, np.array(ids, dtype=np.int64))
    if kind == "tokens":
        return np.asarray(arrays["X"])
    if kind != "table":
        channels = [schema["channels"], schema["length"]] if kind == "series" else schema["shape"]
        X = np.asarray(arrays["X"], dtype=np.float64 if kind == "series" else np.float32)
        if list(X.shape[1:]) != [int(size) for size in channels]:
            raise InputError(
                f"X must have shape [n, {', '.join(map(str, channels))}], but has {list(X.shape)}."
            )
        if not np.isfinite(X).all():
            raise InputError("X holds a missing or infinite value; fill it in first.")
        return X
    wanted = [str(column["name"]) for column in schema["columns"]]
    missing = [name for name in wanted if name not in arrays]
    if missing:
        raise InputError(_lacking("the request", missing, list(arrays), schema))
    if all(arrays[name].dtype == np.float64 for name in wanted) and {
        column["kind"] for column in schema["columns"]
    } == {"number"}:
        return pd.DataFrame(np.column_stack([arrays[name] for name in wanted]), columns=wanted)
    columns = Columns({}, {}, ".", [])
    for name in wanted:
        values = np.asarray(arrays[name])
        columns.cells[name] = ["" if v is None or v != v else _as_text(v) for v in values.tolist()]
        if values.dtype.kind in "fiub":
            columns.typed[name] = pd.Series(values)
    types = zip(wanted, schema["columns"], strict=True)
    return pd.DataFrame({name: _column("the request", columns, name, column) for name, column in types})


def _as_text(value: Any) -> str:
    """Return a value as a file would hold it: 3.0 as 3."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


# -- tables -------------------------------------------------------------------------------------------------------


def _table(path: Path, schema: dict[str, Any]) -> Answerable:
    import pandas as pd

    wanted = [str(column["name"]) for column in schema["columns"]]
    if path.suffix.lower() == ".npz":
        return _npz_table(path, wanted)
    columns = read_columns(path, tuple(wanted))
    plain = all(name == f"column_{k + 1}" for k, name in enumerate(columns.names))
    if plain and wanted[0] not in columns.names and len(columns.names) == len(wanted):
        columns.cells = dict(
            zip(wanted, columns.cells.values(), strict=True)
        )  # no header, but the same columns
    loose = {name.strip().lower(): name for name in columns.names}
    found = {name: name if name in columns.names else loose.get(name.strip().lower()) for name in wanted}
    missing = [name for name, own in found.items() if own is None]
    if missing:
        raise InputError(_lacking(path, missing, columns.names, schema))
    made = {name: _column(str(path), columns, str(found[name]), column) for name, column in
            zip(wanted, schema["columns"], strict=True)}  # fmt: skip
    names: list[Any] = list(range(1, columns.n + 1))
    if schema.get("id") in columns.names:
        names = columns.cells[schema["id"]]
    return pd.DataFrame(made), names


def _lacking(path: Path | str, missing: list[str], names: list[str], schema: dict[str, Any]) -> str:
    unused = [name for name in names if name not in [c["name"] for c in schema["columns"]]]
    parts = []
    for name in missing[:5]:
        close = nearest(name, unused)
        parts.append(repr(name) + (f" (is it {close!r} now?)" if close else ""))
    more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
    shown = ", ".join(map(repr, names[:10])) + (", …" if len(names) > 10 else "")
    return f"{path} lacks columns that the model learned from: {', '.join(parts)}{more}. It has {shown}."


def _column(path: str, columns: Columns, name: str, kind: dict[str, Any]) -> Any:
    """Return one column as in training.

    Raises:
        InputError: it holds something else now.
    """
    import pandas as pd

    cells = columns.cells[name]
    what = kind["kind"]
    typed = columns.typed.get(name)
    dated = typed is not None and pd.api.types.is_datetime64_any_dtype(typed.dtype)
    if typed is not None and what != "category" and dated == (what == "date"):
        return typed
    there = present(cells)
    if what == "date":
        own, _ = detect(cells, columns.decimal) if not kind["format"] else (kind, "")
        values = convert(cells, own) if own["kind"] == "date" else pd.Series(pd.NaT, index=range(len(cells)))
    elif what == "number":
        own = {**kind, "decimal": columns.decimal}
        if columns.decimal != kind.get("decimal", ".") and kind.get("thousands") in (",", "."):
            own["thousands"] = "." if columns.decimal == "," else ","
        values = convert(cells, own)
    else:
        return convert(cells, kind)
    bad = np.flatnonzero(np.asarray(values.isna()) & there)
    if len(bad) > _STRAY * max(int(there.sum()), 1):
        form = f" of the form {kind['format']}" if what == "date" and kind["format"] else ""
        raise InputError(
            f"{path}, column {name!r}: expected {what}s{form}, as in training, but found {cells[bad[0]]!r} in "
            f"row {bad[0] + 1}."
        )
    return values


def _npz_table(path: Path, wanted: list[str]) -> Answerable:
    import pandas as pd

    X, _ = _npz(path, "table")
    if X.shape[1] != len(wanted):
        raise InputError(f"{path}: expected {len(wanted)} columns, as in training, but X has {X.shape[1]}.")
    return pd.DataFrame(X.astype(np.float64), columns=wanted), list(range(1, len(X) + 1))


def _npz(path: Path, kind: str) -> tuple[Any, list[str]]:
    arrays = load_arrays(path)
    name = pick(arrays, ("X", "x", "data", "inputs", "features", "X_test", "arr_0"))
    if name is None:
        raise InputError(f"{path} must hold an array X, but holds {', '.join(sorted(arrays)) or 'nothing'}.")
    X, _, notes = shaped(arrays[name], kind, path)
    return X, notes


# -- series and pictures ------------------------------------------------------------------------------------------


def _series(path: Path, schema: dict[str, Any]) -> Answerable:
    channels, length = int(schema["channels"]), int(schema["length"])
    names: list[Any] | None = None
    suffix = path.suffix.lower()
    if path.is_dir():
        raise InputError(f"{path} is a folder; name the file of series in it.")
    if suffix == ".npz":
        found: list[Any] = list(_npz(path, "series")[0].astype(np.float64))
    elif suffix == ".ts":
        found = read_ts(path).series
    elif suffix == ".tsv" and read_rows(path).header is None:
        parsed = read_ucr_tsv(path)
        found = parsed.series
        if found and found[0].shape[1] == length - 1:  # no label: the first field is a value
            first = np.array([[[float(label)]] for label in parsed.labels])
            found = [np.concatenate([head, one], axis=1) for head, one in zip(first, found, strict=True)]
    else:
        columns = read_columns(path)
        target = schema.get("target")
        roles = long_roles(columns)
        if roles is not None:
            names, found, _ = long_series(columns, roles, path, target if target in columns.names else None)
        else:
            found = wide_series(
                {n: c for n, c in columns.cells.items() if n != target}, columns.decimal, path
            )
    own = {one.shape[0] for one in found}
    if own != {channels}:
        raise InputError(
            f"{path}: expected series of {channels} channels, as in training, but got {sorted(own)}."
        )
    X, kept, _ = regular(found, length)
    if not kept.all():
        raise InputError(f"{path}: series {int(np.flatnonzero(~kept)[0]) + 1} holds no value.")
    return X, names if names is not None else list(range(1, len(X) + 1))


def _pictures(path: Path, schema: dict[str, Any]) -> Answerable:
    shape = [int(s) for s in schema["shape"]]
    if path.suffix.lower() == ".npz":
        X, _ = _npz(path, "image")
        if list(X.shape[1:]) != shape:
            raise InputError(
                f"{path}: expected pictures of shape {shape}, as in training, but got {list(X.shape[1:])}."
            )
        return X.astype(np.float32) / (255.0 if X.dtype == np.uint8 else 1.0), list(range(1, len(X) + 1))
    if path.is_dir():
        files = pictures_in(path) or sorted(
            p for p in path.rglob("*") if p.suffix.lower() in ENDINGS and p.is_file()
        )
        names = [str(p.relative_to(path)) for p in files]
    else:
        files, names = [path], [path.name]
    if not files:
        raise InputError(f"{path} holds no pictures.")
    return np.stack([as_array(file, shape) for file in files]), list(names)


# -- graphs -------------------------------------------------------------------------------------------------------


def graph_of(schema: dict[str, Any], path: Path | None = None) -> Graph:
    """Return the graph of training, or that of ``path`` with the training's lone nodes if it is the same file.

    Raises:
        InputError: the graph's file is gone or has changed.
    """
    if "path" not in schema:
        raise InputError("the model's graph came from no file; use the model from Python.")
    home = Path(schema["path"]) if path is None else path
    if not home.is_file():
        raise InputError(
            f"the graph that the model learned from, {home}, does not exist any more; put it back."
        )
    features = Path(schema["features"]) if schema.get("features") else None
    same = home.resolve() == Path(schema["path"]).resolve()
    graph, _, _ = read_graph(Options(home, features=features), list(schema.get("alone", [])) if same else [])
    if path is None and graph.fingerprint() != schema.get("graph"):
        raise InputError(
            f"the graph that the model learned from, {home}, has changed since; fit the model again, or name the "
            "changed graph itself."
        )
    return graph


def _nodes(path: Path, schema: dict[str, Any]) -> Answerable:
    markup = path.suffix.lower() in MARKUP
    lines = [] if markup else [line.strip() for line in read_text(path)[0].splitlines() if line.strip()]
    home = schema.get("path")
    if not markup and (home is None or path.resolve() != Path(home).resolve()):
        several = sum(len(line) > 1 for line in map(_fields, lines)) > len(lines) / 2
        try:
            graph = graph_of(schema)
        except InputError:
            if not several:
                raise
        else:
            own = {str(name): i for i, name in enumerate(graph.names or range(graph.n_nodes))}
            known = [line in own for line in lines]
            if any(known) or not several:
                lines = lines[1:] if not known[0] and any(known) else lines  # a header
                return NodeSet(graph, np.array(_ids(path, lines, own), dtype=np.int64)), lines
    graph = graph_of(schema, path)
    return NodeSet(graph), list(graph.names or range(graph.n_nodes))


def _fields(line: str) -> list[str]:
    return [part for part in re.split(r"[,;\t ]+", line) if part]


def _ids(path: Path | str, names: list[str], own: dict[str, int]) -> list[int]:
    missing = [name for name in names if name not in own]
    if missing:
        close = nearest(missing[0], own)
        hint = f"; did you mean {close!r}?" if close else "."
        raise InputError(
            f"{path}: {len(missing)} names are no nodes of the model's graph, the first {missing[0]!r}{hint}"
        )
    return [own[name] for name in names]


def _links(path: Path, schema: dict[str, Any]) -> Answerable:
    home = schema.get("path")
    if home is not None and path.resolve() == Path(home).resolve():
        return _without_a_link(path, graph_of(schema, path))
    graph = graph_of(schema)
    names, pairs, _, _ = read_edges(path, fewest=1)
    own = {str(name): i for i, name in enumerate(graph.names or range(graph.n_nodes))}
    ids = np.array(_ids(path, names, own), dtype=np.int64)[pairs]
    known = np.flatnonzero(graph.has_edges(ids))
    if len(known):
        u, v = pairs[known[0]]
        raise InputError(
            f"{path}: {len(known)} of {len(ids)} pairs are links of the model's graph already, the first {names[u]!r} "
            f"and {names[v]!r}; leave them out, or name {home} itself to ask for every pair without a link."
        )
    return LinkSet(graph, ids), [f"{names[u]} {names[v]}" for u, v in pairs]


def _without_a_link(path: Path, graph: Graph) -> Answerable:
    """Return all pairs of nodes without a link.

    Raises:
        InputError: there are too many.
    """
    n = graph.n_nodes
    count = n * (n - 1) // (1 if graph.directed else 2) - graph.without_self_loops().n_edges
    if count > _MOST_PAIRS:
        raise InputError(
            f"{path} has {count:,} pairs without a link, and at most {_MOST_PAIRS:,} are judged at once; name a file "
            "of the pairs you ask about, two names in a line."
        )
    pairs = np.argwhere(
        ~np.eye(n, dtype=np.bool_) if graph.directed else np.triu(np.ones((n, n), np.bool_), 1)
    )
    pairs = pairs[~graph.has_edges(pairs)]
    names = graph.names or range(n)
    return LinkSet(graph, pairs), [f"{names[u]} {names[v]}" for u, v in pairs]


def _graphs(path: Path, schema: dict[str, Any]) -> Answerable:
    from neuroloom.tasks.files.detect import graph_set
    from neuroloom.tasks.graphs import read_tu

    found = graph_set(path) if path.is_dir() else None
    if found is None:
        raise InputError(
            f"{path} must be a folder with NAME_A.txt, NAME_graph_indicator.txt and NAME_graph_labels.txt."
        )
    X = read_tu(*found).X
    width = X.graphs[0].features
    if (None if width is None else width.shape[1]) != schema.get("features"):
        raise InputError(f"{path}: expected {schema.get('features')} different node labels, as in training.")
    return X, list(range(1, len(X) + 1))
