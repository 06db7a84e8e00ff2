"""The few baselines that differ from scikit-learn's own."""

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifierCV, RidgeCV
from sklearn.svm import SVR
from sklearn.utils.estimator_checks import parametrize_with_checks

from neuroloom.core import EnvSet, NodeSet
from neuroloom.methods.dummy import DummyClassifier, DummyRegressor, RandomPolicy
from neuroloom.methods.ridge import Ridge, RidgeClassifier
from neuroloom.methods.svm import StandardisedSVR

ANEW = "the penalty is chosen anew under other class weights"
EXPECTED = {RidgeClassifier: {"check_class_weight_balanced_linear_classifier": ANEW}}


@parametrize_with_checks(
    [Ridge(), RidgeClassifier(), StandardisedSVR()],
    expected_failed_checks=lambda e: EXPECTED.get(type(e), {}),
)
def test_scikit_learns_own_checks(estimator: object, check: object) -> None:
    check(estimator)  # type: ignore[operator]


def _data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    return X, X @ [1.0, -2.0, 0.5] + rng.normal(0, 0.1, 80)


def test_the_svm_does_not_depend_on_the_targets_unit() -> None:
    X, y = _data()
    metres, miles = (
        StandardisedSVR().fit(X, y).predict(X),
        StandardisedSVR().fit(X, y * 1609.0 + 7).predict(X),
    )
    np.testing.assert_allclose(
        miles, metres * 1609.0 + 7, rtol=0, atol=0.02 * 1609
    )  # libsvm stops within 1e-3
    unit = (y - y.mean()) / y.std()
    np.testing.assert_allclose(metres, SVR().fit(X, unit).predict(X) * y.std() + y.mean())


def test_ridge_chooses_its_penalty_by_leave_one_out() -> None:
    X, y = _data()
    alphas = np.logspace(-3, 3, 10)
    np.testing.assert_allclose(Ridge().fit(X, y).coef_, RidgeCV(alphas=alphas).fit(X, y).coef_)
    labels = np.where(y > 0, "up", "down")
    expected = RidgeClassifierCV(alphas=alphas).fit(X, labels)
    np.testing.assert_allclose(RidgeClassifier().fit(X, labels).coef_, expected.coef_)
    assert RidgeClassifier().fit(X, labels).get_params()["alphas"] is None


def test_dummies_answer_on_any_sample_set() -> None:
    X = NodeSet([(0, 1), (1, 2), (2, 3)])
    found = DummyClassifier().fit(X, ["a", "a", "b", "a"])
    assert found.predict(X).tolist() == ["a"] * 4
    np.testing.assert_allclose(found.predict_proba(X)[0], [0.75, 0.25])
    assert DummyRegressor().fit(X, [1.0, 2.0, 3.0, 6.0]).predict(X).tolist() == [3.0] * 4


@pytest.mark.parametrize("seed", [0, 1])
def test_random_actions_depend_on_the_seed_alone(seed: int) -> None:
    X = EnvSet("CartPole-v1", [1, 2, 3])
    policy = RandomPolicy(random_state=seed).fit(X)
    observations = np.random.default_rng(0).normal(size=(50, 4))
    actions = policy.act(observations)
    assert set(actions.tolist()) == {0, 1}
    np.testing.assert_array_equal(policy.act(observations[::-1])[::-1], actions)
    assert 8 <= policy.predict(X).mean() < 100
