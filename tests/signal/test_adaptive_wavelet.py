"""Learned wavelets: the lattice against Daubechies, orthogonality after training, torch against NumPy, and learning."""

import numpy as np
import pytest
import pywt
import torch
from sklearn.linear_model import LogisticRegression

from neuroloom.core import InputError
from neuroloom.signal import AdaptiveWaveletFeatures, imodwt, modwt
from neuroloom.signal.adaptive_wavelet import filtered
from neuroloom.signal.lattice import filters_of, lattice_angles, wavelet_of
from neuroloom.signal.stationary import stationary_step


@pytest.mark.parametrize("name", ["haar", "db2", "db5", "sym4", "coif1"])
def test_angles_give_the_wavelet_back(name):
    low, high = (one.numpy() for one in filters_of(torch.as_tensor(lattice_angles(name))))
    wavelet = pywt.Wavelet(name)
    np.testing.assert_allclose(low, wavelet.dec_lo, atol=1e-7)  # tables of sym and coif hold as many digits
    np.testing.assert_allclose(np.abs(high), np.abs(wavelet.dec_hi), atol=1e-7)


def test_a_rotation_by_hand():
    # K = 2, θ₁ = 0: the second is π / 4, and the delay has nothing to mix
    low, high = filters_of(torch.zeros(1, dtype=torch.float64))
    h = 0.5**0.5
    np.testing.assert_allclose(low, [h, 0, 0, h], atol=1e-15)
    np.testing.assert_allclose(high, [-h, 0, 0, h], atol=1e-15)


