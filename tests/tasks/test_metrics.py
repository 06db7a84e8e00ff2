"""Every metric against scikit-learn or a value worked by hand, and on folds that lack a class."""

import math

import numpy as np
import pytest
import sklearn.metrics as skm
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroloom.core import InputError
from neuroloom.tasks import METRICS, evaluate
from neuroloom.tasks.metrics import ANOMALIES, COVERAGE

RNG = np.random.default_rng(0)
Y3 = RNG.choice(["ant", "bee", "cow"], size=60)
P3 = RNG.dirichlet(np.ones(3), size=60)
CLASSES = np.array(["ant", "bee", "cow"])
GUESS3 = CLASSES[P3.argmax(axis=1)]
Y2 = RNG.integers(0, 2, size=50)
P2 = np.column_stack([1 - RNG.random(50), np.zeros(50)])
P2[:, 1] = 1 - P2[:, 0]


def test_label_metrics_agree_with_scikit_learn():
    found = evaluate(["accuracy", "balanced_accuracy", "f1_macro", "f1_micro", "mcc"], Y3, GUESS3)
    assert found["accuracy"] == pytest.approx(skm.accuracy_score(Y3, GUESS3))
    assert found["balanced_accuracy"] == pytest.approx(skm.balanced_accuracy_score(Y3, GUESS3))
    assert found["f1_macro"] == pytest.approx(skm.f1_score(Y3, GUESS3, average="macro"))
    assert found["f1_micro"] == pytest.approx(skm.f1_score(Y3, GUESS3, average="micro"))
    assert found["mcc"] == pytest.approx(skm.matthews_corrcoef(Y3, GUESS3))


def test_probability_metrics_agree_with_scikit_learn_on_three_classes():
    found = evaluate(["roc_auc", "average_precision", "log_loss", "brier"], Y3, GUESS3, P3, CLASSES)
    assert found["roc_auc"] == pytest.approx(skm.roc_auc_score(Y3, P3, multi_class="ovr", average="macro"))
    one_hot = Y3[:, None] == CLASSES
    assert found["average_precision"] == pytest.approx(
        skm.average_precision_score(one_hot, P3, average="macro")
    )
    assert found["log_loss"] == pytest.approx(skm.log_loss(Y3, P3))
    assert found["brier"] == pytest.approx(((P3 - one_hot) ** 2).sum(axis=1).mean() / 2)


@pytest.mark.parametrize("form", ["columns", "positive"])
def test_probability_metrics_agree_with_scikit_learn_on_two_classes(form):
    given_ = P2 if form == "columns" else P2[:, 1]
    found = evaluate(["roc_auc", "average_precision", "log_loss", "brier"], Y2, Y2, given_, [0, 1])
    assert found["roc_auc"] == pytest.approx(skm.roc_auc_score(Y2, P2[:, 1]))
    assert found["average_precision"] == pytest.approx(skm.average_precision_score(Y2, P2[:, 1]))
    assert found["log_loss"] == pytest.approx(skm.log_loss(Y2, P2))
    assert found["brier"] == pytest.approx(skm.brier_score_loss(Y2, P2[:, 1]))


def test_number_metrics():
    y, guess = RNG.normal(size=40), RNG.normal(size=40)
    found = evaluate(["r2", "rmse", "mae", "return"], y, guess)
    assert found["r2"] == pytest.approx(skm.r2_score(y, guess))
    assert found["rmse"] == pytest.approx(math.sqrt(skm.mean_squared_error(y, guess)))
    assert found["mae"] == pytest.approx(skm.mean_absolute_error(y, guess))
    assert found["return"] == pytest.approx(guess.mean())


def test_forecast_metrics_by_hand():
    found = evaluate(
        ["mase", "smape"], np.array([4.0, 8.0]), np.array([5.0, 6.0]), y_train=np.array([1.0, 2.0, 5.0])
    )
    assert found["mase"] == pytest.approx(1.5 / 2.0)  # naive steps of 1 and 3 in training
    assert found["smape"] == pytest.approx(100 * (1 / 9 + 2 / 14))
    assert math.isnan(evaluate(["mase"], np.ones(2), np.ones(2))["mase"])


def test_a_return_needs_no_truth():
    assert evaluate(["return"], None, np.array([10.0, 20.0])) == {"return": 15.0}


def test_a_fold_without_a_class_is_scored_on_the_others():
    there = Y3 != "cow"
    found = evaluate(["roc_auc", "log_loss"], Y3[there], GUESS3[there], P3[there], CLASSES)
    wanted = np.mean(
        [skm.roc_auc_score(Y3[there] == label, P3[there, k]) for k, label in enumerate(CLASSES[:2])]
    )
    assert found["roc_auc"] == pytest.approx(wanted)
    assert found["log_loss"] == pytest.approx(skm.log_loss(Y3[there], P3[there], labels=CLASSES))


def test_a_class_that_training_lacked_counts_as_probability_zero():
    y = np.array(["ant", "bee", "dog"])
    p = np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]])
    found = evaluate(["log_loss", "accuracy", "brier"], y, np.array(["ant", "bee", "ant"]), p, ["ant", "bee"])
    assert found["log_loss"] == pytest.approx(-(math.log(0.9) + math.log(0.8) + math.log(1e-15)) / 3)
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["brier"] == pytest.approx((0.01 + 0.04 + 0.75) / 3)


