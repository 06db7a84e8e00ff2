"""The registry and composition: names to estimators, and reasons where there is none."""

import re
import subprocess
import sys

import numpy as np
import pytest

from neuroloom.core import InputError, NotSupportedError
from neuroloom.methods import Recipe, Skip, build, find, make, recipe, registry
from neuroloom.methods.describe import describe


def test_every_built_in_class_exists() -> None:
    for method in registry().values():
        for kind, problem in method.classes:
            assert method.load(kind, problem).__name__ == method.classes[kind, problem].split(":")[1]


def test_listing_methods_imports_no_heavy_package() -> None:
    code = (
        "import sys; from neuroloom.methods import registry; registry();"
        "print([m for m in ('torch', 'sklearn', 'pandas', 'numba', 'torch_geometric') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_an_unknown_method_names_the_nearest() -> None:
    with pytest.raises(InputError, match=r"did you mean 'random-forest'"):
        find("random-forrest")


def test_a_transformer_alone_gets_a_head_and_says_so() -> None:
    found = recipe("wavelets", "series", "classification")
    assert isinstance(found, Recipe)
    assert [step.name for step in found.steps] == ["wavelets", "logreg"]
    assert "logreg answers" in found.notes[0]


def test_a_series_is_flattened_for_a_table_method() -> None:
    estimator, notes = build("knn", "series", "classification", {}, random_state=0)
    assert "flattened" in notes[0]
    X = np.concatenate([np.zeros((10, 2, 5)), np.ones((10, 2, 5))])
    y = np.repeat(["a", "b"], 10)
    assert estimator.fit(X, y).score(X, y) == 1.0
    with pytest.raises(InputError, match=r"shape \(2, 5\), as in fit, but got \(2, 6\)"):
        estimator.predict(np.zeros((1, 2, 6)))


@pytest.mark.parametrize(
    ("expression", "kind", "problem", "reason"),
    [
        (
            "svm",
            "nodes",
            "classification",
            "svm takes a table, and the data are nodes; prone+svm would fit",
        ),
        ("svm+knn", "table", "classification", "svm gives answers, not features"),
        ("grand", "nodes", "regression", "grand does classification on nodes, not regression"),
        (
            "prone+gcn",
            "nodes",
            "classification",
            "gcn takes nodes and links and graphs, and it would get a table",
        ),
        ("logreg", "table", "regression", "logreg does classification on table, not regression"),
    ],
)
def test_a_pairing_that_cannot_work_is_skipped_with_its_reason(
    expression: str, kind: str, problem: str, reason: str
) -> None:
    found = recipe(expression, kind, problem)
    assert isinstance(found, Skip)
    assert found.reason.startswith(reason)
    with pytest.raises(NotSupportedError, match="does not fit"):
        make(expression, kind, problem)


def test_parameters_go_to_the_method_also_behind_a_scaler() -> None:
    assert make("svm", "table", "classification", C=3.0).get_params()["svm__C"] == 3.0
    made = make("wavelets+svm", "series", "classification", wavelets__level=2, svm__C=4.0)
    assert (made.get_params()["wavelets__level"], made.get_params()["svm__C"]) == (2, 4.0)


def test_an_unknown_parameter_names_the_nearest() -> None:
    with pytest.raises(InputError, match=r"parameter of svm: 'gama' is not known; did you mean 'gamma'"):
        make("svm", "table", "classification", gama=1)
    with pytest.raises(InputError, match=r"must say which step it is for: wavelets__C, svm__C"):
        make("wavelets+svm", "series", "classification", C=1)


def test_seeds_reach_every_step_and_differ() -> None:
    first, _ = build("random-forest", "table", "classification", {}, random_state=1)
    again, _ = build("random-forest", "table", "classification", {}, random_state=1)
    other, _ = build("random-forest", "table", "classification", {}, random_state=2)
    assert first.random_state == again.random_state != other.random_state
    kept, _ = build("random-forest", "table", "classification", {"random_state": 7}, random_state=1)
    assert kept.random_state == 7


def test_unpackaged_code_by_module_and_class() -> None:
    made = make("sklearn.naive_bayes:GaussianNB", "table", "classification")
    assert type(made).__name__ == "GaussianNB"
    with pytest.raises(InputError, match="cannot be imported"):
        make("no_such_module:Thing", "table", "classification")


@pytest.mark.parametrize("key", sorted(registry()))
def test_show_has_a_text_for_every_parameter_of_ours(key: str) -> None:
    found = describe(key)
    assert found["text"]
    for parameter in found["parameters"]:
        assert parameter["text"], parameter["name"]
        assert parameter["type"] != "Any"
    assert not re.search(r":\w+:`|``|::$", found["text"], flags=re.M)


def test_a_kind_that_does_not_exist() -> None:
    with pytest.raises(InputError, match="'tabel' is not known; did you mean 'table'"):
        make("knn", "tabel", "classification")


def test_what_gives_features_and_finds_outliers_does_either():
    def steps(expression: str, kind: str, problem: str) -> list[tuple[str, str]]:
        found = recipe(expression, kind, problem)
        assert isinstance(found, Recipe)
        return [(step.method.key, step.problem) for step in found.steps]

    assert steps("pca", "series", "detection") == [("pca", "detection")]
    assert steps("wavelets+pca", "series", "detection") == [("wavelets", "transform"), ("pca", "detection")]
    assert steps("pca+lof", "table", "detection") == [("pca", "transform"), ("lof", "detection")]
    assert steps("pca", "table", "classification") == [("pca", "transform"), ("logreg", "classification")]
    assert steps("wavelets", "series", "detection") == [("wavelets", "detection")]
    assert isinstance(recipe("scattering", "series", "detection"), Skip)
