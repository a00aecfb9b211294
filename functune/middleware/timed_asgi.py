"""
An ASGI app whose answers report the times of their calls.

Streams, websockets and the lifespan pass through. The times of a call end where its answer starts.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from functune.environ import app_entry, in_process_root
from functune.host.app_frames import app_frames
from functune.limiter import KeptLimiter
from functune.server_process import process_page, ready_line, sample_if_asked
from functune.timing.calls import CallTimes, as_coroutine
from functune.timing.watch import CallWatch, watched, with_time_headers

type Message = MutableMapping[str, Any]
type AsgiReceive = Callable[[], Awaitable[Message]]
type AsgiSend = Callable[[Message], Awaitable[None]]
type AsgiApp = Callable[[Message, AsgiReceive, AsgiSend], Awaitable[None]]


class TimedAsgi:
    """The app. Its process counts calls from its first connection or its lifespan on, which begins in the worker."""

    def __init__(self, timed: AsgiApp, *, limiter: KeptLimiter | None = None) -> None:
        self.app = timed
        self._limiter = limiter
        self._pid = 0
        self._is_ready = False

    async def __call__(self, scope: Message, receive: AsgiReceive, send: AsgiSend) -> None:
        if self._pid != os.getpid():
            self._pid, self._page = os.getpid(), process_page()
            sample_if_asked(in_process_root(), asyncio.get_running_loop())
        if self._limiter is not None:
            self._limiter.set_tokens()
        match scope["type"]:
            case "lifespan":
                await self._follow_lifespan(scope, receive, send)
            case "http" if self._page is not None:
                await self._timed(scope, receive, send, CallWatch(self._page, pid=self._pid, is_async=True))
            case _:
                await self.app(scope, receive, send)

    async def _timed(self, scope: Message, receive: AsgiReceive, send: AsgiSend, watch: CallWatch) -> None:
        async def timed_send(message: Message) -> None:
            if message["type"] == "http.response.start" and (times := watch.end()) is not None:
                message = with_times_in(message, times)
            await send(message)

        try:
            await watched(as_coroutine(self.app(scope, receive, timed_send)), watch)
        finally:
            watch.end()

    async def _follow_lifespan(self, scope: Message, receive: AsgiReceive, send: AsgiSend) -> None:
        has_failed = False

        async def watched_send(message: Message) -> None:
            nonlocal has_failed
            match message["type"]:
                case "lifespan.startup.complete":
                    self._tell_ready()
                case "lifespan.startup.failed":
                    has_failed = True
                    print_failure(message.get("message", ""))
            await send(message)

        try:
            await self.app(scope, receive, watched_send)
        finally:
            if not has_failed:
                self._tell_ready()  # an app without a lifespan refuses or ignores it, and the server goes on

    def _tell_ready(self) -> None:
        if not self._is_ready:
            self._is_ready = True
            print(ready_line(app_entry()), flush=True)


def with_times_in(start: Message, times: CallTimes) -> Message:
    """The start of an answer with the times in its headers."""
    own = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start.get("headers", ())]
    pairs = with_time_headers(own, times)
    return {**start, "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]}


def print_failure(traceback: str) -> None:
    """Say that the lifespan of the app failed, from the traceback that it gives the server."""
    root = in_process_root().resolve()
    cause = traceback.rstrip().splitlines()[-1:] or ["no reason was given"]
    lines = [f"the app {app_entry()} in {root} did not start: {cause[0]}", *app_frames(traceback, root)]
    print(f"functune: {'\n'.join(lines)}", flush=True)
