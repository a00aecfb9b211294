"""
Outbound calls: a shared sync client and a shared async client per worker, and a GET with a size limit.

A client owns a connection pool. A client per call would open a connection and load the certificate store for every
call. ``own_sync_client`` and ``own_async_client`` make this mistake on purpose, so that its cost can be measured.
"""

import asyncio
import atexit
import logging
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from blueprints.answers import label
from blueprints.targets import AllowList

if TYPE_CHECKING:
    import httpx

MOST_BYTES = 10 * 1024 * 1024
MOST_REDIRECTS = 5

# At its default level httpx logs the full url of every call, including function keys, and sends it to the host.
logging.getLogger("httpx").setLevel(logging.WARNING)

_lock = threading.Lock()
_sync_client: "httpx.Client | None" = None
_async_client: "httpx.AsyncClient | None" = None


class FetchError(Exception):
    """An outbound call got no complete response; the message gives the reason."""


class FetchTimeoutError(FetchError):
    """An outbound call took longer than its time-out."""


@dataclass(frozen=True)
class Fetched:
    """The response to an outbound call: its status, and the number of body bytes on the wire."""

    status: int
    bytes: int


class Meter:
    """Counts the body bytes of one call, and enforces MOST_BYTES."""

    def __init__(self) -> None:
        self.bytes = 0

    def add(self, chunk: bytes) -> None:
        """Count ``chunk``. Raises FetchError above MOST_BYTES."""
        self.bytes += len(chunk)
        if self.bytes > MOST_BYTES:
            raise FetchError(f"body larger than {MOST_BYTES} bytes")


def fetch_sync(client: "httpx.Client", url: "httpx.URL", allowed: AllowList, timeout_ms: int) -> Fetched:
    """
    GET ``url`` through ``client`` and read the body, all within ``timeout_ms``. Raises FetchError.

    Only name resolution can take longer: it blocks the thread, and nothing can interrupt it.
    """
    import httpx

    meter, end = Meter(), time.monotonic() + timeout_ms / 1000
    try:
        for _ in range(MOST_REDIRECTS + 1):
            request = client.build_request("GET", url, timeout=max(end - time.monotonic(), 0))
            response = client.send(request, stream=True)
            try:
                following = _next_hop(response, allowed)
                if following is None:
                    for chunk in response.iter_raw():
                        meter.add(chunk)
                    return Fetched(response.status_code, meter.bytes)
                url = following
            finally:
                response.close()
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        raise as_fetch_error(error, timeout_ms) from error
    raise FetchError(f"more than {MOST_REDIRECTS} redirects")


async def fetch_async(client: "httpx.AsyncClient", url: "httpx.URL", allowed: AllowList, timeout_ms: int) -> Fetched:
    """GET ``url`` through ``client`` and read the body, all within ``timeout_ms``. Raises FetchError."""
    import httpx

    handshake = _Handshake()
    try:
        return await asyncio.wait_for(_fetch_async(client, url, allowed, timeout_ms, handshake), timeout_ms / 1000)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        raise as_fetch_error(error, timeout_ms) from error
    except asyncio.TimeoutError as error:  # noqa: UP041 - Python 3.10 has two; this name is right in every version
        await handshake.abandon()
        raise FetchTimeoutError(f"timed out after {timeout_ms} ms") from error


class _Handshake:
    """
    The connection of a call between TCP and TLS, so that it can be closed.

    httpcore leaves it open when the handshake is cancelled, and the event loop keeps it until the server closes it.
    """

    def __init__(self) -> None:
        self._connected: Any = None

    async def trace(self, event: str, info: dict[str, Any]) -> None:
        """See the events of a call, by the extension ``trace`` of httpx."""
        if event == "connection.connect_tcp.complete":
            self._connected = info["return_value"]
        elif event == "http11.send_request_headers.started":  # from here on httpcore closes it, or another call has it
            self._connected = None

    async def abandon(self) -> None:
        """Close the connection, if it has not sent a request yet."""
        if self._connected is not None:
            await self._connected.aclose()


