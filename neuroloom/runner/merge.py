"""``neuroloom merge``: runs of one bench, each in a file of its own, joined by their trials' keys; and ``migrate``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neuroloom.core.errors import InputError, blamed_on, without_password
from neuroloom.runner.bench import FINAL, earlier_meta, finish
from neuroloom.runner.results import Results
from neuroloom.runner.row import Row
from neuroloom.runner.store import open_store

_ROWS = 500  # read and written at once


def merge(out: str | Path, parts: Sequence[str | Path]) -> Results:
    """Join runs into the run directory ``out``, which may be one that exists, and write its results and report.

    A trial that several hold is taken from where it was done, else from where it was tried last. Its kept predictions
    come along. Parts are only read.

    Args:
        out: run directory.
        parts: run directories, or their ``results.db``.

    Raises:
        InputError: a part is no run, or is another bench than the first or than what ``out`` holds.
    """
    folder = Path(out)
    stores = [_store_of(Path(part), folder) for part in parts]
    if not stores:
        raise InputError("there is nothing to merge; name at least one run directory.")
    meta: dict[str, Any] = {}
    for store in stores:  # all are looked at before anything is written
        with open_store(store, read=True) as part, blamed_on(store, "leave it out"):
            meta = _joined(meta, part.read_plan()[1], store)
    with open_store(folder / "results.db", folder=folder) as whole:
        if earlier_meta(whole).get("config", meta["config"]) != meta["config"]:
            raise InputError(
                f"{folder}, the directory to write, holds another bench than {parts[0]}: their configs differ; name "
                "another directory first."
            )
        keys: dict[str, None] = {}
        for store in stores:
            with open_store(store, read=True) as part, blamed_on(store, "leave it out"):
                own, _ = part.read_plan()
                keys.update(dict.fromkeys(own))
                held = part.with_predictions(own)
                for start in range(0, len(own), _ROWS):
                    rows = part.rows(own[start : start + _ROWS])
                    there = {row.key: row for row in whole.rows([row.key for row in rows])}
                    better = [row for row in rows if _better(row, there.get(row.key))]
                    for row in better:
                        row.predictions = part.predictions(row.key) if row.key in held else None
                    whole.add(better)
        meta |= {"directory": str(folder), "planned": len(keys)}
        with blamed_on(", ".join(map(str, stores)), "leave out what is damaged"):
            whole.plan(list(keys), meta)
            (folder / "bench.toml").write_text(meta["config"], encoding="utf-8")
            return finish(folder, whole, list(keys), meta)


def migrate(store: str) -> str:
    """Bring a store to today's schema, and say so.

    Args:
        store: a run directory, its ``results.db``, or a database URL.

    Raises:
        InputError: it is no store, is in use, or is newer than this neuroloom.
    """
    from neuroloom.runner import schema

    where = store
    if "://" not in store:
        where = str(_found(Path(store)))
    with open_store(where, read=True) as held:
        before = held.version
    if before < schema.VERSION:
        open_store(where, migrate=True).close()
    now = f"is at version {schema.VERSION} of the schema"
    return f"{without_password(store)} {now}" + (
        f", and was at {before}" if before < schema.VERSION else " already"
    )


def _found(part: Path) -> Path:
    found = part / "results.db" if part.is_dir() else part
    if not found.is_file():
        raise InputError(f"{part} is no run: it has no results.db; pass the --out of a `neuroloom run`.")
    return found


def _store_of(part: Path, out: Path) -> Path:
    found = _found(part)
    if found.resolve() == (out / "results.db").resolve():
        raise InputError(f"{part} is the directory to merge into; name the others alone.")
    return found


def _better(row: Row, held: Row | None) -> bool:
    if held is None:
        return True
    if (row.status in FINAL) != (held.status in FINAL):
        return row.status in FINAL
    return row.status not in FINAL and row.started > held.started


def _joined(meta: dict[str, Any], told: dict[str, Any], store: Path) -> dict[str, Any]:
    """Return what is said of the parts so far together with one more."""
    if not meta:
        return dict(told)
    if meta["config"] != told["config"]:
        raise InputError(f"{store} is of another bench than the first: their configs differ.")
    return {
        **meta,
        "started": min(meta["started"], told["started"]),
        "seconds": float(meta["seconds"]) + float(told["seconds"]),
    }
