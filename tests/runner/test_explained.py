"""What scores rest on, through the whole bench: measured, kept, shown, and only where asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import neuroloom
from neuroloom.runner import load_results
from neuroloom.runner.config import Config, Source
from neuroloom.runner.plan import make_plan
from neuroloom.runner.report import render


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explained")
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(150, 3)), columns=["noise", "cause", "colour"])
    frame["colour"] = np.where(frame["colour"] > 0, "red", "blue")
    frame["price"] = 3 * frame["cause"] + (frame["colour"] == "red")
    frame.to_csv(folder / "made.csv", index=False)
    config = {
        "name": "explained",
        "seeds": 1,
        "folds": 3,
        "tasks": ["wine", "karate"],
        "methods": ["ridge", "dummy"],
        "task": [{"name": "made", "path": str(folder / "made.csv"), "target": "price"}],
        "explain": True,
    }
    return config, neuroloom.run(config, folder / "run", engine="inline"), folder / "run"


def test_scores_fall_without_what_they_rest_on(bench):
    drops = bench[1].importances
    made = drops[(drops["task"] == "made") & (drops["method"] == "ridge")].groupby("part")["drop"].mean()
    assert set(made.index) == {"noise", "cause", "colour"}
    assert made["cause"] > 1.5  # of r2: shuffling what makes nine tenths of it does about twice the damage
    assert 0.02 < made["colour"] < 0.2
    assert abs(made["noise"]) < 0.01
    assert drops.loc[drops["method"] == "dummy", "drop"].abs().max() == 0
    assert set(drops["task"]) == {"made", "wine"}  # nodes do not fall into parts


def test_they_are_kept_and_shown(bench):
    _, results, folder = bench
    pd.testing.assert_frame_equal(load_results(folder).importances, results.importances)
    text = render(results, "md")
    assert "made: fall of r2 when a column is shuffled" in text
    assert "What the scores rest on" in (folder / "report.html").read_text()


def test_nothing_changes_where_it_is_not_asked_for(bench):
    config, results, folder = bench
    plain = {**config, "explain": False}
    trials = [make_plan(Config.model_validate(c), Source("", "")).trials for c in (config, plain)]
    differs = {t.task_name for t, u in zip(*trials, strict=True) if t.key != u.key}
    assert differs == {"made", "wine"}
    again = neuroloom.run(plain, folder.parent / "plain", engine="inline")
    assert not len(again.importances)
    assert "What the scores rest on" not in (folder.parent / "plain" / "report.html").read_text()
    both = [r.frame().query("method == 'ridge'")["value"].tolist() for r in (results, again)]
    assert both[0] == pytest.approx(both[1], nan_ok=True)
