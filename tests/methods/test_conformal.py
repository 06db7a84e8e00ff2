"""Conformal intervals and sets: their definitions computed slowly, coverage over many splits, any sample set."""

import math

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, make_classification
from sklearn.linear_model import LinearRegression, LogisticRegression, QuantileRegressor, RidgeClassifier

from neuroloom.core import InputError, NotSupportedError
from neuroloom.methods import build
from neuroloom.methods.conformal import ConformalClassifier, ConformalRegressor
from neuroloom.methods.saving import load_estimator, save_estimator
from neuroloom.tasks import open_task


def line(n, seed, spread=1.0):
    rng = np.random.default_rng(seed)
    X = rng.uniform(-2, 2, size=(n, 2))
    return X, X @ [1.0, -2.0] + rng.standard_t(4, size=n) * (spread + (spread < 0.5) * np.abs(X[:, 0]))


def test_cv_plus_is_its_definition():
    X, y = line(53, 0)
    model = ConformalRegressor(LinearRegression(), 0.8, folds=4, random_state=1).fit(X, y)
    new = line(7, 1)[0]
    held = model._parts(53, None)
    assert sorted(np.concatenate(held).tolist()) == list(range(53))
    wanted = []
    for row in new:
        low, high = [], []
        for part in held:
            rest = [i for i in range(53) if i not in part]
            fitted = LinearRegression().fit(X[rest], y[rest])
            for i in part:
                error = abs(y[i] - fitted.predict(X[i : i + 1])[0])
                answer = fitted.predict(row[None])[0]
                low.append(answer - error)
                high.append(answer + error)
        # Barber et al. (2021): the floor(α (n + 1))-th smallest, and the ceil((1 - α) (n + 1))-th smallest
        wanted.append(
            [sorted(low)[math.floor(0.2 * 54 + 1e-9) - 1], sorted(high)[math.ceil(0.8 * 54 - 1e-9) - 1]]
        )
    np.testing.assert_allclose(model.predict_interval(new), wanted)
    np.testing.assert_allclose(model.predict(new), LinearRegression().fit(X, y).predict(new))


def test_split_is_its_definition():
    X, y = line(40, 0)
    model = ConformalRegressor(LinearRegression(), 0.75, "split", random_state=1).fit(X, y)
    (held,) = model._parts(40, None)
    assert len(held) == 10
    rest = np.setdiff1d(np.arange(40), held)
    fitted = LinearRegression().fit(X[rest], y[rest])
    wide = sorted(np.abs(y[held] - fitted.predict(X[held])))[math.ceil(11 * 0.75) - 1]
    np.testing.assert_allclose(
        model.predict_interval(X), np.stack([fitted.predict(X) - wide, fitted.predict(X) + wide], 1)
    )


def test_cqr_is_its_definition():
    X, y = line(60, 0, 0.2)
    pair = QuantileRegressor(quantile=0.1, alpha=0), QuantileRegressor(quantile=0.9, alpha=0)
    model = ConformalRegressor(pair, 0.8, "cqr", random_state=1).fit(X, y)
    (held,) = model._parts(60, None)
    rest = np.setdiff1d(np.arange(60), held)
    low, high = (clone(one).fit(X[rest], y[rest]) for one in pair)
    errors = np.maximum(low.predict(X[held]) - y[held], y[held] - high.predict(X[held]))
    wide = np.sort(errors)[math.ceil(16 * 0.8 - 1e-9) - 1]
    np.testing.assert_allclose(model.predict_interval(X)[:, 0], low.predict(X) - wide)
    np.testing.assert_allclose(model.predict_interval(X)[:, 1], high.predict(X) + wide)
    np.testing.assert_allclose(model.predict(X), (low.predict(X) + high.predict(X)) / 2)