async def _fetch_async(
    client: "httpx.AsyncClient", url: "httpx.URL", allowed: AllowList, timeout_ms: int, handshake: _Handshake
) -> Fetched:
    meter = Meter()
    for _ in range(MOST_REDIRECTS + 1):
        # The events of a call cost it up to a tenth of its CPU time, and plain http has no handshake.
        extensions = {"trace": handshake.trace} if url.scheme == "https" else {}
        request = client.build_request("GET", url, timeout=timeout_ms / 1000, extensions=extensions)
        response = await client.send(request, stream=True)
        try:
            following = _next_hop(response, allowed)
            if following is None:
                async for chunk in response.aiter_raw():
                    meter.add(chunk)
                return Fetched(response.status_code, meter.bytes)
            url = following
        finally:
            await response.aclose()
    raise FetchError(f"more than {MOST_REDIRECTS} redirects")


def _next_hop(response: "httpx.Response", allowed: AllowList) -> "httpx.URL | None":
    """
    The url of a redirect on the same, allowed host; None when ``response`` is the final one.

    A redirect to another host is final: an allowed host must not be able to send the app to one that is not allowed.
    """
    if response.next_request is None:
        return None
    url = response.next_request.url
    return url if url.raw_host == response.url.raw_host and allowed.permits(url) else None


def sync_client() -> "httpx.Client":
    """The worker's client for ``def`` handlers; created on first use, closed when the process exits."""
    global _sync_client
    with _lock:
        if _sync_client is None:
            _sync_client = own_sync_client()
            atexit.register(_sync_client.close)
        return _sync_client


def async_client() -> "httpx.AsyncClient":
    """
    The client of the worker's one event loop; created on first use.

    Nothing closes it when the worker exits: its event loop no longer runs by then, and the runtime offers no earlier
    hook. The operating system closes the sockets. The owner of a loop can call ``close_async_client``.
    """
    global _async_client
    if _async_client is None:
        _async_client = own_async_client()
    return _async_client


async def close_async_client() -> None:
    """Close the client of this loop, if there is one; the next use creates a new one."""
    global _async_client
    client, _async_client = _async_client, None
    if client is not None:
        await client.aclose()


def own_sync_client() -> "httpx.Client":
    """A client for one call, configured like the shared one; the caller closes it."""
    import httpx

    from blueprints.deadline_transport import DeadlineTransport

    return httpx.Client(transport=DeadlineTransport(_limits()), **_options())


def own_async_client() -> "httpx.AsyncClient":
    """A client for one call of an ``async def`` handler; the caller closes it."""
    import httpx

    return httpx.AsyncClient(limits=_limits(), **_options())


def _limits() -> "httpx.Limits":
    import httpx

    # The default of httpx is 100, fewer than the threads a worker may have: the pool would become the bottleneck.
    return httpx.Limits(max_connections=1000, max_keepalive_connections=200)


def _options() -> dict[str, Any]:
    from http.cookiejar import CookieJar, DefaultCookiePolicy

    return {
        # A proxy from the environment would make the calls instead of us and bypass the list of allowed hosts.
        "trust_env": False,
        # All callers share the client; a cookie set for one must not be sent for the next.
        "cookies": CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    }


def as_fetch_error(error: Exception, timeout_ms: int) -> FetchError:
    """An exception of httpx as a FetchError, whose message does not contain the url."""
    import httpx

    if isinstance(error, httpx.TimeoutException):
        return FetchTimeoutError(f"timed out after {timeout_ms} ms")
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            return FetchError("name not resolved")
        if isinstance(cause, ConnectionRefusedError):
            return FetchError("connection refused")
    if isinstance(error, UnicodeError):
        return FetchError("the name of a host is not valid")
    return FetchError(label(f"{type(error).__name__}: {error}") if str(error) else type(error).__name__)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """``error`` and every exception behind it: httpx and httpcore wrap them, and asyncio groups one per address."""
    yield error
    for nested in (error.__cause__ or error.__context__, *getattr(error, "exceptions", ())):
        if nested is not None:
            yield from _causes(nested)
