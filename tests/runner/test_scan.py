"""Scores of a series whose anomalies nothing marks: where they are highest, what is written, and the command."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from typer.testing import CliRunner

from neuroloom.cli import app
from neuroloom.core import InputError
from neuroloom.runner.attempt import attempt
from neuroloom.runner.scan import METHODS, Scan, scan, write_scan
from neuroloom.tasks import recognise


@pytest.fixture
def series(tmp_path):
    """A wave of period 25 that stands still from step 600 to 625, and its file."""
    random = np.random.default_rng(0)
    x = np.sin(2 * np.pi * np.arange(800) / 25) + 0.1 * random.standard_normal(800)
    x[600:625] = x[600]
    path = tmp_path / "pump.csv"
    path.write_text("time,pressure\n" + "".join(f"{k},{value:.5f}\n" for k, value in enumerate(x)))
    return path


def test_the_highest_scores_lie_at_the_fault_and_normal_rows_have_none(series):
    found = scan(recognise(series, normal=400))
    assert set(found.scores) == set(METHODS)
    for method, scores in found.scores.items():
        assert 590 <= found.peaks(method, 1)[0][0] <= 635, method
        assert np.isnan(scores[found.steps < 400]).all()
        assert np.isfinite(scores[found.steps >= 400]).all()
        assert np.nanmedian(scores) == pytest.approx(0, abs=1e-9)
    again = scan(recognise(series, normal=400))
    np.testing.assert_array_equal(again.scores["wavelets"], found.scores["wavelets"])


def test_peaks_are_two_windows_apart():
    scores = np.array([np.nan, 1.0, 9.0, 8.0, 7.0, 6.0, 2.0])
    found = Scan(np.arange(7), np.zeros((1, 7)), {"m": scores}, 1, 2, ["v"])
    assert found.peaks("m", 2) == [(2, 9.0), (6, 2.0)]


def test_files_hold_a_line_a_window_and_a_picture(series, tmp_path):
    found = scan(recognise(series, normal=400), ["wavelets"])
    table, picture = write_scan(found, tmp_path / "out")
    rows = list(csv.reader(table.read_text().splitlines()))
    assert rows[0] == ["step", "pressure", "wavelets"]
    assert len(rows) == 1 + len(found.steps)
    assert rows[1][2] == ""
    at = int(np.nanargmax(found.scores["wavelets"]))
    assert float(rows[1 + at][2]) == pytest.approx(found.scores["wavelets"][at], rel=1e-5)
    assert picture.read_bytes()[:4] == b"\x89PNG"
    axes = found.plot().axes
    assert [one.get_ylabel() for one in axes] == ["pressure", "wavelets"]


def test_the_command_says_where(series, tmp_path):
    out = tmp_path / "out"
    told = CliRunner().invoke(
        app, ["try", str(series), "--normal", "400", "--method", "wavelets", "--out", str(out)]
    )
    assert told.exit_code == 0, told.output
    assert "highest scores after step 400" in told.output
    assert (out / "scores.csv").is_file()


def test_marks_are_drawn_where_they_are(series):
    lines = series.read_text().splitlines()
    marked = [f"{line},{int(600 <= k < 625)}" for k, line in enumerate(lines[1:])]
    series.write_text("\n".join([lines[0] + ",anomaly", *marked]))
    found = scan(recognise(series, normal=400), ["moving-deviation"])
    assert found.marked.sum() == 25
    spans = [patch.get_extents().x0 for patch in found.plot().axes[1].patches]
    assert len(spans) == 2
    assert scan(recognise(series, normal=400, drop=("anomaly",)), ["moving-deviation"]).marked is None


def test_methods_are_not_compared_without_marks(series, tmp_path):
    with pytest.raises(InputError, match="no column marks the anomalies"):
        attempt(series, normal=400, out=tmp_path / "run")
    with pytest.raises(InputError, match="svm finds no anomalies in series"):
        scan(recognise(series, normal=400), ["svm"])