@pytest.mark.parametrize("rule", ["lac", "aps", "raps"])
@pytest.mark.parametrize("method", ["split", "cv+"])
def test_sets_are_their_definition(rule, method):
    X, y = make_classification(80, 6, n_informative=4, n_classes=3, random_state=0, class_sep=0.6)
    y = np.array(["a", "b", "c"])[y]
    model = ConformalClassifier(
        LogisticRegression(), 0.8, method, rule=rule, penalty=0.2, most=1, folds=4, random_state=1
    ).fit(X, y)

    def score(likely, k):
        if rule == "lac":
            return 1 - likely[k]
        above = [p for p in likely if p >= likely[k]]
        return round(sum(above) + (0.2 * max(0, len(above) - 1) if rule == "raps" else 0), 12)

    scores, members, owner = [], [], []
    for part in model._parts(80, np.unique(y, return_inverse=True)[1]):
        rest = np.setdiff1d(np.arange(80), part)
        members.append(LogisticRegression().fit(X[rest], y[rest]))
        likely = members[-1].predict_proba(X[part])
        scores += [score(p, "abc".index(label)) for p, label in zip(likely, y[part], strict=True)]
        owner += [len(members) - 1] * len(part)
    new = make_classification(30, 6, n_informative=4, n_classes=3, random_state=5)[0]
    found = model.predict_set(new)
    for i, row in enumerate(new):
        for k in range(3):
            mine = [score(member.predict_proba(row[None])[0], k) for member in members]
            lower = sum(known < mine[who] for known, who in zip(scores, owner, strict=True))
            inside = lower < math.ceil((len(scores) + 1) * 0.8 - 1e-9)
            assert found[i, k] == (inside or model.predict_proba(row[None])[0].argmax() == k)


@pytest.mark.parametrize("method", ["cv+", "split"])
def test_intervals_cover_what_they_promise(method):
    covered, widths = [], []
    for seed in range(50):
        X, y = line(400, seed)
        model = ConformalRegressor(LinearRegression(), 0.9, method, random_state=seed).fit(X[:200], y[:200])
        low, high = model.predict_interval(X[200:]).T
        covered.append(((low <= y[200:]) & (y[200:] <= high)).mean())
        widths.append((high - low).mean())
    assert abs(np.mean(covered) - 0.9) < 0.01
    assert 3 < np.mean(widths) < 6  # t with 4 degrees of freedom: 2 * 2.13


@pytest.mark.parametrize("rule", ["lac", "aps", "raps"])
def test_sets_hold_the_class_as_often_as_they_promise(rule):
    covered, sizes = [], []
    for seed in range(30):
        X, y = make_classification(
            600, 8, n_informative=5, n_classes=4, random_state=seed, class_sep=0.7, n_clusters_per_class=1
        )
        model = ConformalClassifier(LogisticRegression(), 0.9, "split", rule=rule, random_state=seed)
        found = model.fit(X[:300], y[:300]).predict_set(X[300:])
        covered.append(found[np.arange(300), y[300:]].mean())
        sizes.append(found.sum(axis=1).mean())
    assert (
        0.885 < np.mean(covered) < (0.92 if rule == "lac" else 0.97)
    )  # without its random part the others hold more
    assert 1 < np.mean(sizes) < 3.5


def test_widths_follow_the_data_with_quantiles():
    X, y = line(1500, 0, 0.1)
    pair = [build("hist-gradient-boosting", "table", "regression", {}, random_state=0)[0] for _ in range(2)]
    for one, quantile in zip(pair, (0.05, 0.95), strict=True):
        last = one.steps[-1][1] if hasattr(one, "steps") else one
        last.set_params(loss="quantile", quantile=quantile, max_iter=50)
    model = ConformalRegressor(tuple(pair), 0.9, "cqr", random_state=0).fit(X[:1000], y[:1000])
    low, high = model.predict_interval(X[1000:]).T
    wide = np.abs(X[1000:, 0]) > 1.2
    assert (high - low)[wide].mean() > 1.5 * (high - low)[~wide].mean()
    assert ((low <= y[1000:]) & (y[1000:] <= high)).mean() > 0.85


