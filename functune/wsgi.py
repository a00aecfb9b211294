"""
A function app as a WSGI application, for servers such as Gunicorn with ``sync`` or ``gthread`` workers.

    FUNCTUNE_SCRIPT_ROOT=/srv/app gunicorn --threads 16 functune.wsgi:app

``def`` functions run in the threads of the server, ``async def`` functions on one event loop per process, which runs in
a thread of its own while the thread of the server waits. Limits of host.json, such as maxConcurrentRequests and
functionTimeout, have no effect here: the server has limits of its own.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import uvloop

from functune.environ import profile_folder
from functune.errors import FunctuneError
from functune.host import runtime
from functune.host.answering import HttpCall, Invoke
from functune.host.in_process import in_process_settings, in_process_timer, load_in_process
from functune.host.messages import InvocationRequest, InvocationResponse
from functune.host.shaping import HttpAnswer, sent_headers
from functune.host.url_paths import decode_path
from functune.server_process import end_without_app, sample_if_asked

type WsgiEnviron = dict[str, Any]
type StartResponse = Callable[[str, list[tuple[str, str]]], object]


class FunctionAppWsgi:
    """The application, loaded. Raises SettingsError or AppError when the app cannot be loaded."""

    def __init__(self) -> None:
        self._timer = in_process_timer()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_pid = 0
        settings = in_process_settings()
        runtime.start_in_calling_threads()
        self._app = uvloop.run(load_in_process(settings, begin=self._begin, timer=self._timer))
        if profile_folder() is not None:
            loop = self._event_loop()
            loop.call_soon_threadsafe(sample_if_asked, settings.script_root, loop)

    def __call__(self, environ: WsgiEnviron, start_response: StartResponse) -> Iterable[bytes]:
        raw_path = _raw_path(environ)
        try:
            call = _http_call(environ, raw_path, decode_path(raw_path))
        except ValueError:
            reply = HttpAnswer(400, [], b"")
        else:
            reply = _without_waiting(self._app.answerer.answer(call))
        headers, body = sent_headers(reply, environ["REQUEST_METHOD"], self._app.custom_headers)
        named = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
        start_response(f"{reply.status} {_phrase(reply.status)}", named)
        return [body] if body else []

    async def _begin(self) -> Invoke:
        return self._invoke

    async def _invoke(self, request: InvocationRequest, _: str) -> InvocationResponse:
        answer = runtime.invoke_here(request)
        if answer is None:
            answer = asyncio.run_coroutine_threadsafe(runtime.invoke(request), self._event_loop()).result()
        return runtime.with_call_times(answer, self._timer)

    def _event_loop(self) -> asyncio.AbstractEventLoop:
        """The event loop of this process: a server that loads the app before it forks has none in its workers."""
        with self._lock:
            if self._loop is None or self._loop_pid != os.getpid():
                self._loop, self._loop_pid = uvloop.new_event_loop(), os.getpid()
                threading.Thread(target=self._loop.run_forever, name="functune event loop", daemon=True).start()
            return self._loop


def loaded_app() -> FunctionAppWsgi:
    """The application. Ends the process with the error where it cannot be loaded."""
    try:
        return FunctionAppWsgi()
    except FunctuneError as error:
        end_without_app(error)


def _without_waiting[Result](work: Coroutine[Any, Any, Result]) -> Result:
    """The result of a coroutine that never suspends, since all it awaits is done in this thread."""
    try:
        work.send(None)
    except StopIteration as returned:
        result: Result = returned.value
        return result
    raise RuntimeError("a call of a WSGI app cannot wait for an event loop")


def _raw_path(environ: WsgiEnviron) -> str:
    """The path as sent; encoded again where the server does not keep it."""
    sent = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if sent is not None and sent.startswith("/"):
        return str(sent).partition("?")[0]
    return quote((environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")).encode("latin-1"))


def _http_call(environ: WsgiEnviron, raw_path: str, path: str) -> HttpCall:
    async def read_body() -> bytes:
        body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        return body

    return HttpCall(
        method=environ["REQUEST_METHOD"],
        scheme=environ["wsgi.url_scheme"],
        raw_path=raw_path,
        path=path,
        query=environ.get("QUERY_STRING", ""),
        headers=list(_headers(environ)),
        read_body=read_body,
    )


def _headers(environ: WsgiEnviron) -> Iterable[tuple[bytes, bytes]]:
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            yield name[5:].replace("_", "-").lower().encode(), value.encode("latin-1")
        elif name in ("CONTENT_TYPE", "CONTENT_LENGTH") and value:
            yield name.replace("_", "-").lower().encode(), value.encode("latin-1")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:  # a status of the app's own
        return ""


app = loaded_app()
