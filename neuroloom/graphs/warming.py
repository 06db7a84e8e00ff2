"""Compiling the kernels ahead of the first fit, so that no trial's time holds what an installation pays once."""

from __future__ import annotations

from typing import Any

import numpy as np

_RING = np.column_stack([np.arange(12), (np.arange(12) + 1) % 12])


def warm_up_walks(kind: str, problem: str) -> None:
    """Compile, or read from numba's cache on disk, what DeepWalk and node2vec run."""
    from neuroloom.graphs.deepwalk import DeepWalk
    from neuroloom.graphs.node2vec import Node2Vec

    sizes: dict[str, Any] = {"dimensions": 8, "walks": 1, "walk_length": 5, "random_state": 0}
    DeepWalk(**sizes).fit(_RING)
    Node2Vec(**sizes, p=0.5, q=2.0).fit(_RING)


def warm_up_networks(kind: str, problem: str) -> None:
    """Compile, or read from numba's cache on disk, what graph neural networks run."""
    from neuroloom.core.samples import NodeSet
    from neuroloom.graphs.gat import GATNodeClassifier
    from neuroloom.graphs.gatv2 import GATv2NodeClassifier
    from neuroloom.graphs.gcn import GCNNodeClassifier

    nodes = NodeSet(_RING)
    for network in (GCNNodeClassifier, GATNodeClassifier, GATv2NodeClassifier):
        network(epochs=2, random_state=0).fit(nodes, np.arange(12) % 2).predict(nodes)


def warm_up_pairs(kind: str, problem: str) -> None:
    """Compile, or read from numba's cache on disk, what link heuristics run."""
    from neuroloom.graphs.pair_scores import HEURISTICS, link_scores

    for heuristic in HEURISTICS:
        link_scores(_RING, np.array([[0, 5], [1, 4]]), heuristic)


def warm_up_roles(kind: str, problem: str) -> None:
    """Compile, or read from numba's cache on disk, what struc2vec and ReFeX run."""
    from neuroloom.graphs.refex import ReFeXFeatures
    from neuroloom.graphs.struc2vec import Struc2Vec

    Struc2Vec(dimensions=8, walks=1, walk_length=5, epochs=1, random_state=0).fit(_RING)
    ReFeXFeatures().fit_transform(_RING)


def warm_up_personas(kind: str, problem: str) -> None:
    """Compile, or read from numba's cache on disk, what Splitter runs."""
    from neuroloom.core.samples import LinkSet
    from neuroloom.graphs.splitter import Splitter

    for clustering in ("connected-components", "label-propagation"):
        fitted = Splitter(8, 1, 5, random_state=0, clustering=clustering).fit(_RING)
    fitted.transform(LinkSet(_RING, [[0, 5]]))


def warm_up_whole_graphs(kind: str, problem: str) -> None:
    """Compile, or read from numba's cache on disk, what graph2vec and FEATHER run."""
    from neuroloom.core.samples import GraphSet
    from neuroloom.graphs.feather import FEATHERFeatures
    from neuroloom.graphs.graph2vec import Graph2Vec

    X = GraphSet([_RING, _RING[:-1]])
    Graph2Vec(dimensions=8, epochs=1, random_state=0).fit_transform(X)
    FEATHERFeatures(scales=1, points=1).fit_transform(X)


def warm_up_matrices(kind: str, problem: str) -> None:
    """Compile, or read from numba's cache on disk, what the embeddings by matrix factorisation and projection run."""
    from neuroloom.graphs.fastrp import FastRP
    from neuroloom.graphs.lightne import LightNE
    from neuroloom.graphs.netmf import NetMF

    for method in (FastRP(8), LightNE(8), NetMF(8, 2)):
        method.fit(_RING)


def warm_up_contrasts(kind: str, problem: str) -> None:
    """Compile, or read from numba's cache on disk, what GGVec and GloVe run."""
    from neuroloom.graphs.ggvec import GGVec
    from neuroloom.graphs.glove import GloVe

    GGVec(8, epochs=1).fit(_RING)
    GloVe(8, walks=1, walk_length=5, epochs=1).fit(_RING)
