import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neuroloom.core.errors import InputError
from neuroloom.runner.results import Results
from neuroloom.runner.statistics import across_tasks, analyse, holm_adjust

from .frames import make_results, random_bench


def means(bench):
    return pd.DataFrame({t: {m: np.mean(v) for m, v in methods.items()} for t, methods in bench.items()}).T


def test_follows_scipy_over_task_means():
    bench = random_bench(0, tasks=10, methods=4)
    across, table = across_tasks(make_results(bench)), means(bench)
    pd.testing.assert_frame_equal(across.table[table.columns], table, check_names=False)
    ranks = table.rank(axis=1, ascending=False).mean()
    assert across.ranks.set_index("method")["mean_rank"].to_dict() == pytest.approx(ranks.to_dict())
    assert across.friedman.p_chi2 == pytest.approx(stats.friedmanchisquare(*table.T.to_numpy()).pvalue)
    matrix = across.matrix.set_index(["a", "b"])
    for (a, b), row in matrix.iterrows():
        d = table[a] - table[b]
        assert row["p"] == pytest.approx(stats.wilcoxon(d, method="exact").pvalue)
        assert row["difference"] == pytest.approx(d.mean())
        assert (row["wins"], row["ties"], row["losses"]) == ((d > 0).sum(), 0, (d < 0).sum())
        assert (row["low"], row["high"]) == pytest.approx(stats.ttest_1samp(d, 0).confidence_interval())
    assert across.holm["p_holm"].to_numpy() == pytest.approx(holm_adjust(matrix["p"]))
    assert (across.holm["apart"] == (across.holm["p_holm"] <= 0.05)).all()
    best, second = across.ranks["method"].iloc[:2]
    assert (across.winner.method, across.winner.second) == (best, second)
    assert across.winner.difference == pytest.approx((table[best] - table[second]).mean())


@pytest.mark.filterwarnings("ignore")  # autorank's own
def test_equals_autorank():
    autorank = pytest.importorskip("autorank", reason="autorank is only an oracle")
    bench = random_bench(4, tasks=12, methods=4, effect=0.01)
    table = means(bench)
    theirs = autorank.autorank(
        table, alpha=0.05, verbose=False, force_mode="nonparametric", order="descending"
    )
    across = across_tasks(make_results(bench))
    assert theirs.omnibus == "friedman"
    assert across.friedman.p_chi2 == pytest.approx(theirs.pvalue)
    assert across.nemenyi == pytest.approx(theirs.cd, rel=1e-4)  # it interpolates a table
    ours = across.ranks.set_index("method")["mean_rank"]
    assert ours.to_dict() == pytest.approx(theirs.rankdf["meanrank"].to_dict())


def test_a_pair_does_not_change_when_a_method_is_added():
    bench = random_bench(1, tasks=9, methods=5)
    fewer = {task: {m: v for m, v in methods.items() if m != "m4"} for task, methods in bench.items()}
    # the method that is added ran on seven of the nine tasks, so the common tasks change too
    for task in ("t0", "t1"):
        bench[task].pop("m4")
    small, large = (across_tasks(make_results(b)) for b in (fewer, bench))
    assert len(small.common.tasks) == 9
    assert len(large.common.tasks) == 7
    for a, b in itertools.combinations(("m0", "m1", "m2", "m3"), 2):
        rows = []
        for across in (small, large):
            found = across.matrix[across.matrix["a"].isin([a, b]) & across.matrix["b"].isin([a, b])].iloc[0]
            sign = 1 if found["a"] == a else -1
            rows.append(
                (found["tasks"], found["p"], sign * found["difference"], {found["wins"], found["losses"]})
            )
        assert rows[0] == rows[1]


def test_order_of_rows_and_names_does_not_matter():
    results = make_results(random_bench(2, tasks=8, methods=5))
    shuffled = Results(results.frame().sample(frac=1, random_state=0), None, results.meta)
    one, other = across_tasks(results), across_tasks(shuffled)
    for name in ("ranks", "matrix", "holm", "bayes"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))
    assert one.winner == other.winner
    assert one.common == other.common
    rename = {"m0": "z", "m4": "a"}
    frame = results.frame().assign(method=lambda f: f["method"].replace(rename))
    renamed = across_tasks(Results(frame, None, results.meta))
    expected = [rename.get(name, name) for name in one.ranks["method"]]
    assert list(renamed.ranks["method"]) == expected
    assert list(renamed.holm["p_holm"]) == pytest.approx(list(one.holm["p_holm"]))


def test_the_task_is_the_unit_not_the_seed():
    """Ten times the seeds of the same scores leave every p-value across tasks as it is."""
    bench = random_bench(3, tasks=7, methods=3, cells=5)
    more = {task: {m: v * 10 for m, v in methods.items()} for task, methods in bench.items()}
    few, many = across_tasks(make_results(bench)), across_tasks(make_results(more))
    assert list(few.holm["p"]) == pytest.approx(list(many.holm["p"]))
    assert few.friedman.p == pytest.approx(many.friedman.p)


