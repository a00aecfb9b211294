"""A host in a process of its own: started for one setting, awaited until its workers serve, ended without a trace."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from functune import settings
from functune.errors import HostError, WorkerStartError
from functune.host.server import LISTENING

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
    the environment. Raises HostError with the
    last lines of its log when it cannot start.
    """

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
        self._environ = settings.child_environ(
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
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._listening: asyncio.Future[str] | None = None
        self._lines: deque[str] = deque(maxlen=200)

    @property
    def pid(self) -> int:
        """Process id of the host; 0 before it started."""
        return self._process.pid if self._process is not None else 0

    def tail(self, count: int = 15) -> str:
        """The last lines the host printed."""
        return "\n".join(list(self._lines)[-count:])

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
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "functune.cli", "serve", "--port", "0"),
            *("--script-root", str(self._script_root), "--worker-startup-interval", "0"),
            # A sweep measures the steady state of one setting, and waits for all workers before it.
            *("--no-startup-stall", "--no-watch"),
            *self._flags,
            *("--end-with", str(os.getpid())),
            env=self._environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=1024 * 1024,
            # CTRL+C is for the sweep, which then stops its host in order.
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self._listening = asyncio.get_running_loop().create_future()
        self._reading = asyncio.create_task(self._read(self._process.stdout))
        self.base_url = await self._listening

    async def _read(self, output: asyncio.StreamReader) -> None:
        """Keep the last lines and find the base URL; read on to the end, or the host would block on its output."""
        assert self._listening is not None
        async for raw in output:
            line = raw.decode("utf-8", errors="replace").rstrip()
            self._lines.append(line)
            if (found := _URL.search(line)) and not self._listening.done():
                self._listening.set_result(found[1])
        if not self._listening.done():
            self._listening.set_exception(HostError(f"the local host could not start; its last lines:\n{self.tail()}"))

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
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # it ended in this very moment
                process.send_signal(signal.SIGTERM)
                process.send_signal(signal.SIGINT)  # the second signal drops what is in flight
            try:
                async with asyncio.timeout(_STOP_TIMEOUT):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        if self._reading is not None:
            await self._reading
