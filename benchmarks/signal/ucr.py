"""Accuracy and CPU seconds on the univariate UCR sets of a data folder: wavelet features under one ridge head.

    make peers PEERS=aeon
    NEUROLOOM_DATA=DATA python -m benchmarks.signal.ucr [--peer PYTHON] [--rivals MiniRocket] [--seed 0] [--sets Trace]

``--peer`` is the Python of another environment with aeon: its ``--rivals`` run there on the same arrays, set by set in
turn with ours: MiniRocket with the same head, QUANT and MultiRocket-Hydra (which needs torch there) as aeon's
classifiers with their own. One thread each; compilation is done before and counted apart. The last is compared against.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# ruff: noqa: E402 (thread limits count only when they are set before NumPy is imported)
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import numpy as np
from sklearn.linear_model import RidgeClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

PUBLISHED = {"MiniRocket": 0.8930, "MultiRocket-Hydra": 0.8946, "QUANT": 0.8873}
ALPHAS = np.logspace(-3, 3, 10)

Arrays = tuple[Any, Any, Any, Any]
Outcome = tuple[float, float, float]  # accuracy, CPU seconds of fit and of predict


RIVALS = ("MiniRocket", "MultiRocket-Hydra", "QUANT")


def under_ridge(features: Any) -> Any:
    """Return a classifier: the features, standardised, under a ridge head."""
    return make_pipeline(features, StandardScaler(), RidgeClassifierCV(ALPHAS))


def measure(model: Any, data: Arrays) -> Outcome:
    """Fit the model on the training part and score the test part."""
    X, y, X_test, y_test = data
    start = time.process_time()
    model.fit(X, y)
    fitted = time.process_time()
    accuracy = float(np.mean(model.predict(X_test) == y_test))
    return accuracy, fitted - start, time.process_time() - fitted


def serve_peer() -> None:
    """Answer paths of ``.npz`` files on standard input with a rival's outcome; runs in the peer's environment."""
    import aeon
    from aeon.classification.convolution_based import MultiRocketHydraClassifier
    from aeon.classification.interval_based import QUANTClassifier
    from aeon.transformations.collection.convolution_based import MiniRocket

    print(f"aeon {aeon.__version__}", flush=True)
    for line in sys.stdin:
        path, name, seed = line.split("\t")
        with np.load(path) as file:
            data = tuple(file[key] for key in ("X", "y", "X_test", "y_test"))
        given = {"random_state": int(seed)}
        if name == "MiniRocket":
            model = under_ridge(MiniRocket(n_jobs=1, **given))
        elif name == "MultiRocket-Hydra":
            model = MultiRocketHydraClassifier(n_jobs=1, **given)
        else:
            model = QUANTClassifier(**given)
        print(*measure(model, data), flush=True)


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
            raise SystemExit("the peer's Python ended early; has it aeon and scikit-learn?")
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


def univariate(folder: Path, names: list[str] | None) -> Iterator[tuple[str, Arrays]]:
    """Yield the univariate sets of the data folder with their default split, as float32."""
    from neuroloom.tasks import open_task

    for path in sorted((folder / "ucr").iterdir()):
        if not path.is_dir() or (names and path.name not in names):
            continue
        task = open_task(f"ucr:{path.name}", folder)
        data = task.load()
        split = task.split(data, 0, 0, 1)
        X = np.asarray(data.X, dtype=np.float32)
        if X.shape[1] == 1:
            labels = np.unique(np.asarray(data.y).astype(str), return_inverse=True)[1]
            yield path.name, (X[split.train], labels[split.train], X[split.test], labels[split.test])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--peer", help="Python of an environment with aeon; else that of `make peers`")
    parser.add_argument("--rivals", nargs="*", choices=RIVALS, default=["MiniRocket"])
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sets", nargs="*")
    arguments = parser.parse_args()
    if arguments.serve:
        return serve_peer()
    if "NEUROLOOM_DATA" not in os.environ:
        parser.error("set NEUROLOOM_DATA to a folder that holds ucr/NAME/NAME_TRAIN.ts or .tsv")
    from benchmarks.peers import peer_python
    from neuroloom.signal import WaveletFeatures, WaveletPPVFeatures

    seed = arguments.seed
    methods: dict[str, Callable[[Arrays], Outcome]] = {
        "wavelets + ridge": lambda data: measure(under_ridge(WaveletFeatures()), data),
        "wavelet-ppv + ridge": lambda data: measure(under_ridge(WaveletPPVFeatures(random_state=seed)), data),
    }
    with tempfile.TemporaryDirectory() as folder:
        python = arguments.peer or peer_python("aeon")
        peer = Peer(python, folder) if python else None
        if peer is None:
            print("without aeon's rivals: make peers PEERS=aeon")
        for rival in arguments.rivals if peer is not None else []:
            label = f"{rival} ({peer.version})" + (" + ridge" if rival == "MiniRocket" else "")
            methods[label] = lambda data, rival=rival: peer.measure(rival, data, seed)
        run(methods, list(univariate(Path(os.environ["NEUROLOOM_DATA"]), arguments.sets)))
        if peer is not None:
            peer.close()


def run(methods: dict[str, Callable[[Arrays], Outcome]], sets: list[tuple[str, Arrays]]) -> None:
    """Measure every method on every set and print the tables."""
    rng = np.random.default_rng(0)
    dry = (rng.normal(size=(20, 1, 50)).astype(np.float32), np.arange(20) % 2) * 2
    warm = {name: sum(method(dry)[1:]) for name, method in methods.items()}
    outcomes = {name: np.empty((len(sets), 3)) for name in methods}
    print(
        "| set | train | test | length | "
        + " | ".join(methods)
        + " |\n|---|--:|--:|--:|"
        + "--:|" * len(methods)
    )
    for i, (name, data) in enumerate(sets):
        for method, call in methods.items():
            outcomes[method][i] = call(data)
        scores = " | ".join(f"{outcomes[method][i, 0]:.4f}" for method in methods)
        print(f"| {name} | {len(data[0])} | {len(data[2])} | {data[0].shape[2]} | {scores} |", flush=True)
    last = list(methods)[-1]
    print(f"\n| over {len(sets)} sets | mean accuracy | fit, CPU-s | predict, CPU-s | first call, CPU-s | "
          f"wins - losses against {last.split(' (')[0]} |\n|---|--:|--:|--:|--:|--:|")  # fmt: skip
    for method, outcome in outcomes.items():
        gap = outcome[:, 0] - outcomes[last][:, 0]
        mean, fit, predict = outcome[:, 0].mean(), *outcome[:, 1:].sum(0)
        record = "" if method == last else f"{(gap > 0).sum()} - {(gap < 0).sum()}"
        print(f"| {method} | {mean:.4f} | {fit:.1f} | {predict:.1f} | {warm[method]:.1f} | {record} |")
    for name, figure in PUBLISHED.items():
        print(f"| {name}, published, the 40 sets | {figure:.4f} | | | | |")
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}, {os.cpu_count()} cores, 1 thread"
    print(f"\n{versions}, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
