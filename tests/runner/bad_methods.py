"""Methods that misbehave, and a workbench that gives them to workers under their own names."""

from __future__ import annotations

import ctypes
import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
import warnings
from typing import Any, NamedTuple

import numpy as np

from neuroloom.core.fitting import Job
from neuroloom.core.seeding import stream
from neuroloom.runner.trial import Trial
from neuroloom.runner.workbench import Workbench
from neuroloom.tasks.task import Data, Split, Task

NAME = "tests.runner.bad_methods:WORKBENCH"
_libc = ctypes.CDLL(None)
_libc.malloc.restype = ctypes.c_void_p
_libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]


def trial(expression: str, seed: int = 0, fold: int = 0, **changes: Any) -> Trial:
    given: dict[str, Any] = {
        "task": {"name": "tiny"},
        "task_version": 1,
        "data": "f" * 64,
        "kind": "table",
        "problem": "classification",
        "metrics": ("accuracy",),
        "protocol": "folds",
        "label": expression,
        "expression": expression,
        "versions": {expression: 1},
        "params": {},
        "seed": seed,
        "fold": fold,
        "folds": 4,
        "seconds": 20.0,
        "memory_mb": 2000.0,
    }
    return Trial(**{**given, **changes})


class TinyTask(Task):
    name, kind, problem, metrics = "tiny", "table", "classification", ("accuracy",)

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.loads = 0

    @property
    def drawn(self) -> bool:
        return bool(self.spec.get("drawn"))

    def fingerprint(self) -> str:
        return "f" * 64

    def load(self, seed: int = 0) -> Data:
        self.loads += 1
        if self.spec.get("broken"):
            raise ValueError("the file is torn")
        if self.spec.get("driver", os.getpid()) != os.getpid():
            raise ValueError("loaded by another process than the driver")
        rng = stream(seed if self.drawn else 0, "data", "tiny")
        X = rng.normal(size=(80, 3))
        extra = {"valid": self.spec.get("valid", False)}
        return Data(X, np.where(X[:, 0] > 0, "yes", "no"), ("a note on the data",), extra)

    def split(self, data: Data, seed: int, fold: int, folds: int) -> Split:
        order = stream(seed, "split", "tiny").permutation(len(data.X))
        test = np.sort(order[fold::folds])
        train = np.setdiff1d(order, test)
        return Split(train[10:], test, train[:10]) if data.extra["valid"] else Split(train, test)


class Good:
    """Predicts by the sign of the first column, right to a share that its seed decides.

    Without scikit-learn, which a worker would take most of a second to import.
    """

    def __init__(self, random_state: int | None = None, rate: float = 0.1) -> None:
        self.random_state = random_state
        self.rate = rate

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {"random_state": self.random_state, "rate": self.rate}

    def misbehave(self, X: Any) -> None:
        """What subclasses do in ``fit``."""

    def fit(self, X: Any, y: Any) -> Good:
        self.classes_ = np.unique(y)
        self.n_parameters_ = X.shape[1]
        self.misbehave(X)
        return self

    def predict(self, X: Any) -> Any:
        right = stream(self.random_state or 0, "answers").random(len(X)) >= self.rate
        return np.where((X[:, 0] > 0) == right, "yes", "no")


