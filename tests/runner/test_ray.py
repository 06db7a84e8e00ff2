"""Engine ray on a real local cluster: the rows of the other engines, hard limits, lost hosts."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import pytest

import neuroloom
from neuroloom.core.errors import InputError
from neuroloom.runner.engines import open_engine
from neuroloom.runner.ray_engine import Offered, memory_share
from tests.runner.bad_methods import NAME, TinyTask, trial
from tests.runner.test_engines import lasting, rows_of

ray = pytest.importorskip("ray")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning"
    ),
]


@pytest.fixture(scope="module")
def engine() -> Any:
    with open_engine("ray", workers=2, workbench=NAME) as opened:
        yield opened


def test_ray_gives_the_rows_of_inline(engine) -> None:
    trials = [trial("Good", seed=s, fold=f) for s in range(2) for f in range(3)]
    trials += [trial("Raises"), trial("Proba", metrics=("accuracy", "log_loss"))]
    with open_engine("inline", workbench=NAME) as inline:
        here = rows_of(inline, trials)
    there = rows_of(engine, trials)
    assert set(there) == set(here)
    for key, row in here.items():
        assert lasting(row) == lasting(there[key]) | {"traceback": row.traceback}
    assert engine.retried == 0


def test_the_driver_alone_loads_the_data_and_lets_go_of_them(engine, monkeypatch) -> None:
    loads: list[int] = []
    whole = TinyTask.load

    def load(self: TinyTask, seed: int = 0) -> Any:
        loads.append(seed)
        return whole(self, seed)

    monkeypatch.setattr(TinyTask, "load", load)
    drawn = {"name": "tiny", "drawn": True, "driver": os.getpid()}  # which any other process refuses to load
    trials = [trial("Good", seed=s, fold=f, task=drawn) for s in (3, 4) for f in range(3)]
    puts = []
    monkeypatch.setattr(Offered, "_put", lambda self, t, put=Offered._put: puts.append(self) or put(self, t))
    rows = rows_of(engine, [*trials, trial("Good", task={"name": "tiny", "broken": True})])
    assert [row.reason for row in rows.values() if row.status != "done"] == ["ValueError: the file is torn"]
    assert len(rows) == 7
    assert sorted(loads) == [0, 3, 4]
    assert puts[0]._there == {}


def test_a_host_asks_for_the_memory_that_its_trials_may_take(engine) -> None:
    rows_of(engine, [trial("Good")])
    limit = int(trial("Good").memory_mb * 2**20)
    asked = memory_share(engine._nodes(), engine.workers, 1, limit)
    assert 0 < asked <= limit
    end = time.monotonic() + 20  # Ray tells of it a little later
    while True:
        held = ray.cluster_resources()["memory"] - ray.available_resources()["memory"]
        if held == len(engine._hosts) * asked or time.monotonic() > end:
            break
        time.sleep(0.1)
    assert held == len(engine._hosts) * asked


def test_memory_is_shared_so_that_all_workers_find_room() -> None:
    assert memory_share([(4, 100.0), (4, 100.0)], 4, 1, 30) == 30  # enough for all
    assert memory_share([(4, 100.0), (4, 100.0)], 4, 1, 80) == 50  # two on each
    assert memory_share([(4, 100.0), (4, 40.0)], 3, 1, 80) == 40  # two on the first, one on the second
    assert (
        memory_share([(2, 100.0), (8, 60.0)], 4, 2, 80) == 20
    )  # cores let one onto the first, three onto the other
    assert memory_share([(4, 0.0)], 2, 1, 80) == 0  # a cluster that counts no memory


def test_limits_are_hard(engine) -> None:
    slow, dies = trial("Sleeps", params={"rate": 60.0}, seconds=1.0), trial("Exit3")
    rows = rows_of(engine, [slow, dies, trial("Good")])
    assert rows[slow.key].status == "timeout"
    assert rows[slow.key].reason.startswith("over the time limit of 1 s")
    assert rows[dies.key].status == "killed"
    assert rows[trial("Good").key].status == "done"


def test_a_host_that_dies_costs_its_running_trial_alone(engine) -> None:
    trials = [trial("Sleeps", params={"rate": 1.5}, seed=s, seconds=60.0) for s in range(4)]
    victim = engine.pids()[0] if engine._hosts else None

    def kill() -> None:
        time.sleep(1.0)
        os.kill(victim or engine.pids()[0], signal.SIGKILL)

    before = engine.retried
    killer = threading.Thread(target=kill)
    killer.start()
    rows = rows_of(engine, trials)
    killer.join()
    assert {row.status for row in rows.values()} == {"done"}
    assert engine.retried == before + 1
    noted = [
        row for row in rows.values() if any("a host of the cluster was lost" in note for note in row.notes)
    ]
    assert len(noted) == 1


def test_leaving_the_loop_drops_what_is_in_flight(engine) -> None:
    for _ in engine.run([trial("Sleeps", params={"rate": 30.0}, seconds=60.0)]):
        break
    assert rows_of(engine, [trial("Good", seed=5)])[trial("Good", seed=5).key].status == "done"


def test_more_workers_than_cores_are_refused(engine) -> None:
    with pytest.raises(InputError, match="room for 2 workers of 1 threads, but 5 were asked for"):
        open_engine("ray", workers=5, workbench=NAME)


def test_a_bench_by_ray_equals_one_by_inline(engine, tmp_path) -> None:
    config = {"name": "r", "seeds": 1, "folds": 2, "tasks": ["iris"], "methods": ["rbfn", "mlp", "gat"]}
    config["method"] = {"mlp": {"epochs": 3}}
    for slot in list(engine._hosts):  # which hold all cores of the cluster
        engine._drop(slot)
    by_ray = neuroloom.run(config, tmp_path / "ray", engine="ray", workers=2)
    inline = neuroloom.run(config, tmp_path / "inline", engine="inline")
    columns = ["task", "method", "seed", "fold", "metric", "value", "status", "reason"]
    frames = [r.frame()[columns].sort_values(columns[:5]).reset_index(drop=True) for r in (by_ray, inline)]
    assert frames[0].drop(columns="value").equals(frames[1].drop(columns="value"))
    assert frames[0]["value"].to_numpy() == pytest.approx(
        frames[1]["value"].to_numpy(), abs=1e-6, nan_ok=True
    )


def test_a_missing_ray_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(InputError, match=r"pip install \"neuroloom\[ray\]\""):
        open_engine("ray")
    with pytest.raises(InputError, match="an address is for engine ray"):
        open_engine("inline", address="auto")
