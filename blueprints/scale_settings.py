"""
The scale settings of the site as this worker last read them: read rarely, by one at a time, and never in the way.

The probe takes what is there and starts a reading when one is due; the identity routes wait for it.
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
# Longer than a try for a token can go on after its reader gave up (credentials.py: two tries of 3 + 5 s), so that the
# next one never runs beside it.
KEEP_FAILURE_SECONDS = 20.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reading:
    """What was read, or why it was not; ``read_at`` (epoch seconds) is None when nobody was asked."""

    settings: ScaleSettings | None = None
    problem: str | None = None
    read_at: float | None = None


NOTHING_TO_READ = Reading()
"""On every plan but Flex Consumption: no other has these settings."""

UNDER_WAY = Reading(problem="being read from Resource Manager for the first time: ask again in a second")


class Reader:
    """
    Reads for everybody in this worker: a reading is kept, and whoever asks while one is under way gets that one.

    ``def`` handlers on many threads and ``async def`` handlers on the loop share it, hence the future of
    ``concurrent.futures``: a thread can wait for it, and so can a coroutine.
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
        """Return the last reading at once, however old; start another one on this loop when it is due."""
        self._start_if_due()
        return self._latest or UNDER_WAY

    async def wait_async(self) -> Reading:
        """Return a reading that is not due, waiting for it off the loop."""
        return await asyncio.wrap_future(self._start_if_due())

    def wait_sync(self) -> Reading:
        """Return a reading that is not due, waiting for it on this thread."""
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
            # The loop holds tasks weakly; without a name of our own it could be collected while it waits.
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
        """The current reading, done or under way; True when it is a new one, which the caller has to settle."""
        with self._lock:
            if self._current is not None and (not self._current.done() or self._clock() < self._due_at):
                return self._current, False
            self._current = Future()
            # Running: a coroutine that is cancelled while it waits must not cancel it for the others.
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
    # A fault of this app. It must not fail the probe, and the log has the traceback.
    logger.error("unexpected error while reading the scale settings", exc_info=error)
    return Reading(problem=f"unexpected {type(error).__name__}; see the log of the worker", read_at=time.time())


async def _from_resource_manager() -> ScaleSettings:
    return await resource_manager.read_async(resource_manager.source(os.environ))


READER = Reader(
    lambda: resource_manager.read_sync(resource_manager.source(os.environ)),
    _from_resource_manager,
)
"""The one of this worker process."""


def without_asking(environment: Mapping[str, str]) -> Reading | None:
    """Return the reading where there is nobody to ask: another plan, or a setting that is no use. None elsewhere."""
    if instance.plan(environment) != "flex":
        return NOTHING_TO_READ
    try:
        resource_manager.source(environment)
    except NotReadError as error:
        return Reading(problem=str(error))
    return None


def describe(reading: Reading) -> dict[str, Any]:
    """A reading as an answer shows it; null for what is not known or not set."""
    settings = reading.settings
    return {
        "perInstanceConcurrency": None if settings is None else settings.per_instance_concurrency,
        "instanceMemoryMb": None if settings is None else settings.instance_memory_mb,
        "maximumInstanceCount": None if settings is None else settings.maximum_instance_count,
        "alwaysReadyInstances": None if settings is None else dict(settings.always_ready),
        "scaleSettingsReadAt": None if reading.read_at is None else iso_utc(reading.read_at),
    }
