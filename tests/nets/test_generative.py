"""Samplers and the measures of what they draw, against closed forms, sums done by hand and SciPy."""

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from neuroloom.core import InputError, NotSupportedError
from neuroloom.nets import (
    GAN,
    VAE,
    VQVAE,
    CollapseWarning,
    Diffusion,
    FlowMatching,
    Mixture,
    coverage,
    frechet_distance,
    grid_of_normals,
    precision_recall,
    ring_of_normals,
)
from neuroloom.nets._layers.adversarial import Terms, critic_loss, generator_loss
from neuroloom.nets._layers.code_prior import CodePrior
from neuroloom.nets._mode_encoding import decode, encode, learn_columns
from neuroloom.nets.diffusion import denoised, signal_share
from neuroloom.nets.flow_matching import carried

SMALL = {"hidden": (32, 32), "random_state": 0}


def test_the_losses_are_those_of_their_papers():
    w = torch.tensor([3.0, 4.0])  # of length 5, the slope of this critic everywhere

    def critic(x):
        return (x @ w)[:, None]

    real, drawn = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[0.0, 0.0], [1.0, 1.0]])

    def soft(values):
        return np.mean(np.log1p(np.exp(values)))

    wanted = {
        "wasserstein": (0 + 7) / 2 - (3 + 4) / 2 + 0.5 * (5 - 1) ** 2,
        "logistic": soft([-3, -4]) + soft([0, 7]) + 0.25 * 25,
        "relativistic": soft([0 - 3, 7 - 4]) + 0.25 * (25 + 25),
    }
    of_generator = {"wasserstein": -3.5, "logistic": soft([0, -7]), "relativistic": soft([3 - 0, 4 - 7])}
    for loss, value in wanted.items():
        terms = Terms(loss, 0.5, 1, 1, 2, 0.1, 0.0)
        assert critic_loss(critic, real, drawn, terms).item() == pytest.approx(value, rel=1e-5)
        assert generator_loss(critic, real, drawn, loss).item() == pytest.approx(of_generator[loss], rel=1e-5)


def test_a_gan_covers_the_modes_and_draws_values_that_there_are():
    mixture = ring_of_normals(4)
    X = np.column_stack(
        [mixture.draw(1500, 0), np.random.default_rng(0).choice([1.0, 2.0, 5.0], 1500, p=[0.6, 0.3, 0.1])]
    )
    net = GAN(8, hidden=(64, 64), batch_size=128, epochs=40, learning_rate=0.002, random_state=0).fit(X)
    drawn = net.sample(2000)
    modes, near = mixture.covered(drawn[:, :2])
    assert modes == 4
    assert near > 0.75
    values, counts = np.unique(drawn[:, 2], return_counts=True)
    assert values.tolist() == [1, 2, 5]
    np.testing.assert_allclose(counts / 2000, [0.6, 0.3, 0.1], atol=0.15)
    assert net.coverage_ > 0.85
    np.testing.assert_array_equal(net.sample(5, random_state=3), net.sample(5, random_state=3))
    assert net.transform(X[:4]).shape == (4, 64)
    assert net.history_[-1]["step"] == 40 * 1500 // 128


def test_a_generator_that_misses_most_samples_is_reported():
    X = ring_of_normals().draw(400, 0)
    with pytest.warns(CollapseWarning, match=r"comes near only \d+% of the training samples.*epochs"):
        net = GAN(modes=0, epochs=1, learning_rate=1e-6, **SMALL).fit(X)
    assert net.coverage_ < 0.3


def test_pictures_are_drawn_in_their_range_and_size():
    X = load_digits(n_class=2).images[:, None]
    net = GAN(8, filters=(8, 16), normalize="range", batch_size=32, epochs=20, random_state=0)
    with pytest.warns(CollapseWarning):
        net.fit(X)
    drawn = net.sample(50)
    assert drawn.shape == (50, 1, 8, 8)
    assert (
        np.abs(drawn.mean(0) - X.mean(0)).mean() < 0.6 * X.mean()
    )  # a few passes bring the mean picture about
    assert net.transform(X[:3]).shape == (3, 16 * 2 * 2)


