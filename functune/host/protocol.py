"""
uvicorn's HTTP protocol with the limits of Kestrel, which protect the host from hostile clients, and its encoding.

Nearly all requests arrive whole, and cost one or two comparisons. Only a request that arrives in pieces is timed and
counted. pyproject.toml pins uvicorn, since this module depends on how its protocol keeps its state.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from http import HTTPStatus
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from functune.host.settings import ConnectionLimits


def connection_of(call: Callable[..., Any]) -> "HostProtocol":
    """The connection of a request, from its ``receive`` or ``send``: both are methods of its cycle in uvicorn."""
    return cast("HostProtocol", _cycle_of(call).on_response.__self__)  # type: ignore[attr-defined]


def begin_answer(send: Callable[..., Any]) -> None:
    """
    Prepare the connection for an answer that is sent while the body is still arriving.

    The rest of the body is not read. The connection ends after the answer, so that an endless body costs nothing.
    """
    cycle = _cycle_of(send)
    if cycle.more_body:
        cycle.keep_alive = False
        cycle.transport = cast(asyncio.Transport, _Lingering(connection_of(send)))
        cycle.on_response = lambda: None  # uvicorn would make the connection ready for the next request


def _cycle_of(call: Callable[..., Any]) -> RequestResponseCycle:
    return call.__self__  # type: ignore[attr-defined,no-any-return]


class HostProtocol(HttpToolsProtocol):
    """One client connection. ``limits`` is set by ``with_limits``."""

    limits: ConnectionLimits

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._most_headers = self.limits.max_request_header_count
        self._surely_small = self.limits.max_request_line_size
        self._waiting: set[asyncio.Task[Any]] = set()
        self._piece = 0
        """The number of bytes that are being parsed."""
        self._is_ascii = True
        """Whether all bytes so far are ASCII, so that no header needs to be checked."""
        self._earlier = 0
        """The number of bytes in earlier pieces that contain only the unfinished head."""
        self._head: object = None
        """The scope of the request whose head is incomplete."""
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # uvicorn starts its own timer after the first answer.
        self.timeout_keep_alive_task = self.loop.call_later(
            self.limits.keep_alive_timeout, self.timeout_keep_alive_handler
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        super().connection_lost(exc)
        for task in self._waiting:
            task.cancel()

    def data_received(self, data: bytes) -> None:
        self._piece = len(data)
        self._is_ascii = self._is_ascii and data.isascii()
        HttpToolsProtocol.data_received(self, data)  # super() would cost as much as all the rest of this method
        cycle = self.cycle
        if cycle is None or cycle.response_complete or "method" not in self.scope:
            self._await_head()
            return
        if self._head_timer is not None:
            self._stop_head_timer()
        if cycle.more_body and any(name == b"transfer-encoding" for name, _ in self.headers):
            self.flow.pause_reading()  # a chunked body and its trailers are never read

    def on_headers_complete(self) -> None:
        # A head that arrived in one small piece can exceed the limit of the header count only.
        if self._piece > self._surely_small or len(self.headers) > self._most_headers or self._head_timer is not None:
            status = self._broken_limit()
            if status is not None:
                self.app = _refusal(status)  # not reset, since the connection ends with this answer
        if not self._is_ascii and not _are_utf8(self.headers):
            self.app = _refusal(400)
        HttpToolsProtocol.on_headers_complete(self)

    @contextlib.contextmanager
    def cancelling_when_lost(self) -> Iterator[None]:
        """Cancel the calling task when the client disconnects: for a request that is waiting to start."""
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._waiting.add(task)
        try:
            yield
        finally:
            self._waiting.discard(task)

    def linger(self) -> None:
        """Close the sending side, then the connection when the client closes it; at once, the answer might be lost."""
        transport = self.transport
        self._stop_head_timer()
        self._unset_keepalive_if_required()
        self.connections.discard(self)
        transport.set_protocol(_Discarding(transport, self.limits.drain_timeout))
        transport.resume_reading()
        if transport.can_write_eof():
            transport.write_eof()

    def send_400_response(self, msg: str) -> None:
        """Answer a broken request, but not in place of the answers to earlier requests on the connection."""
        if not self._ends_after_answers():
            super().send_400_response(msg)

    def _unsupported_upgrade_warning(self) -> None:
        """Log nothing, as Kestrel; it serves the request without the upgrade. uvicorn would recommend a package."""

    def _await_head(self) -> None:
        """Time and count a request whose head is incomplete, including blank lines before it."""
        if self.transport.is_closing():
            return
        if self._head_timer is not None and self._head is self.scope:
            self._earlier += self._piece
            if self._earlier > self.limits.max_request_line_size + self.limits.max_request_headers_total_size:
                self._refuse_head()
            return
        # The first piece may contain the end of another request, so it is not counted.
        self._earlier = 0
        self._stop_head_timer()
        self._head = self.scope
        self._head_timer = self.loop.call_later(self.limits.request_headers_timeout, self._head_timed_out)

    def _refuse_head(self) -> None:
        # Without a URL there were only blank lines.
        is_in_line = self.scope is not None and len(self.url) > self.limits.max_request_line_size
        status = HTTPStatus(414 if is_in_line else 431)
        if not self._ends_after_answers():
            head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            self.transport.write(head.encode())
            self.linger()

    def _head_timed_out(self) -> None:
        if not self._ends_after_answers():
            self.transport.close()

    def _ends_after_answers(self) -> bool:
        """Whether earlier requests are still being answered; the connection then ends after the last of them."""
        if self.cycle is None or self.cycle.response_complete:
            return False
        self.cycle.keep_alive = False
        self.flow.pause_reading()
        return True

    def _broken_limit(self) -> int | None:
        """The status that refuses a complete head; None when it is within the limits."""
        limits = self.limits
        if len(self.headers) > limits.max_request_header_count:
            return 431
        # The request line also contains method, version, blanks and the line end.
        if len(self.url) + len(self.parser.get_method()) + len(" HTTP/1.1 \r\n") > limits.max_request_line_size:
            return 414
        total = sum(len(name) + len(value) + len(": \r\n") for name, value in self.headers)
        return 431 if total > limits.max_request_headers_total_size else None

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def with_limits(limits: ConnectionLimits) -> type[HostProtocol]:
    """The protocol class with these limits; uvicorn creates an object of it per connection."""
    return type("LimitedProtocol", (HostProtocol,), {"limits": limits})


def _are_utf8(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether every value is UTF-8, which Kestrel demands (HttpUtilities.cs)."""
    try:
        for _, value in headers:
            value.decode()
    except UnicodeDecodeError:
        return False
    return True


class _Lingering:
    """The transport for an answer after which the connection ends: it lingers instead of closing at once."""

    def __init__(self, protocol: HostProtocol) -> None:
        self._protocol = protocol
        self.write = protocol.transport.write
        self.is_closing = protocol.transport.is_closing

    def close(self) -> None:
        if not self.is_closing():
            self._protocol.linger()


class _Discarding(asyncio.Protocol):
    """Discards the bytes a client still sends, for a limited time."""

    def __init__(self, transport: asyncio.Transport, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()


def _refusal(status: int) -> Callable[..., Awaitable[None]]:
    """An ASGI application that answers every request with an empty ``status`` and ends the connection."""

    async def refuse(
        scope: object, receive: object, send: Callable[[MutableMapping[str, Any]], Awaitable[None]]
    ) -> None:
        headers = [(b"content-length", b"0"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    return refuse
