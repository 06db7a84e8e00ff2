"""Trials leased from a PostgreSQL store: a driver offers them, workers on any host take them, each exactly once.

An offered trial is a line of the table ``work``. A worker claims lines (``FOR UPDATE SKIP LOCKED``: no two get the
same, none waits for another) and extends its lease while it lives. Its row is stored in the transaction that takes the
line away, and only while the worker still holds it: so each trial ends in one row, whoever dies or hangs when. A lease
that runs out may be claimed by another; a trial whose workers were lost three times ends as ``killed``. Time is the
server's, so no host's clock matters.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from neuroloom.core.errors import InputError
from neuroloom.runner import schema
from neuroloom.runner.outcome import row_of
from neuroloom.runner.row import Row
from neuroloom.runner.store import Store, alone
from neuroloom.runner.trial import Trial

LEASE_SECONDS = 60.0
ATTEMPTS = 3
_CHUNK = 1000
_NOW = "extract(epoch FROM clock_timestamp())"


def check_server(url: sa.URL) -> None:
    """Check that a store is a PostgreSQL database.

    Raises:
        InputError: it is not.
    """
    if url.get_backend_name() != "postgresql":
        raise InputError(
            "workers lease trials from a PostgreSQL store, as --store postgresql://user@host/name; without one, "
            "let each write a run of its own with `neuroloom run --part 1/4` and join them with `neuroloom merge`."
        )


@dataclass(frozen=True)
class Claim:
    """A trial that this worker holds, and whether its answers for each test sample are to be kept."""

    trial: Trial
    keep_predictions: bool


class Leases:
    """What is offered, claimed and completed in a store.

    Args:
        store: on PostgreSQL.
        holder: who claims: a name that no other worker has.
        seconds: how long a lease holds without being extended.

    Raises:
        InputError: the store is no PostgreSQL database.
    """

    def __init__(self, store: Store, holder: str = "", seconds: float = LEASE_SECONDS) -> None:
        check_server(store.url)
        self.store, self.holder, self.seconds = store, holder, seconds
        with store.transaction() as connection:
            alone(connection)
            schema.work.create(connection, checkfirst=True)

    # -- the driver's side --------------------------------------------------------------------------------------

    def offer(self, run: str, trials: Iterable[Trial], keep_predictions: bool) -> None:
        """Offer trials to whoever claims them; what is offered already stays, its answers kept if any run asks so."""
        records = [
            {
                "key": t.key,
                "run": run,
                "place": i,
                "trial": to_json(t),
                "keep": int(keep_predictions),
                "attempts": 0,
            }
            for i, t in enumerate(trials)
        ]
        made = postgresql.insert(schema.work)
        wanted = sa.func.greatest(
            schema.work.c.keep, made.excluded.keep
        )  # if anybody wants them, they are kept
        insert = made.on_conflict_do_update(index_elements=["key"], set_={"keep": wanted})
        with self.store.transaction() as connection:
            for start in range(0, len(records), _CHUNK):
                connection.execute(insert, records[start : start + _CHUNK])

    def open_keys(self) -> set[str]:
        """Return the keys of all trials that have not ended, whichever run offered them first."""
        with self.store.transaction() as connection:
            return set(connection.execute(sa.select(schema.work.c.key)).scalars())

    def withdraw(self, run: str) -> None:
        """Take back what nobody holds."""
        query = sa.text(f"DELETE FROM work WHERE run = :run AND (until IS NULL OR until < {_NOW})")
        with self.store.transaction() as connection:
            connection.execute(query, {"run": run})

    # -- the worker's side --------------------------------------------------------------------------------------

    def claim(self, most: int) -> list[Claim]:
        """Return up to ``most`` trials that are this worker's from now on, in the order in which they were offered."""
        free = f"(until IS NULL OR until < {_NOW})"
        take = sa.text(
            f"UPDATE work SET holder = :holder, until = {_NOW} + :seconds, attempts = attempts + 1 WHERE key IN ("
            f"SELECT key FROM work WHERE {free} AND attempts < :most_attempts ORDER BY place, key LIMIT :most "
            "FOR UPDATE SKIP LOCKED) RETURNING place, key, trial, keep"
        )
        given = {
            "holder": self.holder, "seconds": self.seconds, "most_attempts": ATTEMPTS, "most": most
        }  # fmt: skip
        with self.store.transaction() as connection:
            self._give_up(connection, free)
            found = sorted(connection.execute(take, given).all())
        return [Claim(from_json(text), bool(keep)) for _, _, text, keep in found]

    def _give_up(self, connection: sa.Connection, free: str) -> None:
        """End the trials whose workers were lost too often."""
        query = sa.text(
            f"DELETE FROM work WHERE key IN (SELECT key FROM work WHERE {free} AND attempts >= :most LIMIT 100 "
            "FOR UPDATE SKIP LOCKED) RETURNING trial"
        )
        lost = connection.execute(query, {"most": ATTEMPTS}).scalars().all()
        why = f"its worker was lost {ATTEMPTS} times"
        self.store.write(connection, [row_of(from_json(text), "killed", why) for text in lost])

    def extend(self) -> None:
        """Hold on to what this worker holds."""
        query = sa.text(f"UPDATE work SET until = {_NOW} + :seconds WHERE holder = :holder")
        with self.store.transaction() as connection:
            connection.execute(query, {"seconds": self.seconds, "holder": self.holder})

    def complete(self, rows: Sequence[Row]) -> list[Row]:
        """Store the rows of trials that this worker still holds, and return these; others are somebody else's now."""
        if not rows:
            return []
        query = sa.delete(schema.work).where(
            schema.work.c.holder == self.holder, schema.work.c.key.in_([row.key for row in rows])
        )
        with self.store.transaction() as connection:
            held = set(connection.execute(query.returning(schema.work.c.key)).scalars())
            own = [row for row in rows if row.key in held]
            self.store.write(connection, own)
        return own

    def release(self) -> None:
        """Give back what this worker holds, as if it had never been claimed."""
        query = sa.text(
            "UPDATE work SET holder = NULL, until = NULL, attempts = attempts - 1 WHERE holder = :holder"
        )
        with self.store.transaction() as connection:
            connection.execute(query, {"holder": self.holder})

    def left(self) -> int:
        """Return how many trials have not ended, those that others hold among them."""
        with self.store.transaction() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(schema.work)).scalar() or 0)


def to_json(trial: Trial) -> str:
    """Return a trial as JSON."""
    return json.dumps(asdict(trial), ensure_ascii=True, allow_nan=False)


def from_json(text: str) -> Trial:
    """Return the trial that :func:`to_json` wrote; it has the same key."""
    fields: dict[str, Any] = json.loads(text)
    return Trial(**{**fields, "metrics": tuple(fields["metrics"])})
