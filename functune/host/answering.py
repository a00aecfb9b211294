"""
From an HTTP request to the answer of a function: routes, keys, the invocation and its log, whoever runs the function.

The local host runs it in a worker process, and the ASGI and WSGI apps in the process of their server. Both send what
this module answers, so an app answers the same on every host.
"""

import logging
import os
import re
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from functune.errors import HostError
from functune.host.app_frames import app_frames
from functune.host.authorization import is_admitted
from functune.host.console import Console
from functune.host.functions import Function
from functune.host.log_levels import function_category
from functune.host.messages import InvocationRequest, InvocationResponse, RpcException, RpcHttp
from functune.host.routing import RouteTable
from functune.host.settings import HostSettings
from functune.host.shaping import (
    AnswerError,
    HttpAnswer,
    RawHeaders,
    http_answer,
    request_headers,
    request_query,
    with_times,
)

NOT_RUNNING = HttpAnswer(503, [(b"content-type", b"text/plain")], b"Function host is not running.")
EMPTY_401 = HttpAnswer(401, [], b"")
EMPTY_404 = HttpAnswer(404, [], b"")
EMPTY_500 = HttpAnswer(500, [], b"")
_HOME_PAGE = (
    b"<!DOCTYPE html><html lang='en'><head><title>Functions host</title></head><body>"
    b"<h1>Your Functions app is up and running</h1><p>Served by the local host of functune.</p></body></html>"
)
_TRACE_PARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")
"""The header of W3C Trace Context, version 00: the trace, its current span and the flags."""


class HttpCall(NamedTuple):
    """A request as the server has read it; its body is read when a function needs it."""

    method: str
    scheme: str
    raw_path: str
    """As sent, percent-encoded."""
    path: str
    """Decoded."""
    query: str
    """As sent, without the question mark."""
    headers: RawHeaders
    read_body: Callable[[], Awaitable[bytes]]


type Begin = Callable[[], Awaitable["Invoke"]]
"""Waits for a place that can run a function. Raises HostError when there will be none."""
type Invoke = Callable[[InvocationRequest, str], Awaitable[InvocationResponse]]
"""Runs the function of an invocation, whose name is given. Raises HostError when it cannot be run to its end."""


class Answerer:
    """Answers requests with the functions of one loaded app."""

    def __init__(self, settings: HostSettings, routes: RouteTable[Function], begin: Begin, console: Console) -> None:
        self._settings = settings
        self._routes = routes
        self._begin = begin
        self._console = console

    async def answer(self, call: HttpCall) -> HttpAnswer:
        """The answer of the function that the route leads to, or that of the host where there is none."""
        found = self._routes.match(call.method, call.path)
        if found is None:
            return self._home_page() if call.path == "/" else EMPTY_404
        function, params = found
        if not is_admitted(self._settings.auth_keys, function.auth_level, call.headers, call.query):
            return EMPTY_401
        headers = request_headers(call.headers)
        length = int(headers.get("content-length") or 0)
        if length > self._settings.body_limit:
            return HttpAnswer(413, [], b"")
        http = RpcHttp(
            method=call.method,
            url=f"{call.scheme}://{headers.get('host', '')}{call.raw_path}{'?' if call.query else ''}{call.query}",
            headers=headers,
            query=request_query(call.query),
            params=params,
            # Without Content-Length the real host does not read the body at all, chunked ones included.
            body=await call.read_body() if length else b"",
        )
        return await self._invoke(function, http)

    async def _invoke(self, function: Function, http: RpcHttp) -> HttpAnswer:
        invocation_id = str(uuid.UUID(bytes=os.urandom(16), version=4))
        if function.obstacle is not None:
            return self._failed(function, invocation_id, RpcException(function.obstacle), duration=0)
        try:
            invoke = await self._begin()
        except HostError:  # the host is stopping or reloading, and logs why
            return NOT_RUNNING
        request = InvocationRequest(
            invocation_id=invocation_id,
            function_id=function.metadata.function_id,
            trigger_name=function.trigger_name,
            http=http,
            trace_parent=trace_parent(http.headers.get("traceparent", "")),
            trace_state=http.headers.get("tracestate", ""),
        )
        if self._settings.verbose:
            self._log(
                function,
                f"Executing 'Functions.{function.name}' (Reason='This function was programmatically called via the "
                f"host APIs.', Id={invocation_id})",
            )
        handed_on = time.perf_counter()
        outcome = await _outcome(invoke(request, function.name))
        reply = self._shape(function, invocation_id, outcome, time.perf_counter() - handed_on)
        if isinstance(outcome, HostError) or outcome.times is None:
            return reply
        return with_times(reply, outcome.times, handed_on=handed_on)

    def _shape(
        self, function: Function, invocation_id: str, outcome: InvocationResponse | HostError, duration: float
    ) -> HttpAnswer:
        if isinstance(outcome, HostError):
            return self._failed(function, invocation_id, RpcException(str(outcome)), duration)
        if outcome.exception is not None:
            return self._failed(function, invocation_id, outcome.exception, duration)
        try:
            reply = http_answer(outcome, function.http_output)
        except AnswerError as problem:
            return self._failed(function, invocation_id, RpcException(str(problem)), duration)
        if self._settings.verbose:
            self._log(function, _executed(function, invocation_id, "Succeeded", duration))
        return reply

    def _failed(self, function: Function, invocation_id: str, exception: RpcException, duration: float) -> HttpAnswer:
        """Log a failed invocation as the real host does, and answer 500."""
        self._log(function, _executed(function, invocation_id, "Failed", duration), logging.ERROR)
        shown = exception.stack_trace
        if shown and not self._settings.verbose:
            frames = app_frames(shown, self._settings.script_root)
            shown = "\n".join(frames) if frames else "no line of the app; --verbose shows those of the runtime"
        stack = f"\nStack: {shown.rstrip()}" if shown else ""
        self._log(function, f"Result: Failure\nException: {exception.message}{stack}", logging.ERROR)
        return EMPTY_500

    def _log(self, function: Function, message: str, level: int = logging.INFO) -> None:
        self._console.system(message, level, category=function_category(function.name))

    def _home_page(self) -> HttpAnswer:
        if self._settings.is_home_page_disabled:
            return HttpAnswer(204, [], b"")
        return HttpAnswer(200, [(b"content-type", b"text/html; charset=utf-8")], _HOME_PAGE)


def trace_parent(sent: str) -> str:
    """The traceparent of an invocation: a new span in the trace of the header that was sent, or in a new trace."""
    found = _TRACE_PARENT.fullmatch(sent)
    trace, flags = (os.urandom(16).hex(), "00") if found is None else found.groups()
    return f"00-{trace}-{os.urandom(8).hex()}-{flags}"


def _executed(function: Function, invocation_id: str, outcome: str, duration: float) -> str:
    return f"Executed 'Functions.{function.name}' ({outcome}, Id={invocation_id}, Duration={duration * 1000:.0f}ms)"


async def _outcome(waiting: Awaitable[InvocationResponse]) -> InvocationResponse | HostError:
    try:
        return await waiting
    except HostError as error:
        return error
