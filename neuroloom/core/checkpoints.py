"""Checkpoints of training and evolution: what was learned is kept, and goes on from there after the process was killed.

::

    with checkpoints("kept"):
        model.fit(X, y)

Started again after a SIGKILL this ends on the same weights as if nothing had happened, to the last bit. A block may
hold several trainings, such as the members of an ensemble: those that had ended are not done again. When the block
ends without an error its files are removed. Files hold tensors and text, no code.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from neuroloom.core.checks import check_float
from neuroloom.core.errors import InputError
from neuroloom.core.samples import EnvSet

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from neuroloom.core._training import Optimizing

FORMAT = 2
_keeper: ContextVar[Keeper | None] = ContextVar("keeper", default=None)
_ARRAYS = ("loss", "score", "running", "diverged", "epochs", "best_epoch", "best", "cut")
_TENSORS = ("flat", "rates", "alive", "best_flat")


class Keeper:
    """The files of one block, one a training, in the order in which they are begun.

    Args:
        folder: where they are; made when the first is written.
        seconds: least time between two writings of one training, at least 0.
    """

    def __init__(self, folder: str | Path, seconds: float) -> None:
        self.folder, self.seconds = Path(folder), check_float("seconds", seconds, 0)
        self._begun = 0
        self.paths: list[Path] = []

    def next(self, ending: str = ".pt") -> Path:
        """Return the file of the training that begins now."""
        self.paths.append(self.folder / f"training-{self._begun}{ending}")
        self._begun += 1
        return self.paths[-1]

    def clear(self) -> None:
        """Remove the files, and the folder if nothing else is in it."""
        for path in self.paths:
            path.unlink(missing_ok=True)
            for begun in (path.with_suffix(".new"), *path.parent.glob(f".{path.name}.*.part")):
                begun.unlink(missing_ok=True)  # what a process that was killed had begun to write
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()


@contextmanager
def checkpoints(folder: str | Path, seconds: float = 30.0) -> Iterator[Keeper]:
    """Keep what is learned within the block in ``folder``, and go on from what is there.

    It is kept for the deep nets of series, pictures and tokens, autoencoders, samplers, ``Seq2Seq``, the deep
    forecasters, the dense networks of tables (all members of an ensemble at once) and graph networks (those of several
    seeds trained together left out), after every epoch; for the policies that learn by gradient, after every pass over
    a stretch of steps (``ppo``), every round of episodes (``reinforce``) or every evaluation (``dqn``); and for evolved
    networks and policies (``neat``, ``hyperneat``, ``es-hyperneat``, ``nsga2``, ``novelty``, ``map-elites``), after
    every generation. Other fits are as they are without it: they begin anew.

    Args:
        folder: made if it is not there; one for each block, with nothing changed in the block from start to start.
        seconds: least time between two writings, at least 0; 0 writes after every epoch or generation.

    Raises:
        InputError: ``folder`` is a file, or what it holds is of other samples, settings or seeds.
    """
    keeper = Keeper(folder, seconds)
    if keeper.folder.exists() and not keeper.folder.is_dir():
        raise InputError(f"checkpoints need a folder, but {keeper.folder} is a file; name another.")
    token = _keeper.set(keeper)
    try:
        yield keeper
    finally:
        _keeper.reset(token)
    keeper.clear()


def digest(estimator: Any, *samples: NDArray[Any] | EnvSet | None) -> str:
    """Return what tells a training from others: a hash of an estimator's parameters and of its samples.

    Args:
        estimator: any with ``get_params``; seed, device and callbacks do not count.
        samples: as :func:`digest_of` takes them.
    """
    aside = ("random_state", "device", "callbacks")
    params = {k: v for k, v in estimator.get_params(deep=False).items() if k not in aside}
    return digest_of(f"{type(estimator).__name__}{params}", *samples)


def digest_of(settings: str, *samples: NDArray[Any] | EnvSet | None) -> str:
    """Return a hash of settings and of samples.

    Args:
        settings: as text.
        samples: numbers, by value, type and shape; episodes, by their starts and all that makes their environment.
    """
    made = hashlib.sha256(settings.encode())
    for given in samples:
        if isinstance(given, EnvSet):
            made.update(f"{given.env_id} {given.options} {given.simulator}".encode())
            given = given.seeds
        made.update(b"none" if given is None else f"{given.dtype}{given.shape}".encode())
        if given is not None:
            made.update(np.ascontiguousarray(given).data)
    return made.hexdigest()


class Beside(Protocol):
    """What a training goes on from beside its network, such as a memory of what was met."""

    def held(self) -> dict[str, Any]:
        """Return all of it: arrays, tensors, numbers and text, in dicts and lists."""

    def hold(self, held: dict[str, Any]) -> None:
        """Go on from what :meth:`held` gave; arrays come as tensors."""


class KeptFile:
    """The file that something is kept in.

    Args:
        path: where.
        of: what it is of; a file of something else is refused.
        seconds: least time between two writings.
    """

    def __init__(self, path: Path, of: str, seconds: float) -> None:
        self.path, self.of, self.seconds = path, of, seconds
        self._written = time.monotonic()

    def due(self) -> bool:
        """Return whether so much time has gone since the last writing that it is time for another."""
        return time.monotonic() - self._written >= self.seconds

    def written(self) -> None:
        """Note that it was written now."""
        self._written = time.monotonic()

    def check(self, sound: bool) -> None:
        """Refuse a file that is not ``sound``: kept of something else.

        Raises:
            InputError: it is not.
        """
        if not sound:
            raise InputError(
                f"{self.path} was kept of other samples, settings or seeds; remove {self.path.parent} to begin anew."
            )


class Kept(KeptFile):
    """What is kept of one training."""

    def read(self, device: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return the tensors and the text that were put down, or None where there is no file.

        Raises:
            InputError: the file cannot be read, or is of something else.
        """
        import torch

        if not self.path.exists():
            return None
        try:
            found = torch.load(self.path, map_location=device, weights_only=True)
            said = json.loads(found["said"])
        except Exception as error:  # whatever a broken file provokes
            kind = type(error).__name__
            raise InputError(f"{self.path} is no checkpoint ({kind}); remove it to begin anew.") from error
        self.check(said["format"] == FORMAT and said["of"] == self.of)
        return found, said

    def put(self, made: dict[str, Any], said: dict[str, Any]) -> None:
        """Write tensors, and what JSON can hold; the file is replaced in one step."""
        import torch

        said = {"format": FORMAT, "of": self.of, **said}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(".new")
        torch.save({**made, "said": json.dumps(said)}, beside)
        os.replace(beside, self.path)
        self.written()

    def restore(
        self,
        run: Optimizing,
        generators: Sequence[np.random.Generator],
        beside: Sequence[Beside],
        shrink: Callable[[torch.Tensor], object] | None,
    ) -> tuple[int, float, bool]:
        """Bring a fresh run to where the file was written.

        Args:
            run: the run.
            generators: that it draws from.
            beside: what else it goes on from.
            shrink: called with the rows of a stack that stay, where some had left it.

        Returns:
            Epochs done, their seconds, and whether the training had ended; 0, 0 and False where there is no file.

        Raises:
            InputError: the file cannot be read, or is of something else.
        """
        import torch

        held = self.read(run.device)
        if held is None:
            return 0, 0.0, False
        found, said = held
        if shrink is not None and len(found["at"]) < len(run.at):
            shrink(run.take(found["at"].cpu().numpy()))
        with torch.no_grad():
            for name in _TENSORS:
                getattr(run, name).copy_(found[name])
            for name, buffer in run.network.named_buffers():
                buffer.copy_(found["buffers"][name])
            for name, buffer in run.best_buffers.items():
                buffer.copy_(found["best_buffers"][name])
        run.optimizer.state[run.delta] = dict(found["optimizer"])
        for name in _ARRAYS:
            getattr(run, name)[:] = found[name].cpu().numpy()
        run.histories = said["histories"]
        for generator, state in zip(generators, said["generators"], strict=True):
            generator.bit_generator.state = _numbers(state)
        for part, state in zip(beside, found["beside"], strict=True):
            part.hold(state)
        torch.set_rng_state(found["draws"].cpu())
        if run.device.type == "cuda":
            torch.cuda.set_rng_state(found["cuda_draws"].cpu(), run.device)
        return int(said["epoch"]), float(said["seconds"]), bool(said["ended"])

    def write(
        self,
        run: Optimizing,
        generators: Sequence[np.random.Generator],
        beside: Sequence[Beside],
        epoch: int,
        seconds: float,
        ended: bool,
    ) -> None:
        """Write the file after an epoch, if it is time or the training has ended."""
        import torch

        if not ended and not self.due():
            return
        said = {
            "epoch": epoch,
            "seconds": seconds,
            "ended": ended,
            "histories": run.histories,
            "generators": [_lists(g.bit_generator.state) for g in generators],
        }
        made: dict[str, Any] = {name: getattr(run, name) for name in _TENSORS}
        made |= {name: torch.from_numpy(getattr(run, name)) for name in _ARRAYS}
        made |= {"at": torch.from_numpy(run.at), "beside": [_tensors(part.held()) for part in beside]}
        made |= {"buffers": dict(run.network.named_buffers()), "best_buffers": run.best_buffers}
        made |= {"optimizer": dict(run.optimizer.state[run.delta]), "draws": torch.get_rng_state()}
        if run.device.type == "cuda":
            made["cuda_draws"] = torch.cuda.get_rng_state(run.device)
        self.put(made, said)