def test_what_is_undefined_is_nan_not_an_error():
    one = np.array([1, 1, 1])
    found = evaluate(
        ["roc_auc", "average_precision", "mcc", "r2"], one, one, np.array([0.1, 0.2, 0.3]), [0, 1]
    )
    assert all(math.isnan(value) for value in found.values())
    assert math.isnan(evaluate(["log_loss"], Y3, GUESS3)["log_loss"])  # a method without probabilities


def test_labels_of_another_dtype_are_the_same_labels():
    as_objects = Y3.astype(object)
    assert evaluate(["accuracy"], as_objects, GUESS3) == evaluate(["accuracy"], Y3, GUESS3)
    numbers, classes = np.array([0, 1, 1]), np.array([0, 1], dtype=object)
    assert evaluate(["log_loss"], numbers, numbers, np.full((3, 2), 0.5), classes)[
        "log_loss"
    ] == pytest.approx(math.log(2))
    assert evaluate(["accuracy"], np.array([0, 1]), np.array(["0", "1"]))["accuracy"] == 1.0


def test_decision_values_serve_for_a_score():
    decision = np.log(P2[:, 1] / P2[:, 0])
    found = evaluate(["roc_auc"], Y2, Y2, classes=[0, 1], score=decision)
    assert found["roc_auc"] == pytest.approx(skm.roc_auc_score(Y2, P2[:, 1]))


def test_ranks_are_averaged_over_the_samples_that_have_one():
    ranks = [1.0, np.nan, 4.0, 10.0, 10.5, 51.0, np.nan]
    found = evaluate(["mrr", "hits@10", "hits@50"], np.ones(7), np.ones(7), ranks=ranks)
    assert found["mrr"] == pytest.approx((1 + 1 / 4 + 1 / 10 + 1 / 10.5 + 1 / 51) / 5)
    assert found["hits@10"] == pytest.approx(3 / 5)
    assert found["hits@50"] == pytest.approx(4 / 5)
    nothing = evaluate(["mrr", "hits@10"], np.ones(2), np.ones(2), ranks=[np.nan, np.nan])
    assert all(math.isnan(value) for value in (*nothing.values(), evaluate(["mrr"], Y2, Y2)["mrr"]))


def test_errors_name_the_nearest_metric_and_the_shapes():
    with pytest.raises(InputError, match=r"did you mean 'accuracy'"):
        evaluate(["acuracy"], Y3, GUESS3)
    with pytest.raises(InputError, match=r"expected 60 values of prediction, one a sample, but got 59"):
        evaluate(["accuracy"], Y3, GUESS3[1:])
    with pytest.raises(
        InputError, match=r"a column for each of 3 classes, but got an array of shape \(60, 2\)"
    ):
        evaluate(["log_loss"], Y3, GUESS3, P3[:, :2], CLASSES)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 5), st.integers(3, 30), st.integers(0, 10**6))
def test_every_metric_keeps_its_bounds(k, n, seed):
    rng = np.random.default_rng(seed)
    y, p = rng.integers(0, k, size=n), rng.dirichlet(np.ones(k), size=n)
    numbers = ("r2", "rmse", "mae", "smape", "mase", "return", "crps", "coverage@95")
    names = [name for name in METRICS if name not in numbers]
    found = evaluate(names, y, p.argmax(axis=1), p, np.arange(k), ranks=rng.integers(1, 101, n) + 0.5)
    quantiles = np.sort(rng.normal(size=(n, 20)))
    found |= evaluate(
        numbers, rng.normal(size=n), rng.normal(size=n), y_train=rng.normal(size=9), quantiles=quantiles
    )
    found |= evaluate(ANOMALIES, np.arange(n) == 1, None, score=rng.normal(size=n), buffer=k)
    assert set(found) == set(METRICS)
    for name, value in found.items():
        low, high = METRICS[name].bounds
        assert math.isnan(value) or low - 1e-12 <= value <= high + 1e-12


def test_right_answers_score_best_and_the_direction_says_so():
    exact = (Y3[:, None] == CLASSES).astype(float)
    numbers = ("r2", "rmse", "mae", "smape", "mase", "return", "crps", "coverage@95", *COVERAGE["regression"])
    names = [n for n in METRICS if n not in (*numbers, *ANOMALIES[:2])]
    best = evaluate(names, Y3, Y3, exact, CLASSES, ranks=np.ones(60), sets=exact > 0)
    wrong = np.ones((60, 3)) - exact
    worse = evaluate(names, Y3, GUESS3, P3, CLASSES, ranks=np.full(60, 60.5), sets=wrong > 0)
    for name in names:
        assert (best[name] > worse[name]) == METRICS[name].greater_is_better


def test_intervals_and_sets_by_hand():
    ends = [[0, 2], [0, 2], [0, 4]]
    found = evaluate(COVERAGE["regression"], [1.0, 3.0, 4.0], None, interval=ends, confidence=0.8)
    assert found == pytest.approx(
        {"interval_coverage": 2 / 3, "interval_width": 8 / 3, "winkler": (8 + 10) / 3}
    )
    held = [[True, False], [True, True], [True, False]]
    sets = evaluate(COVERAGE["classification"], ["a", "b", "c"], None, sets=held, classes=["a", "b"])
    assert sets == pytest.approx({"set_coverage": 2 / 3, "set_size": 4 / 3})  # "c" was never seen in training
    assert math.isnan(evaluate(["winkler"], [1.0], [1.0])["winkler"])