@pytest.mark.parametrize("tasks", [1, 2, 5])
def test_below_six_tasks_no_p_value(tasks):
    across = across_tasks(make_results(random_bench(4, tasks=tasks, methods=3, effect=0.2)))
    assert not across.tested
    assert across.friedman is None
    assert math.isnan(across.nemenyi)
    assert math.isnan(across.smallest_p)
    assert across.holm["p"].isna().all()
    assert across.matrix["p"].isna().all()
    assert (across.matrix["why"] != "").all()
    assert across.bayes["p_better"].isna().all()
    assert not across.holm["apart"].any()
    assert across.cliques == across.nemenyi_cliques == ()
    assert "6 are needed" in across.why
    assert list(across.ranks["method"]) == ["m2", "m1", "m0"]
    if tasks == 5:
        assert "0.0625" in across.why
    assert "p-value" not in across.winner.sentence


def test_six_tasks_state_what_they_can_reach():
    two = across_tasks(make_results(random_bench(5, tasks=6, methods=2, effect=0.2)))
    assert two.smallest_p == pytest.approx(0.03125)
    assert two.holm["p_holm"].iloc[0] == pytest.approx(0.03125)
    assert two.winner.tied == ()
    five = across_tasks(make_results(random_bench(5, tasks=6, methods=5, effect=0.2)))
    assert five.smallest_p == pytest.approx(10 * 0.03125)
    assert len(five.winner.tied) == 4
    assert any("0.312, above 0.05" in note and "9 tasks would be needed" in note for note in five.notes)
    assert five.friedman.p < 0.001


def test_largest_common_set_ranks_and_others_do_not():
    bench = random_bench(6, tasks=9, methods=4, effect=0.1)
    for task in ("t0", "t1", "t2", "t3"):
        bench[task].pop("m3")
    results = make_results(bench)
    across = across_tasks(results)
    assert across.common.methods == ("m0", "m1", "m2")
    assert len(across.common.tasks) == 9
    assert across.common.others == {"m3": 5}
    assert "m3" not in set(across.matrix["a"]) | set(across.matrix["b"]) | set(across.ranks["method"])
    assert any("m3 (5 of 9)" in note for note in across.notes)
    board = analyse(results).leaderboard.set_index("method")
    assert math.isnan(board.loc["m3", "rank"])
    assert "ran on 5 of the 9 common tasks" in board.loc["m3", "note"]


def test_different_metrics():
    bench = random_bench(7, tasks=8, methods=3, effect=0.1)
    metric = {task: "accuracy" if k < 5 else "r2" for k, task in enumerate(bench)}
    across = across_tasks(make_results(bench, metric=metric))
    assert across.metric is None
    assert across.matrix["difference"].isna().all()
    assert (across.matrix["test"] == "sign test").all()
    table = means(bench)
    row = across.matrix.iloc[0]
    d = table[row["a"]] - table[row["b"]]
    assert row["p"] == pytest.approx(stats.binomtest(int((d > 0).sum()), 8).pvalue)
    assert across.ranks["mean"].isna().all()
    assert across.friedman is not None
    assert across.bayes["why"].str.contains("different metrics").all()
    assert any("different metrics" in note for note in across.notes)


def test_unbounded_metric_has_no_region_of_equivalence():
    across = across_tasks(
        make_results(random_bench(7, tasks=8), metric="rmse", greater=False, bounds=(0, math.inf))
    )
    assert across.bayes["why"].str.contains("not bounded").all()
    assert across.ranks["method"].iloc[0] == "m0"
    assert (across.matrix["difference"] > 0).mean() > 0.8


def test_bayes_compares_the_best_with_each():
    across = across_tasks(make_results(random_bench(8, tasks=10, methods=3, effect=0.1)))
    assert list(across.bayes["b"]) == list(across.ranks["method"][1:])
    assert across.bayes[["p_better", "p_same", "p_worse"]].sum(axis=1).to_numpy() == pytest.approx([1, 1])
    assert across.bayes["p_better"].iloc[-1] > 0.99


def test_all_methods_equal():
    bench = {f"t{k}": {"a": [0.5 + k / 100] * 5, "b": [0.5 + k / 100] * 5} for k in range(7)}
    across = across_tasks(make_results(bench))
    assert across.friedman.p == 1.0
    assert across.holm["p_holm"].iloc[0] == 1.0
    assert across.matrix["ties"].iloc[0] == 7
    assert across.cliques == (("a", "b"),)
    assert list(across.ranks["best_on"]) == [7, 7]
    assert list(across.ranks["win_percent"]) == [50.0, 50.0]


def test_method_that_only_failed_ranks_last_or_not_at_all():
    bench = random_bench(9, tasks=7, methods=3)
    for methods in bench.values():
        methods["broken"] = ["failed"] * 10
    worst = across_tasks(make_results(bench))
    assert worst.ranks["method"].iloc[-1] == "broken"
    assert worst.ranks["mean_rank"].iloc[-1] == 4.0
    left = across_tasks(make_results(bench), failures="left out")
    assert "broken" not in left.common.methods


def test_nothing_was_done():
    across = across_tasks(make_results({f"t{k}": {"a": ["failed"] * 2} for k in range(7)}))
    assert across.winner is None
    assert across.notes == ("No trial was done.",)
    assert analyse(make_results({"t": {"a": ["failed"] * 2}})).answer == "No trial was done."


def test_wrong_parameters():
    results = make_results(random_bench(0, tasks=2))
    with pytest.raises(InputError, match="`alpha` must be a number in"):
        analyse(results, alpha=1.5)
    with pytest.raises(InputError, match="did you mean 'left out'"):
        analyse(results, failures="left-out")
    with pytest.raises(InputError, match="task 'x' is not known"):
        analyse(results, ["x"])
