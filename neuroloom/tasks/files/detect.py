"""Which reader a file or folder is for, and why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from neuroloom.core.errors import InputError, nearest
from neuroloom.core.samples import KINDS
from neuroloom.tasks.files import anomalies, arrays, edges, forecast, pictures, series, table
from neuroloom.tasks.files.options import Loaded, Options
from neuroloom.tasks.files.text import is_number, read_rows

Reader = Callable[[Options], Loaded]
_HEAD = 400  # lines that are looked at to tell what a file is
_TEXT = (".csv", ".tsv", ".txt", ".data", ".dat", ".tab")
_ENDS = (("from", "to"), ("source", "target"), ("src", "dst"), ("node1", "node2"), ("u", "v"))
_EDGES = (".edgelist", ".edges", ".edge", *edges.MARKUP)
_ADVICE = {
    (".xlsx", ".xls", ".ods"): "save the sheet as CSV",
    (".json", ".jsonl", ".xml", ".html"): "turn it into a CSV table with a row for each sample",
    (
        ".pkl",
        ".pickle",
        ".joblib",
        ".pt",
        ".pth",
    ): "it could run code when read; save the data as CSV, Parquet or .npz",
    (".npy",): "save inputs and answers together with numpy.savez(path, X=X, y=y)",
    (".mat", ".h5", ".hdf5", ".feather", ".arrow", ".sav", ".dta"): "save the data as CSV, Parquet or .npz",
    (".zip", ".tar", ".7z", ".rar", ".bz2", ".xz"): "unpack it first",
    (".arff",): "save it as CSV, or take the .ts or .tsv of the archive",
}
_TAKEN = (
    "a table (.csv, .parquet), series (.ts, .tsv, .npz), a folder of pictures by class, "
    "or an edge list with --labels"
)


def find_reader(options: Options) -> tuple[Reader, str]:
    """Return the reader for what the options name, and a note that says what was recognised.

    Raises:
        InputError: there is nothing there, or nothing that can be read; says what to do.
    """
    path = options.path
    if options.kind is not None and options.kind not in KINDS:
        close = nearest(options.kind, KINDS)
        raise InputError(
            f"kind {options.kind!r} is not known" + (f"; did you mean {close!r}?" if close else ".")
        )
    for extra in (options.labels, options.features):
        if extra is not None and not extra.is_file():
            raise InputError(f"{extra} does not exist.{_near(extra)}")
    if not path.exists():
        raise InputError(f"{path} does not exist.{_near(path)}")
    if options.horizon is not None:
        if path.is_dir() or options.kind not in (None, "series"):
            raise InputError(
                f"a forecast reads one table with a row for each moment, but {path} is read otherwise."
            )
        return forecast.read_forecast, "read as one series to forecast, since a horizon is given"
    if options.normal is not None:
        if path.is_dir() or options.kind not in (None, "series"):
            raise InputError(
                f"anomalies are found in one table with a row for each moment, but {path} is read otherwise."
            )
        return (
            anomalies.read_anomalies,
            "read as one series whose anomalies are to be found, as --normal says",
        )
    reader, kinds, why = _folder(path, options) if path.is_dir() else _file(options)
    if options.kind is not None and options.kind not in kinds:
        raise InputError(f"{path} can be read as {' or '.join(kinds)}, not as {options.kind}.")
    return reader, why


def _near(path: Path) -> str:
    parent = path.parent if str(path.parent) else Path()
    close = nearest(path.name, [p.name for p in parent.iterdir()]) if parent.is_dir() else None
    return f" Did you mean {close!r}?" if close else ""


def _folder(path: Path, options: Options) -> tuple[Reader, tuple[str, ...], str]:
    if graph_set(path) is not None:
        return read_graph_set, ("graphs",), "read as a set of graphs in the layout of the TU collection"
    trains = sorted(
        p for p in path.iterdir() if p.stem.endswith("_TRAIN") and p.suffix.lower() in (".ts", ".tsv")
    )
    if trains and series.partner(trains[0]) is not None:
        inner = Options(**{**options.__dict__, "path": trains[0]})
        return (
            (lambda _: series.read_archive(inner)),
            ("series",),
            "read as series with a training and a test file",
        )
    parts = pictures.parts_in(path)
    if any(parts.values()):
        return pictures.read_pictures, ("image",), "read as pictures, the folder of each being its class"
    loose = pictures.pictures_in(path)
    if loose:
        raise InputError(
            f"{path} holds {len(loose)} pictures, but no folder for each class; move them into folders named as their "
            "classes, as cats/ and dogs/."
        )
    held = ", ".join(sorted(p.name for p in path.iterdir())[:5]) or "nothing"
    raise InputError(
        f"{path} is a folder without pictures in folders by class (it holds {held}); name {_TAKEN}."
    )


def _file(options: Options) -> tuple[Reader, tuple[str, ...], str]:
    path, kind = options.path, options.kind
    suffixes = [s.lower() for s in path.suffixes]
    suffix = suffixes[-2] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else (suffixes or [""])[-1]
    for endings, advice in _ADVICE.items():
        if suffix in endings:
            raise InputError(f"{path} ends in {suffix}, which is not read; {advice}.")
    if suffix in pictures.ENDINGS:
        raise InputError(
            f"{path} is a single picture; name the folder that holds one folder of pictures for each class."
        )
    if suffix == ".ts":
        return series.read_archive, ("series",), "read as series, by its ending .ts"
    if suffix == ".npz":
        return arrays.read_npz, ("table", "series", "image"), "read as arrays, by its ending .npz"
    if suffix in table.PARQUET:
        if kind == "series":
            return series.read_csv_series, ("series",), "read as series, as --kind says"
        return (
            table.read_table,
            ("table", "series"),
            "read as a table, by its ending; --kind series reads it as series",
        )
    if suffix in _EDGES:
        return _graph(options, f"by its ending {suffix}")
    if suffix not in _TEXT:
        raise InputError(f"{path} ends in {suffix or 'nothing'}, which is not read; name {_TAKEN}.")
    return _text(options, suffix)


def _graph(options: Options, why: str) -> tuple[Reader, tuple[str, ...], str]:
    if options.kind == "links":
        return edges.read_links, ("links",), "read as a graph whose links are to be predicted, as --kind says"
    return edges.read_nodes, ("nodes", "links"), f"read as a graph whose nodes are to be labelled, {why}"


def _text(options: Options, suffix: str) -> tuple[Reader, tuple[str, ...], str]:
    path, kind = options.path, options.kind
    kinds = ("table", "series", "nodes", "links")
    if kind in ("nodes", "links"):
        return _graph(options, "as --kind says")
    if kind == "table":
        return table.read_table, kinds, "read as a table, as --kind says"
    if suffix == ".tsv" and (kind in (None, "series")) and _is_ucr(path):
        return (
            series.read_archive,
            kinds,
            "read as series of the UCR archive: a label, then values; --kind table reads a table",
        )
    if kind == "series":
        return series.read_csv_series, kinds, "read as series, as --kind says"
    if kind is None:
        if options.labels is not None:
            columns = table.read_columns(path)
            if series.long_roles(columns) is not None and len(columns.names) > 2:
                return series.read_csv_series, kinds, "read as series with a label file"
            return _graph(options, "because a label file was named; --kind series reads series")
        looks = _edge_list(path) if options.target is None else ""
        if looks:
            raise InputError(
                f"{path} looks like an edge list: {looks}. Pass --labels FILE to learn its nodes' labels, "
                "--kind links to predict its links, or --kind table if it is a table."
            )
        if _is_long(options):
            return series.read_csv_series, kinds, "recognised as series by its columns for series and time"
    return table.read_table, kinds, "read as a table; --kind series or nodes reads it otherwise"


def _is_ucr(path: Path) -> bool:
    """Return whether a ``.tsv`` holds no header and numbers alone, as the UCR archive's do."""
    if path.stem.endswith(("_TRAIN", "_TEST")):
        return True
    rows = read_rows(path, header=False, most=_HEAD)
    sample = rows.cells[:50]
    numbers = all(is_number(cell) or cell.lower() in ("nan", "") for line in sample for cell in line[1:])
    return (
        rows.separator == "\t"
        and numbers
        and len(sample[0]) >= 16
        and len({line[0] for line in sample}) < len(sample)
    )


