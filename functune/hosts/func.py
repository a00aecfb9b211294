"""
Azure Functions Core Tools, ``func start``, as a child process.

The behaviour relied on was read in the sources of Core Tools 4.14 (Azure/azure-functions-core-tools) and of the host
they contain (Azure/azure-functions-host).
"""

import contextlib
import re
import shutil
import signal
import socket
import subprocess
import sys
from asyncio.subprocess import PIPE
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import ClassVar, Self

import httpx
import psutil

from functune.environ import child_environ, search_path
from functune.errors import HostError, PortInUseError, UsageError
from functune.formatting import plural
from functune.host.local_settings import read_local_settings
from functune.host.settings import DEFAULT_STARTUP_INTERVAL
from functune.hosts.kinds import StartedKind
from functune.hosts.knobs import flags_of, require_function_app, require_knobs
from functune.hosts.program import Program
from functune.hosts.served_app import ServedApp
from functune.hosts.started import START_TIMEOUT, STOP_TIMEOUT, StartedHost, host_status
from functune.packages.app_packages import find_app_packages
from functune.packages.worker_start import worker_start
from functune.setting import DEFAULT_THREAD_COUNT, THREAD_COUNT, Setting

_STARTED = "Worker process started and initialized."
"""Printed at every log level (ColoredConsoleLogger.cs), because editors wait for it."""
_WORKER_FLAGS = {"--workerId", "--functions-worker-id"}
"""How the host starts a worker process (RpcWorkerContext.cs)."""
_PORT_TAKEN = re.compile(r"Port \d+ is unavailable")
_NEXT_WORKER_TIMEOUT = 20.0
"""Seconds for each further worker: func pauses 10 s before the third and every later one."""
_FIRST_WORKER_GUESS = 6.0
"""Seconds, for the estimate of the time left."""
_VERSION_TIMEOUT = 60.0
_FLAGS: Mapping[str, str] = {}
"""func has no flag for any knob."""

_HOW_TO_INSTALL = (
    "install Azure Functions Core Tools 4 (npm: azure-functions-core-tools@4, apt: azure-functions-core-tools-4, "
    "brew: azure/functions/azure-functions-core-tools@4), or use --host local, which needs no Core Tools"
)


class CoreTools:
    """The ``func`` on the PATH. Times are in seconds."""

    runs_script_root: ClassVar[bool] = True

    def __init__(
        self,
        executable: Path,
        version: str,
        *,
        python: str | None = None,
        start_timeout: float = START_TIMEOUT,
        next_worker_timeout: float = _NEXT_WORKER_TIMEOUT,
        stop_timeout: float = STOP_TIMEOUT,
    ) -> None:
        self.executable = executable
        self.python = python
        self.name = f"Azure Functions Core Tools {version}"
        self.start_timeout = start_timeout
        self.next_worker_timeout = next_worker_timeout
        self.stop_timeout = stop_timeout

    @classmethod
    def installed(cls, python: str | None = None) -> Self:
        """
        Find ``func``, for workers that run with the interpreter ``python``.

        Raises UsageError saying what to install when there is none, or none of version 4.
        """
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
        # The npm package is a wrapper, and may first print that it downloads the tools.
        version = (done.stdout.split() or [""])[-1]
        if done.returncode != 0 or not version.startswith("4."):
            said = f"{done.stdout}{done.stderr}".strip() or "nothing"
            raise UsageError(f"--host func: `{found} --version` said {said!r}, not a version 4; {_HOW_TO_INSTALL}")
        return cls(Path(found), version, python=python)

    def has_sampler(self, setting: Setting) -> bool:
        """Whether its workers write profiles."""
        return False

    def require_settable(self, settings: Collection[Setting], *, with_target: Collection[str]) -> None:
        """Check that each knob has a variable."""
        for setting in settings:
            require_knobs(setting, host="func")
            flags_of(setting, _FLAGS, host="func")

    def seconds(self, setting: Setting) -> float:
        """About how long a host takes to start and stop, with its pauses between workers, in seconds."""
        return _FIRST_WORKER_GUESS + max(setting.process_count - 2, 0) * DEFAULT_STARTUP_INTERVAL

    def running(self, app: ServedApp, *, setting: Setting, app_settings: Mapping[str, str] = {}) -> "CoreToolsHost":
        """A host with this setting. Raises UsageError for a knob that func does not have."""
        require_knobs(setting, host="func")
        flags_of(setting, _FLAGS, host="func")
        require_function_app(app, host="func")
        return CoreToolsHost(
            self,
            app.resolved,
            process_count=setting.process_count,
            environ=func_environ(app.resolved, setting, app_settings, python=self._worker_python(app.resolved)),
        )

    def _worker_python(self, app: Path) -> Path:
        """The interpreter that the workers would have on the local host."""
        return worker_start(find_app_packages(app, python=self.python), report=lambda _: None).python


