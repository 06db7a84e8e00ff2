"""Single procedures against other libraries and against counting by hand."""

import itertools
import math

import baycomp
import numpy as np
import pandas as pd
import pytest
import scikit_posthocs
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from neuroloom.runner.statistics import (
    average_ranks,
    bayesian_signed_rank,
    compare_seconds,
    friedman_test,
    holm_adjust,
    leave_one_task_out,
    maximal_cliques,
    nemenyi_distance,
    pareto_front,
    sign_test_p,
    signed_rank_p,
    smallest_p,
    tasks_needed,
)


def test_holm_by_hand():
    # sorted .01 .02 .03 .04 -> .04 .06 .06 .06 (the third step 2 * .03 = .06, the fourth .04 is lifted to .06)
    assert holm_adjust([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm_adjust([0.9, 0.8, 0.7]) == pytest.approx([1, 1, 1])
    with_nan = holm_adjust([0.01, np.nan, 0.04])
    assert with_nan[[0, 2]] == pytest.approx([0.02, 0.04])
    assert math.isnan(with_nan[1])
    assert len(holm_adjust([])) == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_holm_by_definition(p):
    """Reject at level a exactly where adjusted p <= a: walk down the sorted values until the first that is kept."""
    adjusted = holm_adjust(p)
    for alpha in (0.01, 0.05, 0.3):
        rejected, order = set(), np.argsort(p, kind="stable")
        for i, k in enumerate(order):
            if (len(p) - i) * p[k] > alpha:
                break
            rejected.add(int(k))
        assert set(np.flatnonzero(adjusted <= alpha)) == rejected


def test_holm_equals_scikit_posthocs():
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 1, (12, 5)) + np.arange(5)
    frame = pd.DataFrame(scores)
    long = frame.melt(var_name="method", value_name="score")
    theirs = scikit_posthocs.posthoc_wilcoxon(
        long, val_col="score", group_col="method", p_adjust="holm"
    ).to_numpy()
    pairs = list(itertools.combinations(range(5), 2))
    ours = holm_adjust([signed_rank_p(scores[:, i] - scores[:, j]) for i, j in pairs])
    assert ours == pytest.approx([theirs[i, j] for i, j in pairs])


@pytest.mark.parametrize(
    ("tasks", "methods", "expected"), [(5, 2, 0.0625), (6, 2, 0.03125), (9, 5, 10 / 256), (3, 9, 1)]
)
def test_smallest_p(tasks, methods, expected):
    assert smallest_p(tasks, methods) == pytest.approx(expected)
    differences = np.arange(1.0, tasks + 1)
    pairs = methods * (methods - 1) // 2
    assert holm_adjust([signed_rank_p(differences)] + [1.0] * (pairs - 1)).min() == pytest.approx(expected)


def test_tasks_needed():
    assert tasks_needed(2) == 6
    for methods in (3, 5, 12):
        n = tasks_needed(methods)
        assert smallest_p(n, methods) <= 0.05 < smallest_p(n - 1, methods)


@pytest.mark.parametrize("n", [1, 2, 5, 6, 9, 30])
def test_signed_rank_equals_scipy(n):
    rng = np.random.default_rng(n)
    for _ in range(5):
        d = rng.normal(0.3, 1, n)
        assert signed_rank_p(d) == pytest.approx(stats.wilcoxon(d, method="exact").pvalue)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9))
@settings(max_examples=80, deadline=None)
def test_signed_rank_with_ties_and_zeros_by_counting(d):
    """Pratt: rank all, drop the zeros' ranks; count all sign flips of the rest."""
    x = np.array(d, dtype=float)
    ranks = stats.rankdata(np.abs(x))[x != 0]
    if not len(ranks):
        assert signed_rank_p(x) == 1.0
        return
    total = ranks.sum()
    observed = min(ranks[x[x != 0] > 0].sum(), total - ranks[x[x != 0] > 0].sum())
    sums = [ranks[np.array(signs)].sum() for signs in itertools.product((True, False), repeat=len(ranks))]
    expected = min(1.0, 2 * np.mean([value <= observed + 1e-9 for value in sums]))
    assert signed_rank_p(x) == pytest.approx(expected)


