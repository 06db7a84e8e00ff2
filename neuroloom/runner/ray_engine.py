"""Engine ``ray``: trials spread over a Ray cluster, one that is there already or a local one started for the run.

Each worker is a Ray actor, a *host*, which keeps one worker process of its own (:mod:`neuroloom.runner.pool`), so that
limits of time and memory are as hard as those of the engine ``processes``, whatever a trial does. The driver hands out
units and commits rows; a host or node that dies costs the unit that it was running, which is run again elsewhere, three
times at most; where a lost node leaves no room for its host, the others take its units. Ray Core alone is used: Ray
Tune costs 1.9 CPU-seconds a trial.

A host asks Ray for the cores of its threads, an even share of the GPUs, and the memory that a trial may take, or less
where that would keep another host from running.

The driver loads each task's data once and puts them into Ray's object store; hosts take them from there, and the worker
processes of a node map one copy (:mod:`neuroloom.runner.shared`). So the nodes need no files of the driver's. Data that
the driver cannot load or share are loaded by each worker, which says what is wrong with them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from neuroloom.core.checks import check_int
from neuroloom.core.errors import InputError
from neuroloom.core.spread import join_cluster, ray_core
from neuroloom.runner.engines import Engine, Event, Finished, Started, dead, divide, rows_of
from neuroloom.runner.execute import load_data, method_seed
from neuroloom.runner.pool import Death, Outcome, Pool
from neuroloom.runner.processes import usable_cores
from neuroloom.runner.row import Row
from neuroloom.runner.schedule import Loaded, Schedule
from neuroloom.runner.shared import Shelf, pack
from neuroloom.runner.surroundings import Surroundings, isolated
from neuroloom.runner.trial import Trial
from neuroloom.runner.workbench import DEFAULT, load

_LEAVE_SECONDS = 2.0  # for hosts to remove their files
ATTEMPTS = 3  # how often a unit is given to a host before its trials count as killed


class Host:
    """What runs on a node: one worker process under hard limits.

    Args:
        threads: numeric threads of a trial.
        workbench, data_dir, keep_predictions: as for :class:`neuroloom.runner.pool.Pool`.
        folder: the driver's working folder, entered where the node has it, so that paths in a bench mean the same.
        path: the driver's ``sys.path``, which its processes import from after what the node has.
        run: what the hosts of a run have in common, letters and digits.
    """

    def __init__(
        self,
        threads: int,
        workbench: str,
        data_dir: str | None,
        keep_predictions: bool,
        folder: str,
        path: Sequence[str],
        run: str,
    ) -> None:
        if os.path.isdir(folder):
            os.chdir(folder)
        sys.path += [entry for entry in path if entry not in sys.path]
        self._pool = Pool(
            1, threads=threads, workbench=workbench, data_dir=data_dir, keep_predictions=keep_predictions
        )
        self._shelf = Shelf(run)

    def pid(self) -> int:
        """Return the host's process number, once it is up."""
        return os.getpid()

    def run(self, trials: Sequence[Trial], data: Mapping[int, tuple[str, Any]]) -> tuple[Outcome, bool]:
        """Run a unit, given the data of each seed as a name and what the object store knows them by.

        Returns how it ended, and whether it met a new process.
        """
        ray = ray_core()
        paths = {}
        for seed, (name, where) in data.items():
            lost = ray.exceptions.RayError, OSError  # with a node, or no room: the worker loads them
            with contextlib.suppress(*lost):
                paths[seed] = self._shelf.path(name, partial(ray.get, where))
        fresh = self._pool.fresh(0)
        self._pool.submit(0, trials, paths)
        return self._pool.wait()[0], fresh

    def leave(self) -> None:
        """Remove the files with data."""
        self._shelf.close()


class Offered:
    """Puts the data of tasks into the object store, each once, and lets go of them when no trial needs them any more.

    Args:
        ray: Ray, connected.
        workbench: ``"module:attribute"`` of the workbench.
        data_dir: the data folder, or None.
        trials: those of the run.
    """

    def __init__(self, ray: Any, workbench: str, data_dir: str | None, trials: Sequence[Trial]) -> None:
        self._ray, self._workbench, self._data_dir = ray, load(workbench), data_dir
        self._drawn: dict[str, bool] = {}
        self._names = {trial.key: self._name(trial) for trial in trials}
        self._left = Counter(self._names.values())
        self._there: dict[str, Any] = {}

    def of(self, unit: Sequence[Trial]) -> dict[int, tuple[str, Any]]:
        """Return name and place of the data of each seed; loads what is not there yet."""
        found = {}
        for trial in unit:
            name = self._names[trial.key]
            if name not in self._there:
                self._there[name] = self._put(trial)
            if self._there[name] is not None:
                found[trial.seed] = name, self._there[name]
        return found

    def ended(self, rows: Iterable[Row]) -> None:
        """Let go of data whose last trial has ended."""
        for row in rows:
            name = self._names[row.key]
            self._left[name] -= 1
            if not self._left[name]:
                self._there.pop(name, None)

    def _name(self, trial: Trial) -> str:
        """Return a name for a trial's data, the same for all trials that share them."""
        text = repr((trial.task, trial.task_version, trial.data))
        if text not in self._drawn:
            try:
                self._drawn[text] = self._workbench.open_task(trial.task, self._data_dir).drawn
            except Exception:  # which the worker that tries it next will tell
                self._drawn[text] = False
        seed = trial.seed if self._drawn[text] else None
        return hashlib.sha256(f"{text} {seed}".encode()).hexdigest()[:32]

    def _put(self, trial: Trial) -> Any:
        """Return what the object store knows a trial's data by, or None where they cannot be loaded or shared."""
        try:
            with isolated(Surroundings(keep_random=True), method_seed(trial), lambda: 0.0, lambda _: None):
                task = self._workbench.open_task(trial.task, self._data_dir)
                return self._ray.put(pack(task, load_data(task, trial)))
        except Exception:  # which the worker that tries it next will tell
            return None


