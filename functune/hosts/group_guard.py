"""
Kills a process group when the process that asked for it ends::

    python group_guard.py 4711

A web server knows nothing of the lab and would go on without it. Here stdin is a pipe from the lab, to which nothing is
written. When the lab ends, by SIGKILL as well, the pipe ends, and the whole group gets SIGKILL.
The guard is not the parent of the server, as in guard.py: its memory would count as memory of the host.
"""

import contextlib
import os
import signal
import sys


def kill_group_with_stdin(group: int) -> None:
    """Wait for the end of stdin, and kill the group if it is still there."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    kill_group_with_stdin(int(sys.argv[1]))
