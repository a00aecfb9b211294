"""A host in a process of its own: started for one setting, awaited until its workers serve, ended without a trace."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import httpx

from functune import environ
from functune.errors import HostError, WorkerStartError
from functune.host import settings
from functune.host.console import LISTENING
from functune.hosts.program import Program

_URL = re.compile(re.escape(LISTENING) + r" (http://\S+)")
_START_TIMEOUT = 60.0
"""Seconds until the host must listen with all its workers ready; ten of a light app take about 10 s on two cores."""
_STOP_TIMEOUT = 15.0
"""Seconds the host has to end its workers and itself."""
_POLL_INTERVAL = 0.05


class HostProcess:
    """
    ``functune serve`` as a child process::

        async with HostProcess(script_root=Path("."), thread_count=16, process_count=2) as host:
            host.base_url  # http://127.0.0.1:43211

    ``thread_count`` None leaves the app setting unset, whatever local.settings.json says; ``app_settings`` are added to
    the environment. Raises HostError with the last lines of its log when it cannot start.
    """

    name: ClassVar[str] = "functune local host"
    runs_script_root: ClassVar[bool] = True
    key: ClassVar[None] = None

    def __init__(
        self,
        *,
        script_root: Path,
        thread_count: int | None,
        process_count: int,
        per_instance_concurrency: int | None = None,
        app_settings: Mapping[str, str] | None = None,
    ) -> None:
        self.base_url = ""
        self._script_root = script_root
        self._process_count = process_count
        self._environ = environ.child_environ(
            {
                # Empty counts as unset and still hides a value in local.settings.json.
                settings.THREAD_COUNT: "" if thread_count is None else str(thread_count),
                settings.PROCESS_COUNT: str(process_count),
                **(app_settings or {}),
            }
        )
        self._flags = (
            [] if per_instance_concurrency is None else ["--per-instance-concurrency", str(per_instance_concurrency)]
        )
        self._program: Program | None = None
        self._listening: asyncio.Future[str] | None = None

    @property
    def pid(self) -> int:
        """Process id of the host; 0 before it started."""
        return self._program.pid if self._program is not None else 0

    @staticmethod
    def seconds(process_count: int) -> float:
        """About what starting and stopping takes; the workers start together."""
        return 1.2

    def tail(self, count: int = 15) -> str:
        """The last lines the host printed."""
        return self._program.tail(count) if self._program is not None else ""

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.timeout(_START_TIMEOUT):
                await self._start()
                await self._wait_for_workers()
        except TimeoutError as error:
            await self._stop()
            raise WorkerStartError(
                f"the local host did not become ready within {_START_TIMEOUT:g} s; its last lines:\n{self.tail()}"
            ) from error
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def _start(self) -> None:
        self._listening = asyncio.get_running_loop().create_future()
        self._program = await Program.start(
            *(sys.executable, "-P", "-m", "functune.cli", "serve", "--port", "0"),
            *("--script-root", str(self._script_root), "--worker-startup-interval", "0"),
            # A sweep measures the steady state of one setting, and waits for all workers before it.
            *("--no-startup-stall", "--no-watch"),
            *self._flags,
            *("--end-with", str(os.getpid())),
            environ=self._environ,
            on_line=self._find_base_url,
        )
        ended = asyncio.create_task(self._program.ended())
        either: set[asyncio.Future[Any]] = {self._listening, ended}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
        if not self._listening.done():
            raise HostError(f"the local host could not start{self._reason()}")
        self.base_url = self._listening.result()

    def _reason(self) -> str:
        """The message it ended with; its last lines where it ended without one."""
        _, found, message = f"\n{self.tail()}".rpartition("\nfunctune: ")
        return f": {message}" if found else f"; its last lines:\n{self.tail()}"

    def _find_base_url(self, line: str) -> None:
        assert self._listening is not None
        if (found := _URL.search(line)) and not self._listening.done():
            self._listening.set_result(found[1])

    async def _wait_for_workers(self) -> None:
        async with httpx.AsyncClient(base_url=self.base_url, trust_env=False, timeout=10) as client:
            while True:
                status = (await client.get("/admin/host/status")).json()
                if status["workers"]["ready"] >= self._process_count:
                    return
                await asyncio.sleep(_POLL_INTERVAL)

    async def _stop(self) -> None:
        """
        End the host without draining, and with SIGKILL if that takes long; a killed host takes its workers with it.

        Whoever used the host is done with it: calls still in flight are those a load generator gave up at its end, and
        one slow thread can hold a queue of them for many seconds.
        """
        program = self._program
        if program is None:
            return
        program.send(signal.SIGTERM)
        program.send(signal.SIGINT)  # the second signal drops what is in flight
        try:
            async with asyncio.timeout(_STOP_TIMEOUT):
                await program.ended()
        except TimeoutError:
            program.send(signal.SIGKILL)
            await program.ended()
