"""A task made of the user's own file or folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from neuroloom.core.errors import InputError
from neuroloom.core.seeding import stream
from neuroloom.tasks.files.detect import find_reader, graph_set
from neuroloom.tasks.files.options import Loaded, Options
from neuroloom.tasks.files.pictures import parts_in
from neuroloom.tasks.files.series import partner
from neuroloom.tasks.files.target import imbalance
from neuroloom.tasks.folder import hash_files
from neuroloom.tasks.links import drawn_links
from neuroloom.tasks.metrics import ANOMALIES, DEFAULTS, LINKS
from neuroloom.tasks.rivals import link_split
from neuroloom.tasks.splits import k_fold, normal_only, published, rare_classes
from neuroloom.tasks.task import Data, Split, Task

READER_VERSION = 1
_SMALL = 100


class OwnTask(Task):
    """Something to learn from the user's own data.

    Args:
        name: what reports call it.
        options: how to read the data.
        resolved: kind, problem, metrics, protocol, number of published splits and of folds, as an earlier reading found
            them; None reads the data now.

    Raises:
        InputError: the data cannot be used.
    """

    def __init__(self, name: str, options: Options, resolved: Mapping[str, Any] | None = None) -> None:
        self.name = name
        self.options = options
        self.version = READER_VERSION
        self._loaded: Loaded | None = None
        self._found: dict[str, Any] = {}
        self._data: Data | None = None
        found = dict(resolved) if resolved is not None else self._resolve()
        self.kind = str(found["kind"])
        self.problem = str(found["problem"])
        self.metrics = tuple(found["metrics"])
        self.protocol = str(found["protocol"])
        self.published_splits = int(found["splits"])
        self.max_folds = found["max_folds"]
        self.summary = f"{options.path.name}, read as {self.kind}"
        self.source = str(options.path)
        given = {k: v for k, v in options.__dict__.items() if v not in (None, ())}
        plain = {k: list(v) if isinstance(v, tuple) else v for k, v in given.items()}
        given = {k: v if isinstance(v, list | int) else str(v) for k, v in plain.items()}
        self.spec = {"name": name, **given, "found": found}

    @property
    def notes(self) -> tuple[str, ...]:
        """What was recognised, and how to have it read otherwise."""
        return self.load().notes

    @property
    def drawn(self) -> bool:
        """Whether removed edges are drawn for each seed."""
        return self.kind == "links"

    def read(self) -> Loaded:
        """Return what the reader makes of the data; read once."""
        if self._loaded is None:
            detects = self.options.problem == "detection"
            options = replace(self.options, problem="classification") if detects else self.options
            reader, why = find_reader(options)
            made = reader(options)
            made.notes.insert(0, why)
            if detects and self.options.normal is None:
                _mark_outliers(made)
            self._found = _facts(made)
            self._loaded = made
        return self._loaded

    def _resolve(self) -> dict[str, Any]:
        self.read()
        return self._found

    def files(self) -> tuple[list[Path], Path]:
        """Return every file that is read, in a fixed order, and the folder that their names are relative to."""
        path = self.options.path
        base = path if path.is_dir() else path.parent
        if path.is_dir():
            tu = graph_set(path)
            if tu is not None:
                found = sorted(tu[0].glob(f"{tu[1]}_*.txt"))
            elif self.kind == "image":
                found = [p for part in parts_in(path).values() for inner in part.values() for p in inner]
            else:
                found = sorted(p for p in path.iterdir() if p.suffix.lower() in (".ts", ".tsv"))
        else:
            found = list(partner(path) or (path,)) if path.suffix.lower() in (".ts", ".tsv") else [path]
        return found + [p for p in (self.options.labels, self.options.features) if p is not None], base

    def fingerprint(self) -> str:
        """Return the hash of all files' bytes and of how they are read."""
        files, base = self.files()
        missing = [path for path in files if not path.is_file()]
        if missing or not files:
            raise InputError(f"{missing[0] if missing else self.options.path} does not exist any more.")
        names = [str(path.relative_to(base)) if path.is_relative_to(base) else path.name for path in files]
        said = self.options
        how = (said.target, self.kind, self.problem, said.groups, said.keep, said.drop, READER_VERSION)
        ahead = () if said.horizon is None else ((said.horizon, said.season, said.known),)
        found = () if said.normal is None else (("anomalies", said.normal, said.window),)
        return hash_files(files, names, how, *ahead, *found)

    def load(self, seed: int = 0) -> Data:
        """Return the data; of a graph whose links are predicted, the pairs drawn for ``seed``."""
        made = self.read()
        if made.drawn:
            drawn = drawn_links(made.X, stream(seed, "data", self.name))
            extra = {"schema": made.schema, "names": [tuple(map(int, p)) for p in drawn.X.pairs]}
            return Data(drawn.X, drawn.y, (*made.notes, *drawn.notes), extra)
        if self._data is None:
            extra = {"schema": made.schema, "names": made.names}
            if made.splits is not None:
                extra["splits"] = made.splits
            if made.schema.get("anomalies"):
                extra["moments"] = np.asarray(made.names)
            if made.groups is not None:
                extra["groups"] = made.groups
            self._data = Data(made.X, made.y, tuple(made.notes), extra)
        return self._data

    def split(self, data: Data, seed: int, fold: int, folds: int) -> Split:
        """Return split ``fold`` of repetition ``seed``: the files' own, else shuffled k-fold.

        Where outliers are to be found, the training part keeps the normal samples alone.
        """
        if self.problem == "detection":
            return normal_only(self._split(data, seed, fold, folds), data.y)
        return self._split(data, seed, fold, folds)

    def _split(self, data: Data, seed: int, fold: int, folds: int) -> Split:
        if self.protocol == "published":
            return published(data.extra["splits"], self.name, seed, fold, folds)
        folds = folds if self.max_folds is None else min(folds, self.max_folds)
        if self.drawn:
            return link_split(data, self.name, seed, fold, folds)
        return k_fold(data, self.problem, self.name, seed, fold, folds)


