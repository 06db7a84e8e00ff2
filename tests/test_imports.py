"""Imports run one way: cli -> runner -> tasks, methods -> the four rooms -> core."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "neuroloom"
ROOMS = {"evolve", "graphs", "signal", "nets"}
MAY = {
    "core": {"core"},
    **{room: {"core", room} for room in ROOMS},
    "tasks": {"core", "tasks"},
    "methods": {"core", "methods", *ROOMS},
    "runner": {"core", "tasks", "methods", "runner"},
    "cli": {"core", "tasks", "methods", "runner", "cli"},
}


def _imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found.add(node.module or "")
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {name.split(".")[1] for name in found if name.startswith("neuroloom.")}


FILES = sorted(p for p in PACKAGE.rglob("*.py") if p.parent != PACKAGE or p.stem == "cli")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_what_the_arrows_allow(path: Path) -> None:
    part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    parts = set(MAY)
    assert _imported(path) & parts <= MAY[part]


def test_import_neuroloom_is_light() -> None:
    code = "import sys, neuroloom; print([m for m in ('numpy', 'torch', 'sklearn', 'pandas') if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


HEAVY = (
    "gymnasium",
    "matplotlib",
    "onnx",
    "optuna",
    "ray",
    "skops",
    "starlette",
    "statsmodels",
    "tensorboard",
    "torch",
    "torch_geometric",
)


@pytest.mark.parametrize(
    ("code", "may"),
    [
        ("import neuroloom.cli", ()),
        ("import neuroloom.core as r; [getattr(r, n) for n in r.__all__]", ()),
        ("import neuroloom.signal as r; [getattr(r, n) for n in r.__all__]", ()),
        ("import neuroloom.evolve as r; [getattr(r, n) for n in r.__all__]", ("torch",)),
        ("import neuroloom.graphs as r; [getattr(r, n) for n in r.__all__]", ()),
        ("import neuroloom.nets as r; [getattr(r, n) for n in r.__all__]", ()),
        ("from neuroloom.methods import registry; registry()", ()),
        ("from neuroloom.tasks import list_tasks; list_tasks()", ()),
        ("from neuroloom.runner import Config, Results, load_results", ()),
    ],
)
def test_heavy_packages_are_imported_where_they_are_used(code: str, may: tuple[str, ...]) -> None:
    look = f"import sys; print([m for m in {HEAVY} if m in sys.modules])"
    shown = subprocess.run(
        [sys.executable, "-c", f"{code}\n{look}"], capture_output=True, text=True, check=True
    )
    assert set(ast.literal_eval(shown.stdout)) <= set(may)


def test_no_script_inside_the_package() -> None:
    for path in PACKAGE.rglob("*.py"):
        if path.name != "__main__.py":
            assert 'if __name__ == "__main__"' not in path.read_text(), path
