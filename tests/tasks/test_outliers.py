"""Tasks of outliers: what they hold, what is learned from, and that the bench ranks detectors on them."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp
from sklearn.datasets import load_digits

import neuroloom
from neuroloom.core import InputError
from neuroloom.runner.models import fit_model, predict_with_model
from neuroloom.tasks import open_task, recognise


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


def _own_file(folder: Path, marks: tuple[str, str] = ("fine", "broken")) -> Path:
    draw = np.random.default_rng(0)
    turn = draw.uniform(0, 2 * np.pi, 120)
    frame = pd.DataFrame({"x": np.cos(turn), "y": np.sin(turn), "site": np.where(turn > 3, "north", "south")})
    frame["state"] = marks[0]
    frame.loc[:9, ["x", "y"]] = 3.0
    frame.loc[:9, "state"] = marks[1]
    frame.to_csv(folder / "machines.csv", index=False)
    return folder / "machines.csv"


def test_a_users_own_rare_class_marks_outliers(tmp_path: Path) -> None:
    task = recognise(_own_file(tmp_path), target="state", problem="detection")
    data = task.load()
    assert (task.kind, task.problem, task.metrics) == ("table", "detection", ("roc_auc", "average_precision"))
    assert data.y.tolist() == [1] * 10 + [0] * 110
    assert any("'broken' (10 of 120 samples) marks an outlier" in note for note in data.notes)
    tested = []
    for fold in range(5):
        split = task.split(data, 0, fold, 5)
        assert data.y[split.train].sum() == 0
        assert data.y[split.test].sum() == 2
        assert not set(split.train) & set(split.test)
        tested += split.test.tolist()
    assert sorted(tested) == list(range(120))


def test_three_classes_or_a_graph_mark_no_outliers(tmp_path: Path) -> None:
    path = _own_file(tmp_path)
    frame = pd.read_csv(path)
    frame.loc[20:40, "state"] = "worn"
    frame.to_csv(path, index=False)
    with pytest.raises(InputError, match="in two values, but it has 3"):
        recognise(path, target="state", problem="detection")
    (tmp_path / "edges.txt").write_text("\n".join(f"{i} {(i + 1) % 30}" for i in range(30)))
    with pytest.raises(InputError, match="among rows, series and pictures"):
        recognise(tmp_path / "edges.txt", kind="links", problem="detection")


def test_a_saved_detector_scores_new_samples(tmp_path: Path) -> None:
    path = _own_file(tmp_path)
    said = fit_model("lof", path, tmp_path / "model", target="state", problem="detection")
    assert "lof learned from 110 samples" in said
    found = pd.read_csv(io.StringIO(predict_with_model(tmp_path / "model", path)))
    assert found["outlier"][:10].all()
    assert found["outlier"][10:].mean() < 0.2
    assert (found["score"] > 0).equals(found["outlier"])
    assert found["score"][:10].min() > found["score"][10:].max()
