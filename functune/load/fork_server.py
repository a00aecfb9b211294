"""
The process from which those of Locust are forked: ``python -P -m functune.load.fork_server``.

Most of the CPU time of Locust's start goes to its imports, including Flask. A fork server imports them once for all
loads of a run. Its standard input is a socket, over which it gets a connection and a log for each process of Locust.
Over the connection it gets the options, the folder and the environment, as a line of JSON. It sends back the pid, and
later the exit code.

No load outlives the process that asked for it: it is killed when the connection closes, and the fork server ends when
the socket closes. Locust itself forks after its imports too, for its option ``--processes``.
"""

import contextlib
import gc
import importlib
import importlib.metadata
import json
import os
import runpy
import sys

# The functions of the system: Locust has gevent replace them by its own.
from os import close, waitpid
from pathlib import Path
from select import select
from signal import SIG_DFL, SIGCHLD, SIGKILL, set_wakeup_fd, signal
from socket import recv_fds, socket
from typing import Any, NamedTuple

from functune.collection import collection_paused
from functune.environ import replace_environ

IMPORTED = (
    "locust.main",
    *(f"functune.load.{name}" for name in ("load_follower", "load_master", "request_check", "requests")),
)
"""What every process of Locust imports, Locust first. locustfile.py is not among them: it reads the environment."""


class AskedLoad(NamedTuple):
    """A process of Locust that is asked for."""

    connection: int
    log: int
    start: dict[str, Any]
    """Its ``options``, its ``folder`` and its ``environ``."""


class ForkServer:
    """Forks a process for each load that is asked for, and says how it ended."""

    def __init__(self, asking: socket) -> None:
        self.asking = asking
        self.ended, self.woken = os.pipe()
        """Readable when a process has ended."""
        os.set_blocking(self.woken, False)
        self.connections: dict[int, int] = {}
        """The connection of each load by its pid."""

    def serve(self) -> AskedLoad | None:
        """The load to run, in the process forked for it; None here, where nobody can ask any more."""
        set_wakeup_fd(self.woken)
        signal(SIGCHLD, lambda *_: None)
        while True:
            asking = self.asking.fileno()
            readable, _, _ = select([asking, self.ended, *self.connections.values()], [], [])
            for pid, connection in list(self.connections.items()):
                if connection in readable:  # nothing comes after the start: it was closed
                    os.kill(pid, SIGKILL)
                    self.report(pid, waitpid(pid, 0)[1])
            if self.ended in readable:
                self.report_ended()
            if asking in readable:
                _, given, _, _ = recv_fds(self.asking, 1, 2)
                if not given:
                    return None
                if (asked := self.read_start(*given)) is not None and self.forked(asked):
                    return asked

    def read_start(self, connection: int, log: int) -> AskedLoad | None:
        """The load that is asked for; None where who asked has ended meanwhile."""
        text = b""
        while not text.endswith(b"\n"):
            if not (more := os.read(connection, 65536)):
                close(connection)
                close(log)
                return None
            text += more
        return AskedLoad(connection, log, json.loads(text))

    def forked(self, asked: AskedLoad) -> bool:
        """Fork, and report the pid. Returns whether this is the new process, which keeps no connection but stdin."""
        from gevent.os import fork_gevent  # type: ignore[import-untyped]

        if pid := fork_gevent():
            close(asked.log)
            self.connections[pid] = asked.connection
            tell(asked.connection, pid)
            return False
        set_wakeup_fd(-1)
        signal(SIGCHLD, SIG_DFL)
        for descriptor in (self.ended, self.woken, asked.connection, *self.connections.values()):
            close(descriptor)
        return True

    def report_ended(self) -> None:
        """Report every process that has ended."""
        os.read(self.ended, 65536)
        for pid in list(self.connections):
            found, status = waitpid(pid, os.WNOHANG)
            if found:
                self.report(pid, status)

    def report(self, pid: int, status: int) -> None:
        """Report the end of a process."""
        connection = self.connections.pop(pid)
        tell(connection, os.waitstatus_to_exitcode(status))
        close(connection)

    def kill_all(self) -> None:
        """End all loads."""
        for pid in self.connections:
            os.kill(pid, SIGKILL)


def tell(connection: int, number: int) -> None:
    """Send a number to who asked for a load, and may have ended."""
    with contextlib.suppress(BrokenPipeError):
        os.write(connection, b"%d\n" % number)


def import_locust() -> None:
    """
    Import what every process of Locust does.

    At each of the 25 modules that it patches, gevent asks for the entry points of a group, for which Python reads the
    metadata of every installed package: they are read once. Nothing that is imported can be garbage, so nothing is
    collected meanwhile, nor in the processes, which go on to share the memory of what is imported.
    """
    importlib.metadata.entry_points = importlib.metadata.entry_points().select
    with collection_paused():
        for name in IMPORTED:
            importlib.import_module(name)
    gc.freeze()


def run_locust(asked: AskedLoad) -> None:
    """Become the process of Locust that was asked for, as if it had been started by a command."""
    os.setsid()
    for descriptor, standard in ((os.open(os.devnull, os.O_RDONLY), 0), (asked.log, 2)):
        os.dup2(descriptor, standard)
        close(descriptor)
    os.chdir(asked.start["folder"])
    replace_environ(asked.start["environ"])
    with contextlib.suppress(OSError):  # Linux alone names a process in this way, for ps and top
        Path("/proc/self/comm").write_text("locust worker" if "--worker" in asked.start["options"] else "locust")
    sys.argv = ["locust", *asked.start["options"]]
    runpy.run_module("locust", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    import_locust()
    server = ForkServer(socket(fileno=0))
    load = server.serve()
    if load is None:
        server.kill_all()
        os._exit(0)  # nothing is left to do, and to free all that is imported takes time
    run_locust(load)
