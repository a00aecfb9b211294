"""
Starts the worker processes, knows which are ready, replaces those that die, and ends them all.

``WorkerProcess`` knows one child; ``Supervisor`` keeps the list. The sequence is the real host's: worker 1 first, since
it tells the functions; worker 2 at once after it; every later one ``startup_interval`` after its predecessor is ready.
With two or more workers configured, invocations wait until the second is ready, and again while a third or later one
is starting (RpcFunctionInvocationDispatcher.cs awaits the start of every worker before it picks one). Replacements of
workers that died hold up nothing.
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

from functune.errors import AppError, FunctionTimeoutError, HostError, WorkerDiedError, WorkerStartError
from functune.host.app_frames import app_frames
from functune.host.channel import Channel
from functune.host.console import Console
from functune.host.dispatcher import RoundRobin
from functune.host.messages import RpcFunctionMetadata, RpcLog, WorkerInitRequest, WorkerInitResponse
from functune.host.settings import WorkerSettings

HOST_VERSION = "4.functune"
_ERRORS_PER_WORKER = 3
"""Deaths the host puts up with, per configured worker (ErrorEventsThreshold of the real host)."""
_DEATHS_FORGOTTEN = 1800.0
"""Seconds without another death after which the count begins anew (WorkerConstants.cs of the real host)."""
_INTENDED_RESTART = 200
"""Exit code of a worker that wants to be replaced (IntentionalRestartExitCode of the real host)."""
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
        self.exit_code: int | None = None
        self._cause = ""
        self._held: list[RpcLog] | None = None if console.is_verbose else []
        """Errors the runtime logs while it loads the app; None once they are shown at once."""
        self._script_root = script_root
        self._settings = settings
        self._console = console
        self._timing: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._showing: list[asyncio.Task[None]] = []
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

    async def start(self) -> None:
        """
        Start the process and have it import the app.

        Raises WorkerStartError when it ends or says nothing in time, AppError when the app cannot be loaded.
        """
        await self._spawn()
        try:
            response = await self._loaded()
        except HostError:
            self._show_held()
            raise
        if response.exception is not None:
            # The held records state this cause once more, with the traceback of the runtime.
            lines = [response.exception.message, *app_frames(response.exception.stack_trace, self._script_root)]
            raise AppError(f"the app in {self._script_root} cannot be loaded: {'\n'.join(lines)}")
        self._show_held()
        self.is_ready = True
        if self._settings.function_timeout is not None:
            self._timing = asyncio.create_task(self._enforce(self._settings.function_timeout))
        self._console.system(f"Worker process started and initialized. ({self})", logging.WARNING)

    async def _loaded(self) -> WorkerInitResponse:
        limit = self._settings.startup_timeout
        try:
            async with asyncio.timeout(limit):
                await self.channel.started
            limit = self._settings.initialization_timeout
            async with asyncio.timeout(limit):
                return await self.channel.init(WorkerInitRequest(str(self._script_root), HOST_VERSION))
        except TimeoutError as error:
            raise WorkerStartError(f"{self} did not become ready within {limit:g} s") from error
        except WorkerDiedError as error:
            raise WorkerStartError(f"{self} ended while it started: {error}") from error

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

    async def _enforce(self, limit: float) -> None:
        """
        Kill the process once an invocation has taken ``limit`` seconds, as the real host does: a thread cannot be.

        The limit is the same for all, so the oldest invocation is the first to reach it, and none needs its own timer.
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
        self.exit_code = code
        if self._timing is not None:
            self._timing.cancel()
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
        why = f", because {self._cause}" if self._cause else ""
        reason = WorkerDiedError(f"{self} {how} with {self.channel.in_flight} invocation(s) in flight{why}")
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
        if self._held is not None and log.is_system and log.level >= logging.ERROR:
            self._held.append(log)
            return
        show = self._console.system if log.is_system else self._console.user
        show(log.message, log.level)

    def _show_held(self) -> None:
        held, self._held = self._held or [], None
        for log in held:
            self._log(log)


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
        """Set while invocations may go on: to a worker, or to the error that there will be none."""
        self._is_stalled = False
        self._round_robin = RoundRobin()
        self._restarting = asyncio.Lock()
        self._expected = settings.process_count
        """Workers that are up, starting or still to be started."""
        self._deaths = 0
        self._last_death = 0.0
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
        """The channel for the next invocation; waits while there is none. Raises HostError once none will come."""
        while not self._gate.is_set():
            await self._gate.wait()
        if not self._ready:
            raise self.failed.result() if self.failed.done() else WorkerDiedError("the workers are being stopped")
        return self._round_robin.pick(self._ready)

    async def drain(self) -> None:
        """Let what is in flight finish, for as long as ``shutdown_timeout`` allows; whoever still waits is refused."""
        self._is_stopping = True
        self._cancel_tasks()
        channels, self._ready = self._ready, []
        self._gate.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.shutdown_timeout):
                await asyncio.gather(*(channel.idle() for channel in channels))

    async def stop(self) -> None:
        """End every process. The server has waited for what was in flight, and has given up what took too long."""
        self._is_stopping = True
        self._cancel_tasks()
        for worker in self._workers:
            worker.kill()
        for worker in self._workers:
            await worker.ended()

    async def _start_others(self) -> None:
        for number in range(2, self.configured_count + 1):
            if number > 2:
                await asyncio.sleep(self._settings.startup_interval)
                self._stall()
            try:
                await self._start_worker(number)
            except HostError as error:
                # The real host logs it and goes on with the workers it has.
                self._console.system(f"Failed to start worker {number}: {error}", logging.ERROR)
                self._expect_one_less(str(error))
            self._is_stalled = False
            self._open_gate()

    def _stall(self) -> None:
        """Have invocations wait until the worker that starts now is up."""
        if self._settings.startup_stall and self._ready:
            self._is_stalled = True
            self._gate.clear()

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
        if worker.exit_code == 0:
            self._lose(worker)
            return
        # The real host counts neither a worker that asks to be replaced nor one it killed for functionTimeout.
        if worker.exit_code != _INTENDED_RESTART and not worker.is_timed_out:
            self._count_death()
        self._spawn_task(self._replace(worker.number))

    def _lose(self, worker: WorkerProcess) -> None:
        """
        Go on without a worker that ended with code 0: the real host does not replace it either.

        Over there it even stays in rotation, and its share of the calls hangs until functionTimeout; here it leaves.
        """
        message = (
            f"{worker} ended itself with exit code 0 and is not replaced, as on the platform, which would besides go "
            "on sending it invocations that hang until functionTimeout. Find what calls sys.exit or os._exit in the app"
        )
        self._console.system(message, logging.ERROR)
        self._expect_one_less(message)

    async def _replace(self, number: int) -> None:
        """
        Start a replacement, one at a time and ``restart_interval`` apart.

        One that fails to start counts as another death and is tried again, until 3 deaths per configured worker.
        """
        async with self._restarting:
            while self._deaths < _ERRORS_PER_WORKER * self.configured_count:
                is_up = await self._restart(number)
                await asyncio.sleep(self._settings.restart_interval)
                if is_up:
                    return
        message = f"Exceeded language worker restart retry count: {self._deaths} worker processes have ended"
        self._console.system(message, logging.ERROR)
        self._expect_one_less(message)

    async def _restart(self, number: int) -> bool:
        try:
            await self._start_worker(number)
        except HostError as error:
            self._count_death()
            self._console.system(f"Failed to restart worker {number}: {error}", logging.ERROR)
            return False
        self._open_gate()
        return True

    def _count_death(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._last_death > _DEATHS_FORGOTTEN:
            self._deaths = 0
        self._deaths += 1
        self._last_death = now

    def _expect_one_less(self, why: str) -> None:
        """Note that one worker is gone for good; without any left the host has failed."""
        self._expected -= 1
        if self._expected == 0 and not self.failed.done():
            self.failed.set_result(WorkerDiedError(f"no worker process is left: {why}"))
            self._gate.set()  # whoever waits for a worker is told

    def _open_gate(self) -> None:
        if self._ready and not self._is_stalled:  # the worker that opens the gate may have died already
            self._gate.set()

    def _cancel_tasks(self) -> None:
        for task in list(self._tasks):
            task.cancel()

    def _spawn_task(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
