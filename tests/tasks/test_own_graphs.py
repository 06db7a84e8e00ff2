"""Graphs of the user's with labels, awkward ones too."""

import json

import networkx
import numpy as np
import pytest

from neuroloom.core import InputError
from neuroloom.runner.models import fit_model, predict_with_model
from neuroloom.tasks import describe_schema, open_task, read_like, recognise

CLUB = networkx.karate_club_graph()


def notes(task):
    return "\n".join(task.notes)


def name(i):
    return f"person {i}" if i % 2 else f"Anna-{i}"


def edges(path, separator=" ", called=str, header="", extra=()):
    lines = [separator.join([called(u), called(v)]) for u, v in CLUB.edges()]
    path.write_text(header + "\n".join([*lines, *extra]) + "\n")
    return path


def labels(
    path,
    separator=" ",
    called=str,
    header="",
    nodes=34,
    value=lambda i: CLUB.nodes[i]["club"].replace(" ", ""),
):
    path.write_text(header + "".join(f"{called(i)}{separator}{value(i)}\n" for i in range(nodes)))
    return path


def test_an_edge_list_with_labels(tmp_path):
    task = recognise(edges(tmp_path / "g.edgelist"), labels=labels(tmp_path / "l.txt"))
    data = task.load()
    assert task.kind == "nodes"
    assert task.problem == "classification"
    assert data.X.graph.n_nodes == 34
    assert data.X.graph.n_edges == 78
    assert data.X.graph.names is None
    assert [str(c) for c in data.y] == [CLUB.nodes[i]["club"].replace(" ", "") for i in data.X.ids]
    again = open_task(json.loads(json.dumps(task.spec)))
    assert again._loaded is None
    assert again.fingerprint() == task.fingerprint()
    assert again.load().X.graph.fingerprint() == data.X.graph.fingerprint()


@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_names_for_nodes_and_header_lines(tmp_path, separator):
    graph = edges(tmp_path / "g.csv", separator, name, header=f"source{separator}target\n")
    with_header = labels(tmp_path / "l.csv", separator, name, header=f"who{separator}club\n")
    task = recognise(graph, labels=with_header)
    data = task.load()
    assert data.X.graph.n_nodes == 34
    assert "person 1" in data.X.graph.names
    assert set(data.y) == {"Mr.Hi", "Officer"}
    for node, label in zip(data.X.ids, data.y, strict=True):
        i = int(data.X.graph.names[node].replace("-", " ").split()[-1])
        assert label == CLUB.nodes[i]["club"].replace(" ", "")
    assert "(source, target) is a header" in notes(task)
    assert "(who, club) is a header" in notes(task)


def test_a_header_line_in_the_label_file_of_numbers(tmp_path):
    task = recognise(edges(tmp_path / "g.edgelist"), labels=labels(tmp_path / "l.txt", header="node label\n"))
    assert len(task.load().y) == 34
    assert "(node, label) is a header" in notes(task)


def test_self_loops_duplicates_comments_and_both_directions(tmp_path):
    extra = ["3 3", "0 1", "1 0", "7 7"]
    task = recognise(
        edges(tmp_path / "g.edges", header="# a club\n% of 1977\n", extra=extra),
        labels=labels(tmp_path / "l.txt"),
    )
    assert task.load().X.graph.n_edges == 78
    assert "2 self-loops were left out" in notes(task)
    assert "2 edges stand more than once" in notes(task)


def test_weights_in_a_third_column_and_as_networkx_writes_them(tmp_path):
    networkx.write_edgelist(CLUB, tmp_path / "g.edgelist")
    task = recognise(tmp_path / "g.edgelist", labels=labels(tmp_path / "l.txt"))
    graph = task.load().X.graph
    wanted = {(u, v): d["weight"] for u, v, d in CLUB.edges(data=True)}
    found = {(int(u), int(v)): graph.to_scipy()[u, v] for u, v in graph.edges()}
    assert found == wanted
    assert "third column was read as edge weights" in notes(task)
    networkx.write_weighted_edgelist(CLUB, tmp_path / "w.edgelist", delimiter=",")
    other = recognise(tmp_path / "w.edgelist", labels=tmp_path / "l.txt").load().X.graph
    assert other.fingerprint() == graph.fingerprint()
    networkx.write_edgelist(CLUB, tmp_path / "e.edgelist", data=False)
    plain = [line + " {}" for line in (tmp_path / "e.edgelist").read_text().splitlines()]
    (tmp_path / "e.edgelist").write_text("\n".join(plain))
    assert not recognise(tmp_path / "e.edgelist", labels=tmp_path / "l.txt").load().X.graph.weighted


def test_labels_missing_and_nodes_missing(tmp_path):
    path = labels(tmp_path / "l.txt", nodes=20)
    path.write_text(path.read_text() + "99 Officer\n98 ?\n")
    task = recognise(edges(tmp_path / "g.edgelist"), labels=path)
    data = task.load()
    assert data.X.graph.n_nodes == 35
    assert len(data.X) == 21
    assert data.X.graph.degrees[data.X.ids[-1]] == 0
    assert data.X.graph.names[data.X.ids[-1]] == 99
    assert "1 labelled node stands in no edge ('99')" in notes(task)
    assert "14 nodes without a label stay in the graph" in notes(task)


