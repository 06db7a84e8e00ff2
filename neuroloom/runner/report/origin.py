"""Where a report comes from: how to run it again, on what machine, with which packages, data and splits."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from neuroloom.runner.report import numbers
from neuroloom.runner.report.model import Cell, Column, Table

if TYPE_CHECKING:
    import pandas as pd


def reproduce(meta: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return label and text of all that is known about the run."""
    cores, threads, workers = (meta.get(k) for k in ("cores", "threads", "workers"))
    machine = [str(meta["cpu"])] if meta.get("cpu") else []
    machine += [numbers.plural(int(cores), "core")] if cores else []
    lines = {
        "Command": meta.get("command"),
        "Commit": meta.get("commit"),
        "neuroloom": meta.get("version"),
        "Machine": ", ".join(machine),
        "Workers": _workers(workers, threads),
        "Load at start": None if meta.get("load") is None else f"{float(meta['load']):.2f}",
        "Started": meta.get("started"),
        "Took": None if meta.get("seconds") is None else numbers.seconds(float(meta["seconds"])),
        "Repetitions": _repetitions(meta),
    }
    return tuple((label, str(text)) for label, text in lines.items() if text)


def _workers(workers: Any, threads: Any) -> str:
    parts = [numbers.plural(int(workers), "worker")] if workers else []
    parts += [f"{numbers.plural(int(threads), 'thread')} a trial"] if threads else []
    return ", ".join(parts)


def _repetitions(meta: Mapping[str, Any]) -> str:
    if not meta.get("seeds"):
        return ""
    folds = int(meta.get("folds") or 1)
    seeds = numbers.plural(int(meta["seeds"]), "seed")
    return (
        f"{seeds} × {numbers.plural(folds, 'fold')} (a published split is one fold)" if folds > 1 else seeds
    )


def versions(meta: Mapping[str, Any]) -> Table:
    """Return the packages' versions."""
    found = sorted(dict(meta.get("versions") or {}).items())
    rows = tuple((Cell(str(name)), Cell(str(version))) for name, version in found)
    return Table("Packages", (Column("Package", number=False), Column("Version", number=False)), rows)


def splits(main: pd.DataFrame, names: Sequence[str], meta: Mapping[str, Any]) -> Table:
    """Return the fingerprints of each task's data and splits, and where its data come from."""
    described = meta.get("tasks") or {}
    rows = []
    for name in names:
        known = described.get(name) or {}
        part = main[(main["task"] == name) & (main["split"] != "")]
        cells = part.drop_duplicates(["seed", "fold"]).sort_values(["seed", "fold"])
        shared = (
            hashlib.sha256("".join(cells["split"]).encode()).hexdigest()[:16] if len(cells) else numbers.DASH
        )
        rows.append((
            Cell(name), Cell(str(known.get("protocol") or numbers.DASH)), Cell(str(len(cells)), float(len(cells))),
            Cell(str(known.get("fingerprint") or numbers.DASH)[:16]), Cell(shared),
            Cell(str(known.get("source") or numbers.DASH)),
        ))  # fmt: skip
    columns = (
        Column("Task", number=False), Column("Protocol", number=False), Column("Splits"),
        Column("Data", "First 16 digits of the fingerprint of the data", False),
        Column("Splits’ hash", "First 16 digits of the SHA-256 over the fingerprints of all splits in order", False),
        Column("Source", number=False),
    )  # fmt: skip
    return Table("Fingerprints of data and splits", columns, tuple(rows))
