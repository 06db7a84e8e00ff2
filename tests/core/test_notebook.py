"""What results, genomes and graphs show in a notebook: the numbers that they hold, and no text unescaped."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pandas as pd
from scipy.sparse import csr_array

from neuroloom import Results
from neuroloom.core import Graph
from neuroloom.core.notebook import Best, html_table
from neuroloom.evolve import Connection, Genome, Node

HOSTILE = "<script>alert('x')</script>&\""


def cells(html):
    """Return the table's rows of texts, and which are bold; fails where the markup is not well formed."""
    table = ElementTree.fromstring(html)
    rows = [["".join(cell.itertext()) for cell in row] for row in table.iter("tr")]
    return rows, ["".join(b.itertext()) for b in table.iter("b")]


def test_a_table_escapes_every_text():
    made = html_table(HOSTILE, [[HOSTILE, Best(HOSTILE), 3]], [HOSTILE])
    assert "<script" not in made
    rows, bold = cells(made)
    assert rows == [[HOSTILE], [HOSTILE, HOSTILE, "3"]]
    assert bold == [HOSTILE]


def results(tasks, methods, metric="accuracy"):
    rows = [
        {"task": t, "method": m, "seed": s, "fold": 0, "metric": metric, "value": 0.5 + 0.1 * k + 0.02 * s,
         "status": "done"}
        for t in tasks for k, m in enumerate(methods) for s in range(2)
    ]  # fmt: skip
    return Results(pd.DataFrame(rows))


def test_results_show_means_spreads_and_the_best_of_a_task():
    found, bold = cells(results(["wine"], ["knn", HOSTILE])._repr_html_())
    assert found[0] == ["", "wine (accuracy)"]
    assert found[1:] == [["knn", "0.510 ± 0.014"], [HOSTILE, "0.610 ± 0.014"]]
    assert bold == ["0.610 ± 0.014"]
    assert cells(results(["wine"], ["a", "b"], "rmse")._repr_html_())[1] == ["0.510 ± 0.014"]


def test_many_results_say_what_is_left_out():
    html = results([f"t{k}" for k in range(10)], [f"m{k}" for k in range(33)])._repr_html_()
    assert "2 more tasks, 3 more methods in report()" in html
    assert len(cells(html)[0]) == 31


def test_a_genome_is_drawn():
    genome = Genome(2, 1, (Node(0, 0.5, 1.0, "tanh", "sum"),), (Connection(1, -1, 0, 1.5),))
    made = genome._repr_html_()
    assert made.count("<svg") == 1
    assert "1 of 1 connections enabled" in made
    ElementTree.fromstring(made[made.index("<svg") :])


def test_a_graph_shows_sizes_and_degrees():
    graph = Graph.of(pd.DataFrame({"from": ["a"] * 3, "to": [HOSTILE, "c", "d"], "weight": [1, 2, 1]}))
    rows = dict(cells(graph._repr_html_())[0])
    assert rows["nodes"] == "4"
    assert rows["edges"] == "3"
    assert rows["neighbours: least, median, most"] == "1, 1, 3"
    assert rows["weights"] == "1 … 2"
    assert HOSTILE in rows["names"]
    plain = Graph.of(csr_array(([1.0, 1.0], ([0, 1], [1, 0])), shape=(3, 3)))
    assert dict(cells(plain._repr_html_())[0])["nodes without one"] == "1"
