"""
Measures each call of a handler: how long it took, its thread CPU time, and how long it held the event loop.

A ``def`` handler is measured from its first line to its end. A coroutine is stepped by a driver that measures each
step. A step ends where the coroutine is suspended, so the time in its steps is the time it held the event loop. Tasks
that the handler creates have steps of their own, which are not included.

The handler behaves as without it: values, exceptions, cancellation, closing and context variables pass unchanged.
"""

import os
import threading
from collections.abc import Awaitable, Callable
from time import perf_counter, thread_time
from typing import Any, NamedTuple, Self

from functune.timing.page import CallPage


class CallTimes(NamedTuple):
    """The times of one call, in seconds, and the worker that ran it."""

    began: float
    """Time of the handler's first line on time.perf_counter, one clock for all processes on Linux and macOS."""
    service: float
    """From the handler's first line to its end."""
    cpu: float
    """Thread CPU time of the handler; for a coroutine the sum over its steps."""
    loop: float | None
    """Time the coroutine held the event loop; None for ``def``."""
    hold: float | None
    """The longest single hold; None for ``def``."""
    pid: int
    thread: int
    """The system's number of the thread that ran the first line."""
    calls: int
    """Calls open in this process at the first line, this one included."""


class CallTimer:
    """Wraps handlers, and keeps the times of each call under its id until they are taken."""

    def __init__(self, page: CallPage, *, current_call: Callable[[], str | None]) -> None:
        """``current_call`` gives the id of the call that the calling thread or task belongs to."""
        self.page = page
        self.current_call = current_call
        self.pid = os.getpid()
        self._finished: dict[str, CallTimes] = {}

    def timed(self, handler: Callable[..., Any], *, is_async: bool) -> Callable[..., Any]:
        """The handler with its calls measured; ``is_async`` says that its result is awaited."""
        return self._timed_async(handler) if is_async else self._timed_def(handler)

    def take(self, call_id: str) -> CallTimes | None:
        """The times of a call that has ended, once; None for a call that did not run the handler."""
        return self._finished.pop(call_id, None)

    def keep(self, call_id: str | None, times: CallTimes) -> None:
        """Keep the times of a call until they are taken. Those of a call without an id are dropped."""
        if call_id is not None:
            self._finished[call_id] = times

    def _timed_def(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        def call(*values: Any, **named: Any) -> Any:
            call_id, thread = self.current_call(), threading.get_native_id()
            calls = self.page.begin()
            began, cpu_began = perf_counter(), thread_time()
            try:
                return handler(*values, **named)
            finally:
                cpu, service = thread_time() - cpu_began, perf_counter() - began
                self.page.end(cpu)
                self.keep(call_id, CallTimes(began, service, cpu, None, None, self.pid, thread, calls))

        return call

    def _timed_async(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        async def awaited(values: Any, named: Any) -> Any:
            return await handler(*values, **named)

        def call(*values: Any, **named: Any) -> Awaitable[Any]:
            return TimedCoroutine(awaited(values, named), self)

        return call


class TimedCoroutine:
    """
    An awaitable that runs a coroutine step by step and measures each step.

    ``cr_await`` is the coroutine, under the name by which a native one gives what it awaits, so that whoever follows
    a chain of coroutines finds it.
    """

    __slots__ = (
        "_began",
        "_call_id",
        "_calls",
        "_cpu",
        "_has_ended",
        "_hold",
        "_loop",
        "_thread",
        "_timer",
        "cr_await",
    )

    def __init__(self, coroutine: Any, timer: CallTimer) -> None:
        self.cr_await = coroutine
        self._timer = timer
        self._began: float | None = None
        self._has_ended = False
        self._cpu = self._loop = self._hold = 0.0

    def __await__(self) -> Self:
        return self

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        return self._step(self.cr_await.send, None)

    def send(self, value: Any) -> Any:
        """Resume the coroutine with a value, as the method of a coroutine does."""
        return self._step(self.cr_await.send, value)

    def throw(self, *error: Any) -> Any:
        """Raise an exception where the coroutine is suspended, as the method of a coroutine does."""
        return self._step(self.cr_await.throw, *error)

    def close(self) -> None:
        """Close the coroutine. Raises RuntimeError when it goes on, as the method of a coroutine does."""
        if self._began is None or self._has_ended:
            self.cr_await.close()
            return
        try:
            self._step(self.cr_await.close)
        finally:
            self._end()

    def _step(self, resume: Callable[..., Any], *argument: Any) -> Any:
        if self._began is None:
            self._begin()
        began, cpu_began, is_suspended = perf_counter(), thread_time(), False
        try:
            suspended_on = resume(*argument)
            is_suspended = True
            return suspended_on
        finally:
            self._cpu += thread_time() - cpu_began
            held = perf_counter() - began
            self._loop += held
            self._hold = max(self._hold, held)
            if not is_suspended:  # it has returned, which is a StopIteration, or raised
                self._end()

    def _begin(self) -> None:
        self._call_id, self._thread = self._timer.current_call(), threading.get_native_id()
        self._calls = self._timer.page.begin()
        self._began = perf_counter()

    def _end(self) -> None:
        if self._has_ended:  # a coroutine that has ended raises when it is resumed again
            return
        self._has_ended = True
        assert self._began is not None
        timer = self._timer
        service = perf_counter() - self._began
        timer.page.end(self._cpu)
        timer.keep(
            self._call_id,
            CallTimes(self._began, service, self._cpu, self._loop, self._hold, timer.pid, self._thread, self._calls),
        )
