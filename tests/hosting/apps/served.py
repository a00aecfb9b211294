"""An ASGI and a WSGI app: any path answers the pid; /together waits until four requests are in, /slow for a while."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

SLOW = 1.0
BEGINS = "the slow request begins"
LOADED = "served by"
_together = threading.Barrier(4, timeout=30)


async def asgi(scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Any]) -> None:
    """Without lifespan, as many small apps are."""
    if scope["type"] != "http":
        raise ValueError(f"this app serves http, not {scope['type']}")
    if scope["path"] == "/slow":
        print(BEGINS, file=sys.stderr, flush=True)
        await asyncio.sleep(SLOW)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode()})


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The same on threads."""
    if environ["PATH_INFO"] == "/slow":
        print(BEGINS, file=sys.stderr, flush=True)
        time.sleep(SLOW)
    elif environ["PATH_INFO"] == "/together":
        _together.wait()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]


if __name__ == "served":  # a server has loaded it, and no test
    os.write(2, f"{LOADED} {os.getpid()}\n".encode())  # in one piece, among the lines of other processes
