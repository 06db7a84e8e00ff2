"""Files made to run code when they are read: models, genomes, populations, checkpoints, stores. None does.

For each advisory on skops there is a file as it describes; the rest are pickles under every name that is read.
"""

from __future__ import annotations

import io
import json
import pickle
import sqlite3
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from neuroloom.core.errors import InputError
from neuroloom.evolve import Genome
from neuroloom.evolve.saving import read
from neuroloom.methods import build
from neuroloom.methods.saving import TRUSTED, load_estimator, save_estimator
from neuroloom.runner import load_results
from neuroloom.runner.store import open_store
from neuroloom.tasks import recognise


class Payload:
    """Makes the file ``reached`` in the current folder when it is unpickled."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("reached"),)


PICKLE = pickle.dumps(Payload())


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, in which nothing may be reached."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_payload_works(here: Path) -> None:
    pickle.loads(PICKLE)
    assert (here / "reached").exists()


# -- models -----------------------------------------------------------------------------------------------------------


def _model(folder: Path, tree: Any = None) -> Path:
    fitted, _ = build("ridge", "table", "regression", {}, random_state=1)
    save_estimator(fitted.fit(np.arange(12.0)[:, None], np.arange(12.0)), folder / "m", {})
    document = json.loads((folder / "m" / "model.json").read_text())
    del document["sums"]
    if tree is not None:
        document["estimator"] = tree
    (folder / "m" / "model.json").write_text(json.dumps(document))
    return folder / "m"


def _skops(schema: dict[str, Any], **members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("schema.json", json.dumps({"protocol": 2, "_skops_version": "0.16.0", **schema}))
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def _node(loader: str, module: str, name: str, content: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "__class__": name,
        "__module__": module,
        "__loader__": loader,
        "__id__": id(more),
        "content": content,
        **more,
    }


def _text(value: Any) -> dict[str, Any]:
    return _node("JsonNode", "builtins", type(value).__name__, json.dumps(value), is_json=True)


def _tuple(*items: Any) -> dict[str, Any]:
    return _node("TupleNode", "builtins", "tuple", list(items))


def _function(module: str, name: str) -> dict[str, Any]:
    return _node("FunctionNode", module, name, {"module_path": module, "function": name})


SYSTEM = _function("posix", "system")
TOUCH = _tuple(SYSTEM, _text("touch reached"))
CRAFTED = {
    # CVE-2024-37065: what a file says of itself is believed, and its functions are called
    "CVE-2024-37065 operator": _node("OperatorFuncNode", "operator", "call", attrs=TOUCH),
    "CVE-2024-37065 exec": _node("OperatorFuncNode", "operator", "call", attrs=_tuple(
        _function("builtins", "exec"), _text("open('reached', 'w')"))),
    # CVE-2025-54412: an operator function under a trusted name
    "CVE-2025-54412": _node("OperatorFuncNode", "sklearn.tree._tree", "call", attrs=TOUCH),
    "CVE-2025-54412 trusted": _node("OperatorFuncNode", "numpy", "dtype", attrs=TOUCH),
    "CVE-2025-54412 methodcaller": _node("OperatorFuncNode", "builtins", "methodcaller", attrs=_tuple(_text("touch"))),
    # CVE-2025-54413: attributes reached by a method's name, under a trusted one
    "CVE-2025-54413": _node("MethodNode", "numpy", "dtype", {
        "obj": _node("TypeNode", "builtins", "object", {}), "func": "__subclasses__"}),
    "CVE-2025-54413 dotted": _node("MethodNode", "sklearn.tree._tree", "Tree", {
        "obj": _node("ObjectNode", "sklearn.preprocessing._function_transformer", "FunctionTransformer",
                     _node("DictNode", "builtins", "dict", {})), "func": "transform.__globals__"}),
    "CVE-2025-54413 function": _node("MethodNode", "numpy", "dtype", {"obj": SYSTEM, "func": "__call__"}),
}  # fmt: skip


@pytest.mark.parametrize("name", CRAFTED)
def test_a_part_as_an_advisory_describes_it_is_refused(name: str, here: Path) -> None:
    folder = _model(here, {"$skops": 0})
    (folder / "part-0.skops").write_bytes(_skops(CRAFTED[name]))
    with pytest.raises(InputError, match=r"types that a model must not hold|holds a broken model"):
        load_estimator(folder)
    assert not (here / "reached").exists()


@pytest.mark.parametrize("file", ["part-0.skops", "arrays.safetensors", "model.json"])
@pytest.mark.parametrize("zipped", [False, True])
def test_a_pickle_in_place_of_a_part_is_never_unpickled(file: str, zipped: bool, here: Path) -> None:
    """CVE-2025-54886: what is no archive of skops' was read by joblib."""
    import joblib

    folder = _model(here)
    content = io.BytesIO()
    joblib.dump(Payload(), content)
    data = content.getvalue()
    (folder / file).write_bytes(_skops({}, **{"model.pkl": data}) if zipped else data)
    with pytest.raises(InputError, match=r"broken model|cannot be read as a model"):
        load_estimator(folder)
    assert not (here / "reached").exists()


