import time
from typing import Annotated

import requests
from fastapi import APIRouter, Depends, FastAPI
from redis import Redis

web = FastAPI()


async def throttle() -> None:
    time.sleep(0.01)  # fault: blocking-call


async def checked_token(token: str) -> str:
    time.sleep(0.01)  # fault: blocking-call
    return token


async def current_user(token: str = Depends(checked_token)) -> dict:
    answer = requests.get("https://users.example", headers={"token": token}, timeout=5)  # fault: blocking-call
    return answer.json()


router = APIRouter(prefix="/v1", dependencies=[Depends(throttle)])


def cache():
    return Redis(host="cache")  # fault: client-per-request


@router.get("/orders")
async def orders(user: dict = Depends(current_user)):
    return user


@router.get("/hits")
async def hits(store: Annotated[Redis, Depends(cache)]):
    return store.incr("hits")  # fault: blocking-call


@router.get("/slow")
def slow():
    return requests.get("https://slow.example", timeout=5).json()


web.include_router(router)
