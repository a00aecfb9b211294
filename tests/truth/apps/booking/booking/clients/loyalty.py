import functools
import os

import httpx


@functools.cache
def client() -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=os.environ["PARTNER_URL"], timeout=30)


async def points() -> int:
    answer = await client().get("/one-at-a-time")  # limit: downstream of /api/loyalty
    return len(answer.content)


async def news() -> int:
    answer = await client().get("/slow")
    return len(answer.content)
