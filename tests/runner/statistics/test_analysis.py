import numpy as np
import pytest
from scipy import stats

from neuroloom.runner.statistics import analyse

from .frames import make_results, random_bench


def test_leaderboard_across_tasks():
    bench = random_bench(0, tasks=8, methods=3, cells=4)
    bench["t0"]["m0"][1] = "timeout"
    seconds = {"m0": 1.0, "m1": 2.0, "m2": 3.0}
    found = analyse(make_results(bench, seconds=seconds))
    board = found.leaderboard.set_index("method")
    assert list(board.index) == list(found.across.ranks["method"])
    assert board["fit_seconds"].to_dict() == seconds
    assert board["failed_percent"].to_dict() == pytest.approx({"m0": 100 / 32, "m1": 0, "m2": 0})
    scores = found.across.table["m2"]
    assert board.loc["m2", "score"] == pytest.approx(scores.mean())
    expected = np.clip(stats.ttest_1samp(scores, 0).confidence_interval(), 0, 1)
    assert (board.loc["m2", "low"], board.loc["m2", "high"]) == pytest.approx(tuple(expected))
    ranks = found.across.ranks.set_index("method")
    wins = {m: 100 * (3 - ranks.loc[m, "mean_rank"]) / 2 for m in board.index}
    assert board["win_percent"].to_dict() == pytest.approx(wins)
    assert set(board.index[board["tied"]]) == {found.across.winner.method, *found.across.winner.tied}


def test_leaderboard_of_one_task():
    scores = {"t": {"a": [0.9, 0.8, 0.9, 0.9], "b": [0.7, 0.8, 0.6, 0.7], "c": [0.1, 0.2, 0.1, "failed"]}}
    found = analyse(make_results(scores))
    board = found.leaderboard.set_index("method")
    assert list(board.index) == ["a", "b", "c"]
    # a against b: 3 wins and a tie; a against c: 4 wins (a failed trial counts as the worst score)
    assert board.loc["a", "win_percent"] == pytest.approx(100 * (3 + 0.5 + 4) / 8)
    assert board.loc["a", "over"] == "splits"
    assert board.loc["c", "failed_percent"] == 25
    assert found.answer == found.tasks["t"].winner.sentence
    assert found.answer.startswith("a has the best mean accuracy on t: 0.875")


def test_policy_check():
    calm = analyse(make_results(random_bench(1, tasks=2)))
    assert (calm.policy.failed, calm.policy.differs) == (0, False)
    scores = {
        "t": {"a": [0.90, 0.91, 0.92, "failed"], "b": [0.80, 0.81, 0.82, 0.80], "c": [0.2, 0.21, 0.2, 0.19]}
    }
    found = analyse(make_results(scores))
    assert found.policy.failed == 1
    assert found.policy.differs
    table = found.policy.table.set_index(["where", "what"])
    assert table.loc[("t", "winner"), "worst"] == "b"
    assert table.loc[("t", "winner"), "left out"] == "a"
    assert "Under the other policy (left out) conclusions change: t" in found.policy.note
    assert found.tasks["t"].winner.method == "b"
    left = analyse(make_results(scores), failures="left out")
    assert left.tasks["t"].winner.method == "a"
    assert left.policy.table.set_index(["where", "what"]).loc[("t", "winner"), "worst"] == "b"
    harmless = {"t": {"a": [0.90, 0.91, 0.92, 0.9], "b": [0.2, 0.21, 0.2, "failed"]}}
    assert not analyse(make_results(harmless)).policy.differs


def test_coverage_has_a_row_for_each_pairing():
    scores = {"t": {"a": [0.9, "failed", "timeout"], "b": ["skipped"] * 3}, "u": {"a": [0.5]}}
    table = analyse(make_results(scores)).coverage.set_index(["task", "method"])
    assert len(table) == 4
    assert table.loc[("t", "a"), ["trials", "done", "failed", "timeout"]].tolist() == [3, 1, 1, 1]
    assert table.loc[("t", "a"), "reasons"] == "it was failed · it was timeout"
    assert table.loc[("t", "b"), ["trials", "skipped"]].tolist() == [3, 3]
    assert table.loc[("u", "b"), ["trials", "reasons"]].tolist() == [0, ""]


def test_pareto_table():
    scores = {
        "t": {
            "slow": [0.9, 0.9, 0.8],
            "fast": [0.8, 0.8, 0.7],
            "bad": [0.1, 0.2, 0.1],
            "dead": ["failed"] * 3,
        }
    }
    table = analyse(make_results(scores, seconds={"slow": 9.0, "fast": 1.0, "bad": 5.0})).pareto
    fit = table[table["cost"] == "fit_seconds"].set_index("method")
    assert fit["front"].to_dict() == {"slow": True, "fast": True, "bad": False}
    assert fit["value"].to_dict() == {"slow": 9.0, "fast": 1.0, "bad": 5.0}
    assert fit.loc["slow", "score"] == pytest.approx(2.6 / 3)
    assert fit.loc["slow", "low"] < 2.6 / 3 < fit.loc["slow", "high"]
    lower = analyse(
        make_results(scores, greater=False, metric="rmse", bounds=(0, 9), seconds={"slow": 9.0})
    ).pareto
    fit = lower[lower["cost"] == "fit_seconds"].set_index("method")
    assert fit["front"].to_dict() == {"slow": False, "fast": False, "bad": True}
    assert "peak_memory_mb" not in set(table["cost"])  # nothing was measured


def test_some_tasks_only():
    results = make_results(random_bench(2, tasks=9, methods=3))
    chosen = [f"t{k}" for k in range(3, 9)]
    found = analyse(results, chosen)
    assert list(found.tasks) == chosen
    assert set(found.across.common.tasks) == set(chosen)
    assert found.across.tested
    assert set(found.coverage["task"]) == set(chosen)
