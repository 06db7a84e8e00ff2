import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from neuroloom.core.errors import InputError
from neuroloom.runner.results import Results
from neuroloom.runner.statistics import within_task

from .frames import make_results, random_bench


def reversed_rows(results: Results) -> Results:
    return Results(results.frame().iloc[::-1], None, results.meta)


def test_means_intervals_and_pairs_follow_the_formula():
    bench = random_bench(0, tasks=1, methods=3, cells=10)
    task = within_task(make_results(bench), "t0")
    a, b, c = (np.array(bench["t0"][name]) for name in ("m0", "m1", "m2"))
    factor = math.sqrt(1 / 10 + 20 / 80)
    for name, x in (("m0", a), ("m1", b), ("m2", c)):
        row = task.methods.set_index("method").loc[name]
        assert row["mean"] == pytest.approx(x.mean())
        half = stats.t.ppf(0.975, 9) * x.std(ddof=1) * factor
        assert (row["low"], row["high"]) == pytest.approx((x.mean() - half, x.mean() + half))
    p = []
    for first, second, x in (("m0", "m1", a - b), ("m0", "m2", a - c), ("m1", "m2", b - c)):
        d = task.between(first, second)
        p.append(2 * stats.t.sf(abs(x.mean()) / (x.std(ddof=1) * factor), 9))
        assert d.mean == pytest.approx(x.mean())
        assert d.p == pytest.approx(p[-1])
        joint = stats.t.ppf(1 - 0.025 / 3, 9) * x.std(ddof=1) * factor
        assert (d.joint_low, d.joint_high) == pytest.approx((x.mean() - joint, x.mean() + joint))
    adjusted = multipletests(p, method="holm")[1]
    assert [
        task.between(*pair).p_holm for pair in (("m0", "m1"), ("m0", "m2"), ("m1", "m2"))
    ] == pytest.approx(adjusted)


def test_ranks_are_means_over_splits():
    task = within_task(
        make_results({"t": {"a": [0.9, 0.8, 0.5], "b": [0.7, 0.8, 0.6], "c": [0.1, 0.1, 0.1]}}), "t"
    )
    ranks = task.methods.set_index("method")["rank"]
    assert ranks.to_dict() == pytest.approx({"a": (1 + 1.5 + 2) / 3, "b": (2 + 1.5 + 1) / 3, "c": 3})


def test_winner_group_and_margins():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.01, (10, 4))
    noise -= noise.mean(axis=0)
    names = ("best", "close", "far", "farther")
    means = (0.9, 0.898, 0.8, 0.7)
    bench = {"t": {n: list(m + noise[:, k]) for k, (n, m) in enumerate(zip(names, means, strict=True))}}
    winner = within_task(make_results(bench, seconds={"best": 7.0}), "t").winner
    assert (winner.method, winner.tied, winner.second, winner.next_outside) == (
        "best",
        ("close",),
        "close",
        "far",
    )
    assert winner.outside_margin.joint_low > 0 > winner.margin.joint_low
    assert winner.margin.mean == pytest.approx(np.mean(np.array(bench["t"]["best"]) - bench["t"]["close"]))
    assert winner.fit_seconds == 7.0
    assert "not told apart from it: close" in winner.sentence
    assert "lead over far" in winner.sentence


def test_lower_is_better():
    bench = random_bench(1, tasks=1)
    up = within_task(make_results(bench), "t0")
    flipped = {"t0": {name: [-x for x in values] for name, values in bench["t0"].items()}}
    down = within_task(make_results(flipped, metric="rmse", greater=False, bounds=(-1.0, 1.0)), "t0")
    assert list(down.methods["method"]) == list(up.methods["method"])
    columns = ["mean", "low", "high", "p", "p_holm"]
    pd.testing.assert_frame_equal(down.pairs[columns], up.pairs[columns])
    assert down.winner.mean == pytest.approx(-up.winner.mean)
    assert down.winner.margin.mean == pytest.approx(up.winner.margin.mean)
    assert down.winner.margin.mean > 0
    assert list(down.methods["rank"]) == pytest.approx(list(up.methods["rank"]))


