"""The report's calibration: from the records of trials to the table and the diagrams."""

from __future__ import annotations

import numpy as np
import pytest

from neuroloom.core.calibration import calibration_error
from neuroloom.runner.report import calibration, html, markdown, reliability
from neuroloom.runner.report.prepare import prepare
from neuroloom.runner.results import Results
from neuroloom.runner.row import BELIEFS
from tests.runner.report import synthetic

N = 150


def records(seed, off):
    """Return an honest method's records, or those of one that is too sure by ``off``, three folds of N samples."""
    draw = np.random.default_rng(seed)
    made = np.zeros(3 * N, dtype=BELIEFS)
    made["sample"] = draw.permutation(3 * N)
    made["confidence"] = draw.uniform(0.6, 1, 3 * N)
    made["right"] = draw.random(3 * N) < made["confidence"] - off
    made["loss"], made["square"] = 0.3 + off, 0.1 + off
    return np.split(made, 3)


def with_beliefs(count=3):
    bare = synthetic.few()
    held = {
        (task, method, seed, fold): part
        for task in bare.tasks[:1]
        for m, method in enumerate(bare.methods[:count])
        for seed in range(3)
        for fold, part in enumerate(records(seed, 0.2 * (m == 0)))
    }
    return Results(bare.frame(), bare.curves, bare.meta, bare.fronts, held)


def test_the_table_says_what_the_records_do():
    results = with_beliefs()
    data = prepare(results)
    assert [t.calibration is not None for t in data.tasks] == [True, False, False]
    found = data.tasks[0].calibration
    rows = {data.methods[row[0].method].name: row for row in found.table.rows}
    assert set(rows) == set(results.methods[:3])
    bad, good = (rows[name] for name in results.methods[:2])
    assert data.methods[found.table.rows[-1][0].method].name == results.methods[0]  # worst log loss last
    assert [cell.text for cell in bad[1:3]] == ["0.500", "0.3000"]
    assert bad[5].value == pytest.approx(bad[3].value - bad[4].value)
    folds = [records(seed, 0.2) for seed in range(3)]
    squares = [
        calibration_error(*(np.concatenate(each)[f].astype(float) for f in ("confidence", "right")), 15) ** 2
        for each in folds
    ]
    assert bad[6].value == pytest.approx(np.mean(squares) ** 0.5)
    assert bad[7].value > 0.1
    assert good[7].value == 0
    assert [len(d.count) for _, d in found.diagrams] == [10, 10, 10]
    assert "Not here, since they gave no probabilities" in found.table.notes[1]


def test_it_stands_in_the_page_and_in_markdown():
    data = prepare(with_beliefs(6))
    page = html.render(data)
    assert page.count("<h3>Calibration</h3>") == 1
    assert page.count("Share of right answers against confidence") == 5  # the dummy has none
    assert "Calibration error" in markdown.render(data)
    assert "<h3>Calibration</h3>" not in html.render(prepare(synthetic.few()))


def test_a_diagram_says_which_way_it_errs():
    trials = {0: records(0, 0.2)}
    held = calibration._Held("m", trials)
    drawn = str(reliability.draw(0, held.diagram, 0.4))
    assert f"too sure by {held.sure - held.right:.3f} on the whole" in drawn
    assert drawn.count("<circle") == 10


def test_few_samples_make_few_bins():
    tiny = calibration._Held("m", {0: [records(0, 0.0)[0][:25]]})
    assert len(tiny.diagram.count) == 1
