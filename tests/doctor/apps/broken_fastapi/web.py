from typing import Annotated

import requests
from fastapi import APIRouter, Depends, FastAPI
from redis import Redis

web = FastAPI()
router = APIRouter(prefix="/v1")


async def current_user(token: str) -> dict:
    answer = requests.get("https://users.example", headers={"token": token}, timeout=5)  # fault: blocking-call
    return answer.json()


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
