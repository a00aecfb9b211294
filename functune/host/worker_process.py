"""One worker process: started with its stream, watched, killed."""

import asyncio
import contextlib
import mmap
import os
import signal
import socket
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from functune.errors import FunctionTimeoutError, HostError, WorkerDiedError, WorkerStartError
from functune.host.channel import Channel
from functune.host.console import Console
from functune.host.load_error import load_error
from functune.host.messages import RpcFunctionMetadata, RpcLog, WorkerInitRequest, WorkerInitResponse
from functune.host.settings import WorkerSettings
from functune.host.worker_output import WorkerOutput
from functune.packages.worker_start import WorkerStart
from functune.timing.page import PAGE_BYTES, CallTotals, read_totals

_ENTRY = Path("functune", "host", "worker_entry.py")
_EXIT_GRACE = 5.0
"""Seconds a process has to end after it has closed its stream; what the app does at its end counts."""


class WorkerProcess:
    """One child process and its stream: ``start()``, then ``channel.invoke(…)``, then ``kill()``."""

    def __init__(
        self, number: int, *, script_root: Path, settings: WorkerSettings, start: WorkerStart, console: Console
    ) -> None:
        self.number = number
        self.died: asyncio.Future[WorkerDiedError] = asyncio.get_running_loop().create_future()
        self.is_ready = False
        self.capabilities: Mapping[str, str] = {}
        """The capabilities that the worker announced after it had loaded the app."""
        self.exit_code: int | None = None
        self._cause = ""
        self._script_root = script_root
        self._settings = settings
        self._worker_start = start
        self._console = console
        self._output = WorkerOutput(console)
        self._timing: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._page: mmap.mmap | None = None
        """The totals of the calls, which the process writes; None where the host does not time calls."""
        self.channel = Channel(on_log=self._log, on_lost=self._kill_soon)

    @property
    def is_timed_out(self) -> bool:
        """Whether it was killed because an invocation took too long."""
        return bool(self._cause)

    @property
    def pid(self) -> int:
        """Process id, 0 before it started."""
        return self._process.pid if self._process is not None else 0

    def __str__(self) -> str:
        return f"worker {self.number} (pid {self.pid})"

    def call_totals(self, now: float) -> CallTotals | None:
        """The calls until ``now``, seconds of time.perf_counter; None where the host does not time calls."""
        return None if self._page is None else read_totals(self._page, now)

    async def start(self) -> None:
        """
        Start the process and have it import the app.

        Raises WorkerStartError when it cannot be started, ends or does not answer in time, AppError when the app cannot
        be loaded.
        """
        try:
            await self._spawn()
            response = await self._loaded()
        except HostError:
            self._output.show_held()
            raise
        if response.exception is not None:
            raise load_error(response.exception, self._worker_start.app)
        self._output.show_held()
        self.capabilities = response.capabilities
        self.is_ready = True
        if self._settings.function_timeout is not None:
            self._timing = asyncio.create_task(self._enforce(self._settings.function_timeout))
        self._console.milestone(f"Worker process started and initialized. ({self})")

    async def _loaded(self) -> WorkerInitResponse:
        limit = self._settings.startup_timeout
        try:
            async with asyncio.timeout(limit):
                await self.channel.started
            limit = self._settings.initialization_timeout
            async with asyncio.timeout(limit):
                return await self.channel.init(WorkerInitRequest(str(self._script_root)))
        except TimeoutError as error:
            raise WorkerStartError(f"{self} did not become ready within {limit:g} s") from error
        except WorkerDiedError as error:
            raise WorkerStartError(f"{self} ended while it started: {error}") from error

    async def functions(self) -> list[RpcFunctionMetadata] | None:
        """The functions that the worker indexed; None without function_app.py, or without a function in it."""
        return (await self.channel.functions()).functions

    def kill(self) -> None:
        """End the process and those that the app started with SIGKILL, as the real host ends its Python workers."""
        if self._process is not None and self._process.returncode is None:
            _kill_group(self._process.pid)

    async def ended(self) -> None:
        """Return once the process has ended and its output has been shown."""
        if self._watching is not None:
            await self._watching
        await self._output.ended()

    def _kill_soon(self) -> None:
        # A process that is ending closes its stream first; killing it at once would hide how it ended.
        asyncio.get_running_loop().call_later(_EXIT_GRACE, self.kill)

    async def _enforce(self, limit: float) -> None:
        """
        Kill the process once an invocation has taken ``limit`` seconds, as the real host does, since a thread cannot be
        killed.

        All invocations have the same limit, so the oldest reaches it first, and one timer is enough.
        """
        loop = asyncio.get_running_loop()
        while True:
            oldest = self.channel.oldest
            left = limit if oldest is None else oldest[1] + limit - loop.time()
            if oldest is not None and left <= 0:
                break
            await asyncio.sleep(left)
        self._cause = f"invocation {oldest[0]} ran longer than the functionTimeout of {limit:g} s in host.json"
        self.channel.give_up(oldest[0], FunctionTimeoutError(f"{self._cause}; {self} is killed and replaced"))
        self.kill()

    async def _spawn(self) -> None:
        try:
            process, connection = await self._execute()
        except OSError as error:
            raise WorkerStartError(
                f"worker {self.number} cannot be started with {self._worker_start.python}: {error}"
            ) from error
        self._process = process
        self._output.follow(process)
        self._watching = asyncio.create_task(self._watch(process))
        await asyncio.get_running_loop().create_unix_connection(lambda: self.channel, sock=connection)

    async def _execute(self) -> tuple[asyncio.subprocess.Process, socket.socket]:
        """The process, begun, and this end of its stream. Raises OSError when the system refuses it."""
        here, there = socket.socketpair()
        with contextlib.ExitStack() as failed, there, self._times_file() as page_fds:
            failed.enter_context(here)
            process = await asyncio.create_subprocess_exec(
                *(str(self._worker_start.python), "-P", str(self._worker_start.own / _ENTRY)),
                *("--fd", str(there.fileno()), "--script-root", str(self._script_root)),
                *(f"--packages={folder}" for folder in self._worker_start.packages),
                *("--offered", str(self._worker_start.offered), "--own", str(self._worker_start.own)),
                *(word for fd in page_fds for word in ("--times-fd", str(fd))),
                cwd=self._script_root,
                env={**self._settings.environ, **self._worker_start.variables},
                pass_fds=(there.fileno(), *page_fds),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                # CTRL+C reaches the whole foreground group, and the workers must finish what is in flight.
                start_new_session=True,
            )
            failed.pop_all()
        here.setblocking(False)
        return process, here

    @contextlib.contextmanager
    def _times_file(self) -> Iterator[list[int]]:
        """The descriptor of a file without a name, in which the process counts its calls; none without ``times``."""
        if not self._settings.times:
            yield []
            return
        with tempfile.TemporaryFile() as file:
            file.truncate(PAGE_BYTES)
            self._page = mmap.mmap(file.fileno(), PAGE_BYTES)
            yield [file.fileno()]

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        code = await process.wait()
        _kill_group(process.pid)  # what the app started must not outlive a worker that ended by itself
        self.is_ready = False
        self.exit_code = code
        if self._timing is not None:
            self._timing.cancel()
        how = f"was ended by {_signal_name(-code)}" if code < 0 else f"exited with code {code}"
        why = f", because {self._cause}" if self._cause else ""
        reason = WorkerDiedError(f"{self} {how} with {self.channel.in_flight} invocation(s) in flight{why}")
        self.channel.fail(reason)
        self.channel.close()
        self.died.set_result(reason)

    def _log(self, log: RpcLog) -> None:
        self._output.log(log, self.channel.executing(log.invocation_id))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # most real-time signals have no name
        return f"signal {number}"


def _kill_group(leader: int) -> None:
    """
    Kill the process group of a worker, which need not contain the worker any more.

    The id of a group is not given to another process before the group is empty.
    """
    # The group is empty; or, on macOS, only processes that have ended are in it.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
