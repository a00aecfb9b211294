"""
An API whose endpoint calls a library without an async form, as FastAPI apps do: in a plain ``def``.

FastAPI runs such an endpoint in a thread, 40 at a time in each process. The app setting THREAD_TOKENS changes that.
"""

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Set the number of threads when the event loop runs: the limiter belongs to it."""
    if tokens := os.environ.get("THREAD_TOKENS"):
        current_default_thread_limiter().total_tokens = int(tokens)
    yield


app = FastAPI(lifespan=lifespan)


@app.get("/report")
def report(ms: int = 100) -> dict[str, int]:
    """Wait as a slow library does."""
    time.sleep(ms / 1000)
    return {"slept_ms": ms}
