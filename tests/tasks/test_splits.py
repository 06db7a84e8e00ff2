"""Splits: partitions, the same for everyone, balanced by class, groups whole."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroloom.core import InputError
from neuroloom.core.seeding import stream
from neuroloom.tasks import Data, Split, Task, open_task
from neuroloom.tasks.splits import fold_of, k_fold, published, rare_classes


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 7), st.integers(7, 90), st.integers(1, 9), st.integers(0, 999))
def test_folds_and_classes_are_even(folds, n, classes, seed):
    labels = np.random.default_rng(seed).integers(classes, size=n)
    made = fold_of(n, folds, stream(seed, "x"), labels)
    sizes = np.bincount(made, minlength=folds)
    assert sizes.sum() == n
    assert np.ptp(sizes) <= 1
    for label in np.unique(labels):
        assert np.ptp(np.bincount(made[labels == label], minlength=folds)) <= 1


@pytest.mark.parametrize("name", ["iris", "friedman1", "cbf", "karate", "digits-images"])
def test_splits_partition_the_rows_and_repeat(name):
    task, again = open_task(name), open_task(name)
    data = task.load(3)
    tested = []
    for fold in range(5):
        split = task.split(data, 3, fold, 5)
        assert split.fingerprint() == again.split(again.load(3), 3, fold, 5).fingerprint()
        assert not set(split.train) & set(split.test)
        assert len(split.train) + len(split.test) == len(data.X)
        tested.append(split.test)
    assert sorted(np.concatenate(tested).tolist()) == list(range(len(data.X)))
    other = task.split(task.load(4), 4, 0, 5)
    assert other.fingerprint() != task.split(data, 3, 0, 5).fingerprint()


def test_split_is_the_same_on_every_machine():
    split = open_task("wine").split(open_task("wine").load(), 0, 0, 5)
    assert split.test[:6].tolist() == [5, 13, 18, 22, 23, 31]  # from Philox and SHA-256 alone


def test_a_class_smaller_than_the_folds_is_spread():
    y = np.array(["a"] * 40 + ["b"] * 3)
    data = Data(np.zeros((43, 1)), y)
    tested = [np.count_nonzero(y[k_fold(data, "classification", "t", 0, f, 5).test] == "b") for f in range(5)]
    assert sorted(tested) == [0, 0, 1, 1, 1]
    assert rare_classes(y) == (
        "1 of 2 classes have fewer than 5 samples, so some of 5 folds do not test them: b (3)",
    )
    assert rare_classes(np.repeat([0, 1], 5)) == ()
    assert "1 with a single sample can never be predicted" in rare_classes(np.array([0] * 9 + [1]))[0]


def test_numbers_are_shuffled_plainly():
    data = Data(np.zeros((50, 1)), np.arange(50.0))
    test = k_fold(data, "regression", "t", 0, 0, 5).test
    assert len(test) == 10
    assert test.tolist() != list(range(10))


def test_groups_stay_whole():
    groups = np.repeat(np.arange(12), np.arange(1, 13))
    data = Data(np.zeros((78, 1)), np.arange(78) % 2, extra={"groups": groups})
    homes = {}
    for fold in range(4):
        test = k_fold(data, "classification", "t", 1, fold, 4).test
        assert 15 <= len(test) <= 24
        for group in groups[test]:
            assert homes.setdefault(group, fold) == fold
    assert len(homes) == 12
    with pytest.raises(InputError, match=r"12 groups cannot be divided into 13 folds"):
        fold_of(78, 13, stream(0), groups=groups)


def test_errors():
    with pytest.raises(InputError, match=r"4 samples cannot be divided into 5 folds; lower `folds` to 4"):
        fold_of(4, 5, stream(0))
    with pytest.raises(InputError, match=r"`folds` must be at least 2"):
        fold_of(4, 1, stream(0))
    with pytest.raises(InputError, match=r"`fold` must lie in 0 … 4, but got 5"):
        k_fold(Data(np.zeros((9, 1)), np.zeros(9)), "regression", "t", 0, 5, 5)


def test_published_splits_are_numbered_through():
    parts = [Split(np.array([k]), np.array([k + 100])) for k in range(7)]
    assert published(parts, "t", 1, 2, 3).train[0] == 5
    with pytest.raises(InputError, match=r"7 published splits, but seed 2, fold 1 asks for number 7"):
        published(parts, "t", 2, 1, 3)
    with pytest.raises(InputError, match=r"one published split, which is fold 0"):
        published(parts[:1], "t", 0, 1, 3)


def test_cells_follow_protocol_and_limits():
    class Some(Task):
        name, kind, problem, metrics = "some", "table", "classification", ("accuracy",)

        def fingerprint(self):
            return ""

        def load(self, seed=0):
            raise NotImplementedError

        def split(self, data, seed, fold, folds):
            raise NotImplementedError

    task = Some()
    assert task.cells(2, 3) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    task.max_folds = 2
    assert task.cells(2, 3) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    task.protocol, task.published_splits, task.max_folds = "published", 5, None
    assert task.cells(3, 2) == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)]
    task.published_splits = 1
    assert task.cells(3, 2) == [(0, 0), (1, 0), (2, 0)]
