"""The best basis against every basis of a small tree, its inverse, and the features that use it."""

import itertools

import numpy as np
import pytest
import pywt

from neuroloom.core import InputError
from neuroloom.signal import WaveletFeatures, best_basis


def _bases(depth: int, path: str = "") -> list[list[str]]:
    """Return every basis below ``path``: the node itself, or one of each half."""
    if depth == 0:
        return [[path]]
    halves = [_bases(depth - 1, path + letter) for letter in "ad"]
    return [[path], *(low + high for low, high in itertools.product(*halves))]


def _cost(x: np.ndarray, basis: list[str], wavelet: str, cost: str) -> float:
    packet = pywt.WaveletPacket(x, wavelet, "periodization")
    total = 0.0
    for path in basis:
        for value in np.abs(packet[path].data if path else x) / np.linalg.norm(x):
            if value > 0:
                total += value if cost == "l1" else -(value**2) * np.log(value**2)
    return total


@pytest.mark.parametrize("cost", ["entropy", "l1"])
@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_best_of_all_bases(seed, cost):
    rng = np.random.default_rng(seed)
    t = np.arange(32)
    x = np.sin(0.9 * t * (1 + seed)) + (t == 11) * 2 + 0.3 * rng.standard_normal(32)
    found = best_basis(x, "db2", 3, cost=cost)
    every = _bases(3)
    assert len(every) == 26
    costs = [_cost(x, basis, "db2", cost) for basis in every]
    assert found.cost == pytest.approx(min(costs), rel=1e-10)
    assert list(found.paths) == sorted(every[int(np.argmin(costs))])
    np.testing.assert_allclose(found.inverse(), x, atol=1e-12)


def test_several_signals_share_the_basis_of_the_least_sum():
    X = np.random.default_rng(5).standard_normal((4, 16)).cumsum(1)
    found = best_basis(X, "haar", 2)
    sums = {tuple(sorted(b)): sum(_cost(x, b, "haar", "entropy") for x in X) for b in _bases(2)}
    assert found.paths == min(sums, key=sums.__getitem__)
    assert found.cost == pytest.approx(min(sums.values()))
    np.testing.assert_allclose(found.inverse(), X, atol=1e-12)


def test_waves_go_deep_and_clicks_stay_whole():
    t = np.arange(256)
    wave = best_basis(np.sin(2 * np.pi * 0.2 * t), "db4")
    assert max(map(len, wave.paths)) == 6
    click = best_basis((t == 100) * 1.0, "db4")
    assert click.paths == ("",)
    assert click.cost == 0
    # the wave's energy lies in the packet at its frequency: 0.2 of 0.5 cycles a sample
    strongest = int(np.argmax([(part**2).sum() for part in wave.coefficients]))
    low = wave.places[strongest] * 0.5 / 2 ** len(wave.paths[strongest])
    assert low <= 0.2 < low + 0.5 / 2 ** len(wave.paths[strongest])
    # places of one level are those of PyWavelets in order of frequency
    names = [node.path for node in pywt.WaveletPacket(t * 1.0, "haar", maxlevel=3).get_level(3, "freq")]
    whole = type(wave)(tuple(names), (), 0.0, {}, "haar", 3)
    assert whole.places == list(range(8))


def test_the_wavelet_of_least_cost_is_taken():
    steps = np.repeat([0.0, 3.0, -1.0, 2.0], 64)
    found = best_basis(steps)
    assert found.wavelet == "haar"
    assert found.costs["haar"] == min(found.costs.values())
    assert set(found.costs) == {"haar", "db2", "db4", "sym4", "sym8", "coif2"}
    smooth = np.exp(-0.5 * ((np.arange(256) - 128) / 12) ** 2)
    assert best_basis(smooth, ["haar", "db4"]).wavelet == "db4"


def test_features_of_the_best_basis():
    rng, t = np.random.default_rng(6), np.arange(64)
    X = np.sin(2 * np.pi * 0.31 * t + rng.uniform(0, 6, (30, 1)))[:, None] + 0.1 * rng.standard_normal(
        (30, 1, 64)
    )
    made = WaveletFeatures(
        "db2", 3, "best-basis", boundary="periodic", segments=1, statistics=["energy"]
    ).fit(X)
    assert made.basis_ == sorted(best_basis(X[:, 0], "db2", 3).paths)
    names = [f"ch0__best-basis_db2__{path}__energy" for path in made.basis_]
    assert made.get_feature_names_out()[1:].tolist() == names
    packet = pywt.WaveletPacket(X[3, 0], "db2", "periodization")
    expected = [(packet[path].data ** 2).mean() for path in made.basis_]
    np.testing.assert_allclose(made.transform(X)[3, 1:], expected, rtol=1e-9)
    odd = WaveletFeatures(decomposition="best-basis", wavelet="auto").fit(X[..., :45])
    assert np.isfinite(odd.transform(X[..., :45])).all()
    images = WaveletFeatures("haar", 2, "best-basis").fit(rng.standard_normal((5, 1, 8, 8)))
    assert np.isfinite(images.transform(np.ones((2, 1, 8, 8)))).all()


def test_the_wavelet_of_features_is_chosen_by_cost():
    steps = np.repeat(np.random.default_rng(7).standard_normal((20, 8)), 8, axis=1)
    chosen = WaveletFeatures("auto").fit(steps)
    assert chosen.wavelet_ == "haar"
    same = WaveletFeatures("haar").fit(steps)
    np.testing.assert_array_equal(chosen.transform(steps), same.transform(steps))
    assert WaveletFeatures(["db2", "haar"]).fit(steps).wavelet_ == "haar"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: best_basis(np.ones(33)), "an even number of values"),
        (lambda: best_basis(np.ones(36), level=3), "`level` must be a whole number from 1 to 2"),
        (lambda: best_basis(np.ones(32), "bior2.2"), "only for orthogonal wavelets.*bior2.2 is not"),
        (lambda: best_basis(np.ones(32), cost="size"), "`cost` must be one of"),
        (lambda: WaveletFeatures(cost="size").fit(np.ones((3, 32))), "`cost` must be one of"),
        (lambda: WaveletFeatures(["db2", "bior2.2"]).fit(np.ones((3, 32))), "bior2.2 is not"),
        (
            lambda: WaveletFeatures("rbio1.3", decomposition="best-basis").fit(np.ones((3, 32))),
            "rbio1.3 is not",
        ),
    ],
)
def test_bad_input_is_told(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_a_wavelet_that_is_given_need_not_be_orthogonal():
    x = np.random.default_rng(8).standard_normal((3, 32))
    assert WaveletFeatures("bior2.2").fit(x).wavelet_ == "bior2.2"
    assert WaveletFeatures(["bior2.2"], decomposition="wp").fit(x).wavelet_ == "bior2.2"


def test_no_wavelet_at_all_is_refused():
    with pytest.raises(InputError, match="empty list"):
        best_basis(np.arange(16.0), [])
    with pytest.raises(InputError, match="empty list"):
        WaveletFeatures(wavelet=[]).fit(np.ones((3, 16)))
