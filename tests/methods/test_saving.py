"""Saved models: the same answers after loading, and nothing that a crafted folder can run."""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from neuroloom.core import InputError, NotSupportedError
from neuroloom.methods import build
from neuroloom.methods.saving import load_estimator, save_estimator


def _table() -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "a b": rng.normal(size=90),
            "c": rng.choice(["x", "y", None], 90),
            "d": pd.date_range("2020-01-01", periods=90),
        }
    )
    X.loc[3:9, "a b"] = np.nan
    two = np.where(X["c"] == "x", "yes", "no")
    three = np.where(X["a b"] > 0.8, "more", two)
    return X, {"two": two, "three": three, "number": rng.normal(size=90)}


BASELINES = [
    "logreg",
    "hist-gradient-boosting",
    "random-forest",
    "extra-trees",
    "knn",
    "svm",
    "ridge",
    "dummy",
]


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("problem", ["two", "three", "number"])
def test_baselines_on_a_messy_table_answer_the_same(name: str, problem: str, tmp_path: Path) -> None:
    X, targets = _table()
    kind_of_problem = "regression" if problem == "number" else "classification"
    if name == "logreg" and kind_of_problem == "regression":
        name = "ridge"
    fitted, _ = build(name, "table", kind_of_problem, {}, X=X, random_state=1)
    fitted.fit(X, targets[problem])
    save_estimator(fitted, tmp_path / "m", {"samples": 90})
    loaded, about = load_estimator(tmp_path / "m")
    assert about == {"samples": 90}
    assert sorted(p.suffix for p in (tmp_path / "m").iterdir()) <= [".json", ".safetensors", *[".skops"] * 9]
    np.testing.assert_array_equal(loaded.predict(X), fitted.predict(X))


class Holder(BaseEstimator):  # type: ignore[misc]
    """Not ours and not scikit-learn's."""

    def fit(self, X: Any, y: Any = None) -> "Holder":
        self.value_ = 1
        return self


def test_what_is_not_data_is_refused_when_saving(tmp_path: Path) -> None:
    with pytest.raises(NotSupportedError, match=r"Holder, which cannot be saved as data"):
        save_estimator(Holder().fit(None), tmp_path / "m", {})
    assert not (tmp_path / "m").exists()


def _saved(tmp_path: Path) -> Path:
    X, targets = _table()
    fitted, _ = build("dummy", "table", "classification", {}, random_state=1)
    save_estimator(fitted.fit(X, targets["two"]), tmp_path / "m", {})
    document = json.loads((tmp_path / "m" / "model.json").read_text())
    del document["sums"]  # who crafts a model makes them anew
    (tmp_path / "m" / "model.json").write_text(json.dumps(document))
    return tmp_path / "m"


@pytest.mark.parametrize(
    "path", ["os:system", "subprocess:Popen", "neuroloom.runner.doctor:Finding", "builtins:eval"]
)
def test_a_class_that_is_not_on_the_list_is_not_made(path: str, tmp_path: Path) -> None:
    folder = _saved(tmp_path)
    document = json.loads((folder / "model.json").read_text())
    document["estimator"]["$object"] = path
    (folder / "model.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match="not on the list"):
        load_estimator(folder)


@pytest.mark.parametrize("function", [os.system, functools.partial(os.system, "echo reached > reached")])
def test_a_scikit_learn_part_that_holds_a_function_is_not_loaded(
    function: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from skops.io import dumps

    monkeypatch.chdir(tmp_path)
    folder = _saved(tmp_path)
    (folder / "part-0.skops").write_bytes(dumps(FunctionTransformer(function)))
    document = json.loads((folder / "model.json").read_text())
    document["estimator"] = {"$skops": 0}
    (folder / "model.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match="types that a model must not hold"):
        load_estimator(folder)
    assert not (tmp_path / "reached").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read as a model"),
        ("{}", "cannot be read as a model"),
        ('{"format": 99, "about": {}, "estimator": 1}', "model format 99"),
        ('{"format": 1, "about": {}, "estimator": {"$array": "none"}}', "broken model"),
        ('{"format": 1, "about": {}, "estimator": {"$what": 1}}', "unknown tag"),
        ('{"format": 1, "about": {}, "estimator": {"$skops": "../../x"}}', "broken model"),
    ],
)
def test_a_broken_model_is_an_error_for_users(text: str, message: str, tmp_path: Path) -> None:
    folder = _saved(tmp_path)
    (folder / "model.json").write_text(text)
    with pytest.raises(InputError, match=message):
        load_estimator(folder)


@pytest.mark.parametrize("file", ["model.json", "arrays.safetensors", "part-0.skops"])
def test_a_damaged_model_is_named_rather_than_asked(file: str, tmp_path: Path) -> None:
    X, targets = _table()
    fitted, _ = build("ridge", "table", "regression", {}, X=X, random_state=1)
    save_estimator(fitted.fit(X, targets["number"]), tmp_path / "m", {"samples": 90})
    path = tmp_path / "m" / file
    data = path.read_bytes()
    changed = (
        data.replace(b'"samples": 90', b'"samples": 91') if file == "model.json" else data[:-1] + b"\x01"
    )
    assert changed != data
    path.write_bytes(changed)
    with pytest.raises(
        InputError, match=rf"is damaged: {file} is not as it was written; fit the model again"
    ):
        load_estimator(tmp_path / "m")
    path.write_bytes(data)
    assert load_estimator(tmp_path / "m")[1] == {"samples": 90}


def test_no_model_and_a_taken_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no saved model"):
        load_estimator(tmp_path)
    folder = _saved(tmp_path)
    with pytest.raises(InputError, match="exists already"):
        save_estimator(StandardScaler().fit([[1.0]]), folder, {})


def test_scikit_learns_own_models_are_saved_and_read_without_torch(tmp_path):
    code = (
        "import sys; from pathlib import Path; from sklearn.linear_model import Ridge;"
        "from neuroloom.methods.saving import load_estimator, save_estimator;"
        f"folder = Path({str(tmp_path / 'model')!r}); folder.mkdir();"
        "save_estimator(Ridge().fit([[0.0], [1.0]], [0.0, 2.0]), folder, {});"
        "load_estimator(folder)[0].predict([[2.0]]); assert 'torch' not in sys.modules;"
        "import sklearn.externals.array_api_compat.torch as door; assert door.__file__"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