def test_columns_are_encoded_by_their_modes():
    rng = np.random.default_rng(0)
    X = np.column_stack(
        [rng.choice([-5.0, 0.0, 7.0], 600) + 0.1 * rng.normal(size=600), rng.integers(0, 3, 600)]
    )
    columns = learn_columns(X, 6, 0)
    assert columns[1]["centres"].tolist() == [0, 1, 2]
    assert columns[1]["spreads"] is None
    np.testing.assert_allclose(np.sort(columns[0]["centres"]), [-5, 0, 7], atol=0.05)
    np.testing.assert_allclose(columns[0]["spreads"], 0.1, atol=0.02)
    made = encode(X, columns, rng)
    assert made.shape == (600, 3 + 1 + 3)
    np.testing.assert_array_equal(made[:, :3].sum(1), 1)
    by_hand = (X[0, 0] - columns[0]["centres"][made[0, :3].argmax()]) / (
        4 * columns[0]["spreads"][made[0, :3].argmax()]
    )
    assert made[0, 3] == pytest.approx(by_hand)
    assert np.abs(decode(made, columns) - X).max() < 0.1  # but for the farthest, which are cut off
    assert np.mean(np.abs(decode(made, columns) - X) > 1e-9) < 0.01


def test_precision_recall_and_coverage_by_hand():
    real, drawn = np.array([[0.0], [1.0], [2.0], [10.0]]), np.array([[1.09], [1.2], [1.4], [30.0]])
    # balls with 1 neighbour: real ±1, ±1, ±1, ±8; drawn ±0.11, ±0.11, ±0.2, ±28.6
    assert precision_recall(real, drawn, k=1) == (
        3 / 4,
        3 / 4,
    )  # 30 lies in no ball of a real one, 0 in none of a drawn one
    assert coverage(real, drawn, k=1) == 2 / 4


def test_the_measures_tell_a_collapse_from_blur():
    rng = np.random.default_rng(0)
    real, same = rng.normal(size=(500, 3)), rng.normal(size=(500, 3))
    collapsed, blurred = 0.1 * rng.normal(size=(500, 3)), 3 * rng.normal(size=(500, 3))
    p, r = precision_recall(real, same)
    assert min(p, r) > 0.85
    p, r = precision_recall(real, collapsed)
    assert p > 0.95 > 0.2 > r
    p, r = precision_recall(real, blurred)
    assert r > 0.9 > 0.6 > p
    assert coverage(real, same) > 0.9 > 0.3 > coverage(real, collapsed)


def test_the_frechet_distance_is_that_of_two_normals():
    rng = np.random.default_rng(0)
    a, b = (
        rng.normal(size=(200, 4)) @ rng.normal(size=(4, 4)),
        1 + rng.normal(size=(300, 4)) @ rng.normal(size=(4, 4)),
    )
    first, second = np.cov(a.T), np.cov(b.T)
    wanted = np.square(a.mean(0) - b.mean(0)).sum() + np.trace(
        first + second - 2 * np.real(sqrtm(first @ second))
    )
    assert frechet_distance(a, b) == pytest.approx(wanted, rel=1e-6)
    assert frechet_distance(a, a + 3) == pytest.approx(4 * 9)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-6)

    class Doubled:
        def transform(self, X):
            return 2 * X

    assert frechet_distance(a, a + 3, Doubled()) == pytest.approx(4 * 36)
    with pytest.raises(InputError, match="of one shape"):
        frechet_distance(a, b[:, :2])
    with pytest.raises(InputError, match="3 neighbours need more than 3 samples"):
        precision_recall(a[:3], b)


def test_modes_are_counted():
    assert grid_of_normals().centres.shape == (25, 2)
    assert np.abs(grid_of_normals().centres).max() == 4
    np.testing.assert_allclose(np.hypot(*ring_of_normals().centres.T), 2)
    mixture = Mixture(np.array([[0.0, 0.0], [1.0, 0.0]]), 0.1)
    samples = np.array([[0.0, 0.29], [0.0, 0.0], [1.0, 0.31], [0.5, 0.0]])
    assert mixture.covered(samples) == (1, 0.5)
    drawn = mixture.draw(4000, 0)
    assert mixture.covered(drawn)[1] == pytest.approx(1 - np.exp(-4.5), abs=0.005)  # of a normal in the plane
    with pytest.raises(InputError, match=r"shape \(n, 2\)"):
        mixture.covered(samples[:, :1])


