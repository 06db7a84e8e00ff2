"""Watching networks learn: a live line, TensorBoard, MLflow, or any function that is told of every epoch.

::

    with watched(ProgressLine(), TensorBoard("logs")):
        model.fit(X, y)

All trainings within the block are told of, one after the other: the members of an ensemble, the folds of a network that
validates on them, a policy's rounds.
"""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuroloom.core.errors import InputError, without_password

if TYPE_CHECKING:
    from neuroloom.core._training import Progress

Told = Callable[["Progress"], object]
_FILES = "MLFLOW_ALLOW_FILE_STORE"
_LONGEST = 5000  # characters of a parameter
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


class MLflow(Watcher):
    """Writes loss and score by epoch to MLflow, each training as a run. Needs the package mlflow-skinny, or mlflow.

    Args:
        place: a folder, which needs no server, or an MLflow tracking URI, as ``sqlite:///mlflow.db``.
        experiment: whose runs these are.
        name: of the runs, with a number behind those after the first.
        params: what is said of each run.
    """

    def __init__(
        self,
        place: str | Path,
        experiment: str = "neuroloom",
        name: str = "training",
        params: Mapping[str, Any] | None = None,
    ) -> None:
        self.place, self.experiment, self.name, self.params = place, experiment, name, dict(params or {})
        self._tracker: Any = None
        self._run = ""
        self._count = 0

    def begin(self, epochs: int) -> None:
        """Begin a run.

        Raises:
            InputError: MLflow is not installed or cannot be reached.
        """
        if self._tracker is None:
            self._tracker = Tracker(self.place, self.experiment)
        self._count += 1
        name = self.name if self._count == 1 else f"{self.name} {self._count}"
        self._run = self._tracker.begin(name, {**self.params, "epochs": epochs}, {})

    def __call__(self, progress: Progress) -> None:
        """Write the numbers of an epoch."""
        numbers = {"loss": progress.loss} | ({} if progress.score is None else {"score": progress.score})
        self._tracker.write(self._run, [(name, value, progress.epoch) for name, value in numbers.items()])

    def end(self) -> None:
        """End the run."""
        self._tracker.end(self._run, True)


class Tracker:
    """An experiment of MLflow's, to write runs into.

    Args:
        place: a folder or a tracking URI.
        experiment: its name; made if need be.

    Raises:
        InputError: MLflow is not installed, or the place cannot be used.
    """

    def __init__(self, place: str | Path, experiment: str) -> None:
        folder = "://" not in str(place)
        try:
            from mlflow.exceptions import MlflowException
            from mlflow.tracking import MlflowClient
        except ImportError as error:
            raise InputError(
                'MLflow is not installed: pip install "neuroloom[mlflow]" (or the whole of it: pip install mlflow).'
            ) from error
        allowed = os.environ.get(_FILES)
        try:
            if folder:
                os.environ[_FILES] = "true"  # what keeps files wants to be asked for since MLflow 3
                Path(place).mkdir(parents=True, exist_ok=True)
            self._client = MlflowClient(
                tracking_uri=Path(place).absolute().as_uri() if folder else str(place)
            )
            found = self._client.get_experiment_by_name(experiment)
            self._experiment = found.experiment_id if found else self._client.create_experiment(experiment)
        except (MlflowException, OSError) as error:
            told = " ".join(str(error).split())
            raise InputError(
                f"MLflow cannot be used at {without_password(str(place))}: {without_password(told)}; pass another "
                "folder or URI."
            ) from error
        finally:
            if folder and allowed is None:
                os.environ.pop(_FILES, None)

    def begin(self, name: str, params: Mapping[str, Any], tags: Mapping[str, str]) -> str:
        """Begin a run, and return its id."""
        from mlflow.entities import Param

        run = self._client.create_run(self._experiment, run_name=name, tags=dict(tags)).info.run_id
        known = [Param(_allowed(key), str(value)[:_LONGEST]) for key, value in params.items()]
        for start in range(0, len(known), 100):  # as many as it takes at once
            self._client.log_batch(run, params=known[start : start + 100])
        return str(run)

    def write(self, run: str, numbers: Iterable[tuple[str, float, int]]) -> None:
        """Write numbers, each a name, a value and a step; those that are not finite are left out."""
        from mlflow.entities import Metric

        now = round(time.time() * 1000)
        made = [
            Metric(_allowed(name), value, now, step) for name, value, step in numbers if math.isfinite(value)
        ]
        for start in range(0, len(made), 1000):
            self._client.log_batch(run, metrics=made[start : start + 1000])

    def end(self, run: str, well: bool) -> None:
        """End a run, well or not."""
        self._client.set_terminated(run, "FINISHED" if well else "FAILED")


def _allowed(name: str) -> str:
    """Return a name with the signs alone that MLflow takes."""
    return re.sub(r"[^\w\-. :/]", "_", name)[:250] or "_"


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
