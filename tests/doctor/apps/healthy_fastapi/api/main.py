import time
from contextlib import asynccontextmanager

import httpx
from fastapi import Depends, FastAPI, Request
from sqlalchemy.orm import Session

from .database import get_session, warm_up


@asynccontextmanager
async def lifespan(web: FastAPI):
    warm_up()
    async with httpx.AsyncClient() as client:
        web.state.client = client
        yield


web = FastAPI(lifespan=lifespan)


@web.get("/items/{item}")
def read_item(item: int, session: Session = Depends(get_session)):
    time.sleep(0.01)
    return session.get(object, item)


@web.get("/weather")
async def weather(request: Request):
    client: httpx.AsyncClient = request.app.state.client
    answer = await client.get("https://weather.example/today")
    return answer.json()
