"""Tables as people keep them become numbers, fitted on the training part alone."""

import numpy as np
import pandas as pd
import pytest

from neuroloom.core import InputError
from neuroloom.core.free_text import is_free_text
from neuroloom.methods import build
from neuroloom.methods.prepare import DateFeatures, TablePreparation
from neuroloom.methods.words import WordFeatures


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


def test_what_is_free_text() -> None:
    prose = [f"word{i} and the rest of it" for i in range(30)]
    assert is_free_text(pd.Series(prose))
    assert is_free_text(pd.Series([*prose[:20], None, *prose[:15]]).astype("category"))  # 20 of 35 different
    assert not is_free_text(pd.Series(prose[:15] * 2))  # half of them
    assert not is_free_text(pd.Series(prose[:19]))
    assert not is_free_text(pd.Series([f"name{i} twice" for i in range(30)]))


def test_words_are_weighed_as_by_hand_and_unknown_ones_count_for_nothing() -> None:
    X = pd.DataFrame({"t": ["red fox", "red dog", "Dog.", "owl"]})
    made = WordFeatures().fit(X)
    assert made.get_feature_names_out().tolist() == ["t__dog", "t__red", "t__word count"]
    both = 1 + np.log(5 / 3)  # each stands in two of four texts
    wanted = np.array([[0, 1], [1, 1], [1, 0], [0, 0]]) * both
    wanted = wanted / np.maximum(np.linalg.norm(wanted, axis=1, keepdims=True), 1e-9)
    found = made.transform(X)
    np.testing.assert_allclose(found[:, :2], wanted)
    np.testing.assert_allclose(found[:, 2], np.log1p([2, 2, 1, 1]))
    np.testing.assert_array_equal(made.transform(pd.DataFrame({"t": ["", "cat"]}))[:, :2], 0)
    nothing = WordFeatures().fit(pd.DataFrame({"t": ["a", "b"]}))
    assert nothing.transform(X).shape == (4, 1)


def test_a_text_may_speak_of_its_length() -> None:
    X = pd.DataFrame({"t": [f"length word count {i}" for i in range(30)]})
    names = TablePreparation().fit(X).get_feature_names_out().tolist()
    assert names == ["t__count", "t__length", "t__word", "t__word count"]


def test_many_words_become_their_main_directions() -> None:
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice([f"w{i}" for i in range(40)], 8)) for _ in range(60)]
    X = pd.DataFrame({"n": rng.normal(size=60), "t": texts, "c": ["x", "y"] * 30})
    few, all_of_them = WordFeatures(4).fit(X[["t"]]), WordFeatures(1000).fit(X[["t"]])
    assert few.get_feature_names_out().tolist() == [*(f"t__topic{k}" for k in range(4)), "t__word count"]
    counted = all_of_them.transform(X[["t"]])[:, :-1]
    _, s, _ = np.linalg.svd(counted)
    np.testing.assert_allclose(np.linalg.norm(few.transform(X[["t"]])[:, :-1], axis=0), s[:4], rtol=0.02)
    for native in (False, True):
        made = TablePreparation(native=native).fit(X)
        assert made.kinds_ == ["number", "text", "category"]
        names, found = made.get_feature_names_out(), np.asarray(made.transform(X))
        assert found.shape == (60, len(names))
        assert sum(name.startswith("t__") for name in names) == 41
    prepare = TablePreparation().fit(X)
    assert (prepare.sources() == 1).sum() == 41


@pytest.mark.parametrize("scale", [False, True])
def test_a_table_of_numbers_alone_is_prepared_as_by_scikit_learn(scale):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(50, 3)), columns=["a", "b", "c"])
    X.iloc[3, 1] = X.iloc[7, 2] = np.nan
    X["whole"], X["truth"], X["empty"] = np.arange(50), rng.random(50) > 0.5, np.nan
    prepare = TablePreparation(scale=scale).fit(X)
    for new in (X, X.iloc[:1], X.iloc[5:9, ::-1], X.assign(more=1), X.astype({"a": np.float32})):
        found = prepare.transform(new)
        wanted = prepare.transformer_.transform(prepare._typed(new))
        np.testing.assert_array_equal(found, wanted)
        assert (
            found.flags.c_contiguous == wanted.flags.c_contiguous
        )  # sums are rounded by the order in memory
    with pytest.raises(ValueError, match="infinity"):
        prepare.transform(X.assign(a=np.inf))
    with pytest.raises(InputError, match="lacks 1 of the 6 columns learned from: 'b'"):
        prepare.transform(X.drop(columns="b"))
