import json
import math

import pandas as pd
import pytest

from neuroloom.core.errors import InputError
from neuroloom.runner.results import COLUMNS, CURVE_COLUMNS, FRONT_COLUMNS, MEASURED, Results
from neuroloom.runner.row import Row


def make_row(key: str, method: str = "mlp", **changes) -> Row:
    row = Row(
        key=key,
        task="wine",
        kind="table",
        problem="classification",
        method=method,
        expression=method,
        seed=0,
        fold=int(key[-1]),
        status="done",
        metric="accuracy",
        scores={"log_loss": 0.3, "accuracy": 0.1 + 0.2},
        fit_seconds=1.5,
        predict_seconds=0.1,
        fit_cpu_seconds=1.25,
        predict_cpu_seconds=0.05,
        peak_memory_mb=12.0,
        parameters=51,
        settings={"width": 8, "activation": "größe"},
        n_train=120,
        n_test=30,
        split="abc",
        notes=["flattened", "and more"],
        curve=[{"step": 0, "seconds": 0.1, "loss": 1.0}, {"step": 1, "seconds": 0.2, "score": 0.5}],
        started=1.0,
    )
    for name, value in changes.items():
        setattr(row, name, value)
    return row


FAILED = {
    "status": "failed",
    "reason": "ValueError: no",
    "scores": {},
    "parameters": None,
    "fit_seconds": None,
    "curve": [],
}
META = {"tasks": {"wine": {"greater_is_better": True, "bounds": (0, 1)}}}


def test_a_row_becomes_one_line_a_metric():
    results = Results.from_rows([make_row("k0"), make_row("k1", **FAILED)], META)
    frame = results.frame()
    assert tuple(frame.columns) == COLUMNS
    assert frame[["key", "metric", "main"]].values.tolist() == [
        ["k0", "accuracy", True],
        ["k0", "log_loss", False],
        ["k1", "accuracy", True],
    ]
    assert frame["value"].iloc[1] == 0.3
    assert math.isnan(frame["value"].iloc[2])
    assert frame["parameters"].iloc[0] == 51
    assert frame["parameters"].iloc[2] is pd.NA
    assert json.loads(frame["settings"].iloc[0]) == {"width": 8, "activation": "größe"}
    assert frame["notes"].iloc[0] == "flattened · and more"
    assert frame["reason"].iloc[2] == "ValueError: no"
    assert len(results) == 2
    assert len(results.main()) == 2
    assert repr(results) == "Results('': 2 trials of 1 methods on 1 tasks)"


def test_fronts():
    front = {"measure": "hidden neurons", "points": [[1.0, 0.5], [4.0, 0.75]]}
    fronts = Results.from_rows([make_row("k0", front=front), make_row("k1")], META).fronts
    assert tuple(fronts.columns) == FRONT_COLUMNS
    assert fronts[["fold", "measure", "size", "score"]].values.tolist() == [
        [0, "hidden neurons", 1.0, 0.5],
        [0, "hidden neurons", 4.0, 0.75],
    ]
    assert len(Results.from_rows([make_row("k0")], META).fronts) == 0


def test_maps_of_elites_need_no_smaller_networks():
    found = {"axes": ["size"], "ranges": [[0.0, 2.0]], "fitness": [[0.5], [None]]}
    results = Results.from_rows([make_row("k0", front={"map": found}), make_row("k1")], META)
    assert results.maps == {("wine", "mlp", 0, make_row("k0").fold): found}
    assert len(results.fronts) == 0


def test_evolved_networks_are_kept_by_trial():
    found = {"what": "network", "layers": [[-1], [0]], "edges": [[-1, 0, 1.0]]}
    results = Results.from_rows([make_row("k0", front={"network": found}), make_row("k1")], META)
    assert results.networks == {("wine", "mlp", 0, make_row("k0").fold): found}
    assert results.maps == {}


def test_curves():
    curves = Results.from_rows([make_row("k0"), make_row("k1")], META).curves
    assert tuple(curves.columns) == CURVE_COLUMNS
    assert curves["fold"].tolist() == [0, 0, 1, 1]
    assert curves["loss"].iloc[0] == 1.0
    assert math.isnan(curves["loss"].iloc[1])
    assert curves["score"].iloc[1] == 0.5


def test_order_of_the_plan():
    rows = [make_row("k2"), make_row("k0"), make_row("old1"), make_row("k1", method="rbfn")]
    results = Results.from_rows(rows, META, order=["k0", "k1", "k2", "k3"])
    assert results.main()["key"].tolist() == ["k0", "k1", "k2"]
    assert results.methods == ("mlp", "rbfn")
    assert results.tasks == ("wine",)


