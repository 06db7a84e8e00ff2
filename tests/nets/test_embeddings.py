"""Contrastive embeddings and Deep SVDD: losses against sums by hand, and what the nets find."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score, silhouette_score
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from neuroloom.core import InputError
from neuroloom.nets import ContrastiveFeatures, DeepSVDDDetector
from neuroloom.nets.contrastive import contrast, hardest_triplets


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return train_test_split(X[:900], y[:900], test_size=300, random_state=0, stratify=y[:900])


def _codes(seed=0, n=9, k=3):
    draws = np.random.default_rng(seed)
    return draws.normal(size=(n, k)), np.array([0, 0, 0, 1, 1, 1, 2, 2, 3])[:n]


def test_the_contrastive_loss_is_the_papers_sum():
    codes, labels = _codes()
    u = codes / np.linalg.norm(codes, axis=1, keepdims=True)
    terms = []
    for i in range(len(u)):
        others = [a for a in range(len(u)) if a != i]
        alike = [a for a in others if labels[a] == labels[i]]
        below = sum(np.exp(u[i] @ u[a] / 0.2) for a in others)
        if alike:  # the last is alone in its class
            terms.append(-np.mean([np.log(np.exp(u[i] @ u[p] / 0.2) / below) for p in alike]))
    found = float(contrast(torch.tensor(codes), torch.tensor(labels), 0.2))
    assert len(terms) == 8
    assert found == pytest.approx(np.mean(terms))
    assert float(contrast(torch.tensor(codes), torch.arange(9), 0.2)) == 0.0


@pytest.mark.parametrize("margin", [None, 0.5])
def test_the_triplet_loss_is_that_of_the_hardest(margin):
    codes, labels = _codes(1)
    terms = []
    for i in range(len(codes)):
        d = np.linalg.norm(codes - codes[i], axis=1)
        alike = [d[a] for a in range(len(d)) if labels[a] == labels[i] and a != i]
        unlike = [d[a] for a in range(len(d)) if labels[a] != labels[i]]
        if alike:
            gap = max(alike) - min(unlike)
            terms.append(np.log1p(np.exp(gap)) if margin is None else max(0.0, gap + margin))
    found = hardest_triplets(torch.tensor(codes), torch.tensor(labels), margin)
    assert float(found) == pytest.approx(np.mean(terms))
    assert float(hardest_triplets(torch.tensor(codes), torch.zeros(9), margin)) == 0.0  # nothing unlike


@pytest.mark.parametrize("loss", ["supervised", "triplet"])
def test_near_means_alike(digits, loss):
    train, test, y_train, y_test = digits
    net = ContrastiveFeatures(loss=loss, code=8, hidden=(64,), epochs=40, random_state=0).fit(train, y_train)
    codes = net.transform(test)
    assert codes.shape == (300, 8)
    assert (
        silhouette_score(codes, y_test, metric="cosine")
        > silhouette_score(test, y_test, metric="cosine") + 0.2
    )
    one = KNeighborsClassifier(1, metric="cosine").fit(net.transform(train[::20]), y_train[::20])
    plain = KNeighborsClassifier(1, metric="cosine").fit(train[::20], y_train[::20])
    assert one.score(codes, y_test) > plain.score(test, y_test) + 0.03  # 30 samples, of which all are alike
    assert net.history_[-1]["loss"] < net.history_[0]["loss"] / 2


def test_views_need_no_classes(digits):
    train, test, y_train, y_test = digits
    net = ContrastiveFeatures(loss="self", code=8, hidden=(64,), epochs=30, random_state=0)
    codes = net.fit(train).transform(test)
    assert np.array_equal(codes, net.fit(train, y_train).transform(test))  # the labels are not looked at
    judge = KNeighborsClassifier(5, metric="cosine").fit(net.transform(train), y_train)
    assert judge.score(codes, y_test) > 0.8
    x = torch.arange(40.0).reshape(10, 4)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        view = net._view(x)
    moved = view != x
    assert 0.2 < moved.double().mean() < 0.8
    assert all(
        set(view[:, j].tolist()) <= set(x[:, j].tolist()) for j in range(4)
    )  # values of the same column


def test_series_pictures_numbers_and_early_stopping():
    draws = np.random.default_rng(0)
    phase = draws.uniform(0, 6, size=(60, 1))
    y = np.arange(60) % 2
    X = np.sin((1 + y[:, None]) * np.linspace(0, 12, 64) + phase)[:, None]
    net = ContrastiveFeatures(code=4, filters=(8, 8), epochs=25, early_stopping=True, random_state=0).fit(
        X, y
    )
    assert net.transform(X).shape == (60, 4)
    assert silhouette_score(net.transform(X), y, metric="cosine") > 0.5
    pictures = draws.normal(size=(20, 1, 6, 6))
    assert (
        ContrastiveFeatures(loss="self", filters=(4,), epochs=2).fit(pictures).transform(pictures).ndim == 2
    )
    numbers = draws.normal(size=100)
    groups = ContrastiveFeatures()._read_target(numbers, 100)
    assert np.bincount(groups).tolist() == [20] * 5
    assert (np.diff(groups[np.argsort(numbers)]) >= 0).all()


@pytest.mark.parametrize(
    ("parameters", "y", "message"),
    [
        ({}, None, r"requires y to be passed, but the target y is None; pass it, or loss='self'"),
        ({"loss": "tripled"}, [0, 1] * 5, r"did you mean 'triplet'"),
        ({"temperature": 0}, [0, 1] * 5, r"`temperature`"),
        ({"margin": -1.0}, [0, 1] * 5, r"`margin`"),
        ({"corruption": 1.0}, [0, 1] * 5, r"`corruption`"),
        ({}, [[0, 1]] * 10, r"one label a sample, \(n,\), but got `y` of shape \(10, 2\)"),
    ],
)
def test_wrong_embeddings_are_answered(parameters, y, message):
    with pytest.raises(InputError, match=message):
        ContrastiveFeatures(**parameters, epochs=1).fit(np.eye(10), y)


# -- Deep SVDD -----------------------------------------------------------------------------------------------------


def test_it_draws_normal_samples_to_a_point_that_stays(digits):
    train, test, y_train, y_test = digits
    net = DeepSVDDDetector(code=8, hidden=(32,), epochs=30, random_state=0).fit(train[y_train == 3])
    centre = net.weights_["centre"]
    assert np.abs(centre).min() >= np.float32(0.1)
    assert not [name for name in net.weights_ if name.endswith("bias")]
    module = net.torch_module()
    codes = module.encoder(torch.from_numpy(net._scaled(test)).float()).detach().numpy()
    assert net.score_samples(test) == pytest.approx(-np.linalg.norm(codes - centre, axis=1), rel=1e-4)
    assert roc_auc_score(y_test == 3, net.score_samples(test)) > 0.9
    assert np.mean(net.predict(train[y_train == 3]) == -1) == pytest.approx(0.1, abs=0.02)


def test_the_sphere_holds_all_but_its_share():
    draws = np.random.default_rng(0)
    X = draws.normal(size=(64, 4))
    net = DeepSVDDDetector(code=2, hidden=(8,), nu=0.25, epochs=2, batch_size=64, random_state=0).fit(X)
    module = net.torch_module()
    x = torch.from_numpy(net._scaled(X)).float()
    squares = net._each_loss(module, x).detach().numpy()
    found = float(net._loss(module, x).detach())
    losses = [r + np.maximum(squares - r, 0).mean() / 0.25 for r in np.linspace(0, squares.max(), 4001)]
    assert found == pytest.approx(min(losses), rel=1e-3)  # the quantile is the radius that is best


def test_pretraining_begins_with_an_autoencoders_code(digits):
    train, _, y_train, _ = digits
    settings = {"code": 8, "hidden": (32,), "epochs": 10, "random_state": 0}
    plain, trained = (
        DeepSVDDDetector(**settings, pretrain=p).fit(train[y_train == 3]) for p in (False, True)
    )
    assert not np.array_equal(plain.weights_["centre"], trained.weights_["centre"])
    again = DeepSVDDDetector(**settings, pretrain=True).fit(train[y_train == 3])
    assert np.array_equal(again.score_samples(train), trained.score_samples(train))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"activation": "tanh"}, r"`activation` 'tanh' is bounded, .* pass 'leaky-relu'"),
        ({"form": "recurrent"}, r"needs a net without biases, .* pass form='conv'"),
        ({"nu": 1.0}, r"`nu`"),
    ],
)
def test_wrong_detectors_are_answered(parameters, message):
    with pytest.raises(InputError, match=message):
        DeepSVDDDetector(**parameters, epochs=1).fit(np.random.default_rng(0).normal(size=(8, 1, 16)))


SMALL = {"epochs": 2, "hidden": (4,), "code": 2}


@parametrize_with_checks(
    [ContrastiveFeatures(**SMALL), ContrastiveFeatures(loss="self", **SMALL), DeepSVDDDetector(**SMALL)]
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)
