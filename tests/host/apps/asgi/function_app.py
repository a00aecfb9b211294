"""An ASGI application behind a catch-all route, as AsgiFunctionApp registers it."""

import asyncio
import time

import azure.functions as func


async def application(scope, receive, send):
    message = await receive()
    if scope["type"] == "lifespan":
        await send({"type": "lifespan.startup.complete"})
        return
    if scope["path"] == "/thread":
        await asyncio.to_thread(time.sleep, 1)
    answer = f"{scope['method']} {scope['path']} {message.get('body', b'').decode()}".encode()
    await send({"type": "http.response.start", "status": 202, "headers": [(b"content-type", b"text/x-asgi")]})
    await send({"type": "http.response.body", "body": answer})


app = func.AsgiFunctionApp(app=application, http_auth_level=func.AuthLevel.ANONYMOUS)
