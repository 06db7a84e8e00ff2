"""Deep nets of series and pictures: quality on known sets, and the cost of a training step.

    python -m benchmarks.nets.deep [digits] [ucr] [adding] [step] [transfer] [tokens] [copy] [shifts] …

``digits``: 5 stratified folds of scikit-learn's 8 × 8 digits. ``ucr``: sets of the archive with their default split,
NEUROLOOM_DATA. ``adding``: the sum of two marked numbers among 200 (Hochreiter & Schmidhuber 1997). ``step``: a step of
the estimator's loop against a loop written by hand in torch, alternating. ``transfer``: digits 5 to 9 from few labels
with a net of digits 0 to 4. ``tokens``: docstrings and brackets. ``copy``: ten symbols
to be written after a delay (``--delay``, ``--samples``, ``--epochs``); LSTM and GRU not at their defaults, but as in
SHORT_COPY, where it is below 100. ``shifts``: how far answers stay when a picture is moved. ``precision``: float32
against mixed. One thread; CPU seconds of the process.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from typing import Any

# ruff: noqa: E402 (thread limits count only when they are set before NumPy is imported)
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import numpy as np

from neuroloom.methods import make

SETS = ("GunPoint", "ItalyPowerDemand", "ArrowHead")
ADDING_RATES = {"lstm": 0.01}  # chosen on series of another draw; the others take their defaults
SHORT_COPY: dict[str, dict[str, Any]] = {  # chosen on words of another draw
    "gru": {"units": 128, "learning_rate": 0.01},
    "lstm": {"units": 128, "learning_rate": 0.01, "chrono": 40},
}
SERIES_METHODS = ("cnn", "fcn", "resnet", "inceptiontime", "tcn", "transformer", "lstm", "gru")


def _fit(model: Any, X: Any, y: Any) -> float:
    began = time.process_time()
    model.fit(X, y)
    return time.process_time() - began


def digits(methods: list[str] | None) -> None:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import StratifiedKFold

    X, y = load_digits(return_X_y=True)
    X = X.reshape(-1, 1, 8, 8)
    folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, y))
    turned: dict[str, Any] = {"augment": ("affine",)}
    print("\n| digits, 5 folds | accuracy | CPU-s a fit | parameters |\n|---|---|---|---|")
    for name, key, params in (
        ("svm", "svm", {}),
        ("cnn", "cnn", {}),
        ("cnn, affine", "cnn", turned),
        ("resnet, affine", "resnet", turned),
        ("lenet, affine", "lenet", turned),
        ("lenet of 1998, affine", "lenet", {**turned, "form": "1998"}),
        ("alexnet", "alexnet", {}),
        ("vgg", "vgg", {}),
        ("vgg, affine", "vgg", turned),
        ("googlenet", "googlenet", {}),
        ("googlenet, affine", "googlenet", turned),
        ("convnext", "convnext", {}),
        ("convnext, affine", "convnext", turned),
        ("capsnet", "capsnet", {}),
    ):
        if methods and key not in methods:
            continue
        scores, seconds = [], []
        for fold, (train, test) in enumerate(folds):
            seed = {} if key == "svm" else {"random_state": fold}
            model = make(key, "image", "classification", **params, **seed)
            seconds.append(_fit(model, X[train], y[train]))
            scores.append(model.score(X[test], y[test]))
        size = getattr(model, "n_parameters_", "")
        print(f"| {name} | {np.mean(scores):.4f} ± {np.std(scores, ddof=1):.4f} | {np.mean(seconds):.1f} | {size} |",
              flush=True)  # fmt: skip


def transfer(seeds: int) -> None:
    """Digits 0 to 4 as the base, 5 to 9 from few labels; scratch has as many steps as fine-tuning."""
    from sklearn.datasets import load_digits

    from neuroloom.nets import CNNClassifier, TransferClassifier

    X, y = load_digits(return_X_y=True)
    X, high = X.reshape(-1, 1, 8, 8), np.flatnonzero(y >= 5)
    shared: dict[str, Any] = {"epochs": 60, "learning_rate": 0.01}
    base = CNNClassifier((16, 32), 2, epochs=15, learning_rate=0.01, random_state=0).fit(X[y < 5], y[y < 5])
    variants: dict[str, dict[str, Any]] = {
        "first 2 of 4 blocks": {"keep": 2, "rate_decay": 1.0},
        "first 3": {"keep": 3, "rate_decay": 1.0},
        "all": {"rate_decay": 1.0},
        "all, rates falling by 0.8": {},
        "all, only the head learns": {"tune": "head"},
    }
    print("\n| digits 5 to 9, taken over | 2 labels a class | 5 | 20 |\n|---|---|---|---|")
    rows: dict[str, list[str]] = {"nothing": [], **{name: [] for name in variants}}
    for each in (2, 5, 20):
        scores: dict[str, list[float]] = {name: [] for name in rows}
        for seed in range(seeds):
            draws = np.random.default_rng(seed)
            known = np.concatenate([draws.permutation(high[y[high] == c])[:each] for c in range(5, 10)])
            held = np.setdiff1d(high, known)
            nets: dict[str, Any] = {"nothing": CNNClassifier((16, 32), 2, random_state=seed, **shared)}
            for name, params in variants.items():
                nets[name] = TransferClassifier(base, random_state=seed, **shared, **params)
            for name, net in nets.items():
                scores[name].append(net.fit(X[known], y[known]).score(X[held], y[held]))
        for name, found in scores.items():
            rows[name].append(f"{np.mean(found):.3f} ± {np.std(found, ddof=1):.3f}")
    for name, cells in rows.items():
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def tokens(methods: list[str]) -> None:
    """The first of five folds of the text tasks."""
    from neuroloom.tasks import open_task

    print("\n| texts | method | accuracy | CPU-s a fit |\n|---|---|---|---|")
    for name in ("docstrings", "brackets"):
        task = open_task(name)
        data = task.load(0)
        split = task.split(data, 0, 0, 5)
        for key in methods:
            model = make(key, "tokens", "classification")
            if "random_state" in model.get_params():
                model.set_params(random_state=0)
            seconds = _fit(model, data.X[split.train], data.y[split.train])
            score = model.score(data.X[split.test], data.y[split.test])
            print(f"| {name} | {key} | {score:.3f} | {seconds:.0f} |", flush=True)


def ucr(sets: list[str], methods: list[str], seeds: int) -> None:
    from neuroloom.tasks import open_task

    print("\n| set | method | accuracy, mean of seeds | CPU-s a fit | parameters |\n|---|---|---|---|---|")
    for name in sets:
        task = open_task(f"ucr:{name}")
        data = task.load(0)
        split = task.split(data, 0, 0, 5)
        for key in methods:
            scores, seconds = [], []
            for seed in range(seeds):
                model = make(key, "series", "classification", random_state=seed)
                seconds.append(_fit(model, data.X[split.train], data.y[split.train]))
                scores.append(model.score(data.X[split.test], data.y[split.test]))
            spread = f" ± {np.std(scores, ddof=1):.3f}" if seeds > 1 else ""
            quality, cost = f"{np.mean(scores):.3f}{spread}", f"{np.mean(seconds):.1f}"
            print(f"| {name} | {key} | {quality} | {cost} | {model.n_parameters_} |", flush=True)


def adding(methods: list[str], length: int = 200, n: int = 10_000) -> None:
    rng = np.random.default_rng(0)
    values, marks = rng.random((n + 1000, length)), np.zeros((n + 1000, length))
    rows = np.arange(len(values))
    marks[rows, rng.integers(0, length // 2, len(rows))] = 1
    marks[rows, rng.integers(length // 2, length, len(rows))] = 1
    X, y = np.stack([values, marks], axis=1), (values * marks).sum(1)
    error_of_mean = f"mean squared error (the mean's: {y.var():.3f})"
    print(f"\n| adding, T = {length}, {n} samples | {error_of_mean} | CPU-s a fit |\n|---|---|---|")
    for key in methods:
        params: dict[str, Any] = {"pooling": "last", "epochs": 25, "normalize": "none", "random_state": 0}
        params |= {"learning_rate": ADDING_RATES[key]} if key in ADDING_RATES else {}
        model = make(key, "series", "regression", **params)
        seconds = _fit(model, X[:n], y[:n])
        error = float(np.mean((model.predict(X[n:]) - y[n:]) ** 2))
        print(f"| {key} | {error:.5f} | {seconds:.0f} |", flush=True)


def shifts(epochs: int) -> None:
    """Digits in the middle of 16 × 16 pictures, two thirds to learn from; judged as they are, and wherever they are."""
    from sklearn.datasets import load_digits

    from neuroloom.nets import CNNClassifier, shift_consistency

    X, y = load_digits(return_X_y=True)
    X = np.pad(X.reshape(-1, 1, 8, 8), ((0, 0), (0, 0), (4, 4), (4, 4)))
    order = np.random.default_rng(0).permutation(len(y))
    train, test = order[:1200], order[1200:]
    print(
        f"\n| digits, {epochs} passes, halved by | accuracy | same answer after two shifts of up to 3 | CPU-s a fit |"
    )
    print("|---|---|---|---|")
    for pooling in ("max", "mean", "stride", "blur"):
        model = CNNClassifier((16, 32, 32), 1, pooling=pooling, epochs=epochs, random_state=0)
        seconds = _fit(model, X[train], y[train])
        kept = shift_consistency(model, X[test], shift=3)
        print(f"| {pooling} | {model.score(X[test], y[test]):.3f} | {kept:.3f} | {seconds:.0f} |", flush=True)


def copy(methods: list[str], delay: int, n: int, epochs: int) -> None:
    """Ten symbols, a delay of zeros, and the symbols at the end; the loss is over all steps (Arjovsky et al. 2016)."""
    import neuroloom.nets

    rng = np.random.default_rng(0)
    words = rng.integers(1, 9, (n + 500, 10))
    read, written = np.zeros((2, n + 500, delay + 20), np.int64)
    read[:, :10], read[:, delay + 9 :], written[:, -10:] = words, 9, words
    X = np.eye(10)[read].transpose(0, 2, 1)
    knowing_nothing = 10 * np.log(8) / (delay + 20)
    print(f"\n| copy memory, T = {delay}, {n} samples, {epochs} passes | cross-entropy (10 ln 8 / (T + 20): "
          f"{knowing_nothing:.4f}) | symbols right | CPU-s a fit |\n|---|---|---|---|")  # fmt: skip
    for key in methods:
        made = getattr(neuroloom.nets, f"{key.upper()}StepClassifier")
        params = SHORT_COPY.get(key, {}) if delay < 100 else {}
        model = made(epochs=epochs, normalize="none", random_state=0, **params)
        seconds = _fit(model, X[:n], written[:n])
        odds = model.predict_proba(X[n:])
        loss = -np.log(np.take_along_axis(odds, written[n:, :, None], 2)).mean()
        right = (odds.argmax(2) == written[n:])[:, -10:].mean()
        print(f"| {key} | {loss:.5f} | {right:.3f} | {seconds:.0f} |", flush=True)


def step(rounds: int = 7) -> None:
    """One epoch of the estimator and of a loop by hand over the same network, samples and optimiser."""
    import torch

    from neuroloom.core.seeding import derive

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(1024, 1, 128)), rng.integers(0, 4, 1024)
    print("\n| network | ours, CPU-s an epoch | by hand | ratio |\n|---|---|---|---|")
    for key, params in (
        ("cnn", {"filters": (16, 32)}),
        ("fcn", {"filters": (32, 64, 32)}),
        ("lstm", {"units": 32}),
    ):
        settings = {"epochs": 1, "schedule": "none", "clip_norm": None, "random_state": 0, **params}
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(rounds):
            model = make(key, "series", "classification", **settings)
            ours.append(_fit(model, X, y))
            began = time.process_time()
            mean, spread = X.mean((0, 2)), X.std((0, 2))
            values = torch.from_numpy(((X - mean[:, None]) / spread[:, None]).astype(np.float32))
            labels = torch.from_numpy(y)
            torch.manual_seed(derive(0, "by hand"))
            network = model._network(model.shape_, 4)
            optimizer = torch.optim.AdamW(network.parameters(), lr=0.003, weight_decay=0.01)
            for rows in torch.randperm(1024).split(32):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(network(values[rows]), labels[rows]).backward()
                optimizer.step()
            theirs.append(time.process_time() - began)
        a, b = statistics.median(ours), statistics.median(theirs)
        print(f"| {key} | {a:.3f} | {b:.3f} | {a / b:.2f} |", flush=True)


def precision(rounds: int = 3) -> None:
    """A pass over 512 samples in batches of 32 in either precision, alternating."""
    rng = np.random.default_rng(0)
    print("\n| network | float32, CPU-s a pass | mixed | ratio |\n|---|---|---|---|")
    for key, kind, shape in (
        ("cnn", "image", (512, 1, 28, 28)),
        ("fcn", "series", (512, 1, 128)),
        ("transformer", "series", (512, 1, 512)),
        ("lstm", "series", (512, 4, 128)),
        ("tcn", "series", (512, 1, 128)),
    ):
        X, y = rng.normal(size=shape), rng.integers(0, 4, 512)
        spent: dict[str, list[float]] = {"float32": [], "mixed": []}
        for _ in range(rounds):
            for how, seconds in spent.items():
                model = make(key, kind, "classification", epochs=1, precision=how, random_state=0)
                seconds.append(_fit(model, X, y))
        a, b = (statistics.median(seconds) for seconds in spent.values())
        print(f"| {key} | {a:.2f} | {b:.2f} | {b / a:.2f} |", flush=True)


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", default=["digits", "ucr", "adding", "step", "transfer"])
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    parser.add_argument("--methods", nargs="*")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--delay", type=int, default=500)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=15)
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{platform.python_version()}, torch {torch.__version__}, 1 thread, load {os.getloadavg()[0]:.1f}")
    if "step" in given.parts:
        step()
    if "digits" in given.parts:
        digits(given.methods)
    if "transfer" in given.parts:
        transfer(max(given.seeds, 5))
    if "tokens" in given.parts:
        tokens(
            given.methods
            or ["dummy", "ngrams+logreg", "ngrams+svm", "cnn", "tcn", "lstm", "gru", "transformer"]
        )
    if "adding" in given.parts:
        adding(given.methods or ["lstm", "gru", "tcn"])
    if "copy" in given.parts:
        copy(given.methods or ["tcn", "lstm", "gru"], given.delay, given.samples, given.epochs)
    if "precision" in given.parts:
        precision()
    if "shifts" in given.parts:
        shifts(given.epochs)
    if "ucr" in given.parts:
        ucr(given.sets, given.methods or list(SERIES_METHODS), given.seeds)


if __name__ == "__main__":
    main()
