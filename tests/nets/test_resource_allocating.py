"""Networks that grow with a stream of samples."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_iris, make_moons
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import cross_val_score

from neuroloom.core.errors import InputError
from neuroloom.nets import ResourceAllocatingClassifier, ResourceAllocatingRegressor
from neuroloom.nets._scaling import smooth_clip


def _design(net: ResourceAllocatingRegressor, X: np.ndarray) -> np.ndarray:
    Z = smooth_clip(X, net.median_, net.inverse_spread_)
    d2 = ((Z[:, None] - net.centres_) ** 2).sum(axis=2)
    return np.hstack([np.ones((len(Z), 1)), Z, np.exp(-d2 / (2 * net.widths_**2))])


def _curve(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    X = generator.uniform(-2, 2, size=(n, 2))
    return X, np.sin(2 * X[:, 0]) * X[:, 1]


def test_least_squares_is_that_of_all_samples_at_once() -> None:
    X, y = _curve(120)
    net = ResourceAllocatingRegressor(max_centres=10).partial_fit(X[:60], y[:60])
    assert len(net.centres_) == 10  # no more: from here on only the weights move
    prior, start = np.linalg.inv(net.covariance_), net.coef_
    net.partial_fit(X[60:], y[60:])
    D, Y = _design(net, X[60:]), (y[60:, None] - net.target_mean_) / net.target_scale_
    wanted = np.linalg.solve(D.T @ D + prior, D.T @ Y + prior @ start)  # Bayesian linear regression, noise 1
    assert net.coef_ == pytest.approx(wanted, abs=1e-8)
    assert np.linalg.inv(net.covariance_) == pytest.approx(D.T @ D + prior, rel=1e-6)


def test_the_steps_of_the_paper_by_hand() -> None:
    net = ResourceAllocatingRegressor(
        learning="lms", rate=0.1, error=0.5, far=0.5, near=0.5, overlap=0.8, max_centres=2
    )
    net._begin(np.array([[-1.0], [1.0]]), 1)
    z = smooth_clip(np.array([[0.6], [0.9]]), net.median_, net.inverse_spread_)[:, 0]
    net._learn(np.array([[0.6], [0.9]]), np.array([[2.0], [1.0]]))
    # the first sample surprises: a prototype on it, of width 0.8 · 0.5, that takes the 2.0 that were missing
    width = 0.4
    phi = np.exp(-((z[1] - z[0]) ** 2) / (2 * width**2))
    gap = 1.0 - 2.0 * phi  # the second lies within 0.5 of it: a gradient step
    assert abs(z[1] - z[0]) < 0.5
    assert net.widths_ == pytest.approx([width])
    assert net.coef_[:, 0] == pytest.approx([0.1 * gap, 0.1 * gap * z[1], 2.0 + 0.1 * gap * phi])
    assert net.centres_[0, 0] == pytest.approx(z[0] + 0.1 * phi * 2.0 * gap / width**2 * (z[1] - z[0]))


def test_a_stream_in_pieces_is_the_stream() -> None:
    X, y = _curve(90)
    whole = ResourceAllocatingRegressor().partial_fit(X[:30], y[:30]).partial_fit(X[30:], y[30:])
    parts = ResourceAllocatingRegressor().partial_fit(X[:30], y[:30])
    for i in range(30, 90):
        parts.partial_fit(X[i : i + 1], y[i : i + 1])
    assert np.array_equal(parts.coef_, whole.coef_)
    assert parts.n_seen_ == whole.n_seen_ == 90


def test_it_grows_where_it_is_surprised_and_no_further() -> None:
    X, y = _curve(400)
    straight = 3 * X[:, 0] - X[:, 1]
    few = ResourceAllocatingRegressor(random_state=0).fit(X, straight)
    many = ResourceAllocatingRegressor(random_state=0).fit(X, y)
    assert len(few.centres_) < len(many.centres_) / 2 < 100
    apart = np.linalg.norm(many.centres_[:, None] - many.centres_, axis=2)[
        ~np.eye(len(many.centres_), dtype=bool)
    ]
    assert apart.min() >= many.near * np.sqrt(2)
    assert many.score(*_curve(300, seed=1)) > 0.95
    assert LinearRegression().fit(X, y).score(X, y) < 0.1


def test_forgetting_follows_what_drifts() -> None:
    generator = np.random.default_rng(0)
    X = generator.uniform(-1, 1, size=(600, 1))
    y = np.where(np.arange(600) < 300, 1.0, -1.0) * X[:, 0] + 0.0
    scores = {}
    for forgetting in (1.0, 0.95):
        net = ResourceAllocatingRegressor(forgetting=forgetting, max_centres=5).partial_fit(X[:50], y[:50])
        scores[forgetting] = net.partial_fit(X[50:], y[50:]).score(X[300:], y[300:])
    assert scores[0.95] > 0.9 > scores[1.0] + 0.5


def test_a_long_stream_is_forgotten_without_end() -> None:
    generator = np.random.default_rng(0)
    X = generator.normal(size=(2000, 3))
    y = X[:, 0] + np.sin(2 * X[:, 1])
    for forgetting in (0.9, 0.99):
        net = ResourceAllocatingRegressor(forgetting=forgetting, max_centres=40).partial_fit(X, y)
        assert np.linalg.eigvalsh(net.covariance_).max() <= 1.0001 / net.ridge
        assert net.score(X[-200:], y[-200:]) > 0.8


def test_classes() -> None:
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    assert cross_val_score(ResourceAllocatingClassifier(random_state=0), X, names, cv=5).mean() > 0.93
    moons, side = make_moons(300, noise=0.1, random_state=0)
    net = ResourceAllocatingClassifier().partial_fit(moons[:150], side[:150], classes=[0, 1, 2])
    net.partial_fit(moons[150:], side[150:])
    p = net.predict_proba(moons)
    assert p.sum(axis=1) == pytest.approx(1.0)
    assert p.min() > 0
    assert net.score(moons, side) > 0.97
    assert set(net.predict(moons)) == {0, 1}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"error": -1.0}, r"`error`"),
        ({"far": 0.01}, r"`far`"),
        ({"decay": 0}, r"`decay`"),
        ({"max_centres": 0}, r"`max_centres`"),
        ({"learning": "rlms"}, r"did you mean 'rls'|did you mean 'lms'"),
        ({"forgetting": 1.5}, r"`forgetting`"),
        ({"ridge": 0}, r"`ridge`"),
    ],
)
def test_wrong_parameters_are_answered(parameters: dict[str, object], message: str) -> None:
    X, y = _curve(10)
    with pytest.raises(InputError, match=message):
        ResourceAllocatingRegressor(**parameters).fit(X, y)


def test_a_stream_that_begins_badly_is_answered() -> None:
    X = np.arange(12.0).reshape(6, 2)
    with pytest.raises(InputError, match=r"first samples give the scale .* got 1 sample; pass several"):
        ResourceAllocatingRegressor().partial_fit(X[:1], [1.0])
    net = ResourceAllocatingClassifier()
    with pytest.raises(InputError, match=r"needs all labels that will come; pass `classes=`"):
        net.partial_fit(X, [0, 1] * 3)
    with pytest.raises(InputError, match=r"labels \[7\] are none of the 2 classes"):
        net.partial_fit(X, [0, 1, 0, 1, 0, 7], classes=[0, 1])
    net.partial_fit(X, [0, 1] * 3, classes=[0, 1])  # nothing of the failed calls is left
    assert net.n_seen_ == 6
