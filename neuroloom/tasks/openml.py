"""``openml:NAME``: tables of OpenML through scikit-learn's own loader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from neuroloom.core.errors import InputError
from neuroloom.tasks.base import NamedTask
from neuroloom.tasks.folder import cache_folder, fetch
from neuroloom.tasks.metrics import DEFAULTS
from neuroloom.tasks.task import Data


class OpenML(NamedTask):
    """A data set of OpenML: ``openml:credit-g`` (its version 1), ``openml:credit-g@3`` or, by number, ``openml:31``.

    A version is fixed on OpenML for good, so the name with its version identifies the data.
    """

    kind = "table"
    problem = "classification"
    metrics = DEFAULTS["classification"]
    needs = "download"
    summary = "a table of openml.org by name, NAME@VERSION or number, with its default target"
    source = "Vanschoren, van Rijn, Bischl and Torgo 2013, OpenML: networked science in machine learning"

    def __init__(self, name: str, data: Path | None = None, problem: str | None = None) -> None:
        super().__init__(name, data)
        member, _, version = name.partition(":")[2].partition("@")
        if version and not version.isdigit():
            raise InputError(f"task {name!r}: the version must be a number, as openml:credit-g@1.")
        if member.isdigit():
            self._which: dict[str, Any] = {"data_id": int(member)}
        else:
            self._which = {"name": member, "version": int(version or 1)}
        if problem is None:  # OpenML does not say it without the data
            problem = "regression" if np.asarray(self._fetch().target).dtype.kind == "f" else "classification"
        self.problem = problem
        self.metrics = DEFAULTS[problem]
        self.spec = {"name": name, "problem": problem}
        self.summary = f"{member} of openml.org"

    @classmethod
    def members(cls, data: Path | None) -> list[str]:
        """Return the names in the data folder: none, they are on the network."""
        return []

    def load(self, seed: int = 0) -> Data:
        """Return a DataFrame of numbers and categories, and the target."""
        bunch = self._fetch()
        target = bunch.target
        there = ~np.asarray(target.isna())
        notes = () if there.all() else (f"{int((~there).sum())} rows without a target were left out",)
        y = np.asarray(target[there])
        y = y.astype(np.float64) if self.problem == "regression" else np.asarray(y).astype(str)
        return Data(bunch.data[there].reset_index(drop=True), y, notes)

    def _fetch(self) -> Any:
        def download(root: Path) -> Any:
            from sklearn.datasets import fetch_openml

            home = root if root.is_relative_to(cache_folder()) else None
            return fetch_openml(**self._which, as_frame=True, data_home=home, parser="auto")

        return fetch(f"task {self.name!r}", "openml", download, "scikit-learn's cache of OpenML")
