"""Accuracy and CPU seconds of classifiers of series: ours and peers on the same splits, kept in a file and resumed.

    make peers PEERS=aeon
    NEUROLOOM_DATA=DATA python -m benchmarks.signal.ucr --results FILE [--resamples 5] [--sets Trace]
    python -m benchmarks.signal.ucr --results FILE --new --new-data FOLDER --seeds 0 --resamples 10
    python -m benchmarks.signal.ucr --results FILE --table [--methods MiniRocket] [--sets Trace]

Without ``--new``: the sets of ``DATA/ucr`` with their default split and stratified resamples of it (training and test
part joined, then drawn anew with the same number of each class). With ``--new``: the sets of
``benchmarks.signal.new_sets`` and, from a folder of packages, of ``benchmarks.signal.carried_sets`` and
``benchmarks.signal.further_sets``; a family is drawn anew for each resample. aeon's methods run in their own
environment (``--peer`` names another Python with aeon and torch) on the same arrays, each split by all methods in turn,
one thread each; compilation is done before and not counted. A result that the file holds is not made again, so a run
that was cut short goes on. ``--table`` prints what the file holds of the trials that all its methods have done.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

# ruff: noqa: E402 (thread limits count only when they are set before NumPy is imported)
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import numpy as np

ALPHAS = np.logspace(-3, 3, 10)
PEERS = ("MiniRocket", "MultiRocket-Hydra", "QUANT")
OURS = ("wavelets", "wavelet-ppv", "wavelet-quantiles", "wavelet-ensemble")

Arrays = tuple[Any, Any, Any, Any]
Outcome = tuple[float, float, float]  # accuracy, CPU seconds of fit and of predict


def measure(model: Any, data: Arrays) -> Outcome:
    """Fit the model on the training part and score the test part."""
    X, y, X_test, y_test = data
    start = time.process_time()
    model.fit(X, y)
    fitted = time.process_time()
    accuracy = float(np.mean(model.predict(X_test) == y_test))
    return accuracy, fitted - start, time.process_time() - fitted


def ours(name: str, seed: int) -> Any:
    """Return a method of the registry, a transformer under the standardised ridge classifier."""
    from neuroloom.methods import make

    head = {"wavelets": "wavelets+ridge", "wavelet-ppv": "wavelet-ppv+ridge"}
    head["wavelet-quantiles"] = "wavelet-quantiles+extra-trees"
    model = make(head.get(name, name), "series", "classification")
    seeds = [key for key in model.get_params() if key.split("__")[-1] == "random_state"]
    return model.set_params(**dict.fromkeys(seeds, seed))


def peers(name: str, seed: int) -> Any:
    """Return a classifier of aeon; MiniRocket under the head that its authors give it."""
    if name == "MiniRocket":
        from aeon.transformations.collection.convolution_based import MiniRocket
        from sklearn.linear_model import RidgeClassifierCV
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        features = MiniRocket(n_jobs=1, random_state=seed)
        return make_pipeline(features, StandardScaler(), RidgeClassifierCV(ALPHAS))
    if name == "MultiRocket-Hydra":
        from aeon.classification.convolution_based import MultiRocketHydraClassifier

        return MultiRocketHydraClassifier(n_jobs=1, random_state=seed)
    from aeon.classification.interval_based import QUANTClassifier

    return QUANTClassifier(random_state=seed)


def serve_peer() -> None:
    """Answer lines of path, name and seed on standard input with a peer's outcome; runs in the peer's environment."""
    import aeon

    print(f"aeon {aeon.__version__}", flush=True)
    for line in sys.stdin:
        path, name, seed = line.split("\t")
        with np.load(path) as file:
            data = tuple(file[key] for key in ("X", "y", "X_test", "y_test"))
        print(*measure(peers(name, int(seed)), data), flush=True)


class Peer:
    """aeon in another environment's Python, kept running."""

    def __init__(self, python: str, folder: str) -> None:
        command = [python, str(Path(__file__).resolve()), "--serve"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.folder = folder
        self.version = self._line()

    def _line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("the peer's Python ended early; has it aeon and torch?")
        return line.strip()

    def measure(self, name: str, data: Arrays, seed: int) -> Outcome:
        path = Path(self.folder) / "set.npz"
        np.savez(path, X=data[0], y=data[1], X_test=data[2], y_test=data[3])
        assert self.process.stdin is not None
        print(path, name, seed, sep="\t", file=self.process.stdin, flush=True)
        accuracy, fit, predict = map(float, self._line().split())
        return accuracy, fit, predict

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def archive_sets(folder: Path, names: Sequence[str] | None = None) -> Iterator[tuple[str, Arrays]]:
    """Yield the sets of the data folder, or those of ``names``, with their default split, as float32."""
    from neuroloom.tasks import open_task

    for path in sorted((folder / "ucr").iterdir()):
        if not path.is_dir() or (names and path.name not in names):
            continue
        task = open_task(f"ucr:{path.name}", folder)
        data = task.load()
        split = task.split(data, 0, 0, 1)
        X = np.asarray(data.X, dtype=np.float32)
        labels = np.unique(np.asarray(data.y).astype(str), return_inverse=True)[1]
        yield path.name, (X[split.train], labels[split.train], X[split.test], labels[split.test])


def stored(path: Path) -> dict[tuple[str, str, int, int], Outcome]:
    """Return the results of the file by set, method, draw and seed."""
    if not path.exists():
        return {}
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {(r["set"], r["method"], r["draw"], r["seed"]): tuple(r["outcome"]) for r in rows}


def run(
    path: Path,
    sets: list[tuple[str, Callable[[int], Arrays]]],
    calls: dict[str, Any],
    trials: list[tuple[int, int]],
) -> None:
    """Add what the file lacks: each (draw, seed) of ``trials`` over all sets, each set by every method in turn."""
    random = np.random.default_rng(0)
    dry = [(random.normal(size=(20, c, 50)).astype(np.float32), np.arange(20) % 2) * 2 for c in (1, 2)]
    warm: set[str] = set()
    for draw, seed in trials:
        for name, drawn in sets:
            for method, call in calls.items():
                if (name, method, draw, seed) in stored(path):
                    continue
                if method not in warm:
                    for data in dry:
                        call(data, 0)
                    warm.add(method)
                row = {"set": name, "method": method, "draw": draw, "seed": seed}
                row["outcome"] = call(drawn(draw), seed)
                with path.open("a", encoding="utf-8") as file:
                    print(json.dumps(row), file=file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--results", type=Path, help="JSON lines, one a result")
    parser.add_argument("--peer", help="Python of an environment with aeon; else that of `make peers`")
    parser.add_argument("--methods", nargs="*", choices=[*OURS, *PEERS])
    parser.add_argument("--seeds", type=int, default=1, help="seeds of the methods on the default split")
    parser.add_argument("--resamples", type=int, default=0)
    parser.add_argument("--sets", nargs="*", help="names, or groups of new sets: drawn, carried, further")
    parser.add_argument("--new", action="store_true", help="sets that served no design")
    parser.add_argument("--new-data", type=Path, help="folder of packages that carry such sets")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        return serve_peer()
    if given.results is None:
        parser.error("name a file: --results FILE")
    from benchmarks.signal.new_sets import GROUPS, new_sets, resampled

    if given.sets:
        given.sets = [name for one in given.sets for name in GROUPS.get(one, (one,))]
    if given.table:
        from benchmarks.signal.ucr_table import print_tables

        kept = {
            key: value
            for key, value in stored(given.results).items()
            if not given.sets or key[0] in given.sets
        }
        shown = [m for m in (*OURS, *PEERS) if not given.methods or m in (OURS[-1], *given.methods)]
        return print_tables(kept, shown, OURS[-1])
    from benchmarks.peers import peer_python

    sets: list[tuple[str, Callable[[int], Arrays]]]
    if given.new:
        sets = list(new_sets(given.new_data))
    elif "NEUROLOOM_DATA" in os.environ:
        found = archive_sets(Path(os.environ["NEUROLOOM_DATA"]), given.sets)
        sets = [(name, partial(resampled, data)) for name, data in found]
    else:
        parser.error("set NEUROLOOM_DATA to a folder that holds ucr/NAME/NAME_TRAIN.ts or .tsv")
    if given.sets:
        sets = [one for one in sets if one[0] in given.sets]
    trials = [(0, seed) for seed in range(given.seeds)] + [(k, k) for k in range(1, given.resamples + 1)]
    with tempfile.TemporaryDirectory() as folder:
        python = given.peer or peer_python("aeon")
        wanted = given.methods or [*OURS, *(PEERS if python else ())]
        peer = Peer(python, folder) if python and set(wanted) & set(PEERS) else None
        calls: dict[str, Callable[[Arrays, int], Outcome]] = {}
        for name in wanted:
            if name in OURS:
                calls[name] = lambda data, seed, name=name: measure(ours(name, seed), data)
            elif peer is None:
                parser.error(f"{name} needs aeon: make peers PEERS=aeon")
            else:
                calls[name] = lambda data, seed, name=name: peer.measure(name, data, seed)
        run(given.results, sets, calls, trials)
        if peer is not None:
            peer.close()


if __name__ == "__main__":
    main()
