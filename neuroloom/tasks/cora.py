"""The Cora citation graph with its public split."""

from __future__ import annotations

import contextlib
import io
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from neuroloom.core.graph import Graph
from neuroloom.core.samples import NodeSet
from neuroloom.tasks.base import NamedTask
from neuroloom.tasks.folder import cache_folder, fetch, hash_files, write_atomically
from neuroloom.tasks.metrics import DEFAULTS
from neuroloom.tasks.task import Data, Split

_FILES = tuple(f"ind.cora.{part}" for part in ("x", "tx", "allx", "y", "ty", "ally", "graph", "test.index"))


class Cora(NamedTask):
    """Which of 7 fields a paper belongs to, from its words and citations; 20 papers a class are labelled.

    The files are pickles, read by PyTorch Geometric's own reader alone. What it gives is kept as plain arrays in the
    user's cache folder under the files' fingerprint, so that the library is loaded once only.
    """

    kind = "nodes"
    problem = "classification"
    metrics = DEFAULTS["classification"]
    protocol = "published"
    published_splits = 1
    needs = "download"
    summary = "2,708 papers, 1,433 words, 7 fields; the public split of 140 / 500 / 1,000"
    source = (
        "Sen et al. 2008, Collective classification; split by Yang, Cohen and Salakhutdinov 2016, Planetoid"
    )

    def _raw(self) -> Path:
        if self.data is not None and (self.data / "planetoid" / "Cora" / "raw").is_dir():
            return self.data / "planetoid" / "Cora" / "raw"

        def download(root: Path) -> Path:
            from torch_geometric.datasets import Planetoid

            raw = root / "Cora" / "raw"
            if not all((raw / name).is_file() for name in _FILES):
                Planetoid(str(root), "Cora")
            return raw

        return fetch("task 'cora'", "planetoid", download, "Cora/raw/ind.cora.*")

    def fingerprint(self) -> str:
        """Return the hash of the raw files."""
        raw = self._raw()
        return hash_files([raw / name for name in _FILES])

    def load(self, seed: int = 0) -> Data:
        """Return all papers, with training, validation and test part of the public split."""
        kept = cache_folder() / "parsed" / f"cora-{self.fingerprint()}.npz"
        arrays = _load(kept)
        if arrays is None:
            arrays = _read(self._raw())
            found = arrays
            write_atomically(kept, lambda path: np.savez_compressed(path, **found))
        n = len(arrays["y"])
        features = np.zeros((n, int(arrays["width"])), dtype=np.float32)
        features[arrays["rows"], arrays["columns"]] = arrays["values"]
        graph = Graph.of(arrays["edges"], names=range(n), features=features)
        split = Split(train=arrays["train"], valid=arrays["valid"], test=arrays["test"])
        return Data(NodeSet(graph), arrays["y"], extra={"splits": [split]})


def _load(path: Path) -> dict[str, Any] | None:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}
    except (OSError, ValueError, EOFError):  # not there, or damaged: read the source again
        return None


def _read(raw: Path) -> dict[str, Any]:
    """Return what PyG's reader makes of a copy of ``raw``: it writes beside the files, which may be read-only."""
    from torch_geometric.datasets import Planetoid

    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "Cora" / "raw"
        copy.mkdir(parents=True)
        for name in _FILES:
            shutil.copyfile(raw / name, copy / name)
        with contextlib.redirect_stderr(io.StringIO()):  # it prints its progress
            data = Planetoid(folder, "Cora")[0]
    x = data.x.numpy()
    rows, columns = np.nonzero(x)
    edges = np.unique(np.sort(data.edge_index.numpy().T, axis=1), axis=0)
    masks = {"train": data.train_mask, "valid": data.val_mask, "test": data.test_mask}
    return {
        "y": data.y.numpy().astype(np.int64),
        "edges": edges[edges[:, 0] != edges[:, 1]].astype(np.int64),
        "width": np.int64(x.shape[1]),
        "rows": rows.astype(np.int32),
        "columns": columns.astype(np.int32),
        "values": x[rows, columns].astype(np.float32),
        **{part: np.flatnonzero(mask.numpy()) for part, mask in masks.items()},
    }