@pytest.mark.parametrize("taps", [4, 6, 10])
def test_any_angles_make_an_orthogonal_bank(taps):
    rng = np.random.default_rng(taps)
    angles = torch.as_tensor(rng.uniform(-4, 4, (5, taps // 2 - 1)))
    for low, high in zip(*(one.numpy() for one in filters_of(angles)), strict=True):
        for shift in range(0, taps, 2):
            delta = float(shift == 0)
            assert low[shift:] @ low[: taps - shift] == pytest.approx(delta, abs=1e-13)
            assert high[shift:] @ high[: taps - shift] == pytest.approx(delta, abs=1e-13)
            assert low[shift:] @ high[: taps - shift] == pytest.approx(0, abs=1e-13)
            assert high[shift:] @ low[: taps - shift] == pytest.approx(0, abs=1e-13)
        assert low.sum() == pytest.approx(2**0.5)
        assert high.sum() == pytest.approx(0, abs=1e-13)
        wavelet = wavelet_of(low, high)
        x = rng.standard_normal(48)
        bands = modwt(x, wavelet, 3)
        assert (bands**2).sum() == pytest.approx((x**2).sum())
        np.testing.assert_allclose(imodwt(bands, wavelet), x, atol=1e-12)
        parts = pywt.wavedec(x, wavelet, "periodization", 2)
        np.testing.assert_allclose(pywt.waverec(parts, wavelet, "periodization"), x, atol=1e-12)


@pytest.mark.parametrize(("length", "step"), [(20, 1), (20, 4), (9, 8)])
def test_torch_filters_as_numpy_does(length, step):
    rng = np.random.default_rng(0)
    x, taps = rng.standard_normal((2, 3, length)), rng.standard_normal((2, 6))
    found = filtered(torch.as_tensor(x), torch.as_tensor(taps), step).numpy()
    level = step.bit_length()
    for k in range(2):
        np.testing.assert_allclose(found[k], stationary_step(x[k], taps[k], level, "symmetric"), atol=1e-12)


def test_the_gradient_is_that_of_finite_differences():
    x = torch.as_tensor(np.random.default_rng(1).standard_normal((1, 2, 16)))

    def energies(angles: torch.Tensor) -> torch.Tensor:
        low, high = filters_of(angles)
        smooth = filtered(x.expand(2, 2, 16), low, 1)
        return torch.stack([filtered(smooth, high, 2).pow(2).sum(), filtered(smooth, low, 2).abs().sum()])

    assert torch.autograd.gradcheck(
        energies, torch.tensor([[0.3, -0.2], [1.1, 0.4]]).double().requires_grad_()
    )


def _octave(n: int = 80, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two waves in one octave, of random size: no energy of a band tells them apart, the shape of its filter does."""
    rng, t = np.random.default_rng(seed), np.arange(64)
    y = np.arange(n) % 2
    f = np.where(y == 0, 0.15, 0.2)[:, None]
    size = np.exp(rng.normal(0, 1, (n, 1)))
    return (size * np.sin(2 * np.pi * (f * t + rng.random((n, 1)))))[:, None], y


def test_it_learns_what_tells_the_classes_apart():
    (X, y), (new, truth) = _octave(), _octave(400, 9)

    def score(epochs: int, rate: float) -> tuple[float, AdaptiveWaveletFeatures]:
        made = AdaptiveWaveletFeatures(
            wavelets=1, level=1, segments=1, epochs=epochs, batch_size=100, learning_rate=rate, random_state=1
        ).fit(X, y)
        return LogisticRegression().fit(made.transform(X), y).score(made.transform(new), truth), made

    assert score(1, 1e-9)[0] < 0.85  # the angles it begins with
    found, made = score(60, 0.05)
    assert found > 0.95
    np.testing.assert_array_equal(score(60, 0.05)[1].filters_, made.filters_)
    low, high = made.filters_[0]
    assert low @ high == pytest.approx(0, abs=1e-13)
    assert low @ low == pytest.approx(1)


def test_sparsity_lowers_the_cost_and_takes_no_answers():
    X, y = _octave()
    made = AdaptiveWaveletFeatures(
        wavelets=1, level=3, epochs=30, learning_rate=0.05, objective="sparsity", random_state=1
    )
    first = made.fit(X).history_
    assert first[-1]["loss"] < first[0]["loss"]
    np.testing.assert_array_equal(made.fit(X, y).angles_, made.fit(X).angles_)


def test_features_are_log_energies_of_the_learned_wavelet():
    X, y = _octave(20)
    made = AdaptiveWaveletFeatures(wavelets=2, level=2, segments=4, epochs=1, random_state=0).fit(X, y)
    table = made.transform(X)
    names = made.get_feature_names_out().tolist()
    assert table.shape == (20, 2 * 3 * 4) == (20, len(names))
    bands = modwt(X[5, 0], wavelet_of(*made.filters_[1]), 2, "symmetric")
    expected = np.log((bands[1].reshape(4, 16)[2] ** 2).mean() + made.floor_)
    assert table[5, names.index("wavelet1__ch0__d2__part3of4")] == pytest.approx(expected)


def test_numbers_are_learned_too():
    X, _ = _octave()
    size = np.log(X.std((1, 2))) + 0.01 * np.arange(80)
    losses = [
        p["loss"] for p in AdaptiveWaveletFeatures(level=2, epochs=20, random_state=0).fit(X, size).history_
    ]
    assert losses[-1] < 0.4 * losses[0]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"taps": 5}, "`taps` must be an even number"),
        ({"objective": "all"}, "`objective` must be one of"),
        ({"segments": 99}, "`segments` must be a whole number from 1 to 64"),
        ({"spread": -1.0}, "`spread` must be a number"),
    ],
)
def test_bad_parameters_are_told(params, words):
    X, y = _octave(8)
    with pytest.raises(InputError, match=words):
        AdaptiveWaveletFeatures(**params).fit(X, y)


def test_a_task_needs_answers():
    with pytest.raises(InputError, match="needs answers"):
        AdaptiveWaveletFeatures(objective="task").fit(_octave(8)[0])
    with pytest.raises(InputError, match="orthogonal filters"):
        lattice_angles("bior2.2")


@pytest.mark.parametrize(
    ("count", "answers", "words"),
    [
        (30, np.where(np.arange(30) == 2, np.nan, np.arange(30.0)), "missing or infinite"),
        (8, np.where(np.arange(8) == 2, np.nan, np.arange(8.0) % 2), "missing or infinite"),
        (8, np.ones((8, 2)), r"one a sample, but have shape \(8, 2\)"),
        (1, np.zeros(1), "at least 2 samples"),
    ],
)
def test_answers_that_cannot_be_learned_are_refused(count, answers, words):
    with pytest.raises(InputError, match=words):
        AdaptiveWaveletFeatures(epochs=1).fit(_octave(30)[0][:count], answers)