def _edge_list(path: Path) -> str:
    """Return why a text file seems to hold edges, "" if it does not."""
    rows = read_rows(path, header=False, most=_HEAD)
    whole = all(cell.lstrip("-").isdigit() for line in rows.cells[:200] for cell in line)
    if rows.separator in (" ", "\t") and len(rows.cells[0]) == 2 and whole:
        return "two whole numbers in each line and no header"
    first = [cell.lower() for cell in rows.cells[0]]
    if tuple(first[:2]) in _ENDS and (len(first) == 2 or first[2:] == ["weight"]):
        return f"its columns are called {' and '.join(rows.cells[0][:2])}"
    return ""


def _is_long(options: Options) -> bool:
    expected = tuple(n for n in (options.target, options.groups) if n)
    if not {"id", "time"} <= set(
        series.named_roles(read_rows(options.path, None, expected, _HEAD).header or [])
    ):
        return False
    columns = table.read_columns(options.path, expected)
    roles = series.long_roles(columns)
    if roles is None or options.target in roles.values():
        return False
    try:
        return series._constant(columns, roles, options) is not None
    except InputError:
        return False


# -- sets of graphs -----------------------------------------------------------------------------------------------


def graph_set(path: Path) -> tuple[Path, str] | None:
    """Return folder and name of a graph set in the layout of the TU collection within ``path``, or None."""
    for folder in (path, path / "raw"):
        for found in sorted(folder.glob("*_graph_indicator.txt")) if folder.is_dir() else ():
            return folder, found.name.removesuffix("_graph_indicator.txt")
    return None


def read_graph_set(options: Options) -> Loaded:
    """Read a set of graphs in the layout of the TU collection."""
    from neuroloom.tasks.files.target import decide
    from neuroloom.tasks.graphs import read_tu

    found = graph_set(options.path)
    if found is None:
        raise InputError(f"{options.path} holds no set of graphs.")
    data = read_tu(*found)
    y, there, problem, notes = decide([str(label) for label in data.y.tolist()], problem=options.problem)  # type: ignore[union-attr]
    width = data.X.graphs[0].features
    schema = {"kind": "graphs", "features": None if width is None else int(width.shape[1])}
    names = list(range(1, len(y) + 1))
    return Loaded("graphs", data.X[there], y, problem, [*data.notes, *notes], schema, names)