def log(text: Any) -> None:
    """Add a line with the time to the file that ``TRIAL_LOG`` names, if any."""
    if "TRIAL_LOG" in os.environ:
        file = os.open(os.environ["TRIAL_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, f"{text} {time.monotonic()}\n".encode())
        os.close(file)


class Spin(Good):
    def misbehave(self, X: Any) -> None:
        log("Spin")
        sum(itertools.repeat(1))  # one C loop without end: no bytecode, no signal handler, the GIL held


class SpinInPredict(Good):
    def predict(self, X: Any) -> Any:
        log("SpinInPredict")
        sum(itertools.repeat(1))


def touch(mb: int) -> None:
    size = mb * 2**20
    _libc.memset(_libc.malloc(size), 1, size)


class Greedy(Good):
    """Takes memory in C, a little at a time."""

    def misbehave(self, X: Any) -> None:
        for step in range(400):
            touch(10)
            if step == 18:  # a little before the limit, or the driver may be the quicker
                log("Greedy")
            time.sleep(0.002)
        time.sleep(30)


class GreedyAtOnce(Good):
    """Takes 600 MB in one C call and keeps them."""

    def misbehave(self, X: Any) -> None:
        log("GreedyAtOnce")
        touch(600)
        time.sleep(30)


class Enormous(Good):
    """Asks for more than any machine of ours has."""

    def misbehave(self, X: Any) -> None:
        np.ones((1 << 31, 8))


class GreedyChild(Good):
    """Lets a forked child take the memory."""

    def misbehave(self, X: Any) -> None:
        child = os.fork()
        if child == 0:
            log("GreedyChild")
            touch(600)
            time.sleep(60)
            os._exit(0)
        os.waitpid(child, 0)


class Segfault(Good):
    def misbehave(self, X: Any) -> None:
        ctypes.string_at(0)


class Exit0(Good):
    def misbehave(self, X: Any) -> None:
        os._exit(0)


class Exit3(Good):
    def misbehave(self, X: Any) -> None:
        os._exit(3)


class Abort(Good):
    def predict(self, X: Any) -> Any:
        os.abort()


class KillsItself(Good):
    def misbehave(self, X: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class ForksChild(Good):
    """Leaves a child behind that sleeps."""

    def misbehave(self, X: Any) -> None:
        if os.fork() == 0:
            time.sleep(600)
            os._exit(0)


class ForksDaemon(Good):
    """Leaves a daemon behind: forked twice, in a session of its own."""

    def misbehave(self, X: Any) -> None:
        child = os.fork()
        if child == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(600)
            os._exit(0)
        os.waitpid(child, 0)


class DaemonThenSegfault(ForksDaemon):
    def misbehave(self, X: Any) -> None:
        super().misbehave(X)
        ctypes.string_at(0)


class DaemonThenSpin(ForksDaemon):
    def misbehave(self, X: Any) -> None:
        super().misbehave(X)
        log("DaemonThenSpin")
        sum(itertools.repeat(1))


class Subprocesses(Good):
    def misbehave(self, X: Any) -> None:
        for _ in range(3):
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])


class ForkReturns(Good):
    """Forks, and both parent and child go on as if they were the worker."""

    def misbehave(self, X: Any) -> None:
        os.fork()


class Raises(Good):
    def misbehave(self, X: Any) -> None:
        raise ValueError("two\nlines")


class SysExit(Good):
    def misbehave(self, X: Any) -> None:
        sys.exit(5)


class Interrupts(Good):
    def misbehave(self, X: Any) -> None:
        raise KeyboardInterrupt


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class Unspeakable(Good):
    def misbehave(self, X: Any) -> None:
        raise UnspeakableError


class Recursive(Good):
    def misbehave(self, X: Any) -> None:
        self.misbehave(X)


class TorchMemory(Good):
    def misbehave(self, X: Any) -> None:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory")


class Prints(Good):
    def misbehave(self, X: Any) -> None:
        end = time.monotonic() + 2
        while time.monotonic() < end:
            print("x" * 10_000)
            os.write(2, b"y" * 100_000)


class PrintsForever(Good):
    def misbehave(self, X: Any) -> None:
        log("PrintsForever")
        while True:
            print("x" * 10_000)


class Deadlocks(Good):
    """Waits for a lock that a thread holds which waits for this one."""

    def misbehave(self, X: Any) -> None:
        log("Deadlocks")
        ours, theirs, held = threading.Lock(), threading.Lock(), threading.Event()

        def other() -> None:
            with theirs:
                held.set()
                ours.acquire()

        ours.acquire()
        threading.Thread(target=other).start()
        held.wait()
        theirs.acquire()


class IgnoresSignals(Good):
    """Blocks every signal that can be blocked, and waits."""

    def misbehave(self, X: Any) -> None:
        log("IgnoresSignals")
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while True:
            time.sleep(60)


class ClosesAll(Good):
    def misbehave(self, X: Any) -> None:
        os.closerange(3, 256)
        time.sleep(30)


class SpoilsAnswer(Good):
    """Writes into every descriptor it finds."""

    def misbehave(self, X: Any) -> None:
        for file in range(3, 64):
            try:
                os.write(file, b"\0\0\0\x08garbage!")
            except OSError:
                continue


class ChangesGlobals(Good):
    """Changes everything that trials share."""

    def misbehave(self, X: Any) -> None:
        random.seed(1)
        np.random.seed(1)  # noqa: NPY002
        np.seterr(all="raise")
        os.environ["OMP_NUM_THREADS"] = "64"
        os.environ.pop("PATH", None)
        os.chdir("/")
        sys.path.insert(0, "/nowhere")
        sys.stdout = None  # type: ignore[assignment]
        sys.setrecursionlimit(5000)
        warnings.simplefilter("error")
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


class ChangesThreads(Good):
    """Takes other numbers of threads for torch, numba and BLAS than it was given."""

    def misbehave(self, X: Any) -> None:
        import numba
        import threadpoolctl
        import torch

        torch.set_num_threads(7)
        numba.set_num_threads(1)
        threadpoolctl.threadpool_limits(3)


class ReportsThreads(Good):
    """Puts the threads that it finds into its curve."""

    def misbehave(self, X: Any) -> None:
        import numba
        import threadpoolctl
        import torch

        blas = [found["num_threads"] for found in threadpoolctl.threadpool_info()]
        self.history_ = [
            {
                "step": 0,
                "torch": float(torch.get_num_threads()),
                "numba": float(numba.get_num_threads()),
                "fewest": float(min(blas)),
                "most": float(max(blas)),
            }
        ]


class ReportsGlobals(Good):
    """Puts what it finds of the shared state into its parameters."""

    def misbehave(self, X: Any) -> None:
        self.history_ = [
            {
                "step": 0,
                "random": random.random(),
                "numpy": np.random.random(),  # noqa: NPY002
                "threads": float(os.environ["OMP_NUM_THREADS"]),
                "path": float("PATH" in os.environ),
                "root": float(os.getcwd() == "/"),
                "modules": float("/nowhere" in sys.path),
                "stdout": float(sys.stdout is not None),
                "limit": float(sys.getrecursionlimit()),
                "over": float(np.geterr()["over"] == "raise"),
                "term": float(signal.getsignal(signal.SIGTERM) == signal.SIG_IGN),
                "writable": float(X.flags.writeable),
                "hash": float(hash("a string")),
            }
        ]
        X[:] = 0  # its own copy: the next trial's data must not change


class Big(Good):
    """Holds ``rate`` MB for a moment."""

    def misbehave(self, X: Any) -> None:
        held = np.ones(int(self.rate * 2**17))
        self.total_ = float(held.sum())

    def predict(self, X: Any) -> Any:
        return np.where(X[:, 0] > 0, "yes", "no")


class ImportsLate(Good):
    """Imports something slow and large in ``fit``."""

    def misbehave(self, X: Any) -> None:
        import tests.runner.slow_module

        self.value_ = tests.runner.slow_module.VALUE


class EndlessWarning(UserWarning):
    pass


class Warns(Good):
    def misbehave(self, X: Any) -> None:
        for _ in range(3):
            warnings.warn("did not converge\nin 5 steps", EndlessWarning, stacklevel=1)
        warnings.warn("an ordinary one", UserWarning, stacklevel=1)


class EarlyStopper(Good):
    def fit(self, X: Any, y: Any, eval_set: tuple[Any, Any] | None = None) -> EarlyStopper:
        self.n_valid_ = 0 if eval_set is None else len(eval_set[0])
        self.n_parameters_ = 1000 * len(X) + self.n_valid_
        return self


class Proba(Good):
    def predict_proba(self, X: Any) -> Any:
        p = 1 / (1 + np.exp(-5 * X[:, 0]))
        return np.column_stack([1 - p, p])


class Policy(Good):
    def fit(self, X: Any) -> Policy:  # type: ignore[override]
        return self

    def act(self, observations: Any) -> Any:
        return np.asarray(observations) * 2


class Curved(Good):
    def misbehave(self, X: Any) -> None:
        self.history_ = [
            {"step": i, "seconds": i * 0.1, "loss": float("nan") if i == 0 else 1 / i} for i in range(1000)
        ]


class Fronted(Good):
    """Has 100 smaller answers beside its own, which say one class or the other of every sample."""

    def alternatives(self) -> tuple[str, list[tuple[float, Any]]]:
        return "things", [(float(k), _Fixed(k, self.classes_)) for k in range(1, 101)]


class Mapped(Good):
    """Keeps a map of one number, finer than the report's."""

    def misbehave(self, X: Any) -> None:
        self.history_ = [{"step": 1, "coverage": 0.25, "qd_score": 7.5}]

    def elite_map(self) -> Any:
        fitness = np.full((100, 1), np.nan)
        fitness[[0, 2, 99], 0] = 1.0, 2.0, 1 / 3
        return _Map(("size",), [(0.0, 5.0)], fitness)


class _Map(NamedTuple):
    names: tuple[str, ...]
    ranges: list[tuple[float, float]]
    fitness: Any


class _Fixed:
    def __init__(self, number: int, classes: Any) -> None:
        self.number, self.classes = number, classes

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.classes[self.number % 2])


