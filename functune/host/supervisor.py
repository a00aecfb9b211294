"""
Starts the worker processes of a host, knows which are ready, replaces those that die, and ends them all.

Workers start in the order of the real host: worker 1 first, since it reports the functions; worker 2 right after it;
every later one ``startup_interval`` after its predecessor is ready. With two or more workers configured, invocations
wait until the second is ready, and again while a third or later one starts (RpcFunctionInvocationDispatcher.cs awaits
the start of every worker before it picks one). Invocations do not wait for the replacement of a worker that died.
"""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Mapping
from pathlib import Path

from functune.errors import HostError, WorkerDiedError
from functune.host.answering import Invoke
from functune.host.channel import Channel
from functune.host.console import Console
from functune.host.dispatcher import RoundRobin
from functune.host.messages import RpcFunctionMetadata
from functune.host.settings import WorkerSettings
from functune.host.worker_process import WorkerProcess
from functune.packages.worker_start import WorkerStart
from functune.timing.page import CallTotals

_ERRORS_PER_WORKER = 3
"""Deaths the host tolerates, per configured worker (ErrorEventsThreshold of the real host)."""
_DEATHS_FORGOTTEN = 1800.0
"""Seconds without a death after which the count starts again (WorkerConstants.cs of the real host)."""
_INTENDED_RESTART = 200
"""Exit code of a worker that asks to be replaced (IntentionalRestartExitCode of the real host)."""


class Supervisor:
    """
    The workers of one host.

    ``await start()`` returns the indexed functions once worker 1 is up; the others follow in the background.
    ``choose()`` returns the channel for the next invocation. ``failed`` holds the error once no worker is left.
    """

    def __init__(self, *, script_root: Path, settings: WorkerSettings, start: WorkerStart, console: Console) -> None:
        self.failed: asyncio.Future[HostError] = asyncio.get_running_loop().create_future()
        self.capabilities: Mapping[str, str] = {}
        """Those of worker 1, once it has started."""
        self._script_root = script_root
        self._settings = settings
        self._worker_start = start
        self._console = console
        self._workers: list[WorkerProcess] = []
        self._ready: list[Channel] = []
        self._gate = asyncio.Event()
        """Set while invocations need not wait: there is a worker for them, or the error that there will be none."""
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
        """The number of worker processes to start."""
        return self._settings.process_count

    @property
    def ready_pids(self) -> list[int]:
        """Pids of the workers that receive invocations, in the order of the round robin."""
        return [worker.pid for worker in self._workers if worker.is_ready]

    def call_totals(self, now: float) -> dict[int, CallTotals]:
        """
        The calls of each ready worker until ``now``, seconds of time.perf_counter, by pid.

        Empty where the host does not time calls.
        """
        ready = [worker for worker in self._workers if worker.is_ready]
        return {worker.pid: totals for worker in ready if (totals := worker.call_totals(now)) is not None}

    async def start(self) -> list[RpcFunctionMetadata] | None:
        """Start worker 1 and return its functions. Raises the errors of ``WorkerProcess.start``."""
        first = await self._start_worker(1)
        self.capabilities = first.capabilities
        functions = await first.functions()
        if self.configured_count == 1:
            self._open_gate()
        else:
            self._spawn_task(self._start_others())
        return functions

    async def choose(self) -> Invoke:
        """
        How to run the next invocation, by the worker whose turn it is; waits until there is one.

        Raises HostError once there will be none.
        """
        while not self._gate.is_set():
            await self._gate.wait()
        if not self._ready:
            raise self.failed.result() if self.failed.done() else WorkerDiedError("the workers are being stopped")
        return self._round_robin.pick(self._ready).invoke

    async def drain(self) -> None:
        """Let invocations in flight finish within ``shutdown_timeout``, and refuse those that wait for a worker."""
        self._is_stopping = True
        self._cancel_tasks()
        channels, self._ready = self._ready, []
        self._gate.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.shutdown_timeout):
                await asyncio.gather(*(channel.idle() for channel in channels))

    async def stop(self) -> None:
        """End every process. The server has finished or cancelled the calls in flight."""
        self._is_stopping = True
        self._cancel_tasks()
        for worker in self._workers:
            worker.kill()
        for worker in tuple(self._workers):  # one that was starting leaves the list when it has ended
            await worker.ended()

    async def _start_others(self) -> None:
        for number in range(2, self.configured_count + 1):
            if number > 2:
                await asyncio.sleep(self._settings.startup_interval)
                self._stall()
            try:
                await self._start_worker(number)
            except HostError as error:
                # The real host logs it and continues with the workers it has.
                self._console.system(f"Failed to start worker {number}: {error}", logging.ERROR)
                self._expect_one_less(str(error))
            self._is_stalled = False
            self._open_gate()

    def _stall(self) -> None:
        """Make invocations wait until the worker that is starting is ready."""
        if self._settings.startup_stall and self._ready:
            self._is_stalled = True
            self._gate.clear()

    async def _start_worker(self, number: int) -> WorkerProcess:
        worker = WorkerProcess(
            number,
            script_root=self._script_root,
            settings=self._settings,
            start=self._worker_start,
            console=self._console,
        )
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
        # The real host does not count a worker that asks to be replaced, or one it killed for functionTimeout.
        if worker.exit_code != _INTENDED_RESTART and not worker.is_timed_out:
            self._count_death()
        self._spawn_task(self._replace(worker.number))

    def _lose(self, worker: WorkerProcess) -> None:
        """
        Continue without a worker that ended with code 0, which the real host does not replace either.

        The real host keeps it in rotation, so that its share of the calls hangs until functionTimeout.
        """
        message = (
            f"{worker} ended itself with exit code 0 and is not replaced, as on the platform, which would also keep "
            "sending it invocations that hang until functionTimeout. Find the call of sys.exit or os._exit in the app"
        )
        self._console.system(message, logging.ERROR)
        self._expect_one_less(message)

    async def _replace(self, number: int) -> None:
        """
        Start a replacement. Replacements start one at a time, ``restart_interval`` apart.

        A replacement that fails to start counts as another death and is tried again, up to 3 deaths per configured
        worker.
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
        """Record that a worker will not be replaced. When none is left, the host has failed."""
        self._expected -= 1
        if self._expected == 0 and not self.failed.done():
            self.failed.set_result(WorkerDiedError(f"no worker process is left: {why}"))
            self._gate.set()  # invocations that wait get the error

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
