"""Requests answered together: while the model works on some, the next gather."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuroloom.core.errors import InputError, NotSupportedError
from neuroloom.core.origins import OriginSet
from neuroloom.core.samples import NodeSet

Answers = Mapping[str, tuple[Any, list[Any] | None]]
MOST_SAMPLES = 4096  # answered together
MOST_WAITING = 1024  # requests


class BusyError(Exception):
    """There are too many requests waiting."""


class ModelError(Exception):
    """The model failed on samples that looked right."""


@dataclass
class _Asked:
    X: Any
    count: int
    answer: asyncio.Future[Answers]


class Batches:
    """Answers requests, several at once where several wait, one batch after the other in a thread of its own.

    No request waits for others to come: a batch is what has gathered while the last one was worked on. Samples are
    answered one by one by all methods, so a request gets the answers that it would get alone. If a batch fails, its
    requests are answered one by one, so that one of them does not spoil the others.

    Args:
        answer: from samples to answers.
    """

    def __init__(self, answer: Callable[[Any], Answers]) -> None:
        self._answer = answer
        self._waiting: list[_Asked] = []
        self._working: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "model")
        self.batches = self.samples = 0

    async def ask(self, X: Any, count: int) -> Answers:
        """Return the answers for ``count`` samples.

        Raises:
            BusyError: too many wait already.
            InputError: the samples do not suit the model.
            ModelError: the model failed.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise BusyError
        asked = _Asked(X, count, asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await asked.answer

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch = self._take()
                await self._run(batch)
        finally:
            self._working = None

    def _take(self) -> list[_Asked]:
        """Return the requests of the next batch; one that nobody waits for any more is left out."""
        batch: list[_Asked] = []
        total = 0
        alone = bool(self._waiting) and isinstance(self._waiting[0].X, OriginSet)  # a series of its own each
        while (
            self._waiting
            and not (alone and batch)
            and (not batch or total + self._waiting[0].count <= MOST_SAMPLES)
        ):
            asked = self._waiting.pop(0)
            if not asked.answer.cancelled():
                batch.append(asked)
                total += asked.count
        return batch

    async def _run(self, batch: list[_Asked]) -> None:
        if not batch:
            return
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._thread, self._together, [asked.X for asked in batch])
            self.batches += 1
            self.samples += sum(asked.count for asked in batch)
        except Exception as error:
            if len(batch) > 1:
                for asked in batch:
                    await self._run([asked])
                return
            if not batch[0].answer.done():
                batch[0].answer.set_exception(_told(error))
            return
        start = 0
        for asked in batch:
            end = start + asked.count
            own = {name: (values[start:end], columns) for name, (values, columns) in found.items()}
            if not asked.answer.done():
                asked.answer.set_result(own)
            start = end

    def _together(self, parts: list[Any]) -> Answers:
        if len(parts) == 1:
            return self._answer(parts[0])
        if hasattr(parts[0], "iloc"):
            import pandas as pd

            return self._answer(_joined(pd, parts))
        if isinstance(parts[0], NodeSet):
            return self._answer(NodeSet(parts[0].graph, np.concatenate([part.ids for part in parts])))
        return self._answer(np.concatenate(parts))

    def close(self) -> None:
        """End the thread when its batch has ended."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _joined(pd: Any, frames: list[Any]) -> Any:
    """Return tables as one; columns of categories keep all of theirs."""
    if all((frame.dtypes == np.float64).all() for frame in frames):
        return pd.DataFrame(np.concatenate([frame.to_numpy() for frame in frames]), columns=frames[0].columns)
    made = {}
    for name in frames[0].columns:
        columns = [frame[name] for frame in frames]
        if any(isinstance(column.dtype, pd.CategoricalDtype) for column in columns):
            made[name] = pd.Series(pd.api.types.union_categoricals(
                [column.astype("category") for column in columns], sort_categories=True
            ))  # fmt: skip
        else:
            made[name] = pd.concat(columns, ignore_index=True)
    return pd.DataFrame(made)


def _told(error: Exception) -> Exception:
    if isinstance(error, InputError | NotSupportedError):
        return error
    return ModelError(f"{type(error).__name__}: {' '.join(str(error).split())[:500]}")
