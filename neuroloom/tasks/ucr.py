"""``ucr:NAME``: time series sets of the UCR and UEA archives with their default split."""

from __future__ import annotations

from pathlib import Path

from neuroloom.core.errors import InputError
from neuroloom.tasks.base import NamedTask
from neuroloom.tasks.folder import hash_files, locate
from neuroloom.tasks.metrics import DEFAULTS
from neuroloom.tasks.task import Data

_ORIGIN = "timeseriesclassification.com"


class UCRSeries(NamedTask):
    """``ucr/NAME/NAME_TRAIN`` and ``NAME_TEST``, in ``.ts`` or the archive's own ``.tsv``."""

    kind = "series"
    problem = "classification"
    metrics = DEFAULTS["classification"]
    protocol = "published"
    published_splits = 1
    needs = "data folder"
    summary = "a set of the UCR or UEA archive of time series with its default split, .ts or .tsv"
    source = "Dau et al. 2018, The UCR time series archive; Bagnall et al. 2018, The UEA multivariate archive"

    def __init__(self, name: str, data: Path | None = None, problem: str | None = None) -> None:
        super().__init__(name, data)
        member = name.partition(":")[2]
        folder = locate(data, f"ucr/{member}", f"task {name!r}", _ORIGIN)
        found = [folder / f"{member}_TRAIN{suffix}" for suffix in (".ts", ".tsv")]
        there = [path for path in found if path.is_file()]
        if not there:
            raise InputError(f"{folder} lacks {found[0].name} and {found[1].name}; {_ORIGIN} has them.")
        self._train = there[0]
        self._test = locate(
            data, f"ucr/{member}/{member}_TEST{self._train.suffix}", f"task {name!r}", _ORIGIN
        )
        if problem is None:
            problem = (
                "regression"
                if self._train.suffix == ".ts" and _learns_numbers(self._train)
                else "classification"
            )
        self.problem = problem
        self.metrics = DEFAULTS[problem]
        self.spec = {"name": name, "problem": problem}
        self.summary = f"{member} of the UCR and UEA archives with its default split"

    @classmethod
    def members(cls, data: Path | None) -> list[str]:
        """Return the names in the data folder."""
        folder = data / "ucr" if data is not None else None
        if folder is None or not folder.is_dir():
            return []
        return sorted({path.parent.name for path in folder.glob("*/*_TRAIN.ts*")})

    def fingerprint(self) -> str:
        """Return the hash of both files."""
        return hash_files([self._train, self._test])

    def load(self, seed: int = 0) -> Data:
        """Return ``(n, channels, length)`` series, the training part first."""
        from neuroloom.tasks.files.options import Options
        from neuroloom.tasks.files.series import read_archive

        made = read_archive(Options(self._train, problem=self.problem))
        return Data(made.X, made.y, tuple(made.notes), {"schema": made.schema, "splits": made.splits})


def _learns_numbers(path: Path) -> bool:
    """Return whether the header of a ``.ts`` file says that its targets are numbers."""
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            words = line.strip().lower().split()
            if words[:2] == ["@targetlabel", "true"]:
                return True
            if words[:1] == ["@data"]:
                return False
    return False
