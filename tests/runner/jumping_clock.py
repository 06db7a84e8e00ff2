"""A workbench whose process has a wall clock that jumps by a day, forth and back, whenever it is asked."""

from __future__ import annotations

import itertools
import time

from tests.runner.bad_methods import BadWorkbench

NAME = "tests.runner.jumping_clock:WORKBENCH"
_true, _jumps = time.time, itertools.cycle([86_400.0, -86_400.0, 0.0])


def jumping() -> float:
    """Return the time of now, a day off."""
    return _true() + next(_jumps)


class JumpingWorkbench(BadWorkbench):
    """The misbehaving methods, under such a clock."""

    def open_task(self, spec, data_dir):  # type: ignore[no-untyped-def]
        time.time = jumping
        return super().open_task(spec, data_dir)


WORKBENCH = JumpingWorkbench()
