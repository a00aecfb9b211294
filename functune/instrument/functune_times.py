"""
Reports the times of every call in the headers of its answer. Written by ``functune instrument``; see TIMES_VERSION.

It needs the standard library of Python 3.10 or later and nothing else, and does nothing unless the app setting
FUNCTUNE_TIMES is 1. Then an answer has these headers, with durations in milliseconds:

    Server-Timing: service;dur=51.300, cpu;dur=0.900, loop;dur=1.000, hold;dur=0.800
    x-functune-worker: 4121;thread=4127;calls=3;kind=async
    x-functune-instance: 3fd0c1a2b4e5;server=functions

service    from the handler's first line to its answer; for a streamed answer, to the first part of its body
cpu        CPU time of the handler's thread meanwhile; for a coroutine, the sum over its steps
loop       time that a coroutine held the event loop; absent for ``def``
hold       the longest time without a break that it held the event loop; absent for ``def``
worker     process, thread, calls open in the process at the first line with this one, and kind of the handler
instance   a digest of the instance's id, or of the machine's name: equal process ids may be of two instances;
           and what runs the app: functions, asgi or wsgi

The time that a call waits before its handler begins is not reported: this process does not know when a call was sent
to it, and a blocked event loop does not see it arrive.

    functune_times.add_times(app)          Azure Functions, v2: a FunctionApp, AsgiFunctionApp or WsgiFunctionApp
    app = functune_times.AsgiTimes(app)    any other ASGI app, such as FastAPI under Uvicorn
    app = functune_times.WsgiTimes(app)    any other WSGI app, such as Flask under Gunicorn
"""

import copy
import functools
import inspect
import json
import os
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from time import perf_counter, thread_time
from typing import Any

TIMES_VERSION = 1
SETTING = "FUNCTUNE_TIMES"
_TIMING, _WORKER, _INSTANCE = "server-timing", "x-functune-worker", "x-functune-instance"


def are_times_on() -> bool:
    """Whether the app setting asks for the headers. It is read when the app is loaded."""
    return os.environ.get(SETTING, "").strip().lower() in {"1", "true"}


class OpenCalls:
    """The number of calls that have begun in this process and not ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = 0

    def add(self, change: int) -> int:
        """Add to the number, and return it."""
        with self._lock:
            self._open += change
            return self._open


_OPEN = OpenCalls()


@functools.cache
def instance_digest() -> str:
    """A short text that differs between instances and does not show their names."""
    import hashlib  # here, because it takes a few milliseconds that an app without the setting need not pay

    name = os.environ.get("WEBSITE_INSTANCE_ID") or os.environ.get("CONTAINER_NAME") or socket.gethostname()
    return hashlib.sha256(name.encode()).hexdigest()[:12]


class Stopwatch:
    """Times one call. The time of a call passes in steps: one for ``def``, those of the coroutine for ``async def``."""

    def __init__(self, server: str, *, is_async: bool) -> None:
        self._server = server
        self._is_async = is_async
        self._calls = _OPEN.add(1)
        self._thread = threading.get_native_id()
        self._cpu = self._loop = self._hold = 0.0
        self._is_stepping = self._is_closed = False
        self._began = perf_counter()

    def begin_step(self) -> None:
        """The code of the call runs from now on."""
        self._is_stepping = True
        self._step_began, self._cpu_began = perf_counter(), thread_time()

    def end_step(self) -> None:
        """The code of the call no longer runs: it has ended or is suspended."""
        self._cpu += thread_time() - self._cpu_began
        held = perf_counter() - self._step_began
        self._loop += held
        self._hold = max(self._hold, held)
        self._is_stepping = False

    def headers(self) -> dict[str, str]:
        """The headers with the times up to now."""
        was_stepping = self._is_stepping
        if was_stepping:
            self.end_step()
        timing = f"service;dur={(perf_counter() - self._began) * 1e3:.3f}, cpu;dur={self._cpu * 1e3:.3f}"
        if self._is_async:
            timing += f", loop;dur={self._loop * 1e3:.3f}, hold;dur={self._hold * 1e3:.3f}"
        kind = "async" if self._is_async else "def"
        worker = f"{os.getpid()};thread={self._thread};calls={self._calls};kind={kind}"
        if was_stepping:
            self.begin_step()
        return {_TIMING: timing, _WORKER: worker, _INSTANCE: f"{instance_digest()};server={self._server}"}

    def close(self) -> None:
        """Count the call as ended, once."""
        if not self._is_closed:
            self._is_closed = True
            _OPEN.add(-1)


class TimedSteps:
    """Awaits a coroutine step by step, and times each step. ``cr_await`` is the name that a native coroutine uses."""

    def __init__(self, coroutine: Any, watch: Stopwatch) -> None:
        self.cr_await = coroutine
        self._watch = watch

    def __await__(self) -> Any:
        return self

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return self._step(self.cr_await.send, None)

    def send(self, value: Any) -> Any:
        """Resume the coroutine with a value."""
        return self._step(self.cr_await.send, value)

    def throw(self, *error: Any) -> Any:
        """Raise an exception where the coroutine is suspended."""
        return self._step(self.cr_await.throw, *error)

    def close(self) -> None:
        """Close the coroutine."""
        self.cr_await.close()

    def _step(self, resume: Callable[..., Any], *argument: Any) -> Any:
        self._watch.begin_step()
        try:
            return resume(*argument)
        finally:
            self._watch.end_step()


def merged_headers(own: Iterable[tuple[str, str]], added: dict[str, str]) -> list[tuple[str, str]]:
    """The headers of an answer with the added ones. The app's Server-Timing comes first, so that ours counts."""
    kept, timings = [], []
    for name, value in own:
        if name.lower() == _TIMING:
            timings.append(value)
        elif name.lower() not in added:
            kept.append((name, value))
    return [*kept, *{**added, _TIMING: ", ".join([*timings, added[_TIMING]])}.items()]