def test_another_confidence_needs_no_other_fit():
    X, y = load_diabetes(return_X_y=True)
    model = ConformalRegressor(LinearRegression(), random_state=0).fit(X, y)
    widths = [np.diff(model.predict_interval(X, c), axis=1).mean() for c in (0.5, 0.8, 0.95)]
    assert widths == sorted(widths)
    np.testing.assert_array_equal(model.predict_interval(X), model.predict_interval(X, 0.9))
    digits, label = load_digits(return_X_y=True)  # in the order of their writers, so not exchangeable
    order = np.random.default_rng(0).permutation(len(label))
    digits, label = digits[order], label[order]
    sets = ConformalClassifier(
        build("rbfn", "table", "classification", {}, random_state=0)[0], folds=2, random_state=0
    )
    sets.fit(digits[:500], label[:500])
    sizes = [sets.predict_set(digits[500:800], c).sum(axis=1).mean() for c in (0.8, 0.99)]
    assert 1 <= sizes[0] < sizes[1]
    assert sets.predict_set(digits[500:800], 0.99)[np.arange(300), label[500:800]].mean() > 0.96
    assert sets.n_parameters_ == sum(m.n_parameters_ for m in (*sets.members_, sets.estimator_))


@pytest.mark.parametrize(("method", "task"), [("label-propagation", "karate"), ("gcn", "karate")])
def test_nodes_have_sets_too(method, task):
    data = open_task(task).load(0)
    estimator, _ = build(
        method, "nodes", "classification", {"epochs": 20} if method == "gcn" else {}, random_state=0
    )
    model = ConformalClassifier(estimator, 0.8, folds=3, random_state=0).fit(data.X, data.y)
    assert model.predict_set(data.X).any(axis=1).all()
    assert clone(model).fit(data.X, data.y).predict_set(data.X).tolist() == model.predict_set(data.X).tolist()


def test_a_saved_model_answers_the_same(tmp_path):
    X, y = load_diabetes(return_X_y=True)
    estimator, _ = build("neat", "table", "regression", {"population": 20, "generations": 3}, random_state=0)
    model = ConformalRegressor(estimator, folds=2, random_state=0).fit(X, y)
    save_estimator(model, tmp_path / "m", {})
    again, _ = load_estimator(tmp_path / "m")
    np.testing.assert_array_equal(again.predict_interval(X), model.predict_interval(X))
    sets = ConformalClassifier(LogisticRegression(max_iter=500), random_state=0).fit(X, y > 150)
    save_estimator(sets, tmp_path / "s", {})
    again, _ = load_estimator(tmp_path / "s")
    np.testing.assert_array_equal(again.predict_set(X), sets.predict_set(X))


def test_what_cannot_be_promised_is_refused():
    X, y = line(30, 0)
    with pytest.raises(
        InputError, match=r"0\.99 needs at least 99 samples that the model has not seen, but there are 30"
    ):
        ConformalRegressor(LinearRegression(), 0.99).fit(X, y)
    with pytest.raises(InputError, match=r"at least 19 .* there are 8"):
        ConformalRegressor(LinearRegression(), 0.95, "split").fit(X, y)
    model = ConformalRegressor(LinearRegression()).fit(X, y)
    with pytest.raises(InputError, match="at least 49"):
        model.predict_interval(X, 0.98)
    for settings, match in (
        ({"method": "bootstrap"}, "method"),
        ({"confidence": 1.0}, "confidence"),
        ({"folds": 1}, "folds"),
        ({"calibration": 0.99, "method": "split"}, "leaves none"),
        ({"folds": 20}, "40 samples"),
        ({"method": "cqr"}, "pair"),
        ({"estimator": (LinearRegression(), LinearRegression())}, "pair"),
    ):
        with pytest.raises(InputError, match=match):
            ConformalRegressor(**{"estimator": LinearRegression(), **settings}).fit(X, y)
    with pytest.raises(InputError, match="rule"):
        ConformalClassifier(LogisticRegression(), rule="naive").fit(X, y > 0)
    with pytest.raises(NotSupportedError, match="RidgeClassifier does not give"):
        ConformalClassifier(RidgeClassifier()).fit(X, y > 0)


def test_a_class_that_a_fold_lacks_has_no_probability_there():
    X, y = make_classification(60, 5, random_state=0)
    y[0] = 2  # one sample alone
    model = ConformalClassifier(LogisticRegression(), 0.8, random_state=0).fit(X, y)
    assert model.classes_.tolist() == [0, 1, 2]
    assert model.predict_set(X).shape == (60, 3)