def test_labels_of_another_graph(tmp_path):
    with pytest.raises(
        InputError, match=r"names no node of .*: it has 'Anna-0', 'person 1'.*the graph '0', '1'"
    ):
        recognise(edges(tmp_path / "g.edgelist"), labels=labels(tmp_path / "l.csv", ",", name))


def test_numbers_to_regress_on(tmp_path):
    task = recognise(
        edges(tmp_path / "g.edgelist"), labels=labels(tmp_path / "l.txt", value=lambda i: 0.5 * i)
    )
    assert task.problem == "regression"
    assert task.load().y[4] == 2.0


def test_features_for_nodes(tmp_path):
    graph, known = edges(tmp_path / "g.edgelist"), labels(tmp_path / "l.txt")
    (tmp_path / "f.csv").write_text("node,age,size\n" + "".join(f"{i},{i / 2},{-i}\n" for i in range(30)))
    task = recognise(graph, labels=known, features=str(tmp_path / "f.csv"))
    features = task.load().X.graph.features
    assert features.shape == (34, 2)
    assert features[8].tolist() == [4.0, -8.0]
    assert not features[33].any()
    assert "4 nodes are not in f.csv" in notes(task)
    (tmp_path / "bad.csv").write_text("a1,2\na2,3\n")
    with pytest.raises(InputError, match=r"names none of the graph's nodes"):
        recognise(graph, labels=known, features=str(tmp_path / "bad.csv"))


@pytest.mark.parametrize("suffix", ["gml", "graphml"])
def test_markup_with_labels_inside(tmp_path, suffix):
    path = tmp_path / f"g.{suffix}"
    getattr(networkx, f"write_{suffix}")(CLUB, path)
    task = recognise(path, target="club")
    assert task.kind == "nodes"
    assert len(task.load().y) == 34
    assert task.load().X.graph.n_edges == 78
    with pytest.raises(InputError, match=r"no attribute 'clubb'; did you mean 'club'"):
        recognise(path, target="clubb")
    with pytest.raises(InputError, match=r"--target ATTRIBUTE or --labels FILE"):
        recognise(path)
    assert recognise(path, labels=labels(tmp_path / "l.txt")).load().X.graph.n_edges == 78


def test_a_graph_without_labels_says_what_can_be_done(tmp_path):
    with pytest.raises(InputError, match=r"pass --labels FILE, or --kind links"):
        recognise(edges(tmp_path / "g.edgelist"))
    with pytest.raises(InputError, match=r"looks like an edge list.* --kind links .* or --kind table"):
        recognise(edges(tmp_path / "g.txt"))
    task = recognise(tmp_path / "g.txt", kind="links")
    data = task.load(1)
    assert task.drawn
    assert task.metrics[0] == "mrr"
    split = task.split(data, 1, 0, 5)
    assert set(data.y[split.test[split.rivals.of]]) == {1}
    assert not data.X.graph.has_edges(data.X.pairs).any()
    assert task.load(2).X.graph.fingerprint() != data.X.graph.fingerprint()
    path = edges(tmp_path / "h.csv", ",", name, "from,to\n")
    with pytest.raises(
        InputError, match=r"h\.csv looks like an edge list: its columns are called from and to"
    ):
        recognise(path)
    assert recognise(path, kind="table", target="to").kind == "table"
    networkx.write_gml(networkx.karate_club_graph(), tmp_path / "k.gml")
    with pytest.raises(InputError, match=r"--target ATTRIBUTE or --labels FILE \(its nodes have 'club'\)"):
        recognise(tmp_path / "k.gml")


def test_damaged_graph_files(tmp_path):
    known = labels(tmp_path / "l.txt")
    cases = {"empty.edgelist": ("", "is empty"), "one.edgelist": ("a\nb\nc\n", "has a single column"),
             "two.edgelist": ("a b\n", "names 2 nodes"), "loops.edgelist": ("1 1\n2 2\n3 3\n", "no edge between two"),
             "x.gml": ("graph [ node [", "cannot be read as GML"),
             "x.graphml": ("<!DOCTYPE a [<!ENTITY b 'c'>]><graphml/>", "XML entities")}  # fmt: skip
    for file, (text, message) in cases.items():
        (tmp_path / file).write_text(text)
        with pytest.raises(InputError, match=message):
            recognise(tmp_path / file, labels=known)
    with pytest.raises(InputError, match=r"lab.txt does not exist"):
        recognise(edges(tmp_path / "g.edgelist"), labels=tmp_path / "lab.txt")
    (tmp_path / "single.txt").write_text("a\nb\n")
    with pytest.raises(InputError, match=r"a label file holds a node and its label"):
        recognise(tmp_path / "g.edgelist", labels=tmp_path / "single.txt")


