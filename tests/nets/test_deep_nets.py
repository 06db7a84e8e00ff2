"""The deep nets as estimators: they learn, stop, average, take padding, and read streams."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from neuroloom.core import InputError, NotSupportedError
from neuroloom.core.answers import Classification
from neuroloom.core.samples import take
from neuroloom.core.training import DivergenceWarning
from neuroloom.methods import make
from neuroloom.nets import (
    CNNClassifier,
    CNNFeatures,
    CNNRegressor,
    ConvLSTMClassifier,
    FCNClassifier,
    GRUClassifier,
    InceptionTimeClassifier,
    LSTMClassifier,
    LSTMRegressor,
    MCNNClassifier,
    QRNNRegressor,
    RWARegressor,
    TransformerClassifier,
)
from neuroloom.tasks import open_task


@pytest.fixture(scope="module")
def cbf():
    task = open_task("cbf")
    data = task.load(0)
    split = task.split(data, 0, 0, 5)
    return [take(part, rows) for rows in (split.train, split.test) for part in (data.X, data.y)]


@pytest.mark.parametrize(
    ("made", "least"),
    [
        (CNNClassifier((8, 16), 1, epochs=25, learning_rate=0.02, random_state=0), 0.9),
        (FCNClassifier((8, 16, 8), epochs=30, random_state=0), 0.9),
        (
            InceptionTimeClassifier(4, (20, 10), 3, members=1, epochs=25, learning_rate=0.01, random_state=0),
            0.9,
        ),
        (GRUClassifier(16, patch=8, epochs=40, random_state=0), 0.8),
        (MCNNClassifier(16, width=32, epochs=30, random_state=0), 0.9),
        (ConvLSTMClassifier(8, learning_rate=0.01, epochs=20, random_state=0), 0.8),
        (TransformerClassifier(16, 2, 1, patch=8, epochs=40, learning_rate=0.005, random_state=0), 0.8),
    ],
    ids=lambda v: type(v).__name__ if not isinstance(v, float) else "",
)
def test_they_tell_cylinders_from_bells_and_funnels(cbf, made, least):
    X, y, X_test, y_test = cbf
    made.fit(X, y)
    assert made.score(X_test, y_test) >= least
    assert made.history_[-1]["loss"] < made.history_[0]["loss"]


def test_a_cnn_tells_digits_and_its_features_serve_another_head():
    X, y = load_digits(n_class=5, return_X_y=True)
    X = X.reshape(-1, 1, 8, 8)
    net = CNNClassifier((8, 16), 1, epochs=8, learning_rate=0.02, random_state=0)
    assert net.fit(X[:600], y[:600]).score(X[600:], y[600:]) > 0.9
    features = CNNFeatures((8, 16), 1, epochs=15, learning_rate=0.02, random_state=0)
    found = cross_val_score(make_pipeline(features, LogisticRegression(max_iter=500)), X[:300], y[:300], cv=2)
    assert found.mean() > 0.8
    assert features.fit(X[:60], y[:60] * 0.5).transform(X[:2]).shape == (
        2,
        16,
    )  # numbers are learned as numbers
    assert features.get_feature_names_out()[3] == "cnn0_3"


def test_regressors_learn_numbers_in_their_own_unit():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 1, 20))
    y = 100 + 50 * X[:, 0, -4:].mean(1)
    quick = {"units": 16, "pooling": "last", "batch_size": 100, "learning_rate": 0.02, "random_state": 0}
    for made in (LSTMRegressor(epochs=60, **quick), QRNNRegressor(epochs=40, **quick)):
        assert made.fit(X[:200], y[:200]).score(X[200:], y[200:]) > 0.8
    mean = X[:, 0].mean(1)  # what a recurrent weighted average is made for
    assert RWARegressor(epochs=40, **quick).fit(X[:200], mean[:200]).score(X[200:], mean[200:]) > 0.8
    pictures = X[:, :, :16].reshape(-1, 1, 4, 4)
    assert CNNRegressor((4,), 1, epochs=1, random_state=0).fit(pictures, y).predict(pictures).shape == (300,)


def test_members_answer_by_their_mean_and_early_stopping_keeps_the_best(cbf):
    X, y, X_test, y_test = cbf
    net = CNNClassifier((4,), 1, members=2, epochs=12, patience=3, schedule="none", random_state=1)
    net.fit(X, y, eval_set=(X_test, y_test))
    assert len(net.weights_) == 2
    assert max(net.best_epochs_) <= 12
    one = [torch.softmax(net.torch_module(m)(torch.from_numpy(net._read(X_test))), 1) for m in (0, 1)]
    np.testing.assert_allclose(
        net.predict_proba(X_test), torch.stack(one).mean(0).detach().numpy(), atol=1e-6
    )
    kept = Classification._scores(net, np.searchsorted(net.classes_, y_test), torch.device("cpu"))
    first = torch.from_numpy(net._member_outputs(X_test)[0]).float()
    assert float(kept(first)) == pytest.approx(max(r["score"] for r in net.history_), abs=1e-5)
    held = CNNClassifier((4,), 1, epochs=3, early_stopping=True, random_state=1).fit(X, y)
    assert "score" in held.history_[0]


def test_the_same_seed_gives_the_same_net_whatever_was_drawn_before(cbf):
    X, y, X_test, _ = cbf
    made = [CNNClassifier((4,), 1, epochs=2, augment=("shift", "mixup"), random_state=7) for _ in range(2)]
    first = made[0].fit(X, y).predict_proba(X_test)
    torch.rand(5)
    np.testing.assert_array_equal(first, made[1].fit(X, y).predict_proba(X_test))
    other = CNNClassifier((4,), 1, epochs=2, augment=("shift", "mixup"), random_state=8).fit(X, y)
    assert not np.array_equal(first, other.predict_proba(X_test))


def test_several_labels_a_sample():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(200, 2, 16))
    y = np.stack([X[:, 0].mean(1) > 0, X[:, 1].mean(1) > 0], axis=1).astype(int)
    for members in (1, 2):
        net = CNNClassifier((8,), 1, epochs=40, learning_rate=0.02, members=members, random_state=0).fit(
            X[:150], y[:150]
        )
        assert (net.predict(X[150:]) == y[150:]).mean() > 0.85
        assert net.predict_proba(X[150:]).shape == (50, 2)


@pytest.mark.parametrize("made", [LSTMClassifier, TransformerClassifier], ids=lambda c: c.__name__)
def test_series_may_end_early(made):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(60, 2, 24))
    y = (X[:, 0, :12].mean(1) > 0).astype(int)
    ends = rng.integers(12, 25, 60)
    for i, end in enumerate(ends):
        X[i, :, end:] = np.nan
    small = {"units": 8} if made is LSTMClassifier else {"width": 8, "heads": 2}
    net = made(**small, patch=1, epochs=3, random_state=0).fit(X, y)
    wide = np.concatenate([X, np.full((60, 2, 0), np.nan)], axis=2)
    alone = net.predict_proba(X[:1])
    np.testing.assert_allclose(net.predict_proba(wide)[:1], alone, atol=1e-6)
    changed = X.copy()
    changed[0, :, ends[0] - 1] += 5
    assert not np.allclose(net.predict_proba(changed)[:1], alone, atol=1e-6)
    X[3, 0, 2] = np.nan
    with pytest.raises(InputError, match="missing"):
        net.fit(X, y)
    with pytest.raises(InputError, match="no value at all"):
        net.predict(np.full((2, 2, 24), np.nan))


@pytest.mark.parametrize("pooling", ["last", "mean", "max", "mean-max"])
@pytest.mark.parametrize("made", [LSTMRegressor, QRNNRegressor, RWARegressor], ids=lambda c: c.__name__)
def test_a_stream_answers_as_the_whole_series(made, pooling):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(20, 2, 30))
    net = made(6, 2, pooling=pooling, epochs=1, random_state=0).fit(X, X[:, 0, 0])
    stream = net.stream()
    parts = [stream.push(X[0][:, a:b]) for a, b in ((0, 1), (1, 12), (12, 30))]
    answers = np.concatenate(parts)
    assert answers.shape == (30, 1)
    whole = (net.predict(X[:1]) - net.target_mean_) / net.target_scale_
    np.testing.assert_allclose(answers[-1], whole, atol=1e-5)
    again = net.stream().push(X[0])
    np.testing.assert_allclose(again, answers, atol=1e-5)


def test_what_cannot_be_says_so(cbf):
    X, y, X_test, _ = cbf
    net = FCNClassifier((2,), (3,), epochs=1, random_state=0).fit(X, y)
    with pytest.raises(InputError, match=r"fitted on samples of shape"):
        net.predict(X_test[:, :, :-1])
    with pytest.raises(InputError, match="takes series, but got pictures"):
        net.fit(X[:, :, None], y)
    with pytest.raises(InputError, match="as many"):
        FCNClassifier((2, 2), (3,)).fit(X, y)
    with pytest.raises(InputError, match="turns pictures"):
        FCNClassifier(augment=["affine"]).fit(X, y)
    with pytest.raises(InputError, match=r"put it in \[ \]"):
        FCNClassifier(augment="noise").fit(X, y)
    with pytest.raises(InputError, match="multiple of `heads`"):
        TransformerClassifier(8, 3).fit(X, y)
    with pytest.raises(InputError, match="at least two classes"):
        net.fit(X, np.zeros(len(X)))
    with pytest.warns(DivergenceWarning, match="lower `learning_rate`"):
        FCNClassifier((2,), (3,), epochs=2, learning_rate=1e38, optimizer="sgd", schedule="none").fit(X, y)
    with pytest.raises(NotSupportedError, match="bidirectional='none'"):
        GRUClassifier(2, bidirectional="sum", epochs=1).fit(X, y).stream()
    with pytest.raises(InputError, match="`member` must be"):
        net.torch_module(1)


def test_attention_is_shown():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(12, 1, 40))
    net = TransformerClassifier(8, 2, 2, patch=4, epochs=1, random_state=0).fit(X, np.arange(12) % 2)
    found = net.attention(X[:3])
    assert found.shape == (2, 3, 2, 10, 10)
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-5)
    told = net.attended(X, samples=2, most=3)
    assert [name for name, _ in told] == ["test sample 1", "test sample 2"]
    mean = found[:, 1].mean(axis=(0, 1, 2))
    order = np.argsort(-mean)[:3]
    assert [part for part, _ in told[1][1]] == [f"{4 * k + 1}–{4 * k + 4}" for k in order]
    np.testing.assert_allclose([weight for _, weight in told[1][1]], mean[order], rtol=1e-5)


@pytest.mark.parametrize(
    ("key", "kind", "small"),
    [
        ("cnn", "series", {"filters": (4, 8)}),
        ("lstm", "series", {"units": 4}),
        ("transformer", "series", {"width": 8, "heads": 2, "layers": 1}),
        ("capsnet", "image", {"filters": 8, "kinds": 2, "reconstruction": 0.1}),
    ],
)
def test_mixed_precision_learns_nearly_the_same_in_weights_of_float32(key, kind, small):
    X = np.random.default_rng(0).normal(size=(40, 1, 8, 8) if kind == "image" else (40, 2, 24))
    y = np.arange(40) % 2
    if kind == "series":
        X[::3, :, 20:] = np.nan
    given = {"epochs": 2, "random_state": 0, **small}
    plain = make(key, kind, "classification", **given).fit(X, y)
    mixed, again = (make(key, kind, "classification", precision="mixed", **given).fit(X, y) for _ in range(2))
    assert all(w.dtype != np.float64 for w in mixed.weights_[0].values())
    assert any((w != plain.weights_[0][n]).any() for n, w in mixed.weights_[0].items())
    for name, weights in mixed.weights_[0].items():
        np.testing.assert_array_equal(weights, again.weights_[0][name])
    np.testing.assert_allclose(mixed.predict_proba(X), plain.predict_proba(X), atol=0.05)
    with pytest.raises(InputError, match="`precision` must be one of float32, mixed"):
        make(key, kind, "classification", precision="half").fit(X, y)


def test_schedules_get_what_they_need():
    X, y = np.random.default_rng(0).normal(size=(20, 1, 24)), np.arange(20) % 2
    given = {"filters": (4,), "epochs": 4, "schedule": "piecewise", "random_state": 0}
    options = {"milestones": [2], "decay": 1e-9}
    stopped = CNNClassifier(**given, training_options=options).fit(X, y)
    half = CNNClassifier(**{**given, "epochs": 2, "schedule": "none"}).fit(X, y)
    for name, weights in stopped.weights_[0].items():  # after the milestone nothing moves
        if "running" not in name and "batches" not in name:
            np.testing.assert_allclose(weights, half.weights_[0][name], atol=1e-6)
    with pytest.raises(InputError, match="the schedule 'piecewise' needs `milestones`"):
        CNNClassifier(**given).fit(X, y)
    with pytest.raises(InputError, match="training option"):
        CNNClassifier(**given, training_options={"clip_norm": 1.0}).fit(X, y)
