"""
Runs a foreign program and ends it, with all it started, when whoever asked for it is gone::

    python -m functune.hosts.guard func start --port 7071

The signal of parent.py has to be asked for by the process that gets it and reaches that one alone, so it does not fit a
program that starts others. Here stdin is a pipe from the process that asked: whatever that dies of, SIGKILL included,
the pipe ends, and everything in this process group gets SIGKILL. The guard must lead the group (start_new_session).
"""

import os
import signal
import subprocess
import sys
from threading import Thread


def end_group_with_stdin() -> None:
    """Wait for the end of stdin, on which nothing is written, and end the group."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.killpg(0, signal.SIGKILL)


def run_guarded() -> int:
    """Run the command of the arguments and return its exit code as a shell tells it."""
    if os.getpgrp() != os.getpid():
        raise SystemExit("functune.hosts.guard: must lead a process group of its own, for it ends all of its group")
    # SIGINT comes to the whole group and is for the program to act on. A handler, unlike "ignore", is not inherited.
    signal.signal(signal.SIGINT, lambda *_: None)
    with subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL) as program:
        Thread(target=end_group_with_stdin, daemon=True).start()
        code = program.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(run_guarded())
