"""
Outbound calls: one shared client of each colour per worker, and a capped GET through it.

A client owns a connection pool. One for every call would open a connection for every call, and load the certificate
store each time. ``own_sync_client`` and ``own_async_client`` make that mistake on request, so that it can be measured.
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

# At its default level httpx logs the whole url of every call, function keys included, and each record goes to the host.
logging.getLogger("httpx").setLevel(logging.WARNING)

_lock = threading.Lock()
_sync_client: "httpx.Client | None" = None
_async_client: "httpx.AsyncClient | None" = None


class FetchError(Exception):
    """An outbound call that brought no complete answer; the message says why."""


class FetchTimeoutError(FetchError):
    """It took longer than it was allowed to."""


@dataclass(frozen=True)
class Fetched:
    """The answer to an outbound call: its status and how many body bytes came over the wire."""

    status: int
    bytes: int


class Meter:
    """Counts the body of one call. ``add`` raises FetchError beyond MOST_BYTES, FetchTimeoutError past the deadline."""

    def __init__(self, timeout_ms: int) -> None:
        self._timeout_ms = timeout_ms
        self._deadline = time.monotonic() + timeout_ms / 1000
        self.bytes = 0

    def add(self, chunk: bytes) -> None:
        """Count ``chunk``."""
        self.bytes += len(chunk)
        if self.bytes > MOST_BYTES:
            raise FetchError(f"body larger than {MOST_BYTES} bytes")
        if time.monotonic() > self._deadline:
            raise FetchTimeoutError(f"timed out after {self._timeout_ms} ms")


def fetch_sync(client: "httpx.Client", url: "httpx.URL", allowed: AllowList, timeout_ms: int) -> Fetched:
    """
    GET ``url`` through ``client``, reading its body. Raises FetchError.

    The time-out holds for each phase (connect, write, each read) and for the body as a whole: blocking I/O cannot be
    cut short between, so a server that is slow in every phase can take a few times as long. Resolving the name is
    not bounded at all.
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
    """GET ``url`` through ``client``, reading its body, all within ``timeout_ms``. Raises FetchError."""
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
    The request a redirect asks for, if it stays on the same, allowed host; None when the response is the answer.

    A redirect elsewhere is itself the answer: an allowed host must not be able to send the app where it may not go.
    """
    following = response.next_request
    if following is None or following.url.host != response.url.host or not allowed.permits(following.url):
        return None
    return following


def sync_client() -> "httpx.Client":
    """The worker's client for ``def`` handlers, made on first use, closed when the process exits."""
    global _sync_client
    with _lock:
        if _sync_client is None:
            import httpx

            _sync_client = httpx.Client(**_options())
            atexit.register(_sync_client.close)
        return _sync_client


def async_client() -> "httpx.AsyncClient":
    """
    The client of the worker's one event loop, made on first use.

    Nothing closes it when the worker exits: by then the loop its connections belong to no longer runs, and the
    runtime has no hook before. The operating system closes the sockets. Who runs the loop can call
    ``close_async_client``.
    """
    global _async_client
    if _async_client is None:
        import httpx

        _async_client = httpx.AsyncClient(**_options())
    return _async_client


async def close_async_client() -> None:
    """Close the client of this loop, if there is one; the next use makes a new one."""
    global _async_client
    client, _async_client = _async_client, None
    if client is not None:
        await client.aclose()


def own_sync_client() -> "httpx.Client":
    """A client for one call, configured as the shared one is; the caller closes it."""
    import httpx

    return httpx.Client(**_options())


def own_async_client() -> "httpx.AsyncClient":
    """The same for an ``async def`` handler."""
    import httpx

    return httpx.AsyncClient(**_options())


def _options() -> dict[str, Any]:
    from http.cookiejar import CookieJar, DefaultCookiePolicy

    import httpx

    return {
        # httpx stops at 100, below the number of threads a worker may have: the pool would be the bottleneck measured.
        "limits": httpx.Limits(max_connections=1000, max_keepalive_connections=200),
        # A proxy from the environment would make the calls in our place, and past the list of allowed hosts.
        "trust_env": False,
        # The client is shared by all callers; a cookie set for one must not travel with the next.
        "cookies": CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    }


def as_fetch_error(error: Exception, timeout_ms: int) -> FetchError:
    """What an exception of httpx means, in words without the url."""
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
    """Every exception behind ``error``: httpx wraps what httpcore wrapped, and asyncio groups one for each address."""
    yield error
    for nested in (error.__cause__ or error.__context__, *getattr(error, "exceptions", ())):
        if nested is not None:
            yield from _causes(nested)