def test_one_published_split_speaks_of_seeds_only():
    values = {"a": [0.80, 0.82, 0.81, 0.83], "b": [0.70, 0.71, 0.72, 0.70]}
    task = within_task(make_results({"t": values}, published_splits=1), "t")
    assert task.over == "seeds"
    assert "say nothing about other splits" in task.notes[0].replace("and say", "say")
    x = np.array(values["a"])
    half = stats.t.ppf(0.975, 3) * x.std(ddof=1) / 2  # independent seeds: no correction
    assert task.methods["low"].iloc[0] == pytest.approx(x.mean() - half)
    assert task.between("a", "b").p == pytest.approx(stats.ttest_rel(values["a"], values["b"]).pvalue)


def test_several_published_splits_are_corrected():
    values = {"a": [0.80, 0.82, 0.81, 0.83], "b": [0.70, 0.71, 0.72, 0.70]}
    task = within_task(make_results({"t": values}, published_splits=20, n_train=90, n_test=10), "t")
    assert task.over == "splits"
    d = np.array(values["a"]) - values["b"]
    t = d.mean() / (d.std(ddof=1) * math.sqrt(1 / 4 + 1 / 9))
    assert task.between("a", "b").p == pytest.approx(2 * stats.t.sf(t, 3))


def test_without_meta_the_split_tells_what_varies():
    results = make_results({"t": {"a": [0.8, 0.9], "b": [0.7, 0.6]}}, published_splits=1)
    about = {"t": {"greater_is_better": True, "bounds": (0, 1)}}
    assert within_task(Results(results.frame(), None, {"tasks": about}), "t").over == "seeds"


def test_sizes_unknown():
    results = make_results({"t": {"a": [0.8, 0.9, 0.85], "b": [0.7, 0.6, 0.7]}})
    frame = results.frame().assign(n_train=pd.NA, n_test=pd.NA)
    task = within_task(Results(frame, None, results.meta), "t")
    assert math.isnan(task.pairs["p"].iloc[0])
    assert "variance cannot be corrected" in task.pairs["why"].iloc[0]
    assert task.winner.tied == ("b",)
    told = within_task(Results(frame, None, {**results.meta, "folds": 5}), "t")
    assert told.pairs["p"].iloc[0] == pytest.approx(within_task(results, "t").pairs["p"].iloc[0])


def test_one_split():
    task = within_task(make_results({"t": {"a": [0.9], "b": [0.5]}}), "t")
    assert math.isnan(task.pairs["p"].iloc[0])
    assert not task.pairs["apart"].iloc[0]
    assert "at least two are needed" in task.pairs["why"].iloc[0]
    assert task.winner.tied == ("b",)
    assert task.methods["note"].iloc[0] == "one split only, so no interval"
    assert math.isnan(task.methods["low"].iloc[0])


def test_constant_scores():
    far = within_task(
        make_results({"t": {"perfect": [1.0] * 25, "dummy": [0.5] * 25, "twin": [1.0] * 25}}), "t"
    )
    assert far.between("perfect", "dummy").apart
    assert far.between("perfect", "twin").p == 1.0
    assert far.winner.tied == ("twin",)
    assert far.methods["low"].iloc[0] == far.methods["high"].iloc[0] == 1.0
    assert "the same score on all 25 splits" in far.methods["note"].iloc[0]
    # two splits with one more of 30 right each: chance
    near = within_task(
        make_results({"t": {"a": [28 / 30, 27 / 30], "b": [27 / 30, 26 / 30]}}, n_test=30), "t"
    )
    assert not near.between("a", "b").apart