def test_signed_rank_sizes():
    assert math.isnan(signed_rank_p([]))
    assert signed_rank_p(0.9 - np.array([0.9 + 1e-16, 0.9])) == 1.0
    d = np.random.default_rng(0).normal(0.05, 1, 400)
    expected = stats.wilcoxon(d, method="asymptotic", correction=False).pvalue
    assert signed_rank_p(d) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (6, 0), (5, 2), (10, 10), (3, 12)])
def test_sign_test(wins, losses):
    expected = stats.binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
    assert sign_test_p(wins, losses) == pytest.approx(expected)


def test_ranks_with_ties_gaps_and_rounding():
    gains = [[0.3, 0.1 + 0.2, 0.9], [np.nan, 2.0, 1.0], [5.0, 5.0, 5.0]]
    expected = [[2.5, 2.5, 1.0], [np.nan, 1.0, 2.0], [2.0, 2.0, 2.0]]
    np.testing.assert_allclose(average_ranks(gains), expected)
    assert average_ranks(np.zeros((0, 3))).shape == (0, 3)


@pytest.mark.parametrize("digits", [9, 1])
def test_friedman_equals_scipy_with_and_without_ties(digits):
    scores = np.round(np.random.default_rng(4).normal(0, 1, (10, 4)) + 0.4 * np.arange(4), digits)
    ours = friedman_test(average_ranks(scores))
    theirs = stats.friedmanchisquare(*scores.T)
    assert ours.chi2 == pytest.approx(theirs.statistic)
    assert ours.p_chi2 == pytest.approx(theirs.pvalue)
    f = 9 * ours.chi2 / (30 - ours.chi2)
    assert ours.p == pytest.approx(stats.f.sf(f, 3, 27))


def test_friedman_iman_davenport_from_demsar():
    # Demšar 2006, section 3.2.3: mean ranks 3.143 2.000 2.893 1.964 over 14 data sets: chi2 = 9.28, F = 3.69
    ranks = np.array([3.143, 2.000, 2.893, 1.964])
    chi2 = 12 * 14 / 20 * ((ranks - 2.5) ** 2).sum()
    assert chi2 == pytest.approx(9.28, abs=0.01)
    table = np.array([[4, 3, 2, 1], [3, 1, 4, 2], [4, 2, 3, 1], [2, 1, 4, 3]])
    ours = friedman_test(table)
    assert ours.chi2 == pytest.approx(12 * 4 / 20 * ((table.mean(axis=0) - 2.5) ** 2).sum())
    assert ours.f == pytest.approx(3 * ours.chi2 / (12 - ours.chi2))


def test_friedman_at_its_ends():
    everywhere = friedman_test(np.tile([1.0, 2.0, 3.0], (6, 1)))
    assert everywhere.p == pytest.approx((1 / 6) ** 5)
    tied = friedman_test(np.full((6, 3), 2.0))
    assert (tied.chi2, tied.p, tied.p_chi2) == (0.0, 1.0, 1.0)


@pytest.mark.parametrize(("methods", "q"), [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (10, 3.164)])
def test_nemenyi_from_demsars_table(methods, q):
    assert nemenyi_distance(14, methods) == pytest.approx(
        q * math.sqrt(methods * (methods + 1) / 84), rel=1e-3
    )


def test_nemenyi_equals_scikit_posthocs():
    scores = np.random.default_rng(5).normal(0, 1, (15, 5)) + 0.7 * np.arange(5)
    mean = average_ranks(scores).mean(axis=0)
    theirs = scikit_posthocs.posthoc_nemenyi_friedman(scores).to_numpy()
    distance = nemenyi_distance(15, 5)
    for i, j in itertools.combinations(range(5), 2):
        assert (abs(mean[i] - mean[j]) >= distance) == (theirs[i, j] <= 0.05)