def test_new_nodes(tmp_path):
    known = labels(tmp_path / "l.csv", ",", name, nodes=20)
    known.write_text(known.read_text() + "alone,Officer\n")
    task = recognise(edges(tmp_path / "g.csv", ",", name), labels=known)
    data = task.load()
    schema = json.loads(json.dumps(describe_schema(task, data)))
    (tmp_path / "who.txt").write_text("Anna-30\nperson 31\nalone\n")
    X, names = read_like(tmp_path / "who.txt", schema)
    assert names == ["Anna-30", "person 31", "alone"]
    assert [X.graph.names[i] for i in X.ids] == names
    assert X.graph.fingerprint() == data.X.graph.fingerprint()
    X, names = read_like(tmp_path / "g.csv", schema)  # the graph itself: every node
    assert len(X) == 35
    assert X.graph.fingerprint() == data.X.graph.fingerprint()
    (tmp_path / "who.txt").write_text("Anna-3o\n")
    with pytest.raises(
        InputError, match=r"1 names are no nodes of the model's graph, the first 'Anna-3o'; did you mean"
    ):
        read_like(tmp_path / "who.txt", schema)
    edges(tmp_path / "g.csv", ",", name, extra=["Anna-0,Anna-16"])
    (tmp_path / "who.txt").write_text("Anna-30\n")
    with pytest.raises(InputError, match=r"has changed since"):
        read_like(tmp_path / "who.txt", schema)


def test_new_links(tmp_path):
    task = recognise(edges(tmp_path / "g.edgelist"), kind="links")
    schema = json.loads(json.dumps(describe_schema(task, task.load())))
    (tmp_path / "pairs.csv").write_text("source,target\n0,33\n4,9\n")
    X, names = read_like(tmp_path / "pairs.csv", schema)
    assert sorted(names) == ["0 33", "4 9"]
    assert len(X) == 2
    X, names = read_like(tmp_path / "g.edgelist", schema)  # the graph itself: every pair without a link
    assert {tuple(map(int, called.split())) for called in names} == set(networkx.non_edges(CLUB))
    assert X.graph.fingerprint() == schema["graph"]
    (tmp_path / "pairs.csv").write_text("source,target\n0,33\n1,0\n")
    with pytest.raises(
        InputError, match=r"1 of 2 pairs are links of the model's graph already, the first '1' and '0'; leave"
    ):
        read_like(tmp_path / "pairs.csv", schema)
    (tmp_path / "g.edgelist").write_text("".join(f"{i} {i + 1}\n" for i in range(1500)))
    with pytest.raises(
        InputError, match=r"has 1,124,250 pairs without a link, and at most 1,000,000 are judged"
    ):
        read_like(tmp_path / "g.edgelist", schema)


@pytest.mark.parametrize("method", ["prone+logreg", "gcn", "adamic-adar"])
def test_a_model_of_links_answers_for_the_graph_it_learned_from(tmp_path, method):
    rng = np.random.default_rng(0)  # weights, which edges taken out and put back do not keep
    rows = [f"{u},{v},{rng.integers(1, 9)}" for u, v in CLUB.edges()]
    (tmp_path / "g.csv").write_text("source,target,weight\n" + "\n".join(rows) + "\n")
    params = ["epochs=2"] if method == "gcn" else []
    fit_model(method, tmp_path / "g.csv", tmp_path / "model", kind="links", params=params)
    lines = predict_with_model(tmp_path / "model", tmp_path / "g.csv").splitlines()
    assert len(lines) == 1 + 34 * 33 // 2 - 78
    asked = lines[40].split(",")
    (tmp_path / "pairs.csv").write_text("source,target\n" + asked[0].replace(" ", ",") + "\n")
    again = predict_with_model(tmp_path / "model", tmp_path / "pairs.csv").splitlines()[1].split(",")
    assert again[:2] == asked[:2]
    assert [float(x) for x in again[2:]] == pytest.approx([float(x) for x in asked[2:]], rel=1e-5)


def test_a_set_of_graphs_in_a_folder(tmp_path):
    from tests.tasks.test_graph_tasks import write_tu

    folder = write_tu(tmp_path / "t")
    (folder / "TOY_graph_labels.txt").write_text("".join(f"{i % 2}\n" for i in range(12)))
    (folder / "TOY_graph_indicator.txt").write_text("".join(f"{1 + i // 3}\n" for i in range(36)))
    (folder / "TOY_A.txt").write_text("".join(f"{3 * g + 1}, {3 * g + 2}\n" for g in range(12)))
    (folder / "TOY_node_labels.txt").write_text("".join(f"{i % 3}\n" for i in range(36)))
    task = recognise(folder)
    assert task.kind == "graphs"
    assert len(task.load().X) == 12
    X, _ = read_like(folder, json.loads(json.dumps(describe_schema(task, task.load()))))
    assert np.array_equal(X.graphs[5].features, task.load().X.graphs[5].features)
