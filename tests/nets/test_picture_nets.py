"""The nets of pictures against the papers' counts and equations, and on digits."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from neuroloom.core import InputError
from neuroloom.nets import (
    AlexNetClassifier,
    CapsNetClassifier,
    CapsNetFeatures,
    ConvNeXtClassifier,
    GoogLeNetClassifier,
    VGGClassifier,
    summary,
)
from neuroloom.nets._layers.capsules import CapsuleNetwork, margin_loss, routed, squash
from neuroloom.nets._layers.convnext import ConvNeXtBlock
from neuroloom.nets._layers.googlenet import STAGES, Inception

LARGE = (64, 128, 256, 512, 512)


def _published(depths):
    return VGGClassifier(LARGE, depths, (4096, 4096), batch_norm=False)


@pytest.mark.parametrize(
    ("made", "shape", "answers", "count"),
    [
        (AlexNetClassifier("2012", 1.0), (3, 227, 227), 1000, 60_965_224),
        (AlexNetClassifier("one-group", 1.0), (3, 227, 227), 1000, 62_378_344),
        (AlexNetClassifier("2014", 1.0), (3, 227, 227), 1000, 61_100_840),
        (_published((1, 1, 2, 2, 2)), (3, 224, 224), 1000, 132_863_336),
        (_published((2, 2, 2, 2, 2)), (3, 224, 224), 1000, 133_047_848),
        (_published((2, 2, 3, 3, 3)), (3, 224, 224), 1000, 138_357_544),
        (_published((2, 2, 4, 4, 4)), (3, 224, 224), 1000, 143_667_240),
        (GoogLeNetClassifier(1.0, batch_norm=False), (3, 224, 224), 1000, 6_998_552),
        (ConvNeXtClassifier((96, 192, 384, 768), (3, 3, 9, 3)), (3, 224, 224), 1000, 28_589_128),
        (CapsNetClassifier(), (1, 28, 28), 10, 8_215_568),
        (CapsNetClassifier(reconstruction=0.0), (1, 28, 28), 10, 6_804_224),
    ],
)
def test_they_have_the_published_numbers_of_parameters(made, shape, answers, count):
    with torch.device("meta"):
        network = made._network(shape, answers)
        assert network.eval()(torch.zeros(2, *shape)).shape == (2, answers)
    assert sum(p.numel() for p in network.parameters()) == count


def test_inception_modules_have_the_weights_of_table_1():
    # of 1,024; 463, 580, 1,072 of the table (4c, 4d, 5a) are not what its own widths give: 497.5, 590.5, 1,018
    thousands = [159, 380, 364, 437, 497.5, 590.5, 840, 1018, 1388]
    width, found = 192, []
    for row in [row for stage in STAGES for row in stage]:
        module = Inception(width, row, norm=False)
        found.append(sum(p.numel() for p in module.parameters() if p.ndim > 1) / 1024)
        width = module.width
    assert width == 1024
    np.testing.assert_allclose(found, thousands, rtol=0.016)


def test_the_halves_of_alexnet_do_not_see_each_other():
    encoder = AlexNetClassifier(scale=0.1)._encoder((1, 16, 16)).eval().double()
    norm, second = encoder[2], encoder[4]
    a = np.random.default_rng(0).normal(size=(1, 10, 3, 3)) * 20
    wanted = np.empty_like(a)  # section 3.3 with k = 2, n = 5, alpha = 1e-4, beta = 0.75
    for i in range(10):
        near = a[:, max(0, i - 2) : i + 3]
        wanted[:, i] = a[:, i] / (2 + 1e-4 * (near**2).sum(1)) ** 0.75
    np.testing.assert_allclose(norm(torch.from_numpy(a)).numpy(), wanted)
    x = torch.from_numpy(a).requires_grad_()
    (slope,) = torch.autograd.grad(second(x)[:, : second.out_channels // 2].sum(), x)
    assert slope[:, :5].abs().min() > 0
    assert slope[:, 5:].abs().max() == 0


def test_a_convnext_block_is_what_figure_4_says():
    torch.manual_seed(0)
    block = ConvNeXtBlock(2, 3, 7, 0.5, 0.5).double().eval()
    x = torch.randn(2, 3, 5, 4, dtype=torch.float64)
    h = torch.nn.functional.conv2d(
        x, block.depthwise.conv.weight, block.depthwise.conv.bias, padding=3, groups=3
    )
    h = h.permute(0, 2, 3, 1)
    h = (h - h.mean(-1, keepdim=True)) / (h.var(-1, unbiased=False, keepdim=True) + 1e-6).sqrt()
    h = h @ block.wide.weight.T + block.wide.bias
    h = h * 0.5 * (1 + torch.erf(h / 2**0.5))
    h = 0.5 * (h @ block.narrow.weight.T + block.narrow.bias)
    torch.testing.assert_close(block(x), x + h.permute(0, 3, 1, 2))
    many = block.train()(x[:1].expand(400, -1, -1, -1))
    passed = (many == x[:1]).flatten(1).all(1)  # the others carry twice the body, so that the mean stays
    assert 0.4 < passed.double().mean() < 0.6
    torch.testing.assert_close(many[~passed][0], x[0] + 2 * h.permute(0, 3, 1, 2)[0])


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_routing_follows_procedure_1(rounds):
    u = np.random.default_rng(rounds).normal(size=(4, 3, 2))  # inputs, outputs, numbers
    b = np.zeros((4, 3))
    for _ in range(rounds):
        c = np.exp(b) / np.exp(b).sum(1, keepdims=True)
        s = np.stack([sum(c[i, j] * u[i, j] for i in range(4)) for j in range(3)])
        square = (s**2).sum(1, keepdims=True)
        v = square / (1 + square) * s / np.sqrt(square)
        b = b + np.array([[u[i, j] @ v[j] for j in range(3)] for i in range(4)])
    found = routed(torch.from_numpy(u)[None], rounds)
    np.testing.assert_allclose(found[0].numpy(), s, rtol=1e-9)
    np.testing.assert_allclose(squash(found)[0].numpy(), v, rtol=1e-6)
    network = CapsuleNetwork(torch.nn.Flatten(), 2, None)
    lengths = torch.sigmoid(network.eval()(torch.from_numpy(s)[None].flatten(1)))
    np.testing.assert_allclose(lengths[0].numpy(), np.linalg.norm(v, axis=1), rtol=1e-6)


def test_the_margin_loss_by_hand():
    length = torch.tensor([[0.95, 0.05, 0.3], [0.4, 0.6, 0.1]], dtype=torch.float64)
    there = torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]], dtype=torch.float64)
    wanted = [0.5 * 0.2**2, 0.5**2 + 0.5 * 0.5**2]
    np.testing.assert_allclose(margin_loss(torch.logit(length), there), wanted)


@pytest.mark.parametrize("shape", [(2, 5, 9), (1, 65, 70)])
def test_they_adapt_to_the_size_of_the_pictures(shape):
    for made in (
        AlexNetClassifier(scale=0.05),
        VGGClassifier((4, 4, 4, 4), (1, 1, 1, 1), (8,)),
        GoogLeNetClassifier(0.05),
        ConvNeXtClassifier((4, 4), (1, 1)),
        CapsNetClassifier(4, 2),
    ):
        network = made._network(shape, 3).eval()
        assert network(torch.zeros(2, *shape)).shape == (2, 3)
        assert network.encoder(torch.zeros(2, *shape)).shape == (2, network.encoder.width)


@pytest.mark.parametrize(
    "made",
    [
        AlexNetClassifier("2014", 0.1, 0.2, epochs=10, random_state=0),
        VGGClassifier((8, 16), (1, 1), (32,), epochs=8, random_state=0),
        GoogLeNetClassifier(0.06, epochs=4, batch_size=50, learning_rate=0.02, random_state=0),
        ConvNeXtClassifier((8, 16), (1, 1), epochs=15, learning_rate=0.01, random_state=0),
        CapsNetClassifier(16, 4, epochs=6, learning_rate=0.02, reconstruction=0.0, random_state=0),
    ],
    ids=lambda m: type(m).__name__,
)
def test_they_tell_digits(made):
    X, y = load_digits(n_class=5, return_X_y=True)
    X = X.reshape(-1, 1, 8, 8)
    assert made.fit(X[:500], y[:500]).score(X[500:], y[500:]) > 0.9


def test_capsules_say_what_the_picture_looks_like_and_tell_several_labels():
    X, y = load_digits(n_class=3, return_X_y=True)
    X = X.reshape(-1, 1, 8, 8)[:200]
    y = y[:200]
    quick = {"filters": 16, "kinds": 4, "size": 4, "epochs": 8, "learning_rate": 0.02, "random_state": 0}
    labels = np.stack([y == 0, y == 1, y < 2], axis=1).astype(int)
    net = CapsNetClassifier(**quick).fit(X, labels)
    assert (net.predict(X) == labels).mean() > 0.95
    vectors = net.transform(X[:7]).reshape(7, 3, 4)
    square = (vectors**2).sum(2)
    np.testing.assert_allclose(
        net.predict_proba(X[:7]), np.sqrt(square) * np.sqrt(square) / (1 + square), atol=1e-4
    )
    assert CapsNetFeatures(**quick).fit(X, y).transform(X[:2]).shape == (2, 12)
    row = summary(net).set_index("kind").loc["ClassCapsules"]
    capsules = 4 * 2 * 2  # kinds and places
    assert row.parameters == capsules * 3 * 4 * 8
    assert row.multiply_adds == capsules * 3 * 4 * (8 + 5)


@pytest.mark.parametrize(
    ("made", "shape", "message"),
    [
        (VGGClassifier((8,), (1, 1)), (1, 8, 8), "one number a stage, but got 1 and 2"),
        (VGGClassifier(dense=()), (1, 8, 8), "at least one layer"),
        (ConvNeXtClassifier((8,), (1, 1)), (1, 8, 8), "one number a stage"),
        (CapsNetClassifier(kernel=9), (1, 8, 8), "at least 17 pixels a side, but got 8"),
    ],
)
def test_what_does_not_fit_is_said(made, shape, message):
    with pytest.raises(InputError, match=message):
        made._encoder(shape)
