"""
A function app as an ASGI application, for Uvicorn and Gunicorn's ``asgi`` workers.

    FUNCTUNE_SCRIPT_ROOT=/srv/app uvicorn functune.asgi:app

``async def`` functions run on the event loop of the server, ``def`` functions in the thread pool of the Functions
runtime, whose size PYTHON_THREADPOOL_THREAD_COUNT sets. Limits of host.json, such as maxConcurrentRequests and
functionTimeout, have no effect here: the server has limits of its own.
"""

import asyncio

from functune.errors import FunctuneError
from functune.host import runtime
from functune.host.answering import EMPTY_500, Invoke
from functune.host.asgi_calls import (
    AsgiScope,
    ClientDisconnectedError,
    Receive,
    Send,
    http_call,
    raw_path_of,
    send_answer,
)
from functune.host.in_process import (
    InProcessApp,
    in_process_settings,
    in_process_timer,
    load_in_process,
)
from functune.host.messages import InvocationRequest, InvocationResponse
from functune.host.shaping import HttpAnswer
from functune.host.url_paths import decode_path
from functune.limiter import KeptLimiter, limiter_of_process
from functune.server_process import sample_if_asked


class FunctionAppAsgi:
    """The application. It loads the app when the server starts, or with the first request where it has no lifespan."""

    def __init__(self) -> None:
        self._timer = in_process_timer()
        self._limiter: KeptLimiter | None = None
        self._loading: asyncio.Task[InProcessApp] | None = None

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "lifespan":
                await self._follow_lifespan(receive, send)
            case "http":
                await self._answer(scope, receive, send)
            case other:
                raise ValueError(f"functune.asgi serves HTTP, not {other}")

    async def _follow_lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._loaded()
        except FunctuneError as error:
            await send({"type": "lifespan.startup.failed", "message": f"functune: {error}"})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        app = await self._loaded()
        raw_path = raw_path_of(scope)
        try:
            path = decode_path(raw_path)
        except ValueError:
            await send_answer(HttpAnswer(400, [], b""), scope["method"], app.custom_headers, send)
            return
        try:
            reply = await app.answerer.answer(http_call(scope, receive, raw_path, path))
        except ClientDisconnectedError:
            return
        except asyncio.CancelledError:  # the server has no more time, or the client has gone
            reply = EMPTY_500
        await send_answer(reply, scope["method"], app.custom_headers, send)

    async def _loaded(self) -> InProcessApp:
        if self._loading is None:
            self._loading = asyncio.create_task(self._load())
        return await asyncio.shield(self._loading)

    async def _load(self) -> InProcessApp:
        settings = in_process_settings()
        runtime.start()
        sample_if_asked(settings.script_root, asyncio.get_running_loop())
        self._limiter = limiter_of_process()
        return await load_in_process(settings, begin=self._begin, timer=self._timer)

    async def _begin(self) -> Invoke:
        return self._invoke

    async def _invoke(self, request: InvocationRequest, _: str) -> InvocationResponse:
        if self._limiter is not None:
            self._limiter.set_tokens()
        return runtime.with_call_times(await runtime.invoke(request), self._timer)


app = FunctionAppAsgi()
