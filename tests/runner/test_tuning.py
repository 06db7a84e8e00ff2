"""`[tune]` in a bench: which methods get a tuned form, with what budget, and what the report says of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

import neuroloom
from neuroloom.cli import app
from neuroloom.core.errors import InputError
from neuroloom.runner.config import load_config, to_toml
from neuroloom.runner.plan import Plan, make_plan
from neuroloom.runner.report import render
from neuroloom.runner.report.tuning import _chosen
from neuroloom.runner.tuning import read_budget

pytest.importorskip("optuna")
BENCH: dict[str, Any] = {
    "name": "tuned", "seeds": 1, "folds": 2, "tasks": ["iris"], "methods": ["knn", "ridge", "svm"],
    "method": {"svm": {"C": [1.0, 3.0]}}, "tune": {"trials": 4, "folds": 2}, "limits": {"seconds": 120.0},
}  # fmt: skip


def planned(**changes: Any) -> Plan:
    return make_plan(*load_config({**BENCH, **changes}))


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, neuroloom.Results]:
    folder = tmp_path_factory.mktemp("tuned")
    return folder, neuroloom.run(
        {**BENCH, "methods": ["knn", "dummy"], "method": {}}, folder, engine="inline"
    )


def test_each_method_with_ranges_gets_a_tuned_form_beside_it() -> None:
    plan = planned()
    assert list(plan.methods) == [
        "knn", "knn+tuned", "ridge", "svm[C=1.0]", "svm[C=1.0]+tuned", "svm[C=3.0]", "svm[C=3.0]+tuned",
    ]  # fmt: skip
    assert plan.methods["svm[C=3.0]+tuned"]["tuned_from"] == "svm[C=3.0]"
    assert "it has no tuned form: it declares no ranges" in " ".join(plan.methods["ridge"]["notes"])
    trial = next(t for t in plan.trials if t.label == "svm[C=3.0]+tuned")
    assert trial.expression == "svm+tuned"
    assert trial.params["svm"] == {"C": 3.0}
    own = trial.params["tuned"]
    assert (own["trials"], own["folds"], own["metric"], own["incumbents"]) == (4, 2, "accuracy", True)
    assert trial.seconds > 120.0 * 4 * 2  # the limit is that of each fit
    assert next(t for t in plan.trials if t.label == "knn").seconds == 120.0


def test_a_search_is_for_the_metric_of_the_task() -> None:
    plan = planned(tasks=["diabetes"], methods=["knn"], method={})
    assert next(t for t in plan.trials if t.label == "knn+tuned").params["tuned"]["metric"] == "r2"
    plan = planned(methods=["svm+tuned", "knn"], method={"tuned": {"metric": "mcc"}}, tune=None)
    assert next(t for t in plan.trials if t.label == "svm+tuned").params["tuned"]["metric"] == "mcc"


def test_only_those_named_are_tuned_and_with_the_ranges_given() -> None:
    ranges = {"svm": {"gamma": {"low": 0.01, "high": 1.0, "log": True}}}
    plan = planned(method={}, tune={"seconds": 5.0, "methods": ["svm"], "ranges": ranges})
    assert [label for label in plan.methods if "tuned" in label] == ["svm+tuned"]
    trial = next(t for t in plan.trials if t.label == "svm+tuned")
    assert trial.params["tuned"]["ranges"] == ranges
    assert trial.params["tuned"]["trials"] is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (
            {"methods": ["ridge"], "method": {}},
            "`tune` finds nothing to tune: no method of this bench declares ranges",
        ),
        ({"tune": {"trials": 0}}, r"`tune.trials` must be greater than or equal to 1, but got 0"),
        ({"tune": {"trails": 5}}, "`tune.trails` is not known here; did you mean `trials`"),
        ({"tune": {"methods": ["gcn"]}}, "is 'gcn', which is none of knn, ridge, svm"),
        (
            {"tune": {"ranges": {"mlp": {"epochs": [1, 2]}}}},
            "is of 'mlp', which no method of this bench uses",
        ),
        (
            {"tune": {"ranges": {"svm": {"C": {"low": 2, "high": 1}}}}},
            "`tune.ranges.svm.C` a range of numbers needs",
        ),
        ({"methods": ["svm", "svm+tuned"], "method": {}}, "makes a label that another method has"),
    ],
)
def test_mistakes_are_told(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(InputError, match=why):
        planned(**changes)


def test_the_config_is_written_as_it_was_read(tmp_path: Path) -> None:
    ranges = {"svm": {"C": {"low": 0.1, "high": 2.0}, "kernel": ["rbf", "linear"]}}
    config, _ = load_config({**BENCH, "tune": {"trials": 9, "ranges": ranges}})
    (tmp_path / "bench.toml").write_text(to_toml(config))
    assert load_config(tmp_path / "bench.toml")[0] == config


@pytest.mark.parametrize(
    ("text", "trials", "seconds"),
    [("30", 30, None), ("90s", None, 90.0), ("1.5m", None, 90.0), ("2h", None, 7200.0)],
)
def test_budgets_of_the_command_line(text: str, trials: int | None, seconds: float | None) -> None:
    found = read_budget(text)
    assert (found.trials, found.seconds) == (trials, seconds)


@pytest.mark.parametrize("text", ["0", "1.5", "-3", "x", "5 m"])
def test_budgets_that_are_none(text: str) -> None:
    with pytest.raises(InputError, match="--tune takes a number of trials or a time for each method"):
        read_budget(text)


def test_worker_processes_choose_what_one_process_chooses(
    ran: tuple[Path, neuroloom.Results], tmp_path: Path
) -> None:
    config = {**BENCH, "methods": ["knn", "dummy"], "method": {}}
    again = neuroloom.run(config, tmp_path, engine="processes", workers=2)
    columns = ["task", "method", "seed", "fold", "metric", "value", "settings"]
    here = ran[1].frame()[columns].sort_values(columns[:5]).reset_index(drop=True)
    there = again.frame()[columns].sort_values(columns[:5]).reset_index(drop=True)
    assert here.equals(there)
    assert '"best_params"' in here.loc[here["method"] == "knn+tuned", "settings"].iloc[0]


def test_finished_searches_are_not_run_again(ran: tuple[Path, neuroloom.Results], monkeypatch: Any) -> None:
    folder, results = ran
    monkeypatch.setattr(
        "neuroloom.methods.parameter_search.Search.run", lambda *_: pytest.fail("searched again")
    )
    config = {**BENCH, "methods": ["knn", "dummy"], "method": {}}
    assert len(neuroloom.run(config, folder, engine="inline").frame()) == len(results.frame())


def test_the_report_sets_tuned_beside_plain(ran: tuple[Path, neuroloom.Results]) -> None:
    results = ran[1]
    main = results.main().groupby("method")["value"].mean()
    text = render(results, "md")
    line = next(part for part in text.split("as it is and tuned")[1].splitlines() if part.startswith("| knn"))
    cells = [cell.strip(" *") for cell in line.strip("|").split("|")]
    assert cells[1:3] == [f"{main['knn']:.3f}", f"{main['knn+tuned']:.3f}"]
    assert float(cells[3].replace("−", "-")) == pytest.approx(main["knn+tuned"] - main["knn"], abs=6e-4)
    fronts = results.fronts
    assert set(fronts["measure"]) == {"tuning trials"}
    assert sorted(fronts["size"].unique()) == [1, 2, 4]
    last = fronts[fronts["size"] == 4].set_index("fold")["score"]
    done = results.main().query("method == 'knn+tuned'").set_index("fold")["value"]
    assert last.to_dict() == done.to_dict()
    page = render(results, "html")
    assert "What tuning brings" in page
    assert "What size brings" not in page


def test_what_was_chosen_is_told_by_step_where_two_share_a_name() -> None:
    chosen = [{"kmeans-features__centres": 20, "rbfn__centres": 300, "rbfn__neighbours": 5}] * 2 + [{}]
    rows = pd.DataFrame({"status": "done", "settings": [json.dumps({"best_params": one}) for one in chosen]})
    told = "kmeans-features centres 20, rbfn centres 300, neighbours 5 (as it is in 1 of 3)"
    assert _chosen(rows) == told


def test_the_command_line_tunes(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(
        'name = "b"\nseeds = 1\nrounds = 1\ntasks = ["iris"]\nmethods = ["knn"]\n'
    )
    asked = [
        "run",
        str(tmp_path / "b.toml"),
        "--out",
        str(tmp_path / "out"),
        "--engine",
        "inline",
        "--tune",
        "2",
    ]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert "knn+tuned" in done.output
    assert "[tune]\ntrials = 2" in (tmp_path / "out" / "bench.toml").read_text()
    wrong = CliRunner().invoke(app, [*asked[:-1], "soon"])
    assert wrong.exit_code == 2


@pytest.mark.parametrize("engine", ["inline", "processes"])
def test_a_bench_that_is_killed_amid_a_search_goes_on_in_it(
    engine: str, tmp_path: Path, monkeypatch: Any
) -> None:
    bench = {
        "name": "s",
        "seeds": 1,
        "folds": 2,
        "rounds": 1,
        "tasks": ["iris"],
        "methods": ["knn"],
        "workers": 1,
    }
    bench["tune"] = {"trials": 6, "folds": 2}
    whole = neuroloom.run(bench, tmp_path / "whole", engine=engine).frame()
    assert not list((tmp_path / "whole" / "searches").glob("*"))  # nothing is left of a search that has ended
    from neuroloom.runner.config import load_config
    from neuroloom.runner.plan import make_plan

    config, source = load_config(bench)
    key = next(t.key for t in make_plan(config, source).trials if t.label == "knn+tuned")
    kept = _search_of(config, key, tmp_path)
    lines = kept.read_text().splitlines()
    assert len(lines) == 7
    folder = tmp_path / "again" / "searches"
    folder.mkdir(parents=True)
    wrong = json.loads(lines[2]) | {"scores": [0.999]}  # told from what would be computed anew
    (folder / f"{key}.jsonl").write_text("\n".join([*lines[:2], json.dumps(wrong)]) + "\n")
    again = neuroloom.run(bench, tmp_path / "again", engine=engine).frame()
    tuned = again[(again["method"] == "knn+tuned") & (again["metric"] == "accuracy")].iloc[0]
    assert (
        json.loads(tuned["settings"])["best_params"]["knn__n_neighbors"] == _params(wrong)["knn__n_neighbors"]
    )
    assert set(again["status"]) == set(whole["status"]) == {"done"}


def _params(line: dict[str, Any]) -> dict[str, Any]:
    import ast

    found: dict[str, Any] = ast.literal_eval(line["params"])
    return found


def _search_of(config: Any, key: str, tmp_path: Path) -> Path:
    """Return what a search that is interrupted at its end leaves."""
    from neuroloom.methods import parameter_search
    from neuroloom.runner.config import Source
    from neuroloom.runner.engines import InlineEngine
    from neuroloom.runner.plan import make_plan

    trial = next(t for t in make_plan(config, Source("", "")).trials if t.key == key)
    path = tmp_path / "halted" / f"{key}.jsonl"
    unlink = Path.unlink
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Path, "unlink", lambda self, **given: None if self == path else unlink(self, **given))
        with InlineEngine(searches=str(tmp_path / "halted")) as engine:
            list(engine.run([trial]))
    assert parameter_search._kept.get() is None
    return path
