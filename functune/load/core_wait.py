"""
The threads of the host that could run and waited for a core, during a step.

Cores used say little on a busy machine: a thread that computes gets only part of a core. With the threads that wait for
one, they give the cores that a process wants. Linux counts this wait for each thread; other systems do not.
"""

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

type CoreWaits = dict[int, dict[str, int]]
"""Nanoseconds by pid and thread."""


def read_core_waits(processes: Sequence[psutil.Process]) -> CoreWaits:
    """The waits of every thread since it began. Empty where the system does not count them."""
    return {process.pid: found for process in processes if (found := thread_waits(process.pid))}


def thread_waits(pid: int) -> dict[str, int]:
    """The waits of a process by thread: the second number of schedstat. Threads that have just ended are omitted."""
    found = {}
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                found[task.name] = int((task / "schedstat").read_text().split()[1])
    return found


def threads_waiting(opened: CoreWaits, closed: CoreWaits, *, seconds: float) -> Mapping[str, float]:
    """The threads that waited for a core on average, by pid. Those that ended in between are not counted."""
    return {
        str(pid): sum(wait - opened[pid].get(thread, 0) for thread, wait in waits.items()) / 1e9 / seconds
        for pid, waits in closed.items()
        if pid in opened
    }
