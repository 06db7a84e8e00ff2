"""Forecasters: any regressor over windows, and the classical ones against statsmodels and by hand."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.model_selection import TimeSeriesSplit, cross_val_score

import neuroloom
from neuroloom.core import InputError, OriginSet
from neuroloom.core.stationarity import spread_grows_with_level, steadiest_difference
from neuroloom.methods import Recipe, Skip, build, make, recipe
from neuroloom.methods.arima import ARIMAForecaster
from neuroloom.methods.combination import CombinationForecaster
from neuroloom.methods.exponential_smoothing import ETSForecaster
from neuroloom.methods.saving import load_estimator, save_estimator
from neuroloom.methods.seasonal_naive import SeasonalNaiveForecaster
from neuroloom.methods.theta import ThetaForecaster, seasonal_indices
from neuroloom.methods.windows import WindowForecaster
from neuroloom.tasks import evaluate
from neuroloom.tasks.forecast_series import airline

AIRLINE = airline()[0][0]
T = np.arange(200)


class Recorder(BaseEstimator):
    """Answers the last value of the first channel, and keeps what it was given."""

    seen: list = []  # noqa: RUF012

    def fit(self, X, y):
        Recorder.seen.append((X.copy(), y.copy()))
        return self

    def predict(self, X):
        return X[:, 0, -1]


def _scaled(steps, values):
    return (values - steps.mean()) / steps.std()


@pytest.fixture
def seen():
    Recorder.seen = []
    return Recorder.seen


def test_no_window_holds_a_value_of_its_answer_or_later(seen):
    series = T[:60].astype(float)  # each value tells its time
    X, y = OriginSet.of(series, horizon=4)
    WindowForecaster(Recorder(), lags=5, difference="none", log="never").fit(X[:40], y[:40])
    assert len(seen) == 2
    # the latest 10 of 40 origins are held out: the first fit knows the 31 values before them, the second all 44
    for (windows, answers), known in zip(seen, (31, 44), strict=True):
        # scaled alike, so that a window of times and its answer differ by one step of time
        step = windows[0, 0, 1] - windows[0, 0, 0]
        np.testing.assert_allclose(answers, windows[:, 0, -1] + step, atol=1e-12)
        assert len(answers) == known - 5


def test_a_recursive_forecast_by_hand():
    series = np.array([1.0, 2.0, 4.0, 7.0, 11.0, 16.0, 22.0, 29.0, 37.0, 46.0, 56.0, 67.0])
    X, y = OriginSet.of(series, horizon=3)
    model = WindowForecaster(Recorder(), lags=2, difference="first", log="never").fit(X, y)
    # the recorder repeats the last difference: from 46 on, 9 more a step
    assert model.predict(OriginSet(series[:10]))[0] == pytest.approx([55.0, 64.0, 73.0])


def test_a_direct_forecast_has_a_model_a_step_and_seasonal_differences_their_base():
    series = np.tile([5.0, 1.0, 3.0, 8.0], 15) + 0.01 * T[:60]
    X, y = OriginSet.of(series, horizon=6, season=4)
    for strategy in ("direct", "recursive"):
        model = WindowForecaster(strategy=strategy, difference="seasonal", log="never").fit(X[:44], y[:44])
        assert len(model.estimators_) == (6 if strategy == "direct" else 1)
        np.testing.assert_allclose(model.predict(X[44:]), y[44:], atol=0.05)


def test_variables_known_in_advance_are_seen_at_the_step_they_are_for():
    rng = np.random.default_rng(0)
    event = (rng.random(320) < 0.2).astype(float)
    series = 10 + 5 * event[:300] + rng.normal(0, 0.1, 300)
    X, y = OriginSet.of(series, horizon=3, known=event)
    blind, _ = OriginSet.of(series, horizon=3)
    for strategy in ("recursive", "direct"):
        told = WindowForecaster(strategy=strategy).fit(X[:200], y[:200])
        np.testing.assert_allclose(told.predict(X[203:]), y[203:], atol=0.6)
    assert np.abs(WindowForecaster().fit(blind[:200], y[:200]).predict(blind[203:]) - y[203:]).max() > 3


def test_other_channels_are_used_and_not_fed_back():
    rng = np.random.default_rng(1)
    leader = rng.normal(size=300)
    series = np.concatenate([[0.0, 0.0], leader[:-2]]) + rng.normal(0, 0.05, 300)  # follows two steps later
    X, y = OriginSet.of(np.stack([series, leader]), horizon=2)
    model = WindowForecaster(difference="none").fit(X[:250], y[:250])
    np.testing.assert_allclose(model.predict(X[252:]), y[252:], atol=0.35)
    with pytest.raises(InputError, match=r"no answer can be fed back; set strategy='direct'"):
        WindowForecaster(strategy="recursive").fit(X, y)


def test_intervals_cover_what_they_say():
    rng = np.random.default_rng(2)
    noise = rng.normal(size=1500)
    series = np.zeros(1500)
    for t in range(1, 1500):
        series[t] = 0.8 * series[t - 1] + noise[t]
    X, y = OriginSet.of(series, horizon=4)
    model = WindowForecaster().fit(X[:700], y[:700])
    inside = model.predict_interval(X[703:], 0.9)
    share = np.mean((inside[..., 0] <= y[703:]) & (y[703:] <= inside[..., 1]))
    assert share == pytest.approx(0.9, abs=0.03)
    # an AR(1) of weight 0.8: the error's spread after k steps is sqrt((1 − 0.64^k) / (1 − 0.64))
    np.testing.assert_allclose(model.spread_, np.sqrt((1 - 0.64 ** np.arange(1, 5)) / 0.36), rtol=0.12)


def test_the_spread_follows_the_errors_since_the_fit():
    walk = np.concatenate([np.arange(31) % 2, 1 + 3 * (np.arange(12) % 2)]).astype(
        float
    )  # steps of 1, later of 3
    X, y = OriginSet.of(walk, horizon=1)
    model = SeasonalNaiveForecaster().fit(X[:30], y[:30])
    assert (model.steps_, model.spread_.tolist()) == (31, [1.0])
    wide = np.diff(model.predict_interval(X, 0.5), axis=-1)[:, 0, 0]
    np.testing.assert_allclose(wide[:31], 2)  # nothing new is known up to 31 values
    for since, new in ((1, [1.0]), (2, [9.0, 1.0]), (4, [9.0, 9.0, 9.0, 1.0])):  # squares, the latest first
        weights = 0.95 ** np.arange(since)
        square = (20 * 0.95**since + weights @ new) / (20 * 0.95**since + weights.sum())
        assert wide[30 + since] == pytest.approx(2 * np.sqrt(square))
    alone = [np.diff(model.predict_interval(X[i : i + 1], 0.5), axis=-1)[0, 0, 0] for i in range(len(X))]
    np.testing.assert_allclose(alone, wide)  # whatever other origins are asked for


def test_intervals_hold_after_the_noise_has_grown():
    rng = np.random.default_rng(5)
    series = np.sin(2 * np.pi * np.arange(900) / 12) + rng.normal(size=900) * np.where(
        np.arange(900) < 400, 0.3, 1.0
    )
    X, y = OriginSet.of(series, horizon=6, season=12)
    model = WindowForecaster().fit(X[:380], y[:380])
    late = slice(500, None)
    inside = model.predict_interval(X[late], 0.9)
    assert np.mean((inside[..., 0] <= y[late]) & (y[late] <= inside[..., 1])) == pytest.approx(0.9, abs=0.04)
    unmoved = model.spread_[-1] * np.quantile(model.errors_, 0.9)
    assert np.mean(np.abs(y[late, -1] - model.predict(X[late])[:, -1]) < unmoved) < 0.6


@pytest.mark.parametrize(
    ("key", "params"),
    [
        ("rbfn", {}),
        ("random-forest", {"random-forest__n_estimators": 10}),
        ("lstm", {"epochs": 3, "units": 4}),
        ("wavelets+ridge", {}),
        ("dummy", {}),
    ],
)
def test_every_regressor_forecasts(key, params, tmp_path):
    X, y = OriginSet.of(10 + np.sin(2 * np.pi * T[:90] / 6) + 0.02 * T[:90], horizon=3, season=6)
    model, notes = build(key, "series", "forecast", {"windows__lags": 12, **params}, random_state=0)
    assert "from the window of values before it" in notes[0]
    model.fit(X[:70], y[:70])
    answers = model.predict(X[72:])
    assert answers.shape == (len(X) - 72, 3)
    if key not in ("dummy", "lstm"):
        naive = make("seasonal-naive", "series", "forecast").fit(X[:70], y[:70]).predict(X[72:])
        assert np.abs(answers - y[72:]).mean() < 1.5 * np.abs(naive - y[72:]).mean()
    quantiles = model.predict_quantiles(X[72:])
    assert (np.diff(quantiles, axis=-1) >= 0).all()
    save_estimator(model, tmp_path / "model", {})
    np.testing.assert_array_equal(load_estimator(tmp_path / "model")[0].predict(X[72:]), answers)


def test_the_registry_says_who_forecasts():
    for key in (
        "ridge",
        "rbfn",
        "mlp",
        "neat",
        "cnn",
        "lstm",
        "svm",
        "wavelets",
        "wavelets+rbfn",
        "hist-gradient-boosting",
    ):
        assert isinstance(recipe(key, "series", "forecast"), Recipe), key
    found = recipe("rbfn", "series", "forecast")
    assert isinstance(found, Recipe)
    assert (found.room, [step.name for step in found.steps], found.batch) == (
        "nets",
        ["windows", "rbfn"],
        False,
    )
    logreg = recipe("logreg", "series", "forecast")
    assert isinstance(logreg, Skip)
    assert logreg.reason.startswith("logreg takes a table")
    assert recipe("ridge", "table", "forecast") == Skip("forecasts are of series, and the data are a table")
    assert make("mlp", "series", "forecast", hidden=(5,)).get_params()["estimator__mlp__hidden"] == (5,)
    with pytest.raises(InputError, match=r"did you mean 'lags'"):
        make("ridge", "series", "forecast", windows__lag=3)


def test_origins_go_through_scikit_learns_searches():
    X, y = OriginSet.of(AIRLINE, horizon=6, season=12)
    splits = TimeSeriesSplit(3, gap=6, test_size=10)
    scores = cross_val_score(WindowForecaster(), X, y, cv=splits, scoring="neg_mean_absolute_error")
    naive = cross_val_score(
        make("seasonal-naive", "series", "forecast"), X, y, cv=splits, scoring="neg_mean_absolute_error"
    )
    assert scores.mean() > naive.mean() / 2


def test_logarithm_and_differences_are_chosen_from_the_series():
    assert spread_grows_with_level(AIRLINE, 12)
    assert not spread_grows_with_level(AIRLINE - 300, 12)  # not positive
    assert not spread_grows_with_level(100 + T + 10 * np.sin(T), 12)
    assert steadiest_difference(np.tile([0.0, 9.0, 4.0], 20) + 0.1 * np.arange(60), 3) == 3
    rng = np.random.default_rng(0)
    assert steadiest_difference(rng.normal(size=200).cumsum(), 1) == 1
    assert steadiest_difference(rng.normal(size=200), 7) == 0


def test_theta_agrees_with_statsmodels():
    from statsmodels.tsa.forecasting.theta import ThetaModel

    X, y = OriginSet.of(AIRLINE, horizon=12, season=12)
    model = ThetaForecaster().fit(X[:80], y[:80])
    wanted = ThetaModel(AIRLINE[:100], period=12).fit().forecast(12)
    np.testing.assert_allclose(model.predict(X[[99]])[0], wanted, rtol=2e-3)
    from statsmodels.tsa.seasonal import seasonal_decompose

    theirs = seasonal_decompose(AIRLINE, "multiplicative", period=12).seasonal[:12]
    np.testing.assert_allclose(seasonal_indices(AIRLINE, 12, True), theirs, rtol=1e-10)


def test_arima_with_given_orders_agrees_with_statsmodels():
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    series = np.log(AIRLINE)
    X, y = OriginSet.of(series, horizon=12, season=12)
    model = ARIMAForecaster((0, 1, 1), (0, 1, 1)).fit(X[:108], y[:108])  # all values to step 120
    theirs = SARIMAX(series[:120], order=(0, 1, 1), seasonal_order=(0, 1, 1, 12)).fit(disp=False)
    np.testing.assert_allclose(model.weights_, theirs.params[:2], atol=0.01)
    ahead = theirs.get_forecast(12)
    np.testing.assert_allclose(model.predict(X[[119]])[0], ahead.predicted_mean, atol=0.002)
    inside = model.predict_interval(X[[119]], 0.95)[0]
    np.testing.assert_allclose(inside, ahead.conf_int(alpha=0.05), atol=0.006)
    with pytest.raises(InputError, match=r"`order` must be three whole numbers or 'auto', but got \(1, 2\)"):
        ARIMAForecaster((1, 2)).fit(X, y)


def test_arima_finds_the_order_of_an_autoregression():
    rng = np.random.default_rng(3)
    series = np.zeros(300)
    for t in range(2, 300):
        series[t] = 1.2 * series[t - 1] - 0.6 * series[t - 2] + rng.normal()
    X, y = OriginSet.of(series + 5, horizon=3)
    model = ARIMAForecaster().fit(X, y)
    assert model.order_[1] == 0
    assert model.order_[0] >= 2
    wanted = model.aicc_
    assert wanted <= ARIMAForecaster((2, 0, 0)).fit(X, y).aicc_ + 1e-6


def test_exponential_smoothing_of_a_given_form_agrees_with_statsmodels():
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    X, y = OriginSet.of(AIRLINE, horizon=6, season=12)
    model = ETSForecaster("MAM", random_state=0).fit(X[:114], y[:114])  # all values to step 120
    theirs = ETSModel(AIRLINE[:120], error="mul", trend="add", seasonal="mul", seasonal_periods=12).fit(
        disp=False, maxiter=200
    )
    np.testing.assert_allclose(model.predict(X[[119]])[0], theirs.forecast(6), rtol=1e-6)
    median = model.predict_quantiles(X[[119]], 0.5)[0, :, 0]
    np.testing.assert_allclose(median, theirs.forecast(6), rtol=0.02)
    spread = float(np.diff(model.predict_interval(X[[119]], 0.6827)[0, 0])[0]) / 2
    assert spread == pytest.approx(theirs.forecast(1)[0] * np.sqrt(theirs.scale), rel=0.12)
    with pytest.raises(InputError, match=r"form 'MAM' multiplies, but the series is not positive"):
        ETSForecaster("MAM").fit(*OriginSet.of(AIRLINE - 300, horizon=6, season=12))
    with pytest.raises(InputError, match=r"form 'AAA' needs two seasons"):
        ETSForecaster("AAA").fit(*OriginSet.of(AIRLINE, horizon=6))


def test_exponential_smoothing_finds_the_season_and_the_trend():
    series = (
        50 + 0.5 * T[:80] + np.tile([4.0, -3.0, 1.0, -2.0], 20) + np.random.default_rng(0).normal(0, 0.5, 80)
    )
    X, y = OriginSet.of(series, horizon=4, season=4)
    model = ETSForecaster(random_state=0).fit(X[:70], y[:70])
    assert model.form_[1] != "N"
    assert model.form_[2] != "N"
    assert model.aicc_[model.form_] == min(model.aicc_.values())
    np.testing.assert_allclose(model.predict(X[73:]), y[73:], atol=2.0)


@pytest.mark.parametrize("how", ["mean", "median", "weighted"])
def test_a_combination_of_its_members(how):
    X, y = OriginSet.of(AIRLINE, horizon=3, season=12)
    names = ["theta", "seasonal-naive", "ridge"]
    three = CombinationForecaster(names, how, random_state=0).fit(X[:88], y[:88])
    alone = [make(name, "series", "forecast").fit(X[:88], y[:88]).predict_quantiles(X[95:]) for name in names]
    if (
        how == "weighted"
    ):  # by what the members miss at the latest 22 origins, fitted to what was known before
        late = [66, 68, 70, 72, 74, 76, 77, 79, 81, 83, 85, 87]
        early = slice(0, 64)  # X[63] and the 3 steps after it are what is known at X[66]
        missed = []
        for name in names:
            q = make(name, "series", "forecast").fit(X[early], y[early]).predict_quantiles(X[late])
            missed.append(evaluate(["crps"], y[late], q[..., 0], quantiles=q)["crps"])
        weights = np.array(missed) ** -2.0 / (np.array(missed) ** -2.0).sum()
        assert np.ptp(weights) > 0.2
        np.testing.assert_allclose(three.weights_, weights)
        wanted = np.tensordot(weights, alone, 1)
    else:
        wanted = getattr(np, how)(alone, axis=0)
    np.testing.assert_allclose(three.predict_quantiles(X[95:]), wanted)


def test_what_a_combination_cannot_weigh_counts_alike():
    X, y = OriginSet.of(AIRLINE[:9], horizon=3)
    short = CombinationForecaster(["theta", "seasonal-naive"]).fit(X, y)
    assert short.weights_.tolist() == [0.5, 0.5]
    with pytest.raises(InputError, match=r"`members` must be a list of names, but got 'theta'"):
        CombinationForecaster("theta").fit(X, y)
    with pytest.raises(InputError, match=r"`how` must be one of"):
        CombinationForecaster(how="best").fit(X, y)


def test_a_bench_of_forecasters(tmp_path):
    config = {
        "name": "ahead", "seeds": 1, "tasks": ["nile"], "methods": ["ridge", "theta", "logreg"],
        "method": {"ridge": {"windows": {"lags": 6}}},
    }  # fmt: skip
    frame = neuroloom.run(config, out=tmp_path / "run", engine="inline").frame()
    assert set(frame.query("method == 'logreg'")["status"]) == {"skipped"}
    done = frame.query("status == 'done' and metric == 'mase'")
    assert sorted(done["method"].unique()) == ["ridge", "theta"]
    assert (done["value"] < 1.2).all()
    assert done.query("method == 'ridge'")["parameters"].tolist() == [7, 7, 7]