def test_nothing_that_is_trusted_calls_what_it_is_given() -> None:
    """The list holds values, and no name of the module ``operator`` under which a call could hide."""
    import operator

    assert not {name.rpartition(".")[2] for name in TRUSTED} & set(dir(operator))
    assert not any(
        name.startswith(("builtins.", "os.", "posix.", "subprocess.", "operator.")) for name in TRUSTED
    )


@pytest.mark.parametrize(
    "tree",
    [
        {"$object": "neuroloom.methods.pipeline:Pipeline.__init__", "state": {}},
        {"$object": "neuroloom.methods.pipeline:../../os", "state": {}},
        {"$object": "neuroloom.evolve.genome:Genome", "state": {"__class__": 1}},
        {
            "$object": "neuroloom.methods.prepare:Flatten",
            "state": {"__reduce__": {"$skops": 0}, "__dict__": 3},
        },
        {"$objects": [1], "shape": [1], "dtype": "O,O"},
        {"$csr": {"$object": "os:system", "state": {}}},
        {"$skops": "../part-0"},
    ],
)
def test_a_tree_that_reaches_further_makes_nothing(tree: Any, here: Path) -> None:
    with pytest.raises(InputError, match=r"broken model|not on the list"):
        load_estimator(_model(here, tree))


# -- what evolution and training keep ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", [PICKLE.decode("latin-1"), "__import__('os').system('touch reached')", "[]", '{"nodes": 1}']
)
def test_a_genome_is_read_as_data(text: str, here: Path) -> None:
    with pytest.raises(InputError, match="this is no"):
        Genome.from_json(text)
    assert not (here / "reached").exists()


@pytest.mark.parametrize(
    "content",
    [
        PICKLE,
        save({"a": np.arange(3)}),
        save({}, {"format": "neuroloom.neat"}),
        save({}, {"format": "neuroloom.neat", "version": "1", "data": PICKLE.decode("latin-1")}),
        save({}, {"format": "neuroloom.neat", "version": "1", "data": '{"$array": "none"}'}),
        save({}, {"format": "neuroloom.neat", "version": "1", "data": "[" * 100_000}),
        (2**62).to_bytes(8, "little") + b"{}",
    ],
)
def test_a_population_is_read_as_data(content: bytes, here: Path) -> None:
    (here / "p.neat").write_bytes(content)
    with pytest.raises(InputError, match=r"p\.neat (is|was|should)"):
        read(here / "p.neat", "neat")
    assert not (here / "reached").exists()


def test_a_checkpoint_is_read_without_unpickling(here: Path) -> None:
    import torch

    from neuroloom.core.checkpoints import Kept

    (here / "net.pt").write_bytes(PICKLE)
    torch.save({"said": Payload()}, here / "zipped.pt")
    for name in ("net.pt", "zipped.pt"):
        run: Any = type("Run", (), {"device": torch.device("cpu")})
        with pytest.raises(InputError, match=r"is no checkpoint .*; remove it to begin anew"):
            Kept(here / name, "x", 1.0).restore(run, [], (), None)
    assert not (here / "reached").exists()


# -- stores and data --------------------------------------------------------------------------------------------------


def _read_all(run: Path) -> None:
    load_results(run)
    with open_store(run / "results.db", read=True) as store:
        store.predictions(store.read_plan()[0][0])


@pytest.mark.parametrize("table", ["predictions", "beliefs"])
def test_a_store_with_pickles_in_it_is_read_as_data(table: str, here: Path) -> None:
    import neuroloom

    bench = {
        "name": "c",
        "seeds": 1,
        "folds": 2,
        "tasks": ["iris"],
        "methods": ["knn"],
        "keep_predictions": True,
    }
    neuroloom.run(bench, here / "run", engine="inline")
    objects = io.BytesIO()
    np.savez(objects, y=np.array([Payload()], dtype=object))
    connection = sqlite3.connect(here / "run" / "results.db")
    column = {"predictions": "arrays", "beliefs": "records"}[table]
    for content in (PICKLE, objects.getvalue()):
        connection.execute(f"UPDATE {table} SET {column} = ?", [content])
        connection.commit()
        with pytest.raises(InputError, match=r"results\.db is damaged"):
            _read_all(here / "run")
    connection.close()
    assert not (here / "reached").exists()


@pytest.mark.parametrize("suffix", ["csv", "npz", "ts", "txt", "edges", "parquet", "pkl", "joblib"])
def test_data_that_are_a_pickle_are_refused(suffix: str, here: Path) -> None:
    path = here / f"data.{suffix}"
    path.write_bytes(PICKLE)
    with pytest.raises(InputError, match=r"pickle|is no|cannot be read"):
        recognise(path).load()
    assert not (here / "reached").exists()
