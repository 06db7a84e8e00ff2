"""Anomalies of one series: the measures against slow references and cases worked by hand, and the tasks."""

import math

import numpy as np
import pytest

import neuroloom
from neuroloom.core import InputError
from neuroloom.tasks import evaluate, open_task
from neuroloom.tasks.anomalies import period_of, windows
from neuroloom.tasks.anomaly_scores import buffered, ucr_hit, vus_pr
from tests.reference import anomaly_reference


@pytest.mark.parametrize("seed", range(4))
def test_the_volume_is_that_of_the_slow_reference(seed):
    rng = np.random.default_rng(seed)
    labels = np.zeros(60, dtype=int)
    labels[[0, 1, 20, 21, 22, 26, 59]] = 1
    score = rng.integers(0, 12, 60) + labels * rng.integers(0, 6, 60)  # with ties
    for buffer in (0, 1, 7, 12):
        assert vus_pr(labels, score, buffer) == pytest.approx(
            anomaly_reference.vus_pr(labels, score, buffer), abs=1e-12
        )


def test_the_volume_of_cases_worked_by_hand():
    labels = np.array([0, 0, 0, 1, 0, 0, 0, 0])
    # ℓ = 2 gives the neighbours √(1 - 1/2); a buffer of 1 changes nothing
    np.testing.assert_allclose(buffered(labels.astype(float), 2), [0, 0, 0.5**0.5, 1, 0.5**0.5, 0, 0, 0])
    assert vus_pr(labels, labels, 1) == 1.0
    assert vus_pr(labels, np.ones(8), 1) == pytest.approx(1 / 8)
    # the neighbour alone: nothing at ℓ = 0 and 1 until all are called, precision √½ at ℓ = 2
    beside = np.array([0, 0, 1, 0, 0, 0, 0, 0])
    soft = 1 + 2 * 0.5**0.5
    first = min(1, 0.5**0.5 / ((1 + soft) / 2))
    expected = (2 / 8 + first * 0.5**0.5 + (1 - first) * soft / 8) / 3
    assert vus_pr(labels, beside, 2) == pytest.approx(expected)
    # two anomalies: to meet one of them counts by half
    two = np.array([1, 0, 0, 0, 1])
    assert vus_pr(two, [1, 0, 0, 0, 0], 0) == pytest.approx(0.25 * 1 + 0.75 * 2 / 5)
    assert math.isnan(vus_pr(np.zeros(4), np.arange(4), 3))


def test_a_hit_is_what_the_archive_calls_one():
    labels = np.zeros(1000)
    labels[500:530] = 1
    for place, hit in ((400, 0), (401, 1), (515, 1), (628, 1), (629, 0)):
        score = np.zeros(1000)
        score[place] = 1
        assert ucr_hit(labels, score) == hit, place
    labels[400:630] = 1  # longer than 100 steps: as far as it is long
    assert [ucr_hit(labels, np.arange(1000) == t) for t in (170, 171, 858, 859)] == [0, 1, 1, 0]
    assert ucr_hit(labels, np.ones(1000)) == pytest.approx((859 - 171) / 1000)  # chance
    with pytest.raises(InputError, match="a score for each"):
        ucr_hit(labels, np.ones(3))


def test_the_bench_gives_the_length_of_a_window_as_the_buffer():
    labels, score = np.eye(1, 40, 20)[0].astype(int), np.sin(np.arange(40))
    found = evaluate(["vus_pr", "ucr_hit"], labels, labels, score=score, buffer=8)
    assert found == {"vus_pr": vus_pr(labels, score, 8), "ucr_hit": 1.0}
    assert math.isnan(evaluate(["vus_pr"], labels, labels, score=score)["vus_pr"])


def test_windows_stand_around_their_step_and_do_not_reach_into_the_normal_stretch():
    marks = np.zeros(30, dtype=int)
    marks[20] = 1
    data = windows(np.arange(30.0), marks, 10, 5)
    split = data.extra["splits"][0]
    assert np.array_equal(data.X[split.train, 0, 0], np.arange(6))
    assert np.array_equal(data.X[split.test, 0, 0], np.arange(10, 26))
    assert data.X[data.y == 1, 0, 2].tolist() == [20.0]
    with pytest.raises(InputError, match="must fit in the normal stretch of 4 steps"):
        windows(np.arange(30.0), marks, 4, 5)


