"""Learning from rare classes: resampling, weights, moved thresholds; checked against imbalanced-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from neuroloom.core import InputError, NodeSet, NotSupportedError
from neuroloom.core.seeding import derive
from neuroloom.methods import make, recipe
from neuroloom.methods.resampled import SAMPLERS, ResampledClassifier
from neuroloom.methods.saving import load_estimator, save_estimator
from neuroloom.methods.thresholds import ThresholdClassifier
from tests.conformance.cases import samples


def rare(n: int = 3000, share: float = 0.05, seed: int = 0):
    """Return two Gaussian classes one apart, the second rare; the true log-odds are known."""
    draw = np.random.default_rng(seed)
    y = (draw.random(n) < share).astype(int)
    X = draw.normal(size=(n, 2)) + 1.5 * y[:, None]
    return X, np.where(y == 1, "rare", "common")


class Remembers(ClassifierMixin, BaseEstimator):
    """Keeps what it was fitted on."""

    def fit(self, X, y, sample_weight=None):
        self.X_, self.y_, self.weight_, self.classes_ = X, y, sample_weight, np.unique(y)
        return self

    def predict_proba(self, X):
        return np.tile([0.4, 0.6], (len(X), 1))

    def predict(self, X):
        return np.full(len(X), self.classes_[1])


def test_drawn_samples_are_as_many_as_asked_for():
    X = np.arange(20)[:, None].astype(float)
    y = np.array([0] * 14 + [1] * 4 + [2] * 2)
    over = ResampledClassifier(Remembers(), "oversample", random_state=1).fit(X, y)
    assert np.bincount(over.estimator_.y_).tolist() == [14, 14, 14]
    assert set(over.estimator_.X_[:, 0].tolist()) == set(range(20))  # none is lost
    repeats = np.bincount(over.estimator_.X_[over.estimator_.y_ == 1, 0].astype(int))[14:]
    assert repeats.max() - repeats.min() <= 1  # dealt out evenly
    half = ResampledClassifier(Remembers(), "oversample", ratio=0.5, random_state=1).fit(X, y)
    assert np.bincount(half.estimator_.y_).tolist() == [14, 7, 7]
    under = ResampledClassifier(Remembers(), "undersample", random_state=1).fit(X, y)
    assert np.bincount(under.estimator_.y_).tolist() == [2, 2, 2]
    assert len(np.unique(under.estimator_.X_)) == 6
    under = ResampledClassifier(Remembers(), "undersample", ratio=0.5, random_state=1).fit(X, y)
    assert np.bincount(under.estimator_.y_).tolist() == [4, 4, 2]
    weights = ResampledClassifier(Remembers(), "weights").fit(X, y).estimator_.weight_
    assert [weights[y == c].sum() for c in range(3)] == pytest.approx([20 / 3] * 3)


def test_smote_is_that_of_imbalanced_learn():
    X, y = rare(300)
    ours = ResampledClassifier(Remembers(), "smote", random_state=5).fit(X, y)
    seed = derive(5, "resampled") % 2**31
    made, labels = SMOTE(random_state=seed, k_neighbors=5).fit_resample(X, y)
    np.testing.assert_array_equal(ours.estimator_.X_, made)
    np.testing.assert_array_equal(ours.estimator_.y_, labels)


def test_probabilities_are_turned_back_by_hand():
    y = np.array([0] * 9 + [1])
    model = ResampledClassifier(Remembers(), "oversample", random_state=0).fit(np.zeros((10, 1)), y)
    low, high = 0.4 * 0.9 / 0.5, 0.6 * 0.1 / 0.5
    assert model.predict_proba(np.zeros((1, 1)))[0] == pytest.approx(
        [low / (low + high), high / (low + high)]
    )
    assert model.predict(np.zeros((1, 1)))[0] == 1  # the answer after balancing stays
    plain = ResampledClassifier(Remembers(), "oversample", correct=False, random_state=0)
    assert plain.fit(np.zeros((10, 1)), y).predict_proba(np.zeros((1, 1)))[0] == pytest.approx([0.4, 0.6])


@pytest.mark.parametrize(
    "sampler", [s for s in SAMPLERS if s not in ("smote-enn", "adasyn", "borderline-smote")]
)
def test_rare_classes_are_found_and_probabilities_stay_true(sampler):
    """A logistic model is right for these Gaussians, so that balancing must change its intercept alone."""
    X, y = rare()
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.5, random_state=0, stratify=y)
    plain = LogisticRegression().fit(X, y)
    model = ResampledClassifier(LogisticRegression(), sampler, random_state=0).fit(X, y)
    gain = balanced_accuracy_score(y_test, model.predict(X_test)) - balanced_accuracy_score(
        y_test, plain.predict(X_test)
    )
    assert gain > 0.08
    own = log_loss(y_test, model.predict_proba(X_test))
    assert own == pytest.approx(log_loss(y_test, plain.predict_proba(X_test)), abs=0.01)
    assert (
        log_loss(y_test, clone(model).set_params(correct=False).fit(X, y).predict_proba(X_test)) > own + 0.1
    )


def test_the_prior_rule_answers_as_the_balanced_bayes_rule_does():
    X, y = rare()
    model = ThresholdClassifier(LogisticRegression()).fit(X, y)
    assert model.threshold_ == pytest.approx((y == "rare").mean())
    p = model.predict_proba(X)[:, 1]
    np.testing.assert_array_equal(model.predict(X) == "rare", p > model.threshold_)
    np.testing.assert_array_equal(p, LogisticRegression().fit(X, y).predict_proba(X)[:, 1])


def test_costs_decide_by_hand():
    class Third(Remembers):
        def predict_proba(self, X):
            return np.array([[0.7, 0.3]])

    y = ["no", "no", "yes"]
    X = np.zeros((3, 1))
    dear = ThresholdClassifier(Third(), "cost", cost=[[0, 1], [5, 0]]).fit(X, y)
    assert dear.predict(X[:1]) == ["yes"]  # a missed yes costs 1.5 on the mean, a false one 0.7
    cheap = ThresholdClassifier(Third(), "cost", cost=[[0, 1], [2, 0]]).fit(X, y)
    assert cheap.predict(X[:1]) == ["no"]  # 0.6 against 0.7
    with pytest.raises(InputError, match=r"`cost` must hold 2 x 2 finite numbers.*shape \(3,\)"):
        ThresholdClassifier(Third(), "cost", cost=[1, 2, 3]).fit(X, y)
    with pytest.raises(InputError, match="rule 'cost' needs `cost`"):
        ThresholdClassifier(Third(), "cost").fit(X, y)


@pytest.mark.parametrize("metric", ["balanced_accuracy", "f1", "mcc"])
def test_a_tuned_threshold_beats_the_half(metric):
    from sklearn.metrics import f1_score, matthews_corrcoef

    score = {
        "balanced_accuracy": balanced_accuracy_score,
        "f1": lambda t, p: f1_score(t, p, pos_label="rare"),
        "mcc": matthews_corrcoef,
    }[metric]
    X, y = rare()
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.5, random_state=0, stratify=y)
    tuned = ThresholdClassifier(LogisticRegression(), "tuned", metric=metric, random_state=0).fit(X, y)
    plain = LogisticRegression().fit(X, y)
    least = {"balanced_accuracy": 0.08, "f1": 0.01, "mcc": -0.02}[
        metric
    ]  # the half is near the best for MCC here
    assert score(y_test, tuned.predict(X_test)) > score(y_test, plain.predict(X_test)) + least
    assert 0 < tuned.threshold_ < 0.5
    with pytest.raises(NotSupportedError, match="two classes, but there are 3"):
        ThresholdClassifier(LogisticRegression(), "tuned").fit(np.eye(6), [0, 1, 2, 0, 1, 2])


def test_in_expressions():
    steps = [(s.name, s.problem) for s in recipe("wavelets+smote+svm", "series", "classification").steps]
    assert steps == [("wavelets", "transform"), ("smote", "balance"), ("svm", "classification")]
    model = make(
        "smote+svm+temperature+threshold", "table", "classification", smote__neighbours=3, svm__C=2.0
    )
    inner = model.estimator.estimator
    assert inner.get_params()["estimator__svm__C"] == 2.0
    assert inner.neighbours == 3
    X, y = rare(200)
    assert model.fit(X, y).predict_proba(X).shape == (200, 2)
    assert recipe("kmeans-features+mlp", "table", "classification").batch
    assert not recipe("smote+mlp", "table", "classification").batch
    flat = make("smote+knn", "series", "classification")
    assert flat.fit(X[:, None, :], y).predict(X[:, None, :]).shape == (200,)
    reasons = {
        (
            "smote",
            "table",
            "classification",
        ): "smote balances the classes for the method after it, as smote+svm",
        (
            "smote+svm",
            "table",
            "regression",
        ): "smote balances the classes for a classifier, and this is regression",
        ("smote+logreg", "nodes", "classification"): "smote takes a table, and the data are nodes",
        (
            "svm+smote+knn",
            "table",
            "classification",
        ): "svm gives answers, not features, so nothing can follow it",
    }
    for (expression, kind, problem), reason in reasons.items():
        assert reason in recipe(expression, kind, problem).reason


def test_nodes_can_be_balanced_too():
    X, y = samples("nodes", "classification")
    rows = np.r_[np.flatnonzero(y == "Mr. Hi"), np.flatnonzero(y == "Officer")[:4]]
    model = make("oversample+gcn", "nodes", "classification", gcn__epochs=30, gcn__random_state=0)
    fitted = model.fit(NodeSet(X.graph, X.ids[rows]), y[rows])
    assert fitted.shares_.tolist() == [0.5, 0.5]
    assert (fitted.predict(X) == y).mean() > 0.8


def test_errors_say_what_to_do():
    X, y = rare(60)
    with pytest.raises(NotSupportedError, match="KNeighborsClassifier takes no weights"):
        ResampledClassifier(KNeighborsClassifier(), "weights").fit(X, y)
    with pytest.raises(InputError, match="needs 2 samples of each class, but 'b' has 1; take oversample"):
        ResampledClassifier(SVC(), "smote").fit(np.eye(4), ["a", "a", "a", "b"])
    with pytest.raises(InputError, match="all samples are of 'a'"):
        ResampledClassifier(SVC()).fit(np.eye(4), ["a"] * 4)
    with pytest.raises(InputError, match="balances fully"):
        ResampledClassifier(SVC(), "smote", ratio=0.5).fit(X, y)
    with pytest.raises(NotSupportedError, match=r"svm\+temperature\+threshold"):
        ThresholdClassifier(SVC()).fit(X, y)
    assert not hasattr(ResampledClassifier(SVC()), "predict_proba")


def test_saved_and_cloned(tmp_path):
    X, y = rare(200)
    model = make("smote+logreg+threshold", "table", "classification", smote__random_state=1).fit(X, y)
    save_estimator(model, tmp_path / "model", {})
    loaded, _ = load_estimator(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    again = ResampledClassifier(RandomForestClassifier(5, random_state=0), "adasyn", random_state=2)
    first = again.fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(clone(again).fit(X, y).predict_proba(X), first)
