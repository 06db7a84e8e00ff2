"""Callbacks: what is told of every generation of a run, and may end it.

A callback is a function of the engine, called after each evaluation; a true answer ends the run when all callbacks have
been told. One that needs to know of a run's begin and end is a :class:`Callback`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neuroloom.core.checks import check_float, check_int
from neuroloom.core.errors import InputError
from neuroloom.core.watching import event_writer

if TYPE_CHECKING:
    from neuroloom.evolve.config import NEATConfig
    from neuroloom.evolve.neat import NEAT

Callbacks = Callable[[Any], "bool | None"] | Sequence[Callable[[Any], "bool | None"]] | None


class Callback:
    """What a callback may answer to; each does nothing here."""

    def begin(self, engine: Any, generations: int) -> None:
        """See the engine before a run of at most ``generations`` generations."""

    def __call__(self, engine: Any) -> bool | None:
        """See the engine after the evaluation of a generation; a true answer ends the run."""
        return None

    def end(self, engine: Any) -> None:
        """See the engine after the run, also when an error ended it."""


def as_list(callbacks: Callbacks) -> list[Callable[[Any], bool | None]]:
    """Return one callback, several or None as a list.

    Raises:
        InputError: a callback cannot be called.
    """
    each = [] if callbacks is None else [callbacks] if callable(callbacks) else list(callbacks)
    for callback in each:
        if isinstance(callback, type) or not callable(callback):
            raise InputError(
                f"a callback must be a function of the engine or a Callback, but got {callback!r}."
            )
    return each


@contextmanager
def told(callbacks: Callbacks, engine: Any, generations: int) -> Iterator[Callable[[], bool]]:
    """Tell ``callbacks`` of a run's begin and end; give the function that tells them of a generation.

    That function returns whether one of them ends the run.

    Raises:
        InputError: a callback cannot be called.
    """
    each = as_list(callbacks)
    with ExitStack() as stack:
        for callback in each:
            if isinstance(callback, Callback):
                callback.begin(engine, generations)
                stack.callback(callback.end, engine)
        yield lambda: max([bool(callback(engine)) for callback in each], default=False)  # all are told


class EarlyStopping(Callback):
    """Ends a run when the best score has not risen for some generations.

    What was seen is read from the engine's history, so that a run that was resumed ends where it would have.

    Args:
        patience: generations without a better score, at least 1.
        least: a score counts as better when it rises by more than this, at least 0.
        score: what is watched, a key of ``history_``; higher is better.

    Raises:
        InputError: a value is out of its range, or the history has no such key.
    """

    def __init__(self, patience: int, least: float = 0.0, score: str = "score") -> None:
        self.patience = check_int("patience", patience)
        self.least = check_float("least", least, 0)
        self.score = score

    def __call__(self, engine: Any) -> bool:
        """Say whether to end the run."""
        if self.score not in engine.history_[-1]:
            raise InputError(
                f"`score` must be one of {', '.join(engine.history_[-1])}, but is {self.score!r}."
            )
        best, since = engine.history_[0][self.score], 0
        for entry in engine.history_[1:]:
            better = entry[self.score] > best + self.least
            best, since = (entry[self.score], 0) if better else (best, since + 1)
        return bool(since >= self.patience)


class Checkpoint(Callback):
    """Saves a run every so many generations, and when it ends, to one file that is replaced in one step.

    ::

        checkpoint = Checkpoint("run.neat", every=10)
        engine = checkpoint.resume(config, random_state=0)
        engine.run(fitness, 300 - engine.generation, X, y, callback=checkpoint)

    started again after it was killed goes on where the file was written, and ends as it would have, bit for bit.

    Args:
        path: the file.
        every: generations, at least 1.
    """

    def __init__(self, path: str | Path, every: int = 10) -> None:
        self.path = Path(path)
        self.every = check_int("every", every)

    def __call__(self, engine: NEAT) -> None:
        """Save the engine if it is time."""
        if engine.generation % self.every == 0:
            engine.save(self.path)

    def end(self, engine: NEAT) -> None:
        """Save the engine as the run leaves it, if a generation was evaluated."""
        if engine.generation % self.every and engine.fitness is not None:
            engine.save(self.path)

    def resume(self, config: NEATConfig, random_state: Any = None, threads: int = 1) -> NEAT:
        """Return the engine in the file, or a new one if there is no file.

        Args:
            config: the settings, which the saved run must have too.
            random_state: of a new engine.
            threads: threads for mutation and evaluation, at least 1.

        Raises:
            InputError: the saved run has other settings or another seed, or the file holds something else.
        """
        from neuroloom.evolve.neat import NEAT

        if not self.path.exists():
            return NEAT(config, random_state, threads)
        engine = NEAT.load(self.path, threads)
        ours, theirs = config.to_dict(), engine.config.to_dict()
        other = [name for name in ours if ours[name] != theirs[name]]
        if other:
            raise InputError(
                f"{self.path} holds a run with {other[0]}={theirs[other[0]]!r}, but the settings say "
                f"{ours[other[0]]!r}; remove the file to begin anew."
            )
        if isinstance(random_state, int | np.integer) and int(random_state) != engine.seed:
            raise InputError(
                f"{self.path} holds a run of random_state={engine.seed}, but got {random_state}; remove the file to "
                "begin anew."
            )
        return engine


class Progress(Callback):
    """Shows how far a run is: a live line on a terminal, elsewhere one every ten seconds.

    Args:
        what: what stands before the line.
        stream: where to; None takes standard error.
    """

    def __init__(self, what: str = "NEAT", stream: Any = None) -> None:
        self.what, self.stream = what, stream
        self._bar: Any = None

    def begin(self, engine: Any, generations: int) -> None:
        """Show the line."""
        from neuroloom.core.progress import ProgressBar

        self._bar = ProgressBar(self.what, generations, "generations", stream=self.stream)
        self._bar.__enter__()

    def __call__(self, engine: Any) -> None:
        """Count a generation."""
        now = engine.history_[-1]
        self._bar.advance(1, f"best {now['score']:.6g}, {now['species']} species")

    def end(self, engine: Any) -> None:
        """Leave the line as it is."""
        self._bar.__exit__(None, None, None)
        self._bar = None


class TensorBoard(Callback):
    """Writes the numbers of ``history_`` for TensorBoard, by generation. Needs the package tensorboard.

    Args:
        folder: where the events go; ``tensorboard --logdir`` that folder shows them.
        prefix: stands before the names, as in ``neat/score``.
    """

    def __init__(self, folder: str | Path, prefix: str = "neat") -> None:
        self.folder, self.prefix = Path(folder), prefix
        self._writer: Any = None

    def begin(self, engine: Any, generations: int) -> None:
        """Open the file of events.

        Raises:
            InputError: tensorboard is not installed.
        """
        self._writer = event_writer(self.folder)

    def __call__(self, engine: Any) -> None:
        """Write the numbers of a generation."""
        now = engine.history_[-1]
        for name, value in now.items():
            if name not in ("step", "seconds"):
                self._writer.add_scalar(f"{self.prefix}/{name}", value, now["step"])

    def end(self, engine: Any) -> None:
        """Close the file."""
        self._writer.close()
        self._writer = None