def test_the_field_of_a_normal_carries_noise_straight_to_it():
    mean, spread = 3.0, 0.5

    def velocity(x, t):  # E[x_1 - x_0 | x_t] where x_1 ~ N(mean, spread²)
        s = t[:, None]
        return mean + (s * spread**2 - (1 - s)) / ((1 - s) ** 2 + s**2 * spread**2) * (x - s * mean)

    z = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]
    np.testing.assert_allclose(carried(velocity, z, 100), mean + spread * z, atol=2e-3)


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_the_noise_of_a_normal_leads_back_to_it(eta):
    spread = 0.5

    def noise(x, t):  # E[ε | x_t] where x ~ N(0, spread²)
        kept = signal_share(t)[:, None]
        return (1 - kept).sqrt() * x / (kept * spread**2 + 1 - kept)

    torch.manual_seed(0)
    z = torch.randn(4000, 1, dtype=torch.float64)
    made = denoised(noise, z, 200, eta)
    assert made.std().item() == pytest.approx(spread, rel=0.05)
    if eta == 0:
        np.testing.assert_allclose(made, spread * z, atol=0.05)
    assert signal_share(torch.tensor(0.5)).item() == pytest.approx(
        np.cos(0.508 / 1.008 * np.pi / 2) ** 2, rel=1e-3
    )


@pytest.mark.parametrize("kind", [FlowMatching, Diffusion])
def test_noise_becomes_samples(kind):
    mixture = ring_of_normals(3, spread=0.2)
    net = kind((64, 64), 20, batch_size=128, epochs=120, learning_rate=0.01, random_state=0).fit(
        mixture.draw(1000, 0)
    )
    drawn = net.sample(1000)
    assert mixture.covered(drawn)[0] == 3
    assert mixture.covered(drawn)[1] > 0.8
    np.testing.assert_array_equal(net.sample(5, random_state=1), net.sample(5, random_state=1))
    pictures = kind((16,), 3, epochs=1, random_state=0).fit(load_digits().images[:40, None])
    assert pictures.sample(4).shape == (4, 1, 8, 8)


QUICK = {"conditional": True, "random_state": 0}


def _four_kinds(pictures):
    """Return samples and the names of their classes: the digits 0 to 3, or four normals of a ring."""
    names = np.array(["nought", "one", "two", "three"])
    if pictures:
        digits = load_digits(n_class=4)
        return digits.images[:, None] / 16, names[digits.target]
    ring = ring_of_normals(4, spread=0.2)
    X = ring.draw(600, 0)
    return X, names[np.square(X[:, None] - ring.centres).sum(2).argmin(1)]


@pytest.mark.parametrize(
    ("made", "pictures"),
    [
        (FlowMatching((64, 64), 10, batch_size=128, epochs=50, learning_rate=0.01, **QUICK), True),
        (VAE(8, (64,), form="dense", epochs=25, **QUICK), True),
        (VQVAE(16, (64,), form="dense", book=32, epochs=30, prior=True, **QUICK), True),
        (Diffusion((64, 64), 20, batch_size=128, epochs=120, learning_rate=0.01, **QUICK), False),
        (GAN(4, hidden=(32, 32), batch_size=64, epochs=60, learning_rate=0.003, modes=0, **QUICK), False),
    ],
    ids=lambda made: type(made).__name__,
)
def test_samples_are_of_the_class_that_is_asked_for(made, pictures):
    X, names = _four_kinds(pictures)
    judge = LogisticRegression(max_iter=500).fit(X.reshape(len(X), -1), names)
    made.fit(X, names)

    def judged(drawn):
        return judge.predict(drawn.reshape(len(drawn), -1))

    asked = np.array(["one", "three"] * 60)
    assert (judged(made.sample(120, 1, y=asked)) == asked).mean() > 0.9
    assert (judged(made.sample(60, 1, y="two")) == "two").mean() > 0.9
    np.testing.assert_array_equal(made.sample(4, 5, y="one"), made.sample(4, 5, y="one"))
    spread = made.sample(60, 2, y="one").std(axis=0).mean()  # not one sample over and over
    assert spread > 0.5 * X[names == "one"].std(axis=0).mean()
    assert set(judged(made.sample(200, 3))) == set(names)
    with pytest.raises(InputError, match="'nine' is none of the classes learned"):
        made.sample(2, y="nine")
    with pytest.raises(InputError, match="one class or 3, one a sample"):
        made.sample(3, y=["one", "two"])


