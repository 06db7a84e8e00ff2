"""Autoencoders against what is known of them: PCA, probabilistic PCA, torch's own derivatives, sums done by hand."""

import math

import numpy as np
import pytest
import torch
from scipy.linalg import subspace_angles
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.utils.estimator_checks import parametrize_with_checks

from neuroloom import make
from neuroloom.core import InputError
from neuroloom.nets import VAE, VQVAE, Autoencoder, AutoencoderDetector, VAEDetector
from neuroloom.nets._layers.quantizer import Quantizer
from neuroloom.nets.autoencoder import divergence, squared_jacobian
from neuroloom.nets.vae import balanced_draws, divergences

LINEAR = {"hidden": (), "code": 2, "normalize": "none", "batch_size": 100, "random_state": 0}


@pytest.fixture(scope="module")
def plane():
    """Samples near a plane in six dimensions."""
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    return rng.normal(size=(400, 6)) * [3.0, 2.0, 0.5, 0.4, 0.3, 0.2] @ axes


def test_a_linear_autoencoder_spans_the_subspace_of_pca(plane):
    net = Autoencoder(**LINEAR, epochs=120, learning_rate=0.03).fit(plane)
    pca = PCA(2).fit(plane)
    spanned = net.torch_module().decoder[0].weight.detach().numpy().astype(float)
    assert np.rad2deg(subspace_angles(spanned, pca.components_.T)).max() < 2
    least = np.mean((pca.inverse_transform(pca.transform(plane)) - plane) ** 2)
    error = np.mean((net.reconstruct(plane) - plane) ** 2)
    assert least <= error < 1.01 * least
    np.testing.assert_allclose(net.reconstruction_error(plane).mean(), error, rtol=1e-4)


def test_a_linear_vae_is_as_likely_as_probabilistic_pca(plane):
    net = VAE(**LINEAR, epochs=200, learning_rate=0.02).fit(plane)
    most = PCA(2).fit(plane).score(plane)  # the maximum likelihood of Tipping and Bishop 1999
    found = net.log_likelihood(plane, draws=100).mean()
    assert most - 0.05 < found < most + 0.01
    bound = net.elbo(plane, draws=50).mean()
    assert found - 0.1 < bound < found + 0.01  # its posterior is normal, so the bound is tight
    drawn = net.sample(20_000, random_state=1, noise=True)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(plane.T), atol=0.8)
    np.testing.assert_array_equal(net.sample(3, random_state=7), net.sample(3, random_state=7))
    np.testing.assert_array_equal(net.sample(3), net.sample(3))


def test_the_likelihood_is_that_of_samples_in_their_own_unit(plane):
    scaled = VAE(**LINEAR | {"normalize": "channel"}, epochs=60, learning_rate=0.02)
    here, there = (
        scaled.fit(plane).log_likelihood(plane[:5]),
        scaled.fit(10 * plane).log_likelihood(10 * plane[:5]),
    )
    np.testing.assert_allclose(there, here - 6 * math.log(10), atol=1e-3)


def test_the_bound_is_the_sum_that_torchs_distributions_give(plane):
    from torch.distributions import Bernoulli, Normal, kl_divergence

    from neuroloom.core.seeding import stream

    for likelihood in ("gaussian", "bernoulli"):
        net = VAE(
            (3), (5,), beta=0.5, likelihood=likelihood, normalize="range", epochs=2, random_state=4
        ).fit(plane)
        x = torch.from_numpy(net._scaled(plane[:7])).float().clamp(0, 1)
        module, total = net.torch_module(), torch.zeros(7)
        mean, spread = (torch.from_numpy(p).float() for p in net.posterior(plane[:7]))
        for e in torch.from_numpy(balanced_draws(stream(4, "elbo"), 6, 3)).float():
            out = module.decoder(mean + spread * e)
            scale = math.sqrt(net.variance_ or 0)
            p = Normal(out, scale) if likelihood == "gaussian" else Bernoulli(logits=out, validate_args=False)
            total += p.log_prob(x).sum(1) / 6
        kl = kl_divergence(Normal(mean, spread), Normal(0.0, 1.0))
        wanted = total - 0.5 * kl.sum(1)
        np.testing.assert_allclose(net.elbo(plane[:7], draws=6), wanted.detach().numpy(), rtol=1e-4)
        np.testing.assert_allclose(divergences(mean, 2 * spread.log()), kl, rtol=1e-4, atol=1e-6)
    assert net.sample(4, noise=True).shape == (4, 6)


