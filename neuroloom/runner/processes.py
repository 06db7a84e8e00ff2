"""Processes as the system sees them: their memory, their families, and ending all of them.

Linux answers from ``/proc`` (a few microseconds a reading); elsewhere psutil does.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

LINUX = sys.platform == "linux" and os.path.isdir("/proc/self")
MARK = "NEUROLOOM_WORKER"  # environment variable that a worker and all that it starts carry
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20 if hasattr(os, "sysconf") else 4096 / 2**20
_TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass(frozen=True)
class Process:
    """One line of the process table: resident memory in MB (2**20 bytes), CPU seconds so far."""

    pid: int
    parent: int
    session: int
    zombie: bool
    resident_mb: float
    cpu_seconds: float


def table() -> dict[int, Process]:
    """Return all processes by pid."""
    if not LINUX:
        return _table_of_psutil()
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb", buffering=0) as file:
                    text = file.read(1024)
            except OSError:
                continue  # it has ended meanwhile
            f = text[text.rindex(b")") + 2 :].split()
            ticks = int(f[11]) + int(f[12])
            found[int(name)] = Process(
                int(name), int(f[1]), int(f[3]), f[0] in b"ZX", int(f[21]) * _PAGE_MB, ticks / _TICK
            )
    return found


def _table_of_psutil() -> dict[int, Process]:
    import psutil

    found = {}
    for process in psutil.process_iter():
        try:
            with process.oneshot():
                pid, status = process.pid, process.status()
                memory, cpu = process.memory_info().rss / 2**20, process.cpu_times()
                seconds = cpu.user + cpu.system
                zombie = status == psutil.STATUS_ZOMBIE
                found[pid] = Process(pid, process.ppid(), os.getsid(pid), zombie, memory, seconds)
        except (psutil.Error, OSError):
            continue
    return found


def descendants(
    root: int, processes: Mapping[int, Process], also: Collection[int] = ()
) -> dict[int, Process]:
    """Return the descendants of ``root``, and those named in ``also`` with their own, by pid."""
    children: dict[int, list[int]] = {}
    for process in processes.values():
        children.setdefault(process.parent, []).append(process.pid)
    found = {pid: processes[pid] for pid in also if pid in processes}
    queue = [root, *found]
    while queue:
        for pid in children.get(queue.pop(), ()):
            if pid not in found and pid != root:
                found[pid] = processes[pid]
                queue.append(pid)
    return found


def family(root: int, processes: Mapping[int, Process]) -> list[Process]:
    """Return the descendants of ``root`` and the other members of the session it leads, without itself."""
    session = [p.pid for p in processes.values() if p.session == root and p.pid != root]
    return list(descendants(root, processes, session).values())


def marked(token: str) -> list[int]:
    """Return the pids whose starting environment holds ``MARK`` with a value that begins with ``token``.

    A fork keeps its parent's starting environment, so this finds daemons that left both family and session.
    """
    if not LINUX:
        return []
    wanted = f"{MARK}={token}".encode()
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/environ", "rb", buffering=0) as file:
                    text = file.read(1 << 20)
            except OSError:
                continue
            if text.startswith(wanted) or b"\0" + wanted in text:
                found.append(int(name))
    return [pid for pid in found if pid != os.getpid()]


def kill(pids: Iterable[int]) -> None:
    """Send SIGKILL to each pid that still exists."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def kill_family(root: int, token: str, *, rounds: int = 20) -> None:
    """Kill a session's leader with all its descendants and everything marked with ``token``."""
    relatives = [p.pid for p in family(root, table())]
    kill([root])
    with contextlib.suppress(ProcessLookupError, PermissionError):  # it led no group, or the group is gone
        os.killpg(root, signal.SIGKILL)
    kill(relatives)
    for _ in range(rounds):
        left = [pid for pid in marked(token) if pid != root]
        if not left:
            return
        kill(left)
        time.sleep(0.002)  # the killed need a moment to leave the table


class Resident:
    """Resident memory of one process, cheap to read again and again.

    Args:
        pid: the process, which must exist.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._file = os.open(f"/proc/{pid}/statm", os.O_RDONLY | os.O_CLOEXEC) if LINUX else -1

    def mb(self) -> float:
        """Return it in MB, or 0 where the process is gone."""
        if self._file >= 0:
            try:
                return int(os.pread(self._file, 256, 0).split()[1]) * _PAGE_MB
            except (OSError, IndexError):
                return 0.0
        import psutil

        try:
            return float(psutil.Process(self._pid).memory_info().rss / 2**20)
        except psutil.Error:
            return 0.0

    def data_bytes(self) -> int:
        """Return the size of its private writable memory (what RLIMIT_DATA counts, and the stack)."""
        return round(int(os.pread(self._file, 256, 0).split()[5]) * _PAGE_MB * 2**20)

    def close(self) -> None:
        """Close the file behind it."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def private_mb(process: Process) -> float:
    """Return the memory that a process shares with none, in MB: what a fork holds beyond its parent."""
    try:
        with open(f"/proc/{process.pid}/smaps_rollup", "rb") as file:
            lines = [line.split() for line in file if line.startswith((b"Private_Clean", b"Private_Dirty"))]
        return sum(int(line[1]) for line in lines) / 1024
    except (OSError, ValueError):
        return process.resident_mb if not LINUX else 0.0


def has_children() -> bool:
    """Whether this process has child processes, ended ones included; a microsecond."""
    if not hasattr(os, "waitid"):
        import psutil

        return bool(psutil.Process().children())
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def end_descendants(spared: Collection[int] = ()) -> int:
    """Kill and reap all descendants of this process but ``spared`` ones; return how many were still running.

    With this process as the kernel's subreaper, orphans of its descendants are among them.
    """
    ended: set[int] = set()
    for _ in range(200):
        if not has_children():
            break
        processes = table()
        kept = {pid for root in spared for pid in (root, *descendants(root, processes))}
        left = [p for p in descendants(os.getpid(), processes).values() if p.pid not in kept]
        if not left:
            break
        running = [p.pid for p in left if not p.zombie]
        ended.update(running)
        kill(running)
        _reap(p.pid for p in left)
        if running:
            time.sleep(0.001)
    return len(ended)


def _reap(pids: Iterable[int]) -> None:
    for pid in pids:
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            continue  # a grandchild: its own parent is to reap it, or we are, once that has ended


def system_kills() -> int:
    """Return how many processes the kernel has ended for lack of memory since it started."""
    try:
        with open("/proc/vmstat", "rb") as file:
            return next((int(line.split()[1]) for line in file if line.startswith(b"oom_kill ")), 0)
    except OSError:
        return 0


def usable_cores() -> int:
    """Return the cores this process may use: its affinity, and its control group's quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        with open("/sys/fs/cgroup/cpu.max") as file:
            quota, period = file.read().split()
        if quota != "max":
            cores = min(cores, max(1, -(-int(quota) // int(period))))
    except (OSError, ValueError):
        pass
    return max(1, cores)
