"""A plain ASGI app: its paths are what it does for 100 ms."""

import asyncio
import time
from pathlib import Path


async def work(path):
    match path:
        case "/awaiting":
            await asyncio.sleep(0.1)
        case "/compute":
            until = time.thread_time() + 0.1
            while time.thread_time() < until:
                pass
        case "/in-a-task":
            await asyncio.create_task(asyncio.sleep(0.1))
        case "/in-a-thread":
            await asyncio.to_thread(time.sleep, 0.1)
        case "/failing":
            raise ValueError("on purpose")


def wait_for(path):
    """Wait until a file exists, for longer than the client waits for an answer."""
    until = time.monotonic() + 60
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.01)


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await work(scope["path"])
    headers = [(b"content-type", b"text/plain"), (b"Server-Timing", b"db;dur=53.2, service;dur=9")]
    await send({"type": "http.response.start", "status": 203, "headers": headers})
    if scope["path"] == "/streamed":
        for _ in range(5):
            await send({"type": "http.response.body", "body": b"part ", "more_body": True})
            await asyncio.sleep(0.1)
        if path := scope["query_string"].decode():
            await asyncio.to_thread(wait_for, Path(path))
    await send({"type": "http.response.body", "body": b"done"})
