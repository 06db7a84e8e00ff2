"""A driver for tests to kill: ``python -m tests.runner.driver STORE TRIALS WORKERS SECONDS METHOD``."""

from __future__ import annotations

import sys

from neuroloom.runner.engines import Finished, open_engine
from neuroloom.runner.store import open_store
from tests.runner.bad_methods import NAME, trial


def trials(count: int, seconds: float, method: str) -> list:  # type: ignore[type-arg]
    return [trial(method, seed=i // 4, fold=i % 4, params={"rate": seconds}) for i in range(count)]


def main() -> None:
    where, count, workers, seconds, method = sys.argv[1:]
    planned = trials(int(count), float(seconds), method)
    with open_store(where) as store:
        done = store.finished([t.key for t in planned])
        store.plan([t.key for t in planned], {"name": "test"})
        with open_engine("processes", workers=int(workers), workbench=NAME) as engine:
            for event in engine.run([t for t in planned if t.key not in done]):
                if isinstance(event, Finished):
                    store.add(event.rows)


if __name__ == "__main__":
    main()