def _mark_outliers(made: Loaded) -> None:
    """Turn two classes into normal samples, 0, and outliers, 1: the class of fewer samples.

    Raises:
        InputError: the samples do not fall into parts that detectors take, or there are not two classes.
    """
    if made.drawn or made.kind not in ("table", "series", "image"):
        raise InputError(
            f"outliers are found among rows, series and pictures, but these data are {made.kind}."
        )
    labels, counts = np.unique(made.y, return_counts=True)
    if len(labels) != 2:
        raise InputError(
            f"to find outliers the target must say of each sample whether it is one, in two values, but it has "
            f"{len(labels)}; name another column with --target."
        )
    rare = labels[counts.argmin()]
    made.y = (made.y == rare).astype(np.int64)
    made.problem = "detection"
    made.notes.append(
        f"{rare.item()!r} ({counts.min()} of {len(made.y)} samples) marks an outlier; methods learn from the others "
        "alone and are not told"
    )


def _facts(made: Loaded) -> dict[str, Any]:
    """Return kind, problem, metrics, protocol and limits of what was read; adds notes on classes and folds to it."""
    metrics: tuple[str, ...] = LINKS if made.drawn else DEFAULTS[made.problem]
    if made.schema.get("anomalies"):
        metrics = ANOMALIES
    most = None
    if made.y is not None:
        most = _most_folds(made) if made.splits is None else None
        if made.problem == "classification":
            uneven, note = imbalance(made.y)
            if uneven is not None:
                metrics = tuple(dict.fromkeys((*uneven, *metrics)))
                made.notes.append(note)
            made.notes += rare_classes(made.y, min(5, most or 5))
        if most is not None and most < 5:
            made.notes.append(
                f"a repetition has {most} folds at most, so that each of them tests every class"
            )
    return {
        "kind": made.kind,
        "problem": made.problem,
        "metrics": list(metrics),
        "protocol": "folds" if made.splits is None else "published",
        "splits": 0 if made.splits is None else len(made.splits),
        "max_folds": most,
    }


def _most_folds(made: Loaded) -> int | None:
    """Return how many folds small data allow, or None for any number.

    Below 100 samples each fold should test every class, so there are no more folds than the smallest class of two or
    more has members; a fold tests two samples at least. There are never more folds than groups.
    """
    limits = []
    if made.groups is not None:
        limits.append(len(np.unique(made.groups)))
    n = len(made.y)
    if n < _SMALL:
        limits.append(n // 2)
        if made.problem == "classification":
            counts = np.unique(made.y, return_counts=True)[1]
            limits.append(int(counts[counts > 1].min()) if (counts > 1).any() else 2)
    if limits and min(limits) < 2:
        raise InputError(
            "`groups` needs a column with two different values at least; these rows are all of one group."
        )
    return min(limits) if limits else None


def recognise(
    path: str | os.PathLike[str],
    target: str | None = None,
    labels: str | os.PathLike[str] | None = None,
    kind: str | None = None,
    **more: Any,
) -> OwnTask:
    """Return a task made of a file or folder; what was recognised, and why, is in its ``notes``.

    Args:
        path: a table (``.csv``, ``.tsv``, ``.txt``, ``.parquet``), series (``.ts``, ``.tsv`` of the UCR archive,
            ``.npz``, CSV with columns for series and time), a folder of pictures by class, a graph (edge list, GML,
            GraphML), or a folder with a set of graphs in the layout of the TU collection.
        target: the column to learn; None takes the one called target, label, class, …, else the last.
        labels: a file with a label for each node or series.
        kind: what to read it as, where it could be several things.
        more: ``name``, and ``features``, ``problem``, ``groups``, ``keep``, ``drop``, ``horizon``, ``season``,
            ``known``, ``normal``, ``window`` of :class:`Options`.

    Raises:
        InputError: the data cannot be used; says why and what to do.
    """
    given = {"path": os.fspath(path), "target": target, "labels": labels, "kind": kind, **more}
    return open_own({key: value for key, value in given.items() if value is not None})


def open_own(spec: Mapping[str, Any]) -> OwnTask:
    """Return the task of a mapping with ``path``; one that an earlier task gave as its ``spec`` reads nothing.

    Raises:
        InputError: the mapping or the data cannot be used.
    """
    parts = dict(spec)
    found = parts.pop("found", None)
    name = str(
        parts.pop("name", None) or Path(str(parts["path"])).name.partition(".")[0] or "data"
    ).removesuffix("_TRAIN")
    return OwnTask(name, Options.of(parts), found)
