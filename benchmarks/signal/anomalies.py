"""Detectors of anomalies on whole series: VUS-PR and the UCR archive's rule, never point-adjusted.

python -m benchmarks.signal.anomalies [--data DIR] [--seeds 6] [--new] [--methods wavelets lof]

Each series: the windows of its normal stretch are learned, all windows after it scored. Drawn series take seeds
0 … seeds - 1, spliced ones one draw of each set. ``--new``: the families of ``benchmarks.signal.new_anomalies`` alone,
which served no design. ``wavelets`` comes first; the others are tested against it.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from scipy.stats import wilcoxon

import neuroloom
from benchmarks.signal.new_anomalies import FAMILIES, new_series
from neuroloom.core import InputError
from neuroloom.tasks import evaluate, open_task
from neuroloom.tasks.anomalies import ArchiveAnomaly, SplicedAnomaly
from neuroloom.tasks.folder import data_folder

DRAWN = ("beat-anomaly", "noise-anomaly", "wave-anomaly")
METHODS = (
    "wavelets",
    "matrix-profile",
    "moving-deviation",
    "lof",
    "pca",
    "isolation-forest",
    "one-class-svm",
)


def cases(folder: Path | None, seeds: int) -> list[tuple[str, str, int]]:
    """Return group, task and seed of each series; every other spliced set served the design of ``wavelets``."""
    found = [(name, name, seed) for name in DRAWN for seed in range(seeds)]
    found += [("archive", f"anomaly:{name}", 0) for name in ArchiveAnomaly.members(folder)]
    for k, name in enumerate(SplicedAnomaly.members(folder)):
        found.append(("spliced, sets new" if k % 2 else "spliced, sets known", f"spliced:{name}", 0))
    return found


def main() -> None:
    """Print a line for each method and group."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data")
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--new", action="store_true")
    parser.add_argument("--methods", nargs="*", choices=METHODS[1:], default=METHODS[1:])
    given = parser.parse_args()
    folder = data_folder(given.data)
    methods = ("wavelets", *given.methods)
    chosen = (
        [(f, f, k) for f in FAMILIES for k in range(given.seeds)] if given.new else cases(folder, given.seeds)
    )
    scores: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    seconds: dict[str, float] = defaultdict(float)
    for group, name, seed in chosen:
        try:
            data = new_series(name, seed) if given.new else open_task(name, folder).load(seed)
        except InputError:  # a set of several channels, of too few or too long series
            continue
        split = data.extra["splits"][0]
        train, test, y = data.X[split.train], data.X[split.test], data.y[split.test]
        for method in methods:
            estimator = neuroloom.make(method, "series", "detection")
            if "random_state" in estimator.get_params():
                estimator.set_params(random_state=seed)
            began = time.process_time()
            belief = -estimator.fit(train).decision_function(test)
            seconds[method] += time.process_time() - began
            found = evaluate(["vus_pr", "ucr_hit"], y, y, score=belief, buffer=train.shape[-1])
            scores[method][group].append((found["vus_pr"], found["ucr_hit"]))
    groups = list(scores[methods[0]])
    counts = [len(scores[methods[0]][group]) for group in groups]
    print("| VUS-PR, hits | " + " | ".join(f"{g} ({n})" for g, n in zip(groups, counts, strict=True)), end="")
    print(f" | all ({sum(counts)}) | CPU-s | p against it |\n|---|" + "--:|" * (len(groups) + 3))
    own = np.concatenate([scores["wavelets"][group] for group in groups])
    for method in methods:
        parts = [np.array(scores[method][group]) for group in groups]
        cells = [
            f"{part[:, 0].mean():.3f}, {part[:, 1].mean():.0%}" for part in [*parts, np.concatenate(parts)]
        ]
        other = np.concatenate(parts)[:, 0]
        p = "" if method == "wavelets" else f"{wilcoxon(own[:, 0], other).pvalue:.1e}"
        print(f"| {method} | " + " | ".join(cells) + f" | {seconds[method]:.1f} | {p} |")
    print(f"\nPython {platform.python_version()}, NumPy {np.__version__}, one process")


if __name__ == "__main__":
    main()