def test_pictures_of_a_class_and_what_a_conditional_sampler_needs():
    digits = load_digits(n_class=3)
    X, y = digits.images[:, None], digits.target
    net = GAN(4, filters=(4, 8), batch_size=16, epochs=1, conditional=True, random_state=0)
    with pytest.warns(CollapseWarning):
        net.fit(X, y)
    assert net.sample(5, y=2).shape == (5, 1, 8, 8)
    assert not np.array_equal(net.sample(5, y=2), net.sample(5, y=1))
    assert net.transform(X[:3]).shape == (3, 8 * 2 * 2)
    for made in (FlowMatching((8,), 2, epochs=1), VAE(2, (8,), epochs=1)):
        with pytest.raises(InputError, match="classes were not learned"):
            made.fit(X, y).sample(2, y=1)
        made.conditional = True
        with pytest.raises(InputError, match="learns classes; pass y"):
            made.fit(X)
        with pytest.raises(InputError, match="one class a sample in y, but got continuous values"):
            made.fit(X, y + 0.5)
    for made, wanted in (
        (VQVAE(2, conditional=True), "pass prior=True"),
        (VAE(2, conditional=True), "pass y"),
    ):
        with pytest.raises(InputError, match=wanted):
            made.fit(X, y if isinstance(made, VQVAE) else None)
        assert not hasattr(made, "weights_")  # told before anything is learned
    with pytest.raises(NotSupportedError, match="fit with prior=True"):
        VQVAE(2, epochs=1).fit(X).sample()


def test_the_prior_of_a_vq_vae_draws_words_as_often_as_they_follow_each_other():
    """Codes of three words, of two classes: the class tells the first, and the second word the third."""
    torch.manual_seed(0)
    prior = CodePrior(3, 3, 2, units=8)
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, 400)
    second = rng.choice(3, 400, p=[0.6, 0.3, 0.1])
    words = torch.from_numpy(np.column_stack([2 * kind, second, (second + 1) % 3]))
    of = torch.from_numpy(kind)
    optimizer = torch.optim.Adam(prior.parameters(), 0.02)
    for _ in range(150):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(prior(words, of).flatten(0, 1), words.flatten()).backward()
        optimizer.step()
    with torch.no_grad():
        drawn = prior.draw(of)
        odds = torch.softmax(prior(drawn, of), dim=2).numpy()
    drawn = drawn.numpy()
    assert (drawn[:, 0] == 2 * kind).mean() > 0.97
    assert (drawn[:, 2] == (drawn[:, 1] + 1) % 3).mean() > 0.97
    np.testing.assert_allclose(np.bincount(drawn[:, 1]) / 400, [0.6, 0.3, 0.1], atol=0.07)
    np.testing.assert_allclose(odds[:, 1].mean(0), [0.6, 0.3, 0.1], atol=0.06)


def test_what_cannot_be_is_said():
    X = np.random.default_rng(0).normal(size=(20, 2))
    with pytest.raises(InputError, match=r"`loss` must be one of"):
        GAN(loss="least-squares").fit(X)
    with pytest.raises(InputError, match=r"`modes` must be a whole number of at least 2"):
        GAN(modes=1).fit(X)
    with pytest.raises(InputError, match=r"`eta` must be"):
        Diffusion(eta=2).fit(X)


@pytest.mark.filterwarnings("ignore::neuroloom.nets.gan.CollapseWarning")
@parametrize_with_checks(
    [GAN(4, hidden=(8,), epochs=2), FlowMatching((8,), 2, epochs=2), Diffusion((8,), 2, epochs=2)]
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)
