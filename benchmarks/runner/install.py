"""What neuroloom brings with it: installed MB of it and of all that it needs, and CPU seconds of its imports.

python -m benchmarks.runner.install
"""

from __future__ import annotations

import importlib.metadata as metadata
import platform
import re
import resource
import subprocess
import sys

STARTS = {
    "import neuroloom": ["-c", "import neuroloom"],
    "neuroloom --help": ["-m", "neuroloom", "--help"],
    "from neuroloom.evolve import NEAT": ["-c", "from neuroloom.evolve import NEAT"],
    "from neuroloom.nets import MLPClassifier": ["-c", "from neuroloom.nets import MLPClassifier"],
}


def needed(name: str, found: dict[str, float]) -> dict[str, float]:
    """Add the installed MB of a package and of all that it needs, without extras."""
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key in found:
        return found
    try:
        package = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return found  # for another platform
    paths = [package.locate_file(file) for file in package.files or ()]
    found[key] = sum(path.stat().st_size for path in paths if path.is_file()) / 1e6  # type: ignore[attr-defined]
    for wanted in package.requires or ():
        if "extra ==" not in wanted:
            needed(re.split(r"[^\w.-]", wanted)[0], found)
    return found


def cpu_seconds(words: list[str]) -> float:
    """Return the least CPU seconds of three starts."""
    took = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(took)


def main() -> None:
    sizes = needed("neuroloom", {})
    print(f"Python {platform.python_version()}, torch {metadata.version('torch')}")
    print(f"installed: {len(sizes)} packages, {sum(sizes.values()):,.0f} MB")
    most = sorted(sizes.items(), key=lambda item: -item[1])[:6]
    print("  most of it:", ", ".join(f"{name} {size:,.0f}" for name, size in most))
    for name, words in STARTS.items():
        print(f"{name:42} {cpu_seconds(words):5.2f} CPU-s")


if __name__ == "__main__":
    main()
