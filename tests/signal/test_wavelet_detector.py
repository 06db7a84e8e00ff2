"""The detector by wavelet bands, its stream, and the baselines it is measured against."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import zscore

from neuroloom.core import InputError
from neuroloom.core.outliers import left_out, nearest_distance
from neuroloom.methods.matrix_profile import MatrixProfileDetector
from neuroloom.methods.moving_deviation import MovingDeviationDetector
from neuroloom.signal import WaveletDetector, modwt


def _wave(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.sin(2 * np.pi * np.arange(n) / 32) + 0.1 * rng.standard_normal(n)


def _windows(x: np.ndarray, length: int = 48) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(x, length)


@pytest.fixture(scope="module")
def detector() -> WaveletDetector:
    return WaveletDetector().fit(_windows(_wave(800)))


def test_the_description_is_log_energy_by_band_and_place_and_means(detector):
    x = _wave(48, 5)
    energies, means = detector._describe(x[None, None])
    bands = modwt(x, "sym8", detector.level_, "symmetric")
    expected = (bands.reshape(len(bands), 4, 12) ** 2).mean(-1).ravel()
    np.testing.assert_allclose(energies[0], expected, rtol=1e-10)
    np.testing.assert_allclose(means[0], x.reshape(8, 6).mean(1), rtol=1e-10)


def test_it_finds_each_kind_of_fault_and_keeps_its_false_alarms(detector):
    clean = _windows(_wave(2000, 1))
    assert (detector.predict(clean) < 0).mean() < 0.06
    x, t = _wave(300, 2), np.arange(300)
    inside = (t >= 150) & (t < 190)
    rng = np.random.default_rng(3)
    faults = {
        "level": x + 0.7 * inside,
        "noise": x + 0.4 * inside * rng.standard_normal(300),
        "frequency": np.where(inside, np.sin(2 * np.pi * t / 18), x),
        "still": np.where(inside, x[150], x),
        "spike": x + 3.0 * (t == 170),
    }
    for name, series in faults.items():
        score = -detector.decision_function(_windows(series))
        middle = int(np.argmax(score)) + 24
        assert 126 <= middle < 214, name
        assert score.max() > 0, name


def test_whitening_makes_the_references_even(detector):
    covariance = np.cov(detector.references_.T, bias=True)
    # λ / (λ + ridge): near 1 where there is variance, never above
    values = np.linalg.eigvalsh(covariance)
    assert values.max() < 1.0 < values.max() + 0.01
    np.testing.assert_allclose(detector.references_.mean(0), 0, atol=1e-9)


@pytest.mark.parametrize("sizes", [(1,) * 30, (7, 48, 1, 100, 0, 44), (200,)])
def test_a_stream_says_what_the_batch_says(detector, sizes):
    x = _wave(sum(sizes) + 47, 4)
    x[60:70] += 1
    stream, found, at = detector.stream(), [], 0
    for size in (47, *sizes):
        found.append(stream.push(x[at : at + size]))
        at += size
        assert stream._held.shape == (1, min(at, 47))  # bounded memory
    assert len(found[0]) == 0
    np.testing.assert_allclose(
        np.concatenate(found), detector.decision_function(_windows(x)), rtol=1e-9, atol=1e-9
    )
    with pytest.raises(InputError, match="expected steps of 1 channels"):
        stream.push(np.zeros((2, 3)))
    with pytest.raises(InputError, match="missing or infinite"):
        stream.push([np.nan])


def test_a_change_of_unit_changes_nothing():
    train, test = _windows(_wave(400)), _windows(_wave(200, 7))
    plain = WaveletDetector().fit(train).decision_function(test)
    scaled = WaveletDetector().fit(train * 1e3).decision_function(test * 1e3)
    np.testing.assert_allclose(scaled, plain, rtol=1e-6, atol=1e-6)


def test_channels_are_described_one_by_one():
    x = np.stack([_wave(500), _wave(500, 1)])
    both = np.lib.stride_tricks.sliding_window_view(x, 48, axis=1).transpose(1, 0, 2)
    made = WaveletDetector().fit(both[:300])
    fault = both[300:].copy()
    fault[50, 1, 20:30] = 0.0
    assert np.argmin(made.decision_function(fault)) == 50
    assert len(made.centre_) == 2 * (4 * (made.level_ + 1) + 8)


def test_references_are_evenly_spaced_where_there_are_too_many():
    X = _windows(_wave(400))
    made = WaveletDetector(references=50).fit(X)
    same = WaveletDetector().fit(X[np.linspace(0, len(X) - 1, 50).round().astype(int)])
    np.testing.assert_array_equal(made.references_, same.references_)


def test_constant_windows_are_learned_too():
    made = WaveletDetector().fit(np.ones((10, 32)))
    assert (made.decision_function(np.ones((2, 32))) == 0).all()
    with pytest.raises(InputError, match="at least 2 windows"):
        WaveletDetector().fit(np.ones((1, 32)))
    with pytest.raises(InputError, match="at least 4 steps"):
        WaveletDetector().fit(np.ones((10, 3)))


def test_nearest_distances_are_those_of_all_pairs():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(40, 5)), rng.normal(size=(9, 5))
    np.testing.assert_allclose(nearest_distance(a, b), cdist(b, a).min(1), rtol=1e-12)
    assert nearest_distance(a, a[:3]).tolist() == [0, 0, 0]
    own = left_out(a, nearest_distance, 4)
    whole = cdist(a, a)
    for k in range(4):
        whole[10 * k : 10 * k + 10, 10 * k : 10 * k + 10] = np.inf
    np.testing.assert_allclose(own, whole.min(1), rtol=1e-12)


def test_the_matrix_profile_is_the_distance_of_normalised_windows():
    train, test = _windows(_wave(300)), _windows(_wave(120, 3))
    found = MatrixProfileDetector().fit(train)
    expected = cdist(zscore(test, axis=1), zscore(train, axis=1)).min(1)
    np.testing.assert_allclose(found.score_samples(test), -expected, rtol=1e-9)
    still = np.full((1, 48), 2.5)  # constant: √length from any that is not
    np.testing.assert_allclose(found.score_samples(still), -np.sqrt(48))
    np.testing.assert_allclose(found.score_samples(5 * test + 3), -expected, rtol=1e-9)


def test_the_moving_deviation_is_one_line():
    train, test = _windows(_wave(300)), _windows(_wave(120, 3))
    usual = np.median(np.diff(train).std(1))
    found = MovingDeviationDetector().fit(train).score_samples(test)
    np.testing.assert_allclose(found, -np.abs(np.diff(test).std(1) - usual))
    plain = MovingDeviationDetector(differenced=False).fit(train).score_samples(test)
    np.testing.assert_allclose(plain, -np.abs(test.std(1) - np.median(train.std(1))))
