"""Spoilt models, genomes and populations: the right answers, or an error that says what to do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuroloom.evolve import Genome
from neuroloom.evolve.genome import Connection, Node
from neuroloom.methods.saving import load_estimator
from neuroloom.runner.models import fit_model, predict_with_model
from tests.fuzz.doors import JUNK, fuzz, spoilt_bytes, spoilt_tree, told

METHODS: dict[str, list[str]] = {
    "logreg": [],
    "rbfn": ["centres=4"],
    "mlp": ["epochs=2", "hidden=[4]"],
    "extra-trees": ["n_estimators=3"],
}
ROWS = pd.DataFrame({
    "size": np.arange(40) * 0.25, "colour": ["red", "blue", "green", "red"] * 10, "y": ["no", "yes"] * 20,
})  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    ROWS.to_csv(folder / "rows.csv", index=False)
    ROWS.drop(columns="y").to_csv(folder / "new.csv", index=False)
    for method, params in METHODS.items():
        fit_model(method, folder / "rows.csv", folder / method, target="y", params=params)
        (folder / f"{method}.txt").write_text(predict_with_model(folder / method, folder / "new.csv"))
    return folder


def _answers_as_before(home: Path, method: str, model: Path) -> None:
    found = told(lambda: predict_with_model(model, home / "new.csv"))
    assert found in (None, (home / f"{method}.txt").read_text()), (
        "a spoilt model gives other answers in silence"
    )


def _copy(home: Path, method: str) -> Path:
    spoilt = home / "spoilt"
    shutil.rmtree(spoilt, ignore_errors=True)
    shutil.copytree(home / method, spoilt)
    return spoilt


@fuzz(40)
@given(st.data())
def test_a_file_of_a_model_with_spoilt_bytes(home: Path, data: Any) -> None:
    method = data.draw(st.sampled_from(list(METHODS)))
    spoilt = _copy(home, method)
    file = data.draw(st.sampled_from(sorted(p.name for p in spoilt.iterdir())))
    good = (spoilt / file).read_bytes()
    (spoilt / file).write_bytes(data.draw(spoilt_bytes(good)))
    _answers_as_before(home, method, spoilt)


@fuzz(40)
@given(st.data())
def test_a_model_whose_tree_is_spoilt_and_whose_sums_are_not_there(home: Path, data: Any) -> None:
    """As an attacker would do it: whatever comes is no traceback, and no endless work."""
    method = data.draw(st.sampled_from(list(METHODS)))
    spoilt = _copy(home, method)
    document = json.loads((spoilt / "model.json").read_text())
    document.pop("sums", None)
    document["estimator"] = data.draw(spoilt_tree(document["estimator"]))
    if data.draw(st.booleans()):
        document["about"] = data.draw(spoilt_tree(document["about"]))
    (spoilt / "model.json").write_text(json.dumps(document))
    told(lambda: predict_with_model(spoilt, home / "new.csv"))


@fuzz(25)
@given(JUNK)
def test_a_model_that_is_any_json(home: Path, tree: Any) -> None:
    spoilt = _copy(home, "rbfn")
    (spoilt / "model.json").write_text(json.dumps(tree))
    assert told(lambda: load_estimator(spoilt)) is None


@pytest.fixture(scope="module")
def genome() -> dict[str, Any]:
    nodes = (Node(0, 0.5), Node(1, -0.25, 1.5, "tanh", "mean"))
    conns = (Connection(0, -1, 1, 0.75), Connection(1, -2, 0, -1.5, False), Connection(2, 1, 0, 2.0))
    made: dict[str, Any] = json.loads(Genome(2, 1, nodes, conns, fitness=0.5).to_json())
    return made


@fuzz(40)
@given(st.data())
def test_a_spoilt_genome(genome: dict[str, Any], data: Any) -> None:
    tree = data.draw(spoilt_tree(genome))
    made = told(lambda: Genome.from_json(json.dumps(tree)))
    if made is not None:
        answer = told(lambda: made.activate(np.ones((3, made.inputs))))
        assert answer is None or len(answer) == 3


@fuzz(40)
@given(st.text(max_size=40))
def test_a_genome_that_is_any_text(text: str) -> None:
    assert told(lambda: Genome.from_json(text)) is None
