"""Continuous transform, coherence, denoising and change points against PyWavelets, pycwt, ptwt, ssqueezepy, ruptures.

    python -m benchmarks.signal.analysis [--repeats 3] [--surrogates 300] [cwt coherence denoise changes]

Peers that are not installed are left out and named. One thread; each round runs ours and every peer in turn.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import time
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any

# ruff: noqa: E402 (thread limits count only when they are set before NumPy is imported)
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
os.environ.setdefault("SSQ_PARALLEL", "0")

import numpy as np
import pywt
import torch

torch.set_num_threads(1)

SIGNALS = ("Doppler", "Blocks", "HeaviSine", "Bumps")


def there(name: str) -> bool:
    """Return whether a peer is installed."""
    return importlib.util.find_spec(name) is not None


def rounds(rivals: dict[str, Callable[[], Any]], repeats: int) -> dict[str, list[float]]:
    """Return CPU seconds of each rival, all in turn in every round; the first round of each is not counted."""
    spent: dict[str, list[float]] = {name: [] for name in rivals}
    for k in range(repeats + 1):
        for name, work in rivals.items():
            start = time.process_time()
            work()
            if k:
                spent[name].append(time.process_time() - start)
    return spent


def show(spent: dict[str, list[float]]) -> None:
    """Print medians and how many times ours each takes."""
    ours = statistics.median(next(iter(spent.values())))
    for name, seconds in spent.items():
        middle = statistics.median(seconds)
        print(f"  {name:46} {middle:9.3f} CPU-s  {middle / ours:6.1f} x")


def bench_cwt(repeats: int, _: int) -> None:
    """Morlet transforms of 1,000 signals at 32 scales: all coefficients, and mean power only."""
    from neuroloom.signal import _cwt, cwt
    from neuroloom.signal.continuous_wavelets import Morlet

    for n in (1024, 4096):
        x = np.random.default_rng(0).standard_normal((1000, n)).astype(np.float32)
        scales = np.geomspace(2, n / 6, 32)

        def ours(x: Any = x, scales: Any = scales) -> Any:
            return cwt(x, scales=scales, precision="single", device="cpu").coefficients

        def power(x: Any = x, scales: Any = scales, n: int = n) -> Any:
            groups = _cwt.plan(Morlet(), scales, n, "zero", "L2", torch.complex64, "cpu")
            out = torch.empty(len(x), len(scales))
            for rows, j, found in _cwt.blocks(torch.from_numpy(x), groups, "zero"):
                parts = torch.view_as_real(found).flatten(1)
                out[rows, j] = torch.linalg.vecdot(parts, parts)
            return out

        rivals: dict[str, Callable[[], Any]] = {
            "neuroloom, all coefficients": ours,
            "neuroloom, mean power": power,
            "pywt.cwt(method='fft')": lambda x=x, s=scales: pywt.cwt(x, s, "cmor2.0-0.955", method="fft"),
        }
        if there("ptwt"):
            import ptwt

            rivals["ptwt.cwt"] = lambda x=x, s=scales: ptwt.cwt(torch.from_numpy(x), s, "cmor2.0-0.955")
        if there("ssqueezepy"):
            import ssqueezepy

            rivals["ssqueezepy.cwt"] = lambda x=x, s=scales: ssqueezepy.cwt(
                x, ("morlet", {"mu": 6}), scales=s.astype(np.float32), padtype="zero"
            )
        print(f"\n1,000 x {n}, 32 scales, Morlet")
        show(rounds(rivals, repeats))
        print(f"  largest error of ours over the largest coefficient: {cwt_error(x[:3], scales):.1e}")


def cwt_error(x: Any, scales: Any) -> float:
    """Return the error against a direct sum in double precision with the exactly sampled wavelet."""
    from neuroloom.signal import cwt
    from neuroloom.signal.continuous_wavelets import Morlet

    found = cwt(x, scales=scales, precision="single", device="cpu").coefficients
    x = x.astype(np.float64) - x.astype(np.float64).mean(-1, keepdims=True)
    n = x.shape[-1]
    worst = 0.0
    most = float(np.abs(found).max())
    for j, s in enumerate(scales):
        kernel = Morlet().time(np.arange(-n + 1, n) / s) / np.sqrt(s)
        for row in range(len(x)):
            direct = np.correlate(np.pad(x[row], n - 1), kernel, "valid")
            worst = max(worst, float(np.abs(direct - found[row, j]).max()))
    return worst / most


def bench_coherence(_: int, surrogates: int) -> None:
    """Coherence of two series of 1,000 samples with Monte-Carlo significance; pycwt draws a thirtieth of the pairs."""
    from neuroloom.signal import coherence
    from neuroloom.signal.cross_wavelet import red_noise

    n, t = 1000, np.arange(1000)
    x, y = red_noise([0.5, 0.7], n, 3)
    x, y = x + np.sin(2 * np.pi * t / 40), y + np.sin(2 * np.pi * (t - 10) / 40)
    print(f"\nn = 1,000, 12 voices an octave, {surrogates} pairs of surrogates")
    coherence(x, y, surrogates=2, random_state=0, device="cpu")  # what is done once
    before = time.process_time()
    ours = coherence(x, y, surrogates=surrogates, random_state=0, device="cpu")
    own = (time.process_time() - before) / surrogates
    print(f"  {'neuroloom.signal.coherence, all periods':46} {own:9.4f} CPU-s a pair")
    if not there("pycwt"):
        return
    import pycwt

    few = max(surrogates // 30, 2)
    for name, last in (("periods to 128", 72), ("all periods", -1)):
        before = time.process_time()
        with warnings.catch_warnings(), redirect_stdout(None):
            warnings.simplefilter("ignore")
            theirs, _, _, frequencies, threshold = pycwt.wct(
                x, y, 1.0, dj=1 / 12, s0=2 / 1.033, J=last, mc_count=few, progress=False, cache=False
            )
        spent = (time.process_time() - before) / few
        label = f"pycwt.wct, {name}, {few} pairs"
        print(f"  {label:46} {spent:9.4f} CPU-s a pair {spent / own:7.1f} x")
    common = min(len(frequencies), len(ours.periods))
    inside = ours.inside_cone[:common] & (ours.periods[:common, None] < 100)
    both = np.corrcoef(ours.values[:common][inside], theirs[:common][inside])[0, 1]
    agree = (ours.significant[:common] == (theirs[:common] > threshold[:common, None]))[inside].mean()
    print(f"  inside the cone, periods below 100: correlation {both:.4f}, same verdict at {agree:.1%}")


def bench_denoise(_: int, __: int) -> None:
    """Mean squared error on the four signals of Donoho and Johnstone, SNR 7, n = 2,048, 20 draws of noise."""
    from neuroloom.signal import denoise

    print("\nmean squared error, noise of variance 1, 20 draws: " + ", ".join(SIGNALS))
    ways: dict[str, Callable[[Any], Any]] = {
        "defaults (stationary, empirical Bayes, sym8)": lambda z: denoise(z, boundary="periodic").signal,
        "stationary, blocks": lambda z: denoise(z, threshold="block", boundary="periodic").signal,
        "stationary, universal hard": lambda z: denoise(z, threshold="universal", boundary="periodic").signal,
        "stationary, universal hard, haar": lambda z: (
            denoise(z, "haar", threshold="universal", boundary="periodic").signal
        ),
        "dual tree, empirical Bayes": lambda z: denoise(z, transform="dual-tree", boundary="periodic").signal,
        "dual tree, blocks": lambda z: (
            denoise(z, threshold="block", transform="dual-tree", boundary="periodic").signal
        ),
        "dual tree, universal hard": lambda z: (
            denoise(z, threshold="universal", transform="dual-tree", boundary="periodic").signal
        ),
        "decimated, empirical Bayes": lambda z: denoise(z, transform="decimated", boundary="periodic").signal,
        "decimated, SURE": lambda z: (
            denoise(z, threshold="sure", transform="decimated", boundary="periodic").signal
        ),
        "decimated, universal hard": lambda z: (
            denoise(z, threshold="universal", transform="decimated", boundary="periodic").signal
        ),
        "decimated, universal soft": lambda z: (
            denoise(z, threshold="universal", rule="soft", transform="decimated", boundary="periodic").signal
        ),
    }
    if there("skimage"):
        from skimage.restoration import denoise_wavelet

        for method in ("BayesShrink", "VisuShrink"):
            ways[f"scikit-image, {method}"] = lambda z, method=method: denoise_wavelet(
                z, wavelet="sym8", method=method, mode="soft", rescale_sigma=False
            )
    for name, work in ways.items():
        errors = []
        for signal in SIGNALS:
            clean = pywt.data.demo_signal(signal, 2048)
            clean = 7 * clean / clean.std()
            draws = [np.random.default_rng(seed).standard_normal(2048) for seed in range(20)]
            errors.append(np.mean([((work(clean + noise) - clean) ** 2).mean() for noise in draws]))
        print(f"  {name:46} " + "  ".join(f"{error:.3f}" for error in errors))


def bench_changes(_: int, __: int) -> None:
    """Steps found within 5 samples, and false ones, over 100 signals of 5 steps and 100 of none."""
    from neuroloom.signal import change_points

    sizes, levels = (200, 50, 300, 10, 240, 200), (0, 3, -1, 4, 1, 0)
    truth = np.cumsum(sizes)[:-1]
    steps = np.repeat(levels, sizes)
    ways: dict[str, Callable[[Any], Any]] = {
        "neuroloom.signal.change_points": lambda z: change_points(z).positions
    }
    if there("ruptures"):
        import ruptures

        def exact(z: Any) -> Any:
            penalty = 2 * np.log(len(z)) * (np.median(np.abs(np.diff(z))) / 0.6745) ** 2 / 2 * 1.2
            return np.array(ruptures.KernelCPD("linear", min_size=2).fit_predict(z, pen=penalty)[:-1])

        ways["ruptures.KernelCPD, linear, 1.2 x 2 s2 log n"] = exact
    print(
        "\n5 steps in 1,000 samples, noise of variance 1, 100 draws: found, extra, false on noise, CPU-s a signal"
    )
    for name, work in ways.items():
        found = extra = false = 0.0
        start = time.process_time()
        for seed in range(100):
            noise = np.random.default_rng(seed).standard_normal(1000)
            there_now = work(steps + noise)
            hits = sum(np.abs(there_now - at).min(initial=999) <= 5 for at in truth)
            found += hits / 100
            extra += max(0, len(there_now) - hits) / 100
            false += (len(work(noise)) > 0) / 100
        spent = (time.process_time() - start) / 200
        print(f"  {name:46} {found:.2f} of 5  {extra:.2f}  {false:.0%}  {spent:.4f}")


PARTS = {"cwt": bench_cwt, "coherence": bench_coherence, "denoise": bench_denoise, "changes": bench_changes}


def main() -> None:
    """Run the parts named on the command line, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--surrogates", type=int, default=300)
    given = parser.parse_args()
    from importlib.metadata import version

    peers = [
        name
        for name in ("pycwt", "ptwt", "ssqueezepy", "ruptures", "scikit-image")
        if there(name.replace("scikit-image", "skimage"))
    ]
    shown = ["numpy", "scipy", "torch", "PyWavelets", *peers]
    print(
        "one thread; "
        + ", ".join(f"{name} {version(name)}" for name in shown)
        + f"; load {os.getloadavg()[0]:.1f}"
    )
    for name in given.parts or PARTS:
        PARTS[name](given.repeats, given.surrogates)


if __name__ == "__main__":
    main()
