"""Bayesian CNN: moments against drawn weights, divergence against torch's, and doubt where samples are strange."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.distributions import Normal, kl_divergence

from neuroloom.core import InputError
from neuroloom.nets import BayesianCNNClassifier, BayesianCNNRegressor
from neuroloom.nets._layers.convolution import ConvBlock, SameConv
from neuroloom.nets._layers.variational import Variational, VariationalNetwork

PIXELS, DIGITS = load_digits(return_X_y=True)
PICTURES = PIXELS.reshape(-1, 1, 8, 8)


def small_network(noisy=False, prior_scale=2.0):
    torch.manual_seed(0)
    network = nn.Sequential()
    network.add_module("encoder", nn.Sequential(SameConv(1, 2, 3, 3, bias=True), nn.Flatten()))
    network.add_module("head", nn.Linear(15, 2))
    made = VariationalNetwork(network, prior_scale, 1.0, noisy)
    with torch.no_grad():
        for name, p in made.named_parameters():
            if "rho" in name:
                p.copy_(torch.linspace(-3, -1, p.numel()).view(p.shape))
    return made


def test_a_layer_draws_what_drawn_weights_would_give():
    layer = small_network().encoder[0].conv
    x = torch.randn(1, 2, 7)
    layer.train()
    with torch.no_grad():
        here = torch.stack([layer(x) for _ in range(4_000)])
        generator, drawn = torch.Generator().manual_seed(1), []
        for _ in range(4_000):
            layer.draw(generator)
            drawn.append(layer(x))
        there = torch.stack(drawn)
        layer.draw(None)
        mean = layer.eval()(x)
    spread = there.std(0)
    assert ((here.mean(0) - mean).abs() < 5 * spread / 4_000**0.5).all()
    assert ((there.mean(0) - mean).abs() < 5 * spread / 4_000**0.5).all()
    torch.testing.assert_close(here.std(0), spread, rtol=0.08, atol=0)


def test_the_divergence_is_torchs_own():
    network, total = small_network(), 0.0
    for layer, fan_in in ((network.encoder[0].conv, 6), (network.head, 15)):
        for name, prior in (("weight", 2.0 / fan_in**0.5), ("bias", 2.0)):
            deviation = nn.functional.softplus(getattr(layer, f"rho_{name}"))
            own, wanted = Normal(getattr(layer, name), deviation), Normal(0.0, prior)
            total = total + kl_divergence(own, wanted).sum()
    torch.testing.assert_close(network.divergence(), total)


def test_all_convolutions_and_linear_layers_are_made_variational_with_their_weights():
    network = nn.Sequential()
    network.add_module("encoder", nn.Sequential(ConvBlock(2, 1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    network.add_module("head", nn.Linear(4, 3))
    x = torch.randn(5, 1, 6, 6)
    wanted = network.eval()(x)
    made = VariationalNetwork(network, 1.0, 1.0, False).eval()
    torch.testing.assert_close(made(x), wanted)
    assert sum(isinstance(layer, Variational) for layer in made.modules()) == 2


@pytest.fixture(scope="module")
def digits_net():
    return BayesianCNNClassifier(epochs=10, draws=10, random_state=0).fit(PICTURES[:600], DIGITS[:600])


def test_digits_are_told_and_what_is_none_is_doubted(digits_net):
    """Blurred noise is no digit: the draws disagree on it more than on digits it has not seen."""
    assert digits_net.score(PICTURES[600:1000], DIGITS[600:1000]) > 0.93
    draw = np.random.default_rng(0)
    strange = draw.permuted(PICTURES[600:800].reshape(200, 64), axis=1).reshape(-1, 1, 8, 8)
    known, unknown = (digits_net.predict_uncertainty(part) for part in (PICTURES[600:800], strange))
    assert unknown.model.mean() > 3 * known.model.mean()
    entropy = -(known.proba * np.log(known.proba.clip(1e-300))).sum(axis=1)
    np.testing.assert_allclose(known.model + known.noise, entropy, atol=1e-9)
    np.testing.assert_allclose(known.proba, digits_net.predict_proba(PICTURES[600:800]), atol=1e-9)


def test_answers_do_not_depend_on_neighbours_or_on_what_was_asked_before(digits_net):
    whole = digits_net.predict_proba(PICTURES[:20])
    np.testing.assert_allclose(digits_net.predict_proba(PICTURES[3:5]), whole[3:5], atol=1e-6)
    module = digits_net.answer_module()
    assert len(module.networks) == 10
    made = module(torch.from_numpy(PICTURES[:20])).detach().numpy()
    np.testing.assert_allclose(made, whole, atol=1e-5)


def test_a_higher_temperature_keeps_weights_nearer_to_the_prior():
    divergences = []
    for temperature in (1e-4, 1.0):
        net = BayesianCNNClassifier((8,), epochs=8, temperature=temperature, random_state=0)
        net.fit(PICTURES[:200], DIGITS[:200])
        divergences.append(net.torch_module().divergence().item() / temperature)
    assert divergences[1] < 0.9 * divergences[0]


def test_the_noise_of_numbers_is_learned():
    draw = np.random.default_rng(0)
    series = draw.normal(size=(400, 1, 24))
    y = 10 + 4 * series[:, 0].mean(axis=1) * 24**0.5 + 3 * draw.normal(size=400)
    net = BayesianCNNRegressor((8,), epochs=30, draws=10, random_state=0).fit(series[:300], y[:300])
    found = net.predict_uncertainty(series[300:])
    assert 2 < found.noise.mean() < 4.5
    np.testing.assert_allclose(found.mean, net.predict(series[300:]), rtol=1e-9)
    inside = np.abs(y[300:] - found.mean) < 1.645 * found.std
    assert inside.mean() > 0.8  # of the nominal 90 %
    made = net.answer_module()(torch.from_numpy(series[300:])).detach().numpy()
    np.testing.assert_allclose(made[:, 0], found.mean, rtol=1e-4)


def test_series_may_end_in_nan():
    draw = np.random.default_rng(1)
    series = draw.normal(size=(40, 1, 30))
    series[::2, :, 20:] = np.nan
    series[:, 0, 5:10] += 2 * (np.arange(40) % 4 < 2)[:, None]
    net = BayesianCNNClassifier((8,), epochs=3, draws=3, random_state=0).fit(series, np.arange(40) % 4 < 2)
    cut = series[::2, :, :20]
    whole = net.predict_proba(series[::2])
    np.testing.assert_allclose(
        net.predict_proba(np.pad(cut, ((0, 0), (0, 0), (0, 10)), constant_values=np.nan)), whole
    )


@pytest.mark.parametrize("name", ["prior_scale", "temperature", "draws"])
def test_parameters_are_checked(name):
    with pytest.raises(InputError, match=f"`{name}` must be"):
        BayesianCNNClassifier(**{name: 0}).fit(PICTURES[:20], DIGITS[:20])
