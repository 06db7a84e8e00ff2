"""Tables as people keep them become numbers, fitted on the training part alone."""

import numpy as np
import pandas as pd
import pytest

from neuroloom.core import InputError
from neuroloom.methods import build
from neuroloom.methods.prepare import DateFeatures, TablePreparation


def _messy(n: int = 120) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "size in cm": rng.normal(size=n),
            "colour": rng.choice(["red", "blue", None], n),
            "bought": pd.date_range("2020-01-01", periods=n),
            "new": rng.random(n) > 0.5,
        }
    )
    frame.loc[3:9, "size in cm"] = np.nan
    return frame, np.where(frame["new"], "yes", "no")


@pytest.mark.parametrize("name", ["logreg", "hist-gradient-boosting", "random-forest", "knn", "svm", "ridge"])
def test_methods_learn_from_a_messy_table(name: str) -> None:
    X, y = _messy()
    estimator, _ = build(name, "table", "classification", {}, X=X, random_state=0)
    assert estimator.fit(X[:80], y[:80]).score(X[80:], y[80:]) >= 0.85


def test_medians_categories_and_names() -> None:
    X = pd.DataFrame({"a": [1.0, 3.0, np.nan, 100.0], "b": ["x", "y", "z", None]})
    made = TablePreparation().fit(X)
    names = made.get_feature_names_out().tolist()
    assert names == ["a", "missingindicator_a", "b_(missing)", "b_x", "b_y", "b_z"]
    np.testing.assert_array_equal(made.transform(X)[2], [3.0, 1.0, 0.0, 0.0, 0.0, 1.0])


def test_a_new_category_and_another_column_order_are_fine_a_lacking_column_is_not() -> None:
    X = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": ["x", "y", "z"]})
    made = TablePreparation().fit(X)
    new = pd.DataFrame({"b": ["never seen"], "a": [2.0]})
    np.testing.assert_array_equal(made.transform(new), [[2.0, 0.0, 0.0, 0.0]])
    with pytest.raises(InputError, match=r"lacks 1 of the 2 columns learned from: 'b'"):
        made.transform(new[["a"]])


def test_dates_turn_with_the_week_and_the_year() -> None:
    X = pd.DataFrame({"d": pd.to_datetime(["1970-01-01", "1970-01-08", None])})
    values = DateFeatures().fit(X).transform(X)
    assert values[0, 0] == 0
    assert values[1, 0] == 7
    np.testing.assert_allclose(values[0, 3:5], values[1, 3:5], atol=1e-12)  # same weekday
    assert np.isnan(values[2]).all()