class Batched(Good):
    """Batchable: slow alone, quick together."""

    pause = 0.03

    def misbehave(self, X: Any) -> None:
        time.sleep(self.pause)

    @staticmethod
    def fit_many(jobs: list[Job]) -> list[Any]:
        time.sleep(Batched.pause)
        for job in jobs:
            job.estimator.classes_ = np.unique(job.y)
            job.estimator.n_parameters_ = job.X.shape[1]
        return [job.estimator for job in jobs]


class BatchedBadly(Batched):
    @staticmethod
    def fit_many(jobs: list[Job]) -> list[Any]:
        raise ValueError("no batch today")


class BatchedDies(Batched):
    @staticmethod
    def fit_many(jobs: list[Job]) -> list[Any]:
        os._exit(7)


class Sleeps(Good):
    """Sleeps for ``rate`` seconds, and logs its seed as it begins."""

    def misbehave(self, X: Any) -> None:
        log(self.random_state)
        time.sleep(self.rate)

    def predict(self, X: Any) -> Any:
        return np.where(X[:, 0] > 0, "yes", "no")


class SleepsWithChild(Sleeps):
    """As ``Sleeps``, with a forked child and a daemon beside it."""

    def misbehave(self, X: Any) -> None:
        if os.fork() == 0:
            if os.fork() == 0:
                os.setsid()
            time.sleep(600)
            os._exit(0)
        super().misbehave(X)


