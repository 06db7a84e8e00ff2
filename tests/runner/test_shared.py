"""Data packed by a driver and mapped by workers: the same arrays, one copy, nothing left behind."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neuroloom.core import Graph, NodeSet
from neuroloom.runner.execute import Executor
from neuroloom.runner.shared import Shelf, pack, read, write
from neuroloom.tasks.task import Data
from tests.runner.bad_methods import WORKBENCH, TinyTask, trial


def test_what_is_read_is_what_was_packed(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    locked = rng.normal(size=(501, 7))
    locked.flags.writeable = False
    graph = Graph.of(np.argwhere(rng.random((60, 60)) < 0.3))
    frame = pd.DataFrame({"a": rng.normal(size=3000), "b": ["word", None, "other"] * 1000})
    given = Data(locked, np.array(["yes", "no"] * 2000), ("a note",), {
        "open": rng.normal(size=(33, 41))[:, ::-1], "nodes": NodeSet(graph, np.arange(9)), "frame": frame,
        "none": np.zeros((0, 4)), "fortran": np.asfortranarray(rng.normal(size=(70, 90))),
    })  # fmt: skip
    write(pack(TinyTask({"name": "tiny"}), given), tmp_path / "data")
    task, found = read(str(tmp_path / "data"))
    assert task.spec == {"name": "tiny"}
    assert found.notes == ("a note",)
    np.testing.assert_array_equal(found.X, locked)
    np.testing.assert_array_equal(found.y, given.y)
    for name in ("open", "none", "fortran"):
        np.testing.assert_array_equal(found.extra[name], given.extra[name])
    pd.testing.assert_frame_equal(found.extra["frame"], frame)
    kept = found.extra["nodes"].graph
    np.testing.assert_array_equal(kept.indices, graph.indices)
    assert kept.indices.flags.writeable == graph.indices.flags.writeable
    assert not found.X.flags.writeable
    found.extra["fortran"][0, 0] = 7.0  # as the original could; the file and other workers do not see it
    again = read(str(tmp_path / "data"))[1]
    assert again.extra["fortran"][0, 0] == given.extra["fortran"][0, 0]
    assert again.extra["fortran"].flags.f_contiguous


def test_shelves_of_a_run_hold_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    pieces = [np.arange(9, dtype=np.uint8)]
    fetched: list[str] = []

    def fetch() -> list[np.ndarray]:
        fetched.append("once")
        return pieces

    first, second, other = Shelf("a1"), Shelf("a1"), Shelf("b2")
    one, two = first.path("x", fetch), second.path("x", fetch)
    assert first.path("x", fetch) == one
    assert (os.path.samefile(one, two), len(fetched)) == (True, 1)
    assert not os.path.samefile(other.path("x", fetch), one)
    for name in ("p", "q", "r"):
        first.path(name, fetch)
    assert (os.path.exists(one), os.path.exists(two)) == (False, True)
    os.close(second._lock)  # as when its process is killed
    first.close()
    assert sorted(path.name.split("-")[3] for path in tmp_path.glob("neuroloom-data-*-*")) == ["b2"]
    other.close()
    assert not list(tmp_path.glob("neuroloom-data-*-*"))


def test_a_trial_on_shared_data_gives_the_row_of_loaded_ones(tmp_path: Path) -> None:
    drawn = trial("Good", seed=1, task={"name": "tiny", "drawn": True})
    task = WORKBENCH.open_task(drawn.task, None)
    write(pack(task, task.load(1)), tmp_path / "data")
    rows = []
    for file, loaded in (("", 1), ("data", 0), ("gone", 1)):
        executor = Executor(WORKBENCH)
        executor.shared = {1: str(tmp_path / file)} if file else {}
        rows.append(executor.run_trial(drawn))
        assert len(executor._data) == loaded
        executor.close()
    for row in rows[1:]:
        assert (row.status, row.scores, row.split, row.notes) == (
            "done",
            rows[0].scores,
            rows[0].split,
            rows[0].notes,
        )