def test_failure_policies():
    scores = {"t": {"a": [0.9, 0.91, "timeout", 0.92], "b": [0.8, 0.79, 0.7, 0.81], "c": ["failed"] * 4}}
    worst = within_task(make_results(scores), "t", "worst")
    table = worst.methods.set_index("method")
    assert table.loc["a", "mean"] == pytest.approx((0.9 + 0.91 + 0.7 + 0.92) / 4)
    assert table.loc["c", "mean"] == pytest.approx(0.7)
    assert (table.loc["a", "failed"], table.loc["a", "done"]) == (1, 3)
    assert table.loc["c", "note"] == "no trial was done"
    assert list(worst.methods["method"]) == ["a", "b", "c"]
    assert worst.winner.method == "a"
    assert "c" not in worst.winner.tied
    left = within_task(make_results(scores), "t", "left out")
    table = left.methods.set_index("method")
    assert table.loc["a", "mean"] == pytest.approx((0.9 + 0.91 + 0.92) / 3)
    assert math.isnan(table.loc["c", "mean"])
    d = left.between("a", "b")
    assert d.n == 3
    assert d.mean == pytest.approx((0.1 + 0.12 + 0.11) / 3)
    lower = within_task(
        make_results(scores, greater=False, metric="rmse", bounds=(0, math.inf)), "t", "worst"
    )
    assert lower.methods.set_index("method").loc["a", "mean"] == pytest.approx((0.9 + 0.91 + 0.92 + 0.92) / 4)


def test_skipped_and_missing_trials_are_no_failures():
    scores = {"t": {"a": [0.9, 0.8, 0.85], "b": ["skipped"] * 3, "c": [0.7, 0.6, None]}}
    task = within_task(make_results(scores), "t")
    assert set(task.methods["method"]) == {"a", "c"}
    assert task.between("a", "c").n == 2
    assert task.methods.set_index("method").loc["c", "mean"] == pytest.approx(0.65)
    assert any("have no score" in note for note in task.notes)


def test_nothing_was_done():
    task = within_task(make_results({"t": {"a": ["failed"] * 3, "b": ["killed"] * 3}}), "t")
    assert task.winner is None
    assert task.methods["mean"].isna().all()
    assert len(task.pairs) == 0
    skipped = within_task(make_results({"t": {"a": ["skipped"] * 3}}), "t")
    assert skipped.winner is None
    assert len(skipped.methods) == 0


def test_undefined_metric_is_missing_not_failed():
    task = within_task(make_results({"t": {"a": [0.9, math.nan, 0.8], "b": [0.7, 0.6, 0.5]}}), "t")
    row = task.methods.set_index("method").loc["a"]
    assert row["mean"] == pytest.approx(0.85)
    assert "undefined on 1" in row["note"]
    assert task.between("a", "b").n == 2


def test_unknown_names():
    results = make_results({"wine": {"a": [0.9, 0.8]}})
    with pytest.raises(InputError, match="did you mean 'wine'"):
        within_task(results, "wines")
    with pytest.raises(InputError, match="method of task 'wine' 'z'"):
        within_task(results, "wine").between("a", "z")


def test_order_of_rows_does_not_matter():
    results = make_results(random_bench(3, tasks=1, methods=5))
    one, other = (within_task(r, "t0") for r in (results, reversed_rows(results)))
    pd.testing.assert_frame_equal(one.methods, other.methods)
    pd.testing.assert_frame_equal(one.pairs, other.pairs)
    assert one.winner == other.winner


@given(
    st.lists(
        st.lists(
            st.one_of(st.sampled_from([0.0, 0.5, 1.0, "failed", "skipped", None]), st.floats(0, 1)),
            min_size=4,
            max_size=4,
        ),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from(["worst", "left out"]),
)
@settings(max_examples=25, deadline=None)
def test_anything_gives_consistent_values(columns, policy):
    scores = {"t": {f"m{k}": column for k, column in enumerate(columns)}}
    if all(value is None for column in columns for value in column):
        return
    task = within_task(make_results(scores, folds=2), "t", policy)
    done = [v for column in columns for v in column if isinstance(v, float)]
    assert (task.winner is None) == (not done)
    if done:
        group = {task.winner.method, *task.winner.tied}
        assert set(task.methods["method"][task.methods["tied"]]) == group
        alive = task.methods[task.methods["done"] > 0]
        assert task.winner.mean >= alive["mean"].max() - 1e-12
    tested = task.pairs[task.pairs["p"].notna()]
    assert ((tested["p"] >= 0) & (tested["p_holm"] >= tested["p"]) & (tested["p_holm"] <= 1)).all()
    assert (task.pairs["p"].isna() == (task.pairs["why"] != "")).all()
