"""Air-traffic networks, nodes labelled by how busy an airport is."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neuroloom.core.graph import Graph
from neuroloom.core.samples import NodeSet
from neuroloom.tasks.base import NamedTask
from neuroloom.tasks.folder import hash_files, locate
from neuroloom.tasks.metrics import DEFAULTS
from neuroloom.tasks.task import Data

_SIZES = {
    "brazil": "131 airports of Brazil, 1,074 flight connections",
    "europe": "399 airports of Europe, 5,995 flight connections",
    "usa": "1,190 airports of the USA, 13,599 flight connections",
}


class Airports(NamedTask):
    """Which quarter of activity an airport belongs to: a matter of its role in the network, not of its neighbours."""

    kind = "nodes"
    problem = "classification"
    metrics = DEFAULTS["classification"]
    needs = "data folder"
    source = "Ribeiro, Saverese and Figueiredo 2017, struc2vec; github.com/leoribeiro/struc2vec (graph)"

    def __init__(self, name: str, data: Path | None = None) -> None:
        super().__init__(name, data)
        self._country = name.removeprefix("airports-")
        self.summary = f"{_SIZES[self._country]}, in 4 classes of activity"

    def _files(self) -> list[Path]:
        origin = "github.com/leoribeiro/struc2vec"
        names = (f"{self._country}-airports.edgelist", f"labels-{self._country}-airports.txt")
        return [locate(self.data, f"airports/{name}", f"task {self.name!r}", origin) for name in names]

    def fingerprint(self) -> str:
        """Return the hash of edge list and label file."""
        return hash_files(self._files())

    def load(self, seed: int = 0) -> Data:
        """Return every labelled airport in the order of the label file; loops are left out."""
        edges, labels = self._files()
        pairs = np.loadtxt(edges, dtype=np.int64, ndmin=2)
        table = np.loadtxt(labels, dtype=np.int64, skiprows=1, ndmin=2)
        names = np.union1d(pairs, table[:, 0])
        loops = pairs[:, 0] == pairs[:, 1]
        ends = np.unique(np.sort(np.searchsorted(names, pairs[~loops]), axis=1), axis=0)
        graph = Graph.of(ends, names=names.tolist())
        notes = (f"{int(loops.sum())} self-loops were left out",) if loops.any() else ()
        return Data(NodeSet(graph, np.searchsorted(names, table[:, 0])), table[:, 1], notes)
