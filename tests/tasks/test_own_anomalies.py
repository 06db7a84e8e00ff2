"""A user's long series read for anomalies: windows, marks, channels, splits, and what cannot be read."""

from __future__ import annotations

import numpy as np
import pytest

from neuroloom.core import InputError
from neuroloom.tasks import recognise


def write(path, columns, n=200):
    """Write columns of ``n`` values as CSV."""
    rows = zip(*(list(values) for values in columns.values()), strict=True)
    path.write_text(",".join(columns) + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
    return path


def wave(n=200, period=20):
    return np.round(np.sin(2 * np.pi * np.arange(n) / period), 4)


def marks(n=200, begin=150, end=160):
    return [int(begin <= k < end) for k in range(n)]


def test_windows_and_marks_are_those_of_the_rows(tmp_path):
    path = write(tmp_path / "s.csv", {"time": range(200), "v": wave(), "anomaly": marks()})
    task = recognise(path, normal=100, window=10)
    data = task.load()
    split = task.split(data, 0, 0, 1)
    assert (task.kind, task.problem, task.metrics[0]) == ("series", "detection", "vus_pr")
    np.testing.assert_array_equal(data.X[split.train][3, 0], wave()[3:13])
    np.testing.assert_array_equal(data.X[split.test][0, 0], wave()[100:110])
    # 91 windows within rows 0 … 99, 91 within rows 100 … 199
    assert (len(split.train), len(split.test)) == (91, 91)
    middles = np.asarray(data.extra["names"])
    np.testing.assert_array_equal(data.y, (middles >= 150) & (middles < 160))
    assert middles[split.test[0]] == 105


def test_the_period_is_found_and_told(tmp_path):
    path = write(tmp_path / "s.csv", {"v": wave()})
    task = recognise(path, normal=100)
    assert task.load().X.shape[1:] == (1, 20)
    assert any("windows of 20 steps, the period" in note for note in task.notes)
    assert task.load().y is None
    assert any("no column marks anomalies" in note for note in task.notes)


def test_columns_are_channels_gaps_are_filled_and_words_are_marks(tmp_path):
    a = [*map(str, wave())]
    a[5] = ""
    said = ["odd" if mark else "usual" for mark in marks()]
    path = write(tmp_path / "s.csv", {"a": a, "b": -wave(), "state": said, "note": ["x"] * 200})
    task = recognise(path, normal=100, window=10, target="state")
    data = task.load()
    assert data.X.shape[1] == 2
    assert data.X[0, 0, 5] == pytest.approx((wave()[4] + wave()[6]) / 2)
    assert data.y.sum() == 10
    assert any("1 missing values of 'a'" in note for note in task.notes)


def test_a_task_reads_nothing_twice_and_its_fingerprint_knows_the_options(tmp_path):
    path = write(tmp_path / "s.csv", {"v": wave(), "anomaly": marks()})
    first, other = (recognise(path, normal=n, window=10) for n in (100, 120))
    assert first.fingerprint() != other.fingerprint()
    assert first.spec["normal"] == 100


@pytest.mark.parametrize(
    ("columns", "given", "words"),
    [
        ({"v": wave()}, {"normal": 200}, "`normal` must be between 1 and 199"),
        ({"v": wave()}, {"normal": 20, "window": 30}, "a window of 30 steps must fit"),
        ({"v": wave()}, {"normal": 5}, "at least 4 steps, but has 2"),
        ({"v": wave()}, {"normal": 100, "target": "w"}, "has no column 'w'; it has v"),
        ({"v": wave(), "anomaly": range(200)}, {"normal": 100}, "in two values, but has 200"),
        ({"anomaly": marks()}, {"normal": 100}, "needs a column of numbers"),
        ({"v": wave()}, {"normal": 100, "horizon": 3}, "leave one out"),
        ({"v": wave()}, {"window": 10}, "pass `normal` too"),
        ({"v": wave()}, {"normal": 100, "problem": "regression"}, "the problem is detection"),
        ({"v": wave()}, {"normal": 100, "kind": "table"}, "is read otherwise"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path, columns, given, words):
    with pytest.raises(InputError, match=words):
        recognise(write(tmp_path / "s.csv", columns), **given)


@pytest.mark.parametrize("more", [{"labels": "l.csv"}, {"groups": "g"}, {"features": "f.csv"}], ids=str)
def test_what_says_nothing_of_one_series_is_refused(tmp_path, more):
    path = write(tmp_path / "s.csv", {"v": wave()})
    with pytest.raises(InputError, match=f"one series, of which `{next(iter(more))}` says nothing"):
        recognise(path, normal=100, **more)
