import json
import os
import subprocess
import sys

import networkx as nx
from sklearn.base import clone

from neuroloom.core import Graph, NodeSet
from tests.graphs import test_embeddings, test_matrix_embeddings

METHODS = test_embeddings.SMALL + test_matrix_embeddings.SMALL
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


def test_one_seed_gives_one_embedding_whatever_the_threads():
    # numba keeps for good the number of threads that it starts with, and the other tests start it with one
    done = subprocess.run(
        [sys.executable, "-m", "tests.graphs.test_threads"],
        env={**os.environ, **dict.fromkeys(THREADS, "2")},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert found.pop("threads") == [1, 2]
    assert found == {type(method).__name__: [True, [34, 8], "float32"] for method in METHODS}


def main() -> None:
    """Print whether each method's embedding of the karate club is the same with one thread and with two."""
    import numba
    from threadpoolctl import threadpool_limits

    found: dict[str, list] = {"threads": []}
    made: dict[str, list] = {}
    X = NodeSet(Graph.of(nx.karate_club_graph()))
    for count in (1, 2):
        numba.set_num_threads(count)
        found["threads"].append(numba.get_num_threads())
        with threadpool_limits(count):
            for method in METHODS:
                fitted = clone(method).set_params(random_state=5).fit(X)
                made.setdefault(type(method).__name__, []).append(fitted.embedding_)
    for name, (one, two) in made.items():
        found[name] = [bool((one == two).all()), list(one.shape), str(one.dtype)]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
