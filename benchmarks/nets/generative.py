"""Samplers: what they miss of mixtures whose modes can be counted, and how good drawn digits are.

    python -m benchmarks.nets.generative [mixtures] [digits] [classes] [--seeds 10] [--samplers gan flow-matching]

``mixtures``: the ring of 8 normals (radius 2, spread 0.02) and the grid of 25 (2 apart, spread 0.05), 10,000 points to
learn from, 10,000 drawn; a mode is covered if a tenth of an even part of them lies within three standard deviations of
it. ``digits``: scikit-learn's digits as pictures, half to learn from; precision and recall by balls of 3 neighbours
and the Fréchet distance, against the other half, on features of our own CNN that was trained to tell the digits of the
first half. ``classes``: the same digits drawn class by class, and which of them a support vector machine that has
learned the real ones takes for what was asked. One thread; CPU seconds of the process.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from typing import Any

# ruff: noqa: E402 (thread limits count only when they are set before NumPy is imported)
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import numpy as np

from neuroloom import nets


def samplers(seed: int) -> dict[str, Any]:
    """Return the samplers by name, unfitted."""
    return {
        "gan": nets.GAN(random_state=seed),
        "gan, wasserstein": nets.GAN(loss="wasserstein", random_state=seed),
        "gan, columns as they are": nets.GAN(modes=0, random_state=seed),
        "vae": nets.VAE(random_state=seed),
        "vq-vae": nets.VQVAE(prior=True, random_state=seed),
        "flow-matching": nets.FlowMatching(random_state=seed),
        "diffusion": nets.Diffusion(random_state=seed),
    }


def mixtures(names: list[str], seeds: int) -> None:
    print(
        "\n| mixture | sampler | seed | modes covered | within 3 deviations | CPU-s a fit |\n|---|---|---|---|---|---|"
    )
    for title, mixture in (("ring of 8", nets.ring_of_normals()), ("grid of 25", nets.grid_of_normals())):
        for name in names:
            modes, shares, seconds = [], [], []
            for seed in range(seeds):
                model = samplers(seed)[name]
                began = time.process_time()
                model.fit(mixture.draw(10_000, seed))
                seconds.append(time.process_time() - began)
                found, share = mixture.covered(model.sample(10_000))
                modes.append(found)
                shares.append(share)
                print(
                    f"| {title} | {name} | {seed} | {found} | {share:.3f} | {seconds[-1]:.0f} |", flush=True
                )
            print(f"| {title} | {name} | all | {min(modes)} to {max(modes)} | {np.mean(shares):.3f} "
                  f"({min(shares):.3f} to {max(shares):.3f}) | {np.mean(seconds):.0f} |", flush=True)  # fmt: skip


def digits(names: list[str], seeds: int) -> None:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    X = X.reshape(-1, 1, 8, 8) / 16
    order = np.random.default_rng(0).permutation(len(X))
    here, there = order[:900], order[900:]
    features = nets.CNNFeatures(epochs=20, random_state=0).fit(X[here], y[here])
    seen = features.transform(X[there])
    print("\n| digits | precision | recall | Fréchet distance | CPU-s a fit |\n|---|---|---|---|---|")

    def row(name: str, drawn: Any, seconds: float) -> None:
        made = features.transform(drawn)
        precision, recall = nets.precision_recall(seen, made)
        distance = nets.frechet_distance(seen, made)
        print(f"| {name} | {precision:.3f} | {recall:.3f} | {distance:.1f} | {seconds:.0f} |", flush=True)

    row("real ones, the half learned from", X[here], 0)
    noise = np.random.default_rng(1).permuted(X[here].reshape(900, -1), axis=0).reshape(-1, 1, 8, 8)
    row("pixels shuffled over pictures", noise, 0)
    for name in names:
        for seed in range(seeds):
            model = samplers(seed)[name]
            began = time.process_time()
            model.fit(X[here])
            row(f"{name}, seed {seed}", model.sample(900), time.process_time() - began)


def classes(names: list[str]) -> None:
    from sklearn.datasets import load_digits
    from sklearn.svm import SVC

    X, y = load_digits(return_X_y=True)
    X = X.reshape(-1, 1, 8, 8) / 16
    order = np.random.default_rng(0).permutation(len(X))
    here, there = order[:900], order[900:]
    judge = SVC(C=10).fit(X[there].reshape(len(there), -1), y[there])
    asked = np.arange(1000) % 10
    print(
        "\n| digits by class | as asked | least of a class | spread within a class, of the real | CPU-s a fit |"
    )
    print("|---|---|---|---|---|")
    for name in names:
        model = samplers(0)[name].set_params(conditional=True)
        began = time.process_time()
        model.fit(X[here], y[here])
        seconds = time.process_time() - began
        drawn = model.sample(1000, y=asked)
        right = judge.predict(drawn.reshape(1000, -1)) == asked
        spread = [drawn[asked == c].std(0).mean() / X[y == c].std(0).mean() for c in range(10)]
        print(f"| {name} | {right.mean():.3f} | {min(right[asked == c].mean() for c in range(10)):.2f} | "
              f"{np.mean(spread):.2f} | {seconds:.0f} |", flush=True)  # fmt: skip


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", default=["mixtures", "digits"])
    parser.add_argument("--samplers", nargs="*")
    parser.add_argument("--seeds", type=int, default=10)
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{platform.python_version()}, torch {torch.__version__}, 1 thread, load {os.getloadavg()[0]:.1f}")
    if "mixtures" in given.parts:
        mixtures(given.samplers or ["gan", "flow-matching", "diffusion"], given.seeds)
    if "digits" in given.parts:
        digits(given.samplers or ["gan", "vae", "vq-vae", "flow-matching", "diffusion"], min(given.seeds, 3))
    if "classes" in given.parts:
        classes(given.samplers or ["vae", "vq-vae", "flow-matching", "diffusion"])


if __name__ == "__main__":
    main()
