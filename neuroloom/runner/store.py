"""The store: finished trials in SQLite or PostgreSQL, each safe on disk before more work is handed out.

A row is what is known of a trial that has *ended*; nothing is ever stored as running, so a killed run leaves nothing to
clean up. Rows are found by their trial's key and replaced by it. SQLite runs in WAL mode with ``synchronous=FULL``: a
commit that has returned survives a power cut. On PostgreSQL the same tables may hold the rows of many runs; each run's
plan has a name.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import socket
import tempfile
import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy import exc

from neuroloom.core.errors import InputError, blamed_on
from neuroloom.runner import schema
from neuroloom.runner.database import database_url, explain, is_full, make_engine, refuse_network_file
from neuroloom.runner.locks import FileLock
from neuroloom.runner.row import Row

RESCUED = "results.rescued.jsonl"
_CHUNK = 500
_LATER = (
    schema.fronts,
    schema.importances,
    schema.beliefs,
)  # tables that stores of version 1 may lack
_RETRIES = 3
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


def open_store(
    where: str | os.PathLike[str],
    *,
    run: str = "run",
    folder: str | os.PathLike[str] | None = None,
    read: bool = False,
    shared: bool = False,
    migrate: bool = False,
) -> Store:
    """Open a store, making it if need be.

    Args:
        where: the path of a SQLite file, or a database URL (``postgresql+psycopg://…``, ``sqlite:///…``).
        run: the run's name, under which its plan is kept and its lock is held.
        folder: where rows go that cannot be stored; None takes the SQLite file's folder, or the current one.
        read: open an existing store to read rows only, without a lock, also while a run fills it.
        shared: write beside others, without the run's lock, as workers on PostgreSQL do.
        migrate: bring a database of an earlier neuroloom to today's schema; a file, which is one user's, always is.

    Raises:
        InputError: the store cannot be used; the message says why and what to do.
    """
    return Store(database_url(where), run, None if folder is None else Path(folder), read, shared, migrate)


class Store:
    """Finished trials, by key. Use :func:`open_store`, and the store as a context manager.

    Args:
        url: the database.
        run: the run's name.
        folder: where rows go that cannot be stored.
        read: whether only to read.
        shared: whether others write, too.
        migrate: whether a database is brought to today's schema.
    """

    def __init__(
        self,
        url: sa.URL,
        run: str,
        folder: Path | None,
        read: bool,
        shared: bool = False,
        migrate: bool = False,
    ) -> None:
        self.url = url
        self.run = run
        self._file = Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None
        self._folder = folder or (self._file.parent if self._file else Path())
        self._lock: FileLock | None = None
        self._lacks: set[str] = set()
        self.version = schema.VERSION
        self._connection: sa.Connection | None = None
        if self._file is not None:
            self._prepare_file(self._file, read)
        try:
            self._engine = make_engine(url, self._label())
            self._connection = self._connect()
            with self._connection.begin():
                self._check_schema(read, migrate)
            if not read and not shared:
                self._hold_run()
            dialect = self._engine.dialect
            tables = (schema.trials, schema.scores, schema.predictions, *_LATER, schema.plans)
            self._upsert = {table.name: schema.Upsert(table, dialect) for table in tables}
            if not read and not shared:
                self._import_rescued()
        except BaseException as error:
            self.close()
            if isinstance(error, exc.SQLAlchemyError):
                raise self._explained(error) from error
            raise

    # -- writing ------------------------------------------------------------------------------------------------

    def add(self, rows: Iterable[Row]) -> None:
        """Commit finished trials, all of them or none; returns when they are safe on disk.

        Ctrl-C during the commit takes effect after it. If the database does not take the rows, they are written to
        ``results.rescued.jsonl`` in the run's folder, or to the folder of temporary files if its disk is full, from
        where the next run that opens the store takes them.

        Raises:
            InputError: the rows could not be stored; the message says where they are and what to do.
        """
        found = list(rows)
        if not found:
            return
        with _uninterrupted():
            error: exc.SQLAlchemyError | None = None
            for attempt in range(_RETRIES):
                if attempt:
                    time.sleep(0.2 * attempt)  # another process may be writing
                try:
                    self._write(found)
                    return
                except exc.SQLAlchemyError as raised:
                    error = raised
                    self._reconnect()
                    if not isinstance(raised, exc.OperationalError) or is_full(raised):
                        break
            assert error is not None
            place = self._rescue(found)
            why = self._explained(error)
        raise InputError(
            f"{why} The {len(found)} trials that had just ended are kept in {place} and will be taken from there."
        ) from error

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Yield a connection in a transaction, which is committed at the end of the block.

        Raises:
            InputError: the database cannot be used.
        """
        with _uninterrupted(), self._explaining(), self._open_connection().begin() as begun:
            yield begun.connection

    def _write(self, rows: Sequence[Row]) -> None:
        connection = self._open_connection()
        with connection.begin():
            self.write(connection, rows)

    def write(self, connection: sa.Connection, rows: Sequence[Row]) -> None:
        """Insert or replace rows within a transaction."""
        if not rows:
            return
        values = [value for row in rows for value in schema.to_scores(row)]
        arrays = [
            {"key": row.key, "arrays": schema.pack(row.predictions)}
            for row in rows
            if row.predictions is not None
        ]
        fronts = [{"key": row.key, "front": json.dumps(row.front)} for row in rows if row.front]
        importances = [
            {"key": row.key, "importance": json.dumps(row.importance)} for row in rows if row.importance
        ]
        beliefs = [
            {"key": row.key, "records": schema.pack_beliefs(row.beliefs)}
            for row in rows
            if row.beliefs is not None
        ]
        self._upsert["trials"].execute(connection, [schema.to_record(row) for row in rows])
        if values:
            self._upsert["scores"].execute(connection, values)
        if arrays:
            self._upsert["predictions"].execute(connection, arrays)
        if fronts:
            self._upsert["fronts"].execute(connection, fronts)
        if importances:
            self._upsert["importances"].execute(connection, importances)
        if beliefs:
            self._upsert["beliefs"].execute(connection, beliefs)

    def plan(self, keys: Sequence[str], meta: Mapping[str, Any]) -> None:
        """Store the keys of the run's trials in their order, and what the report says of the run."""
        record = {"run": self.run, "keys": json.dumps(list(keys)), "meta": json.dumps(dict(meta))}
        with _uninterrupted(), self._explaining(), self._open_connection().begin() as transaction:
            self._upsert["plans"].execute(transaction.connection, [record])

    # -- reading ------------------------------------------------------------------------------------------------

    def finished(self, keys: Iterable[str]) -> dict[str, str]:
        """Return the status of those of ``keys`` whose trials have ended."""
        columns = schema.trials.c.key, schema.trials.c.status
        return dict(self._select(columns, schema.trials.c.key, list(keys)))

    def read_plan(self) -> tuple[list[str], dict[str, Any]]:
        """Return the keys and the meta of the run's last plan.

        Raises:
            InputError: there is no plan of that name.
        """
        query = sa.select(schema.plans.c["keys"], schema.plans.c.meta).where(schema.plans.c.run == self.run)
        with self._explaining(), self._open_connection().begin() as transaction:
            found = transaction.connection.execute(query).first()
        if found is None:
            raise InputError(f"{self._name()} holds no run called {self.run!r}; `neuroloom run` makes one.")
        with self._reading():
            keys, meta = json.loads(found[0]), json.loads(found[1])
            if not (
                isinstance(keys, list) and isinstance(meta, dict) and all(isinstance(k, str) for k in keys)
            ):
                raise TypeError("the plan is no list of keys and a table")
            return keys, meta

    def runs(self) -> list[str]:
        """Return the names of the runs whose plans are here."""
        with self._explaining(), self._open_connection().begin() as transaction:
            return list(
                transaction.connection.execute(sa.select(schema.plans.c.run).order_by("run")).scalars()
            )

    def rows(self, keys: Sequence[str]) -> list[Row]:
        """Return the rows of those of ``keys`` that have ended, in that order, without predictions."""
        with self._reading():
            return self._rows(keys)

    def _rows(self, keys: Sequence[str]) -> list[Row]:
        found: dict[str, list[tuple[str, float | None]]] = {}
        columns = schema.scores.c.key, schema.scores.c.metric, schema.scores.c.value
        for key, metric, value in self._select(columns, schema.scores.c.key, keys):
            found.setdefault(key, []).append((metric, value))
        records = self._select(tuple(schema.trials.columns), schema.trials.c.key, keys)
        made = {
            r._mapping["key"]: schema.to_row(r._mapping, found.get(r._mapping["key"], ())) for r in records
        }
        for table, name in ((schema.fronts, "front"), (schema.importances, "importance")):
            if table.name not in self._lacks:
                for key, text in self._select((table.c.key, table.c[name]), table.c.key, keys):
                    setattr(made[key], name, json.loads(text))
        if schema.beliefs.name not in self._lacks:
            held = schema.beliefs.c.key, schema.beliefs.c.records
            for key, records in self._select(held, schema.beliefs.c.key, keys):
                made[key].beliefs = schema.unpack_beliefs(records)
        return [made[key] for key in keys if key in made]

    def predictions(self, key: str) -> dict[str, Any] | None:
        """Return the arrays kept of a trial's answers (``test``, ``y``, ``prediction``, …), or None."""
        columns = (schema.predictions.c.arrays,)
        found = self._select(columns, schema.predictions.c.key, [key])
        with self._reading():
            return schema.unpack(found[0][0]) if found else None

    def with_predictions(self, keys: Sequence[str]) -> set[str]:
        """Return those of ``keys`` whose trials' answers are kept."""
        columns = (schema.predictions.c.key,)
        return {row[0] for row in self._select(columns, schema.predictions.c.key, keys)}

    def _select(self, columns: Sequence[Any], key: Any, keys: Sequence[str]) -> list[Any]:
        found: list[Any] = []
        with self._explaining(), self._open_connection().begin() as transaction:
            for start in range(0, len(keys), _CHUNK):
                query = sa.select(*columns).where(key.in_(list(keys[start : start + _CHUNK])))
                found.extend(transaction.connection.execute(query))
        return found

    # -- opening and closing ------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close the database and let go of the run."""
        if self._connection is not None:
            with contextlib.suppress(exc.SQLAlchemyError):
                self._connection.close()
            self._connection = None
        engine = getattr(self, "_engine", None)
        if engine is not None:
            engine.dispose()
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _prepare_file(self, file: Path, read: bool) -> None:
        if read:
            if not file.is_file():
                raise InputError(f"{file} does not exist; `neuroloom run` or `neuroloom try` makes it.")
            return
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            refuse_network_file(file)
            self._lock = FileLock(file.with_name(file.name + ".lock"))
        except OSError as error:
            raise InputError(
                f"{file.parent} cannot be written to ({error.strerror}); choose another folder with --out."
            ) from error

    def _connect(self) -> sa.Connection:
        connection = self._engine.connect()
        if self._file is not None:
            # WAL: a reader never waits for the run. A file system that cannot do it stays with a rollback journal.
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            connection.exec_driver_sql("PRAGMA synchronous=FULL")
            connection.commit()
        return connection

    def _open_connection(self) -> sa.Connection:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _reconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(exc.SQLAlchemyError):
                connection.rollback()
            if connection.invalidated or connection.closed:
                with contextlib.suppress(exc.SQLAlchemyError):
                    connection.close()
            else:
                self._connection = connection

    def _check_schema(self, read: bool, migrate: bool) -> None:
        connection = self._open_connection()
        if not read:
            alone(connection)
        names = sa.inspect(connection).get_table_names()
        if schema.about.name in names:
            version = connection.execute(sa.select(sa.func.max(schema.about.c.schema_version))).scalar() or 0
            self.version = version
            if version > schema.VERSION:
                raise InputError(
                    f"{self._name()} was written by a newer neuroloom (its schema is version {version}, this one reads "
                    f"up to {schema.VERSION}); upgrade neuroloom or use another folder."
                )
            if read:
                self._lacks = {table.name for table in _LATER} - set(names)
            elif version < schema.VERSION:
                self._migrate(version, migrate)
            return
        foreign = sorted({t.name for t in schema.TABLES.sorted_tables} & set(names))
        if read or (self._file is not None and names) or foreign:
            raise InputError(
                f"{self._name()} is no neuroloom store (it holds {', '.join(sorted(names)[:5]) or 'nothing'}); move it "
                "away or use another one."
            )
        if self._file is not None:  # sqlite3 would commit each table by itself, and a kill leave half of them
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        schema.TABLES.create_all(connection)
        connection.execute(sa.insert(schema.about), [{"schema_version": schema.VERSION}])

    def _migrate(self, version: int, asked: bool) -> None:
        """Bring the store to today's schema, within the transaction that is open: all of it or nothing."""
        from neuroloom.runner.migrations import upgrade

        if (
            self._file is None and not asked
        ):  # others may use it with a neuroloom that reads the old one alone
            raise InputError(
                f"{self._name()} was made by an earlier neuroloom (its schema is version {version}, today's is "
                f"{schema.VERSION}); bring it up to date, when nobody uses it, with: neuroloom migrate "
                f"{self._name()}"
            )
        connection = self._open_connection()
        if self._file is not None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        upgrade(connection, version)
        connection.execute(sa.update(schema.about).values(schema_version=schema.VERSION))

    def _hold_run(self) -> None:
        """On PostgreSQL, take the run's advisory lock; the server lets go of it when this connection ends."""
        if self._file is not None or self.url.get_backend_name() != "postgresql":
            return
        connection = self._open_connection()
        number = zlib.crc32(f"neuroloom\0{self.run}".encode())
        with connection.begin():
            if connection.execute(sa.select(sa.func.pg_try_advisory_lock(number))).scalar():
                return
            holder = connection.execute(
                sa.text(
                    "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
                    "WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 0 AND l.objid = :number"
                ),
                {"number": number},
            ).scalar()
        raise InputError(
            f"the run {self.run!r} in {self._name()} is in use by another neuroloom ({holder or 'unknown'}); wait "
            "until it ends, stop it, or give this run another name."
        )

    # -- when it goes wrong -------------------------------------------------------------------------------------

    def _rescue(self, rows: Sequence[Row]) -> Path:
        text = "".join(f"{schema.to_json(row)}\n" for row in rows)
        for path in self._rescue_places():
            try:
                file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _NO_LINK, 0o600)
                with open(file, "a", encoding="ascii") as opened:
                    opened.write(text)
                    opened.flush()
                    os.fsync(file)
            except OSError:
                continue
            return path
        raise InputError(
            f"{self._name()} takes no rows, nor could they be kept in {self._folder}; free some space."
        )

    def _rescue_places(self) -> tuple[Path, Path]:
        """Return where rows go that cannot be stored: beside the store, or where temporary files lie."""
        where = str(self._file.resolve()) if self._file else self.url.render_as_string(hide_password=True)
        name = hashlib.sha256(f"{where}\0{self.run}".encode()).hexdigest()[:16]
        return self._folder / RESCUED, Path(tempfile.gettempdir()) / f"neuroloom-{name}.{RESCUED}"

    def _import_rescued(self) -> None:
        for path in self._rescue_places():
            if not path.is_file() or path.is_symlink() or not _ours(path):
                continue
            rows = []
            for line in path.read_text(encoding="ascii", errors="replace").splitlines():
                with contextlib.suppress(ValueError):  # the last line may be torn
                    rows.append(schema.from_json(line))
            if rows:
                self._write(list({row.key: row for row in rows}.values()))
            path.unlink()

    @contextlib.contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except exc.SQLAlchemyError as error:
            self._reconnect()
            raise self._explained(error) from error

    def _reading(self) -> contextlib.AbstractContextManager[None]:
        return blamed_on(self._name(), "move it away and run again")

    def _explained(self, error: exc.SQLAlchemyError) -> InputError:
        return explain(error, self._name())

    def _name(self) -> str:
        return str(self._file) if self._file is not None else self.url.render_as_string(hide_password=True)

    def _label(self) -> str:
        return f"neuroloom {socket.gethostname()}:{os.getpid()}"[:63]


def _ours(path: Path) -> bool:
    """Whether a file is this user's, as one that anybody may have put among the temporary files need not be."""
    return not hasattr(os, "getuid") or path.stat().st_uid == os.getuid()


def alone(connection: sa.Connection) -> None:
    """On PostgreSQL, let one transaction at a time make tables; SQLite does so anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(zlib.crc32(b"neuroloom tables"))))


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let Ctrl-C wait until the block has ended, so that no row is lost between computing and storing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[tuple[int, FrameType | None]] = []
    before = signal.getsignal(signal.SIGINT)
    if not callable(before):
        yield
        return
    signal.signal(signal.SIGINT, lambda number, frame: came.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            before(*came[0])