def kept_here(of: str) -> Kept | None:
    """Return what is kept of the training that begins now, or None outside of a block."""
    keeper = _keeper.get()
    return None if keeper is None else Kept(keeper.next(), of, keeper.seconds)


def keeping() -> bool:
    """Return whether this is within a block of checkpoints, for what costs time to tell apart."""
    return _keeper.get() is not None


def file_here(ending: str) -> tuple[Path, float] | None:
    """Return the file of what begins now and the least seconds between two writings, or None outside of a block."""
    keeper = _keeper.get()
    return None if keeper is None else (keeper.next(ending), keeper.seconds)


def _tensors(held: Any) -> Any:
    """Return what is held with tensors for its arrays, which a file without code can hold."""
    import torch

    if isinstance(held, dict):
        return {name: _tensors(value) for name, value in held.items()}
    if isinstance(held, list):
        return [_tensors(value) for value in held]
    return torch.from_numpy(held) if isinstance(held, np.ndarray) else held


def _lists(state: Any) -> Any:
    """Return a generator's state with lists for its arrays, which JSON can hold."""
    if isinstance(state, dict):
        return {name: _lists(value) for name, value in state.items()}
    return {"uint64": state.tolist()} if isinstance(state, np.ndarray) else state


def _numbers(state: Any) -> Any:
    """Return the state that :func:`_lists` took apart."""
    if not isinstance(state, dict):
        return state
    if set(state) == {"uint64"}:
        return np.array(state["uint64"], dtype=np.uint64)
    return {name: _numbers(value) for name, value in state.items()}
