"""Node embeddings on BlogCatalog: CPU seconds and Micro-F1, beside nodevectors, PecanPy with gensim, and GRAPE.

Protocol of Perozzi et al. 2014: one-vs-rest logistic regression on half of the nodes, as many labels predicted for a
node of the other half as it has, Micro-F1, mean over shuffles. One thread throughout. Where a default had to be chosen,
the labels of a fixed 30 % of the nodes were looked at (:func:`chosen_on`); these nodes always train here, so that no
label of a test half had a part in it.

    NEUROLOOM_DATA=... python -m benchmarks.graphs.embeddings prone nodevectors-prone deepwalk
    make peers PEERS=pecanpy && ... python -m benchmarks.graphs.embeddings deepwalk pecanpy-deepwalk
"""

from __future__ import annotations

import argparse
import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import subprocess
import tempfile
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import scipy.io
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier

from benchmarks.peers import peer_python
from neuroloom.core import Graph
from neuroloom.core.seeding import stream

PEER_PYTHON = None  # set by --peer-python; without it, what `make peers` has built
PEER_SAID = []


def blogcatalog():
    """Return the graph and ``(n, 39)`` labels."""
    stored = scipy.io.loadmat(Path(os.environ["NEUROLOOM_DATA"]) / "blogcatalog" / "blogcatalog.mat")
    return Graph.of(stored["network"]), stored["group"].toarray() > 0


def chosen_on(n):
    """Return the nodes on which defaults were chosen, and those whose labels nobody has looked at."""
    order = stream(0, "selection").permutation(n)
    return np.split(order, [int(0.3 * n)])


def micro_f1(vectors, labels, shuffles, share=0.5):
    """Return the Micro-F1 of each shuffle."""
    scores = []
    seen, fresh = chosen_on(len(labels))
    for shuffle in range(shuffles):
        order = np.concatenate([seen, fresh[stream(shuffle, "fresh shuffles").permutation(len(fresh))]])
        train, test = np.split(order, [int(share * len(order))])
        head = OneVsRestClassifier(LogisticRegression(solver="liblinear")).fit(vectors[train], labels[train])
        ranked = np.argsort(-head.predict_proba(vectors[test]), axis=1)
        wanted = labels[test].sum(axis=1)
        guess = np.zeros_like(labels[test])
        for row, order_, count in zip(guess, ranked, wanted, strict=True):
            row[order_[:count]] = True
        scores.append(f1_score(labels[test], guess, average="micro"))
    return np.array(scores)


def prone(graph, seed):
    from neuroloom.graphs import ProNE

    return ProNE(random_state=seed).fit(graph).embedding_


def deepwalk(graph, seed):
    from neuroloom.graphs import DeepWalk

    return DeepWalk(random_state=seed).fit(graph).embedding_


def node2vec(graph, seed):
    from neuroloom.graphs import Node2Vec

    return Node2Vec(p=0.25, q=0.25, random_state=seed).fit(graph).embedding_


def deepwalk_paper(graph, seed):
    from neuroloom.graphs import DeepWalk

    return DeepWalk(walks=80, walk_length=40, random_state=seed).fit(graph).embedding_


def nodevectors_prone(graph, seed):
    """nodevectors' own two steps; its ``fit`` needs networkx 2 and is passed by."""
    from nodevectors import ProNE

    model = ProNE(n_components=128, verbose=False)
    matrix = graph.to_scipy()
    import scipy.sparse

    matrix = scipy.sparse.csr_matrix(matrix)
    features = model.pre_factorization(matrix, model.n_components, model.exponent)
    return model.chebyshev_gaussian(
        matrix, features, model.n_components, step=model.step, mu=model.mu, theta=model.theta
    )


def walklets(graph, seed):
    from neuroloom.graphs import Walklets

    return Walklets(random_state=seed).fit(graph).embedding_


def peer(name, p, q):
    """Return a method that another Python runs, which prints its own CPU seconds."""

    def run(graph, seed):
        if graph.n_nodes < 1000:  # the other process compiles by itself
            return None
        python = PEER_PYTHON or peer_python(name)
        if python is None:
            raise FileNotFoundError(
                f"left out: {name} needs an environment of its own: make peers PEERS={name}, or --peer-python."
            )
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder) / "edges.npz", Path(folder) / "vectors.npy"
            np.savez(source, edges=graph.edges(), n=graph.n_nodes, p=p, q=q)
            script = Path(__file__).with_name("peer_walks.py")
            command = [python, "-W", "ignore", str(script), name, str(source), str(target), str(seed)]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")
            walking, training, *versions = said[-2].split()
            PEER_SAID.append(f"{name}: walks {walking} s, training {training} s; {', '.join(versions)}")
            return np.load(target), float(walking) + float(training)

    return run


