import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neuroloom.core.errors import InputError
from neuroloom.runner.compare import compare
from neuroloom.runner.results import Results

from .statistics.frames import make_results, random_bench


@pytest.fixture
def run():
    return make_results(random_bench(0, tasks=3, methods=3, cells=25))


def changed(run: Results, task: str, method: str, **changes) -> Results:
    """Return the run with columns of one cell changed: by a function of the column, or to a value."""
    frame = run.frame()
    rows = (frame["task"] == task) & (frame["method"] == method)
    for name, change in changes.items():
        frame.loc[rows, name] = change(frame.loc[rows, name]) if callable(change) else change
    return Results(frame, None, run.meta)


def cell(comparison, task, method):
    return comparison.frame().set_index(["task", "method"]).loc[(task, method)]


def test_a_run_equals_itself(run):
    same = compare(run, run)
    assert set(same.cells["verdict"]) == {"same"}
    assert set(same.cells["speed"]) == {"same"}
    assert same.exit_status == 0
    assert "No significant regression." in same.text()


def test_worse_and_better(run):
    noise = np.random.default_rng(1).normal(0, 0.01, 25)
    other = changed(run, "t1", "m2", value=lambda x: x - 0.1 + noise)
    found = compare(run, other)
    row = cell(found, "t1", "m2")
    d = np.array(noise) - 0.1
    t = d.mean() / (d.std(ddof=1) * math.sqrt(1 / 25 + 1 / 4))
    assert row["p"] == pytest.approx(2 * stats.t.sf(-t, 24))
    assert row["p_holm"] == pytest.approx(9 * row["p"])
    assert row["gain"] == pytest.approx(d.mean())
    assert (row["verdict"], row["test"], row["n"]) == ("worse", "paired", 25)
    assert found.exit_status == 3
    assert [(r.task, r.method, r.what) for r in found.regressions] == [("t1", "m2", "score")]
    back = compare(other, run)
    assert cell(back, "t1", "m2")["verdict"] == "better"
    assert back.exit_status == 0
    assert "Better" in back.text()


def test_lower_is_better():
    bench = random_bench(2, tasks=2, methods=2, cells=25)
    run = make_results(bench, metric="rmse", greater=False, bounds=(0, math.inf))
    found = compare(run, changed(run, "t0", "m0", value=lambda x: x + 0.2))
    assert cell(found, "t0", "m0")["verdict"] == "worse"
    assert cell(found, "t0", "m0")["gain"] == pytest.approx(-0.2)


@pytest.mark.slow
def test_noise_is_no_regression():
    """The same methods with other seeds: over 20 pairs of runs at most a few false alarms."""
    alarms = 0
    for seed in range(20):
        bench = random_bench(seed, tasks=2, methods=3, cells=10)
        rng = np.random.default_rng(seed)
        # fold noise with the correlation that shared training data give: n_test / (n_train + n_test) = 0.2
        again = {
            task: {
                m: list(np.array(v) + rng.normal(0, 0.004) + rng.normal(0, 0.008, 10))
                for m, v in methods.items()
            }
            for task, methods in bench.items()
        }
        alarms += compare(make_results(bench), make_results(again)).exit_status == 3
    assert alarms <= 3


def test_slower(run):
    slow = changed(run, "t0", "m0", fit_cpu_seconds=2.0)
    found = compare(run, slow)
    row = cell(found, "t0", "m0")
    assert (row["speed"], row["ratio"]) == ("slower", 2.0)
    assert row["p_slower"] == pytest.approx(18 * 0.5**25)
    assert [r.what for r in found.regressions] == ["speed"]
    assert cell(compare(slow, run), "t0", "m0")["speed"] == "faster"
    assert compare(run, slow, threshold=2.5).exit_status == 0


def test_speed_is_not_judged_on_another_machine_or_for_too_short_fits(run):
    slow = changed(run, "t0", "m0", fit_cpu_seconds=2.0)
    here, there = (Results(r.frame(), None, {**r.meta, "cpu": cpu}) for r, cpu in ((run, "A1"), (slow, "B2")))
    found = compare(here, there)
    assert cell(found, "t0", "m0")["speed"] == "slower"
    assert found.exit_status == 0
    assert "machines differ (cpu A1 and B2)" in found.notes[0]
    tiny = Results(run.frame().assign(fit_cpu_seconds=0.001), None, run.meta)
    tinier = compare(tiny, changed(tiny, "t0", "m0", fit_cpu_seconds=0.009))
    assert cell(tinier, "t0", "m0")["speed"] == "untested"
    assert any("too short" in note for note in tinier.notes)
    batch = compare(run, changed(slow, "t0", "m0", batched=5))
    assert cell(batch, "t0", "m0")["speed"] == "untested"


