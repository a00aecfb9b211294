"""
Measures each call of a handler: how long it took, its thread CPU time, and how long it held the event loop.

A ``def`` handler is measured from its first line to its end. A coroutine is stepped by a driver that measures each
step. A step ends where the coroutine is suspended, so the time in its steps is the time it held the event loop. Tasks
that the handler creates have steps of their own, which are not included.

The handler behaves as without it: values, exceptions, cancellation, closing and context variables pass unchanged.
"""

import os
import threading
from collections.abc import Callable, Coroutine, Generator
from time import perf_counter, thread_time
from types import CoroutineType, coroutine
from typing import Any, NamedTuple

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
        page, current_call, keep, pid = self.page, self.current_call, self.keep, self.pid

        def call(*values: Any, **named: Any) -> Any:
            call_id, thread, began = current_call(), native_thread_id(), perf_counter()
            calls, cpu_began = page.begin(began), thread_time()
            try:
                return handler(*values, **named)
            finally:
                cpu, ended = thread_time() - cpu_began, perf_counter()
                page.end(ended, cpu)
                keep(call_id, CallTimes(began, ended - began, cpu, None, None, pid, thread, calls))

        return call

    def _timed_async(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        def call(*values: Any, **named: Any) -> Any:
            awaitable = handler(*values, **named)
            return _stepped(as_coroutine(awaitable), self)

        return call


class _Thread(threading.local):
    """The system's number of each thread, which costs a system call."""

    def __init__(self) -> None:
        self.native_id = threading.get_native_id()


_thread = _Thread()


def native_thread_id() -> int:
    """The system's number of the calling thread."""
    return _thread.native_id


def as_coroutine(awaitable: Any) -> Coroutine[Any, Any, Any]:
    """The coroutine, or one that awaits the awaitable."""
    return awaitable if type(awaitable) is CoroutineType else _awaiting(awaitable)


async def _awaiting(awaitable: Any) -> Any:
    return await awaitable


@coroutine
def _stepped(handler: Coroutine[Any, Any, Any], timer: CallTimer) -> Generator[Any, Any, Any]:
    """
    Step the coroutine of a handler and measure each step.

    It is one function without calls of its own, because every call of an ``async def`` handler pays for it.
    """
    call_id, thread, began = timer.current_call(), native_thread_id(), perf_counter()
    calls, ended = timer.page.begin(began), began
    cpu = loop = hold = 0.0
    resume: Callable[[Any], Any] = handler.send
    argument: Any = None
    try:
        while True:
            step_began, cpu_began = perf_counter(), thread_time()
            try:
                suspended_on = resume(argument)
            except StopIteration as returned:
                return returned.value
            finally:
                cpu += thread_time() - cpu_began
                ended = perf_counter()
                held = ended - step_began
                loop += held
                hold = max(hold, held)
            try:
                resume, argument = handler.send, (yield suspended_on)
            except BaseException as error:
                resume, argument = handler.throw, error
            if isinstance(argument, GeneratorExit):  # outside of the except block, which would be its context
                handler.close()
                raise argument
    finally:
        timer.page.end(ended, cpu)
        timer.keep(call_id, CallTimes(began, ended - began, cpu, loop, hold, timer.pid, thread, calls))
