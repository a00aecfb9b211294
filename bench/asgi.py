"""The plain ASGI applications that the host is compared with and the app fetches from."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"2")],
}
_BODY = {"type": "http.response.body", "body": b"ok"}


async def noop(scope: object, receive: object, send: Send) -> None:
    """Answer ``ok`` at once."""
    await send(dict(_START))
    await send(dict(_BODY))


async def slow(scope: object, receive: object, send: Send) -> None:
    """Answer ``ok`` after 50 ms."""
    await asyncio.sleep(0.05)
    await send(dict(_START))
    await send(dict(_BODY))