def test_newly_failing_trials(run):
    frame = run.frame()
    first = frame.index[(frame["task"] == "t2") & (frame["method"] == "m1")][:2]
    frame.loc[first, ["status", "value"]] = ["timeout", math.nan]
    broken = Results(frame, None, run.meta)
    found = compare(run, broken)
    assert [(r.task, r.method, r.what) for r in found.regressions] == [("t2", "m1", "failure")]
    assert "2 trials that were done now fail" in found.text()
    assert cell(found, "t2", "m1")["n"] == 23
    assert found.exit_status == 3
    assert compare(run, broken, failures=False).exit_status == 0
    assert compare(broken, run).exit_status == 0  # failed before, done now
    assert compare(broken, broken).exit_status == 0


def test_all_of_a_cell_fails_now(run):
    found = compare(run, changed(run, "t0", "m0", status="failed", value=math.nan))
    row = cell(found, "t0", "m0")
    assert (row["verdict"], row["newly_failed"], row["why"]) == (
        "untested",
        25,
        "no score in one of the runs",
    )
    assert found.exit_status == 3


def test_other_splits_are_compared_unpaired(run):
    other = changed(run, "t0", "m0", split=lambda x: x + "!", value=lambda x: x - 0.3)
    row = cell(compare(run, other), "t0", "m0")
    assert (row["test"], row["verdict"], row["why"]) == ("unpaired", "worse", "unpaired: the splits differ")
    x = run.main_of("t0").query("method == 'm0'")["value"].to_numpy()
    half = stats.t.ppf(0.975, 48) * math.sqrt(2 * x.var(ddof=1) * (1 / 25 + 1 / 4))
    assert (row["low"], row["high"]) == pytest.approx((-0.3 - half, -0.3 + half))


def test_other_data_are_compared_unpaired(run):
    def with_data(fingerprint):
        tasks = {name: {**about, "fingerprint": fingerprint} for name, about in run.meta["tasks"].items()}
        return Results(run.frame(), None, {**run.meta, "tasks": tasks})

    found = compare(with_data("x"), with_data("y"))
    assert set(found.cells["test"]) == {"unpaired"}
    assert set(found.cells["why"]) == {"unpaired: the data changed"}
    assert set(compare(with_data("x"), with_data("x")).cells["test"]) == {"paired"}


def test_new_and_missing(run):
    frame = run.frame()
    without = Results(frame[frame["method"] != "m2"], None, run.meta)
    found = compare(without, run)
    assert found.new == (("t0", "m2"), ("t1", "m2"), ("t2", "m2"))
    assert found.missing == ()
    assert found.exit_status == 0
    back = compare(run, without)
    assert back.missing == found.new
    assert "Missing" in back.text()
    nothing = compare(
        Results(frame[frame["task"] == "t0"], None, run.meta),
        Results(frame[frame["task"] == "t1"], None, run.meta),
    )
    assert len(nothing.cells) == 0
    assert nothing.text().startswith("test -> test: 0 cells")


def test_one_trial_each_is_not_tested():
    one, other = (make_results({"t": {"m": [score]}}) for score in (0.9, 0.2))
    found = compare(one, other)
    row = cell(found, "t", "m")
    assert (row["verdict"], row["gain"], row["why"]) == ("untested", pytest.approx(-0.7), "a single pair")
    assert found.exit_status == 0
    assert any("a single pair" in note for note in found.notes)


def test_a_deterministic_change_on_one_published_split():
    before = make_results({"t": {"m": [0.815] * 5}}, published_splits=1, n_test=1000)
    after = make_results({"t": {"m": [0.790] * 5}}, published_splits=1, n_test=1000)
    assert cell(compare(before, after), "t", "m")["verdict"] == "worse"


def test_another_metric_is_not_compared(run):
    other = Results(run.frame().assign(metric="f1"), None, run.meta)
    found = compare(run, other)
    assert set(found.cells["why"]) == {"the main metric was accuracy and is now f1"}
    assert set(found.cells["verdict"]) == {"untested"}


def test_text_fits_the_terminal(run):
    long = "a-very-long-method-name-with[population=300,learning=lamarckian]"
    frames = [changed(run, "t0", "m0", value=lambda x: x - 0.3).frame(), run.frame()]
    runs = [Results(f.assign(method=f["method"].replace("m0", long)), None, run.meta) for f in frames]
    text = compare(runs[1], runs[0]).text()
    assert max(map(len, text.splitlines())) <= 80
    assert long in text
    assert text.splitlines()[2] == "Regressions"
    assert isinstance(compare(*runs).frame(), pd.DataFrame)


def test_wrong_parameters(run):
    with pytest.raises(InputError, match="`threshold` must be a number"):
        compare(run, run, threshold=0.5)
    with pytest.raises(InputError, match="`alpha` must be a number"):
        compare(run, run, alpha=0.0)
