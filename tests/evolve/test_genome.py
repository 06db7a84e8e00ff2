"""Genome: a readable value that goes to JSON, networkx and torch and back."""

import json
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from neuroloom.core import InputError
from neuroloom.evolve import Connection, Genome, Node
from tests.evolve.genomes import chain, genomes

TWO = Genome(
    2,
    1,
    (Node(0, 0.5, 1.0, "identity"), Node(5, -0.25, 2.0, "relu"), Node(7, 9.0)),
    (
        Connection(3, 5, 0, -3.0),
        Connection(0, -1, 0, 2.0),
        Connection(4, -2, 5, 1.5),
        Connection(9, -2, 7, 1.0),
    ),
)


def test_worked_by_hand():
    # node 5: relu(-0.25 + 2 * 1.5 * 0.5) = 1.25; output: 0.5 + 2 * 1 - 3 * 1.25 = -1.25; node 7 reaches no output
    assert TWO.activate([1.0, 0.5]).tolist() == [-1.25]
    assert TWO.activate([[1.0, 0.5], [0.0, 0.0]]).tolist() == [[-1.25], [0.5]]
    assert TWO.n_parameters == 3 + 2 * 2
    assert TWO.n_hidden == 2
    assert repr(TWO) == "Genome(2 inputs, 2 hidden, 1 outputs, 4 of 4 connections enabled)"


@settings(max_examples=30, deadline=None)
@given(genomes())
def test_json_round_trip_is_exact(genome):
    assert Genome.from_json(genome.to_json()) == genome
    assert pickle.loads(pickle.dumps(genome)) == genome


def test_a_drawing_holds_what_reaches_an_output_the_strongest_first():
    assert TWO.drawing() == {
        "layers": [[-1, -2], [5], [0]],
        "edges": [[5, 0, -3.0], [-1, 0, 2.0], [-2, 5, 1.5]],
        "inputs": 2,
        "hidden": 1,
        "connections": 3,
    }
    few = TWO.drawing(most=2)
    assert few["layers"] == [[-1], [5], [0]]
    assert few["edges"] == [[5, 0, -3.0], [-1, 0, 2.0]]
    assert (few["inputs"], few["hidden"], few["connections"]) == (2, 1, 3)
    json.dumps(few)


def test_networkx():
    graph = TWO.to_networkx()
    assert set(graph) == {-1, -2, 0, 5, 7}
    assert graph.nodes[-2]["kind"] == "input"
    assert graph.nodes[5] == {
        "kind": "hidden",
        "bias": -0.25,
        "response": 2.0,
        "activation": "relu",
        "aggregation": "sum",
    }
    assert graph.edges[5, 0]["weight"] == -3.0


def test_torch_module_trains_and_comes_back():
    X = np.random.default_rng(0).uniform(-1, 1, (64, 2))
    net = TWO.to_torch()
    assert net(torch.tensor(X, dtype=torch.float32)).detach().numpy() == pytest.approx(
        TWO.activate(X), abs=1e-5
    )
    y = torch.tensor(X[:, :1] * X[:, :1], dtype=torch.float32)
    optimiser = torch.optim.Adam(net.parameters(), lr=0.02)
    losses = []
    for _ in range(60):
        optimiser.zero_grad()
        loss = ((net(torch.tensor(X, dtype=torch.float32)) - y) ** 2).mean()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
    trained = net.to_genome()
    assert ((trained.activate(X) - y.numpy()) ** 2).mean() == pytest.approx(losses[-1], rel=0.2)
    exported = torch.export.export(net, (torch.zeros(3, 2),)).module()
    assert exported(torch.ones(3, 2)).detach() == pytest.approx(net(torch.ones(3, 2)).detach())


@pytest.mark.parametrize(
    ("nodes", "conns", "match"),
    [
        ((Node(1),), (), r"needs nodes 0 … 0 and each id once, but has \[1\]"),
        ((Node(0), Node(0)), (), r"each id once"),
        ((Node(0),), (Connection(0, -3, 0, 1.0),), r"connection -3 -> 0 must run from an input"),
        ((Node(0),), (Connection(0, -1, -2, 1.0),), r"connection -1 -> -2"),
        ((Node(0), Node(1)), (Connection(0, 1, 0, 1.0), Connection(1, 0, 1, 1.0)), r"cycle through node 0"),
        ((Node(0),), (Connection(0, 0, 0, 1.0),), r"cycle through node 0"),
    ],
)
def test_broken_genomes_are_named(nodes, conns, match):
    with pytest.raises(InputError, match=match):
        Genome(2, 1, nodes, conns)


def test_broken_json_is_named():
    with pytest.raises(InputError, match="no JSON"):
        Genome.from_json("{")
    with pytest.raises(InputError, match=r"no genome .*'nodes'"):
        Genome.from_json("{}")
    data = chain(1).to_dict()
    data["nodes"][0]["activation"] = "sigmod"
    with pytest.raises(InputError, match="did you mean 'sigmoid'"):
        Genome.from_json(json.dumps(data))


def test_wrong_width_is_named():
    with pytest.raises(InputError, match=r"\(n, 2\), but has \(4, 3\)"):
        TWO.activate(np.zeros((4, 3)))
