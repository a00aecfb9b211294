"""
Azure Functions Core Tools as a host: ``func start`` for one setting, awaited until its workers serve, ended with all
it started.

What is relied on was read in the sources of Core Tools 4.14 (Azure/azure-functions-core-tools) and of the host in it
(Azure/azure-functions-host).
"""

import asyncio
import contextlib
import re
import shutil
import signal
import socket
import subprocess
import sys
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import httpx
import psutil

from functune.environ import child_environ, search_path
from functune.errors import HostError, PortInUseError, UsageError, WorkerStartError
from functune.host import settings
from functune.host.local_settings import read_local_settings
from functune.hosts.program import Program

_STARTED = "Worker process started and initialized."
"""Shown whatever the log levels are (ColoredConsoleLogger.cs), because editors wait for it."""
_WORKER_FLAGS = {"--workerId", "--functions-worker-id"}
"""How the host starts a worker process (RpcWorkerContext.cs)."""
_PORT_TAKEN = re.compile(r"Port \d+ is unavailable")
_PORTS_TRIED = 5
_START_TIMEOUT = 60.0
"""Seconds for the host and its first worker."""
_NEXT_WORKER_TIMEOUT = 20.0
"""Seconds for each further worker: func pauses 10 s before the third and every later one."""
_FIRST_WORKER_GUESS = 6.0
"""Seconds, for the time left alone."""
_STOP_TIMEOUT = 15.0
"""Seconds for an orderly end; func drops what is in flight after 2 s by itself."""
_VERSION_TIMEOUT = 60.0
_POLL_INTERVAL = 0.1

_HOW_TO_INSTALL = (
    "install Azure Functions Core Tools 4 (npm: azure-functions-core-tools@4, apt: azure-functions-core-tools-4, "
    "brew: azure/functions/azure-functions-core-tools@4), or use --host local, which needs nothing"
)


