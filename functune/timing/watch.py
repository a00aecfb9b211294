"""
Times one call of an app whose answer passes through functune's hands, from its first line to the start of the answer.

What follows the start of an answer, such as a streamed body or a background task, is not in its times: the headers that
report them are part of that start.
"""

from collections.abc import Callable, Coroutine, Generator, Iterable
from time import perf_counter, thread_time
from types import coroutine
from typing import Any

from functune.timing.calls import CallTimes, native_thread_id
from functune.timing.header import SERVER_TIMING, WORKER, server_timing, worker_value
from functune.timing.page import CallPage


class CallWatch:
    """
    The times of one call. It runs in steps: one for a ``def``, those of the coroutine for an ``async def``.

    The first step of a ``def`` begins at once.
    """

    def __init__(self, page: CallPage, *, pid: int, is_async: bool) -> None:
        self._page = page
        self._pid = pid
        self._is_async = is_async
        self._is_stepping = self._is_over = False
        self._cpu = self._loop = self._hold = 0.0
        self._thread = native_thread_id()
        self._began = perf_counter()
        self._calls = page.begin(self._began)
        if not is_async:
            self.begin_step()

    def begin_step(self) -> None:
        """The code of the call runs from now on."""
        self._is_stepping = True
        self._step_began, self._cpu_began = perf_counter(), thread_time()

    def end_step(self) -> None:
        """The code of the call no longer runs: it is suspended, or over."""
        self._cpu += thread_time() - self._cpu_began
        held = perf_counter() - self._step_began
        self._loop += held
        self._hold = max(self._hold, held)
        self._is_stepping = False

    def end(self) -> CallTimes | None:
        """Count the call as ended and return its times; None where it has ended before."""
        if self._is_over:
            return None
        self._is_over = True
        was_stepping = self._is_stepping
        if was_stepping:  # a part of the answer may be sent by a task that the call has started
            self.end_step()
        ended = perf_counter()
        self._page.end(ended, self._cpu)
        loop, hold = (self._loop, self._hold) if self._is_async else (None, None)
        if was_stepping:
            self.begin_step()
        return CallTimes(self._began, ended - self._began, self._cpu, loop, hold, self._pid, self._thread, self._calls)


@coroutine
def watched(work: Coroutine[Any, Any, Any], watch: CallWatch) -> Generator[Any, Any, Any]:
    """Step the coroutine of a call. It behaves as without it, as in ``calls``."""
    resume: Callable[[Any], Any] = work.send
    argument: Any = None
    while True:
        watch.begin_step()
        try:
            suspended_on = resume(argument)
        except StopIteration as returned:
            return returned.value
        finally:
            watch.end_step()
        try:
            resume, argument = work.send, (yield suspended_on)
        except BaseException as error:
            resume, argument = work.throw, error
        if isinstance(argument, GeneratorExit):  # outside of the except block, which would be its context
            work.close()
            raise argument


def with_time_headers(own: Iterable[tuple[str, str]], times: CallTimes) -> list[tuple[str, str]]:
    """The headers of an answer with its times. The app's Server-Timing comes first, so that the added one counts."""
    kept, timings = [], []
    for name, value in own:
        match name.lower():
            case header if header == SERVER_TIMING:
                timings.append(value)
            case header if header != WORKER:
                kept.append((name, value))
    timings.append(server_timing(times, wait=None).decode())
    return [*kept, (SERVER_TIMING, ", ".join(timings)), (WORKER, worker_value(times).decode())]