# Azure Functions

_TIMED: set[Callable[..., Any]] = set()
"""The handlers that report their times."""


def add_times(app: Any) -> Any:
    """
    Report the times of the HTTP functions of a function app, those registered later included. Returns the app.

    The worker asks the app for its functions, and each of them for its handler: both answers are replaced.
    """
    if not are_times_on():
        return app
    functions_of_app = app.get_functions

    def get_functions() -> Any:
        functions = functions_of_app()
        for function in functions:
            outputs = [each["name"] for each in function.get_bindings_dict()["bindings"] if each["type"] == "http"]
            if outputs:
                timed = timed_handler(function.get_user_function(), outputs[0])
                function.get_user_function = lambda timed=timed: timed
        return functions

    app.get_functions = get_functions
    return app


def timed_handler(handler: Callable[..., Any], output: str) -> Callable[..., Any]:
    """The handler with the headers on its answers. ``output`` is the name of its HTTP output, such as ``$return``."""
    if handler in _TIMED:
        return handler

    @functools.wraps(handler)
    def call(*values: Any, **named: Any) -> Any:
        watch = Stopwatch("functions", is_async=False)
        watch.begin_step()
        try:
            return with_times_of(watch, handler(*values, **named), named.get(output))
        finally:
            watch.close()

    @functools.wraps(handler)
    async def call_async(*values: Any, **named: Any) -> Any:
        watch = Stopwatch("functions", is_async=True)
        try:
            answer = await TimedSteps(handler(*values, **named), watch)
            return with_times_of(watch, answer, named.get(output))
        finally:
            watch.close()

    timed = call_async if inspect.iscoroutinefunction(handler) else call
    _TIMED.add(timed)
    return timed


def with_times_of(watch: Stopwatch, answer: Any, out: Any) -> Any:
    """What the handler returns, with the headers on its answer, which is in ``out`` where the function has one."""
    headers = watch.headers()
    if out is None:
        return text_with(answer, headers) if isinstance(answer, str) else answer_with(answer, headers)
    given = out.get()
    if given is not None:
        out.set(answer_with(given, headers))
    return answer