def test_the_period_is_that_of_the_wave():
    t = np.arange(900)
    assert period_of(np.sin(2 * np.pi * t / 37) + 0.3 * np.sin(2 * np.pi * t / 12)) == 37
    assert period_of(np.arange(300.0)) == 125


@pytest.mark.parametrize("name", ["beat-anomaly", "noise-anomaly", "wave-anomaly"])
def test_drawn_series_hide_one_anomaly_after_the_normal_stretch(name):
    task = open_task(name)
    first, again, other = task.load(3), task.load(3), task.load(4)
    np.testing.assert_array_equal(first.X, again.X)
    assert not np.array_equal(first.X, other.X)
    for data in (first, other):
        split = task.split(data, 3, 0, 5)
        assert not data.y[split.train].any()
        changes = np.flatnonzero(np.diff(data.y[split.test]))
        assert len(changes) == 2
        assert np.diff(changes)[0] in (15, 75, 128, 150)


def test_both_resonances_have_variance_one():
    data = open_task("noise-anomaly").load(1)
    middle = data.X[:, 0, 50]
    assert middle[data.y == 0].std() == pytest.approx(1, abs=0.1)
    assert middle[data.y == 1].std() == pytest.approx(1, abs=0.35)


def test_series_of_a_set_are_spliced(data_dir):
    task = open_task("spliced:GunPoint", data_dir)
    data = task.load(2)
    split = task.split(data, 2, 0, 5)
    assert data.X.shape[1:] == (1, 150)
    strange = data.X[split.test][data.y[split.test] == 1]
    assert len(strange) == 150
    plain = open_task("ucr:GunPoint", data_dir).load()
    names, counts = np.unique(plain.y, return_counts=True)
    inside = (plain.X[:, None, 0] == strange[75, 0]).all(-1).any(1)  # the window that holds it whole
    assert inside.sum() == 1
    assert plain.y[inside][0] != names[np.argmax(counts)]
    with pytest.raises(InputError, match="12 series of one class"):
        open_task("spliced:HouseTwenty", data_dir).load()


def test_the_archive_is_read(data_dir):
    task = open_task("anomaly:135_UCR_Anomaly_InternalBleeding16", data_dir)
    data = task.load()
    split = task.split(data, 0, 0, 5)
    assert data.X.shape[1:] == (1, 183)
    # steps 4187 to 4198, windows from step 1200 on, their middle 91 steps later
    assert np.flatnonzero(data.y[split.test]).tolist() == list(range(4187 - 1200 - 91, 4199 - 1200 - 91))


def test_the_bench_ranks_detectors_of_a_series(tmp_path):
    found = neuroloom.run(
        {
            "name": "faults", "seeds": 1, "folds": 5, "tasks": ["noise-anomaly"],
            "methods": ["dummy", "wavelets", "matrix-profile", "moving-deviation"],
        },
        tmp_path / "out", engine="inline",
    )  # fmt: skip
    frame = found.frame()
    assert set(frame.status) == {"done"}
    volume = frame[frame.metric == "vus_pr"].set_index("method").value
    assert volume["wavelets"] > 0.7 > volume["matrix-profile"]
    assert volume["moving-deviation"] > volume["dummy"] == pytest.approx(0.05, abs=0.02)
    assert frame[frame.metric == "ucr_hit"].set_index("method").value["wavelets"] == 1


def test_scores_that_are_no_numbers_are_refused():
    labels = np.eye(1, 30, 9)[0]
    score = np.where(np.arange(30) == 4, np.nan, labels)
    for metric in (lambda: vus_pr(labels, score, 5), lambda: ucr_hit(labels, score)):
        with pytest.raises(InputError, match="1 of the 30 scores are NaN"):
            metric()
