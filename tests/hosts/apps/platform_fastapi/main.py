"""An ASGI app that the platform of Python 3.14 takes for FastAPI, since this file contains the text: import fastapi."""

import os


async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode()})
