"""
Runs a foreign program, and ends it with all it started when the process that asked for it ends::

    python -m functune.hosts.guard func start --port 7071

The signal of host/parent.py reaches only the process that asks for it, which is not enough for a foreign program that
starts others. Here stdin is a pipe from the process that asked. When that process ends, by SIGKILL as well, the pipe
ends, and the whole process group gets SIGKILL. The guard must lead the group (start_new_session).
"""

import os
import signal
import subprocess
import sys
from threading import Thread

from functune.hosts.group_guard import kill_group_with_stdin


def run_guarded() -> int:
    """Run the command in the arguments and return its exit code as a shell reports it."""
    if os.getpgrp() != os.getpid():
        raise SystemExit("functune.hosts.guard: must lead a process group of its own, since it ends the whole group")
    # SIGINT reaches the whole group, and the program must act on it: unlike "ignore", a handler is not inherited.
    signal.signal(signal.SIGINT, lambda *_: None)
    with subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL) as program:
        Thread(target=kill_group_with_stdin, args=(os.getpgrp(),), daemon=True).start()
        code = program.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(run_guarded())
