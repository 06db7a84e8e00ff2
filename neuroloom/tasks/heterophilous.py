"""Graphs whose neighbours tend to differ in class, with ten published splits each."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neuroloom.core.graph import Graph
from neuroloom.core.samples import NodeSet
from neuroloom.tasks.base import NamedTask
from neuroloom.tasks.folder import fetch, hash_files, locate
from neuroloom.tasks.metrics import DEFAULTS
from neuroloom.tasks.task import Data, Split

_ORIGIN = "github.com/yandex-research/heterophilous-graphs (data)"


class Heterophilous(NamedTask):
    """Minesweeper (is there a mine under the cell) or squirrel-filtered (how often a Wikipedia page is read)."""

    kind = "nodes"
    problem = "classification"
    protocol = "published"
    published_splits = 10
    needs = "download"
    source = "Platonov, Kuznedelev, Diskin, Babenko and Prokhorenkova 2023, A critical look at the evaluation of GNNs"

    def __init__(self, name: str, data: Path | None = None) -> None:
        super().__init__(name, data)
        self._stem = name.replace("-", "_")
        if name == "minesweeper":  # one mine in five cells: the source scores by ROC-AUC
            self.metrics: tuple[str, ...] = ("roc_auc", "average_precision", "accuracy")
            self.summary = "10,000 cells of a minesweeper field, mine or not; ten published splits"
        else:
            self.metrics = DEFAULTS["classification"]
            self.needs = "data folder"
            self.summary = (
                "2,223 Wikipedia pages, 5 classes of traffic, duplicates filtered; ten published splits"
            )

    def _file(self) -> Path:
        relative = f"heterophilous/{self._stem}/raw/{self._stem}.npz"
        if (self.data is not None and (self.data / relative).is_file()) or self.name != "minesweeper":
            return locate(self.data, relative, f"task {self.name!r}", _ORIGIN)

        def download(root: Path) -> Path:
            from torch_geometric.datasets import HeterophilousGraphDataset

            path = root / "minesweeper" / "raw" / "minesweeper.npz"
            if not path.is_file():
                HeterophilousGraphDataset(str(root), "Minesweeper")
            return path

        return fetch(f"task {self.name!r}", "heterophilous", download, "minesweeper/raw/minesweeper.npz")

    def fingerprint(self) -> str:
        """Return the hash of the file."""
        return hash_files([self._file()])

    def load(self, seed: int = 0) -> Data:
        """Return all nodes with their features, the classes and ten splits with validation parts."""
        with np.load(self._file(), allow_pickle=False) as arrays:
            parts = {key: arrays[key] for key in arrays.files}
        n = len(parts["node_labels"])
        graph = Graph.of(parts["edges"], names=range(n), features=parts["node_features"])
        splits = [
            Split(train=np.flatnonzero(train), valid=np.flatnonzero(valid), test=np.flatnonzero(test))
            for train, valid, test in zip(
                parts["train_masks"], parts["val_masks"], parts["test_masks"], strict=True
            )
        ]
        return Data(NodeSet(graph), parts["node_labels"].astype(np.int64), extra={"splits": splits})
