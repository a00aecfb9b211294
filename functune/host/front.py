"""
The HTTP side of the host: an ASGI application that routes a request, passes it to a worker and sends the answer.

The order is that of the real pipeline: admin endpoints, throttles, function routes, keys, then the home page for ``/``
when no route matched.
"""

import asyncio
import contextlib
import logging
import os
import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from functune.errors import HostError
from functune.host.admin import Admin
from functune.host.app_frames import app_frames
from functune.host.application import Application
from functune.host.authorization import is_admitted
from functune.host.console import Console
from functune.host.functions import Function
from functune.host.limits import Gate, OverflowedError
from functune.host.log_levels import function_category
from functune.host.messages import InvocationRequest, InvocationResponse, RpcException, RpcHttp
from functune.host.protocol import begin_answer, connection_of
from functune.host.routing import decode_path
from functune.host.settings import HostSettings
from functune.host.shaping import AnswerError, HttpAnswer, http_answer, request_headers, request_query, with_times

type AsgiScope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_START_WAIT = 30.0
"""Seconds a request waits for the host to start (HostAvailabilityCheckMiddleware of the real host)."""
_NOT_RUNNING = HttpAnswer(503, [(b"content-type", b"text/plain")], b"Function host is not running.")
_EMPTY_401 = HttpAnswer(401, [], b"")
_EMPTY_404 = HttpAnswer(404, [], b"")
_EMPTY_500 = HttpAnswer(500, [], b"")
_OVERFLOWED = HttpAnswer(429, [(b"x-function-scaleout", b"1")], b"")
_PING = "/admin/host/ping"
"""The one admin endpoint that needs no key."""
_HOME_PAGE = (
    b"<!DOCTYPE html><html lang='en'><head><title>Functions host</title></head><body>"
    b"<h1>Your Functions app is up and running</h1><p>Served by the local host of functune.</p></body></html>"
)


class ClientDisconnectedError(Exception):
    """The client disconnected before its request was complete, so there is no one to answer."""


