"""A user's own series: what is read, what is said, what is refused, and the way to a model's forecast."""

import io
import json

import numpy as np
import pandas as pd
import pytest

import neuroloom
from neuroloom.core import InputError
from neuroloom.runner.attempt import _config, methods_for
from neuroloom.runner.config import to_toml
from neuroloom.runner.models import fit_model, predict_with_model
from neuroloom.tasks import open_task, recognise
from neuroloom.tasks.seasons import next_dates


@pytest.fixture
def sales(tmp_path):
    """Days: sales that follow a price known in advance, and visitors."""
    rng = np.random.default_rng(0)
    days = pd.date_range("2021-01-01", periods=150, freq="D")
    price = 10 + (np.arange(150) % 9 == 0) * 5.0
    frame = pd.DataFrame(
        {
            "day": days.strftime("%Y-%m-%d"),
            "sales": (
                100 + 10 * np.sin(2 * np.pi * np.arange(150) / 7) - 3 * price + rng.normal(0, 0.5, 150)
            ).round(2),
            "visitors": rng.integers(50, 60, 150),
            "price": price,
            "weather": "fine",
        }
    )
    frame["sales"] = frame["sales"].astype(object)
    frame.loc[20, "sales"] = ""
    frame.loc[145:, ["sales"]] = ""  # five days whose price is known and whose sales are to come
    path = tmp_path / "sales.csv"
    frame.to_csv(path, index=False)
    return path


def test_a_table_with_a_horizon_is_one_series(sales):
    task = recognise(sales, target="sales", horizon=5, known=("price",))
    assert (task.kind, task.problem, task.metrics[0], task.published_splits) == (
        "series",
        "forecast",
        "mase",
        3,
    )
    data = task.load()
    assert data.X.season == 7
    assert data.X.values.shape == (2, 140)  # sales and visitors, to the last origin
    assert data.X.known.shape == (1, 150)
    assert data.y.shape == (140, 5)
    raw = pd.read_csv(sales)["sales"]
    assert data.X.values[0, 20] == pytest.approx((raw[19] + raw[21]) / 2)
    said = " | ".join(task.notes)
    for words in ("since a horizon is given", "rows are days, so a season is 7", "1 missing values of 'sales'",
                  "'weather' holds no numbers", "'visitors' are read", "5 steps ahead, judged at"):  # fmt: skip
        assert words in said, said
    again = open_task(json.loads(json.dumps(task.spec)))
    assert again.fingerprint() == task.fingerprint()
    assert np.array_equal(again.load().y, data.y)
    assert recognise(sales, target="sales", horizon=4, known=("price",)).fingerprint() != task.fingerprint()


def test_what_cannot_be_a_forecast_is_refused_with_words(sales, tmp_path):
    with pytest.raises(InputError, match=r"has no column 'sale'; did you mean 'sales'"):
        recognise(sales, target="sale", horizon=5)
    with pytest.raises(InputError, match=r"--known 'prize' is no column beside the target"):
        recognise(sales, target="sales", horizon=5, known=("prize",))
    with pytest.raises(InputError, match=r"`season` and `known` are for forecasts; pass a `horizon` too"):
        recognise(sales, target="sales", season=7)
    with pytest.raises(InputError, match=r"column 'weather' of .* must hold numbers, but has 0"):
        recognise(sales, target="weather", horizon=5)
    with pytest.raises(InputError, match=r"the problem is a forecast, not regression"):
        recognise(sales, target="sales", horizon=5, problem="regression")
    mixed = tmp_path / "mixed.csv"
    mixed.write_text("date,value\n" + "".join(f"2020-01-{1 + d % 20:02},{d}\n" for d in range(60)))
    with pytest.raises(InputError, match=r"must rise from row to row; sort the rows"):
        recognise(mixed, horizon=3)


def test_fit_and_predict_give_the_next_values(sales, tmp_path):
    said = fit_model("ridge", sales, tmp_path / "model", target="sales", horizon=5, known=["price"],
                     drop=["visitors"], confidence=0.8)  # fmt: skip
    assert "answers the next value from the window" in said
    frame = pd.read_csv(io.StringIO(predict_with_model(tmp_path / "model", sales)))
    assert list(frame.columns) == ["day", "prediction", "low", "high"]
    assert frame["day"].tolist() == [f"2021-05-{d}" for d in range(26, 31)]
    table = pd.read_csv(sales)
    truth = 100 + 10 * np.sin(2 * np.pi * np.arange(145, 150) / 7) - 3 * table["price"][145:]
    np.testing.assert_allclose(frame["prediction"], truth, atol=2.5)  # a fall of 15 on the dear day
    assert (frame["low"] < frame["prediction"]).all()
    short = tmp_path / "short.csv"
    table.iloc[:145].to_csv(short, index=False)
    with pytest.raises(InputError, match=r"needs `known` up to step 150, but it has 145"):
        predict_with_model(tmp_path / "model", short)
    table.drop(columns="price").to_csv(short, index=False)
    with pytest.raises(InputError, match=r"lacks 'price', which the model learned from"):
        predict_with_model(tmp_path / "model", short)


def test_try_asks_the_forecasters_and_its_config_repeats(sales, tmp_path):
    names = methods_for("series", "forecast")
    assert {
        "seasonal-naive",
        "ets",
        "theta",
        "arima",
        "combination",
        "dlinear",
        "rbfn",
        "ridge",
        "lstm",
    } <= set(names)
    assert not {"windows", "logreg"} & set(names)
    task = recognise(sales, target="sales", horizon=5, drop=("visitors",))
    config = _config(task, 1.0, 1, ["theta", "dummy"], {}).model_copy(update={"rounds": 1})
    file = tmp_path / "bench.toml"
    file.write_text(to_toml(config))
    assert "horizon = 5" in file.read_text()
    frame = neuroloom.run(file, out=tmp_path / "run", engine="inline").frame()
    assert set(frame["status"]) == {"done"}
    scores = frame.query("metric == 'mase'").set_index("method")["value"]
    assert scores["theta"] < scores["dummy"]


def test_dates_go_on_in_their_own_form():
    assert next_dates(["2020-11", "2020-12", "2021-01"], 2) == ["2021-02", "2021-03"]
    assert next_dates(["1990", "1991", "1992"], 1) == ["1993"]
    assert next_dates(["2020-01-01", "2020-01-02", "2020-01-09"], 1) == []
    assert next_dates(["a", "b", "c"], 1) == []
