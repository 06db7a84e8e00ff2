"""One network trained by several processes, each on its part of every batch: torch's DistributedDataParallel.

All processes hold the same weights and deal the same batches; each computes the gradient of its rows, torch adds these
up while they come, and all take the same step. At equal batches and order the numbers are those of one process, up to
rounding; layers that look at a whole batch (batch normalisation) see their process's part alone, and dropout draws
apart in each.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuroloom.core.checks import check_int
from neuroloom.core.errors import InputError

if TYPE_CHECKING:
    import torch

_within: ContextVar[bool] = ContextVar("within", default=False)
_BOOT = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from neuroloom.core.parallel import _work; _work()"


@contextmanager
def data_parallel() -> Iterator[int]:
    """Let all processes of a ``torchrun`` train together in the block, and yield the number of this one, from 0::

        with data_parallel() as rank:          # torchrun --nproc-per-node 2 train.py
            model.fit(X, y)                    # the same in all: data, parameters, an integer random_state
        if rank == 0:
            save(model)

    Processes on GPUs talk by NCCL, others by gloo. All trainings of deep nets in the block are shared.

    Raises:
        InputError: the process was not started by ``torchrun``.
    """
    import torch.distributed as dist

    if not dist.is_initialized() and "RANK" not in os.environ:
        raise InputError(
            "data_parallel is for processes that torchrun started, as: torchrun --nproc-per-node 2 train.py; "
            "or let fit_together start them."
        )
    own = not dist.is_initialized()
    if own:
        dist.init_process_group(_backend())
    token = _within.set(True)
    try:
        yield int(dist.get_rank())
        if own:
            _part()
    finally:
        _within.reset(token)
        if own:
            dist.destroy_process_group()


def fit_together(estimator: Any, X: Any, y: Any = None, *, processes: int = 2, **given: Any) -> Any:
    """Return the estimator, fitted by several processes on this machine that share every batch.

    Args:
        estimator: of a deep net; pickled to the processes, as are ``X``, ``y`` and ``given``. Without ``random_state``
            it is given one.
        X: samples.
        y: answers.
        processes: at least 1; each takes one numeric thread for each ``processes``-th of those of this process.
        given: for ``fit``, as ``eval_set``.

    Raises:
        InputError: the estimator trains no net that can be shared, or a batch has fewer rows than there are processes.
        RuntimeError: a process died; the message has the last that it said.
    """
    import json

    check_int("processes", processes)
    if processes == 1:
        return estimator.fit(X, **given) if y is None else estimator.fit(X, y, **given)
    import torch

    if "random_state" in estimator.get_params() and estimator.get_params()["random_state"] is None:
        estimator.set_params(random_state=int.from_bytes(os.urandom(4), "little") >> 1)
    with tempfile.TemporaryDirectory(prefix="neuroloom-") as name:
        folder = Path(name)
        (folder / "job").write_bytes(pickle.dumps((estimator, X, y, given)))
        threads = str(max(1, torch.get_num_threads() // processes))
        environment = {**os.environ, "OMP_NUM_THREADS": threads, "NEUROLOOM_TOGETHER": name}
        paths = json.dumps([entry or os.getcwd() for entry in sys.path])
        started = []
        try:
            for rank in range(processes):
                with (folder / f"said-{rank}").open("wb") as said:
                    words = [sys.executable, "-P", "-c", _BOOT, paths]
                    mine = {**environment, "RANK": str(rank), "WORLD_SIZE": str(processes)}
                    started.append(subprocess.Popen(words, env=mine, stdout=said, stderr=said))
            _wait(started, folder)
        finally:
            for process in started:
                process.kill()
                process.wait()
        return pickle.loads((folder / "answer").read_bytes())  # from our own process, in a folder of ours


def _wait(started: Sequence[subprocess.Popen[bytes]], folder: Path) -> None:
    """Wait until all have ended; the first that fails ends it.

    Raises:
        InputError: what a process raised for users.
        RuntimeError: a process died.
    """
    left = dict(enumerate(started))
    while left:
        for rank, process in list(left.items()):
            try:
                status = process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            del left[rank]
            if status:
                if (folder / f"error-{rank}").exists():
                    raise InputError((folder / f"error-{rank}").read_text(encoding="utf-8"))
                said = (folder / f"said-{rank}").read_text(encoding="utf-8", errors="replace")
                raise RuntimeError(
                    f"process {rank} of {len(started)} ended with status {status}: {said[-2000:]}"
                )


def _work() -> None:
    """Fit what :func:`fit_together` left, in one of its processes."""
    import torch.distributed as dist

    folder, rank, size = (
        Path(os.environ["NEUROLOOM_TOGETHER"]),
        int(os.environ["RANK"]),
        int(os.environ["WORLD_SIZE"]),
    )
    estimator, X, y, given = pickle.loads((folder / "job").read_bytes())
    dist.init_process_group("gloo", init_method=f"file://{folder / 'meet'}", rank=rank, world_size=size)
    try:
        with data_parallel():
            shares = SharedBatches.made
            estimator.fit(X, y, **given)
            if SharedBatches.made == shares:
                raise InputError(
                    f"{type(estimator).__name__} trains no net that several processes can share; deep nets do, one "
                    "at a time (no ensembles, no stacks)."
                )
    except InputError as error:
        (folder / f"error-{rank}").write_text(str(error), encoding="utf-8")
        os._exit(1)  # without waiting for the others
    if rank == 0:
        (folder / "answer").write_bytes(pickle.dumps(estimator))
    _part()
    dist.destroy_process_group()


def _part() -> None:
    """Wait for the other processes, and let go of what still holds the group: torch aborts where that dies after it."""
    import gc

    import torch.distributed as dist

    dist.barrier()
    gc.collect()


def _backend() -> str:
    import torch

    return "nccl" if torch.cuda.is_available() else "gloo"


class SharedBatches:
    """The gradients of whole batches, each computed in parts by all processes.

    Args:
        network: a plain module, the same in all processes.
        parameters: those to train.
        loss: ``loss(network, rows)``, a mean over rows.
        told: what tells this training from others; it must be the same in all processes.

    Raises:
        InputError: the processes train different things.
    """

    made = 0

    def __init__(
        self,
        network: torch.nn.Module,
        parameters: Sequence[torch.Tensor],
        loss: Callable[[Any, Any], torch.Tensor],
        told: str,
    ) -> None:
        import torch
        import torch.distributed as dist
        from torch.nn.parallel import DistributedDataParallel

        class Loss(torch.nn.Module):  # type: ignore[misc]
            """The loss as a module, so that torch sees whatever a loss does with its network."""

            def __init__(self) -> None:
                super().__init__()
                self.network = network

            def forward(self, rows: Any) -> Any:
                return loss(self.network, rows)

        self.rank, self.size = int(dist.get_rank()), int(dist.get_world_size())
        found: list[Any] = [None] * self.size
        dist.all_gather_object(found, told)
        if len(set(found)) > 1:
            raise InputError(
                "the processes train different things: samples, settings or seeds differ; give all the same data and "
                "an integer `random_state`."
            )
        self.parameters = list(parameters)
        self.module = DistributedDataParallel(Loss(), find_unused_parameters=True)
        SharedBatches.made += 1

    def gradients(self, rows: Any) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Return the loss of a batch and its gradient by each parameter.

        Args:
            rows: ``(b,)`` indices of the whole batch.

        Raises:
            InputError: there are fewer rows than processes, or no batches at all.
        """
        import torch
        import torch.distributed as dist

        if rows is None or len(rows) < self.size:
            count = "no batches" if rows is None else f"a batch of {len(rows)}"
            raise InputError(f"{self.size} processes cannot share {count}; pass a larger `batch_size`.")
        part = torch.tensor_split(rows, self.size)[self.rank]
        # torch takes the mean over processes: weighted so, it is the mean over the rows of all
        value = self.module(part) * (len(part) * self.size / len(rows))
        value.backward()
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in self.parameters]
        for p in self.parameters:
            p.grad = None
        whole = value.detach().clone()
        dist.all_reduce(whole)
        return whole / self.size, gradients

    def any(self, ended: bool) -> bool:
        """Whether a training has ended in any process."""
        import torch
        import torch.distributed as dist

        flag = torch.tensor(int(ended), device=self.parameters[0].device)
        dist.all_reduce(flag, op=dist.ReduceOp.MAX)
        return bool(flag)


def shared(
    network: torch.nn.Module,
    parameters: Sequence[torch.Tensor],
    loss: Callable[[Any, Any], torch.Tensor],
    jobs: int | None,
    told: Callable[[], str],
) -> SharedBatches | None:
    """Return what shares a training's batches within :func:`data_parallel`, else None; ``told`` is asked there only.

    Raises:
        InputError: it is a stack of trainings, which have batches of their own.
    """
    if not _within.get():
        return None
    if jobs is not None:
        raise InputError(
            "nets that are trained as a stack are not shared by processes; fit one deep net, or run without them."
        )
    return SharedBatches(network, parameters, loss, told())
