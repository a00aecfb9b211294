"""
Starts the worker processes, knows which are ready, replaces those that die, and ends them all.

``WorkerProcess`` knows one child; ``Supervisor`` keeps the list. The sequence is the real host's: worker 1 first, since
it tells the functions; worker 2 at once after it; every later one ``startup_interval`` after its predecessor is ready.
With two or more workers configured, invocations wait until the second is ready.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import uuid
from collections.abc import Coroutine
from pathlib import Path

from functune.errors import AppError, HostError, WorkerDiedError, WorkerStartError
from functune.host.channel import Channel
from functune.host.console import Console
from functune.host.dispatcher import RoundRobin
from functune.host.messages import RpcFunctionMetadata, RpcLog, WorkerInitRequest
from functune.settings import WorkerSettings

HOST_VERSION = "4.functune"
_RESTART_HOLD = 10.0
"""Seconds between two restarts (ProcessRestartInterval of the real host)."""
_ERRORS_PER_WORKER = 3
"""Deaths the host puts up with, per configured worker (ErrorEventsThreshold of the real host)."""
_EXIT_GRACE = 1.0
"""Seconds a process has to end after it closed its stream."""
_LAST_OUTPUT = 1.0
"""Seconds the output of an ended process may take to end as well."""
_CHUNK = 64 * 1024


class WorkerProcess:
    """One child process and its stream: ``start()``, then ``channel.invoke(…)``, then ``kill()``."""

    def __init__(self, number: int, *, script_root: Path, settings: WorkerSettings, console: Console) -> None:
        self.number = number
        self.died: asyncio.Future[WorkerDiedError] = asyncio.get_running_loop().create_future()
        self.is_ready = False
        self._script_root = script_root
        self._settings = settings
        self._console = console
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._showing: list[asyncio.Task[None]] = []
        self.channel = Channel(on_log=self._log, on_lost=self._kill_soon)

    @property
    def pid(self) -> int:
        """Process id, 0 before it started."""
        return self._process.pid if self._process is not None else 0

    def __str__(self) -> str:
        return f"worker {self.number} (pid {self.pid})"

    async def start(self) -> None:
        """
        Start the process and have it import the app.

        Raises WorkerStartError when it ends or says nothing in time, AppError when the app cannot be loaded.
        """
        await self._spawn()
        limit = self._settings.startup_timeout
        try:
            async with asyncio.timeout(limit):
                await self.channel.started
            limit = self._settings.initialization_timeout
            async with asyncio.timeout(limit):
                response = await self.channel.init(WorkerInitRequest(str(self._script_root), HOST_VERSION))
        except TimeoutError as error:
            raise WorkerStartError(f"{self} did not become ready within {limit:g} s") from error
        except WorkerDiedError as error:
            raise WorkerStartError(f"{self} ended while it started: {error}") from error
        if response.exception is not None:
            raise AppError(f"the app in {self._script_root} cannot be loaded: {response.exception.message}")
        self.is_ready = True
        self._console.system(f"Worker process started and initialized. ({self})", logging.WARNING)

    async def functions(self) -> list[RpcFunctionMetadata] | None:
        """What the worker indexed; None without a function_app.py, or without a function in it."""
        return (await self.channel.functions()).functions

    def kill(self) -> None:
        """End the process and those the app started from it with SIGKILL, as the real host ends its Python workers."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # it ended in this very moment
                os.killpg(self._process.pid, signal.SIGKILL)

    async def ended(self) -> None:
        """Return once the process is gone and all it printed is shown."""
        if self._watching is not None:
            await self._watching
        if self._showing:
            # A process the app started may outlive the worker and hold its output open.
            _, open_ended = await asyncio.wait(self._showing, timeout=_LAST_OUTPUT)
            for task in open_ended:
                task.cancel()

    def _kill_soon(self) -> None:
        # A process that is ending closes its stream first; killing it at once would hide how it ended.
        asyncio.get_running_loop().call_later(_EXIT_GRACE, self.kill)

    async def _spawn(self) -> None:
        here, there = socket.socketpair()
        with there:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "functune.host.worker"),
                *("--fd", str(there.fileno()), "--worker-id", str(uuid.uuid4())),
                *("--script-root", str(self._script_root)),
                cwd=self._script_root,
                env=self._settings.environ,
                pass_fds=(there.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                # Ctrl+C reaches the whole foreground group; the workers must live on to finish what is in flight.
                start_new_session=True,
            )
        here.setblocking(False)
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._showing = [asyncio.create_task(self._show(out)) for out in (self._process.stdout, self._process.stderr)]
        self._watching = asyncio.create_task(self._watch(self._process))
        await asyncio.get_running_loop().create_unix_connection(lambda: self.channel, sock=here)

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        code = await process.wait()
        self.is_ready = False
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
        in_flight = len(self.channel.in_flight)
        reason = WorkerDiedError(f"{self} {how} with {in_flight} invocation(s) in flight")
        self.channel.fail(reason)
        self.channel.close()
        self.died.set_result(reason)

    async def _show(self, output: asyncio.StreamReader) -> None:
        """Show what the process prints, line by line; a line without end is shown in pieces."""
        rest = b""
        while chunk := await output.read(_CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > _CHUNK:
                lines, rest = [*lines, rest], b""
            for line in lines:
                self._console.user(line.decode("utf-8", errors="replace"))
        if rest:
            self._console.user(rest.decode("utf-8", errors="replace"))

    def _log(self, log: RpcLog) -> None:
        show = self._console.system if log.is_system else self._console.user
        show(log.message, log.level)


class Supervisor:
    """
    The workers of one host.

    ``await start()`` returns the indexed functions once worker 1 is up; the others follow in the background.
    ``choose()`` gives the channel for the next invocation. ``failed`` holds the error that makes it pointless to go on.
    """

    def __init__(self, *, script_root: Path, settings: WorkerSettings, console: Console) -> None:
        self.failed: asyncio.Future[HostError] = asyncio.get_running_loop().create_future()
        self._script_root = script_root
        self._settings = settings
        self._console = console
        self._workers: list[WorkerProcess] = []
        self._ready: list[Channel] = []
        self._gate = asyncio.Event()
        self._round_robin = RoundRobin()
        self._restarting = asyncio.Lock()
        self._deaths = 0
        self._is_stopping = False
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def configured_count(self) -> int:
        """Worker processes asked for."""
        return self._settings.process_count

    @property
    def ready_pids(self) -> list[int]:
        """Pids of the workers that take invocations, in the order of the round robin."""
        return [worker.pid for worker in self._workers if worker.is_ready]

    async def start(self) -> list[RpcFunctionMetadata] | None:
        """Start worker 1 and return its functions. Raises what ``WorkerProcess.start`` raises."""
        first = await self._start_worker(1)
        functions = await first.functions()
        if self.configured_count == 1:
            self._open_gate()
        else:
            self._spawn_task(self._start_others())
        return functions

    async def choose(self) -> Channel:
        """The channel for the next invocation; waits while no worker is ready."""
        while True:
            if self._gate.is_set():
                return self._round_robin.pick(self._ready)
            await self._gate.wait()

    async def stop(self) -> None:
        """End every process. The server has waited for what was in flight, and has given up what took too long."""
        self._is_stopping = True
        for task in list(self._tasks):
            task.cancel()
        for worker in self._workers:
            worker.kill()
        for worker in self._workers:
            await worker.ended()

    async def _start_others(self) -> None:
        for number in range(2, self.configured_count + 1):
            try:
                await self._start_worker(number)
            except HostError as error:
                # The real host logs it and goes on with the workers it has.
                self._console.system(f"Failed to start worker {number}: {error}", logging.ERROR)
            self._open_gate()
            await asyncio.sleep(self._settings.startup_interval)

    async def _start_worker(self, number: int) -> WorkerProcess:
        worker = WorkerProcess(number, script_root=self._script_root, settings=self._settings, console=self._console)
        self._workers.append(worker)
        try:
            await worker.start()
        except BaseException:
            worker.kill()
            await worker.ended()
            self._workers.remove(worker)
            raise
        self._ready.append(worker.channel)
        worker.died.add_done_callback(lambda died: self._on_death(worker, died.result()))
        return worker

    def _on_death(self, worker: WorkerProcess, reason: WorkerDiedError) -> None:
        if self._is_stopping:
            return
        self._console.system(f"Language worker process ended: {reason}", logging.ERROR)
        self._workers.remove(worker)
        self._ready.remove(worker.channel)
        if not self._ready:
            self._gate.clear()
        self._deaths += 1
        self._spawn_task(self._replace(worker.number))

    async def _replace(self, number: int) -> None:
        """Start a replacement, one at a time and at most every 10 s; give up after 3 deaths per configured worker."""
        async with self._restarting:
            if self._deaths >= _ERRORS_PER_WORKER * self.configured_count:
                message = f"Exceeded language worker restart retry count: {self._deaths} worker processes have ended"
                self._console.system(message, logging.ERROR)
                if not self._ready:
                    self._fail(WorkerDiedError(message))
                return
            try:
                await self._start_worker(number)
                self._open_gate()
            except HostError as error:
                self._console.system(f"Failed to restart worker {number}: {error}", logging.ERROR)
                if not self._ready:
                    self._fail(error)
            await asyncio.sleep(_RESTART_HOLD)

    def _open_gate(self) -> None:
        if self._ready:  # the worker that opens the gate may have died already
            self._gate.set()

    def _fail(self, error: HostError) -> None:
        if not self.failed.done():
            self.failed.set_result(error)

    def _spawn_task(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
