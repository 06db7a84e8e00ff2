"""Run the benchmarks one after the other: ``python -m benchmarks [NAME ...]``; without names, all of them.

Each prints medians and ratios against its peer, measured in the same run, with versions and thread counts. What needs
the data folder (NEUROLOOM_DATA) or a peer that is not installed says so and is passed over.
"""

import os
import subprocess
import sys
import time

BENCHMARKS = {
    "evolve.speed": "seconds a generation against neat-python",
    "evolve.visual_discrimination": "HyperNEAT finds the larger square, on finer fields too",
    "evolve.xor": "evaluations to solve XOR by the paper's criterion",
    "graphs.embeddings": "BlogCatalog: CPU seconds and Micro-F1 against nodevectors and PecanPy with gensim",
    "graphs.cora": "Cora: accuracy and CPU seconds a fit against PyTorch Geometric's layers",
    "graphs.carry_over": "graph networks over graphs of very different kinds",
    "graphs.nested": "graph networks on whole graphs by nested validation",
    "graphs.sampling": "GraphSAGE from drawn neighbours on graphs of up to a million nodes",
    "nets.batched": "many dense nets at once against one by one",
    "nets.deep": "deep nets of series and pictures: quality, and a step against a loop by hand",
    "nets.forecasting": "forecasts over a rolling origin against statsforecast's automatic models",
    "nets.tables": "tables: accuracy and R² against scikit-learn's methods",
    "runner.overhead": "CPU milliseconds a trial against joblib and pebble",
    "runner.scale": "what the bench costs from 100 to 100,000 trials",
    "runner.shared_data": "data put once into the object store of Ray against read by each worker",
    "runner.serving": "a served model: requests a second, p50 and p99, and malformed requests",
    "signal.analysis": "continuous transform, coherence, denoising, change points against their peers",
    "signal.ucr": "UCR archive: accuracy and CPU seconds",
    "statistics.false_winners": "false winners among equal methods",
}


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all; return how many failed."""
    strange = [name for name in names if name not in BENCHMARKS]
    if strange:
        print(f"no benchmark {', '.join(strange)}; there are:")
        print("\n".join(f"  {name:26} {what}" for name, what in BENCHMARKS.items()))
        return 2
    failed = 0
    for name in names or BENCHMARKS:
        print(f"\n== {name}: {BENCHMARKS[name]}", flush=True)
        began = time.monotonic()
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        code = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], env=environment).returncode
        failed += code != 0
        print(
            f"== {name}: {'done' if code == 0 else f'exit status {code}'} in {time.monotonic() - began:.0f} s"
        )
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
