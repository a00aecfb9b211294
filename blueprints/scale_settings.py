"""
A cache of the site's scale settings in this worker, with one reading at a time.

The probe shows the last reading and starts a new one when it is due. The identity routes wait for a reading.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from blueprints import instance, resource_manager
from blueprints.answers import iso_utc
from blueprints.resource_manager import NotReadError, ScaleSettings

KEEP_SECONDS = 60.0
# A request for a token can continue after its reader gave up (credentials.py: two attempts of 3 + 5 s). This is longer,
# so two of them never run at the same time.
KEEP_FAILURE_SECONDS = 20.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reading:
    """The settings, or the problem in reading them; ``read_at`` (epoch seconds) is None when nothing was requested."""

    settings: ScaleSettings | None = None
    problem: str | None = None
    read_at: float | None = None


NOTHING_TO_READ = Reading()
"""The reading on every plan other than Flex Consumption: no other plan has these settings."""

UNDER_WAY = Reading(problem="the first reading from Resource Manager has not finished: try again in a second")


class Reader:
    """
    Reads on behalf of all handlers of this worker: keeps a reading, and never starts two at the same time.

    ``def`` handlers on many threads and ``async def`` handlers on the loop share it. It therefore uses a future of
    ``concurrent.futures``, which both a thread and a coroutine can wait for.
    """

    def __init__(
        self,
        read_sync: Callable[[], ScaleSettings],
        read_async: Callable[[], Awaitable[ScaleSettings]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read_sync = read_sync
        self._read_async = read_async
        self._clock = clock
        self._lock = threading.Lock()
        self._current: Future[Reading] | None = None
        self._latest: Reading | None = None
        self._due_at = 0.0
        self._task: asyncio.Task[None] | None = None

    def peek(self) -> Reading:
        """Return the last reading at once, however old, and start a new one on this loop when it is due."""
        self._start_if_due()
        return self._latest or UNDER_WAY

    async def wait_async(self) -> Reading:
        """Return an up-to-date reading; waits for it without blocking the loop."""
        return await asyncio.wrap_future(self._start_if_due())

    def wait_sync(self) -> Reading:
        """Return an up-to-date reading; waits for it on this thread."""
        current, is_ours = self._claim()
        if is_ours:
            reading = Reading(problem="the reading was interrupted")
            try:
                reading = _read_by(self._read_sync())
            except Exception as error:
                reading = _failed(error)
            finally:
                self._settle(current, reading)
        return current.result()

    def _start_if_due(self) -> "Future[Reading]":
        current, is_ours = self._claim()
        if is_ours:
            # The loop holds only weak references: without ours, the task could be garbage-collected while it waits.
            self._task = asyncio.get_running_loop().create_task(self._read(current))
        return current

    async def _read(self, current: "Future[Reading]") -> None:
        reading = Reading(problem="the reading was interrupted")
        try:
            reading = _read_by(await self._read_async())
        except Exception as error:
            reading = _failed(error)
        finally:
            self._settle(current, reading)

    def _claim(self) -> "tuple[Future[Reading], bool]":
        """The current reading, finished or not; True when it is a new one that the caller has to settle."""
        with self._lock:
            if self._current is not None and (not self._current.done() or self._clock() < self._due_at):
                return self._current, False
            self._current = Future()
            # A running future cannot be cancelled, so one cancelled coroutine does not cancel it for the others.
            self._current.set_running_or_notify_cancel()
            return self._current, True

    def _settle(self, current: "Future[Reading]", reading: Reading) -> None:
        with self._lock:
            self._latest = reading
            self._due_at = self._clock() + (KEEP_FAILURE_SECONDS if reading.settings is None else KEEP_SECONDS)
        current.set_result(reading)


def _read_by(settings: ScaleSettings) -> Reading:
    return Reading(settings, read_at=time.time())


def _failed(error: Exception) -> Reading:
    if isinstance(error, NotReadError):
        return Reading(problem=str(error), read_at=time.time())
    # A fault in this app. It must not fail the probe, and the log has the traceback.
    logger.error("unexpected error while reading the scale settings", exc_info=error)
    return Reading(problem=f"unexpected {type(error).__name__}; see the log of the worker", read_at=time.time())


async def _from_resource_manager() -> ScaleSettings:
    return await resource_manager.read_async(resource_manager.source(os.environ))


READER = Reader(
    lambda: resource_manager.read_sync(resource_manager.source(os.environ)),
    _from_resource_manager,
)
"""The reader of this worker process."""


def reading_without_request(environment: Mapping[str, str]) -> Reading | None:
    """Return the reading that needs no request: on another plan, or with an invalid setting. None otherwise."""
    if instance.plan(environment) != "flex":
        return NOTHING_TO_READ
    try:
        resource_manager.source(environment)
    except NotReadError as error:
        return Reading(problem=str(error))
    return None


def describe(reading: Reading) -> dict[str, Any]:
    """A reading for a response; None for a value that is unknown or not set."""
    settings = reading.settings
    return {
        "perInstanceConcurrency": None if settings is None else settings.per_instance_concurrency,
        "instanceMemoryMb": None if settings is None else settings.instance_memory_mb,
        "maximumInstanceCount": None if settings is None else settings.maximum_instance_count,
        "alwaysReadyInstances": None if settings is None else dict(settings.always_ready),
        "scaleSettingsReadAt": None if reading.read_at is None else iso_utc(reading.read_at),
    }