STARTED = StartedKind("func", 1, "`func start` of Core Tools", CoreTools.installed)


class CoreToolsHost(StartedHost):
    """One ``func start``. It runs under a guard, which ends its processes with the process that asked for it."""

    title = "func start"

    def __init__(self, tools: CoreTools, app: Path, *, process_count: int, environ: Mapping[str, str]) -> None:
        super().__init__(
            start_timeout=tools.start_timeout + (process_count - 1) * tools.next_worker_timeout,
            stop_timeout=tools.stop_timeout,
        )
        self._executable = tools.executable
        self._app = app
        self._process_count = process_count
        self._environ = environ
        self._announced = 0
        """Lines that say that a worker has started."""

    async def launch(self) -> Program:
        """Start ``func start`` on a port that is free now."""
        port = free_port()
        self.base_url = f"http://127.0.0.1:{port}"
        self._announced = 0
        return await Program.start(
            *(sys.executable, "-P", "-m", "functune.hosts.guard", str(self._executable)),
            *("start", "--port", str(port), "--script-root", str(self._app)),
            environ=self._environ,
            on_line=self._count_announced,
            stdin=PIPE,
        )

    def _count_announced(self, line: str) -> None:
        self._announced += _STARTED in line

    async def is_ready(self, client: httpx.AsyncClient) -> bool:
        """Whether the host runs with all its workers. Raises HostError with its reasons when it says it is in error."""
        if not self._has_workers():
            return False
        status = await host_status(client, self.base_url)
        if status.get("state") == "Error":
            reasons = "; ".join(status.get("errors") or ["no reason"])
            raise HostError(f"func start answers that its host is in error: {reasons}")
        return bool(status.get("state") == "Running")

    def _has_workers(self) -> bool:
        """
        Whether all workers are up.

        The dispatcher announces each worker it starts. The first one was started before, to index the functions, and is
        announced only when there is no other (RpcFunctionInvocationDispatcher.cs). A worker that failed is announced
        too, so the processes are counted as well.
        """
        is_announced = self._announced >= max(self._process_count - 1, 1)
        return is_announced and len(worker_pids(self.pid)) >= self._process_count

    def start_error(self) -> HostError:
        """The last lines of func."""
        kind = PortInUseError if _PORT_TAKEN.search(self.tail()) else HostError
        return kind(f"func start could not start; its last lines:\n{self.tail()}")

    def missing(self) -> str:
        """The workers that ran, and the lines that announced them."""
        return (
            f": of {plural(self._process_count, 'worker process')} {len(worker_pids(self.pid))} ran, with "
            f"{plural(self._announced, 'line')} '{_STARTED}' in its log; try `func start --verbose` in {self._app}"
        )

    def ask_to_end(self, program: Program) -> None:
        """End func as CTRL+C in a terminal would; it drops calls that are still in flight after 2 s."""
        program.send_to_group(signal.SIGINT)


def func_environ(
    script_root: Path, setting: Setting, app_settings: Mapping[str, str], *, python: Path
) -> dict[str, str]:
    """The environment of func for one setting. It takes precedence over local.settings.json (StartHostAction.cs)."""
    in_file = read_local_settings(script_root).values
    variables = {
        name: _when_unset(name, in_file) if value is None else value
        for name, value in setting.app_setting_values().items()
    }
    return child_environ(
        {
            "FUNCTIONS_WORKER_RUNTIME": "python",
            # func takes the first Python on the PATH. With this one the app has the packages it has on the local host.
            "PATH": search_path(python.parent),
            # When unset, func sets it to 1, and every invocation sends debug records to the host. Azure leaves it off.
            "PYTHON_ENABLE_DEBUG_LOGGING": "0",
            # A run folder below the app must not restart the host that is being measured.
            "AzureFunctionsJobHost__fileWatchingEnabled": "false",
            **app_settings,
            **variables,
        }
    )


def _when_unset(name: str, in_file: Mapping[str, str]) -> str:
    """An empty variable does not hide a value in local.settings.json from func; the host's own default does."""
    return str(DEFAULT_THREAD_COUNT) if name == THREAD_COUNT and in_file.get(name) else ""


def free_port() -> int:
    """A port of the loopback interface that is free now; another program may still take it."""
    with contextlib.closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


def worker_pids(pid: int) -> list[int]:
    """Pids of the worker processes below ``pid``."""
    found = []
    try:
        below = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    for process in below:
        try:
            words = process.cmdline()
        except psutil.Error:  # it has ended, or is about to
            continue
        if _WORKER_FLAGS.intersection(words):
            found.append(process.pid)
    return found
