"""Calibration and coverage through the whole bench: what trials report, what is kept of it, and from before it was."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest

import neuroloom
from neuroloom.core.errors import InputError
from neuroloom.runner import load_results
from neuroloom.runner.config import Config, Source
from neuroloom.runner.execute import run_trial
from neuroloom.runner.plan import make_plan
from neuroloom.runner.results import Results

BENCH = {
    "name": "sure",
    "seeds": 1,
    "folds": 3,
    "tasks": ["wine", "diabetes"],
    "methods": ["logreg", "ridge", "svm+temperature"],
}


def plan(**changes):
    config = Config.model_validate({**BENCH, **changes})
    return make_plan(config, Source("", "")).trials


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return neuroloom.run({**BENCH, "keep_predictions": True}, folder, engine="inline", confidence=0.8), folder


def test_a_trial_keeps_its_beliefs():
    row = run_trial(
        next(t for t in plan() if t.task_name == "wine" and t.label == "logreg"), keep_predictions=True
    )
    assert row.beliefs is not None
    assert row.beliefs["sample"].tolist() == row.predictions["test"].tolist()
    p = row.predictions["probability"]
    assert row.beliefs["confidence"] == pytest.approx(p.max(1), rel=1e-6)
    assert row.beliefs["right"].mean() == pytest.approx(row.scores["accuracy"])
    assert row.beliefs["loss"].mean() == pytest.approx(row.scores["log_loss"], rel=1e-5)
    truth = row.predictions["y"][:, None] == np.unique(row.predictions["y"])
    assert row.scores["brier"] == pytest.approx(((p - truth) ** 2).sum(1).mean() / 2, rel=1e-5)


def test_scores_of_coverage_stand_beside_the_others(bench):
    frame = bench[0].frame().set_index(["task", "method", "metric"]).sort_index()["value"]
    covered = frame["diabetes", "ridge", "interval_coverage"]
    assert len(covered) == 3
    assert 0.6 < covered.mean() < 0.95
    width, winkler = (frame["diabetes", "ridge", name] for name in ("interval_width", "winkler"))
    assert (winkler.to_numpy() > width.to_numpy()).all()  # some are missed, which costs
    assert 0.7 < frame["wine", "svm+temperature", "set_coverage"].mean() <= 1
    assert 1 <= frame["wine", "svm+temperature", "set_size"].mean() < 2
    assert ("wine", "ridge", "set_coverage") not in frame.index
    notes = bench[0].meta["tasks"]["wine"]["notes"]
    assert (
        "ridge has no sets of classes, since it gives no probabilities; ridge+temperature gives some" in notes
    )


def test_the_main_answers_do_not_change_with_a_confidence():
    with_, without = (
        {t.label: t for t in plan(confidence=c) if t.task_name == "diabetes"}["ridge"] for c in (0.9, None)
    )
    assert with_.key != without.key
    one, other = run_trial(with_), run_trial(without)
    assert one.scores["r2"] == other.scores["r2"]
    assert "winkler" in one.scores
    assert "winkler" not in other.scores


def test_keys_without_extras_are_those_from_before():
    import dataclasses
    import hashlib
    import json

    trial = plan()[0]
    parts = {f.name: getattr(trial, f.name) for f in dataclasses.fields(trial) if f.compare}
    del parts["confidence"], parts["explain"]
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    assert trial.key == hashlib.sha256(text.encode()).hexdigest()


def test_the_report_never_shows_an_interval_without_its_coverage(bench):
    page = (bench[1] / "report.html").read_text()
    assert page.count("<h3>Intervals</h3>") == page.count("<h3>Sets of classes</h3>") == 1
    assert "intervals that are to cover 80 %" in page
    from neuroloom.runner.report import render

    text = render(load_results(bench[1]), "md")
    table = text[text.index("diabetes: intervals that are") :].splitlines()
    assert "| Method | Winkler score | Width | Coverage | 95 % interval | Off by |" in table[2].replace(
        "\\", ""
    )
    assert text.count("Winkler score") == text.count("Width") == 1


def test_a_run_from_before_gets_its_calibration_from_its_predictions(bench):
    before = bench[0].beliefs
    with sqlite3.connect(bench[1] / "results.db") as connection:
        connection.execute("DROP TABLE beliefs")
    found = load_results(bench[1])
    assert isinstance(found, Results)
    assert found.beliefs.keys() == before.keys()
    key = ("wine", "logreg", 0, 1)
    assert found.beliefs[key].tolist() == before[key].tolist()


def test_a_confidence_out_of_range_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"`confidence` .*less than 1, but got 1.5"):
        neuroloom.run({**BENCH, "confidence": 1.5}, tmp_path)
    with pytest.raises(InputError, match="`confidence` must"):
        neuroloom.run(BENCH, tmp_path, confidence=0.0)