def test_the_contractive_penalty_is_the_jacobian_that_torch_computes():
    torch.manual_seed(0)
    f = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(12, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3)
    )
    x = torch.randn(4, 2, 6, requires_grad=True)
    wanted = [torch.autograd.functional.jacobian(f, one[None]).square().sum().item() for one in x]
    np.testing.assert_allclose(squared_jacobian(x, f(x)).detach(), wanted, rtol=1e-5)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    sizes = []
    for weight in (0.0, 1.0):
        net = Autoencoder(2, (8,), contraction=weight, epochs=40, random_state=0).fit(X)
        z = torch.from_numpy(net._scaled(X)).float().requires_grad_()
        sizes.append(squared_jacobian(z, net.torch_module().encoder(z)).mean().item())
    assert sizes[1] < 0.3 * sizes[0]


def test_the_sparse_penalty_holds_the_code_to_its_rate():
    found = divergence(0.2, torch.tensor([0.5, 0.2]))
    by_hand = 0.2 * math.log(0.4) + 0.8 * math.log(1.6)
    np.testing.assert_allclose(found, [by_hand, 0], atol=1e-6)
    X = np.random.default_rng(0).normal(size=(300, 8))
    means = [Autoencoder(12, (16,), sparsity=weight, rate=0.1, epochs=60, random_state=0).fit(X).transform(X).mean(0)
             for weight in (1e-9, 10.0)]  # fmt: skip
    assert np.abs(means[1] - 0.1).max() < 0.05 < np.abs(means[0] - 0.1).mean()


def test_a_denoising_autoencoder_brings_samples_back_to_where_they_came_from():
    rng = np.random.default_rng(1)
    turn = rng.uniform(0, 2 * np.pi, 600)
    clean = np.stack([np.cos(turn), np.sin(turn), np.cos(2 * turn), np.sin(2 * turn)], axis=1)
    noisy = clean + rng.normal(0, 0.3, clean.shape)
    net = Autoencoder(3, (32,), noise=0.4, epochs=150, learning_rate=0.01, random_state=0).fit(clean[:400])
    before, after = (np.mean((x[400:] - clean[400:]) ** 2) for x in (noisy, net.reconstruct(noisy)))
    assert after < 0.6 * before
    masked = Autoencoder(3, (32,), masked=0.25, epochs=150, learning_rate=0.01, random_state=0).fit(
        clean[:400]
    )
    holed = np.where(rng.random(clean.shape) < 0.25, 0, clean)
    before, after = (np.mean((x[400:] - clean[400:]) ** 2) for x in (holed, masked.reconstruct(holed)))
    assert after < 0.75 * before


def test_the_words_of_the_book_are_moving_averages_and_let_the_gradient_through():
    layer = Quantizer(2, 1, 0.5)
    layer.book.copy_(torch.tensor([[0.0], [10.0]]))
    layer.counts.copy_(torch.tensor([2.0, 1.0]))
    layer.sums.copy_(torch.tensor([[0.0], [10.0]]))
    words, places = layer(torch.tensor([[1.0, 9.0], [3.0, 2.0]]))
    assert places.tolist() == [[0, 1], [0, 0]]
    np.testing.assert_allclose(layer.counts, [0.5 * 2 + 0.5 * 3, 0.5 * 1 + 0.5 * 1])
    np.testing.assert_allclose(layer.book[:, 0], [(0.5 * 6) / 2.5, (0.5 * 10 + 0.5 * 9) / 1])
    np.testing.assert_allclose(words, layer.book[places, 0])

    net = VQVAE(4, (6,), width=2, book=3, commitment=0.5, epochs=1, random_state=0)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 5))
    module = net.fit(X).torch_module()  # in evaluation mode the book stands still
    x = torch.from_numpy(net._scaled(X[:4])).float()
    z = module.encoder(x).detach().requires_grad_()
    e = module.quantizer(z)[0].clone().requires_grad_()
    (module.decoder(e) - x).square().mean().backward()  # the decoder's error, as the words see it
    by_hand = e.grad + 0.5 * 2 * (z - e).detach() / z.numel()
    module.encoder = torch.nn.Identity()
    net._loss(torch.nn.ModuleDict({"encoder": Given(z), "decoder": module.decoder, "quantizer": module.quantizer}), x)\
        .backward()  # fmt: skip
    np.testing.assert_allclose(z.grad, by_hand, rtol=1e-4, atol=1e-7)


