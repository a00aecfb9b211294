"""
A WSGI app whose answers report the times of their calls.

The start of an answer is held back until the app has returned its body, which passes through untouched.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from functune.environ import app_entry, in_process_root
from functune.server_process import process_page, ready_line, sample_if_asked
from functune.timing.page import CallPage
from functune.timing.watch import CallWatch, with_time_headers

type WsgiHeaders = list[tuple[str, str]]
type Write = Callable[[bytes], Any]
type WsgiApp = Callable[[dict[str, Any], Callable[..., Write]], Iterable[bytes]]


class TimedWsgi:
    """The app. ``begin_process`` is called once in each process that serves it."""

    def __init__(self, timed: WsgiApp) -> None:
        self.app = timed
        self._page: CallPage | None = None
        self._pid = 0

    def begin_process(self) -> None:
        """Count the calls of this process, sample it where that is asked for, and say that it is ready."""
        self._pid, self._page = os.getpid(), process_page()
        sample_if_asked(in_process_root(), None)
        print(ready_line(app_entry()), flush=True)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Write]) -> Iterable[bytes]:
        if self._page is None:
            return self.app(environ, start_response)
        call = TimedCall(CallWatch(self._page, pid=self._pid, is_async=False), start_response)
        try:
            body = self.app(environ, call.start)
        except BaseException:
            call.watch.end()
            raise
        return call.returned(body)


class TimedCall:
    """One call, and the start of its answer."""

    def __init__(self, watch: CallWatch, start_response: Callable[..., Write]) -> None:
        self.watch = watch
        self._start_response = start_response
        self._held: tuple[str, WsgiHeaders, Any] | None = None
        self._has_returned = False
        self._write: Write | None = None

    def start(self, status: str, headers: WsgiHeaders, exc_info: Any = None) -> Write:
        """The ``start_response`` of the app. A second call with an error replaces what is held."""
        if self._held is not None and not exc_info:
            raise AssertionError("start_response was called before, and this call has no error to answer with")
        if self._write is not None:
            return self._start_response(status, headers, exc_info)
        self._held = status, headers, exc_info
        if self._has_returned:  # the app starts its answer while its body is read, as a generator does
            self._send_start()
        return self._send

    def returned(self, body: Iterable[bytes]) -> Iterable[bytes]:
        """The body, for the server. The answer starts now, unless the app starts it later."""
        self._has_returned = True
        if self._held is None and self._write is None:
            return EndedBody(body, self.watch)
        self._send_start()
        return body

    def _send(self, data: bytes) -> Any:
        self._send_start()
        assert self._write is not None
        return self._write(data)

    def _send_start(self) -> None:
        if self._held is None:
            return
        (status, headers, exc_info), self._held = self._held, None
        times = self.watch.end()
        self._write = self._start_response(
            status, headers if times is None else with_time_headers(headers, times), *([exc_info] if exc_info else [])
        )


class EndedBody:
    """A body that has not started its answer yet: its call ends with it at the latest."""

    def __init__(self, body: Iterable[bytes], watch: CallWatch) -> None:
        self._body = body
        self._watch = watch

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        """Close the app's body."""
        try:
            if hasattr(self._body, "close"):
                self._body.close()
        finally:
            self._watch.end()
