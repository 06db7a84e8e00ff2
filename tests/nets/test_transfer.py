"""Nets that learn on from another's weights."""

import sys
import types

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from torch import nn

from neuroloom import make
from neuroloom.core import InputError
from neuroloom.methods.saving import load_estimator, save_estimator
from neuroloom.nets import (
    CapsNetClassifier,
    CNNClassifier,
    LSTMClassifier,
    TransferClassifier,
    TransferFeatures,
    TransferRegressor,
    TransformerClassifier,
    VGGClassifier,
)
from neuroloom.nets._layers.transferred import blocks_of

QUICK = {"epochs": 60, "learning_rate": 0.01}


def _small(seed, epochs):
    return CNNClassifier((16, 32), 2, epochs=epochs, learning_rate=0.01, random_state=seed)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X.reshape(-1, 1, 8, 8), y


@pytest.fixture(scope="module")
def lower(digits):
    X, y = digits
    return _small(0, 10).fit(X[y < 5], y[y < 5])


@pytest.fixture(scope="module")
def base(digits):
    X, y = digits
    return CNNClassifier((8, 16), 1, learning_rate=0.02, epochs=5, random_state=0).fit(X[y < 5], y[y < 5])


def test_what_was_learned_on_some_digits_helps_with_the_others(digits, lower):
    X, y = digits
    high, gains = np.flatnonzero(y >= 5), []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        rows = np.concatenate([rng.permutation(high[y[high] == c])[:5] for c in range(5, 10)])
        held = np.setdiff1d(high, rows)
        nets = (
            _small(seed, 60),
            TransferClassifier(lower, keep=2, rate_decay=1.0, **QUICK, random_state=seed),
        )
        alone, helped = (net.fit(X[rows], y[rows]).score(X[held], y[held]) for net in nets)
        gains.append(helped - alone)
    assert np.mean(gains) > 0.01, gains


def test_what_is_fixed_stays_and_the_rest_learns_at_its_rate(digits, base):
    X, y = digits
    one = TransferClassifier(base, 1, epochs=3, random_state=0).fit(X, y)
    assert one.blocks_ == ["0", "2"]
    for name, value in one.weights_[0].items():
        was = base.weights_[0].get(name.replace("inner.", ""))
        if name.startswith("encoder.inner.0"):  # with the mean and variance that its norm has seen
            np.testing.assert_array_equal(value, was)
        elif name.startswith("encoder.inner.2") and value.ndim == 4:
            assert np.abs(value - was).max() > 1e-4
    assert one.n_parameters_ == 8 * 16 * 9 + 2 * 16 + 17 * 10
    head = TransferClassifier(base, "head", epochs=2, random_state=0).fit(X, y)
    assert head.n_parameters_ == 17 * 10
    np.testing.assert_allclose(head.transform(X[:9]), base.transform(X[:9]), atol=1e-6)
    anew = TransferClassifier(base, keep=1, epochs=1, learning_rate=1e-9, random_state=0).fit(X, y)
    gaps = [np.abs(anew.weights_[0][f"encoder.inner.{block}.0.conv.weight"]
                   - base.weights_[0][f"encoder.{block}.0.conv.weight"]).max() for block in (0, 2)]  # fmt: skip
    assert gaps[0] < 1e-6
    assert gaps[1] > 0.01
    # a step of plain descent moves each block by its share of the rate
    steps = {}
    for decay in (0.25, 1.0):
        net = TransferClassifier(base, rate_decay=decay, optimizer="sgd", schedule="none", weight_decay=0.0, epochs=1,
                                 batch_size=2000, learning_rate=0.1, random_state=0).fit(X, y)  # fmt: skip
        steps[decay] = [
            net.weights_[0][f"encoder.inner.{block}.0.conv.weight"]
            - base.weights_[0][f"encoder.{block}.0.conv.weight"]
            for block in (0, 2)
        ]
    for block, share in ((0, 1 / 16), (1, 1 / 4)):
        np.testing.assert_allclose(steps[0.25][block], share * steps[1.0][block], atol=1e-7)
        assert np.abs(steps[1.0][block]).max() > 1e-4


@pytest.mark.parametrize(
    "made",
    [
        LSTMClassifier(4, patch=2, epochs=1, random_state=0),
        TransformerClassifier(8, 2, 2, patch=2, epochs=1, random_state=0),
    ],
    ids=lambda m: type(m).__name__,
)
def test_nets_of_series_are_taken_over_too(made):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 2, 12)), np.arange(20) % 2
    X[0, :, 9:] = np.nan  # padding, which the base does not read
    made.fit(X, y)
    net = TransferRegressor(made, "head", epochs=1, random_state=0).fit(X, y * 1.5)
    np.testing.assert_allclose(net.transform(X), made.transform(X), atol=1e-6)
    assert len(net.blocks_) == (4 if isinstance(made, TransformerClassifier) else 1)
    longer = np.concatenate([X, X], axis=2)
    longer[0] = 1.0
    assert TransferFeatures(made, epochs=1, random_state=0).fit(longer, y).transform(longer).shape[0] == 20