class CoreTools:
    """The ``func`` on the PATH. Called as HostProcess is, it gives the host of one setting."""

    runs_script_root: ClassVar[bool] = True

    def __init__(
        self,
        executable: Path,
        version: str,
        *,
        start_timeout: float = _START_TIMEOUT,
        next_worker_timeout: float = _NEXT_WORKER_TIMEOUT,
        stop_timeout: float = _STOP_TIMEOUT,
    ) -> None:
        self.executable = executable
        self.name = f"Azure Functions Core Tools {version}"
        self.start_timeout = start_timeout
        self.next_worker_timeout = next_worker_timeout
        self.stop_timeout = stop_timeout

    @classmethod
    def installed(cls) -> Self:
        """The one on the PATH. Raises UsageError without it, or when it is no version 4, and says what to install."""
        found = shutil.which("func")
        if found is None:
            raise UsageError(f"--host func: there is no func on the PATH; {_HOW_TO_INSTALL}")
        try:
            done = subprocess.run(
                [found, "--version"],
                capture_output=True,
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
                timeout=_VERSION_TIMEOUT,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise UsageError(f"--host func: `{found} --version` did not run: {error}; {_HOW_TO_INSTALL}") from error
        # The npm package may have more to say first: that it downloads what it is a wrapper of.
        version = (done.stdout.split() or [""])[-1]
        if done.returncode != 0 or not version.startswith("4."):
            said = f"{done.stdout}{done.stderr}".strip() or "nothing"
            raise UsageError(f"--host func: `{found} --version` said {said!r}, not a version 4; {_HOW_TO_INSTALL}")
        return cls(Path(found), version)

    def seconds(self, process_count: int) -> float:
        """About what starting and stopping takes: a guess for the host, and its pauses between workers."""
        return _FIRST_WORKER_GUESS + max(process_count - 2, 0) * settings.DEFAULT_STARTUP_INTERVAL

    def __call__(
        self,
        *,
        script_root: Path,
        thread_count: int | None,
        process_count: int,
        per_instance_concurrency: int | None = None,
        app_settings: Mapping[str, str] | None = None,
    ) -> "CoreToolsHost":
        """The host of one setting. Raises UsageError for a concurrency per instance, which func cannot limit."""
        if per_instance_concurrency is not None:
            raise UsageError(
                f"--host func: per_instance_concurrency is {per_instance_concurrency}, and func lets in any number of "
                'requests: allowed is "unset", or --host local'
            )
        variables = environ(
            script_root.resolve(),
            thread_count=thread_count,
            process_count=process_count,
            app_settings=app_settings or {},
        )
        return CoreToolsHost(self, script_root=script_root, process_count=process_count, variables=variables)


class CoreToolsHost:
    """
    ``func start`` as a child process, as HostProcess is ``functune serve`` as one.

    Raises HostError with the last lines it printed when it cannot start, WorkerStartError when not all of its workers
    came up in time.
    """

    key: ClassVar[None] = None

    def __init__(
        self, tools: CoreTools, *, script_root: Path, process_count: int, variables: Mapping[str, str]
    ) -> None:
        self.base_url = ""
        self._tools = tools
        self._script_root = script_root.resolve()
        self._process_count = process_count
        self._environ = variables
        self._program: Program | None = None
        self._started = 0

    @property
    def pid(self) -> int:
        """Process id of the guard func runs under: all of its processes are below it. 0 before it started."""
        return self._program.pid if self._program is not None else 0

    def tail(self) -> str:
        """The last lines func printed."""
        return self._program.tail() if self._program is not None else ""

    async def __aenter__(self) -> Self:
        try:
            for _ in range(_PORTS_TRIED - 1):
                try:
                    await self._start()
                except PortInUseError:  # by a program that took it since it was found to be free
                    continue
                return self
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def _start(self) -> None:
        port = free_port()
        self.base_url = f"http://127.0.0.1:{port}"
        self._started = 0
        self._program = await Program.start(
            *(sys.executable, "-P", "-m", "functune.hosts.guard", str(self._tools.executable)),
            *("start", "--port", str(port), "--script-root", str(self._script_root)),
            environ=self._environ,
            on_line=self._count_started,
            stdin=PIPE,
        )
        limit = self._tools.start_timeout + (self._process_count - 1) * self._tools.next_worker_timeout
        try:
            async with asyncio.timeout(limit):
                await self._until_ready(self._program)
        except TimeoutError as error:
            raise WorkerStartError(
                f"func start did not become ready within {limit:g} s: of {self._process_count} worker process(es) "
                f"{len(workers(self.pid))} ran, with {self._started} line(s) '{_STARTED}' in its log; "
                f"try `func start --verbose` in {self._script_root}. Its last lines:\n{self.tail()}"
            ) from error

    def _count_started(self, line: str) -> None:
        self._started += _STARTED in line

    async def _until_ready(self, program: Program) -> None:
        async with httpx.AsyncClient(base_url=self.base_url, trust_env=False, timeout=10) as client:
            while not (self._has_workers() and await is_running(client)):
                if program.has_ended:
                    kind = PortInUseError if _PORT_TAKEN.search(program.tail()) else HostError
                    raise kind(f"func start could not start; its last lines:\n{program.tail()}")
                await asyncio.sleep(_POLL_INTERVAL)

    def _has_workers(self) -> bool:
        """
        Whether all workers are up.

        The dispatcher says so of each worker it starts itself. The first one was started before, to index the
        functions, and is announced only when it stays alone (RpcFunctionInvocationDispatcher.cs). A worker that failed
        is announced too, so the processes are counted as well.
        """
        return self._started >= max(self._process_count - 1, 1) and len(workers(self.pid)) >= self._process_count

    async def _stop(self) -> None:
        """End func as CTRL+C in a terminal would, and what is left of its processes with SIGKILL."""
        program = self._program
        if program is None:
            return
        program.send_to_group(signal.SIGINT)
        try:
            with contextlib.suppress(TimeoutError):  # what follows ends it all the same
                async with asyncio.timeout(self._tools.stop_timeout):
                    await program.ended()
        finally:
            program.send_to_group(signal.SIGKILL)
        await program.ended()


def environ(
    script_root: Path, *, thread_count: int | None, process_count: int, app_settings: Mapping[str, str]
) -> dict[str, str]:
    """The environment of func for one setting. It counts over local.settings.json (StartHostAction.cs)."""
    threads = "" if thread_count is None else str(thread_count)
    if thread_count is None and read_local_settings(script_root).values.get(settings.THREAD_COUNT):
        # To func an empty variable hides no value in the file. This one is what the host makes of an unset one.
        threads = str(settings.DEFAULT_THREAD_COUNT)
    return child_environ(
        {
            settings.THREAD_COUNT: threads,
            settings.PROCESS_COUNT: str(process_count),
            "FUNCTIONS_WORKER_RUNTIME": "python",
            # func takes the first Python of the PATH: with this one the app has what it has on the local host.
            "PATH": search_path(Path(sys.executable).parent),
            # Unset, func sets it to 1, and every invocation sends its debug records to the host. Azure leaves it off.
            "PYTHON_ENABLE_DEBUG_LOGGING": "0",
            # A run folder below the app must not restart the host that is being measured.
            "AzureFunctionsJobHost__fileWatchingEnabled": "false",
            **app_settings,
        }
    )


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now; another program may still take it."""
    with contextlib.closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


def workers(pid: int) -> list[int]:
    """Pids of the worker processes below ``pid``."""
    found = []
    try:
        below = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    for process in below:
        try:
            words = process.cmdline()
        except psutil.Error:  # it has ended since, or is about to
            continue
        if _WORKER_FLAGS.intersection(words):
            found.append(process.pid)
    return found


async def is_running(client: httpx.AsyncClient) -> bool:
    """Whether the host answers that it runs. Raises HostError with what it says of itself when it is in error."""
    try:
        response = await client.get("/admin/host/status")
        status = response.json() if response.status_code == 200 else {}
    except (httpx.HTTPError, ValueError):
        return False  # not yet: it is asked again, until it is or the time is up
    if status.get("state") == "Error":
        raise HostError(
            f"func start answers that its host is in error: {'; '.join(status.get('errors') or ['no reason'])}"
        )
    return bool(status.get("state") == "Running")
