"""WaveletCompetitionFeatures: values by a slow reference, determinism, metamorphic relations, awkward input."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import RidgeClassifierCV
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from neuroloom.core import InputError
from neuroloom.signal import WaveletCompetitionFeatures
from neuroloom.signal.wavelet_competition import competing_kernels
from tests.reference import wavelet_reference as reference


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def small(**params):
    return WaveletCompetitionFeatures(**{"groups": 2, "size": 3, "dilations": 4, "random_state": 0, **params})


@pytest.mark.parametrize(("channels", "length"), [(1, 2), (1, 9), (1, 57), (3, 40)])
def test_values_equal_the_slow_reference(channels, length):
    X = noise(4, channels, length)
    X[:, 0] += 3.0
    features = small().fit(X)
    got = features.transform(X).reshape(4, *features.groups_.shape[:2], -1)
    kernels = list(competing_kernels().values())
    scaled = (X - X.mean((0, 2), keepdims=True)) / X.std((0, 2), keepdims=True)
    differing = 0
    for u, (dilation, differenced) in enumerate(features.units_):
        own = features.channels_[features.channel_start_[u] : features.channel_start_[u + 1]]
        for i in range(len(X)):
            summed = scaled[i, own].sum(0)
            for g, group in enumerate(features.groups_[u]):
                expected = reference.competition(summed, kernels, dilation, differenced, group)
                differing += not np.allclose(got[i, u, g], expected, atol=1e-3)
    assert (
        differing <= 0.02 * len(X) * features.groups_.shape[0] * 2
    )  # single precision decides ties its own way


def test_every_time_has_one_winner_and_one_loser():
    X = noise(5, 1, 30)
    features = small(size=22).fit(X)
    found = features.transform(X).reshape(5, *features.groups_.shape, 2)
    lengths = 30 - features.units_[:, 1]
    np.testing.assert_allclose(
        (found[..., 1] ** 2).sum(-1), np.broadcast_to(lengths[:, None], (5, len(lengths), 2)), rtol=1e-5
    )


def test_mirrored_values_swap_the_counts():
    # -x makes the largest the least: where no value of the band is lost, counts of the one are those of the other
    X = noise(3, 1, 64)
    features = small(groups=1, size=2).fit(np.concatenate([X, -X]))
    plain, mirrored = (features.transform(v).reshape(3, len(features.units_), 2, 2) ** 2 for v in (X, -X))
    lengths = 64 - features.units_[:, 1]
    np.testing.assert_allclose(
        plain[..., 0, 1] + mirrored[..., 0, 1], np.broadcast_to(lengths, (3, len(lengths))), atol=1e-2
    )


def test_kernels_have_no_low_pass_and_names_are_different():
    assert len(competing_kernels()) == 22
    assert not any(name.endswith("_low") for name in competing_kernels())
    features = small().fit(noise(4, 2, 40))
    names = features.get_feature_names_out()
    assert len(set(names)) == len(names) == features.transform(noise(1, 2, 40)).shape[1]
    assert names[0].startswith("ch")
    assert names[0].endswith("__group0_most")


def test_tells_pitches_apart():
    random = np.random.default_rng(0)
    t, y = np.arange(60), np.arange(60) % 2
    X = np.sin(2 * np.pi * np.where(y, 0.11, 0.09)[:, None] * t + random.uniform(0, 6, (60, 1)))
    X += random.normal(0, 0.3, X.shape)
    model = make_pipeline(
        small(groups=4, size=8), StandardScaler(), RidgeClassifierCV(np.logspace(-3, 3, 10))
    )
    assert cross_val_score(model, X, y).mean() > 0.85


def test_seed_threads_batches_clone_and_pickle():
    X = noise(7, 2, 40)
    features = small().fit(X)
    table = features.transform(X)
    assert table.dtype == np.float32
    for other in (clone(features).fit(X), small(n_jobs=3).fit(X), pickle.loads(pickle.dumps(features))):
        np.testing.assert_array_equal(other.transform(X), table)
    np.testing.assert_array_equal(features.transform(X[3:4]), table[3:4])
    assert not np.array_equal(small(random_state=1).fit(X).transform(X), table)


def test_level_and_scale_of_all_series_do_not_matter():
    X = noise(6, 1, 32)
    np.testing.assert_allclose(small().fit_transform(X), small().fit_transform(1000 + 50 * X), atol=0.05)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: small().fit(np.ones((3, 1))), "at least 2 values"),
        (lambda: small(size=1).fit(np.ones((3, 9))), "`size`"),
        (lambda: small(size=23).fit(np.ones((3, 9))), "`size`"),
        (lambda: small(groups=0).fit(np.ones((3, 9))), "`groups`"),
        (lambda: small().fit([[1.0, np.nan, 2.0]]), "missing|NaN"),
        (lambda: small().fit(noise(3, 9)).transform(noise(3, 8)), "fitted on samples of shape"),
    ],
)
def test_bad_input_is_told(call, words):
    with pytest.raises(InputError, match=words):
        call()
