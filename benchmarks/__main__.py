"""Run the benchmarks one after the other: ``python -m benchmarks [NAME ...] [--out build/benchmarks]``.

Without names, all of :data:`BENCHMARKS`. Each prints medians and ratios against its peer, measured in the same run,
with versions and thread counts; the folder gets a page for each room, with hardware, versions, peers, and what each
benchmark printed. What needs the data folder (NEUROLOOM_DATA) or a peer that is not installed says so and is passed
over.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.record import Benchmark, Outcome, write_page

BENCHMARKS = {
    "evolve.es_hyperneat": Benchmark("CPU seconds a generation of ES-HyperNEAT", peers=("pureples",)),
    "evolve.generation": Benchmark("CPU milliseconds a generation, and where they go"),
    "evolve.gradient": Benchmark("a gradient step of a population against torch's operations"),
    "evolve.recurrent": Benchmark("recurrent networks through time", peers=("neat-python",)),
    "evolve.scaling": Benchmark("a generation as population, genomes and threads grow; memory"),
    "evolve.simulators": Benchmark("steps of gymnasium's and of EnvPool's environments", peers=("envpool",)),
    "evolve.speed": Benchmark("seconds a generation", peers=("neat-python", "multineat")),
    "evolve.visual_discrimination": Benchmark("HyperNEAT finds the larger square, on finer fields too"),
    "evolve.xor": Benchmark("evaluations to solve XOR by the paper's criterion", peers=("neat-python",)),
    "graphs.carry_over": Benchmark("graph networks over graphs of very different kinds"),
    "graphs.cora": Benchmark("Cora: accuracy and CPU seconds a fit", peers=("torch-geometric",)),
    "graphs.embeddings": Benchmark(
        "BlogCatalog: CPU seconds and Micro-F1 of embeddings",
        ("prone", "nodevectors-prone", "deepwalk", "pecanpy-deepwalk"),
        ("nodevectors", "pecanpy"),
    ),
    "graphs.nested": Benchmark("graph networks on whole graphs by nested validation"),
    "graphs.roles": Benchmark("structural roles: mirrored karate club, barbell", ("--part", "toys")),
    "graphs.sampling": Benchmark("GraphSAGE from drawn neighbours on graphs of up to a million nodes"),
    "graphs.scale": Benchmark("embeddings of generated graphs of up to a million nodes"),
    "graphs.whole_graphs": Benchmark("features of whole graphs on MUTAG", ("mutag",)),
    "nets.batched": Benchmark("many dense nets at once against one by one"),
    "nets.conformal": Benchmark("coverage of intervals; probabilities that hold", peers=("mapie",)),
    "nets.deep": Benchmark("deep nets of series and pictures: quality, and a step against a loop by hand"),
    "nets.forecasting": Benchmark("forecasts over a rolling origin", peers=("statsforecast",)),
    "nets.generative": Benchmark("samplers: modes covered, and how good drawn digits are"),
    "nets.inceptiontime": Benchmark("InceptionTime trained as its authors do, and as we do"),
    "nets.policies": Benchmark("policies by gradient and evolved ones", peers=("stable-baselines3",)),
    "nets.tables": Benchmark(
        "tables: accuracy and R² against scikit-learn's methods", peers=("catboost", "pytabkit", "xrfm")
    ),
    "nets.uncertainty": Benchmark("dense nets with uncertainty on five published tables"),
    "runner.install": Benchmark("installed MB, CPU seconds of imports"),
    "runner.overhead": Benchmark("CPU milliseconds a trial", peers=("joblib", "pebble")),
    "runner.scale": Benchmark("what the bench costs from 100 to 100,000 trials"),
    "runner.serving": Benchmark(
        "a served model: requests a second, p50 and p99, malformed requests", peers=("mlserver",)
    ),
    "runner.shared_data": Benchmark(
        "data put once into the object store against read by each worker", peers=("ray",)
    ),
    "signal.adaptive": Benchmark("learned and evolved wavelets against the best fixed one"),
    "signal.analysis": Benchmark(
        "continuous transform, coherence, denoising, change points",
        peers=("pywavelets", "pycwt", "ptwt", "ssqueezepy", "ruptures", "scikit-image"),
    ),
    "signal.anomalies": Benchmark("detectors of anomalies on whole series"),
    "signal.ucr": Benchmark("UCR archive: accuracy and CPU seconds", peers=("aeon",)),
    "statistics.false_winners": Benchmark("false winners among equal methods"),
}

_SEEDS = "evolves every row over many seeds, which takes hours; its arguments choose a part"
STUDIES = {
    "evolve.control": _SEEDS,
    "evolve.double_pole": _SEEDS,
    "evolve.dual_task": _SEEDS,
    "evolve.learning": _SEEDS,
    "evolve.maze": _SEEDS,
    "evolve.picture": "a bench of its own: neuroloom run benchmarks/evolve/picture.toml",
    "evolve.plasticity": _SEEDS,
    "evolve.retina": _SEEDS,
    "evolve.retina_direct": _SEEDS,
    "evolve.weights": "a bench of its own: neuroloom run benchmarks/evolve/weights.toml",
    "graphs.links": "five networks by two dozen methods, which takes hours; its arguments choose a part",
    "graphs.peer_walks": "a peer's part of graphs.embeddings, run in the peer's own environment",
    "nets.autoencoders": "a bench of its own: neuroloom run benchmarks/nets/autoencoders.toml",
    "nets.outliers": "a bench of its own: neuroloom run benchmarks/nets/outliers.toml",
    "nets.rare_classes": "a bench of its own: neuroloom run benchmarks/nets/rare_classes.toml",
    "nets.strings": "trains four nets on each of four tasks, which takes hours; its arguments choose a part",
    "runner.tuning": "a bench of its own: neuroloom run benchmarks/runner/tuning.toml",
    "signal.graphs_of_series": "a bench of its own: neuroloom run benchmarks/signal/graphs_of_series.toml",
    "signal.members": "six draws of 41 sets, which take a quarter of an hour; its arguments choose a part",
}
"""What is measured, but not by a plain run of this module, and why."""


def main(given: list[str]) -> int:
    """Run the named benchmarks, or all; return how many failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="as evolve.speed; all unless named")
    parser.add_argument("--out", type=Path, help="the folder that gets a page for each room")
    args = parser.parse_args(given)
    strange = [name for name in args.names if name not in BENCHMARKS]
    if strange:
        reasons = [f"{name}: {STUDIES[name]}" for name in strange if name in STUDIES]
        print("\n".join(reasons) or f"no benchmark {', '.join(strange)}; there are:")
        if not reasons:
            print("\n".join(f"  {name:28} {one.what}" for name, one in BENCHMARKS.items()))
        return 2
    outcomes: list[Outcome] = []
    for name in args.names or BENCHMARKS:
        outcomes.append(run(name, BENCHMARKS[name]))
        if args.out is not None:  # at once, so that a run that is stopped keeps what it has
            room = name.partition(".")[0]
            write_page(args.out, room, [one for one in outcomes if one.name.startswith(f"{room}.")])
    if args.out is not None:
        print(f"\npages of the rooms: {args.out}")
    return sum(one.code != 0 for one in outcomes)


def run(name: str, benchmark: Benchmark) -> Outcome:
    """Run one benchmark and pass on what it prints."""
    print(f"\n== {name}: {benchmark.what}", flush=True)
    began, before = time.monotonic(), _cpu()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", f"benchmarks.{name}", *benchmark.words]
    printed = []
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            printed.append(line)
    code, wall = process.returncode, time.monotonic() - began
    print(f"== {name}: {'done' if code == 0 else f'exit status {code}'} in {wall:.0f} s", flush=True)
    return Outcome(name, benchmark, code, wall, _cpu() - before, "".join(printed))


def _cpu() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
