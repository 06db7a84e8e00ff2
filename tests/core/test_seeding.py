"""Named streams: the same on every machine, different for every name."""

import subprocess
import sys

import numpy as np

from neuroloom.core.seeding import as_seed, derive, stream


def test_a_stream_is_what_its_seed_and_names_say() -> None:
    first, again = stream(3, "data", "wine").random(5), stream(3, "data", "wine").random(5)
    np.testing.assert_array_equal(first, again)
    others = [
        stream(4, "data", "wine"),
        stream(3, "method", "wine"),
        stream(3, "datawine"),
        stream(3, "data", "win", "e"),
    ]
    for other in others:
        assert not np.isclose(other.random(5), first).any()


def test_streams_are_the_same_in_another_process() -> None:
    code = "from neuroloom.core.seeding import derive; print(derive(7, 'method', 'wine', 'neat'))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(shown) == derive(7, "method", "wine", "neat")


def test_derived_seeds_fit_where_seeds_go() -> None:
    seeds = {derive(seed, "x") for seed in range(1000)}
    assert len(seeds) == 1000
    assert min(seeds) >= 0
    assert max(seeds) < 2**31


def test_what_scikit_learns_users_pass() -> None:
    assert as_seed(5) == 5
    assert as_seed(np.random.default_rng(0)) == as_seed(np.random.default_rng(0))
    assert as_seed(np.random.RandomState(0)) == as_seed(np.random.RandomState(0))
    assert as_seed(None) != as_seed(None)