class RayEngine(Engine):
    """Runs trials on a Ray cluster.

    Args:
        workers: trials at once; None takes as many as the cluster has cores for.
        threads: numeric threads of each, which is also the cores that it asks for; None takes 1.
        address: of the cluster, ``"auto"``, ``"ray://host:10001"`` or ``"host:6379"``; None takes the one of
            ``RAY_ADDRESS``, or starts a local one.
        data_dir: the data folder, or None.
        keep_predictions: whether rows carry predictions.
        workbench: ``"module:attribute"`` of the workbench.

    Attributes:
        retried: how many trials were begun again, since their host was lost.

    Raises:
        InputError: Ray is not installed, the cluster cannot be reached or has too few cores.
    """

    name = "ray"

    def __init__(
        self,
        workers: int | None = None,
        *,
        threads: int | None = None,
        address: str | None = None,
        data_dir: str | None = None,
        keep_predictions: bool = False,
        workbench: str = DEFAULT,
    ) -> None:
        self.threads = 1 if threads is None else check_int("threads", threads)
        if workers is not None:
            check_int("workers", workers)
        self._ray = ray_core()
        self._began_it = not self._ray.is_initialized()
        if self._began_it:
            local = address is None and "RAY_ADDRESS" not in os.environ
            cores = (workers or max(1, usable_cores() // self.threads)) * self.threads
            join_cluster(self._ray, address, cores if local else None)
        have = self._ray.cluster_resources()
        room = self._room()
        self.workers = room if workers is None else workers
        if not 1 <= self.workers <= room:
            self.close()
            raise InputError(
                f"the Ray cluster has {have.get('CPU', 0):g} cores, room for {room} workers of {self.threads} threads, "
                f"but {self.workers} were asked for; pass fewer --workers or add nodes."
            )
        data = data_dir or os.environ.get("NEUROLOOM_DATA")
        self._setup = (
            self.threads, workbench, None if data is None else os.path.abspath(data), keep_predictions, os.getcwd(),
            [os.path.abspath(entry) for entry in sys.path], secrets.token_hex(8),
        )  # fmt: skip
        self._source = workbench, data_dir
        self._host_class = self._ray.remote(Host)
        self._asks = {
            "num_cpus": self.threads, "num_gpus": _share(have.get("GPU", 0), self.workers), "memory": 0,
            "max_restarts": 0,
        }  # fmt: skip
        self._hosts: dict[int, Any] = {}
        self._arriving: dict[int, Any] = {}  # slot -> what is ready once its host is up
        self._loaded = [Loaded() for _ in range(self.workers)]
        self.retried = 0

    def pids(self) -> list[int]:
        """Return the process numbers of the hosts that are up, each on its node."""
        return [int(p) for p in self._ray.get([host.pid.remote() for host in list(self._hosts.values())])]

    def run(self, trials: Iterable[Trial]) -> Iterator[Event]:
        """Run trials on the hosts; rows come as trials end."""
        todo, skipped = divide(trials)
        if skipped:
            yield Finished(skipped)
        if todo:
            wanted = int(max(trial.memory_mb for trial in todo) * 2**20)
            self._asks["memory"] = memory_share(self._nodes(), self.workers, self.threads, wanted)
        flight: dict[Any, tuple[int, tuple[Trial, ...]]] = {}
        offered = Offered(self._ray, *self._source, todo)
        try:
            yield from self._events(Schedule(todo, self.workers), offered, flight, {})
        finally:
            for slot, _ in flight.values():  # the loop was left: what is in flight is dropped
                self._drop(slot)

    def _events(
        self,
        schedule: Schedule,
        offered: Offered,
        flight: dict[Any, tuple[int, tuple[Trial, ...]]],
        attempts: dict[str, int],
    ) -> Iterator[Event]:
        while True:
            self._take_back(schedule, flight)
            busy = {slot for slot, _ in flight.values()}
            for slot in sorted(range(self.workers), key=lambda slot: not self._up(slot)):
                unit = () if slot in busy else schedule.next(self._loaded[slot])
                if unit:
                    flight[self._host(slot).run.remote(unit, offered.of(unit))] = slot, unit
                    yield Started(slot, unit)
            if not flight:
                return
            patience = 1.0 if self._arriving else None  # a host that never comes up ends nothing
            ready, _ = self._ray.wait(list(flight), num_returns=1, timeout=patience)
            more, _ = self._ray.wait(list(flight), num_returns=len(flight), timeout=0)
            found: list[Row] = []
            for ref in dict.fromkeys([*ready, *more]):
                slot, unit = flight.pop(ref)
                found += self._ended(ref, slot, unit, schedule, attempts)
            if found:
                offered.ended(found)
                yield Finished(tuple(found))

    def _take_back(self, schedule: Schedule, flight: dict[Any, tuple[int, tuple[Trial, ...]]]) -> None:
        """Where a host has nothing left to do, take back units whose host has no node to live on."""
        busy = {slot for slot, _ in flight.values()}
        up = [slot for slot in self._hosts if self._up(slot)]
        if len(schedule) or set(up) <= busy or len(self._hosts) <= self._room():
            return
        for ref, (slot, unit) in list(flight.items()):
            if not self._up(slot):
                del flight[ref]
                self._drop(slot)
                schedule.again(unit)

    def _room(self) -> int:
        """Return how many hosts the cluster has cores for now."""
        return int(self._ray.cluster_resources().get("CPU", 0)) // self.threads

    def _nodes(self) -> list[tuple[float, float]]:
        """Return cores and bytes of memory of each node that is alive."""
        alive = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        return [(have.get("CPU", 0), have.get("memory", 0)) for have in alive]

    def _up(self, slot: int) -> bool:
        """Whether the host of a slot is up."""
        if slot in self._arriving and self._ray.wait([self._arriving[slot]], timeout=0)[0]:
            del self._arriving[slot]
        return slot in self._hosts and slot not in self._arriving

    def _ended(
        self, ref: Any, slot: int, unit: tuple[Trial, ...], schedule: Schedule, attempts: dict[str, int]
    ) -> list[Row]:
        """Return the rows of a unit that has ended; one whose host was lost goes back into the schedule."""
        try:
            outcome, fresh = self._ray.get(ref)
        except self._ray.exceptions.RayError as error:
            self._drop(slot)
            return self._lost(unit, schedule, attempts, error)
        if fresh:
            self._loaded[slot] = Loaded()
        rows = rows_of(outcome, schedule, self._loaded[slot])
        for row in rows:
            if row.key in attempts:
                row.notes.append(
                    f"{row.method} was run again on {row.task}, since a host of the cluster was lost"
                )
        return rows

    def _lost(
        self, unit: tuple[Trial, ...], schedule: Schedule, attempts: dict[str, int], error: Exception
    ) -> list[Row]:
        for trial in unit:
            attempts[trial.key] = attempts.get(trial.key, 0) + 1
        given_up = [trial for trial in unit if attempts[trial.key] >= ATTEMPTS]
        left = [trial for trial in unit if attempts[trial.key] < ATTEMPTS]
        if left:
            self.retried += len(left)
            schedule.again(left)
        schedule.lost(given_up)
        death = Death("killed", f"its host was lost {ATTEMPTS} times ({type(error).__name__})")
        return [dead(trial, death) for trial in given_up]

    def _host(self, slot: int) -> Any:
        if slot not in self._hosts:
            self._hosts[slot] = self._host_class.options(**self._asks).remote(*self._setup)
            self._arriving[slot] = self._hosts[slot].pid.remote()
            self._loaded[slot] = Loaded()
        return self._hosts[slot]

    def _drop(self, slot: int) -> None:
        host = self._hosts.pop(slot, None)
        self._arriving.pop(slot, None)
        if host is not None:
            with contextlib.suppress(Exception):  # it may be dead already
                self._ray.kill(host)

    def close(self) -> None:
        """Kill the hosts and what is in flight; a local cluster that was started here ends, too."""
        idle = [host.leave.remote() for slot, host in getattr(self, "_hosts", {}).items() if self._up(slot)]
        if idle:
            self._ray.wait(idle, num_returns=len(idle), timeout=_LEAVE_SECONDS)
        for slot in list(getattr(self, "_hosts", ())):
            self._drop(slot)
        if self._began_it and self._ray.is_initialized():
            self._ray.shutdown()


def memory_share(nodes: Sequence[tuple[float, float]], workers: int, threads: int, wanted: int) -> int:
    """Return the bytes that each worker asks for: what a trial may take, or the most that leaves room for all workers.

    Args:
        nodes: cores and bytes of memory of each.
        workers: how many are to find room.
        threads: cores that each asks for.
        wanted: bytes that a trial may take.
    """

    def room(each: int) -> int:
        return sum(min(int(cores // threads), int(memory // each)) for cores, memory in nodes)

    shares = {int(memory // k) for _, memory in nodes for k in range(1, workers + 1)}
    return max(
        (each for each in {wanted, *shares} if 0 < each <= wanted and room(each) >= workers), default=0
    )


def _share(gpus: float, workers: int) -> float:
    """Return how much of a GPU each worker asks for: whole ones, or an even part of one."""
    each = gpus / workers
    return float(int(each)) if each >= 1 else int(each * 1000) / 1000
