"""
The HTTP side of the host: an ASGI application that routes a request, has a worker run it and sends the answer.

In the order of the real pipeline: admin endpoints, function routes, then the home page for ``/`` when nothing matched.
"""

import asyncio
import contextlib
import logging
import os
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from functune.errors import HostError
from functune.host.admin import Admin
from functune.host.console import Console
from functune.host.functions import Function
from functune.host.messages import InvocationRequest, InvocationResponse, RpcHttp
from functune.host.routing import RouteTable, decode_path
from functune.host.shaping import Answer, AnswerError, answer, request_headers, request_query
from functune.host.supervisor import Supervisor
from functune.settings import HostSettings

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_START_WAIT = 30.0
"""Seconds a request waits for the host to start (HostAvailabilityCheckMiddleware of the real host)."""
_NOT_RUNNING = Answer(503, [(b"content-type", b"text/plain")], b"Function host is not running.")
_EMPTY_404 = Answer(404, [], b"")
_EMPTY_500 = Answer(500, [], b"")
_HOME_PAGE = (
    b"<!DOCTYPE html><html lang='en'><head><title>Functions host</title></head><body>"
    b"<h1>Your Functions app is up and running</h1><p>Served by the local host of functune.</p></body></html>"
)


class ClientDisconnectedError(Exception):
    """The client went away before its request was complete; there is nobody to answer."""


class Front:
    """The ASGI application. Until ``open`` is called requests wait, and get 503 after 30 s or once ``close`` is."""

    def __init__(self, settings: HostSettings, supervisor: Supervisor, admin: Admin, console: Console) -> None:
        self._settings = settings
        self._supervisor = supervisor
        self._admin = admin
        self._console = console
        self._routes: RouteTable[Function] = RouteTable(())
        self._is_open = False
        self._decided = asyncio.Event()
        self._custom_headers = _encode_headers(settings.host_json.custom_headers.items())

    def open(self, routes: RouteTable[Function]) -> None:
        """Serve these routes from now on."""
        self._routes = routes
        self._is_open = True
        self._decided.set()

    def close(self) -> None:
        """Answer whoever still waits for the host to start: it will not."""
        self._decided.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            reply = await self._answer(scope, receive)
        except ClientDisconnectedError:
            return
        except asyncio.CancelledError:  # the server's: the time to drain is over
            reply = _EMPTY_500
        await self._send(scope["method"], reply, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        method: str = scope["method"]
        raw_path: str = scope["raw_path"].decode("latin-1")
        try:
            path = decode_path(raw_path)
        except ValueError:
            return Answer(400, [], b"")
        if path[:7].lower() == "/admin/":
            return self._admin.answer(method, path)
        if not self._is_open and not await self._opened():
            return _NOT_RUNNING
        found = self._routes.match(method, path)
        if found is None:
            return self._home_page() if path == "/" else _EMPTY_404
        function, params = found
        headers = request_headers(scope["headers"])
        length = int(headers.get("content-length") or 0)
        if length > self._settings.body_limit:
            return Answer(413, [], b"")
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
        return await self._invoke(function, http)

    async def _invoke(self, function: Function, http: RpcHttp) -> Answer:
        try:
            channel = await self._supervisor.choose()
        except HostError:  # the host is ending, and says why itself
            return _NOT_RUNNING
        request = InvocationRequest(
            invocation_id=str(uuid.UUID(bytes=os.urandom(16), version=4)),
            function_id=function.metadata.function_id,
            trigger_name=function.trigger_name,
            http=http,
            trace_parent=http.headers.get("traceparent") or f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-00",
            trace_state=http.headers.get("tracestate", ""),
        )
        if not self._settings.verbose:
            return self._shape(function, request, await _outcome(channel.invoke(request)), None)
        self._console.system(
            f"Executing 'Functions.{function.name}' (Reason='This function was programmatically called via the host "
            f"APIs.', Id={request.invocation_id})"
        )
        started = time.perf_counter()
        outcome = await _outcome(channel.invoke(request))
        return self._shape(function, request, outcome, time.perf_counter() - started)

    def _shape(
        self,
        function: Function,
        request: InvocationRequest,
        outcome: InvocationResponse | HostError,
        duration: float | None,
    ) -> Answer:
        if isinstance(outcome, HostError):
            error, trace = str(outcome), ""
        elif outcome.exception is not None:
            error, trace = outcome.exception.message, outcome.exception.stack_trace
        else:
            try:
                reply = answer(outcome, function.http_output)
            except AnswerError as problem:
                error, trace = str(problem), ""
            else:
                if duration is not None:
                    self._executed(function, request, "Succeeded", duration)
                return reply
        self._executed(function, request, "Failed", duration, level=logging.ERROR)
        self._console.system(f"{function.name}: {error}\n{trace}".rstrip(), logging.ERROR)
        return _EMPTY_500

    def _executed(
        self,
        function: Function,
        request: InvocationRequest,
        outcome: str,
        duration: float | None,
        *,
        level: int = logging.INFO,
    ) -> None:
        took = "" if duration is None else f", Duration={duration * 1000:.0f}ms"
        self._console.system(
            f"Executed 'Functions.{function.name}' ({outcome}, Id={request.invocation_id}{took})", level
        )

    async def _opened(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_START_WAIT):
                await self._decided.wait()
        return self._is_open

    def _home_page(self) -> Answer:
        if self._settings.is_home_page_disabled:
            return Answer(204, [], b"")
        return Answer(200, [(b"content-type", b"text/html; charset=utf-8")], _HOME_PAGE)

    async def _send(self, method: str, reply: Answer, send: Send) -> None:
        headers = reply.headers
        if self._custom_headers:
            present = {name for name, _ in headers}
            headers = [*headers, *(header for header in self._custom_headers if header[0] not in present)]
        body = reply.body
        if method == "HEAD" or reply.status in {204, 304}:
            body = b""  # these carry none; the server would refuse it
        elif not body:
            headers = [*headers, (b"content-length", b"0")]
        # A body goes out without Content-Length, hence chunked, as from the real host.
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


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


def _encode_headers(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
