"""What a run of the benchmarks leaves: a page for each room, with its hardware, versions and peers."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers import ROOT

PACKAGES = ("neuroloom", "numpy", "scipy", "scikit-learn", "torch", "numba", "networkx")


@dataclass(frozen=True)
class Benchmark:
    """A benchmark of the package.

    Args:
        what: what it measures, and against what, in a few words.
        words: arguments it is given.
        peers: distributions it compares with; one with an environment of its own (``benchmarks/peers``) by its name.
    """

    what: str
    words: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()

    def command(self, name: str) -> str:
        """Return what repeats it."""
        return " ".join(["python -m", f"benchmarks.{name}", *self.words])


@dataclass(frozen=True)
class Outcome:
    """A benchmark that has ended: its exit status, wall-clock and CPU seconds, and what it printed."""

    name: str
    benchmark: Benchmark
    code: int
    wall: float
    cpu: float
    printed: str


def write_page(folder: Path, room: str, outcomes: Iterable[Outcome]) -> Path:
    """Write the page of a room: hardware and versions, a line for each benchmark, then what each printed."""
    done = list(outcomes)
    peers = sorted({peer for one in done for peer in one.benchmark.peers})
    lines = [f"# {room}", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in hardware().items()]
    lines += [f"| packages | {', '.join(_versions(PACKAGES))} |"]
    lines += [f"| peers | {', '.join(_versions(peers)) or 'none'} |", ""]
    lines += ["| benchmark | measures | peers | ended | wall s | CPU s |", "|---|---|---|---|--:|--:|"]
    for one in done:
        ended = "done" if one.code == 0 else f"exit status {one.code}"
        beside = ", ".join(one.benchmark.peers) or "–"
        lines.append(
            f"| {one.name} | {one.benchmark.what} | {beside} | {ended} | {one.wall:.0f} | {one.cpu:.0f} |"
        )
    for one in done:
        fence = "```" if "```" not in one.printed else "~~~~~~"
        lines += ["", f"## {one.name}", "", f"    {one.benchmark.command(one.name)}", ""]
        lines += [fence + "text", one.printed.rstrip(), fence]
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"{room}.md"
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return page


def hardware() -> dict[str, str]:
    """Return processor, memory, system, Python and threads of this machine."""
    from neuroloom.runner.doctor import cpu_name

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": f"{cpu_name()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "memory": f"{memory:.0f} GB",
        "system": platform.platform(),
        "Python": platform.python_version(),
        "threads": os.environ.get("OMP_NUM_THREADS", "1"),
    }


def _versions(names: Iterable[str]) -> list[str]:
    return [f"{name} {version(name) or 'not installed'}" for name in names]


def version(name: str) -> str | None:
    """Return the version of a distribution, here or in the environment of its name that ``make peers`` built."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        homes = [str(path) for path in (ROOT / ".peers" / name).glob("lib/python*/site-packages")]
        found = importlib.metadata.distributions(name=name, path=homes) if homes else ()
        return next((one.version for one in found), None)
