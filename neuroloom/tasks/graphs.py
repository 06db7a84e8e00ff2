"""Whole-graph classification: sets in the text layout of the TU Dortmund collection."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np

from neuroloom.core.errors import InputError
from neuroloom.core.graph import Graph
from neuroloom.core.samples import GraphSet
from neuroloom.tasks.base import NamedTask
from neuroloom.tasks.folder import fetch, hash_files
from neuroloom.tasks.metrics import DEFAULTS
from neuroloom.tasks.task import Data

_SETS = {
    "mutag": ("MUTAG", "188 nitroaromatic compounds, mutagenic or not; atoms are labelled",
              "Debnath et al. 1991, Structure-activity relationship of mutagenic compounds"),
    "proteins": ("PROTEINS", "1,113 proteins, enzymes or not; helices, sheets and turns are nodes",
                 "Borgwardt et al. 2005, Protein function prediction via graph kernels"),
}  # fmt: skip
_PARTS = ("A", "graph_indicator", "graph_labels", "node_labels")


class WholeGraphs(NamedTask):
    """A set of the TU Dortmund collection; node labels become one-hot features."""

    kind = "graphs"
    problem = "classification"
    metrics = DEFAULTS["classification"]
    needs = "download"

    def __init__(self, name: str, data: Path | None = None) -> None:
        super().__init__(name, data)
        self._stem, self.summary, paper = _SETS[name]
        self.source = f"{paper}; Morris et al. 2020, TUDataset"

    def _folder(self) -> Path:
        if self.data is not None and (self.data / "tu" / self._stem / "raw").is_dir():
            return self.data / "tu" / self._stem / "raw"

        def download(root: Path) -> Path:
            from torch_geometric.datasets import TUDataset

            raw = root / self._stem / "raw"
            if not (raw / f"{self._stem}_A.txt").is_file():
                TUDataset(str(root), self._stem)
            return raw

        return fetch(
            f"task {self.name!r}", "tu", download, f"{self._stem}/raw/{self._stem}_A.txt and its companions"
        )

    def fingerprint(self) -> str:
        """Return the hash of the files that are read."""
        return hash_files(tu_files(self._folder(), self._stem))

    def load(self, seed: int = 0) -> Data:
        """Return the graphs, nodes with one-hot labels, and the class of each."""
        return read_tu(self._folder(), self._stem)


def tu_files(folder: Path, stem: str) -> list[Path]:
    """Return the files of a set that :func:`read_tu` reads.

    Raises:
        InputError: one of the three that must exist does not.
    """
    paths = [folder / f"{stem}_{part}.txt" for part in _PARTS]
    missing = [path.name for path in paths[:3] if not path.is_file()]
    if missing:
        raise InputError(f"{folder} lacks {', '.join(missing)} of the graph set {stem}.")
    return [path for path in paths if path.is_file()]


def read_tu(folder: Path, stem: str) -> Data:
    """Read a graph set from its text files.

    ``STEM_A.txt`` holds the edges, nodes counted from 1, ``STEM_graph_indicator.txt`` the graph of each node,
    ``STEM_graph_labels.txt`` the class of each graph and, if it is there, ``STEM_node_labels.txt`` that of each node.

    Raises:
        InputError: the files do not fit together.
    """
    paths = {path.name.removeprefix(f"{stem}_").removesuffix(".txt"): path for path in tu_files(folder, stem)}
    pairs = _integers(paths["A"])
    home = _integers(paths["graph_indicator"])[:, 0] - 1
    y = _integers(paths["graph_labels"])[:, 0]
    n = len(home)
    if pairs.shape[1] != 2 or not len(pairs) or pairs.min() < 1 or pairs.max() > n:
        raise InputError(f"{paths['A']} must hold pairs of node numbers from 1 to {n}.")
    if home.min() < 0 or home.max() >= len(y) or (np.diff(home) < 0).any():
        raise InputError(f"{paths['graph_indicator']} must number graphs from 1 to {len(y)} in order.")
    pairs = pairs - 1
    if (home[pairs[:, 0]] != home[pairs[:, 1]]).any():
        raise InputError(f"{paths['A']} holds an edge between two graphs.")
    features: Any = None
    if "node_labels" in paths:
        labels = _integers(paths["node_labels"])[:, 0]
        if len(labels) != n:
            raise InputError(f"{paths['node_labels']} holds {len(labels)} labels for {n} nodes.")
        features = (labels[:, None] == np.unique(labels)[None, :]).astype(np.float32)
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    loops = pairs[:, 0] == pairs[:, 1]
    pairs = pairs[~loops]
    both = np.concatenate([pairs, pairs[:, ::-1]])
    both = both[np.lexsort((both[:, 1], both[:, 0]))]
    indptr = np.searchsorted(both[:, 0], np.arange(n + 1))
    starts = np.searchsorted(home, np.arange(len(y) + 1))
    graphs = []
    for low, high in itertools.pairwise(starts):
        inner = slice(indptr[low], indptr[high])
        part = None if features is None else features[low:high]
        indices = both[inner, 1] - low
        graphs.append(
            Graph(indptr[low : high + 1] - indptr[low], indices, np.ones(len(indices)), False, part)
        )
    notes = (f"{int(loops.sum())} self-loops were left out",) if loops.any() else ()
    return Data(GraphSet(graphs), y, notes)


def _integers(path: Path) -> Any:
    try:
        return np.loadtxt(path, dtype=np.int64, delimiter=",", ndmin=2)
    except ValueError as error:
        raise InputError(f"{path} must hold whole numbers, separated by commas: {error}.") from error