def test_cliques():
    apart = {frozenset("AD"), frozenset("AE"), frozenset("BE")}
    cliques = maximal_cliques("ABCDE", lambda a, b: frozenset((a, b)) in apart)
    assert cliques == (tuple("ABC"), tuple("BCD"), tuple("CDE"))
    assert maximal_cliques("ABC", lambda a, b: False) == (tuple("ABC"),)
    assert maximal_cliques("ABC", lambda a, b: True) == ()
    # B and C differ though A and D, ranked around them, do not: no bar may cover B and C together
    assert maximal_cliques("ABCD", lambda a, b: {a, b} == {"B", "C"}) == (("A", "B"), ("C", "D"))


@pytest.mark.parametrize(("shift", "rope"), [(0.02, 0.01), (0.0, 0.01), (-0.05, 0.01), (0.01, 0.0)])
def test_bayes_equals_baycomp(shift, rope):
    d = np.random.default_rng(6).normal(shift, 0.03, 15)
    zeros = np.zeros(15)
    np.random.seed(0)  # noqa: NPY002 (baycomp draws from the global generator)
    theirs = baycomp.SignedRankTest.probs(zeros, d, rope=rope, nsamples=20_000)
    ours = bayesian_signed_rank(d, rope)
    expected = theirs if rope else (theirs[0], 0.0, theirs[1])  # first better, same, second better
    assert (ours.worse, ours.same, ours.better) == pytest.approx(expected, abs=0.02)


def test_bayes_is_turned_by_sign_and_fixed_by_seed():
    d = np.random.default_rng(7).normal(0.02, 0.03, 12)
    ahead, behind = bayesian_signed_rank(d), bayesian_signed_rank(-d)
    assert (ahead.better, ahead.worse) == pytest.approx((behind.worse, behind.better), abs=0.02)
    assert ahead.better > 0.5 > ahead.worse
    assert bayesian_signed_rank(d) == ahead
    assert bayesian_signed_rank(np.full(8, 0.002)).same == 1.0


def test_pareto_front_by_definition():
    gain, cost = np.array([0.9, 0.8, 0.8, 0.9, 0.5, np.nan]), np.array([3.0, 1.0, 2.0, 3.0, 1.0, 0.1])
    assert list(pareto_front(gain, cost)) == [True, True, False, True, False, False]


def test_leave_one_task_out():
    ranks = pd.DataFrame({"a": [1.0, 1, 3], "b": [2.0, 2, 1], "c": [3.0, 3, 2]}, index=["x", "y", "z"])
    table = leave_one_task_out(ranks).set_index("left_out")
    assert table.loc["", ["a", "b", "c"]].tolist() == pytest.approx([5 / 3, 5 / 3, 8 / 3])
    assert table.loc["x", ["best", "a", "b"]].tolist() == ["b", 2.0, 1.5]
    assert table.loc["z", ["best", "a", "b", "c"]].tolist() == ["a", 1.0, 2.0, 3.0]
    assert len(leave_one_task_out(ranks.iloc[:1])) == 1


def test_seconds():
    first = np.ones(10)
    speed = compare_seconds(first, np.array([1.3] * 9 + [1.0]), 1.25)
    assert speed.p_slower == pytest.approx(11 / 1024)
    assert speed.p_faster == 1.0
    assert speed.ratio == pytest.approx(1.3)
    # n = 10: P(X <= 1) = 11/1024 < .025 < P(X <= 2), so the interval runs from the second to the ninth ratio
    ladder = compare_seconds(first, np.arange(1.0, 11.0), 1.25)
    assert (ladder.low, ladder.high) == (2.0, 9.0)
    assert math.isnan(compare_seconds(first[:5], first[:5], 1.25).low)
    faster = compare_seconds(first, np.full(10, 0.5), 1.25)
    assert faster.p_faster == pytest.approx(1 / 1024)