def test_csv_is_the_same_for_the_same_results(tmp_path):
    rows = [make_row("k0"), make_row("k1", **FAILED)]
    order = ["k0", "k1"]
    first = Results.from_rows(rows, META, order).to_csv(tmp_path / "deep" / "a.csv").read_bytes()
    again = [make_row("k1", **FAILED, started=99.0), make_row("k0", started=98.0, batched=7)]
    assert Results.from_rows(again, META, order).to_csv(tmp_path / "b.csv").read_bytes() == first
    other = Results.from_rows([make_row("k0", scores={"accuracy": 0.3})], META).to_csv(tmp_path / "c.csv")
    assert other.read_bytes() != first


def test_csv_round_trip_to_the_last_digit(tmp_path):
    results = Results.from_rows([make_row("k0"), make_row("k1", **FAILED)], META)
    path = results.to_csv(tmp_path / "r.csv")
    back = Results(pd.read_csv(path), None, META).frame()
    columns = [name for name in COLUMNS if name not in ("batched", "started")]
    pd.testing.assert_frame_equal(back[columns], results.frame()[columns], check_exact=True)
    assert back["value"].iloc[0] == 0.1 + 0.2
    assert "51.0" not in path.read_text(encoding="utf-8")


def test_frame_is_a_copy():
    results = Results.from_rows([make_row("k0")], META)
    frame = results.frame()
    frame.loc[0, "value"] = -1
    assert results.frame()["value"].iloc[0] == 0.1 + 0.2


def test_missing_columns_are_filled_in():
    frame = pd.DataFrame(
        {"task": "t", "method": "m", "seed": 0, "fold": [0, 0], "metric": ["acc", "f1"], "value": [1, 2]}
    )
    whole = Results(frame.assign(status="done")).frame()
    assert tuple(whole.columns) == COLUMNS
    assert whole["main"].tolist() == [True, False]
    assert whole["batched"].tolist() == [1, 1]
    assert whole[list(MEASURED)].isna().all(axis=None)
    assert whole["split"].tolist() == ["", ""]


def test_empty_results():
    results = Results.from_rows([])
    assert len(results) == 0
    assert results.tasks == ()
    assert tuple(results.frame().columns) == COLUMNS


def test_metric_comes_from_meta_or_from_the_table_of_metrics():
    known = Results.from_rows(
        [make_row("k0")], {"tasks": {"wine": {"greater_is_better": False, "bounds": [None, 5]}}}
    )
    assert known.metric("wine") == {
        "name": "accuracy",
        "greater_is_better": False,
        "bounds": (-math.inf, 5.0),
    }
    declared = Results.from_rows([make_row("k0")]).metric("wine")
    assert declared == {"name": "accuracy", "greater_is_better": True, "bounds": (0.0, 1.0)}
    with pytest.raises(InputError, match="metric 'cost' is not known and `meta` does not say which way"):
        Results.from_rows([make_row("k0", metric="cost", scores={"cost": 1.0})]).metric("wine")
    with pytest.raises(InputError, match="did you mean 'wine'"):
        known.metric("wines")


def test_rejects_what_cannot_be_results():
    frame = Results.from_rows([make_row("k0")]).frame()
    with pytest.raises(InputError, match="lacks the columns value, status"):
        Results(frame.drop(columns=["value", "status"]))
    with pytest.raises(InputError, match=r"status must be one of done, .*, but got over"):
        Results(frame.assign(status="over"))
    with pytest.raises(InputError, match="'mlp' stands twice under accuracy on 'wine', seed 0, fold 0"):
        Results(pd.concat([frame, frame]))


def test_report_is_written_by_the_report(tmp_path, monkeypatch):
    import types

    written = {}
    stand_in = types.ModuleType("neuroloom.runner.report")
    stand_in.write = lambda results, path: written.update({path: results})  # type: ignore[attr-defined]
    monkeypatch.setitem(__import__("sys").modules, "neuroloom.runner.report", stand_in)
    results = Results.from_rows([make_row("k0")], META)
    assert results.report(tmp_path / "r.html") == tmp_path / "r.html"
    assert written == {tmp_path / "r.html": results}


def test_pandas_is_not_imported_before_it_is_needed():
    import subprocess
    import sys

    code = "import sys, neuroloom.runner.results, neuroloom.runner.compare, neuroloom.runner.statistics; "
    done = subprocess.run(
        [sys.executable, "-c", code + "print('pandas' in sys.modules, 'scipy' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["False", "False"]
