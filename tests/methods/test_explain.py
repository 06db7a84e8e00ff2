"""What an answer rests on: against exact Shapley values, linear models by hand and scikit-learn's permutation."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression

from neuroloom.core import InputError, NodeSet
from neuroloom.methods.explain import explain
from neuroloom.methods.parts import divide
from neuroloom.methods.ridge import RidgeClassifier
from tests.conformance.cases import samples


def exact(model, x, background):
    """Return the Shapley values of every class by their definition, over all subsets of the columns."""
    p = len(x)

    def worth(kept):
        mixed = background.copy()
        mixed[:, list(kept)] = x[list(kept)]
        return model.predict_proba(mixed).mean(axis=0)

    found = []
    for i in range(p):
        others = [j for j in range(p) if j != i]
        total = 0.0
        for size in range(p):
            weight = factorial(size) * factorial(p - size - 1) / factorial(p)
            for kept in combinations(others, size):
                total = total + weight * (worth((*kept, i)) - worth(kept))
        found.append(total)
    return np.array(found)


def test_shapley_values_are_those_of_the_definition():
    X, y = load_iris(return_X_y=True)
    model = RandomForestClassifier(10, random_state=0).fit(X, y)
    background = X[::15]
    found = explain(model, X[[0, 77]], background=background, draws=2000, random_state=1)
    for row, values, errors in zip((0, 77), found.values, found.errors, strict=True):
        wanted = exact(model, X[row], background)
        assert np.abs(values - wanted).max() < 0.02
        assert (np.abs(values - wanted) < 4 * errors + 1e-9).all()
    np.testing.assert_allclose(found.values.sum(axis=1), found.answers - found.base, atol=1e-12)
    np.testing.assert_allclose(found.base[0], model.predict_proba(background).mean(axis=0), atol=1e-12)
    assert found.outputs == ("0", "1", "2")


def test_a_linear_model_is_explained_exactly():
    """Of a sum, each order says the same up to the background: coefficient times distance from its mean."""
    draw = np.random.default_rng(0)
    X = draw.normal(size=(40, 3))
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    model = LinearRegression().fit(frame, X @ [2.0, -1.0, 0.0] + 3)
    found = explain(model, frame[:5], background=frame[5:15], draws=20, random_state=0)
    by_hand = np.array([2.0, -1.0, 0.0]) * (X[:5] - X[5:15].mean(axis=0))
    np.testing.assert_allclose(found.values[:, :, 0], by_hand, atol=1e-9)
    slopes = explain(model, frame[:5], method="lime", background=frame[5:15], draws=20_000, random_state=0)
    np.testing.assert_allclose(
        slopes.values[:, :, 0], by_hand, atol=0.15
    )  # the ridge and the draws shrink it a little
    assert found.names == ("a", "b", "c")
    assert found.outputs == ("answer",)
    assert found.importance().argmin() == 2
    table = found.to_frame()
    assert table.shape == (15, 5)
    assert table.loc[(table["sample"] == 1) & (table["part"] == "b"), "value"].item() == pytest.approx(
        by_hand[1, 1]
    )


def test_permutation_importance_is_that_of_scikit_learn():
    X, y = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=500).fit(X[::2], y[::2])
    ours = explain(model, X[1::2], y[1::2], method="permutation", draws=200, random_state=0)
    theirs = permutation_importance(model, X[1::2], y[1::2], n_repeats=200, random_state=0)
    spread = theirs.importances_std / np.sqrt(200)
    assert (
        np.abs(ours.importance() - theirs.importances_mean) < 4 * (spread + ours.errors[0, :, 0]) + 1e-12
    ).all()
    np.testing.assert_allclose(ours.errors[0, :, 0], spread, rtol=0.5, atol=1e-4)
    by_loss = explain(
        model,
        X[1::2],
        y[1::2],
        method="permutation",
        score=lambda m, a, b: -float((m.predict(a) != b).sum()),
        draws=5,
    )
    assert by_loss.answers.item() == -float((model.predict(X[1::2]) != y[1::2]).sum())


def test_what_makes_a_series_is_found_where_it_is():
    draw = np.random.default_rng(1)
    X = draw.normal(size=(80, 2, 40))
    y = np.repeat([0, 1], 40)
    X[y == 1, 1, 10:20] += 2.0

    class Peak(RidgeClassifier):
        def fit(self, X, y):
            return super().fit(X.reshape(len(X), -1), y)

        def decision_function(self, X):
            return super().decision_function(X.reshape(len(X), -1))

        def predict(self, X):
            return super().predict(X.reshape(len(X), -1))

    model = Peak().fit(X, y)
    found = explain(model, X[:6], parts=4, draws=40, random_state=0)
    assert found.names[:5] == ("ch0[0:10]", "ch0[10:20]", "ch0[20:30]", "ch0[30:40]", "ch1[0:10]")
    assert found.names[int(found.importance().argmax())] == "ch1[10:20]"
    drops = explain(model, X, y, method="permutation", parts=4, random_state=0)
    assert drops.names[int(drops.importance().argmax())] == "ch1[10:20]"


def test_patches_cover_a_picture_once():
    X = np.zeros((2, 3, 7, 9))
    parts = divide(X, (2, 4))
    assert len(parts.names) == 8
    assert parts.place.shape == (3, 7, 9)
    assert np.bincount(parts.place[0].ravel()).tolist() == [8, 8, 12, 8, 6, 6, 9, 6]
    assert parts.names[0] == "[0:4, 0:2]"
    assert len(divide(X).names) == 7 * 8


def test_digits_rest_on_their_strokes(tmp_path):
    pytest.importorskip("matplotlib")
    X, y = load_digits(n_class=2, return_X_y=True)
    pictures = X.reshape(-1, 1, 8, 8)

    class Flat(LogisticRegression):
        def fit(self, X, y):
            return super().fit(X.reshape(len(X), -1), y)

        def predict_proba(self, X):
            return super().predict_proba(X.reshape(len(X), -1))

    model = Flat(max_iter=300).fit(pictures, y)
    found = explain(model, pictures[:3], draws=20, random_state=0)
    middle = [i for i, name in enumerate(found.names) if name in ("[3:4, 3:4]", "[3:4, 4:5]", "[4:5, 3:4]")]
    assert found.importance()[middle].mean() > 3 * np.median(found.importance())  # a zero has a hole there
    for name, ax in (("one", found.plot(sample=0)), ("all", found.plot())):
        ax.figure.savefig(tmp_path / name)
        assert (tmp_path / f"{name}.png").stat().st_size > 5000


def test_the_same_seed_explains_the_same():
    X, y = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=500).fit(X, y)
    for method in ("shapley", "lime"):
        a, b, c = (explain(model, X[:3], method=method, random_state=seed).values for seed in (1, 1, 2))
        np.testing.assert_array_equal(a, b)
        assert np.abs(a - c).max() > 0


def test_a_frame_with_categories_is_mixed():
    frame = pd.DataFrame({"size": [1.0, 2.0, 3.0], "colour": pd.Categorical(["red", "blue", "red"])})
    keep = np.array([[True, False], [False, True], [False, False]])
    mixed = divide(frame).mixed(frame.iloc[[1]], frame, keep)
    assert mixed["size"].tolist() == [2.0, 2.0, 3.0]
    assert mixed["colour"].tolist() == ["red", "blue", "red"]
    assert mixed["colour"].dtype == frame["colour"].dtype


def test_errors_say_what_to_do():
    X, y = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=500).fit(X, y)
    with pytest.raises(InputError, match="pass y"):
        explain(model, X, method="permutation")
    with pytest.raises(InputError, match="for 'permutation' alone"):
        explain(model, X, y)
    with pytest.raises(InputError, match=r"samples of shape \(4,\), as X does, but has shape \(150, 3\)"):
        explain(model, X, background=X[:, :3])
    with pytest.raises(InputError, match="a table, series and pictures can be explained, but got NodeSet"):
        explain(model, NodeSet(samples("nodes", "classification")[0].graph))
    with pytest.raises(InputError, match="divided into its columns"):
        explain(model, X, parts=2)
    with pytest.raises(InputError, match="`parts` must be a whole number from 1 to 5"):
        divide(np.zeros((2, 1, 5)), 6)
