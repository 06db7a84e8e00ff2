import itertools
import random

import pytest

from neuroloom.runner.statistics import find_common_set


def largest(ran, minimum):
    """Try every set of methods."""
    best = (0, 0)
    for size in range(1, len(ran) + 1):
        for chosen in itertools.combinations(ran, size):
            shared = set.intersection(*(set(ran[name]) for name in chosen))
            if len(shared) >= minimum:
                best = max(best, (size, len(shared)))
    return best


@pytest.mark.parametrize("seed", range(40))
def test_as_large_as_by_trying_all(seed):
    rng = random.Random(seed)
    methods, tasks, density = rng.randint(1, 8), rng.randint(1, 12), rng.uniform(0.2, 1)
    ran = {f"m{i}": [f"t{j}" for j in range(tasks) if rng.random() < density] for i in range(methods)}
    minimum = rng.randint(1, 6)
    found = find_common_set(ran, minimum)
    assert (len(found.methods), len(found.tasks)) == largest(ran, minimum)
    assert found.exact
    assert all(set(found.tasks) <= set(ran[name]) for name in found.methods)
    assert found.others == {
        n: len(set(found.tasks) & set(t)) for n, t in ran.items() if n not in found.methods
    }


def test_more_methods_before_more_tasks():
    ran = {"a": range(20), "b": range(20), "c": range(14, 20)}
    found = find_common_set({name: [f"t{k:02}" for k in tasks] for name, tasks in ran.items()})
    assert found.methods == ("a", "b", "c")
    assert len(found.tasks) == 6


def test_order_does_not_matter():
    rng = random.Random(3)
    ran = {f"m{i}": [f"t{j}" for j in range(15) if rng.random() < 0.7] for i in range(10)}
    names = list(ran)
    rng.shuffle(names)
    shuffled = {name: rng.sample(ran[name], len(ran[name])) for name in names}
    assert find_common_set(ran) == find_common_set(shuffled)


def test_rooms_of_a_real_bench():
    """40 methods of four kinds on 100 tasks, each on its own kind and some missing: exact, at once."""
    ran = {
        f"{kind}{i}": [f"{kind}-{j}" for j in range(25) if i % 5 or j % 7]
        for kind in "abcd"
        for i in range(10)
    }
    ran["everywhere"] = [f"{kind}-{j}" for kind in "abcd" for j in range(25)]
    found = find_common_set(ran)
    assert found.exact
    assert len(found.methods) == 11
    assert len(found.tasks) == 21


def test_says_when_it_gave_up(monkeypatch):
    monkeypatch.setattr("neuroloom.runner.statistics.common_set.LARGEST_SEARCH", 5)
    rng = random.Random(1)
    ran = {f"m{i:02}": [f"t{j}" for j in range(60) if rng.random() < 0.7] for i in range(25)}
    found = find_common_set(ran)
    assert not found.exact
    assert len(found.tasks) >= 6
    assert all(set(found.tasks) <= set(ran[name]) for name in found.methods)


def test_nothing_in_common():
    assert find_common_set({}).methods == ()
    assert find_common_set({"a": ["x"]}, 6).methods == ()
