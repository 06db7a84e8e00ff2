"""The keeper: a tiny process that outlives the driver by a moment and ends whatever its workers left.

A worker asks the kernel to die with the driver, but what a trial has forked does not: when the driver is killed,
nobody would be left to end it. The keeper lives in a session of its own, holds the read end of a pipe whose write end
only the driver has, and imports nothing but built-in parts. At the pipe's end it kills every process that carries the
pool's mark (or, where there is no ``/proc``, the process groups it was told of) and ends itself.
"""

from __future__ import annotations

import os
import select
import signal
import time

from neuroloom.runner.processes import LINUX, kill, marked


def main(token: str, driver: int) -> None:
    """Wait for the driver's end, then kill all processes marked with ``token``."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    groups = _watch(driver)
    if not LINUX:
        for group in groups:
            try:
                os.killpg(group, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
        return
    quiet, end = 0, time.monotonic() + 10
    while quiet < 2 and time.monotonic() < end:
        left = marked(token)
        kill(left)
        quiet = 0 if left else quiet + 1
        time.sleep(0.02)


def _watch(driver: int) -> set[int]:
    """Return the process groups announced on standard input (``+pid``, ``-pid``) once the driver has gone."""
    groups: set[int] = set()
    text = b""
    while os.getppid() == driver:
        if not select.select([0], [], [], 0.5)[0]:
            continue
        part = os.read(0, 4096)
        if not part:
            break
        *lines, text = (text + part).split(b"\n")
        for line in lines:
            (groups.add if line[:1] == b"+" else groups.discard)(int(line[1:]))
    return groups
