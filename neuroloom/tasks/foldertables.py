"""``table:NAME``: tables of the data folder, ``tables/NAME.csv`` with a last column ``target``."""

from __future__ import annotations

from pathlib import Path

from neuroloom.core.errors import InputError, unknown
from neuroloom.tasks.base import NamedTask
from neuroloom.tasks.folder import hash_files, locate
from neuroloom.tasks.metrics import DEFAULTS, UNEVEN
from neuroloom.tasks.task import Data

_ORIGIN = "github.com/jbrownlee/Datasets or UCI"
_NUMBERS = ("airfoil", "auto-imports", "autompg", "winequality-white")
_CLASSES = ("banknote-authentication", "breast-cancer", "ecoli", "german", "glass", "horse-colic", "ionosphere",
            "oil-spill", "phoneme", "sonar")  # fmt: skip
_RARE = ("oil-spill",)  # one class holds over nine tenths of the rows


class FolderTable(NamedTask):
    """A table with any columns; what is known by name is read as its source means it, others by their target."""

    kind = "table"
    problem = "classification"
    metrics = DEFAULTS["classification"]
    needs = "data folder"
    summary = "a table of the data folder, any columns, with its target in the column of that name"
    source = "UCI; github.com/jbrownlee/Datasets, github.com/treforevans/uci_datasets"

    def __init__(self, name: str, data: Path | None = None, problem: str | None = None) -> None:
        super().__init__(name, data)
        member = name.partition(":")[2]
        self._path = locate(data, f"tables/{member}.csv", f"task {name!r}", _ORIGIN)
        if problem is None and member in (*_NUMBERS, *_CLASSES):
            problem = "regression" if member in _NUMBERS else "classification"
        if problem is None:
            problem = self._read(None).extra["problem"]
        if problem not in ("classification", "regression"):
            raise unknown("problem", str(problem), ("classification", "regression"))
        self.problem = problem
        self.metrics = UNEVEN if member in _RARE else DEFAULTS[problem]
        self.version = 2 if member in _RARE else 1
        self.spec = {"name": name, "problem": problem}
        self.summary = f"the table {member} of the data folder"

    @classmethod
    def members(cls, data: Path | None) -> list[str]:
        """Return the names in the data folder."""
        folder = data / "tables" if data is not None else None
        return sorted(p.stem for p in folder.glob("*.csv")) if folder is not None and folder.is_dir() else []

    def fingerprint(self) -> str:
        """Return the hash of the file and of what is learned."""
        return hash_files([self._path], self.problem)

    def load(self, seed: int = 0) -> Data:
        """Return a DataFrame of all columns and the target."""
        return self._read(self.problem)

    def _read(self, problem: str | None) -> Data:
        from neuroloom.tasks.files.options import Options
        from neuroloom.tasks.files.table import read_table

        made = read_table(Options(self._path, target="target", problem=problem, keep=("*",)))
        if made.X.shape[1] == 0:
            raise InputError(f"{self._path} has no column besides the target.")
        return Data(made.X, made.y, tuple(made.notes), {"schema": made.schema, "problem": made.problem})
