"""Engine ray on a cluster of two nodes, one of which is killed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest

from neuroloom.runner.engines import Engine, Finished, Started, open_engine
from neuroloom.runner.row import Row
from neuroloom.runner.trial import Trial
from tests.runner.bad_methods import NAME, trial

ray = pytest.importorskip("ray")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning"
    ),
]


@pytest.fixture
def cluster() -> Iterator[Any]:
    """Two nodes of one core each, the first with what Ray keeps for all."""
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    from ray.cluster_utils import Cluster

    soon = {
        "health_check_initial_delay_ms": 0,
        "health_check_period_ms": 500,
        "health_check_failure_threshold": 3,
    }
    head = {"num_cpus": 1, "include_dashboard": False, "_system_config": soon}
    made = Cluster(initialize_head=True, head_node_args=head)
    yield made
    ray.shutdown()
    made.shutdown()


def test_a_node_that_is_killed_costs_its_running_trial_alone(cluster: Any) -> None:
    lost = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    raylet = psutil.Process(lost.all_processes["raylet"][0].process.pid)
    with open_engine("ray", workers=2, address=cluster.address, workbench=NAME) as engine:
        seed = 100
        while len(engine._hosts) < 2 or engine._arriving:  # type: ignore[attr-defined]
            _run(
                engine, _sleeping(0.2, range(seed, seed + 4)), lambda _: None
            )  # until both nodes have a host
            seed += 4

        def kill_when_both_work(starts: int) -> None:
            if starts == 2:
                for process in [raylet, *raylet.children(recursive=True)]:
                    with contextlib.suppress(psutil.NoSuchProcess):  # it has ended with another
                        process.kill()

        trials = _sleeping(3.0, range(4))
        rows, starts = _run(engine, trials, kill_when_both_work)
        assert {row.status for row in rows.values()} == {"done"}
        assert set(rows) == {t.key for t in trials}
        assert engine.retried == 1  # type: ignore[attr-defined]
        assert starts >= len(trials) + 1
        noted = [
            r for r in rows.values() if any("a host of the cluster was lost" in note for note in r.notes)
        ]
        assert len(noted) == 1


def _sleeping(seconds: float, seeds: range) -> list[Trial]:
    return [trial("Sleeps", params={"rate": seconds}, seed=seed, seconds=60.0) for seed in seeds]


def _run(engine: Engine, trials: list[Trial], then: Callable[[int], None]) -> tuple[dict[str, Row], int]:
    rows: dict[str, Row] = {}
    starts = 0
    for event in engine.run(trials):
        if isinstance(event, Started):
            starts += 1
            then(starts)
        if isinstance(event, Finished):
            for row in event.rows:
                assert row.key not in rows, "a trial ended twice"
                rows[row.key] = row
    return rows, starts