def ours(name, **settings):
    """Return a method of ours with its defaults, or with ``settings``."""

    def run(graph, seed):
        from neuroloom import graphs

        return getattr(graphs, name)(random_state=seed, **settings).fit(graph).embedding_

    return run


def nodevectors_ggvec(graph, seed):
    """The loop that nodevectors' GGVec runs, with its defaults; its ``fit`` needs networkx 2 and is passed by."""
    from csrgraph.ggvec import ggvec_main
    from nodevectors import GGVec

    model = GGVec(n_components=128, verbose=False)
    names = ("tol", "tol_samples", "negative_ratio", "exponent", "max_loss", "max_epoch", "learning_rate")
    return ggvec_main(
        graph.indptr,
        graph.indices,
        graph.weights,
        128,
        **{n: getattr(model, n) for n in names},
        verbose=False,
    )


METHODS = {
    "prone": prone,
    "nodevectors-prone": nodevectors_prone,
    "deepwalk": deepwalk,
    "node2vec": node2vec,
    "deepwalk-paper": deepwalk_paper,
    "walklets": walklets,
    "pecanpy-deepwalk": peer("pecanpy", 1.0, 1.0),
    "pecanpy-node2vec": peer("pecanpy", 0.25, 0.25),
    "grape-deepwalk": peer("grape", 1.0, 1.0),
    "fastrp": ours("FastRP"),
    "netmf": ours("NetMF"),
    "netmf-window-3": ours("NetMF", window=3, eigenpairs=None),
    "lightne": ours("LightNE"),
    "lightne-20": ours("LightNE", samples=20.0),
    "grarep": ours("GraRep"),
    "laplacian-eigenmaps": ours("LaplacianEigenmaps"),
    "ggvec": ours("GGVec"),
    "nodevectors-ggvec": nodevectors_ggvec,
    "glove": ours("GloVe"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("methods", nargs="*", default=["prone", "nodevectors-prone", "deepwalk"])
    parser.add_argument(
        "--repeats", type=int, default=3, help="timings, taken in turns; the median is printed"
    )
    parser.add_argument("--shuffles", type=int, default=5)
    parser.add_argument("--peer-python", help="the Python of an environment with PecanPy or GRAPE")
    options = parser.parse_args()
    global PEER_PYTHON
    PEER_PYTHON = options.peer_python
    warnings.filterwarnings("ignore")
    graph, labels = blogcatalog()
    small = Graph.of(np.column_stack([np.arange(300), (np.arange(300) + 1) % 300]))
    for name in options.methods:
        METHODS[name](small, 0)  # kernels are compiled or loaded here
    packages = ("numpy", "scipy", "numba", "scikit-learn", "nodevectors")
    print("one thread;", ", ".join(f"{p} {version(p)}" for p in packages if _installed(p)))
    print(
        f"{'method':<20}{'CPU-s (median)':>16}{'Micro-F1 %':>12}{'± sd':>7}  over {options.shuffles} shuffles",
        flush=True,
    )
    seconds = {name: [] for name in options.methods}
    for repeat in range(options.repeats):
        for name in options.methods:
            began = time.process_time()
            try:
                made = METHODS[name](graph, repeat)
            except FileNotFoundError as missing:
                print(missing, flush=True)
                continue
            spent = time.process_time() - began
            vectors, spent = made if isinstance(made, tuple) else (made, spent)
            seconds[name].append(spent)
            if repeat == options.repeats - 1:
                report(name, seconds[name], 100 * micro_f1(vectors, labels, options.shuffles))
    print("\n".join(PEER_SAID))


def report(name, seconds, scores):
    """Print a method's row."""
    spread = scores.std(ddof=1) if len(scores) > 1 else float("nan")
    print(f"{name:<20}{np.median(seconds):>16.2f}{scores.mean():>12.2f}{spread:>7.2f}", flush=True)


def _installed(package):
    try:
        return bool(version(package))
    except ImportError:
        return False


if __name__ == "__main__":
    main()
