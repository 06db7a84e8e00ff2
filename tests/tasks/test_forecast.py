"""Forecast tasks: origins and their answers, splits that go forward in time, no future in training, metrics."""

import math

import numpy as np
import pytest

import neuroloom
from neuroloom.core import InputError, OriginSet, kind_of
from neuroloom.core.forecasting import LEVELS
from neuroloom.methods import make
from neuroloom.tasks import evaluate, list_tasks, open_task
from neuroloom.tasks.forecast import KNOWN
from neuroloom.tasks.rolling import rolling_origin
from neuroloom.tasks.seasons import horizon_for, season_of


def test_an_origin_knows_its_history_and_nothing_after():
    series = np.arange(20.0)
    X, y = OriginSet.of(np.stack([series, -series]), horizon=3, season=4)
    assert (len(X), X.shape, kind_of(X)) == (17, (17,), "series")
    assert X.origins.tolist() == list(range(1, 18))
    assert y[4].tolist() == [5.0, 6.0, 7.0]  # origin 5: values 0 … 4 are known
    assert X.history(4).tolist() == [[0, 1, 2, 3, 4], [0, -1, -2, -3, -4]]
    part = X[np.array([9, 2])]
    assert part.values.shape == (2, 10)  # cut at its latest origin
    assert part.windows(4)[:, 0].tolist() == [
        [6, 7, 8, 9],
        [0, 0, 1, 2],
    ]  # the first value fills what is before it
    assert part.seen(y[[9, 2]]).tolist() == list(range(13))


def test_the_error_of_the_seasonal_naive_by_hand():
    X, y = OriginSet.of([1.0, 2.0, 4.0, 1.0, 5.0, 5.0, 9.0], horizon=2, season=3)
    # |1−1|, |5−2|, |5−4|, |9−1| over the whole series, which X and y tell together
    assert X.naive_error(y) == pytest.approx((0 + 3 + 1 + 8) / 4)
    assert X[:2].naive_error(y[:2]) == pytest.approx(0.0)  # 1 2 4 1


def test_variables_known_in_advance_reach_beyond_the_origin():
    X, y = OriginSet.of(np.arange(10.0), horizon=2, known=np.arange(10.0) * 10)
    assert X[[4]].outlook(2, 2).tolist() == [[[30, 40, 50, 60]]]
    late = OriginSet(np.arange(10.0), season=2, known=np.arange(11.0))
    assert late.outlook(0, 1).tolist() == [[[10.0]]]
    with pytest.raises(
        InputError, match=r"needs `known` up to step 12, but it has 11; give its future values"
    ):
        late.outlook(0, 2)
    assert len(y) == 8


def test_what_is_no_series_is_refused_with_words():
    with pytest.raises(InputError, match=r"1 of 3 numbers of `values` are missing"):
        OriginSet([1.0, np.nan, 2.0])
    with pytest.raises(InputError, match=r"horizon of 5 needs a series of at least 6 steps, but it has 4"):
        OriginSet.of(np.arange(4.0), 5)
    with pytest.raises(InputError, match=r"`origins` must lie in 1 … 3"):
        OriginSet(np.arange(3.0), [4])
    with pytest.raises(
        InputError, match=r"takes an OriginSet, but got ndarray; make one with X, y = OriginSet.of"
    ):
        make("seasonal-naive", "series", "forecast").fit(np.zeros((5, 1, 4)), np.zeros((5, 2)))


