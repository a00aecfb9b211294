"""
A web server as a child process that serves the function app without the Functions host.

The server runs with the interpreter and the packages of the app, as a worker of the local host does. Its own packages
come after those of the app, so an app that names a version of the server gets that one.
"""

import os
import re
import signal
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import ClassVar

import httpx

from functune.environ import CALLS_FOLDER, FUNCTION_KEY, MASTER_KEY, PYTHON_PATH, SCRIPT_ROOT, child_environ
from functune.errors import HostError, UsageError
from functune.host.in_process import SERVES
from functune.hosts.knobs import require_knobs
from functune.hosts.program import Program
from functune.hosts.served_app import ServedApp
from functune.hosts.started import StartedHost
from functune.hosts.worker_ends import WorkerEnds
from functune.packages.app_packages import find_app_packages
from functune.packages.server_packages import server_packages
from functune.packages.worker_start import worker_start
from functune.setting import THREAD_COUNT, WEB_CONCURRENCY, WEB_SERVERS, ServerFacts, Setting

_START_AND_STOP = 1.5
"""Seconds, for the estimate of the time left."""
_START_TIMEOUT = 60.0
"""Seconds."""
_MESSAGE = re.compile(r"functune: (.+?)(?=^(?:\[\d{4}-|[A-Z]+:|Traceback )|\Z)", re.DOTALL | re.MULTILINE)
"""An error of functune, up to the next line that the server has logged."""
_MESSAGE_LINES = 200
"""The lines that are searched for it: the servers go on to log how they end."""


class WebServer(StartedHost):
    """
    One server. ``command`` are the arguments after ``python -m``; it listens on a free port of its own choice.

    ``announced`` finds the base URL in a line of its output.
    """

    def __init__(
        self,
        app: ServedApp,
        *,
        title: str,
        command: Sequence[str],
        announced: re.Pattern[str],
        process_count: int,
        variables: Mapping[str, str],
        python: str | None,
    ) -> None:
        super().__init__(start_timeout=_START_TIMEOUT)
        self.title = title
        self._app = app.resolved
        self._command = command
        self._announced = announced
        self._process_count = process_count
        self._variables = variables
        self._python = python
        self._ready: set[str] = set()
        self._ends = WorkerEnds()
        self._counts = TemporaryDirectory(prefix="functune-calls-")
        self.calls_folder = self._counts.name

    async def launch(self) -> Program:
        """Start the server."""
        start = worker_start(find_app_packages(self._app, python=self._python), report=lambda _: None)
        servers = server_packages(start.app.interpreter, report=lambda _: None)
        folders = (*start.packages, start.offered, servers, start.own)
        environ = {
            **child_environ(self._variables),
            **start.variables,
            PYTHON_PATH: os.pathsep.join(map(str, folders)),
            SCRIPT_ROOT: str(self._app),
            # A load generator has no key, as on the local host.
            FUNCTION_KEY: "",
            MASTER_KEY: "",
            CALLS_FOLDER: self._counts.name,
        }
        return await Program.start(
            str(start.python), "-m", *self._command, environ=environ, on_line=self._read, cwd=self._app
        )

    def _read(self, line: str) -> None:
        if not self.base_url and (found := self._announced.search(line)):
            self.base_url = found[1]
        if found := SERVES.search(line):
            self._ready.add(found[1])
        self._ends.read(line)

    async def is_ready(self, client: httpx.AsyncClient) -> bool:
        """Whether it listens and as many workers as it was asked for have loaded the app."""
        return bool(self.base_url) and len(self._ready) >= self._process_count

    def missing(self) -> str:
        """The workers that have not loaded the app."""
        return f": {len(self._ready)} of {self._process_count} workers have loaded the app"

    def start_error(self) -> HostError:
        """The message of functune in a worker; the last lines where there is none."""
        found = _MESSAGE.search(self.tail(_MESSAGE_LINES))
        reason = f": {found[1].rstrip()}" if found else f"; its last lines:\n{self.tail()}"
        return HostError(f"{self.title} did not start{reason}")

    def ask_to_end(self, program: Program) -> None:
        """Ask the server to finish the requests in flight and to end its workers."""
        program.send(signal.SIGTERM)

    async def _stop(self) -> None:
        await super()._stop()
        self._counts.cleanup()

    def worker_ends(self, opened: float, closed: float) -> dict[str, int]:
        """The workers that it lost from one moment to another, as its log says."""
        return self._ends.between(opened, closed)

    async def routes(self) -> list[str]:
        """The server does not list them."""
        return []


@dataclass(frozen=True, slots=True)
class WebServerKind(ABC):
    """A kind of web server. ``python`` is the interpreter whose packages the app gets; None for those it comes with."""

    python: str | None = None
    runs_script_root: ClassVar[bool] = True

    @property
    @abstractmethod
    def host(self) -> str:
        """Its value of ``--host``."""

    @property
    def facts(self) -> ServerFacts:
        """What runs the handlers in it."""
        return WEB_SERVERS[self.host]

    def has_sampler(self, setting: Setting) -> bool:
        """Whether its workers write profiles."""
        return True

    def require_settable(self, settings: Collection[Setting], *, with_target: Collection[str]) -> None:
        """Check that it has each knob, and that nothing among the app settings would be ignored."""
        for setting in settings:
            require_knobs(setting, host=self.host)
            if WEB_CONCURRENCY in dict(setting.app_settings):
                raise UsageError(
                    f"--host {self.host}: app_settings holds {WEB_CONCURRENCY}, which the number of workers on the "
                    "command line overrides: it is set by process_count"
                )

    def seconds(self, setting: Setting) -> float:
        """About how long a server takes to start and stop, in seconds."""
        return _START_AND_STOP

    def variables(self, setting: Setting, app_settings: Mapping[str, str]) -> dict[str, str]:
        """The variables of the app with this setting: the threads are among them where the runtime has the pool."""
        is_pool = self.facts.threads == "pool" and setting.thread_count is not None
        pool = {THREAD_COUNT: str(setting.thread_count)} if is_pool else {}
        return {**app_settings, **dict(setting.app_settings), **pool}
