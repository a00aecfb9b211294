"""
A web server as a child process that serves a function app without the Functions host, or any WSGI or ASGI app.

The server runs with the interpreter and the packages of the app, as a worker of the local host does. Its own packages
come after those of the app, so an app that names a version of the server gets that one.
"""

import asyncio
import os
import re
import signal
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import ClassVar

import httpx
import msgspec

from functune.app_service.generated import WEB_CONCURRENCY
from functune.environ import APP_ENTRY, CALLS_FOLDER, FUNCTION_KEY, LAB_PID, MASTER_KEY
from functune.errors import HostError, UsageError
from functune.hosts.app_process import app_process
from functune.hosts.described import describe_app
from functune.hosts.knobs import limiter_variables, require_knobs
from functune.hosts.program import Program
from functune.hosts.quota import require_quotas
from functune.hosts.served_app import ServedApp
from functune.hosts.started import START_TIMEOUT, StartedHost
from functune.hosts.worker_ends import WorkerEnds
from functune.server_process import serving_processes
from functune.setting import THREAD_COUNT, Setting
from functune.shapes import InstanceShape
from functune.web_servers import WEB_SERVERS, ServerFacts

_START_AND_STOP = 1.5
"""Seconds, for the estimate of the time left."""
_MESSAGE = re.compile(r"functune: (.+?)(?=^(?:\[\d{4}-|[A-Z]+:|Traceback )|\Z)", re.DOTALL | re.MULTILINE)
"""An error of functune, up to the next line that the server has logged."""
_MESSAGE_LINES = 200
"""The lines that are searched for it: the servers go on to log how they end."""


class WebServer(StartedHost):
    """
    One server. ``command`` are the arguments after ``python -m``; it listens on a free port of its own choice.

    ``announced`` finds the base URL in a line of its output.
    """

    ends_with_lab: ClassVar[bool] = False

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
        instance: InstanceShape | None,
    ) -> None:
        super().__init__(start_timeout=START_TIMEOUT, instance=instance)
        self.title = title
        self._app = app
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
        python, environ = app_process(self._app, python=self._python, variables=self._variables)
        environ |= {
            # A load generator has no key, as on the local host.
            FUNCTION_KEY: "",
            MASTER_KEY: "",
            CALLS_FOLDER: self._counts.name,
            LAB_PID: str(os.getpid()),
        }
        command = self.confined(str(python), "-m", *self._command)
        return await Program.start(*command, environ=environ, on_line=self._read, cwd=self._app.resolved)

    def _read(self, line: str) -> None:
        if not self.base_url and (found := self._announced.search(line)):
            self.base_url = found[1]
        self._ready.update(serving_processes(line))
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
        """The routes that the app itself lists; none of a function app, which only a Functions host lists."""
        if self._app.entry is None:
            return []
        return list((await asyncio.to_thread(describe_app, self._app, self._python)).routes)


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
        """Check that it has each knob, that no app setting would be ignored, and that instances can be limited."""
        for setting in settings:
            require_knobs(setting, host=self.host)
            if WEB_CONCURRENCY in dict(setting.app_settings):
                raise UsageError(
                    f"--host {self.host}: app_settings holds {WEB_CONCURRENCY}, which the number of workers on the "
                    "command line overrides: it is set by process_count"
                )
        require_quotas(settings)

    def seconds(self, setting: Setting) -> float:
        """About how long a server takes to start and stop, in seconds."""
        return _START_AND_STOP

    def module(self, app: ServedApp) -> str:
        """What the server is started with: the function app, or the middleware around the app."""
        room = "functune" if app.entry is None else "functune.middleware"
        return f"{room}.{self.facts.interface}:app"

    def variables(self, app: ServedApp, setting: Setting, app_settings: Mapping[str, str]) -> dict[str, str]:
        """The variables of the app with this setting: the threads are among them where the runtime has the pool."""
        given = {**app_settings, **dict(setting.app_settings), **limiter_variables(setting)}
        if app.entry is not None:
            return {**given, APP_ENTRY: app.entry}
        threads = msgspec.structs.replace(setting, host=self.host).threads
        return {**given, THREAD_COUNT: str(threads)} if self.facts.threads == "pool" else given
