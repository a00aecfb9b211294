"""
Makes the control groups of a host, and removes them when the process that asked for them ends::

    python -m functune.hosts.quota_guard 512 /sys/fs/cgroup/cpu/functune-7-0 /sys/fs/cgroup/memory/functune-7-0

The kernel does not remove a control group when a process ends. Here stdin is a pipe from the process that asked. When
it closes the pipe, or ends, by SIGKILL as well, every process that is left in the groups gets SIGKILL, and the groups
are removed. The guard makes them itself, so that there is no moment at which nobody would remove them.
"""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

from functune.hosts.control_groups import ControlGroups

MADE = "made"
"""The line that it prints when the groups are there; any other line is the reason why they are not."""
_WITHIN = 20.0
"""Seconds for the processes in the groups to end."""
_POLL = 0.01


def make(groups: ControlGroups, memory_mb: int) -> None:
    """Make the groups with their limit of memory. Raises OSError."""
    for folder in groups.folders:
        folder.mkdir()
    groups.limit_memory(memory_mb)


def remove(groups: ControlGroups) -> None:
    """Kill what is in the groups, and remove them. Raises OSError where that does not help in time."""
    with contextlib.suppress(OSError):
        groups.limit_cores(None)  # a process without a core takes long to end
    deadline = time.monotonic() + _WITHIN
    while left := [folder for folder in groups.folders if folder.exists()]:
        for pid in groups.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for folder in left:
            try:
                folder.rmdir()
            except OSError:
                if time.monotonic() > deadline:
                    raise
        time.sleep(_POLL)


def run_guard(memory_mb: int, groups: ControlGroups) -> None:
    """Make the groups, wait for the end of stdin, and remove them."""
    try:
        try:
            make(groups, memory_mb)
        except OSError as error:
            print(f"{error.filename or groups.memory}: {error.strerror}", flush=True)
            return
        print(MADE, flush=True)
        while os.read(sys.stdin.fileno(), 1024):
            pass
    finally:
        remove(groups)


if __name__ == "__main__":
    run_guard(int(sys.argv[1]), ControlGroups(Path(sys.argv[2]), Path(sys.argv[3])))
