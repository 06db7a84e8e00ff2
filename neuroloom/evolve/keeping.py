"""Evolution in a block of checkpoints: the run and what is counted beside it, to go on after the process was killed.

See :func:`neuroloom.core.checkpoints.checkpoints`. Engines that tell their whole state are kept: NEAT's, that of
novelty search, of MAP-Elites and of NSGA-II. A search by another library's optimiser begins anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from neuroloom.core.checkpoints import file_here
from neuroloom.core.errors import InputError
from neuroloom.evolve.saving import read, write

_KIND = "kept-evolution"


class KeptRun:
    """What is kept of one run.

    Args:
        path: its file.
        of: what the run is of; a file of something else is refused.
        seconds: least time between two writings.
    """

    def __init__(self, path: Path, of: str, seconds: float) -> None:
        self.path, self.of, self.seconds = path, of, seconds
        self._written = time.monotonic()

    def resume(self, engine: Any) -> tuple[Any, dict[str, Any], bool]:
        """Return the run that the file holds, what was counted beside it, and whether it had ended.

        Without a file that is ``engine`` itself and nothing.

        Raises:
            InputError: the file cannot be read, or is of something else.
        """
        if not self.path.exists():
            return engine, {}, False
        found = read(self.path, _KIND)
        if found["of"] != self.of:
            raise InputError(
                f"{self.path} was kept of other samples, settings or seeds; remove {self.path.parent} to begin anew."
            )
        return type(engine).from_state(found["engine"]), found["beside"], found["ended"]

    def keep(self, engine: Any, beside: Callable[[], dict[str, Any]], ended: bool = False) -> None:
        """Write the run and what is counted beside it, if it is time or the run has ended."""
        if not ended and time.monotonic() - self._written < self.seconds:
            return
        write(self.path, _KIND, {"of": self.of, "engine": engine.state(), "beside": beside(), "ended": ended})
        self._written = time.monotonic()


def kept_run(engine: Any, of: Callable[[], str]) -> KeptRun | None:
    """Return what is kept of a run, or None outside of a block and for an engine that does not tell its state.

    Args:
        engine: the run, fresh.
        of: gives what tells the run from others.
    """
    if not hasattr(engine, "state"):
        return None
    here = file_here(".safetensors")
    return None if here is None else KeptRun(here[0], of(), here[1])
