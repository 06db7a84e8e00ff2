"""What ``neuroloom doctor`` finds out about this machine and installation."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from neuroloom.runner.processes import usable_cores

PACKAGES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "pandas",
    "torch",
    "torch-geometric",
    "networkx",
    "neat-python",
    "numba",
    "PyWavelets",
    "gymnasium",
)
OPTIONAL = ("Box2D", "envpool", "mujoco")  # that results may depend on where they are


@dataclass(frozen=True)
class Finding:
    """One line of the doctor: what was looked at, how it stands (``ok``, ``note``, ``bad``), and what it means."""

    what: str
    state: str
    text: str


def versions() -> dict[str, str]:
    """Return the version of each package a result may depend on; one that is not installed is left out."""
    found = {"python": platform.python_version()}
    for name in (*PACKAGES, *OPTIONAL):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def cpu_name() -> str:
    """Return the processor's name as the system gives it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.lower().startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def findings(data_dir: str | Path | None) -> Iterator[Finding]:
    """Look at Python, packages, devices, memory, disk, the data folder and the plug-ins, one after the other."""
    ok = sys.version_info >= (3, 11)
    yield Finding("Python", "ok" if ok else "bad", f"{platform.python_version()} (3.11 or newer is needed)")
    have = versions()
    for name in (*PACKAGES, *(name for name in OPTIONAL if name in have)):
        missing = name not in have
        yield Finding(
            name, "bad" if missing else "ok", have.get(name, "not installed: pip install neuroloom again")
        )
    yield Finding("processor", "ok", f"{cpu_name()}, {usable_cores()} cores")
    yield _memory()
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    yield Finding("disk here", "ok" if free > 1 else "bad", f"{free:.1f} GB free")
    yield _device()
    yield _data(data_dir)
    yield from _plug_ins()
    yield _end_to_end()


def to_json(found: Iterable[Finding]) -> str:
    """Return findings as a JSON list of objects with ``what``, ``state`` and ``text``."""
    return json.dumps([asdict(finding) for finding in found], indent=1, ensure_ascii=False)


def _memory() -> Finding:
    import psutil

    memory = psutil.virtual_memory()
    free = memory.available / 2**30
    state = "ok" if free > 2 else "note"
    return Finding("memory", state, f"{free:.1f} of {memory.total / 2**30:.1f} GB free")


def _device() -> Finding:
    try:
        from neuroloom.core.devices import resolve_device

        return Finding("device", "ok", f"device='auto' is {resolve_device('auto')}")
    except ImportError as error:
        return Finding("device", "bad", f"torch cannot be imported: {error}")


def _data(data_dir: str | Path | None) -> Finding:
    if data_dir is None:
        return Finding(
            "data folder", "note", "none; real sets beyond the built-in ones need --data or NEUROLOOM_DATA"
        )
    there = Path(data_dir).is_dir()
    return Finding(
        "data folder", "ok" if there else "bad", f"{data_dir}{'' if there else ' is not a folder'}"
    )


def _plug_ins() -> Iterator[Finding]:
    from neuroloom.methods import registry

    for method in registry().values():
        if method.problem is not None:
            yield Finding(f"plug-in {method.key}", "bad", method.problem)


def _end_to_end() -> Finding:
    """Learn a small table by two methods, from config to results."""
    import tempfile

    import neuroloom

    config: dict[str, Any] = {
        "name": "doctor",
        "seeds": 1,
        "folds": 2,
        "tasks": ["iris"],
        "methods": ["dummy", "knn"],
    }
    with tempfile.TemporaryDirectory() as folder:
        frame = neuroloom.run(config, out=folder).frame()
    bad = frame[frame["status"] != "done"]
    if len(bad):
        return Finding("a small bench", "bad", f"{len(bad)} trials failed: {bad['reason'].iloc[0]}")
    return Finding("a small bench", "ok", f"{frame['key'].nunique()} trials done")
