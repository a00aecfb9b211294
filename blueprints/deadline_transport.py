"""
A transport for the sync client of httpx that takes a time-out as one deadline for the whole call.

httpx and httpcore give their time-out to each operation on the socket. A server that sends one byte before each ends
holds the thread for as long as it likes: in the headers, in the body, or with one interim response (1xx) after another.
Here every operation has the time that is left of the whole. Name resolution is the exception: nothing can interrupt it.
"""

import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpcore  # httpx is made on it, and requires it
import httpx

if TYPE_CHECKING:
    import ssl


class DeadlineTransport(httpx.BaseTransport):
    """Sends requests through a connection pool. The read time-out of a request is the time for all of it."""

    def __init__(self, limits: httpx.Limits) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=_Backend(),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``; the deadline also applies to the body, which the caller reads."""
        seconds = request.extensions["timeout"]["read"]
        end = None if seconds is None else time.monotonic() + seconds
        sent = httpcore.Request(
            request.method,
            httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            # httpcore hands the last three to the backend as they are, and that one takes them as moments.
            extensions={"timeout": {"pool": seconds, "connect": end, "write": end, "read": end}},
        )
        with _errors_of_httpx():
            answer = self._pool.handle_request(sent)
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Body(answer.stream), extensions=answer.extensions
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        with _errors_of_httpx():
            yield from self._stream

    def close(self) -> None:
        self._stream.close()


class _Backend(httpcore.NetworkBackend):
    """Opens connections. ``timeout`` is a moment of ``time.monotonic`` here and in the stream, not a duration."""

    def __init__(self) -> None:
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of ``host`` that accepts; all of them share the time that is left."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        refusal: httpcore.ConnectError | None = None
        for *_, address in found:
            left = _left(timeout, httpcore.ConnectTimeout)
            try:
                opened = self._sockets.connect_tcp(str(address[0]), port, left, local_address, socket_options or ())
                return _Stream(opened)
            except httpcore.ConnectError as error:
                refusal = error
        raise refusal or httpcore.ConnectError("the name has no address")


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: "ssl.SSLContext", server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        # Python's ssl takes the time-out for the handshake as a whole.
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def close(self) -> None:
        self._stream.close()


def _left(end: float | None, expired: type[Exception]) -> float | None:
    """The seconds until ``end``; None without one. Raises ``expired`` once it has passed."""
    if end is None:
        return None
    left = end - time.monotonic()
    if left <= 0:
        raise expired("the deadline of the call has passed")
    return left


@contextmanager
def _errors_of_httpx() -> Iterator[None]:
    """Raise an error of httpcore as that of httpx, which has the same name."""
    try:
        yield
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error