class Thread(Good):
    def misbehave(self, X: Any) -> None:
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()


class BadWorkbench(Workbench):
    """Gives the classes of this module by their names."""

    def open_task(self, spec: Any, data_dir: str | None) -> Task:
        return TinyTask(dict(spec))

    def warm_up(self, expression: str, kind: str, problem: str) -> None:
        """Nothing here is compiled."""

    def build(
        self, expression: str, kind: str, problem: str, params: Any, X: Any, random_state: int
    ) -> tuple[Any, list[str]]:
        if expression == "Unknown":
            raise LookupError("no such method")
        return globals()[expression](random_state=random_state, **params), ["a note on the method"]

    def rollout(self, policy: Any, X: Any) -> Any:
        return policy.act(X)[:, 0]

    def needs(self, metric: str) -> str:
        return {"accuracy": "prediction", "return": "prediction"}.get(metric, "probability")

    def evaluate(self, names: Any, y_true: Any, prediction: Any, **given: Any) -> dict[str, float]:
        scores = {
            "accuracy": lambda: float(np.mean(prediction == y_true)),
            "return": lambda: float(np.mean(prediction)),
            "log_loss": lambda: float(
                -np.mean(np.log(given["probability"][np.arange(len(y_true)), (y_true == "yes").astype(int)]))
            ),
        }
        return {name: scores[name]() for name in names}


WORKBENCH = BadWorkbench()
