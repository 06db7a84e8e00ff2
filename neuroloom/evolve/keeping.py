"""Evolution in a block of checkpoints: the run and what is counted beside it, to go on after the process was killed.

See :func:`neuroloom.core.checkpoints.checkpoints`. Engines that tell their whole state are kept: NEAT's, that of
novelty search, of MAP-Elites and of NSGA-II. A search by another library's optimiser begins anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neuroloom.core.checkpoints import KeptFile, file_here
from neuroloom.evolve.saving import read, write

_KIND = "kept-evolution"


class KeptRun(KeptFile):
    """What is kept of one run."""

    def resume(self, engine: Any) -> tuple[Any, dict[str, Any], bool]:
        """Return the run that the file holds, what was counted beside it, and whether it had ended.

        Without a file that is ``engine`` itself and nothing.

        Raises:
            InputError: the file cannot be read, or is of something else.
        """
        if not self.path.exists():
            return engine, {}, False
        found = read(self.path, _KIND)
        self.check(found["of"] == self.of)
        return type(engine).from_state(found["engine"]), found["beside"], found["ended"]

    def keep(self, engine: Any, beside: Callable[[], dict[str, Any]], ended: bool = False) -> None:
        """Write the run and what is counted beside it, if it is time or the run has ended."""
        if not ended and not self.due():
            return
        write(self.path, _KIND, {"of": self.of, "engine": engine.state(), "beside": beside(), "ended": ended})
        self.written()


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
