"""The page of many runs: what stands in it, that it fits what `compare` says, and that names cannot do harm."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from neuroloom.cli import app
from neuroloom.core.errors import InputError
from neuroloom.runner.bench import load_history
from neuroloom.runner.compare import compare
from neuroloom.runner.report.history import prepare, render
from neuroloom.runner.results import Results
from neuroloom.runner.store import open_store
from tests.runner.report import synthetic


def _runs(count: int = 4, shape: synthetic.Shape | None = None) -> list[Results]:
    """Return runs of one bench, a day apart: in the third `rbfn` gets worse, in the last it is left out on iris."""
    tasks = [("iris", "table", "classification", "accuracy"), ("diabetes", "table", "regression", "r2")]
    methods = [("rbfn", "nets", None), ("neat", "evolve", None), ("knn", "baseline", None)]
    made = []
    for i in range(count):
        whole = synthetic.make(shape or synthetic.Shape(tasks, methods, seeds=6, faults=0.0))  # type: ignore[arg-type]
        frame = whole.frame()
        if shape is None and i >= 2:
            frame.loc[(frame["method"] == "rbfn") & (frame["main"]), "value"] -= 0.3
        if shape is None and i == 3:
            frame = frame[~((frame["method"] == "rbfn") & (frame["task"] == "iris"))]
        meta: dict[str, Any] = {
            **whole.meta,
            "started": f"2026-01-0{i + 1}T10:00:00+00:00",
            "version": f"0.{i}",
        }
        made.append(Results(frame, meta=meta))
    return made


def test_the_history_says_what_compare_says() -> None:
    runs = _runs()
    page = prepare(runs[::-1])  # put in order by when they started
    assert [run.version.split()[0] for run in page.runs] == ["0.0", "0.1", "0.2", "0.3"]
    assert page.span == "4 runs, 2026-01-01 10:00 to 2026-01-04 10:00"
    tasks = {task.name: {line.method: line for line in task.lines} for task in page.tasks}
    line = tasks["iris"]["rbfn"]
    found = compare(runs[1], runs[2]).cells.set_index(["task", "method"]).loc[("iris", "rbfn")]
    assert found["verdict"] == "worse"
    assert [cell.verdict for cell in line.cells] == ["", "same", "worse", ""]
    assert line.cells[2].mark == "▼"
    assert line.cells[2].change.startswith(f"−{abs(found['gain']):.3f} (")
    assert line.cells[3].text == "–"
    assert line.last == "run 3: worse"
    assert [cell.mark for cell in tasks["iris"]["neat"].cells] == [""] * 4
    assert page.tasks[0].lines[-1].method == "rbfn"  # it is not in the last run
    assert "1 worse" in page.runs[2].changes or "2 worse" in page.runs[2].changes
    assert "1 gone" in page.runs[3].changes
    assert page.answer.startswith("The last run is ")


def test_the_page_stands_alone() -> None:
    text = render(_runs())
    assert not re.search(r"""(src|href)=["'](?!#)""", text)
    assert "<script" not in text
    assert "default-src 'none'" in text
    assert text.count("<svg") > 4
    assert len(text) < 200_000


def test_hostile_names_stand_as_text() -> None:
    tasks = [(name, "table", "classification", "accuracy") for name in synthetic.HOSTILE]
    methods = [(name, "nets", None) for name in synthetic.HOSTILE]
    runs = _runs(2, synthetic.Shape(tasks, methods, 2, faults=0.0))  # type: ignore[arg-type]
    for run in runs:
        run.meta |= {
            "name": synthetic.HOSTILE[1],
            "cpu": synthetic.HOSTILE[0],
            "version": synthetic.HOSTILE[6],
        }
    text = render(runs)
    assert "<script>alert" not in text
    assert "<img" not in text
    assert "\u202e" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "{{ 7*7 }}" in text
    assert "49" not in re.sub(r"<[^>]*>", "", text).split("alert")[0]


def test_one_run_is_no_history() -> None:
    with pytest.raises(InputError, match="needs two runs at least, but got 1; name more"):
        render(_runs(1))


def test_the_command_finds_the_runs_of_a_folder(tmp_path: Path) -> None:
    import neuroloom

    bench: dict[str, Any] = {
        "name": "h",
        "seeds": 1,
        "folds": 3,
        "tasks": ["iris"],
        "methods": ["knn", "dummy"],
    }
    for name, more in (("one", {}), ("two", {"method": {"knn": {"n_neighbors": 30}}})):
        neuroloom.run({**bench, **more}, tmp_path / "runs" / name, engine="inline")
    done = CliRunner().invoke(app, ["history", str(tmp_path / "runs"), "--out", str(tmp_path / "h.html")])
    assert done.exit_code == 0, done.output
    text = (tmp_path / "h.html").read_text()
    assert "2 runs" in text
    assert "iris" in text
    assert len(load_history([tmp_path / "runs" / "one", tmp_path / "runs" / "two"])) == 2
    done = CliRunner().invoke(app, ["history", str(tmp_path / "nothing")])
    assert done.exit_code == 2


def test_all_runs_of_a_database_are_found(tmp_path: Path) -> None:
    import neuroloom

    url = f"sqlite:///{tmp_path / 'many.db'}"
    for name in ("a", "b"):
        bench = {"name": name, "seeds": 1, "folds": 2, "tasks": ["iris"], "methods": ["dummy"]}
        neuroloom.run(bench, tmp_path / name, engine="inline", store=url)
    with open_store(url, read=True) as store:
        assert store.runs() == ["a", "b"]
    assert [run.meta["name"] for run in load_history([url])] == ["a", "b"]