class Front:
    """
    The ASGI application.

    ``open`` gives it an app to serve. Before that, and after ``pause``, requests wait for an app for up to 30 s. After
    ``refuse`` they are answered with 503, until the next ``open`` or ``pause``.
    """

    def __init__(self, settings: HostSettings, admin: Admin, console: Console) -> None:
        self._settings = settings
        self._admin = admin
        self._console = console
        self._application: Application | None = None
        self._decided = asyncio.Event()

    def open(self, application: Application) -> None:
        """Serve this app from now on."""
        self._settings = application.settings
        self._show(application, "Running")
        self._decided.set()

    def pause(self) -> None:
        """Make requests wait: another app is being loaded."""
        self._show(None, "Initialized")
        self._decided.clear()

    def refuse(self) -> None:
        """Answer requests with 503, those that wait included: no app can be loaded at present."""
        self._show(None, "Error")
        self._decided.set()

    def _show(self, application: Application | None, state: str) -> None:
        self._application = self._admin.application = application
        self._admin.state = state

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        try:
            reply = await self._respond(scope, receive)
        except ClientDisconnectedError:
            return
        except asyncio.CancelledError:  # the time to drain is over, or the client of a waiting request disconnected
            reply = _EMPTY_500
        await self._send(scope, reply, send)

    async def _respond(self, scope: AsgiScope, receive: Receive) -> HttpAnswer:
        raw_path: str = scope["raw_path"].decode("latin-1")
        try:
            path = decode_path(raw_path)
        except ValueError:
            return HttpAnswer(400, [], b"")
        if path[:7].lower() == "/admin/":
            return self._administer(scope, path)
        application = self._application or await self._opened()
        if application is None:
            return _NOT_RUNNING
        if application.gates:
            return await self._admitted(application.gates, scope, receive, raw_path, path)
        return await self._answer(application, scope, receive, raw_path, path)

    async def _admitted(
        self, gates: Sequence[Gate], scope: AsgiScope, receive: Receive, raw_path: str, path: str
    ) -> HttpAnswer:
        """Pass the gates one after the other, then answer."""
        if not gates:
            application = self._application or await self._opened()  # it may have been replaced in the meantime
            return await self._answer(application, scope, receive, raw_path, path) if application else _NOT_RUNNING
        gate, *others = gates
        try:
            with connection_of(receive).cancelling_when_lost():
                await gate.enter()
        except OverflowedError as error:
            self._console.system(str(error), logging.WARNING)
            return _OVERFLOWED
        try:
            return await self._admitted(others, scope, receive, raw_path, path)
        finally:
            gate.leave()

    def _administer(self, scope: AsgiScope, path: str) -> HttpAnswer:
        if path.lower().rstrip("/") != _PING and not self._is_admitted("admin", scope):
            return _EMPTY_401
        return self._admin.answer(scope["method"], path)

    def _is_admitted(self, level: str, scope: AsgiScope) -> bool:
        keys = self._settings.auth_keys
        return keys is None or is_admitted(keys, level, scope["headers"], scope["query_string"].decode("latin-1"))

    async def _answer(
        self, application: Application, scope: AsgiScope, receive: Receive, raw_path: str, path: str
    ) -> HttpAnswer:
        method: str = scope["method"]
        found = application.routes.match(method, path)
        if found is None:
            return self._home_page() if path == "/" else _EMPTY_404
        function, params = found
        if not self._is_admitted(function.auth_level, scope):
            return _EMPTY_401
        headers = request_headers(scope["headers"])
        length = int(headers.get("content-length") or 0)
        if length > self._settings.body_limit:
            return HttpAnswer(413, [], b"")
        query: str = scope["query_string"].decode("latin-1")
        http = RpcHttp(
            method=method,
            url=f"{scope['scheme']}://{headers.get('host', '')}{raw_path}{'?' if query else ''}{query}",
            headers=headers,
            query=request_query(query),
            params=params,
            # Without Content-Length the real host does not read the body at all, chunked ones included.
            body=await _read_body(receive) if length else b"",
        )
        return await self._invoke(application, function, http)

    async def _invoke(self, application: Application, function: Function, http: RpcHttp) -> HttpAnswer:
        invocation_id = str(uuid.UUID(bytes=os.urandom(16), version=4))
        if function.obstacle is not None:
            return self._failed(function, invocation_id, RpcException(function.obstacle), duration=0)
        try:
            channel = await application.supervisor.choose()
        except HostError:  # the host is stopping or reloading, and logs why
            return _NOT_RUNNING
        request = InvocationRequest(
            invocation_id=invocation_id,
            function_id=function.metadata.function_id,
            trigger_name=function.trigger_name,
            http=http,
            trace_parent=http.headers.get("traceparent") or f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-00",
            trace_state=http.headers.get("tracestate", ""),
        )
        if self._settings.verbose:
            self._log(
                function,
                f"Executing 'Functions.{function.name}' (Reason='This function was programmatically called via the "
                f"host APIs.', Id={invocation_id})",
            )
        handed_on = time.perf_counter()
        outcome = await _outcome(channel.invoke(request, function.name))
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
        return _EMPTY_500

    def _log(self, function: Function, message: str, level: int = logging.INFO) -> None:
        self._console.system(message, level, category=function_category(function.name))

    async def _opened(self) -> Application | None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_START_WAIT):
                await self._decided.wait()
        return self._application

    def _home_page(self) -> HttpAnswer:
        if self._settings.is_home_page_disabled:
            return HttpAnswer(204, [], b"")
        return HttpAnswer(200, [(b"content-type", b"text/html; charset=utf-8")], _HOME_PAGE)

    async def _send(self, scope: AsgiScope, reply: HttpAnswer, send: Send) -> None:
        begin_answer(send)
        headers = reply.headers
        if self._application is not None and self._application.custom_headers:
            present = {name for name, _ in headers}
            headers = [*headers, *(extra for extra in self._application.custom_headers if extra[0] not in present)]
        body = reply.body
        if scope["method"] == "HEAD" or reply.status in {204, 304}:
            body = b""  # these answers have no body; the server would refuse one
        elif not body:
            headers = [*headers, (b"content-length", b"0")]
        # A body is sent without Content-Length, hence chunked, as by the real host.
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _executed(function: Function, invocation_id: str, outcome: str, duration: float) -> str:
    return f"Executed 'Functions.{function.name}' ({outcome}, Id={invocation_id}, Duration={duration * 1000:.0f}ms)"


async def _outcome(waiting: asyncio.Future[InvocationResponse]) -> InvocationResponse | HostError:
    try:
        return await waiting
    except HostError as error:
        return error


async def _read_body(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnectedError
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)
