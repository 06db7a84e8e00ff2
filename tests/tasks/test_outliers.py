"""Tasks of outliers: what they hold, what is learned from, and that the bench ranks detectors on them."""

import numpy as np
import pytest
from scipy.stats import ks_2samp
from sklearn.datasets import load_digits

import neuroloom
from neuroloom.tasks import open_task


@pytest.mark.parametrize(
    ("name", "normal", "strange"),
    [
        ("breast-cancer-outliers", 357, 212),
        ("curve-outliers", 400, 40),
        ("ecg-outliers", 300, 30),
        ("digits-outliers", 1797 - 177, 40),
        ("digits-images-outliers", 1797 - 177, 40),
    ],
)
def test_outliers_are_tested_and_never_learned_from(name, normal, strange):
    task = open_task(name)
    data = task.load(2)
    assert task.problem == "detection"
    assert np.bincount(data.y).tolist() == [normal, strange]
    tested = []
    for fold in range(4):
        split = task.split(data, 2, fold, 4)
        assert not data.y[split.train].any()
        assert not set(split.train) & set(split.test)
        assert data.y[split.test].mean() == pytest.approx(data.y.mean(), abs=0.02)
        tested.append(split.test)
    assert np.array_equal(np.sort(np.concatenate(tested)), np.arange(len(data.y)))


def test_each_repetition_hides_another_digit():
    digits = load_digits()
    for seed in (0, 3):
        data = open_task("digits-outliers").load(seed)
        shown = digits.data[digits.target == seed] / 16
        assert all((shown == row).all(axis=1).any() for row in data.X[data.y == 1])


def test_outliers_of_the_curve_are_strange_in_no_column():
    data = open_task("curve-outliers").load(0)
    inside, outside = data.X[data.y == 0], data.X[data.y == 1]
    assert min(ks_2samp(inside[:, k], outside[:, k]).pvalue for k in range(6)) > 0.01
    radius = np.hypot(data.X[:, 0], data.X[:, 1])  # 1 on the curve
    assert abs(radius[data.y == 0] - 1).max() < 0.5 < abs(radius[data.y == 1] - 1).max()


def test_oil_spills_are_in_the_training_part_too(data_dir):
    task = open_task("oil-spill-outliers", data_dir)
    data = task.load()
    assert np.bincount(data.y).tolist() == [896, 41]
    assert data.y[task.split(data, 0, 0, 5).train].sum() in (32, 33)


def test_windows_of_the_archive_are_marked_where_it_says(data_dir):
    task = open_task("bleeding-outliers", data_dir)
    data = task.load()
    split = task.split(data, 0, 0, 5)
    assert not data.y[split.train].any()
    # a window that begins at s and holds any of the steps 4187 to 4198
    starts = 1200 + 8 * np.arange(len(split.test))
    assert np.array_equal(data.y[split.test] == 1, (starts <= 4198) & (starts + 182 >= 4187))
    assert data.X.shape[1:] == (1, 183)
    assert len(split.train) == (1200 - 183) // 4 + 1


def test_the_bench_ranks_detectors(tmp_path):
    methods = ["dummy", "pca", "lof", "one-class-svm", "isolation-forest", "autoencoder"]
    found = neuroloom.run(
        {
            "name": "outliers", "seeds": 1, "folds": 2, "tasks": ["curve-outliers"], "methods": methods,
            "method": {"autoencoder": {"epochs": 60, "code": 2, "hidden": [32]}},
        },
        tmp_path / "out", engine="inline",
    )  # fmt: skip
    frame = found.frame()
    assert set(frame.status) == {"done"}
    area = frame[frame.metric == "roc_auc"].groupby("method").value.mean()
    assert area["dummy"] == 0.5
    assert area["lof"] > 0.9  # neighbours see the curve
    assert area["pca"] < 0.7  # which fills all six dimensions
    assert area["autoencoder"] > 0.7
    assert (tmp_path / "out" / "report.html").exists()
