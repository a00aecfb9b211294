"""
The HTTP side of the host: an ASGI application that routes a request, passes it to a worker and sends the answer.

The order is that of the real pipeline: admin endpoints, throttles, function routes, keys, then the home page for ``/``
when no route matched.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from functune.host.admin import Admin
from functune.host.answering import EMPTY_401, EMPTY_500, NOT_RUNNING, HttpCall
from functune.host.application import Application
from functune.host.asgi_calls import AsgiScope, ClientDisconnectedError, Receive, Send, http_call, send_answer
from functune.host.authorization import is_admitted
from functune.host.console import Console
from functune.host.limits import Gate, OverflowedError
from functune.host.protocol import HostProtocol, begin_answer, connection_of
from functune.host.settings import HostSettings
from functune.host.shaping import HttpAnswer
from functune.host.url_paths import decode_path

_START_WAIT = 30.0
"""Seconds a request waits for the host to start (HostAvailabilityCheckMiddleware of the real host)."""
_OVERFLOWED = HttpAnswer(429, [(b"x-function-scaleout", b"1")], b"")
_PING = "/admin/host/ping"
"""The one admin endpoint that needs no key."""


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
            reply = EMPTY_500
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
            return NOT_RUNNING
        call = http_call(scope, receive, raw_path, path)
        if application.gates:
            return await self._admitted(application.gates, call, connection_of(receive))
        return await application.answerer.answer(call)

    async def _admitted(self, gates: Sequence[Gate], call: HttpCall, connection: HostProtocol) -> HttpAnswer:
        """Pass the gates one after the other, then answer."""
        if not gates:
            application = self._application or await self._opened()  # it may have been replaced in the meantime
            return await application.answerer.answer(call) if application else NOT_RUNNING
        gate, *others = gates
        try:
            with connection.cancelling_when_lost():
                await gate.enter()
        except OverflowedError as error:
            self._console.system(str(error), logging.WARNING)
            return _OVERFLOWED
        try:
            return await self._admitted(others, call, connection)
        finally:
            gate.leave()

    def _administer(self, scope: AsgiScope, path: str) -> HttpAnswer:
        query: str = scope["query_string"].decode("latin-1")
        is_ping = path.lower().rstrip("/") == _PING
        if not is_ping and not is_admitted(self._settings.auth_keys, "admin", scope["headers"], query):
            return EMPTY_401
        return self._admin.answer(scope["method"], path)

    async def _opened(self) -> Application | None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_START_WAIT):
                await self._decided.wait()
        return self._application

    async def _send(self, scope: AsgiScope, reply: HttpAnswer, send: Send) -> None:
        begin_answer(send)
        extra = self._application.custom_headers if self._application is not None else []
        await send_answer(reply, scope["method"], extra, send)
