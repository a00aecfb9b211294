"""The invocations of this worker process: how many are in flight, and the times of each."""

import math
import os
import threading
import time
from collections.abc import Awaitable
from types import TracebackType
from typing import Any

STARTED_AT = time.time()
"""Epoch seconds at which this worker process loaded the app."""


class InvocationCounter:
    """
    Counts invocations. Thread-safe: ``def`` handlers of one worker run on many threads at once.

    An invocation takes the lock once at its start and once at its end. With the interpreter lock already held, this
    costs less than a microsecond, and the peak is exact.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_flight = 0
        self._peak_in_flight = 0
        self._by_function: dict[str, int] = {}

    @property
    def peak_in_flight(self) -> int:
        """The highest number of invocations in flight at the same time in this worker."""
        return self._peak_in_flight

    def enter(self, function: str) -> int:
        """Count the start of an invocation. Returns how many are in flight, itself included."""
        with self._lock:
            self._in_flight += 1
            if self._in_flight > self._peak_in_flight:
                self._peak_in_flight = self._in_flight
            self._by_function[function] = self._by_function.get(function, 0) + 1
            return self._in_flight

    def leave(self) -> None:
        """Count the end of an invocation."""
        with self._lock:
            self._in_flight -= 1

    def snapshot(self) -> dict[str, Any]:
        """``inFlight``, ``peakInFlight``, ``total`` and ``byFunction`` of this worker, read at the same moment."""
        with self._lock:
            return {
                "inFlight": self._in_flight,
                "peakInFlight": self._peak_in_flight,
                "total": sum(self._by_function.values()),
                "byFunction": dict(self._by_function),
            }


COUNTER = InvocationCounter()
"""The counter of this worker process."""


class Invocation:
    """
    One call of a handler, as a context manager around its body.

    ``in_flight`` is how many invocations this worker had in flight when this one began, itself included.
    """

    __slots__ = ("_cpu_seconds", "_cpu_since", "_function", "_started", "in_flight", "queued_ms")

    def __init__(self, function: str, sent_at: str | None) -> None:
        self.queued_ms = queued_ms(sent_at, now=time.time())
        self.in_flight = 0
        self._function = function
        self._cpu_seconds = 0.0
        self._started = time.perf_counter()
        self._cpu_since = time.thread_time()

    def __enter__(self) -> "Invocation":
        self.in_flight = COUNTER.enter(self._function)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        COUNTER.leave()

    async def wait(self, awaitable: Awaitable[object]) -> None:
        """
        Await without counting the CPU time that the thread spends on other work in the meantime.

        While a coroutine is suspended, the one thread of the event loop runs the others. Reading the thread's CPU
        clock across an ``await`` would charge their work to this invocation.
        """
        self._cpu_seconds += time.thread_time() - self._cpu_since
        try:
            await awaitable
        finally:
            self._cpu_since = time.thread_time()

    def elapsed_ms(self) -> float:
        """Milliseconds since the handler's first line."""
        return round((time.perf_counter() - self._started) * 1000, 3)

    def cpu_ms(self) -> float:
        """Milliseconds of CPU time that the handler's thread spent on this call; to be called on that thread."""
        return round((self._cpu_seconds + time.thread_time() - self._cpu_since) * 1000, 3)

    def worker(self) -> dict[str, Any]:
        """The ``worker`` object of a response: the process and thread that served it, the calls in flight, the wait."""
        return {
            "pid": os.getpid(),
            "thread": threading.get_native_id(),
            "inFlight": self.in_flight,
            "peakInFlight": COUNTER.peak_in_flight,
            "queuedMs": self.queued_ms,
        }


def queued_ms(sent_at: str | None, *, now: float) -> float | None:
    """
    Milliseconds from ``sent_at``, the text of the ``x-sent-at`` header in epoch seconds, to ``now``.

    None without a readable header: zero would claim that the request did not wait. Never negative, although the
    sender's clock may be ahead: no request arrives before it is sent.
    """
    if sent_at is None:
        return None
    try:
        sent = float(sent_at)
    except ValueError:
        return None
    return round(max(0.0, now - sent) * 1000, 3) if math.isfinite(sent) else None
