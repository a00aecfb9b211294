"""An ASGI app without a framework, whose answers show what a middleware could change."""

import asyncio
import os


async def app(scope, receive, send):
    """Answers by the path. It refuses a lifespan, as Django does."""
    if scope["type"] != "http":
        raise ValueError(f"this app serves HTTP, not {scope['type']}")
    headers, parts = [(b"content-type", b"text/plain")], [b"plain"]
    status = 200
    match scope["path"]:
        case "/plain":
            headers.append((b"content-length", b"5"))
        case "/twice":
            headers = [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"x-latin", b"caf\xe9")]
        case "/streamed":
            parts = [f"data: {number}\n\n".encode() for number in range(3)]
        case "/echo":
            message = await receive()
            parts = [message["body"]]
            while message.get("more_body"):
                message = await receive()
                parts.append(message["body"])
        case "/pid":
            await asyncio.sleep(0.02)
            parts = [str(os.getpid()).encode()]
        case "/boom":
            raise KeyError("boom")
        case _:
            status = 404
    await send({"type": "http.response.start", "status": status, "headers": headers})
    for part in parts:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def create_app(name="app"):
    """A factory."""
    return globals()[name]
