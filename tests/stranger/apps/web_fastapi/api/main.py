"""An API with both kinds of endpoints."""

import time
from contextlib import asynccontextmanager

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI

from api.clients.rates import current_rate


@asynccontextmanager
async def lifespan(app: FastAPI):
    """A state that the endpoints need, and no more threads than the old system has places."""
    app.state.base = "EUR"
    current_default_thread_limiter().total_tokens = 4
    yield


app = FastAPI(lifespan=lifespan)


@app.get("/prices/{article}")
async def price(article: int):
    """The price in another currency."""
    return {"article": article, "base": app.state.base, "rate": current_rate()}


@app.get("/archive/{article}")
def archived(article: int):
    """What an old system knows about an article."""
    time.sleep(0.2)
    return {"article": article}
