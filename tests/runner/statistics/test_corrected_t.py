import math

import numpy as np
import pytest
from scipy import stats

from neuroloom.runner.statistics import corrected_t_test, corrected_welch_test


def test_worked_by_hand():
    # d = 1, 2, 3, 6 %: mean 3, s^2 = (4 + 1 + 0 + 9) / 3 = 14/3; J = 4, n_test / n_train = 1/3
    # t = 3 / sqrt((1/4 + 1/3) * 14/3) = 3 / sqrt(49/18) = 9 sqrt(2) / 7
    test = corrected_t_test([1.0, 2.0, 3.0, 6.0], 1 / 3)
    assert test.mean[0] == pytest.approx(3)
    assert test.sd[0] ** 2 == pytest.approx(14 / 3)
    assert test.error[0] == pytest.approx(7 / math.sqrt(18))
    assert test.t[0] == pytest.approx(9 * math.sqrt(2) / 7)
    assert test.p[0] == pytest.approx(2 * stats.t.sf(9 * math.sqrt(2) / 7, 3))
    low, high = test.interval(0.95)
    assert (high[0] - low[0]) / 2 == pytest.approx(stats.t.ppf(0.975, 3) * 7 / math.sqrt(18))


def test_equals_baycomp_correlated_t():
    # baycomp's posterior of the mean is the same shifted and scaled t distribution
    from baycomp.single import CorrelatedTTest

    rng = np.random.default_rng(1)
    a, b = rng.normal(0.8, 0.03, 50), rng.normal(0.79, 0.03, 50)
    posterior = CorrelatedTTest(b, a, runs=5)  # it takes second minus first
    test = corrected_t_test(a - b, (1 / 10) / (1 - 1 / 10))
    assert posterior.mean == pytest.approx(test.mean[0])
    assert posterior.var == pytest.approx(test.error[0] ** 2)


def test_without_overlap_is_the_paired_t_test_and_columns_are_independent():
    rng = np.random.default_rng(2)
    d = rng.normal(0.1, 1, (12, 3))
    d[3:, 1] = np.nan
    test = corrected_t_test(d, 0.0)
    for k, column in enumerate((d[:, 0], d[:3, 1], d[:, 2])):
        expected = stats.ttest_1samp(column, 0)
        assert test.p[k] == pytest.approx(expected.pvalue)
        assert test.t[k] == pytest.approx(expected.statistic)
        assert np.array(test.interval(0.9)).T[k] == pytest.approx(expected.confidence_interval(0.9))
    assert list(test.n) == [12, 3, 12]


def test_equal_differences():
    zero = corrected_t_test(np.zeros(5), 0.25)
    assert (zero.t[0], zero.p[0]) == (0.0, 1.0)
    constant = corrected_t_test(np.full(5, 0.1), 0.25)
    assert constant.p[0] == 0.0
    rounding = corrected_t_test([1e-17, -3e-17, 2e-17], 0.25, scale=0.9)
    assert rounding.p[0] == 1.0
    # equal up to rounding, in steps of 1/30: two splits that agree by chance prove nothing
    grained = corrected_t_test([0.95 - 0.95 + 1 / 30, 1 / 30], 0.25, scale=0.9, grain=(1 / 30) / math.sqrt(6))
    assert grained.p[0] > 0.2
    assert math.isnan(corrected_t_test([0.1, 0.1], 0.25, grain=math.nan).p[0])


def test_too_little_to_test():
    assert math.isnan(corrected_t_test([0.3], 0.25).p[0])
    assert corrected_t_test([0.3], 0.25).mean[0] == 0.3
    assert math.isnan(corrected_t_test([[np.nan], [np.nan]], 0.25).mean[0])
    unknown = corrected_t_test([0.1, 0.2, 0.4], np.nan)
    assert math.isnan(unknown.p[0])
    assert np.isnan(unknown.interval()).all()


def test_welch():
    rng = np.random.default_rng(3)
    first, second = rng.normal(0, 1, 9), rng.normal(1, 2, 14)
    expected = stats.ttest_ind(second, first, equal_var=False)
    plain = corrected_welch_test(first, second, (0.0, 0.0))
    assert plain.p == pytest.approx(expected.pvalue)
    assert (plain.low, plain.high) == pytest.approx(expected.confidence_interval(0.95))
    corrected = corrected_welch_test(first, second, (0.25, 0.25))
    assert corrected.p > plain.p
    # by hand: s^2 = 2 and 8, J = 2 and 2, ratio 1/2: v = 2 (1/2 + 1/2) + 8 = 10, df = 100 / (4 + 64) = 25/17
    hand = corrected_welch_test(np.array([0.0, 2.0]), np.array([3.0, 7.0]), (0.5, 0.5))
    assert hand.p == pytest.approx(2 * stats.t.sf(4 / math.sqrt(10), 25 / 17))


def test_welch_without_variance():
    one, two = np.full(3, 0.5), np.full(4, 0.6)
    assert corrected_welch_test(one, one, (0.25, 0.25)).p == 1.0
    assert math.isnan(corrected_welch_test(one, two, (0.25, 0.25)).p)
    assert math.isnan(corrected_welch_test(one[:1], two, (0.25, 0.25)).p)
