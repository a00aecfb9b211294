"""The threads in which a process runs the endpoints that FastAPI leaves to anyio."""

import asyncio

import httpx
import psutil

from functune.timing.header import WORKER, parse

MILLISECONDS = 1000
"""Of a call, so that calls that are sent together meet."""


async def endpoint_threads(client: httpx.AsyncClient, path: str, *, expected: int) -> int:
    """
    The threads that calls of ``path`` have got, each of which waits ``?ms=``, once there are as many as expected.

    Twice as many calls are sent, so a pool that is larger shows. On a busy machine they may not meet: then more are
    sent.
    """
    first = await client.get(path, params={"ms": 0})  # a function app starts with its first call, which has a thread
    call = parse(first.raise_for_status().headers[WORKER], None)
    assert call is not None
    process = psutil.Process(call.pid)
    # A server closes a connection that is idle for a while, maybe just when the next call is sent on it.
    headers = {"connection": "close"}
    others, found = process.num_threads() - 1, 1
    async with asyncio.timeout(60):
        while found < expected:
            calls = (client.get(path, params={"ms": MILLISECONDS}, headers=headers) for _ in range(2 * expected))
            for answer in await asyncio.gather(*calls):
                answer.raise_for_status()
            found = process.num_threads() - others  # an idle thread stays for 10 s
    return found
