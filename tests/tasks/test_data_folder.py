"""Tasks from the data folder: sizes as published, splits as published, read-only."""

import numpy as np
import pytest

from neuroloom.tasks import list_tasks, open_task

pytestmark = pytest.mark.usefixtures("data_dir")


def test_every_member_opens_with_its_problem(data_dir):
    rows = {row["name"]: row for row in list_tasks(data_dir=data_dir)}
    tables = [open_task(name, data_dir) for name in rows["table:NAME"]["members"]]
    assert len(tables) >= 14
    numbers = {"table:airfoil", "table:auto-imports", "table:autompg", "table:winequality-white"}
    assert {t.name for t in tables if t.problem == "regression"} == numbers
    assert len(rows["ucr:NAME"]["members"]) >= 40
    assert set(rows["uci:NAME"]["members"]) >= {"uci:yacht", "uci:concrete", "uci:energy"}


@pytest.mark.parametrize(
    ("name", "shape", "answers"),
    [
        ("german", (1000, 20), {1: 700, 2: 300}),
        ("oil-spill", (937, 48), {0: 896, 1: 41}),
        ("breast-cancer", (286, 9), {"no-recurrence-events": 201, "recurrence-events": 85}),
    ],
)
def test_tables_have_their_published_sizes(data_dir, name, shape, answers):
    data = open_task(f"table:{name}", data_dir).load()
    assert data.X.shape == shape
    values, counts = np.unique(data.y, return_counts=True)
    assert dict(zip(values.tolist(), counts.tolist(), strict=True)) == answers


def test_missing_values_stay_missing(data_dir):
    data = open_task("table:auto-imports", data_dir).load()
    assert data.X["losses"].isna().sum() > 20
    assert data.X["make"].dtype == "category"
    assert data.y.dtype == np.float64


def test_uci_has_twenty_splits_of_nine_to_one(data_dir):
    task = open_task("uci:yacht", data_dir)
    data = task.load()
    assert data.X.shape == (308, 6)
    assert task.published_splits == 20
    assert task.metrics[0] == "rmse"
    assert len(task.cells(4, 5)) == 20
    assert task.cells(4, 5)[-1] == (3, 4)
    split = task.split(data, 3, 4, 5)
    raw = np.loadtxt(data_dir / "uci-regression" / "yacht" / "index_test_19.txt").astype(int)
    assert np.array_equal(split.test, raw)
    assert len(split.train) == 277
    assert not set(split.train) & set(split.test)


def test_uci_energy_learns_its_first_target_alone(data_dir):
    data = open_task("uci:energy", data_dir).load()
    assert data.X.shape == (768, 8)  # the ninth and tenth columns are targets


@pytest.mark.parametrize(
    ("name", "shape", "train"),
    [("GunPoint", (200, 1, 150), 50), ("BasicMotions", (80, 6, 100), 40), ("Coffee", (56, 1, 286), 28)],
)
def test_archive_sets_have_their_default_split(data_dir, name, shape, train):
    task = open_task(f"ucr:{name}", data_dir)
    data = task.load()
    split = task.split(data, 0, 0, 5)
    assert data.X.shape == shape
    assert np.array_equal(split.train, np.arange(train))
    assert np.array_equal(split.test, np.arange(train, shape[0]))


def test_first_values_of_a_tsv_are_those_of_the_file(data_dir):
    data = open_task("ucr:Coffee", data_dir).load()
    line = (data_dir / "ucr" / "Coffee" / "Coffee_TRAIN.tsv").read_text().splitlines()[0].split("\t")
    assert str(data.y[0]) == line[0]
    assert data.X[0, 0].tolist() == [float(v) for v in line[1:]]


@pytest.mark.slow  # PyTorch Geometric is imported
def test_cora_is_the_public_split_and_is_kept_as_arrays(data_dir, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    task = open_task("cora", data_dir)
    data = task.load()
    assert data.X.graph.n_nodes == 2708
    assert data.X.graph.n_edges == 5278
    assert data.X.graph.features.shape == (2708, 1433)
    assert data.X.graph.features.sum() == 49216
    split = task.split(data, 0, 0, 5)
    assert [len(part) for part in (split.train, split.valid, split.test)] == [140, 500, 1000]
    assert np.bincount(data.y[split.train]).tolist() == [20] * 7
    kept = list((tmp_path / "neuroloom" / "parsed").glob("cora-*.npz"))
    assert len(kept) == 1
    again = open_task("cora", data_dir).load()
    assert again.X.graph.fingerprint() == data.X.graph.fingerprint()
    kept[0].write_bytes(b"damaged")
    assert open_task("cora", data_dir).load().X.graph.fingerprint() == data.X.graph.fingerprint()


@pytest.mark.parametrize(
    ("name", "nodes", "edges", "parts"),
    [("minesweeper", 10000, 39402, (5000, 2500, 2500)), ("squirrel-filtered", 2223, 46998, None)],
)
def test_heterophilous_graphs_have_ten_splits(data_dir, name, nodes, edges, parts):
    task = open_task(name, data_dir)
    data = task.load()
    assert (data.X.graph.n_nodes, data.X.graph.n_edges) == (nodes, edges)
    last = task.split(data, 1, 4, 5)
    sizes = tuple(len(part) for part in (last.train, last.valid, last.test))
    assert sum(sizes) == nodes
    assert parts is None or sizes == parts
    assert task.cells(2, 5)[-1] == (1, 4)
    assert len(task.cells(9, 5)) == 10


@pytest.mark.parametrize(
    ("name", "nodes", "edges"), [("brazil", 131, 1003), ("europe", 399, 5993), ("usa", 1190, 13599)]
)
def test_airports_have_four_even_classes(data_dir, name, nodes, edges):
    data = open_task(f"airports-{name}", data_dir).load()
    assert (data.X.graph.n_nodes, data.X.graph.n_edges) == (nodes, edges)
    counts = np.unique(data.y, return_counts=True)[1]
    assert len(counts) == 4
    assert np.ptp(counts) <= 4


def test_usair_keeps_half_of_its_edges(data_dir):
    data = open_task("usair", data_dir).load(0)
    assert data.X.graph.n_nodes == 332
    assert data.X.graph.n_edges == 1063
    assert len(data.y) == 2126


@pytest.mark.parametrize(("name", "count", "width"), [("mutag", 188, 7), ("proteins", 1113, 3)])
def test_graph_sets_have_their_published_sizes(data_dir, name, count, width):
    data = open_task(name, data_dir).load()
    assert len(data.X) == count
    assert data.X.graphs[0].features.shape[1] == width
    assert np.mean([g.n_nodes for g in data.X.graphs]) == pytest.approx(
        17.9 if name == "mutag" else 39.1, abs=0.1
    )