class Given(torch.nn.Module):
    """An encoder with one answer."""

    def __init__(self, z):
        super().__init__()
        self.z = z

    def forward(self, x):
        return self.z


def test_a_vq_vae_says_which_words_it_uses():
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 4, 300)
    X = rng.normal(size=(4, 6))[kind] * 3 + 0.05 * rng.normal(size=(300, 6))
    net = VQVAE(2, (16,), width=2, book=8, epochs=60, learning_rate=0.01, random_state=0).fit(X)
    tokens = net.tokens(X)
    assert tokens.shape == (300, 1)
    np.testing.assert_allclose(net.transform(X), net.weights_["quantizer.book"][tokens[:, 0]], rtol=1e-5)
    assert all(len(set(tokens[kind == k, 0])) >= 1 for k in range(4))
    assert (
        len({tuple(sorted(set(tokens[kind == k, 0]))) for k in range(4)}) == 4
    )  # each kind has words of its own
    assert net.reconstruction_error(X).mean() < 0.05  # of 1


@pytest.mark.parametrize(
    ("shape", "params"),
    [
        ((2, 13), {"form": "conv", "filters": (8, 8)}),
        ((2, 13), {"form": "recurrent", "units": 24, "patch": 3, "learning_rate": 0.01}),
        ((1, 7, 5), {"filters": (8,)}),
        ((1, 7, 5), {"form": "dense", "hidden": (16,)}),
    ],
    ids=str,
)
def test_samples_of_any_size_come_back_as_large(shape, params):
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(160, 2))
    X = 5 + np.tensordot(weights, rng.normal(size=(2, *shape)), axes=1)
    net = Autoencoder(4, epochs=60, batch_size=32, random_state=0, **params).fit(X[:120])
    back = net.reconstruct(X[120:])
    assert back.shape == (40, *shape)
    assert np.mean((back - X[120:]) ** 2) < 0.25 * X.var()
    assert net.transform(X[:3]).shape == (3, 4)
    vae = VAE(2, epochs=2, random_state=0, **params).fit(X)
    assert vae.sample(5).shape == (5, *shape)


def test_the_code_is_of_use_to_other_methods():
    X, y = load_digits(n_class=4, return_X_y=True)
    for name, least in (("autoencoder+logreg", 0.9), ("vae+rbfn", 0.85)):
        key = name.split("+")[0]
        made = make(name, "table", "classification", **{f"{key}__epochs": 40, f"{key}__random_state": 0})
        assert made.fit(X[:400], y[:400]).score(X[400:], y[400:]) > least


def test_training_ends_on_the_epoch_that_validates_best():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 10)) @ rng.normal(size=(10, 10))
    net = Autoencoder(2, (64,), epochs=80, learning_rate=0.02, patience=10, random_state=0)
    net.fit(X[:40], eval_set=(X[40:], None))
    scores = [record["score"] for record in net.history_]
    assert net.best_epoch_ == int(np.argmax(scores)) + 1 < 80
    np.testing.assert_allclose(net.reconstruction_error(X[40:]).mean(), -max(scores), rtol=1e-5)
    alone = Autoencoder(2, (64,), epochs=5, early_stopping=True, random_state=0).fit(X)
    assert "score" in alone.history_[0]
    assert "score" in VAE(2, (8,), epochs=2, early_stopping=True, random_state=0).fit(X).history_[0]


def test_what_cannot_be_is_said():
    X = np.random.default_rng(0).normal(size=(20, 6))
    with pytest.raises(InputError, match="is for series"):
        Autoencoder(form="recurrent", epochs=1).fit(X)
    with pytest.raises(InputError, match=r"numbers from 0 to 1.*normalize='range'"):
        VAE(likelihood="bernoulli", epochs=1).fit(X)
    with pytest.raises(InputError, match=r"expected codes of shape \(n, 2\)"):
        Autoencoder(2, epochs=1).fit(X).inverse_transform(X)
    with pytest.raises(InputError, match="words of 3 numbers do not fill a code of 4"):
        VQVAE(4, width=3, epochs=1).fit(X)
    with pytest.raises(InputError, match="fitted on samples of shape"):
        Autoencoder(2, epochs=1).fit(X[:, None]).transform(X[:, None, :5])


@parametrize_with_checks(
    [
        Autoencoder(2, (8,), epochs=3),
        VAE(2, (8,), epochs=3),
        VQVAE(2, (8,), epochs=3),
        AutoencoderDetector(2, (8,), epochs=3),
        VAEDetector(2, (8,), epochs=3),
    ]
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)
