"""Watching networks learn: a live line, TensorBoard, or any function that is told of every epoch.

::

    with watched(ProgressLine(), TensorBoard("logs")):
        model.fit(X, y)

All trainings within the block are told of, one after the other: the members of an ensemble, the folds of a network that
validates on them, a policy's rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuroloom.core.errors import InputError

if TYPE_CHECKING:
    from neuroloom.core._training import Progress

Told = Callable[["Progress"], object]
_watchers: ContextVar[tuple[Told, ...]] = ContextVar("watchers", default=())


class Watcher:
    """What one that watches may answer to; each does nothing here."""

    def begin(self, epochs: int) -> None:
        """See that a training of at most so many epochs begins."""

    def __call__(self, progress: Progress) -> object:
        """See where it is after an epoch; a true answer ends the training."""
        return None

    def end(self) -> None:
        """See that it is over, also when an error ended it."""


@contextmanager
def watched(*watchers: Told) -> Iterator[None]:
    """Tell ``watchers`` of every epoch of all trainings within the block.

    Args:
        watchers: functions of a :class:`~neuroloom.core.training.Progress`, the fields ``epoch``, ``epochs``,
            ``running``, ``loss`` and ``score``, or each a :class:`Watcher`. A true answer ends the training.

    Raises:
        InputError: one cannot be called.
    """
    for one in watchers:
        if isinstance(one, type) or not callable(one):
            raise InputError(f"a watcher must be a function of the progress or a Watcher, but got {one!r}.")
    token = _watchers.set((*_watchers.get(), *watchers))
    try:
        yield
    finally:
        _watchers.reset(token)


@contextmanager
def told(progress: Told | None, epochs: int) -> Iterator[Callable[[Progress], bool] | None]:
    """Give the function that tells all of an epoch and says whether the training ends; None if nobody listens.

    Args:
        progress: told first.
        epochs: of the training that begins.
    """
    each = [*([] if progress is None else [progress]), *_watchers.get()]
    with ExitStack() as stack:
        for one in each:
            if isinstance(one, Watcher):
                one.begin(epochs)
                stack.callback(one.end)
        yield (lambda now: max([bool(one(now)) for one in each])) if each else None  # all are told


class ProgressLine(Watcher):
    """Shows how far a training is: a live line on a terminal, elsewhere one every ten seconds.

    Args:
        what: what stands before the line.
        stream: where to; None takes standard error.
    """

    def __init__(self, what: str = "training", stream: Any = None) -> None:
        self.what, self.stream = what, stream
        self._bar: Any = None

    def begin(self, epochs: int) -> None:
        """Show the line."""
        from neuroloom.core.progress import ProgressBar

        self._bar = ProgressBar(self.what, epochs, "epochs", stream=self.stream)
        self._bar.__enter__()

    def __call__(self, progress: Progress) -> None:
        """Count an epoch."""
        score = "" if progress.score is None else f", score {progress.score:.4g}"
        self._bar.advance(progress.epoch - self._bar.done, f"loss {progress.loss:.4g}{score}")

    def end(self) -> None:
        """Leave the line as it is."""
        self._bar.__exit__(None, None, None)
        self._bar = None


class TensorBoard(Watcher):
    """Writes loss and score by epoch for TensorBoard. Needs the package tensorboard.

    Args:
        folder: where the events go, those of the ``k``-th training of this watcher into ``training-k`` within it;
            ``tensorboard --logdir`` that folder shows them side by side.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder, self._count = Path(folder), 0
        self._writer: Any = None

    def begin(self, epochs: int) -> None:
        """Open the file of events.

        Raises:
            InputError: tensorboard is not installed.
        """
        self._writer = event_writer(self.folder / f"training-{self._count}")
        self._count += 1

    def __call__(self, progress: Progress) -> None:
        """Write the numbers of an epoch."""
        self._writer.add_scalar("loss", progress.loss, progress.epoch)
        if progress.score is not None:
            self._writer.add_scalar("score", progress.score, progress.epoch)

    def end(self) -> None:
        """Close the file."""
        self._writer.close()
        self._writer = None


def event_writer(folder: Path) -> Any:
    """Return a writer of TensorBoard's events.

    Raises:
        InputError: tensorboard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise InputError(
            "the TensorBoard callback needs tensorboard, which is not installed: pip install tensorboard."
        ) from error
    return SummaryWriter(str(folder))
