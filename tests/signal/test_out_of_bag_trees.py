"""OutOfBagTrees: the same trees as a slow reference, out-of-bag answers, threads, and as good as scikit-learn's."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.ensemble import ExtraTreesClassifier

from neuroloom.core import InputError
from neuroloom.core.seeding import stream
from neuroloom.signal import _tree_kernels
from neuroloom.signal.out_of_bag_trees import OutOfBagTrees
from tests.reference import tree_reference as reference


@pytest.mark.parametrize(
    ("n", "p", "classes", "share"), [(1, 1, 1, 1.0), (2, 3, 2, 0.1), (30, 9, 3, 0.4), (40, 30, 7, 1.0)]
)
def test_trees_and_out_of_bag_answers_equal_the_slow_reference(n, p, classes, share):
    random = np.random.default_rng(n)
    table = random.normal(size=(n, p)).astype(np.float32)
    table[:, 0] = 1.0
    table[: n // 3] = table[0]  # alike, of several classes: a leaf that is not pure
    labels = np.arange(n) % classes
    new = random.normal(size=(7, p)).astype(np.float32)
    model = OutOfBagTrees(4, share, 20, 1, seed=3).fit(table, labels)
    seeds = stream(3, "trees").integers(2**64, size=4, dtype=np.uint64)
    grown = [reference.grow(table, labels, classes, max(1, min(int(share * p), 20)), seed) for seed in seeds]
    told = np.mean([[reference.answer(root, row) for row in new] for _, root in grown], axis=0)
    np.testing.assert_allclose(model.predict_proba(new), told, atol=1e-6)
    for i in range(n):
        unseen = [reference.answer(root, table[i]) for drawn, root in grown if i not in drawn]
        expected = np.mean(unseen, axis=0) if unseen else np.full(classes, np.nan)
        np.testing.assert_allclose(model.out_of_bag_[i], expected, atol=1e-6)


@pytest.mark.parametrize("own", [(2, 2), (1, 3, 3), (5, 1, 1, 1, 4)])
def test_no_split_of_a_node_scores_more_than_the_bound(own):
    entropy = np.array([k * np.log(k) if k else 0.0 for k in range(sum(own) + 1)])

    def score(left):
        right = np.array(own) - left
        return entropy[left].sum() + entropy[right].sum() - entropy[sum(left)] - entropy[right.sum()]

    scores = [score(np.array(left)) for left in product(*(range(k + 1) for k in own))]
    room = np.empty(len(entropy), dtype=bool)
    bound = _tree_kernels._most(np.array(own), sum(own), entropy, room)
    assert bound == pytest.approx(max(scores), abs=1e-12)


def test_as_right_as_those_of_scikit_learn():
    X, y = load_digits(return_X_y=True)
    scores = {"ours": [], "theirs": []}
    for seed in range(4):
        order = np.random.default_rng(seed).permutation(len(y))
        learn, judge = order[:300], order[300:]
        ours = OutOfBagTrees(100, 0.1, 500, 1, seed).fit(X[learn], y[learn])
        theirs = ExtraTreesClassifier(
            100, criterion="entropy", max_features=0.1, bootstrap=True, random_state=seed
        ).fit(X[learn], y[learn])
        for name, model in (("ours", ours), ("theirs", theirs)):
            scores[name].append(np.mean(model.predict_proba(X[judge]).argmax(axis=1) == y[judge]))
        assert abs(np.mean(ours.out_of_bag_.argmax(axis=1) == y[learn]) - scores["ours"][-1]) < 0.05
    assert np.mean(scores["ours"]) > 0.93
    assert abs(np.mean(scores["ours"]) - np.mean(scores["theirs"])) < 0.01


def test_threads_give_the_same_trees():
    random = np.random.default_rng(0)
    table, labels = random.normal(size=(40, 12)), np.arange(40) % 3
    one, three = (OutOfBagTrees(10, 0.5, 500, jobs, 7).fit(table, labels) for jobs in (1, 3))
    np.testing.assert_allclose(three.out_of_bag_, one.out_of_bag_, atol=1e-12)
    np.testing.assert_allclose(three.predict_proba(table), one.predict_proba(table), atol=1e-12)
    assert one.nodes_ == three.nodes_
    other = OutOfBagTrees(10, 0.5, 500, 1, 8).fit(table, labels)
    assert not np.array_equal(other.predict_proba(table), one.predict_proba(table))


@pytest.mark.parametrize("part", range(5))
def test_damaged_trees_are_refused(part):
    random = np.random.default_rng(0)
    table, labels = random.normal(size=(20, 6)), np.arange(20) % 2
    model = OutOfBagTrees(3, 0.5, 500, 1, 0).fit(table, labels)
    with pytest.raises(InputError, match="another number of columns than 1"):
        model.predict_proba(table[:, :1])
    parts = [one.copy() for one in model.parts_[0]]
    parts[part] = [
        np.full_like(parts[0], -1000),
        parts[1][:-1],
        np.zeros_like(parts[2]),
        parts[3][:, :1],
        np.full_like(parts[4], len(parts[0])),
    ][part]
    model.parts_ = [tuple(parts)]
    with pytest.raises(InputError, match="damaged"):
        model.predict_proba(table)
