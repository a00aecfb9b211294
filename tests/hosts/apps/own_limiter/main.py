"""An API that sets anyio's limiter itself, in its lifespan."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Set 7 tokens."""
    current_default_thread_limiter().total_tokens = 7
    yield


app = FastAPI(lifespan=lifespan)


@app.get("/tokens")
async def tokens() -> float:
    """The tokens of the limiter."""
    return current_default_thread_limiter().total_tokens


@app.get("/report")
def report(ms: int) -> str:
    """Wait in a thread."""
    time.sleep(ms / 1000)
    return "waited"