def test_capsules_and_ensembles_are_taken_over(digits, base):
    X, y = (part[:60] for part in digits)
    capsules = CapsNetClassifier(4, 2, epochs=1, random_state=0).fit(X, y)
    net = TransferClassifier(capsules, "head", members=2, epochs=1, random_state=0).fit(X, y)
    np.testing.assert_allclose(net.transform(X)[:, :160], capsules.transform(X), atol=1e-6)


def test_it_is_cloned_and_saved_with_its_base_and_made_from_a_folder(digits, base, tmp_path):
    X, y = (part[:80] for part in digits)
    net = TransferClassifier(base, epochs=1, random_state=0)
    assert clone(net).base is base
    assert "base__filters" not in net.get_params()
    save_estimator(base, tmp_path / "base", {})
    made = make("neuroloom.nets:TransferClassifier", "image", "classification", base=str(tmp_path / "base"), epochs=1,
                random_state=0)  # fmt: skip
    wanted = net.fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(made.fit(X, y).predict_proba(X), wanted)
    save_estimator(net, tmp_path / "net", {})
    np.testing.assert_array_equal(load_estimator(tmp_path / "net")[0].predict_proba(X), wanted)


def test_what_cannot_be_taken_over_is_said(digits, base, tmp_path):
    X, y = (part[:80] for part in digits)
    with pytest.raises(InputError, match="must be a fitted deep net"):
        TransferClassifier().fit(X, y)
    with pytest.raises(InputError, match="load the folder first"):
        TransferClassifier(str(tmp_path)).fit(X, y)
    with pytest.raises(ValueError, match="not fitted"):
        TransferClassifier(CNNClassifier()).fit(X, y)
    with pytest.raises(InputError, match="learned from 1 channels"):
        TransferClassifier(base).fit(np.concatenate([X, X], axis=1), y)
    vgg = VGGClassifier((4, 4), (1, 1), (8,), epochs=1, random_state=0).fit(X, y)
    with pytest.raises(InputError, match="resample them to its size"):
        TransferClassifier(vgg).fit(np.tile(X, (1, 1, 2, 2)), y)
    with pytest.raises(InputError, match="`tune` must be"):
        TransferClassifier(base, 3).fit(X, y)


class _Tiny(nn.Sequential):
    num_features = 6
    pretrained_cfg = {"input_size": (3, 12, 12)}  # noqa: RUF012

    def __init__(self, fill):
        super().__init__(nn.Conv2d(3, 6, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        if fill:
            nn.init.constant_(self[0].weight, 0.1)

    def forward(self, x):
        assert x.shape[1:] == (3, 12, 12)
        return super().forward(x)


def test_a_librarys_network_is_taken_over(digits, monkeypatch):
    X, y = (part[:80] for part in digits)
    asked = []

    def create_model(name, pretrained, num_classes):
        asked.append(pretrained)
        if name != "tiny":
            raise RuntimeError(f"Unknown model ({name})")
        return _Tiny(pretrained)

    monkeypatch.setitem(sys.modules, "timm", types.SimpleNamespace(create_model=create_model))
    net = TransferClassifier("timm:tiny", "head", epochs=1, random_state=0).fit(X, y)
    assert asked == [False, True]  # the weights are fetched once
    np.testing.assert_array_equal(net.weights_[0]["encoder.inner.network.0.weight"], np.float32(0.1))
    assert net.predict(X).shape == (80,)
    assert asked[2:] == [False]
    with pytest.raises(InputError, match=r"does not give 'huge' \(RuntimeError: Unknown model"):
        TransferClassifier("timm:huge").fit(X, y)
    with pytest.raises(InputError, match="1 or 3 channels"):
        TransferClassifier("timm:tiny").fit(np.concatenate([X, X], axis=1), y)

    def get_model(name, weights):
        assert name == "any"
        return nn.Sequential(nn.Conv2d(3, 5, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 1000))

    models = types.SimpleNamespace(get_model=get_model)
    monkeypatch.setitem(sys.modules, "torchvision", types.SimpleNamespace(models=models))
    assert TransferFeatures("torchvision:any", epochs=1, random_state=0).fit(X, y).transform(X).shape == (
        80,
        5,
    )
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(InputError, match="pip install timm"):
        TransferClassifier("timm:tiny").fit(X, y)


def test_blocks_are_named_in_a_samples_order(base):
    assert [name for name, _ in blocks_of(base.torch_module().encoder)] == ["0", "2"]