def answer_with(answer: Any, headers: dict[str, str]) -> Any:
    """The answer with headers. What cannot have any stays as it is, such as None or a text in ``func.Out[str]``."""
    if not hasattr(answer, "headers"):
        return answer
    if _WORKER in answer.headers:  # the app returns the same object again, perhaps on two threads at once
        answer = copy.deepcopy(answer)
    before = answer.headers.get(_TIMING)
    for name, value in headers.items():
        answer.headers[name] = f"{before}, {value}" if before and name == _TIMING else value
    return answer


def text_with(text: str, headers: dict[str, str]) -> Any:
    """
    A text as the answer that the host makes of it, with headers.

    The host reads it as JSON. It takes an object with a ``body`` as a whole answer, and writes other JSON in a form of
    its own. A text that is not JSON is the body.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return sys.modules["azure.functions"].HttpResponse(text, headers=headers)
    names = {name.lower(): name for name in value} if isinstance(value, dict) else {}
    if "body" not in names:
        return f'{{"headers": {json.dumps(headers)}, "body": {text}}}'
    name = names.get("headers", "headers")
    own = value.get(name)
    pairs = [(str(key), str(each)) for key, each in own.items()] if isinstance(own, dict) else []
    return json.dumps({**value, name: dict(merged_headers(pairs, headers))})


# Servers other than Azure Functions


class AsgiTimes:
    """ASGI middleware. The start of an answer is held back until the first part of its body, which ends its time."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self.app = app
        self._is_on = are_times_on()

    async def __call__(self, scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        """Serve one connection."""
        if not self._is_on or scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        watch, starts = Stopwatch("asgi", is_async=True), list[Any]()

        async def timed_send(message: Any) -> None:
            if message["type"] == "http.response.start":
                starts.append(message)
                return
            if starts:
                start = starts.pop()
                own = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start.get("headers", ())]
                pairs = merged_headers(own, watch.headers())
                await send(
                    {**start, "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]}
                )
            await send(message)

        try:
            await TimedSteps(self.app(scope, receive, timed_send), watch)
        finally:
            watch.close()


class WsgiTimes:
    """WSGI middleware. The start of an answer is held back until the first part of its body, which ends its time."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self.app = app
        self._is_on = are_times_on()

    def __call__(self, environ: Any, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        if not self._is_on:
            return self.app(environ, start_response)
        answer = TimedAnswer(start_response)
        try:
            answer.parts = self.app(environ, answer.start)
        except BaseException:
            answer.watch.close()
            raise
        return answer


class TimedAnswer:
    """The body of a WSGI answer, which starts the answer before its first part."""

    def __init__(self, start_response: Callable[..., Any]) -> None:
        self.parts: Iterable[bytes] = ()
        self.watch = Stopwatch("wsgi", is_async=False)
        self.watch.begin_step()
        self._start_response = start_response
        self._held: tuple[str, list[tuple[str, str]], tuple[Any, ...]] | None = None
        self._write: Callable[[bytes], Any] | None = None
        self._iterator: Iterator[bytes] | None = None

    def start(self, status: str, headers: list[tuple[str, str]], *error: Any) -> Callable[[bytes], Any]:
        """The ``start_response`` for the app. A second call, with an error, replaces what is not sent yet."""
        if self._write is not None:
            return self._start_response(status, headers, *error)  # type: ignore[no-any-return]
        self._held = status, headers, error
        return self._send

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._iterator is None:
            self._iterator = iter(self.parts)
        try:
            part = next(self._iterator)
        except StopIteration:
            self._begin()
            self.watch.close()  # the WsgiMiddleware of Azure Functions does not close the body
            raise
        if part:  # an app may call start_response as late as this
            self._begin()
        return part

    def close(self) -> None:
        """Close the app's body, and count the call as ended."""
        try:
            if hasattr(self.parts, "close"):
                self.parts.close()
        finally:
            self.watch.close()

    def _begin(self) -> None:
        if self._held is not None:
            (status, headers, error), self._held = self._held, None
            self._write = self._start_response(status, merged_headers(headers, self.watch.headers()), *error)

    def _send(self, data: bytes) -> Any:
        self._begin()
        assert self._write is not None
        return self._write(data)
