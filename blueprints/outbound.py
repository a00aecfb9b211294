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
    """Counts the body bytes of one call, and enforces MOST_BYTES and the time-out."""

    def __init__(self, timeout_ms: int) -> None:
        self._timeout_ms = timeout_ms
        self._deadline = time.monotonic() + timeout_ms / 1000
        self.bytes = 0

    def add(self, chunk: bytes) -> None:
        """Count ``chunk``. Raises FetchError above MOST_BYTES, and FetchTimeoutError after the time-out."""
        self.bytes += len(chunk)
        if self.bytes > MOST_BYTES:
            raise FetchError(f"body larger than {MOST_BYTES} bytes")
        if time.monotonic() > self._deadline:
            raise FetchTimeoutError(f"timed out after {self._timeout_ms} ms")


def fetch_sync(client: "httpx.Client", url: "httpx.URL", allowed: AllowList, timeout_ms: int) -> Fetched:
    """
    GET ``url`` through ``client`` and read the body. Raises FetchError.

    The time-out applies to each phase (connect, write, each read) and to the body as a whole. Blocking I/O cannot be
    interrupted, so a server that is slow in every phase can take a few times as long. Name resolution has no time-out.
    """
    import httpx

    meter = Meter(timeout_ms)
    request = client.build_request("GET", url, timeout=timeout_ms / 1000)
    try:
        for _ in range(MOST_REDIRECTS + 1):
            response = client.send(request, stream=True)
            try:
                following = _next_hop(response, allowed)
                if following is None:
                    for chunk in response.iter_raw():
                        meter.add(chunk)
                    return Fetched(response.status_code, meter.bytes)
                request = following
            finally:
                response.close()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise as_fetch_error(error, timeout_ms) from error
    raise FetchError(f"more than {MOST_REDIRECTS} redirects")


async def fetch_async(client: "httpx.AsyncClient", url: "httpx.URL", allowed: AllowList, timeout_ms: int) -> Fetched:
    """GET ``url`` through ``client`` and read the body, all within ``timeout_ms``. Raises FetchError."""
    import httpx

    try:
        return await asyncio.wait_for(_fetch_async(client, url, allowed, timeout_ms), timeout_ms / 1000)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise as_fetch_error(error, timeout_ms) from error
    except asyncio.TimeoutError as error:  # noqa: UP041 - Python 3.10 has two; this name is right in every version
        raise FetchTimeoutError(f"timed out after {timeout_ms} ms") from error


async def _fetch_async(client: "httpx.AsyncClient", url: "httpx.URL", allowed: AllowList, timeout_ms: int) -> Fetched:
    meter = Meter(timeout_ms)
    request = client.build_request("GET", url, timeout=timeout_ms / 1000)
    for _ in range(MOST_REDIRECTS + 1):
        response = await client.send(request, stream=True)
        try:
            following = _next_hop(response, allowed)
            if following is None:
                async for chunk in response.aiter_raw():
                    meter.add(chunk)
                return Fetched(response.status_code, meter.bytes)
            request = following
        finally:
            await response.aclose()
    raise FetchError(f"more than {MOST_REDIRECTS} redirects")


def _next_hop(response: "httpx.Response", allowed: AllowList) -> "httpx.Request | None":
    """
    The request that follows a redirect on the same, allowed host; None when ``response`` is the final one.

    A redirect to another host is final: an allowed host must not be able to send the app to one that is not allowed.
    """
    following = response.next_request
    if following is None or following.url.host != response.url.host or not allowed.permits(following.url):
        return None
    return following


def sync_client() -> "httpx.Client":
    """The worker's client for ``def`` handlers; created on first use, closed when the process exits."""
    global _sync_client
    with _lock:
        if _sync_client is None:
            import httpx

            _sync_client = httpx.Client(**_options())
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
        import httpx

        _async_client = httpx.AsyncClient(**_options())
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

    return httpx.Client(**_options())


def own_async_client() -> "httpx.AsyncClient":
    """A client for one call of an ``async def`` handler; the caller closes it."""
    import httpx

    return httpx.AsyncClient(**_options())


def _options() -> dict[str, Any]:
    from http.cookiejar import CookieJar, DefaultCookiePolicy

    import httpx

    return {
        # The default of httpx is 100, fewer than the threads a worker may have: the pool would become the bottleneck.
        "limits": httpx.Limits(max_connections=1000, max_keepalive_connections=200),
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
    return FetchError(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """``error`` and every exception behind it: httpx and httpcore wrap them, and asyncio groups one per address."""
    yield error
    for nested in (error.__cause__ or error.__context__, *getattr(error, "exceptions", ())):
        if nested is not None:
            yield from _causes(nested)
