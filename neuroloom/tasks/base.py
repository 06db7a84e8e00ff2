"""What the built-in tasks share: a name, a spec, a data folder and one of the two split protocols."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from neuroloom.tasks.splits import k_fold, published
from neuroloom.tasks.task import Data, Split, Task


class NamedTask(Task):
    """A task known by its name alone.

    Args:
        name: the registry's name for it.
        data: the data folder, or None.
    """

    needs = "nothing"
    """What :meth:`load` reads: ``nothing`` but installed packages, the ``data folder``, or a ``download`` as well."""

    def __init__(self, name: str, data: Path | None = None) -> None:
        self.name = name
        self.data = data
        self.spec: dict[str, Any] = {"name": name}

    def fingerprint(self) -> str:
        """Return the hash of name and version, which fix what installed packages and generators give."""
        return hashlib.sha256(f"{self.name}\0{self.version}".encode()).hexdigest()

    def split(self, data: Data, seed: int, fold: int, folds: int) -> Split:
        """Return split ``fold`` of repetition ``seed``: published if there are such, else shuffled k-fold."""
        if self.protocol == "published":
            return published(data.extra["splits"], self.name, seed, fold, folds)
        return k_fold(data, self.problem, self.name, seed, fold, folds)


class DrawnTask(NamedTask):
    """A task whose data a generator draws anew for each seed."""

    @property
    def drawn(self) -> bool:
        """True: each repetition has data of its own."""
        return True