@pytest.mark.parametrize(("steps", "horizon"), [(144, 12), (36, 6), (79, 6), (3650, 14), (240, 12)])
def test_every_test_value_lies_after_every_training_value(steps, horizon):
    splits = rolling_origin(steps, horizon)
    values = np.arange(float(steps))  # each value is its own time
    X, y = OriginSet.of(values, horizon)
    before = 0.0
    for split in splits:
        train, test = X[split.train], X[split.test]
        latest = max(train.values.max(), y[split.train].max())
        assert y[split.test].min() > latest  # no test value was seen
        assert train.seen(y[split.train]).tolist() == list(range(int(latest) + 1))
        assert test.origins.min() == latest + 1  # and nothing known at the first origin was kept back
        assert before < latest
        before = latest
        assert 1 <= len(split.test) <= 12
    assert y[splits[-1].test].max() >= steps - max(1, steps // 100)
    with pytest.raises(InputError, match=r"3 splits with a horizon of 12 need a series of at least 51 steps"):
        rolling_origin(30, 12)


def test_forecasts_are_scored_by_hand():
    y, guess = np.array([[4.0, 8.0]]), np.array([[5.0, 6.0]])
    quantiles = np.tile(guess[..., None], 20) + np.linspace(-2.5, 1.5, 20)
    found = evaluate(["mase", "smape", "crps", "coverage@95"], y, guess, quantiles=quantiles, scale=3.0)
    assert found["mase"] == pytest.approx(0.5)
    assert found["smape"] == pytest.approx(100 * (1 / 9 + 2 / 14))
    assert found["coverage@95"] == 0.5  # 4 lies in 2.5 … 6.5, 8 not in 3.5 … 7.5
    pinball = [
        max(tau * (t - q), (tau - 1) * (t - q))
        for t, row in zip(y[0], quantiles[0], strict=True)
        for tau, q in zip(LEVELS, row, strict=True)
    ]
    assert found["crps"] == pytest.approx(2 * np.mean(pinball))
    assert math.isnan(evaluate(["crps"], y, guess)["crps"])
    with pytest.raises(InputError, match=r"expected forecasts of shape \(1, 2\), but got \(1, 3\)"):
        evaluate(["mase"], y, np.ones((1, 3)))


def test_the_crps_of_a_normal_is_the_closed_form():
    from scipy import stats

    y, quantiles = np.array([[0.7]]), stats.norm.ppf(LEVELS)[None, None]
    wanted = 0.7 * (2 * stats.norm.cdf(0.7) - 1) + 2 * stats.norm.pdf(0.7) - 1 / np.sqrt(np.pi)
    assert evaluate(["crps"], y, y, quantiles=quantiles)["crps"] == pytest.approx(wanted, rel=0.03)


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_known_series_load_and_are_listed(name):
    task = open_task(name)
    data = task.load()
    assert data.y.shape == (len(data.X), KNOWN[name].horizon)
    assert np.array_equal(data.X.values, task.load().X.values)
    assert np.ptp(data.X.values[0]) > 0
    split = task.split(data, 0, 2, 5)
    assert len(split.train) > len(split.test) > 0


def test_series_of_the_folder(data_dir):
    members = next(row["members"] for row in list_tasks(data_dir=data_dir) if row["name"] == "forecast:NAME")
    assert {"forecast:Airline", "forecast:Lynx"} <= set(members)
    folder, own = open_task("forecast:Airline", data_dir).load(), open_task("airline").load()
    assert np.array_equal(folder.X.values, own.X.values)
    for member in members:
        task = open_task(member, data_dir)
        assert len(task.load().y) > 20
        assert open_task(task.spec, data_dir).fingerprint() == task.fingerprint()


def test_the_season_is_read_from_the_dates():
    assert season_of(["1949-01", "1949-02", "1949-03", "1949-04"]) == (
        12,
        "rows are months, so a season is 12",
    )
    assert season_of([f"2020-01-{d:02}" for d in range(1, 20)])[0] == 7
    assert season_of(range(1900, 1950))[0] == 1
    assert season_of(["2020-01-01", "2020-04-01", "2020-07-01", "2020-10-01"])[0] == 4
    assert season_of(["a", "b", "c"])[1] == "the rows have no dates, so no season is assumed"
    assert (horizon_for(12, 144), horizon_for(1, 100), horizon_for(52, 80)) == (12, 6, 10)


def test_a_bench_of_forecasts_reports_all_metrics(tmp_path):
    config = {"name": "ahead", "seeds": 1, "tasks": ["airline"], "methods": ["seasonal-naive"]}
    frame = neuroloom.run(config, out=tmp_path / "run", engine="inline").frame()
    assert set(frame["status"]) == {"done"}
    table = frame.pivot(index="fold", columns="metric", values="value")
    assert list(table.index) == [0, 1, 2]
    assert set(table.columns) == {"mase", "crps", "smape", "rmse", "coverage@95"}
    assert np.isfinite(table.to_numpy()).all()
    # the naive forecast of split 0 again, by hand
    from neuroloom.tasks.forecast_series import airline

    series = airline()[0][0]
    errors = [np.abs(series[t : t + 12] - series[t - 12 : t]) for t in range(97, 109)]
    assert len(series) == 144
    assert open_task("airline").split(open_task("airline").load(), 0, 0, 5).test[0] == 96
    scale = np.mean(np.abs(series[12:97] - series[:85]))
    assert table.loc[0, "mase"] == pytest.approx(np.mean(errors) / scale)


def test_a_seasonal_naive_interval_covers_what_it_says():
    rng = np.random.default_rng(0)
    series = np.tile([0.0, 5.0, 2.0], 1400) + rng.normal(size=4200)
    X, y = OriginSet.of(series, horizon=2, season=3)
    model = make("seasonal-naive", "series", "forecast").fit(X[:2000], y[:2000])
    assert model.predict(X[[700]])[0].tolist() == series[698:700].tolist()  # of the season before origin 701
    inside = model.predict_interval(X[2100:], 0.8)
    share = np.mean((inside[..., 0] <= y[2100:]) & (y[2100:] <= inside[..., 1]))
    assert share == pytest.approx(0.8, abs=0.03)
    spiked = y[2100:].copy()
    spiked[5, 1] += 20
    flags = model.anomalies(X[2100:], spiked)
    assert flags[5, 1]
    assert flags.mean() < 0.03
