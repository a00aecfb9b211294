"""A measured handler does what the bare one does, and its times are right."""

import asyncio
import contextlib
import contextvars
import mmap
import threading
import time
import types
from collections.abc import Awaitable, Callable, Generator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functune.timing.calls import CallTimer, CallTimes
from functune.timing.frames_tasks import coroutine_frames
from functune.timing.page import PAGE_BYTES, CallPage, read_totals

CALL: contextvars.ContextVar[str | None] = contextvars.ContextVar("call", default=None)


class Measured:
    """A timer whose calls all have the id ``x``."""

    def __init__(self) -> None:
        self.memory = mmap.mmap(-1, PAGE_BYTES)
        self.timer = CallTimer(CallPage(self.memory), current_call=lambda: "x")

    def handler(self, function: Callable[..., Any], *, is_async: bool = True) -> Callable[..., Any]:
        return self.timer.timed(function, is_async=is_async)

    def times(self) -> CallTimes:
        times = self.timer.take("x")
        assert times is not None
        return times

    def open(self) -> int:
        totals = read_totals(self.memory, time.perf_counter())
        return totals.begun - totals.ended


@pytest.fixture
def measured() -> Measured:
    return Measured()


def burn(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


@types.coroutine
def suspend(value: object) -> Generator[object, object, object]:
    return (yield value)


async def handler(script: list[str]) -> str:
    """Suspend once for each word; words say what is done with an exception that arrives there."""
    for word in script:
        try:
            got = await suspend(word)
        except GeneratorExit:
            if word == "ignore":
                await suspend("ignored the close")
            raise
        except BaseException as error:
            if word == "raise":
                raise ValueError("another") from error
            if word == "return":
                return f"after {error!r}"
            if word == "through":
                raise
        else:
            if got == "fail":
                raise KeyError(word)
            if got == "stop":
                raise StopAsyncIteration
    return "done"


def trace(call: Callable[..., Awaitable[Any]], script: list[str], actions: list[str]) -> list[str]:
    """The outcome of each action on a coroutine that awaits the handler."""

    async def outer() -> Any:
        return await call(script=script)

    coroutine, seen = outer(), []
    for action in actions:
        try:
            match action:
                case "throw":
                    seen.append(f"yields {coroutine.throw(RuntimeError('thrown'))}")
                case "cancel":
                    seen.append(f"yields {coroutine.throw(asyncio.CancelledError())}")
                case "close":
                    coroutine.close()
                    seen.append("closed")
                case value:
                    seen.append(f"yields {coroutine.send(None if value == 'next' else value)}")
        except BaseException as error:
            seen.append(f"{error!r} from {error.__cause__!r} in {error.__context__!r}")
    with contextlib.suppress(RuntimeError):  # a handler that goes on when it is closed, which it does once
        coroutine.close()
    coroutine.close()
    return seen


@given(
    st.lists(st.sampled_from(["raise", "return", "through", "swallow", "ignore"]), max_size=5),
    st.lists(st.sampled_from(["next", "fail", "stop", "throw", "cancel", "close"]), max_size=7),
)
def test_coroutine_behaves_as_without_the_timer(script: list[str], actions: list[str]) -> None:
    bare = trace(handler, script, ["next", *actions])
    measured = Measured()
    assert trace(measured.handler(handler), script, ["next", *actions]) == bare


@given(st.lists(st.sampled_from(["raise", "return", "through", "swallow"]), max_size=4))
def test_call_is_counted_once_however_it_ends(script: list[str]) -> None:
    measured = Measured()
    trace(measured.handler(handler), script, ["next", "throw", "next", "next"])
    assert measured.open() == 0
    assert measured.times().calls == 1
    assert measured.timer.take("x") is None


@pytest.mark.parametrize("end", ["return", "raise", "exit"])
def test_def_handler_behaves_as_without_the_timer(measured: Measured, end: str) -> None:
    def handler(*, req: int) -> int:
        if end == "raise":
            raise ValueError("of the app")
        if end == "exit":
            raise SystemExit(3)
        return req + 1

    call = measured.handler(handler, is_async=False)
    if end == "return":
        assert call(req=1) == 2
    else:
        with pytest.raises((ValueError, SystemExit), match=r"of the app|3"):
            call(req=1)
    times = measured.times()
    assert (times.loop, times.hold, times.thread) == (None, None, threading.get_native_id())
    assert measured.open() == 0


async def test_task_can_be_cancelled_and_timed_out(measured: Measured) -> None:
    seen: list[float] = []

    async def handler() -> str:
        seen.append(time.perf_counter())
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0.01)  # cleans up first
            seen.append(time.perf_counter())
            raise
        return "never"

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await measured.handler(handler)()
    began, ended = seen
    assert ended - began <= measured.times().service < 30
    task = asyncio.create_task(call_in_task(measured.handler(handler)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert measured.open() == 0


async def call_in_task(call: Callable[[], Awaitable[Any]]) -> Any:
    return await call()


async def test_context_variables_are_those_of_the_task(measured: Measured) -> None:
    async def handler() -> str | None:
        seen = CALL.get()
        CALL.set("set by the handler")
        await asyncio.sleep(0)
        return seen

    CALL.set("set before")
    assert await measured.handler(handler)() == "set before"
    assert CALL.get() == "set by the handler"


async def test_handler_may_return_any_awaitable(measured: Measured) -> None:
    """As decorators do that mark a plain function as a coroutine function."""
    loop = asyncio.get_running_loop()
    future = loop.create_future()

    def handler() -> asyncio.Future[str]:
        loop.call_later(0.02, future.set_result, "a future")
        return future

    assert await measured.handler(handler)() == "a future"
    assert measured.times().service >= 0.019
    with pytest.raises(TypeError, match=r"object int can't be used"):
        await measured.handler(lambda: 5)()
    assert measured.open() == 0


def test_coroutine_that_is_never_awaited_is_no_call(measured: Measured) -> None:
    async def handler() -> None: ...

    call = measured.handler(handler)()
    awaited = [call]
    del call
    with pytest.warns(RuntimeWarning, match="was never awaited"):
        awaited.clear()
    assert measured.open() == 0
    assert measured.timer.take("x") is None


async def test_awaited_coroutine_is_found_by_its_chain(measured: Measured) -> None:
    """A profile follows the frames from the task to the line where the handler is suspended."""

    async def handler() -> None:
        await asyncio.sleep(0.01)

    task = asyncio.create_task(call_in_task(measured.handler(handler)))
    await asyncio.sleep(0)
    frames = [frame.f_code.co_name for frame in coroutine_frames(task.get_coro())]
    await task
    assert frames[:4] == ["call_in_task", "_stepped", "handler", "sleep"]


async def test_steps_are_separated_from_the_waits(measured: Measured) -> None:
    """CPU, then an awaited wait, then a blocking one: 30 ms of CPU, 80 ms of the loop, 50 ms in one hold."""
    is_over = asyncio.Event()

    async def handler() -> None:
        burn(0.03)
        await is_over.wait()
        time.sleep(0.05)  # noqa: ASYNC251  (the fault that is measured)

    async def end_wait() -> None:
        """Begin to count the 100 ms when the handler is suspended, however late that is."""
        await asyncio.sleep(0.1)
        is_over.set()

    used = time.thread_time()
    await asyncio.gather(call_in_task(measured.handler(handler)), end_wait())
    used = time.thread_time() - used
    times = measured.times()
    assert times.loop is not None
    assert times.hold is not None
    assert 0.03 <= times.cpu <= used
    assert 0.08 <= times.loop < times.service
    assert 0.05 <= times.hold <= times.loop
    assert times.service - times.loop >= 0.09  # the awaited wait
    assert times.service >= 0.18


async def test_open_calls_include_those_that_wait(measured: Measured) -> None:
    call = measured.handler(lambda: asyncio.sleep(0.05))
    tasks = [asyncio.create_task(call_in_task(call)) for _ in range(3)]
    await asyncio.sleep(0)
    assert measured.open() == 3
    await asyncio.gather(*tasks)
    assert measured.open() == 0
    assert measured.times().calls in (1, 2, 3)
