"""The calls of an ASGI server as the host reads and answers them."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import quote

from functune.host.answering import HttpCall
from functune.host.shaping import HttpAnswer, sent_headers

type AsgiScope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class ClientDisconnectedError(Exception):
    """The client disconnected before its request was complete, so there is no one to answer."""


def raw_path_of(scope: AsgiScope) -> str:
    """The path as sent. A server that does not keep it gives the decoded one, which is encoded again."""
    raw = scope.get("raw_path")
    return raw.decode("latin-1") if raw is not None else quote(scope["path"], safe="/%:@!$&'()*+,;=~")


def http_call(scope: AsgiScope, receive: Receive, raw_path: str, path: str) -> HttpCall:
    """The call that the server describes."""
    return HttpCall(
        method=scope["method"],
        scheme=scope["scheme"],
        raw_path=raw_path,
        path=path,
        query=scope["query_string"].decode("latin-1"),
        headers=scope["headers"],
        read_body=lambda: read_body(receive),
    )


async def read_body(receive: Receive) -> bytes:
    """The whole body. Raises ClientDisconnectedError."""
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnectedError
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


async def send_answer(reply: HttpAnswer, method: str, custom_headers: list[tuple[bytes, bytes]], send: Send) -> None:
    """Send an answer. Its body has no Content-Length and is hence chunked, as by the real host."""
    headers, body = sent_headers(reply, method, custom_headers)
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
