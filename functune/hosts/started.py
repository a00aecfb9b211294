"""A host that runs as a child process for one setting: how it is started, awaited until it is ready, and stopped."""

import asyncio
import contextlib
import signal
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any, ClassVar, Self

import httpx

from functune.errors import HostError, PortInUseError, WorkerStartError
from functune.hosts.program import SHOWN_LINES, Program
from functune.hosts.quota import Quota
from functune.hosts.routes import listed_routes
from functune.shapes import InstanceShape

START_TIMEOUT = 60.0
"""Seconds a host has to become ready; a light app with ten workers takes about 10 s on two cores."""
STOP_TIMEOUT = 15.0
"""Seconds a host has to end its workers and itself before it is killed."""
_STATUS_TIMEOUT = 10.0
"""Seconds for one answer of the host."""
_POLL_INTERVAL = 0.05
_PORTS_TRIED = 5


class StartedHost(ABC):
    """
    Enter it to start the host and wait until all its workers are ready; leave it to stop the host.

    A subclass says how the program is launched, when it is ready, and how it is asked to end. Entering raises
    HostError with the reason when the program ends, and WorkerStartError after ``start_timeout`` seconds.
    """

    key: ClassVar[None] = None
    setting_seen: ClassVar[None] = None
    calls_folder: str | None = None
    ends_with_lab: ClassVar[bool] = True
    """Whether the program notices that this process was killed. For one that does not, a guard ends it."""
    title: str
    """The host as the subject of an error message."""

    def __init__(
        self, *, start_timeout: float, stop_timeout: float = STOP_TIMEOUT, instance: InstanceShape | None = None
    ) -> None:
        self.base_url = ""
        self.quota: Quota | None = None
        self._instance = instance
        self._start_timeout = start_timeout
        self._stop_timeout = stop_timeout
        self._program: Program | None = None

    @property
    def pid(self) -> int:
        """Process id of the program, the ancestor of all processes of the host; 0 before it has started."""
        return self._program.pid if self._program is not None else 0

    def tail(self, count: int = SHOWN_LINES) -> str:
        """The last lines the program printed."""
        return self._program.tail(count) if self._program is not None else ""

    def worker_ends(self, opened: float, closed: float) -> dict[str, int]:
        """None: a host that replaces its workers unseen says so in its log."""
        return {}

    async def routes(self) -> list[str]:
        """The routes of the app, such as ``GET /api/x``."""
        return await listed_routes(self.base_url)

    def confined(self, *command: str) -> tuple[str, ...]:
        """The command that starts the program with the limits of its instance."""
        return command if self.quota is None else self.quota.confined(command)

    @abstractmethod
    async def launch(self) -> Program:
        """Start the program, as ``confined`` gives its command."""

    @abstractmethod
    async def is_ready(self, client: httpx.AsyncClient) -> bool:
        """Whether the host answers and all its workers are ready."""

    @abstractmethod
    def start_error(self) -> Exception:
        """Why the program ended before it was ready. PortInUseError has it launched again."""

    @abstractmethod
    def ask_to_end(self, program: Program) -> None:
        """Ask the program to end in order."""

    def missing(self) -> str:
        """The reason why a host is not ready in time, as the end of a sentence."""
        return ""

    async def __aenter__(self) -> Self:
        try:
            if self._instance is not None:
                self.quota = await Quota.make(self._instance)
            await self._start_on_free_port()
            if self.quota is not None:
                self.quota.limit_cores(self.pid)
        except HostError as error:
            unfit = None if self.quota is None else self.quota.unfit("while the host started")
            await self._stop()
            if unfit is not None:
                raise unfit from error
            raise
        except BaseException:
            await self._stop()
            raise
        return self

    async def _start_on_free_port(self) -> None:
        for _ in range(_PORTS_TRIED - 1):
            with contextlib.suppress(PortInUseError):  # another program took the port since it was found free
                await self._start()
                return
        await self._start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def _start(self) -> None:
        try:
            async with asyncio.timeout(self._start_timeout):
                self._program = await self.launch()
                if not self.ends_with_lab and self.quota is None:  # the guard of a quota ends what is in it
                    await self._program.end_with_lab()
                await self._until_ready(self._program)
        except TimeoutError as error:
            raise WorkerStartError(
                f"{self.title} did not become ready within {self._start_timeout:g} s{self.missing()}; "
                f"its last lines:\n{self.tail()}"
            ) from error

    async def _until_ready(self, program: Program) -> None:
        # It speaks plain HTTP, and httpx takes 15 ms to read the certificates that it would check.
        async with httpx.AsyncClient(trust_env=False, timeout=_STATUS_TIMEOUT, verify=False) as client:
            while not await self.is_ready(client):
                if program.has_ended:
                    raise self.start_error()
                await asyncio.sleep(_POLL_INTERVAL)

    async def _stop(self) -> None:
        """Stop the program, and remove the limits of its instance."""
        try:
            if self._program is not None:
                await self._end(self._program)
        finally:
            if self.quota is not None:
                await self.quota.remove()

    async def _end(self, program: Program) -> None:
        """End the program, with SIGKILL when it takes too long, and kill whatever is left of its process group."""
        if self.quota is not None:
            self.quota.lift_cores()
        self.ask_to_end(program)
        try:
            with contextlib.suppress(TimeoutError):  # SIGKILL follows
                async with asyncio.timeout(self._stop_timeout):
                    await program.ended()
        finally:
            program.send_to_group(signal.SIGKILL)
            await program.ended()  # also where the caller is cancelled: nothing may be left when its event loop ends


async def host_status(client: httpx.AsyncClient, base_url: str) -> dict[str, Any]:
    """The answer of ``/admin/host/status``; empty while there is none."""
    try:
        response = await client.get(f"{base_url}/admin/host/status")
        status = response.json() if response.status_code == 200 else {}
    except (httpx.HTTPError, ValueError):
        return {}  # the caller asks again until the host is ready, has ended, or the time is up
    return status if isinstance(status, dict) else {}
